/* SPDX-License-Identifier: Apache-2.0 */
#include "snmp/notification.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/limits.h"

enum {
    WAYS = 8,
    SETS = LIMIT_TRAP_ENGINES / WAYS,
    ANSWERED = 4096,                 /* fingerprints of informs; a power of two */
    ANSWERED_US = 150 * 1000 * 1000, /* how long one counts */
    REPLY_SIZE = LIMIT_SNMP_MESSAGE + SNMP_HEADROOM + SNMP_TAILROOM
};

/* A sender's engine that a user was authentic at. */
struct engine {
    uint8_t id[SNMP_ENGINE_ID_SIZE];
    uint8_t id_length; /* 0: free */
    uint16_t user;
    struct mono heard;
    struct usm_clock clock;
    struct usm_keys keys;
};

struct answered {
    uint64_t fingerprint;
    int64_t at_us;
};

struct notification_receiver {
    struct usm_crypto *crypto;
    char **communities;
    size_t community_count;
    struct usm_user *users;
    struct usm_keys *own_keys; /* of each user, at our engine */
    bool *has_own_keys;        /* they are made when the first inform wants them */
    size_t user_count;
    uint8_t engine_id[SNMP_ENGINE_ID_SIZE];
    size_t engine_id_length;
    int32_t boots;
    struct mono started;
    uint64_t seed;
    uint32_t reports;        /* the counter that Reports carry */
    struct usm_keys passing; /* of an engine that is not kept yet */
    struct engine *engines;  /* SETS of WAYS */
    struct answered *answered;
    uint8_t *reply;
};

static const char *const outcome_words[] = {
#define OUTCOME(word, name) word,
    NOTIFICATION_OUTCOMES(OUTCOME)
#undef OUTCOME
};

const char *notification_outcome_word(enum notification_outcome outcome)
{
    CHECK(outcome < NOTIFICATION_OUTCOME_COUNT);
    return outcome_words[outcome];
}

/* --- life --- */

static struct snmp_octets own_engine(const struct notification_receiver *receiver)
{
    return (struct snmp_octets){receiver->engine_id, receiver->engine_id_length};
}

struct notification_receiver *
notification_receiver_new(const struct notification_settings *settings)
{
    struct notification_receiver *receiver = alloc_zeroed(1, sizeof(*receiver));
    CHECK(settings->engine_id.length <= SNMP_ENGINE_ID_SIZE && settings->user_count <= UINT16_MAX);
    receiver->crypto = usm_crypto_new();
    receiver->community_count = settings->community_count;
    receiver->communities = alloc_zeroed(settings->community_count + 1, sizeof(char *));
    for (size_t i = 0; i < settings->community_count; i++)
        receiver->communities[i] = alloc_text(settings->communities[i]);
    memcpy(receiver->engine_id, settings->engine_id.bytes, settings->engine_id.length);
    receiver->engine_id_length = settings->engine_id.length;
    receiver->boots = settings->boots;
    receiver->started = settings->started;
    receiver->seed = hash_seed();
    receiver->user_count = settings->user_count;
    receiver->users = alloc_zeroed(settings->user_count + 1, sizeof(*receiver->users));
    receiver->own_keys = alloc_zeroed(settings->user_count + 1, sizeof(*receiver->own_keys));
    receiver->has_own_keys = alloc_zeroed(settings->user_count + 1, sizeof(bool));
    for (size_t i = 0; i < settings->user_count; i++)
        receiver->users[i] = settings->users[i];
    if (settings->user_count > 0)
        receiver->engines = alloc_zeroed((size_t)SETS * WAYS, sizeof(*receiver->engines));
    receiver->answered = alloc_zeroed(ANSWERED, sizeof(*receiver->answered));
    receiver->reply = alloc_array(REPLY_SIZE, 1);
    return receiver;
}

void notification_receiver_free(struct notification_receiver *receiver)
{
    if (receiver == NULL)
        return;
    for (size_t i = 0; i < receiver->community_count; i++) {
        OPENSSL_cleanse(receiver->communities[i], strlen(receiver->communities[i]));
        free(receiver->communities[i]);
    }
    for (size_t i = 0; i < receiver->user_count; i++) {
        usm_user_done(&receiver->users[i]);
        usm_keys_done(&receiver->own_keys[i]);
    }
    if (receiver->engines != NULL)
        OPENSSL_cleanse(receiver->engines, (size_t)SETS * WAYS * sizeof(*receiver->engines));
    usm_keys_done(&receiver->passing);
    usm_crypto_free(receiver->crypto);
    free(receiver->communities);
    free(receiver->users);
    free(receiver->own_keys);
    free(receiver->has_own_keys);
    free(receiver->engines);
    free(receiver->answered);
    free(receiver->reply);
    free(receiver);
}

