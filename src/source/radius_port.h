/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_RADIUS_PORT_H
#define MUSTER_SOURCE_RADIUS_PORT_H

#include "base/err.h"
#include "wire/radius_accounting.h"

/* From what a switch calls a port in RADIUS to what its forward table and the record call
 * it (DOMAIN 2.7 point 4): a rule a client, because every make has its own way.
 *
 * NAS-Port-Id is a text that is mostly the interface's name; NAS-Port a number that is
 * mostly its ifIndex, sometimes a number made of slot and port by arithmetic or bits, and
 * sometimes nothing at all. A rule is one of
 *
 *     auto            NAS-Port-Id, else "#" and NAS-Port (an ifIndex); the default
 *     id              NAS-Port-Id only
 *     number          "#" and NAS-Port, whatever NAS-Port-Id says
 *     TEMPLATE        a text with {n...}: NAS-Port put through arithmetic
 *     REGEX=>TEMPLATE NAS-Port-Id matched by an extended regular expression; \1 to \9 in the
 *                     template are its groups; {n...} works here too
 *
 * In {n...} constants follow operators from left to right, without precedence: + - * / %
 * & > (shift right). Cisco's 50112, unit 1 port 12, is "Gi{n/100%10}/0/{n%100}"; Comware's
 * slot:8 subslot:4 port:8 vlan:12 is "GigabitEthernet{n>24}/{n>20&15}/{n>12&255}"; a port
 * number that lies 10100 below its ifIndex is "#{n+10100}". A template that begins with
 * "#" names an ifIndex, as everywhere in Muster.
 *
 * A rule that does not fit a record gives no port and not a guess: the session then has a
 * switch and no port, and says so in the counters. Rules are compiled once; applying one is a
 * copy, or a match of at most 253 octets. Limits: a rule has at most RADIUS_PORT_RULE
 * octets, its result RADIUS_TEXT_SIZE. The rule is the operator's, the texts are the
 * network's: whatever they hold is made printable before it is looked at. */

enum { RADIUS_PORT_RULE = 255 };

struct radius_port_rule;

/* Compiles `text` (NULL or "": auto). Returns the rule, yours to free, or NULL with `err`. */
struct radius_port_rule *radius_port_rule_new(const char *text, struct err *err) MUST_USE;
void radius_port_rule_free(struct radius_port_rule *rule); /* NULL is allowed */

/* Writes the port of `record` by `rule` to `buffer`, "" when it names none; returns
 * `buffer`. */
char *radius_port_apply(const struct radius_port_rule *rule, const struct radius_accounting *record,
                        char buffer[static RADIUS_TEXT_SIZE]);

#endif
