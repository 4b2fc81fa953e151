/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_RADIUS_CLIENT_H
#define MUSTER_SOURCE_RADIUS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/ip.h"
#include "source/radius_port.h"

/* Who may send accounting, with which secret, and what its names mean.
 *
 * A client is an address or a prefix: a switch, a wireless controller, a FreeRADIUS that
 * forwards. The longest prefix that holds the sender's address decides; who is in none is
 * not answered and not believed, before any digest is computed.
 *
 * The file: CSV as everywhere in Muster (wire/csv.h), the first row naming the columns:
 *
 *     address      192.0.2.7, 192.0.2.0/24, 2001:db8::/64; needed
 *     secret_file  a file whose first line is the shared secret, relative to this file's
 *                  folder; needed
 *     switch       the switch that the client is: whatever it calls itself, its sessions
 *                  are there. Empty: found by its address, else by what the records say,
 *                  as a server that forwards for many switches needs
 *     ports        rule from NAS-Port-Id and NAS-Port to a port (radius_port.h)
 *     require_message_authenticator   yes or no; empty: the source's option
 *     name         for messages; else the address
 *
 * Other columns are ignored. Secrets are read once, when the source is made; they are
 * wiped when it goes. An error names file and line, never a secret.
 *
 * Limits: LIMIT_RADIUS_CLIENTS rows. Lookup: the table is sorted by length of prefix and
 * address, so it costs one binary search for each length that occurs; the client of the
 * last packet is tried first, because packets of one switch come in rows. Attacks: a
 * sender's address can be forged on UDP, so being in the table earns a digest and no more;
 * two clients with the same prefix are an error, not a guess. */

struct radius_client {
    struct ip_prefix prefix;
    char *secret; /* at most LIMIT_RADIUS_SECRET octets */
    size_t secret_length;
    char *switch_name; /* NULL: not bound */
    char *name;
    bool demand; /* a Message-Authenticator */
    struct radius_port_rule *rule;
};

struct radius_clients {
    struct radius_client *items; /* longest prefixes first, then by address */
    size_t count, capacity;
    size_t last;    /* the one that was found last */
    size_t exposed; /* how many secrets every user of this machine may read */
};

/* What a client is made of; the texts are copied. */
struct radius_client_spec {
    struct ip_prefix prefix;
    const char *secret, *switch_name, *ports, *name;
    bool demand;
};

/* Adds a client to a table that began zeroed. Returns 0, ERR_SYNTAX (port rule), ERR_RANGE
 * (secret) or ERR_LIMIT. */
int radius_clients_add(struct radius_clients *clients, const struct radius_client_spec *spec,
                       struct err *err) MUST_USE;

/* Adds the clients of the file at `path`; `demand` is the source's option. Returns 0, or an
 * error that names file and line. */
int radius_clients_load(struct radius_clients *clients, const char *path, bool demand,
                        struct err *err) MUST_USE;

/* Returns whether a secret's file that the file at `path` names was changed after `then`, or is
 * gone. */
bool radius_clients_changed(const char *path, struct wall then);

/* Makes the table ready for lookups. Returns 0, or ERR_RANGE when two clients have the same
 * prefix. */
int radius_clients_sort(struct radius_clients *clients, struct err *err) MUST_USE;

/* Returns the client that `from` belongs to, NULL when it belongs to none. */
const struct radius_client *radius_clients_find(struct radius_clients *clients,
                                                const struct ip *from);

/* Wipes the secrets and frees the table. */
void radius_clients_done(struct radius_clients *clients);

#endif