/* --- engines of senders --- */

static struct engine *set_of(struct notification_receiver *receiver, struct snmp_octets id,
                             size_t user)
{
    uint64_t hash = hash_bytes(id.bytes, id.length, receiver->seed + user);
    return receiver->engines + hash % SETS * WAYS;
}

static struct engine *find_engine(struct notification_receiver *receiver, struct snmp_octets id,
                                  size_t user)
{
    struct engine *set = set_of(receiver, id, user);
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].user == user && set[i].id_length == id.length && id.length > 0 &&
            memcmp(set[i].id, id.bytes, id.length) == 0)
            return &set[i];
    return NULL;
}

/* Keeps the engine that was just authentic, in place of the one not heard for longest. */
static struct engine *keep_engine(struct notification_receiver *receiver, const struct snmp_v3 *v3,
                                  size_t user, struct mono now)
{
    const struct snmp_octets id = v3->engine_id;
    struct engine *set = set_of(receiver, id, user), *oldest = set;
    for (size_t i = 1; i < WAYS && oldest->id_length != 0; i++)
        if (set[i].id_length == 0 || set[i].heard.us < oldest->heard.us)
            oldest = &set[i];
    *oldest = (struct engine){.id_length = (uint8_t)id.length,
                              .user = (uint16_t)user,
                              .clock = {v3->engine_boots, v3->engine_time, now.us},
                              .keys = receiver->passing};
    memcpy(oldest->id, id.bytes, id.length);
    return oldest;
}

/* --- Reports and answers --- */

static int32_t own_time(const struct notification_receiver *receiver, struct mono now)
{
    int64_t seconds = mono_since(now, receiver->started).us / 1000000;
    return seconds < 0 ? 0 : seconds > INT32_MAX ? INT32_MAX : (int32_t)seconds;
}

/* Makes `message` one of ours, at `level`. */
static void sign_as_own(const struct notification_receiver *receiver, uint8_t level,
                        struct mono now, struct snmp_message *message)
{
    struct snmp_v3 *v3 = &message->v3;
    message->error_status = message->error_index = 0;
    if (message->version != SNMP_V3)
        return;
    v3->max_size = LIMIT_SNMP_MESSAGE;
    v3->flags = level;
    v3->security_model = SNMP_SECURITY_USM;
    v3->engine_id = own_engine(receiver);
    v3->engine_boots = receiver->boots;
    v3->engine_time = own_time(receiver, now);
    v3->salt = (struct snmp_octets){NULL, 0};
}

static struct snmp_octets written(const struct ber_writer *writer)
{
    return (struct snmp_octets){snmp_writer_bytes(writer), snmp_writer_length(writer)};
}

/* Sets the report where the sender wants one; `keys` NULL: not authenticated. */
static void make_report(struct notification_receiver *receiver, enum usm_report which,
                        const struct usm_keys *keys, struct mono now, struct notification *ret)
{
    const struct snmp_octets oid = usm_report_oid(which);
    struct snmp_value count = {.type = SNMP_COUNTER32, .number = ++receiver->reports};
    struct snmp_message message = ret->message;
    struct ber_writer writer;
    if ((message.v3.flags & SNMP_FLAG_REPORTABLE) == 0)
        return;
    if (message.pdu == SNMP_PDU_NONE)
        message.request_id = 0;
    message.pdu = SNMP_REPORT;
    message.v3.context_engine_id = own_engine(receiver);
    sign_as_own(receiver, keys != NULL ? SNMP_FLAG_AUTH : 0, now, &message);
    snmp_writer_init(&writer, receiver->reply, REPLY_SIZE);
    if (snmp_writer_add(&writer, oid.bytes, oid.length, &count) &&
        usm_seal(receiver->crypto, keys, &message, &writer) == 0)
        ret->report = written(&writer);
}

struct snmp_octets notification_answer(struct notification_receiver *receiver,
                                       const struct notification *notification, struct mono now)
{
    const struct snmp_octets nothing = {NULL, 0};
    struct snmp_message message = notification->message;
    struct ber_writer writer;
    if (message.pdu != SNMP_INFORM)
        return nothing;
    receiver->answered[notification->fingerprint % ANSWERED] =
        (struct answered){notification->fingerprint, now.us};
    message.pdu = SNMP_RESPONSE;
    sign_as_own(receiver, usm_keys_flags(notification->keys), now, &message);
    snmp_writer_init(&writer, receiver->reply, REPLY_SIZE);
    ber_append(&writer, message.varbinds.bytes, message.varbinds.length);
    int result = message.version == SNMP_V3
                     ? usm_seal(receiver->crypto, notification->keys, &message, &writer)
                     : snmp_message_wrap(&message, &writer);
    if (result != 0 || snmp_writer_length(&writer) > LIMIT_SNMP_MESSAGE)
        return nothing;
    return written(&writer);
}

