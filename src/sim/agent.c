/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/agent.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "sim/agent_pdu.h"

enum {
    CONTEXT_SIZE = 64,
    ENGINE_ID_LENGTH = 11,
    COMMUNITY_OVERHEAD = 32, /* octets of a v1 or v2c answer beside community and varbinds */
    USM_OVERHEAD = 160       /* of a v3 answer beside names, engine ids and varbinds */
};

struct sim_agent {
    char *name, *community;
    const struct usm_user *users;
    size_t user_count;
    struct usm_keys *keys; /* localised when a user first comes */
    bool *keys_ready;
    uint8_t engine_id[ENGINE_ID_LENGTH];
    size_t message_size;
    struct wall booted;
    unsigned reboots; /* of faults.reboots, acted out */
    uint32_t reports; /* the counter that Reports carry */
    struct sim_source source;
    struct sim_faults faults;
};

struct sim_agent *sim_agent_new(const struct sim_agent_config *config,
                                const struct sim_source *source)
{
    struct sim_agent *agent = alloc_zeroed(1, sizeof(*agent));
    agent->name = alloc_text(config->name);
    agent->community = alloc_text(config->community ? config->community : "public");
    agent->users = config->users;
    agent->user_count = config->user_count;
    agent->keys = alloc_zeroed(config->user_count + 1, sizeof(agent->keys[0]));
    agent->keys_ready = alloc_zeroed(config->user_count + 1, sizeof(agent->keys_ready[0]));
    agent->message_size = config->message_size ? config->message_size : SIM_AGENT_MESSAGE_SIZE;
    agent->booted = config->booted;
    agent->source = *source;
    /* RFC 3411 section 5: enterprise 32473 (an example's), format 5, own octets */
    static const uint8_t format[5] = {0x80, 0x00, 0x7e, 0xd9, 0x05};
    memcpy(agent->engine_id, format, sizeof(format));
    for (int i = 0; i < 4; i++)
        agent->engine_id[7 + i] = (uint8_t)(config->number >> (24 - 8 * i));
    return agent;
}

void sim_agent_free(struct sim_agent *agent)
{
    if (!agent)
        return;
    for (size_t i = 0; i < agent->user_count; i++)
        usm_keys_done(&agent->keys[i]);
    if (agent->source.free)
        agent->source.free(agent->source.state);
    free(agent->keys);
    free(agent->keys_ready);
    free(agent->name);
    free(agent->community);
    free(agent);
}

const char *sim_agent_name(const struct sim_agent *agent)
{
    return agent->name;
}

struct sim_faults *sim_agent_faults(struct sim_agent *agent)
{
    return &agent->faults;
}

/* One request on its way to an answer. */
struct exchange {
    struct sim_agent *agent;
    struct usm_crypto *crypto;
    struct wall now;
    struct snmp_message request, reply;
    const struct usm_keys *keys;
    char context[CONTEXT_SIZE];
    struct ber_writer writer;
    size_t limit; /* octets of the whole answer */
};

static int64_t uptime_cs(const struct exchange *x)
{
    int64_t us = wall_since(x->now, x->agent->booted).us;
    return us < 0 ? 0 : us / 10000;
}

static int32_t engine_time(const struct exchange *x)
{
    return (int32_t)(uptime_cs(x) / 100 & INT32_MAX);
}

static int32_t engine_boots(const struct exchange *x)
{
    return (int32_t)(x->agent->reboots + 1);
}

static const struct mib_view *view_of(const struct exchange *x)
{
    const struct sim_source *source = &x->agent->source;
    return source->view(source->state, x->context, x->now, &x->agent->faults, uptime_cs(x));
}

/* Puts the PDU's answer into the writer. Returns false on silence. */
static bool answer_pdu(struct exchange *x, const struct mib_view *view, size_t overhead)
{
    const struct sim_source *source = &x->agent->source;
    struct agent_pdu pdu = {
        .request = &x->request,
        .view = view,
        .forward = source->forward ? source->forward(source->state) : NULL,
        .faults = &x->agent->faults,
        .source = source,
        .budget = x->limit > overhead ? x->limit - overhead : 0,
        .writer = &x->writer,
    };
    x->reply = x->request;
    x->reply.pdu = SNMP_RESPONSE;
    x->reply.request_id = x->request.request_id + (x->agent->faults.wrong_id ? 1 : 0);
    return agent_pdu_answer(&pdu, &x->reply);
}

