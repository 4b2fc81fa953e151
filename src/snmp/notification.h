/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SNMP_NOTIFICATION_H
#define MUSTER_SNMP_NOTIFICATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/ip.h"
#include "wire/snmp_message.h"
#include "wire/usm.h"

/* The receiving end of traps and informs: who may tell us something, and what they get
 * back. Bytes and a clock value in, a verdict and perhaps bytes to send out; sockets
 * are the caller's.
 *
 * v1 and v2c are taken by community, which anybody on the path can read: what comes
 * this way is never more than a hint. An inform of v2c is answered.
 *
 * v3 has two cases (RFC 3414 section 1.5.1), told apart by the engine id:
 * Informs: the receiver is authoritative. Its engine id, boots and time are in
 * the message; a sender learns them by asking (discovery) and by our Reports, which
 * are sent only where the sender allows them. The message must lie within 150 s of our
 * clock.
 * Traps: the sender is authoritative. Its engine id arrives with the trap, the
 * user's keys are localised to it, and if the digest is right the engine is who it
 * claims to be, as far as the password is secret. Keys and clock of the engine are then
 * kept: a later trap must not lie 150 s behind the latest one, nor before its last
 * boot, or it is a replay. What nobody has authenticated is never kept, so a flood of
 * invented engine ids costs two hashes each and moves nothing.
 * A user's level is exact: less than it was configured with is refused, so nobody can
 * leave the digest away.
 *
 * An inform that was not answered in time comes again; its answer is sent again but it
 * is told to be a duplicate. The memory for that is a fixed table of fingerprints.
 *
 * Limits: LIMIT_TRAP_ENGINES engines are remembered, the least recently heard gives
 * way; one that gave way, or was heard before a restart of ours, could be replayed once
 * from the beginning of its boot. A replay is a hint like the trap that it copies:
 * nothing is concluded from it. */

/* What became of a datagram. word, which is a counter's name too; enumerator. Refusals are no
 * losses: whatever anybody may send raises them. */
#define NOTIFICATION_OUTCOMES(OUTCOME)                                                             \
    OUTCOME("taken", NOTIFICATION_TAKEN)                                                           \
    OUTCOME("duplicates", NOTIFICATION_DUPLICATE)  /* of an inform; to be answered */              \
    OUTCOME("discoveries", NOTIFICATION_DISCOVERY) /* v3: somebody asked for our engine */         \
    OUTCOME("malformed", NOTIFICATION_MALFORMED)                                                   \
    OUTCOME("not_notifications", NOTIFICATION_NOT_ONE)                                             \
    OUTCOME("unknown_communities", NOTIFICATION_COMMUNITY)                                         \
    OUTCOME("unknown_engines", NOTIFICATION_ENGINE)                                                \
    OUTCOME("unknown_users", NOTIFICATION_USER)                                                    \
    OUTCOME("wrong_levels", NOTIFICATION_LEVEL)                                                    \
    OUTCOME("wrong_digests", NOTIFICATION_DIGEST)                                                  \
    OUTCOME("decryption_errors", NOTIFICATION_DECRYPTION)                                          \
    OUTCOME("not_in_time_window", NOTIFICATION_WINDOW)

enum notification_outcome {
#define OUTCOME(word, name) name,
    NOTIFICATION_OUTCOMES(OUTCOME)
#undef OUTCOME
        NOTIFICATION_OUTCOME_COUNT
};

/* Returns the word; never NULL. */
const char *notification_outcome_word(enum notification_outcome outcome);

struct notification_settings {
    const char *const *communities; /* none: v1 and v2c are refused */
    size_t community_count;
    const struct usm_user *users; /* names differ */
    size_t user_count;
    struct snmp_octets engine_id; /* ours, 5 to 32 octets */
    int32_t boots;                /* of ours, at least 1 */
    struct mono started;          /* when that boot was */
};

struct notification_receiver;

/* Returns a receiver, yours to free; everything in `settings` is copied. */
struct notification_receiver *
notification_receiver_new(const struct notification_settings *settings);

/* Wipes the keys; NULL is allowed. */
void notification_receiver_free(struct notification_receiver *receiver);

struct notification {
    enum notification_outcome outcome;
    struct snmp_message message; /* TAKEN, DUPLICATE: opened; views into the datagram */
    bool authentic;              /* v3: the digest was right */
    struct snmp_octets report;   /* to be sent back; the receiver's until its next call */
    const struct usm_keys *keys; /* v3: for the answer */
    uint64_t fingerprint;        /* of an inform */
};

/* Judges one datagram of `length` octets that came from `from` at `now`; it may be
 * decrypted in place. Fills *ret. */
void notification_receive(struct notification_receiver *receiver, uint8_t *bytes, size_t length,
                          const struct ip *from, uint16_t from_port, struct mono now,
                          struct notification *ret);

/* Returns the answer to an inform that was TAKEN or is a DUPLICATE, and remembers it as
 * answered; empty for a trap, and where the answer does not fit into a datagram. The
 * octets are the receiver's until its next call. */
struct snmp_octets notification_answer(struct notification_receiver *receiver,
                                       const struct notification *notification, struct mono now);

#endif
