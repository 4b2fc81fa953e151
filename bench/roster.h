/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_BENCH_ROSTER_H
#define MUSTER_BENCH_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One generated data centre for every program of the sweep benchmark.
 *
 * All programs that are compared (Muster's sweep, SQL engines, hash probes)
 * must judge the same guests and rows and must find the same numbers of
 * discrepancies, so there is one generator: a pure function of (guests, seed).
 *
 * Shape: 50 guests a hypervisor, 40 hypervisors on a pair of switches; each
 * hypervisor has one NIC and one port on either switch of its pair and a guest
 * is seen behind one of the two. So a switch holds about 1,000 rows whatever
 * the size, as PERFORMANCE's worlds do. Of every 200 guests one is seen on
 * another pair of switches (wrong), one is recorded off and seen (off_seen),
 * one is recorded on and never seen (silent), and beside them one MAC that no
 * record knows is seen (unknown). A twentieth of the guests is off and quiet.
 * No switch gets more than 10 faults of a kind, so that no storm is collapsed.
 *
 * MACs are 52:54:00 plus a keyed permutation of 24 bits: scattered as real ones
 * are, never repeated, 16.7 million at most (LIMIT: roster_init refuses
 * more). Rows lie grouped by switch and in order of MAC within it, as a walk of
 * dot1dTpFdbPort returns them. */

enum roster_fault {
    ROSTER_RIGHT,
    ROSTER_QUIET, /* recorded off, not seen: no discrepancy */
    ROSTER_WRONG,
    ROSTER_OFF_SEEN,
    ROSTER_SILENT
};

enum {
    ROSTER_GUESTS_MAX = 16000000,
    ROSTER_GUESTS_PER_HYPERVISOR = 50,
    ROSTER_HYPERVISORS_PER_PAIR = 40,
    ROSTER_FAULT_STRIDE = 200, /* one fault of each kind in so many guests */
    ROSTER_TEXT_SIZE = 24
};

/* Every row was read at this second, every recorded state holds since a day before. */
#define ROSTER_READ_AT     INT64_C(1767312000) /* 2026-01-02T00:00:00Z */
#define ROSTER_STATE_SINCE INT64_C(1767225600) /* 2026-01-01T00:00:00Z */

struct roster {
    uint32_t guests, hypervisors, switches;
    uint32_t unknown, wrong, off_seen, silent; /* what a right audit finds */
    uint32_t rows;
    uint64_t seed;
};

struct roster_guest {
    uint64_t mac;
    uint32_t hypervisor;
    uint16_t vlan;
    bool on;
    enum roster_fault fault;
};

struct roster_row {
    uint64_t mac;
    uint32_t switch_number; /* from 0 */
    uint16_t port;          /* from 1 */
    uint16_t vlan;
};

struct roster_attachment {
    uint64_t nic_mac;
    uint32_t hypervisor, switch_number;
    uint16_t port;
};

/* Works out the sizes of the data centre of `guests` guests. Returns false when
 * `guests` is 0 or above ROSTER_GUESTS_MAX. */
bool roster_init(struct roster *roster, uint32_t guests, uint64_t seed);

/* Returns guest `number` (below roster->guests). */
struct roster_guest roster_guest(const struct roster *roster, uint32_t number);

/* Returns the attachment of `hypervisor` on the first (side 0) or second
 * (side 1) switch of its pair. */
struct roster_attachment roster_attachment(const struct roster *roster, uint32_t hypervisor,
                                           unsigned side);

/* Returns the roster->rows forward entries, grouped by switch; yours to free(). */
struct roster_row *roster_rows(const struct roster *roster);

/* Names as they stand in the CSV files; each returns `buffer`. */
char *roster_guest_name(uint32_t number, char buffer[static ROSTER_TEXT_SIZE]);
char *roster_hypervisor_name(uint32_t number, char buffer[static ROSTER_TEXT_SIZE]);
char *roster_switch_name(uint32_t number, char buffer[static ROSTER_TEXT_SIZE]);
char *roster_port_name(uint16_t port, char buffer[static ROSTER_TEXT_SIZE]);

#endif