/* --- v1 and v2c --- */

/* COMMUNITY or COMMUNITY@CONTEXT. */
static bool community_fits(struct exchange *x)
{
    struct snmp_octets given = x->request.community;
    size_t length = strlen(x->agent->community);
    x->context[0] = 0;
    if (given.length < length || memcmp(given.bytes, x->agent->community, length) != 0)
        return false;
    if (given.length == length)
        return true;
    size_t rest = given.length - length - 1;
    if (given.bytes[length] != '@' || rest >= CONTEXT_SIZE)
        return false;
    memcpy(x->context, given.bytes + length + 1, rest);
    x->context[rest] = 0;
    return true;
}

static bool answer_community(struct exchange *x)
{
    if (!community_fits(x))
        return false;
    const struct mib_view *view = view_of(x);
    if (!view)
        return false;
    return answer_pdu(x, view, COMMUNITY_OVERHEAD + x->request.community.length) &&
           snmp_message_wrap(&x->reply, &x->writer) == 0;
}

/* --- v3 --- */

static struct snmp_octets own_engine(const struct exchange *x)
{
    return (struct snmp_octets){x->agent->engine_id, ENGINE_ID_LENGTH};
}

/* Sets the header fields that every v3 answer has. */
static void set_header(struct exchange *x, uint8_t flags)
{
    struct snmp_v3 *v3 = &x->reply.v3;
    v3->message_id = x->request.v3.message_id;
    v3->max_size = LIMIT_SNMP_MESSAGE;
    v3->flags = flags;
    v3->security_model = SNMP_SECURITY_USM;
    v3->engine_id = own_engine(x);
    v3->engine_boots = engine_boots(x);
    v3->engine_time = engine_time(x);
    v3->user = x->request.v3.user;
    v3->context_engine_id = own_engine(x);
    v3->context = x->request.v3.context;
}

static bool report(struct exchange *x, enum usm_report which, uint8_t flags)
{
    if (!(x->request.v3.flags & SNMP_FLAG_REPORTABLE))
        return false;
    struct snmp_octets oid = usm_report_oid(which);
    struct snmp_value count = {.type = SNMP_COUNTER32, .number = ++x->agent->reports};
    x->reply = x->request;
    x->reply.pdu = SNMP_REPORT;
    x->reply.error_status = x->reply.error_index = 0;
    if (x->request.pdu == SNMP_PDU_NONE)
        x->reply.request_id = 0;
    set_header(x, flags);
    return snmp_writer_add(&x->writer, oid.bytes, oid.length, &count) &&
           usm_seal(x->crypto, flags ? x->keys : NULL, &x->reply, &x->writer) == 0;
}

/* Finds the user and its keys, localising them the first time. */
static const struct usm_user *find_user(struct exchange *x)
{
    struct sim_agent *agent = x->agent;
    struct snmp_octets name = x->request.v3.user;
    for (size_t i = 0; i < agent->user_count; i++) {
        const struct usm_user *user = &agent->users[i];
        if (user->name_length != name.length || memcmp(user->name, name.bytes, name.length) != 0)
            continue;
        if (!agent->keys_ready[i])
            usm_keys_init(&agent->keys[i], x->crypto, user, own_engine(x));
        agent->keys_ready[i] = true;
        x->keys = &agent->keys[i];
        return user;
    }
    return NULL;
}

/* "vlan-10", "vlan_10" or "10" is context 10. */
static bool take_context(struct exchange *x)
{
    struct snmp_octets given = x->request.v3.context;
    if (given.length > 5 && memcmp(given.bytes, "vlan", 4) == 0 &&
        (given.bytes[4] == '-' || given.bytes[4] == '_')) {
        given.bytes += 5;
        given.length -= 5;
    }
    if (given.length >= CONTEXT_SIZE)
        return false;
    memcpy(x->context, given.bytes ? (const void *)given.bytes : "", given.length);
    x->context[given.length] = 0;
    return true;
}

