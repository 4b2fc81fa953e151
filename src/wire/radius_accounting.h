/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_RADIUS_ACCOUNTING_H
#define MUSTER_WIRE_RADIUS_ACCOUNTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/ip.h"
#include "base/mac.h"
#include "wire/radius.h"
#include "wire/radius_station.h"

/* What an accounting record says (RFC 2866, 2869, 3162, 3580, 6911; DOMAIN 2.7): whose
 * session began, goes on or ended, at which port of which switch, and when.
 *
 * The packet is walked once. Of an attribute that may stand once the first is taken;
 * one whose value has not the length of its type is passed over, as if it were not
 * there, because a switch with one broken attribute still tells us of a session. Texts
 * are views into the packet and may hold any octet: whoever prints or stores them
 * cleans them (radius_text_copy()).
 *
 * Who sent it: NAS-Identifier, else NAS-IP-Address, else NAS-IPv6-Address, else the
 * address the datagram came from. A proxy changes the last one only.
 *
 * When: Event-Timestamp where there is one, else arrival less Acct-Delay-Time. A switch
 * that sends a record again updates Acct-Delay-Time, and with it id and authenticator,
 * so the time is part of what makes two records the same; Event-Timestamp does not
 * change between them, and the two subtractions of a delay agree to about a second.
 *
 * Status types that are no session (Tunnel and Link records of RFC 2867, Failed, and
 * numbers nobody assigned) are RADIUS_STATUS_OTHER and RADIUS_STATUS_FAILED: they are
 * answered, counted and lead to nothing. A record without status type is malformed by
 * RFC 2866 section 5.1 and is RADIUS_STATUS_NONE.
 *
 * Limits: an attribute has at most 253 octets, a packet 4096; nothing is kept here.
 * Attacks: a record is only as good as its packet's authenticator, which radius.h
 * verifies before anyone comes here; a hostile NAS can claim any MAC and any port of
 * its own name, which is why the source binds names to the client's address. */

/* word, enumerator */
#define RADIUS_STATUSES(STATUS)                                                                    \
    STATUS("none", RADIUS_STATUS_NONE)                                                             \
    STATUS("start", RADIUS_STATUS_START)                                                           \
    STATUS("stop", RADIUS_STATUS_STOP)                                                             \
    STATUS("interim", RADIUS_STATUS_INTERIM)                                                       \
    STATUS("on", RADIUS_STATUS_ON)                                                                 \
    STATUS("off", RADIUS_STATUS_OFF)                                                               \
    STATUS("failed", RADIUS_STATUS_FAILED)                                                         \
    STATUS("other", RADIUS_STATUS_OTHER)

enum radius_status {
#define STATUS(word, name) name,
    RADIUS_STATUSES(STATUS)
#undef STATUS
        RADIUS_STATUS_COUNT
};

/* Returns the word of a status. */
const char *radius_status_word(enum radius_status status);

/* A view; `bytes` NULL: the attribute is absent. */
struct radius_text {
    const char *bytes;
    size_t length;
};

struct radius_accounting {
    enum radius_status status;
    enum radius_station station; /* what Calling-Station-Id is */
    struct mac mac;              /* MAC_NONE unless RADIUS_STATION_MAC */
    struct radius_text user, calling, called, nas_identifier, port_id, session, multi_session;
    struct ip nas_address, nas_address6, framed_address, framed_address6; /* IP_NONE: absent */
    bool has_port, has_cause, has_interim, has_delay, has_event_time;
    uint32_t port, cause;
    uint16_t vlan;      /* of Tunnel-Private-Group-ID, RFC 3580 section 3.31; 0: not said */
    uint32_t port_type; /* RADIUS_PORT_TYPE_UNKNOWN where absent */
    uint32_t interim_seconds, delay_seconds, event_seconds;
};

/* Reads the attributes of `packet`, whatever its code; never fails. */
void radius_accounting_read(const struct radius_packet *packet, struct radius_accounting *ret);

/* Returns when it happened, given when it arrived. */
struct wall radius_accounting_time(const struct radius_accounting *record, struct wall arrived);

/* Returns the word of a terminate cause (RFC 2866 section 5.10): "User-Request"; NULL
 * for a number that is not assigned. */
const char *radius_cause_word(uint32_t cause);

enum { RADIUS_TEXT_SIZE = RADIUS_VALUE_MAX + 1 };

/* Copies a text for people and stores: octets that are no printable ASCII and no part of
 * valid UTF-8 become '?', padding NULs and blanks at the end go. Returns `buffer`,
 * which is "" for an absent one. */
char *radius_text_copy(struct radius_text text, char buffer[static RADIUS_TEXT_SIZE]);

/* Writes the name under which the sender is known: NAS-Identifier, else its address,
 * else `from`, where the datagram came from. Returns `buffer`. */
char *radius_nas_name(const struct radius_accounting *record, const struct ip *from,
                      char buffer[static RADIUS_TEXT_SIZE]);

/* Writes the port as the sender calls it: NAS-Port-Id, else NAS-Port in decimal, else
 * "". Returns `buffer`. */
char *radius_port_name(const struct radius_accounting *record,
                       char buffer[static RADIUS_TEXT_SIZE]);

#endif
