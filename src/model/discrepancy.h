/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_MODEL_DISCREPANCY_H
#define MUSTER_MODEL_DISCREPANCY_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/ip.h"
#include "base/mac.h"
#include "base/text.h"

/* A discrepancy: what the records and the network say differently about one
 * subject, with the proof (DOMAIN part 3; output fields of DESIGN section 6). It
 * is what the judge says in one round; its life across rounds, from suspected to
 * closed, is the case's and stands in the store. */

enum severity { SEVERITY_INFO, SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH, SEVERITY_CRITICAL };

/* word, enumerator, severity as delivered, what it makes `muster audit` return. Those
 * after audit_gap need events; new ones come last, so that verdicts keep their order. */
#define DISCREPANCY_KINDS(KIND)                                                                    \
    KIND("unknown_guest", DISCREPANCY_UNKNOWN_GUEST, SEVERITY_HIGH, EXIT_FOUND)                    \
    KIND("wrong_location", DISCREPANCY_WRONG_LOCATION, SEVERITY_MEDIUM, EXIT_FOUND)                \
    KIND("duplicate_guest", DISCREPANCY_DUPLICATE_GUEST, SEVERITY_CRITICAL, EXIT_FOUND)            \
    KIND("off_but_seen", DISCREPANCY_OFF_BUT_SEEN, SEVERITY_HIGH, EXIT_FOUND)                      \
    KIND("silent", DISCREPANCY_SILENT, SEVERITY_MEDIUM, EXIT_FOUND)                                \
    KIND("nic_silent", DISCREPANCY_NIC_SILENT, SEVERITY_INFO, EXIT_CLEAN)                          \
    KIND("hypervisor_moved", DISCREPANCY_HYPERVISOR_MOVED, SEVERITY_HIGH, EXIT_FOUND)              \
    KIND("hypervisor_silent", DISCREPANCY_HYPERVISOR_SILENT, SEVERITY_CRITICAL, EXIT_FOUND)        \
    KIND("wrong_vlan", DISCREPANCY_WRONG_VLAN, SEVERITY_MEDIUM, EXIT_FOUND)                        \
    KIND("non_hypervisor_port", DISCREPANCY_NON_HYPERVISOR_PORT, SEVERITY_HIGH, EXIT_FOUND)        \
    KIND("mac_flap", DISCREPANCY_MAC_FLAP, SEVERITY_HIGH, EXIT_FOUND)                              \
    KIND("inventory_conflict", DISCREPANCY_INVENTORY_CONFLICT, SEVERITY_MEDIUM, EXIT_FOUND)        \
    KIND("recorded_gap", DISCREPANCY_RECORDED_GAP, SEVERITY_INFO, EXIT_CLEAN)                      \
    KIND("audit_gap", DISCREPANCY_AUDIT_GAP, SEVERITY_MEDIUM, EXIT_NOT_OBSERVED)                   \
    KIND("unexpected_stop", DISCREPANCY_UNEXPECTED_STOP, SEVERITY_MEDIUM, EXIT_FOUND)              \
    KIND("session_expired", DISCREPANCY_SESSION_EXPIRED, SEVERITY_LOW, EXIT_FOUND)                 \
    KIND("switch_flush", DISCREPANCY_SWITCH_FLUSH, SEVERITY_INFO, EXIT_CLEAN)                      \
    KIND("wrong_subnet", DISCREPANCY_WRONG_SUBNET, SEVERITY_MEDIUM, EXIT_FOUND)                    \
    KIND("unknown_mobile", DISCREPANCY_UNKNOWN_MOBILE, SEVERITY_HIGH, EXIT_FOUND)                  \
    KIND("unknown_agent", DISCREPANCY_UNKNOWN_AGENT, SEVERITY_HIGH, EXIT_FOUND)

enum discrepancy_kind {
#define KIND(word, name, severity, exit) name,
    DISCREPANCY_KINDS(KIND)
#undef KIND
        DISCREPANCY_KIND_COUNT
};

/* Exit statuses of `muster audit`, DESIGN section 5. */
enum audit_exit { EXIT_CLEAN = 0, EXIT_FOUND = 1, EXIT_USAGE = 2, EXIT_NOT_OBSERVED = 3 };

enum verdict_state { VERDICT_SUSPECTED, VERDICT_CONFIRMED };

/* Returns the word for `kind`; never NULL. */
const char *discrepancy_word(enum discrepancy_kind kind);
/* Returns the kind that `word` names, DISCREPANCY_KIND_COUNT when none. */
enum discrepancy_kind discrepancy_parse(const char *word);
enum severity discrepancy_severity(enum discrepancy_kind kind);
enum audit_exit discrepancy_exit(enum discrepancy_kind kind);
/* Whether a polling round alone can find the kind; the others need events. */
bool discrepancy_polled(enum discrepancy_kind kind);
const char *severity_word(enum severity severity);
const char *verdict_state_word(enum verdict_state state);

/* A switch port by name, for output and storage. Texts are "" or NULL = absent. */
struct named_place {
    const char *switch_name, *port;
};

/* One observation offered as proof. */
struct observed_place {
    struct named_place place;
    const char *vlan;     /* "10", "10|20", "" not known */
    struct wall from, to; /* the interval in which it proves a frame was read */
    const char *source;   /* type word of the source: "snmp", "linux_bridge" ... */
};

/* One piece of the chain that `muster why` prints. */
struct evidence {
    const char *what; /* "recorded", "observed", "heard", "receipt", "arithmetic", "rule" */
    const char *source;
    struct wall at;   /* when it was read or said */
    const char *text; /* one sentence with the figures */
};

/* Who it is about: the fields that apply, the others NULL / MAC_NONE / IP_NONE (DESIGN
 * section 8 point 3). */
struct subject {
    const char *guest, *uuid, *hypervisor, *switch_name, *source, *port;
    struct mac mac;
    struct ip address; /* home address of a mobile node, address of a home agent */
};

/* A discrepancy as reported: everything by name, nothing by index, so that it
 * outlives the world it was judged in. All memory belongs to one arena. */
struct discrepancy {
    enum discrepancy_kind kind;
    enum verdict_state state;
    enum severity severity;
    const char *domain;   /* bridge domain: "default/10" */
    const char *identity; /* kind + subject + domain, the case's key: never the port */
    struct subject subject;
    const struct mac *macs; /* the guest's NICs concerned */
    size_t mac_count;
    const char *const *expected_hypervisors;
    size_t expected_hypervisor_count;
    const struct named_place *expected;
    size_t expected_count;
    const struct observed_place *observed;
    size_t observed_count;
    const struct evidence *evidence;
    size_t evidence_count;
    const char *why;            /* one sentence */
    const char *would_prove;    /* what would confirm a suspicion; "" when confirmed */
    const char *const *members; /* of a collective discrepancy: the subjects it lists */
    size_t member_count;
    const char *run_state; /* recorded word; NULL */
};

/* Copies `from` with every text and list into `arena`: what is handed to another thread, or
 * outlives the world that it was judged in, must borrow nothing. `ret` may be `from`. */
void discrepancy_copy(const struct discrepancy *from, struct arena *arena, struct discrepancy *ret);

struct not_observable {
    const char *guest, *hypervisor, *why;
};

#endif
