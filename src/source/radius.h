/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_RADIUS_H
#define MUSTER_SOURCE_RADIUS_H

#include "contract/plugin.h"

/* Event source `radius`: what switches say by RADIUS accounting of who came to which port,
 * is still there, and went (DOMAIN 1.7 point 51, 2.7).
 *
 * Where 802.1X or MAC authentication is on, a switch accounts for every session, and that
 * is the fastest and best word there is on a MAC's place: it names switch and port, it comes
 * within milliseconds, and it is authenticated. Where it is not, this source is left out.
 *
 * Three ways in, in one source:
 *
 * - switches send their accounting to Muster itself, as a second accounting server;
 * - a FreeRADIUS that has it copies it: proxied from a detail file (it repeats until
 *   Muster answers), or by `replicate` (it does not);
 * - FreeRADIUS's SQL table is asked every few seconds (radius_radacct.h).
 *
 * Who may send is either one line of the configuration (`client` and `secret_file`) or a
 * file of clients (radius_client.h), or both. Everything that happens to a packet is in
 * radius_server.h; packets in wire/radius.h, records in wire/radius_accounting.h.
 *
 * Sockets are opened in `start`, before privileges are dropped; 1813 needs none. Without
 * `listen` the source listens at every address of both families, and a machine without
 * IPv6 is no error. Secrets are read when the source is made: a reload reads them again. */

extern const struct event_source_class event_radius;

/* Returns the port that the source listens at, for tests that bind port 0. */
uint16_t event_radius_port(const void *state);

#endif