static size_t v3_overhead(const struct exchange *x)
{
    return USM_OVERHEAD + 2 * ENGINE_ID_LENGTH + x->request.v3.user.length +
           x->request.v3.context.length;
}

/* An authentic, opened request of a known user. */
static bool answer_opened(struct exchange *x)
{
    uint8_t level = x->request.v3.flags & (SNMP_FLAG_AUTH | SNMP_FLAG_PRIV);
    bool known = take_context(x);
    const struct mib_view *view = known ? view_of(x) : NULL;
    if (!view)
        return report(x, USM_REPORT_UNKNOWN_CONTEXT, level);
    if (x->request.v3.max_size >= SNMP_MESSAGE_MIN && (size_t)x->request.v3.max_size < x->limit)
        x->limit = (size_t)x->request.v3.max_size;
    if (level != usm_keys_flags(x->keys)) {
        struct agent_pdu pdu = {.request = &x->request, .writer = &x->writer};
        x->reply = x->request;
        x->reply.pdu = SNMP_RESPONSE;
        agent_pdu_refuse(&pdu, &x->reply, SNMP_AUTHORIZATION_ERROR, 0);
    } else if (!answer_pdu(x, view, v3_overhead(x))) {
        return false;
    }
    set_header(x, level);
    return usm_seal(x->crypto, x->keys, &x->reply, &x->writer) == 0;
}

static bool answer_v3(struct exchange *x, uint8_t *bytes)
{
    const struct snmp_v3 *v3 = &x->request.v3;
    struct snmp_octets own = own_engine(x);
    if (v3->engine_id.length != own.length ||
        memcmp(v3->engine_id.bytes, own.bytes, own.length) != 0)
        return report(x, USM_REPORT_UNKNOWN_ENGINE, 0);
    if (!find_user(x))
        return report(x, USM_REPORT_UNKNOWN_USER, 0);
    uint8_t level = v3->flags & (SNMP_FLAG_AUTH | SNMP_FLAG_PRIV);
    if ((level & ~usm_keys_flags(x->keys)) != 0)
        return report(x, USM_REPORT_SECURITY_LEVEL, 0);
    int32_t boots = v3->engine_boots, time = v3->engine_time;
    switch (usm_open(x->crypto, x->keys, &x->request, bytes)) {
    case USM_OK:
        break;
    case USM_UNSUPPORTED_LEVEL:
        return report(x, USM_REPORT_SECURITY_LEVEL, 0);
    case USM_WRONG_DIGEST:
        return report(x, USM_REPORT_WRONG_DIGEST, 0);
    case USM_DECRYPTION_ERROR:
        return report(x, USM_REPORT_DECRYPTION_ERROR, 0);
    }
    if ((level & SNMP_FLAG_AUTH) != 0 &&
        !usm_time_accepted(engine_boots(x), engine_time(x), boots, time))
        return report(x, USM_REPORT_NOT_IN_TIME_WINDOW, SNMP_FLAG_AUTH);
    return answer_opened(x);
}

size_t sim_agent_answer(struct sim_agent *agent, struct usm_crypto *crypto, uint8_t *request,
                        size_t length, struct wall now, uint8_t *reply, size_t reply_size)
{
    if (agent->faults.dead ||
        (agent->source.alive && !agent->source.alive(agent->source.state, now)))
        return 0;
    if (agent->faults.reboots != agent->reboots) {
        agent->reboots = agent->faults.reboots;
        agent->booted = now;
    }
    struct exchange x = {
        .agent = agent, .crypto = crypto, .now = now, .limit = agent->message_size};
    if (snmp_message_decode(request, length, &x.request) != 0)
        return 0;
    snmp_writer_init(&x.writer, reply, reply_size);
    bool answered = x.request.version == SNMP_V3 ? answer_v3(&x, request) : answer_community(&x);
    if (!answered)
        return 0;
    size_t reply_length = snmp_writer_length(&x.writer);
    memmove(reply, snmp_writer_bytes(&x.writer), reply_length);
    return reply_length;
}
