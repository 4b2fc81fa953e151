/* SPDX-License-Identifier: Apache-2.0 */
#include "snmp/agent_fake.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"

void agent_init(struct agent *agent)
{
    memset(agent, 0, sizeof(*agent));
    agent->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CHECK(agent->fd >= 0);
    agent->address.v4.sin_family = AF_INET;
    agent->address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(agent->address.v4);
    CHECK(bind(agent->fd, &agent->address.any, size) == 0);
    CHECK(getsockname(agent->fd, &agent->address.any, &size) == 0);
    agent->community = "public";
    agent->answer_fd = -1;
}

void agent_done(struct agent *agent)
{
    close(agent->fd);
    free(agent->rows);
    if (agent->answer_fd >= 0)
        close(agent->answer_fd);
}

void agent_add(struct agent *agent, const struct oid *oid, struct snmp_value value)
{
    agent->rows = alloc_grow(agent->rows, agent->count, &agent->capacity, sizeof(*agent->rows));
    struct agent_row *row = &agent->rows[agent->count++];
    uint8_t bytes[OID_BER_SIZE];
    row->length = oid_encode(oid, bytes);
    CHECK(row->length <= sizeof(row->oid));
    memcpy(row->oid, bytes, row->length);
    row->value = value;
}

void agent_use_v3(struct agent *agent, struct usm_crypto *crypto, const struct usm_user *user)
{
    agent->crypto = crypto;
    agent->user = *user;
    memcpy(agent->engine_id, "\x80\0\0\0\4fake", 9);
    agent->engine_id[10] = (uint8_t)agent->address.v4.sin_port;
    agent->engine_id[11] = (uint8_t)(agent->address.v4.sin_port >> 8);
    agent->boots = 3;
    agent->time = 5000;
}

