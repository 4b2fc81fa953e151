/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_TRAP_MAC_H
#define MUSTER_WIRE_TRAP_MAC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "wire/trap_event.h"

/* MAC notifications: what a switch's forward table learnt, lost or moved, as every
 * vendor says it in its own way (DOMAIN 2.6).
 *
 * There is no standard. One family packs fixed-size tuples into one octet string:
 * Cisco 11 octets, Juniper's EX series 13, Juniper's ELS the same 13 in another order,
 * H3C 12 or 14, D-Link between 10 and 13 with a zero behind each. The length decides
 * nothing: the notification's OID does, and only where one OID stands for several
 * layouts (D-Link's, which differ by model) are they tried in turn against the zeroes
 * that must stand between the tuples. The other family sends one change a trap in
 * separate varbinds: ProCurve, Aruba CX, Extreme, Arista, Cisco's and H3C's moves,
 * Huawei's flapping alarm. Both are one table of data in trap_mac.c; a new vendor is
 * a new row.
 *
 * What is taken: whole tuples only. An operation 0 ends a string (what follows is
 * padding); octets after the last whole tuple are counted as trailing; a tuple whose
 * operation is unknown or whose MAC can be no station's is counted as rejected and
 * gives nothing. Removed and aged are the same to us. Port 0 means "does not apply".
 *
 * The time of a tuple is not the time of the trap: switches buffer for up to a minute.
 * Nothing here is proof; see source/snmp_trap.
 *
 * Attacks: all lengths are those of the decoded varbinds, each step consumes at least
 * one octet or varbind, nothing is allocated. */

struct trap_mac_rule;

/* Returns how the notification with this OID ("1.3.6.1.4.1.9.9.215.2.0.1") is read,
 * NULL when it is no MAC notification that is known. */
const struct trap_mac_rule *trap_mac_find(const char *oid);

/* Returns the notification's name in its MIB, NULL where the rule is for a whole branch. */
const char *trap_mac_name(const struct trap_mac_rule *rule);

struct trap_mac_reader {
    const struct trap_mac_rule *rule;
    struct ber_reader varbinds;
    const void *layout; /* of the tuples; NULL: between octet strings */
    struct ber_reader tuples;
    bool done;
    uint32_t trailing; /* octets behind the last whole tuple */
    uint32_t rejected; /* tuples or changes that make no sense */
};

/* Begins to read the changes out of `varbinds`, which are well-formed and live as
 * long as the reader. */
void trap_mac_start(struct trap_mac_reader *reader, const struct trap_mac_rule *rule,
                    struct ber_reader varbinds);

/* Reads the next change. Returns false at the end; the counts are then final. */
bool trap_mac_next(struct trap_mac_reader *reader, struct trap_event *ret) MUST_USE;

/* Whether the dotted `oid` is `prefix` or lies below it; then *ret_instance (may be
 * NULL) is what follows the prefix and its dot, "" for nothing. */
bool trap_oid_under(const char *oid, const char *prefix, const char **ret_instance);

/* Returns the first sub-identifier of a dotted instance, 0 for none or too large. */
uint32_t trap_oid_number(const char *instance);

enum { TRAP_OID_TEXT = 192 };

/* Writes an OID's content octets dotted; "" for a malformed one or one that is longer
 * than any that we know. */
void trap_oid_text(const uint8_t *oid, size_t length, char buffer[static TRAP_OID_TEXT]);

#endif
