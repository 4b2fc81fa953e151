/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_ANNOUNCE_H
#define MUSTER_SOURCE_ANNOUNCE_H

#include "contract/plugin.h"

/* Event source "announce": stations that say, unasked, where they are, on a mirror port
 * or in a capture file (DOMAIN 2.10 point 7; wire/announcement.h).
 *
 * A live migration ends with the guest's announcement from its new place, milliseconds
 * before any forward table is read and seconds to minutes before an inventory knows it.
 * So an announcement opens a migration window and asks for a probe. It does not say
 * at which port: a mirror shows frames, not where they came in; `switch` and `port` name
 * the mirrored port when there is only one.
 *
 * With `census: yes` the source of every frame counts: an address that was not heard
 * before is an event, and so is, every `again`, one that still talks. That shows guests
 * that no table holds yet, and refreshes those that are known.
 *
 * Anyone on the network can send an announcement in another's name, so its worth is
 * "heard" for the sender's own address and "hint" where frame and announcement
 * disagree. Repeated ones (hypervisors send five) are told once a second. A flood of invented
 * addresses meets bounded memory and a bounded rate (mac_census.h), and counters that
 * say what was left out. */
extern const struct event_source_class event_announce;

#endif
