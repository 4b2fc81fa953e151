/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_MOBILE_IP_H
#define MUSTER_SOURCE_MOBILE_IP_H

#include "contract/plugin.h"

/* Event source "mobile_ip": who is mobile, and where, out of the Mobile IPv6 signalling
 * on a mirror port or in a capture file (DOMAIN 1.7 points 51 to 55, 2.8).
 *
 * An identity is a home address (with Proxy Mobile IPv6 also the MAC that its gateway
 * names), a location the care-of address. A node that becomes mobile or changes its
 * care-of address is a start, one that deregisters a stop, everything that proves its
 * binding between them an update with the lifetime that is left: what the rules of
 * binding_cache.h make of the messages that wire/binding.h reads.
 *
 * Frames are followed through VLAN tags, ERSPAN, GRE and IP tunnels. Registrations that
 * ESP protects are inferred from what stays in the clear. The destination options of
 * the drafts before RFC 3775 are read when `legacy_draft` says so.
 *
 * What is heard is proof of the worth "heard": whoever can send on the mirrored network
 * can forge it, so nothing is acted on by it alone. Home agents are learnt from home
 * registrations, from home agent discovery (ICMPv6 144 to 147), from Router
 * Advertisements with the H flag, and from the option `home_agents`.
 *
 * Limits: what is encrypted beyond the headers stays unknown; fragments other than the
 * first are not put together; memory is bounded (LIMIT_BINDINGS), frames that the
 * kernel drops are counted. Home addresses are invented as easily as frames: of all events
 * LIMIT_BINDING_EVENTS a second are told, each home network having its share
 * (fair_rate.h); what is over that is counted and told with its next proof. */
extern const struct event_source_class event_mobile_ip;

#endif
