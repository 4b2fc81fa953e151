/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_SWITCH_NAMES_H
#define MUSTER_DAEMON_SWITCH_NAMES_H

#include <stddef.h>

#include "base/ip.h"
#include "model/forwarding.h"
#include "model/record.h"

/* Which configured switch somebody means who knows its address or what it calls itself.
 *
 * A trap comes from an address, an accounting record carries NAS-IP-Address and
 * NAS-Identifier, and the judge knows switches by their configured names. Three places say
 * who is who: the observed sources (name and agent's address), the records' table of
 * switches (name and address), and the devices themselves (sysName). An address is trusted
 * before a name, and a configured address before a recorded one; a sysName also answers to
 * its part before the first dot, unless two switches share that. Case does not matter.
 *
 * A name that was handed out stays where it is as long as all of this, so that event sources
 * may keep it. Look-up is a binary search; sorting waits for the first one. */

struct switch_names;

/* Returns an index that knows nobody; yours to free. */
struct switch_names *switch_names_new(void);
void switch_names_free(struct switch_names *names); /* NULL is allowed */

/* Forgets who is who, not the names themselves. */
void switch_names_reset(struct switch_names *names);

/* Adds that `name` (at most LIMIT_NAME_BYTES) is configured with `address` ("192.0.2.1",
 * "[2001:db8::1]:1161", a host name, NULL). */
void switch_names_configure(struct switch_names *names, const char *name, const char *address);

/* Adds what a round found out: the records' switches with addresses, the tables' sysNames.
 * Switches that are not configured are known by their recorded name. */
void switch_names_learn(struct switch_names *names, const struct record_set *const *records,
                        size_t record_count, const struct forward_table *const *tables,
                        size_t table_count);

/* Returns the switch's name, NULL when nobody is meant; `address` and `called` may be NULL. */
const char *switch_names_find(struct switch_names *names, const struct ip *address,
                              const char *called);

#endif
