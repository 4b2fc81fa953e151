/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_AUDIT_MOBILE_H
#define MUSTER_AUDIT_MOBILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit/subnet.h"
#include "audit/world.h"
#include "base/mac.h"
#include "model/discrepancy.h"

/* Judging a mobile node: an identity that is an IPv6 home address, whose place is the
 * subnet of its care-of address (DOMAIN 1.7 steps S2 to S4, E1, X1; 1.8, column IPv6). Pure,
 * as all judging: the records' index, one question, one answer with the rows behind it. Whoever
 * asks makes words of it.
 *
 * Arrival (a binding came, moved or was refreshed):
 *   S2  Is it recorded? By its home address in the CMDB, the data-centre model, the `ip` column
 *       of the inventory or a switch's address; by its home prefix where only that is
 *       announced (Proxy Mobile IPv6); by the MAC of its link-layer id (F20). Else
 *       `unknown_mobile`, and nothing more is asked of it.
 *   -   Is its home agent recorded? By the configured list or any recorded address, else
 *       `unknown_agent`. That is said of the agent whether the node is known or not.
 *   S3  Does the care-of address lie in a subnet recorded for the guest? Else `wrong_subnet`.
 *       A guest without recorded subnet is a `recorded_gap`. The answer names the subnet that the
 *       care-of address does lie in: the longest recorded match, else 64 bits, marked assumed
 *       (F18).
 *   S4  Is it recorded as one that should not communicate: `off_but_seen`. Only where S3 had
 *       nothing to report (F4): there the state is part of that report. The state is what CMDB
 *       and data-centre model say; where they say nothing and the guest was joined
 *       to the inventory, what that says; where nobody does, or they contradict each other,
 *       the test is left out and counts as passed (1.8).
 * Stop and expiry: recorded as one that should communicate, and no other live session of
 * it: `unexpected_stop`, `session_expired`. An identity without record says nothing (F21). The
 * retroactive off_but_seen of F1(b) needs times and is the caller's: `state` is here.
 *
 * Honesty: where no source has a table that could know (no CMDB, no data-centre model, no
 * address at all), or a recorded source could not be read, "not recorded" is not
 * observable and `unobservable` says why. Several guests recorded with one address: the one
 * whose subnets fit is meant, so that a double entry silences and never accuses.
 *
 * Attacks: addresses, lifetimes and prefix lengths come from packets that anyone may forge.
 * No work depends on them beyond binary searches and MOBILE_CANDIDATES guests; a home
 * prefix of length 0 finds no more than that. That a forged packet opens no case by
 * itself is the caller's business: this module says what would follow if it were true. */

enum { MOBILE_CANDIDATES = 64, MOBILE_FINDINGS = 4 };

enum mobile_trigger { MOBILE_ARRIVAL, MOBILE_STOP, MOBILE_EXPIRY };

/* How the node was found in the records. */
enum mobile_join {
    MOBILE_JOIN_NONE,
    MOBILE_JOIN_ADDRESS, /* its home address is recorded */
    MOBILE_JOIN_PREFIX,  /* an address in its home prefix is */
    MOBILE_JOIN_MAC      /* its link-layer id is a guest's NIC */
};

/* What judging is done with; everything is borrowed. */
struct mobile_records {
    const struct subnet_index *index; /* of world_input.records, in that order */
    const struct world *world;        /* for MACs and the inventory's state; NULL: without */
    const struct ip *agents;          /* configured home agents and mobility anchors */
    size_t agent_count;
    const char *unread; /* a recorded source that could not be read; NULL: all were */
};

struct mobile_question {
    enum mobile_trigger trigger;
    struct ip_prefix home; /* 128 bits: an address; fewer: a home prefix; IP_NONE: not known */
    struct mac mac;        /* link-layer id, MAC_NONE */
    struct ip care_of;     /* IP_NONE: not known */
    struct ip agent;       /* home agent or anchor; IP_NONE: not known, or a correspondent */
    unsigned others;       /* other live sessions of it; of stop and expiry */
};

struct mobile_answer {
    enum discrepancy_kind findings[MOBILE_FINDINGS]; /* in the order of the steps */
    unsigned finding_count;
    enum mobile_join join;
    const char *guest;          /* its name; NULL: not found, or a row without guest */
    uint32_t number;            /* of the guest in the index, SUBNET_NONE */
    uint32_t nic;               /* a NIC of it in the world, UINT32_MAX */
    struct record_ref found;    /* the row that has its address; of a MAC the inventory's */
    enum tristate communicates; /* should it? UNKNOWN: nobody says, or they contradict */
    enum run_state state;       /* what says so; RUN_STATE_UNKNOWN */
    struct record_ref state_row;
    bool states_differ;
    struct ip_prefix subnet; /* that the care-of address lies in; bits 0: not known */
    bool subnet_assumed;     /* its length is a guess */
    const struct subnet_prefix *subnet_recorded; /* a row that has it; NULL: none */
    const struct subnet_prefix *expected;        /* recorded for the guest */
    size_t expected_count;
    const struct subnet_prefix *matched; /* the longest of these around the care-of address */
    const char *unobservable;            /* why something that is missing was not reported; NULL */
};

/* Judges one event of a mobile node. Texts and rows of the answer are borrowed from
 * `records`. */
struct mobile_answer mobile_judge(const struct mobile_records *records,
                                  const struct mobile_question *question);

/* Returns whether `agent` is a recorded or configured one. */
bool mobile_agent_is_known(const struct mobile_records *records, const struct ip *agent);

/* Returns the numbers of the guests in the index that have an address in `home`, in order
 * and each once: to touch the sessions of their NICs when the address is heard (F20), at
 * most `room`. */
size_t mobile_guests(const struct subnet_index *index, const struct ip_prefix *home,
                     uint32_t *ret_numbers, size_t room);

#endif