/* --- judging --- */

static bool community_known(const struct notification_receiver *receiver,
                            struct snmp_octets community)
{
    bool known = false;
    for (size_t i = 0; i < receiver->community_count; i++) {
        size_t length = strlen(receiver->communities[i]);
        known = known || (length == community.length &&
                          CRYPTO_memcmp(receiver->communities[i], community.bytes, length) == 0);
    }
    return known;
}

/* Returns the user's number, user_count for none. */
static size_t find_user(const struct notification_receiver *receiver, struct snmp_octets name)
{
    size_t i = 0;
    while (i < receiver->user_count &&
           (receiver->users[i].name_length != name.length ||
            memcmp(receiver->users[i].name, name.bytes, name.length) != 0))
        i++;
    return i;
}

static uint8_t level_of(const struct usm_user *user)
{
    return (uint8_t)((user->auth != USM_AUTH_NONE ? SNMP_FLAG_AUTH : 0) |
                     (user->priv != USM_PRIV_NONE ? SNMP_FLAG_PRIV : 0));
}

static enum notification_outcome outcome_of(enum usm_status status)
{
    switch (status) {
    case USM_OK:
        return NOTIFICATION_TAKEN;
    case USM_UNSUPPORTED_LEVEL:
        return NOTIFICATION_LEVEL;
    case USM_WRONG_DIGEST:
        return NOTIFICATION_DIGEST;
    case USM_DECRYPTION_ERROR:
        return NOTIFICATION_DECRYPTION;
    }
    UNREACHABLE();
}

static void refuse(struct notification_receiver *receiver, enum notification_outcome outcome,
                   struct mono now, struct notification *ret)
{
    ret->outcome = outcome;
    switch (outcome) {
    case NOTIFICATION_DISCOVERY:
    case NOTIFICATION_ENGINE:
        make_report(receiver, USM_REPORT_UNKNOWN_ENGINE, NULL, now, ret);
        break;
    case NOTIFICATION_USER:
        make_report(receiver, USM_REPORT_UNKNOWN_USER, NULL, now, ret);
        break;
    case NOTIFICATION_LEVEL:
        make_report(receiver, USM_REPORT_SECURITY_LEVEL, NULL, now, ret);
        break;
    case NOTIFICATION_DIGEST:
        make_report(receiver, USM_REPORT_WRONG_DIGEST, NULL, now, ret);
        break;
    case NOTIFICATION_DECRYPTION:
        make_report(receiver, USM_REPORT_DECRYPTION_ERROR, NULL, now, ret);
        break;
    case NOTIFICATION_WINDOW:
        /* Signed, so that the sender may set its clock by it. */
        make_report(receiver, USM_REPORT_NOT_IN_TIME_WINDOW, ret->keys, now, ret);
        break;
    case NOTIFICATION_TAKEN:
    case NOTIFICATION_DUPLICATE:
    case NOTIFICATION_MALFORMED:
    case NOTIFICATION_NOT_ONE:
    case NOTIFICATION_COMMUNITY:
    case NOTIFICATION_OUTCOME_COUNT:
        break;
    }
}

/* An inform: our engine is authoritative. */
static enum notification_outcome open_inform(struct notification_receiver *receiver, size_t user,
                                             uint8_t *bytes, struct mono now,
                                             struct notification *ret)
{
    const struct snmp_v3 *v3 = &ret->message.v3;
    if (!receiver->has_own_keys[user])
        usm_keys_init(&receiver->own_keys[user], receiver->crypto, &receiver->users[user],
                      own_engine(receiver));
    receiver->has_own_keys[user] = true;
    ret->keys = &receiver->own_keys[user];
    enum notification_outcome outcome =
        outcome_of(usm_open(receiver->crypto, ret->keys, &ret->message, bytes));
    if (outcome != NOTIFICATION_TAKEN)
        return outcome;
    ret->authentic = (v3->flags & SNMP_FLAG_AUTH) != 0;
    if (ret->authentic && !usm_time_accepted(receiver->boots, own_time(receiver, now),
                                             v3->engine_boots, v3->engine_time))
        return NOTIFICATION_WINDOW;
    return ret->message.pdu == SNMP_INFORM ? NOTIFICATION_TAKEN : NOTIFICATION_NOT_ONE;
}

