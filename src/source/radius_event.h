/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_RADIUS_EVENT_H
#define MUSTER_SOURCE_RADIUS_EVENT_H

#include "base/ip.h"
#include "model/event.h"
#include "wire/radius_accounting.h"

/* What a record of RADIUS accounting means as an event (DOMAIN 1.7, 2.7): its kind, why a
 * session ended, how long it holds, whether an address can be a switch's. Pure: the record
 * in, a value out; which switch, which port and what is a repetition the server finds
 * (radius_server.h). The words of causes are those of RFC 2866 section 5.10. Records come
 * verified; a value that cannot be (an interval of no time) says nothing here. */

/* Returns the kind of event that a status makes, EVENT_KIND_COUNT for none. */
enum event_kind radius_event_kind(enum radius_status status);

/* Returns why the sessions ended, in words that live for ever; NULL: not said. */
const char *radius_event_cause(const struct radius_accounting *record);

/* Returns how long the session holds without a further word, by its Acct-Interim-Interval; 0: not
 * said. Intervals below a minute, which the RFC forbids, are not believed. */
struct span radius_event_lifetime(const struct radius_accounting *record);

/* Whether `address` is one that a NAS gives itself for want of its own: 0.0.0.0, a loopback. */
bool radius_event_nobodys(const struct ip *address);

#endif
