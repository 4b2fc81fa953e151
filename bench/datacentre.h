/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_BENCH_DATACENTRE_H
#define MUSTER_BENCH_DATACENTRE_H

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
 * are, never repeated, 16.7 million at most (LIMIT: datacentre_init refuses
 * more). Rows lie grouped by switch and in order of MAC within it, as a walk of
 * dot1dTpFdbPort returns them. */

enum datacentre_fault {
    DATACENTRE_RIGHT,
    DATACENTRE_QUIET, /* recorded off, not seen: no discrepancy */
    DATACENTRE_WRONG,
    DATACENTRE_OFF_SEEN,
    DATACENTRE_SILENT
};

enum {
    DATACENTRE_GUESTS_MAX = 16000000,
    DATACENTRE_GUESTS_PER_HYPERVISOR = 50,
    DATACENTRE_HYPERVISORS_PER_PAIR = 40,
    DATACENTRE_FAULT_STRIDE = 200, /* one fault of each kind in so many guests */
    DATACENTRE_TEXT_SIZE = 24
};

/* Every row was read at this second, every recorded state holds since a day before. */
#define DATACENTRE_READ_AT     INT64_C(1767312000) /* 2026-01-02T00:00:00Z */
#define DATACENTRE_STATE_SINCE INT64_C(1767225600) /* 2026-01-01T00:00:00Z */

struct datacentre {
    uint32_t guests, hypervisors, switches;
    uint32_t unknown, wrong, off_seen, silent; /* what a right audit finds */
    uint32_t rows;
    uint64_t seed;
};

struct datacentre_guest {
    uint64_t mac;
    uint32_t hypervisor;
    uint16_t vlan;
    bool on;
    enum datacentre_fault fault;
};

struct datacentre_row {
    uint64_t mac;
    uint32_t switch_number; /* from 0 */
    uint16_t port;          /* from 1 */
    uint16_t vlan;
};

struct datacentre_attachment {
    uint64_t nic_mac;
    uint32_t hypervisor, switch_number;
    uint16_t port;
};

/* Works out the sizes of the data centre of `guests` guests. Returns false when
 * `guests` is 0 or above DATACENTRE_GUESTS_MAX. */
bool datacentre_init(struct datacentre *centre, uint32_t guests, uint64_t seed);

/* Returns guest `number` (below centre->guests). */
struct datacentre_guest datacentre_guest(const struct datacentre *centre, uint32_t number);

/* Returns the attachment of `hypervisor` on the first (side 0) or second
 * (side 1) switch of its pair. */
struct datacentre_attachment datacentre_attachment(const struct datacentre *centre,
                                                   uint32_t hypervisor, unsigned side);

/* Returns the centre->rows forward entries, grouped by switch; yours to free(). */
struct datacentre_row *datacentre_rows(const struct datacentre *centre);

/* Names as they stand in the CSV files; each returns `buffer`. */
char *datacentre_guest_name(uint32_t number, char buffer[static DATACENTRE_TEXT_SIZE]);
char *datacentre_hypervisor_name(uint32_t number, char buffer[static DATACENTRE_TEXT_SIZE]);
char *datacentre_switch_name(uint32_t number, char buffer[static DATACENTRE_TEXT_SIZE]);
char *datacentre_port_name(uint16_t port, char buffer[static DATACENTRE_TEXT_SIZE]);

#endif