static size_t find_after(const struct agent *agent, const uint8_t *oid, size_t length)
{
    for (size_t i = 0; i < agent->count; i++)
        if (agent->rows[i].length == length && memcmp(agent->rows[i].oid, oid, length) == 0)
            return i + 1; /* also in an unordered table */
    size_t low = 0, high = agent->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (oid_index_compare(agent->rows[middle].oid, agent->rows[middle].length, oid, length) > 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void add_row(const struct agent *agent, size_t i, const struct snmp_varbind *asked,
                    struct ber_writer *writer)
{
    static const struct snmp_value end = {.type = SNMP_END_OF_MIB_VIEW};
    if (agent->loops && agent->count > 0)
        i %= agent->count;
    if (i < agent->count)
        CHECK(snmp_writer_add(writer, agent->rows[i].oid, agent->rows[i].length,
                              &agent->rows[i].value));
    else
        CHECK(snmp_writer_add(writer, asked->oid, asked->oid_length, &end));
}

static void answer_bulk(struct agent *agent, const struct snmp_message *request,
                        struct snmp_message *reply, struct ber_writer *writer)
{
    struct ber_reader list = snmp_message_varbinds(request);
    struct snmp_varbind varbind;
    CHECK(snmp_varbind_next(&list, &varbind) == 1);
    agent->bulk_asked = (unsigned)request->error_index;
    if (agent->repetitions_most != 0 && agent->bulk_asked > agent->repetitions_most) {
        reply->error_status = SNMP_TOO_BIG;
        return;
    }
    if (agent->gen_err_on_bulk) {
        reply->error_status = SNMP_GEN_ERR;
        return;
    }
    size_t first = find_after(agent, varbind.oid, varbind.oid_length);
    for (unsigned i = 0; i < agent->bulk_asked; i++) {
        if (agent->rows_most != 0 && i == agent->rows_most)
            break;
        add_row(agent, first + i, &varbind, writer);
        if (first + i >= agent->count && !agent->loops)
            break;
    }
}

static void answer_get(struct agent *agent, const struct snmp_message *request,
                       struct snmp_message *reply, struct ber_writer *writer)
{
    static const struct snmp_value missing = {.type = SNMP_NO_SUCH_INSTANCE};
    struct ber_reader list = snmp_message_varbinds(request);
    struct snmp_varbind varbind;
    for (int32_t i = 1; snmp_varbind_next(&list, &varbind) == 1; i++) {
        size_t after = find_after(agent, varbind.oid, varbind.oid_length);
        bool next = request->pdu == SNMP_GETNEXT;
        bool found =
            next ? after < agent->count || agent->loops
                 : after > 0 && agent->rows[after - 1].length == varbind.oid_length &&
                       memcmp(agent->rows[after - 1].oid, varbind.oid, varbind.oid_length) == 0;
        if (!found && request->version == SNMP_V1) {
            reply->error_status = SNMP_NO_SUCH_NAME;
            reply->error_index = i;
            return;
        }
        if (next || found)
            add_row(agent, next ? after : after - 1, &varbind, writer);
        else
            CHECK(snmp_writer_add(writer, varbind.oid, varbind.oid_length, &missing));
    }
}

static void answer_set(struct agent *agent, const struct snmp_message *request,
                       struct snmp_message *reply, struct ber_writer *writer)
{
    struct ber_reader list = snmp_message_varbinds(request);
    struct snmp_varbind varbind;
    agent->set_count = 0;
    while (snmp_varbind_next(&list, &varbind) == 1) {
        agent->set_count++;
        CHECK(snmp_writer_add(writer, varbind.oid, varbind.oid_length, &varbind.value));
    }
    reply->error_status = agent->set_error;
    reply->error_index = agent->set_error != 0 ? 1 : 0;
}

static void send_reply(struct agent *agent, const struct ber_writer *writer,
                       const struct snmp_address *to)
{
    int fd = agent->answer_fd >= 0 ? agent->answer_fd : agent->fd;
    agent->answered++;
    for (int i = 0; i < (agent->twice ? 2 : 1); i++)
        CHECK(sendto(fd, snmp_writer_bytes(writer), snmp_writer_length(writer), 0, &to->any,
                     snmp_address_size(to)) >= 0);
}

static void send_report(struct agent *agent, const struct snmp_message *request,
                        enum usm_report report, const struct usm_keys *keys,
                        const struct snmp_address *to)
{
    uint8_t buffer[2048];
    struct ber_writer writer;
    struct snmp_message reply = *request;
    struct snmp_value count = {.type = SNMP_COUNTER32, .number = 1};
    struct snmp_octets name = usm_report_oid(report);
    snmp_writer_init(&writer, buffer, sizeof(buffer));
    CHECK(snmp_writer_add(&writer, name.bytes, name.length, &count));
    reply.pdu = SNMP_REPORT;
    reply.error_status = reply.error_index = 0;
    reply.v3.flags = keys != NULL ? SNMP_FLAG_AUTH : 0;
    reply.v3.engine_id = (struct snmp_octets){agent->engine_id, sizeof(agent->engine_id)};
    reply.v3.engine_boots = agent->boots;
    reply.v3.engine_time = agent->time;
    CHECK(usm_seal(agent->crypto, keys, &reply, &writer) == 0);
    send_reply(agent, &writer, to);
}

/* Plays the authoritative engine, RFC 3414 section 3.2. Returns whether the request
 * may be answered. */
static bool admit_v3(struct agent *agent, struct snmp_message *request, uint8_t *bytes,
                     struct usm_keys *keys, const struct snmp_address *from)
{
    struct snmp_v3 *v3 = &request->v3;
    struct snmp_octets own = {agent->engine_id, sizeof(agent->engine_id)};
    usm_keys_init(keys, agent->crypto, &agent->user, own);
    enum usm_report report = USM_REPORT_OTHER;
    if (v3->engine_id.length != own.length || memcmp(v3->engine_id.bytes, own.bytes, own.length))
        report = USM_REPORT_UNKNOWN_ENGINE;
    else if (v3->user.length != agent->user.name_length ||
             memcmp(v3->user.bytes, agent->user.name, v3->user.length) != 0)
        report = USM_REPORT_UNKNOWN_USER;
    else if ((v3->flags & (SNMP_FLAG_AUTH | SNMP_FLAG_PRIV)) != usm_keys_flags(keys))
        report = USM_REPORT_SECURITY_LEVEL;
    if (report != USM_REPORT_OTHER) {
        send_report(agent, request, report, NULL, from);
        return false;
    }
    enum usm_status status = usm_open(agent->crypto, keys, request, bytes);
    if (status != USM_OK) {
        send_report(agent, request,
                    status == USM_WRONG_DIGEST ? USM_REPORT_WRONG_DIGEST
                                               : USM_REPORT_DECRYPTION_ERROR,
                    NULL, from);
        return false;
    }
    if ((v3->flags & SNMP_FLAG_AUTH) != 0 &&
        !usm_time_accepted(agent->boots, agent->time, v3->engine_boots, v3->engine_time)) {
        send_report(agent, request, USM_REPORT_NOT_IN_TIME_WINDOW, keys, from);
        return false;
    }
    if (v3->context.length > 0 &&
        (agent->context == NULL || strlen(agent->context) != v3->context.length ||
         memcmp(agent->context, v3->context.bytes, v3->context.length) != 0)) {
        send_report(agent, request, USM_REPORT_UNKNOWN_CONTEXT, keys, from);
        return false;
    }
    return true;
}

static void answer_request(struct agent *agent, const struct snmp_message *request,
                           const struct usm_keys *keys, const struct snmp_address *from)
{
    uint8_t buffer[16384];
    struct ber_writer writer;
    struct snmp_message reply = *request;
    snmp_writer_init(&writer, buffer, sizeof(buffer));
    reply.pdu = SNMP_RESPONSE;
    reply.error_status = reply.error_index = 0;
    if (request->pdu == SNMP_GETBULK)
        answer_bulk(agent, request, &reply, &writer);
    else if (request->pdu == SNMP_SET)
        answer_set(agent, request, &reply, &writer);
    else
        answer_get(agent, request, &reply, &writer);
    reply.v3.flags &= SNMP_FLAG_AUTH | SNMP_FLAG_PRIV;
    reply.v3.engine_boots = agent->boots;
    reply.v3.engine_time = agent->time;
    int result = request->version == SNMP_V3 ? usm_seal(agent->crypto, keys, &reply, &writer)
                                             : snmp_message_wrap(&reply, &writer);
    CHECK(result == 0);
    send_reply(agent, &writer, from);
}

/* Whether the request is one that the agent keeps silent about. */
static bool is_mute(struct agent *agent, const struct snmp_message *request)
{
    struct ber_reader list = snmp_message_varbinds(request);
    struct snmp_varbind first;
    struct oid oid;
    if (agent->mutes == 0 || snmp_varbind_next(&list, &first) != 1 ||
        oid_decode(first.oid, first.oid_length, &oid) != 0 || !oid_has_prefix(&oid, &agent->mute))
        return false;
    agent->mutes--;
    return true;
}

static void serve_one(struct agent *agent, uint8_t *bytes, size_t length,
                      const struct snmp_address *from)
{
    struct snmp_message request;
    struct usm_keys keys = {0};
    unsigned number = agent->received++;
    if (agent->silent || (agent->drop != NULL && agent->drop(agent, number)))
        return;
    if (agent->garbage) {
        CHECK(sendto(agent->fd, "not SNMP", 8, 0, &from->any, snmp_address_size(from)) == 8);
        return;
    }
    CHECK(snmp_message_decode(bytes, length, &request) == 0);
    if (request.version == SNMP_V3) {
        if (agent->crypto == NULL || !admit_v3(agent, &request, bytes, &keys, from))
            return;
    } else if (request.community.length != strlen(agent->community) ||
               memcmp(request.community.bytes, agent->community, request.community.length) != 0) {
        return;
    }
    if (is_mute(agent, &request))
        return;
    answer_request(agent, &request, &keys, from);
}

unsigned agent_serve(struct agent *agent)
{
    unsigned served = 0;
    for (;;) {
        uint8_t bytes[4096];
        struct snmp_address from;
        socklen_t size = sizeof(from);
        ssize_t length = recvfrom(agent->fd, bytes, sizeof(bytes), 0, &from.any, &size);
        if (length < 0)
            return served;
        serve_one(agent, bytes, (size_t)length, &from);
        served++;
    }
}