/* A trap: the sender's engine is authoritative. */
static enum notification_outcome open_trap(struct notification_receiver *receiver, size_t user,
                                           uint8_t *bytes, struct mono now,
                                           struct notification *ret)
{
    const struct snmp_v3 *v3 = &ret->message.v3;
    struct engine *engine = find_engine(receiver, v3->engine_id, user);
    /* Of an engine that was never heard of first what is cheap: anybody can invent one. */
    if (engine == NULL && (v3->flags & SNMP_FLAG_AUTH) != 0 &&
        !usm_is_signed_by(receiver->crypto, &receiver->users[user], &ret->message, bytes))
        return NOTIFICATION_DIGEST;
    if (engine == NULL)
        usm_keys_init(&receiver->passing, receiver->crypto, &receiver->users[user], v3->engine_id);
    const struct usm_keys *keys = engine != NULL ? &engine->keys : &receiver->passing;
    enum notification_outcome outcome =
        outcome_of(usm_open(receiver->crypto, keys, &ret->message, bytes));
    if (outcome != NOTIFICATION_TAKEN)
        return outcome;
    if (ret->message.pdu != SNMP_TRAP_V2)
        return NOTIFICATION_NOT_ONE;
    ret->authentic = (v3->flags & SNMP_FLAG_AUTH) != 0;
    if (!ret->authentic)
        return NOTIFICATION_TAKEN;
    if (engine == NULL)
        engine = keep_engine(receiver, v3, user, now);
    engine->heard = now;
    return usm_clock_update(&engine->clock, v3->engine_boots, v3->engine_time, now.us)
               ? NOTIFICATION_TAKEN
               : NOTIFICATION_WINDOW;
}

static enum notification_outcome receive_v3(struct notification_receiver *receiver, uint8_t *bytes,
                                            struct mono now, struct notification *ret)
{
    const struct snmp_v3 *v3 = &ret->message.v3;
    const struct snmp_octets own = own_engine(receiver);
    bool ours = v3->engine_id.length == own.length &&
                memcmp(v3->engine_id.bytes, own.bytes, own.length) == 0;
    if (v3->engine_id.length == 0)
        return NOTIFICATION_DISCOVERY;
    /* Whoever may be told what is wrong means us; it has the wrong engine id. */
    if (!ours && (v3->flags & SNMP_FLAG_REPORTABLE) != 0)
        return NOTIFICATION_ENGINE;
    size_t user = find_user(receiver, v3->user);
    if (user == receiver->user_count)
        return NOTIFICATION_USER;
    if ((v3->flags & (SNMP_FLAG_AUTH | SNMP_FLAG_PRIV)) != level_of(&receiver->users[user]))
        return NOTIFICATION_LEVEL;
    return ours ? open_inform(receiver, user, bytes, now, ret)
                : open_trap(receiver, user, bytes, now, ret);
}

static enum notification_outcome receive_community(const struct notification_receiver *receiver,
                                                   const struct snmp_message *message)
{
    enum snmp_pdu pdu = message->pdu;
    if (pdu != SNMP_TRAP_V1 && pdu != SNMP_TRAP_V2 && pdu != SNMP_INFORM)
        return NOTIFICATION_NOT_ONE;
    return community_known(receiver, message->community) ? NOTIFICATION_TAKEN
                                                         : NOTIFICATION_COMMUNITY;
}

/* Whether the same inform was answered lately. */
static bool answered_before(struct notification_receiver *receiver, const struct ip *from,
                            uint16_t from_port, struct mono now, struct notification *ret)
{
    const struct snmp_message *message = &ret->message;
    uint64_t hash = hash_bytes(from->octets, sizeof(from->octets), receiver->seed);
    hash = hash_u64((uint64_t)from_port << 32 | (uint32_t)message->request_id, hash);
    ret->fingerprint = hash_bytes(message->varbinds.bytes, message->varbinds.length, hash);
    const struct answered *answered = &receiver->answered[ret->fingerprint % ANSWERED];
    return answered->fingerprint == ret->fingerprint && answered->at_us != 0 &&
           now.us - answered->at_us < ANSWERED_US;
}

void notification_receive(struct notification_receiver *receiver, uint8_t *bytes, size_t length,
                          const struct ip *from, uint16_t from_port, struct mono now,
                          struct notification *ret)
{
    *ret = (struct notification){.outcome = NOTIFICATION_MALFORMED};
    if (snmp_message_decode(bytes, length, &ret->message) != 0)
        return;
    enum notification_outcome outcome = ret->message.version == SNMP_V3
                                            ? receive_v3(receiver, bytes, now, ret)
                                            : receive_community(receiver, &ret->message);
    if (outcome == NOTIFICATION_TAKEN && ret->message.pdu == SNMP_INFORM &&
        answered_before(receiver, from, from_port, now, ret))
        outcome = NOTIFICATION_DUPLICATE;
    refuse(receiver, outcome, now, ret);
}
