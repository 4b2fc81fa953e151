/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "snmp/internal.h"

enum { REPETITIONS_MAX = 1000, IN_FLIGHT_MAX = 16 };

void snmp_limits_init(struct snmp_limits *limits)
{
    *limits = (struct snmp_limits){.timeout = span_seconds(5),
                                   .tries = 8,
                                   .first_wait = span_ms(500),
                                   .wait_floor = span_ms(25),
                                   .repetitions = 25,
                                   .repetitions_cap = 50,
                                   .in_flight = 2,
                                   .min_interval = span_us(0)};
}

static unsigned within(unsigned value, unsigned low, unsigned high)
{
    return value < low ? low : value > high ? high : value;
}

static void take_limits(struct snmp_device *device, const struct snmp_limits *limits)
{
    device->limits = *limits;
    device->limits.tries = within(limits->tries, 1, REQUEST_TRIES_MAX);
    device->limits.in_flight = within(limits->in_flight, 1, IN_FLIGHT_MAX);
    device->repetitions = within(limits->repetitions, 1, REPETITIONS_MAX);
    device->repetitions_limit =
        within(limits->repetitions_cap, device->repetitions, REPETITIONS_MAX);
    if (device->version == SNMP_V1)
        device->repetitions = device->repetitions_limit = 1; /* it has no GETBULK */
}

int snmp_device_new(struct snmp_engine *engine, const struct snmp_target *target,
                    struct snmp_device **ret, struct err *err)
{
    if (target->version != SNMP_V3 &&
        (target->community == NULL || strlen(target->community) > SNMP_COMMUNITY_SIZE))
        return err_set(err, ERR_RANGE, "%s: a community of at most %d octets is needed",
                       target->name, SNMP_COMMUNITY_SIZE);
    if (target->version == SNMP_V3 && target->user == NULL)
        return err_set(err, ERR_RANGE, "%s: SNMPv3 needs a user", target->name);
    int socket = transport_assign(engine->transport, target->address.any.sa_family, err);
    if (socket < 0)
        return err_prefix(err, "%s", target->name);
    struct snmp_device *device = alloc_zeroed(1, sizeof(*device));
    char where[SNMP_ADDRESS_TEXT_SIZE], label[LIMIT_NAME_BYTES + SNMP_ADDRESS_TEXT_SIZE + 4];
    snprintf(label, sizeof(label), "%s (%s)", target->name,
             snmp_address_format(&target->address, where));
    device->engine = engine;
    device->socket = socket;
    device->label = alloc_text(label);
    device->address = target->address;
    device->version = target->version;
    device->timer.kind = TIMER_DEVICE;
    take_limits(device, &target->limits);
    list_init(&device->ready);
    list_init(&device->tasks);
    if (target->version == SNMP_V3) {
        device->v3 = alloc_zeroed(1, sizeof(*device->v3));
        device->v3->user = *target->user;
    } else {
        device->community = alloc_text(target->community);
    }
    list_add(&engine->devices, &device->link);
    *ret = device;
    return 0;
}

void snmp_device_free(struct snmp_device *device)
{
    if (device == NULL)
        return;
    struct snmp_engine *engine = device->engine;
    while (!list_empty(&device->tasks))
        snmp_cancel(CONTAINER(device->tasks.next, struct snmp_task, link));
    if (device->v3 != NULL && device->v3->discovery != NULL)
        engine_release(engine, device->v3->discovery);
    list_remove(&device->queued);
    timer_clear(&engine->wheel, &device->timer);
    list_remove(&device->link);
    list_add(&engine->dead_devices, &device->link);
}

void device_free_now(struct snmp_device *device)
{
    if (device->v3 != NULL) {
        usm_user_done(&device->v3->user);
        usm_keys_done(&device->v3->keys);
        free(device->v3);
    }
    if (device->community != NULL)
        OPENSSL_cleanse(device->community, strlen(device->community));
    free(device->community);
    free(device->label);
    free(device);
}

const char *snmp_device_label(const struct snmp_device *device)
{
    return device->label;
}

struct span snmp_device_round_trip(const struct snmp_device *device)
{
    return span_us(device->rto.measured ? device->rto.srtt_us : -1);
}

void device_fail_all(struct snmp_device *device, int code, const char *why)
{
    /* Tasks that a callback starts come after those that fail now; a callback may
     * also cancel some of them or free the device. */
    for (struct link *link = device->tasks.next; link != &device->tasks; link = link->next)
        CONTAINER(link, struct snmp_task, link)->failing = true;
    while (!list_empty(&device->tasks)) {
        struct snmp_task *task = CONTAINER(device->tasks.next, struct snmp_task, link);
        if (!task->failing)
            break;
        task_fail(task, code, "%s", why);
    }
}

/* --- v3 --- */

bool device_can_ask(struct snmp_device *device)
{
    struct device_v3 *v3 = device->v3;
    if (v3 == NULL || v3->engine_id_length > 0)
        return true;
    if (v3->discovery == NULL) {
        v3->discovery = engine_start_request(device, NULL);
        if (v3->discovery != NULL)
            engine_send(device->engine, v3->discovery);
        else
            engine_retry_later(device);
    }
    return false;
}

const char *device_silence_hint(const struct snmp_device *device)
{
    if (device->v3 == NULL || device->v3->clock_authentic ||
        usm_keys_flags(&device->v3->keys) != (SNMP_FLAG_AUTH | SNMP_FLAG_PRIV))
        return "";
    return ", though the agent answered SNMPv3 engine discovery: it may be that the privacy "
           "password "
           "or protocol differ";
}

static struct snmp_octets text_octets(const char *text)
{
    return (struct snmp_octets){(const uint8_t *)text, text != NULL ? strlen(text) : 0};
}

int device_seal(struct snmp_device *device, const struct request *request, int32_t id,
                struct snmp_message *message, struct ber_writer *writer)
{
    const struct snmp_task *task = request->job != NULL ? request->job->task : NULL;
    if (device->version != SNMP_V3) {
        bool own = task != NULL && task->community != NULL;
        message->community = text_octets(own ? task->community : device->community);
        return snmp_message_wrap(message, writer);
    }
    struct device_v3 *v3 = device->v3;
    message->v3 = (struct snmp_v3){.message_id = id,
                                   .max_size = LIMIT_SNMP_MESSAGE,
                                   .flags = SNMP_FLAG_REPORTABLE,
                                   .security_model = SNMP_SECURITY_USM};
    if (task == NULL) /* discovery, RFC 3414 section 4: all empty */
        return snmp_message_wrap(message, writer);
    message->v3.flags |= usm_keys_flags(&v3->keys);
    message->v3.engine_id = (struct snmp_octets){v3->engine_id, v3->engine_id_length};
    message->v3.context_engine_id = message->v3.engine_id;
    message->v3.context = text_octets(task->context);
    message->v3.user = (struct snmp_octets){(const uint8_t *)v3->user.name, v3->user.name_length};
    if (usm_keys_flags(&v3->keys) != 0) {
        message->v3.engine_boots = v3->clock.boots;
        message->v3.engine_time = usm_clock_time(&v3->clock, device->engine->now.us);
    }
    return usm_seal(snmp_engine_crypto(device->engine), &v3->keys, message, writer);
}

/* Takes the engine id, and boots and time for a first guess, from a Report that
 * nobody signed. Returns false when it has none. */
static bool learn_engine(struct snmp_device *device, const struct snmp_message *message)
{
    struct device_v3 *v3 = device->v3;
    struct snmp_octets id = message->v3.engine_id;
    if (id.length == 0)
        return false;
    memcpy(v3->engine_id, id.bytes, id.length);
    v3->engine_id_length = id.length;
    usm_keys_init(&v3->keys, snmp_engine_crypto(device->engine), &v3->user, id);
    v3->clock = (struct usm_clock){message->v3.engine_boots, message->v3.engine_time,
                                   device->engine->now.us};
    v3->clock_authentic = false;
    return true;
}

/* Takes the time of a message whose digest was right. */
static bool learn_time(struct snmp_device *device, const struct snmp_v3 *message)
{
    struct device_v3 *v3 = device->v3;
    int64_t now = device->engine->now.us;
    if (!v3->clock_authentic) {
        v3->clock = (struct usm_clock){message->engine_boots, message->engine_time, now};
        v3->clock_authentic = true;
        return true;
    }
    return usm_clock_update(&v3->clock, message->engine_boots, message->engine_time, now);
}

static enum usm_report report_of(const struct snmp_message *message)
{
    struct ber_reader list = snmp_message_varbinds(message);
    struct snmp_varbind varbind;
    if (snmp_varbind_next(&list, &varbind) != 1)
        return USM_REPORT_OTHER;
    return usm_report_find(varbind.oid, varbind.oid_length);
}

static enum device_verdict end_discovery(struct snmp_device *device, struct request *request,
                                         const struct snmp_message *message)
{
    if (!learn_engine(device, message))
        return DEVICE_DROP;
    rto_sample(&device->rto, mono_since(device->engine->now, request->first_sent));
    device->v3->discovery = NULL;
    engine_release(device->engine, request);
    return DEVICE_DONE;
}

/* Why a Report ends a task, for people. */
static const char *report_cause(enum usm_report report)
{
    switch (report) {
    case USM_REPORT_SECURITY_LEVEL:
        return "the agent does not allow this user the security level that is configured";
    case USM_REPORT_UNKNOWN_USER:
        return "the agent does not know the user";
    case USM_REPORT_WRONG_DIGEST:
        return "the agent finds the digest wrong: authentication password or protocol differ";
    case USM_REPORT_DECRYPTION_ERROR:
        return "the agent cannot decrypt: privacy password or protocol differ";
    case USM_REPORT_UNKNOWN_CONTEXT:
    case USM_REPORT_UNAVAILABLE_CONTEXT:
        return "the agent does not know the context";
    case USM_REPORT_NOT_IN_TIME_WINDOW:
        return "the agent goes on finding the time of requests wrong";
    case USM_REPORT_UNKNOWN_ENGINE:
        return "the agent goes on finding the engine id wrong";
    case USM_REPORT_SECURITY_MODEL:
    case USM_REPORT_INVALID:
    case USM_REPORT_PDU_HANDLER:
    case USM_REPORT_OTHER:
        return "the agent refuses the request";
    }
    UNREACHABLE();
}

static enum device_verdict take_report(struct snmp_device *device, struct request *request,
                                       const struct snmp_message *message)
{
    enum usm_report report = report_of(message);
    bool authentic = (message->v3.flags & SNMP_FLAG_AUTH) != 0;
    bool again = request->resyncs < REQUEST_RESYNC_MAX;
    if (report == USM_REPORT_NOT_IN_TIME_WINDOW && again) {
        /* Anybody could send this to move our clock: it counts only signed. */
        if (!authentic)
            return DEVICE_DROP;
        device->v3->clock_authentic = false;
        learn_time(device, &message->v3);
        request->resyncs++;
        return DEVICE_ASK_NEW;
    }
    if (report == USM_REPORT_UNKNOWN_ENGINE && again) {
        if (!learn_engine(device, message))
            return DEVICE_DROP;
        request->resyncs++;
        return DEVICE_ASK_NEW;
    }
    bool context = report == USM_REPORT_UNKNOWN_CONTEXT || report == USM_REPORT_UNAVAILABLE_CONTEXT;
    task_fail(request->job->task, context ? ERR_NOT_FOUND : ERR_DENIED, "%s (user %s, report %s)",
              report_cause(report), device->v3->user.name, usm_report_word(report));
    return DEVICE_DONE;
}

static enum device_verdict receive_v3(struct snmp_device *device, struct request *request,
                                      struct snmp_message *message, uint8_t *bytes)
{
    struct device_v3 *v3 = device->v3;
    const struct snmp_octets id = message->v3.engine_id;
    if (request->job == NULL)
        return message->pdu == SNMP_REPORT ? end_discovery(device, request, message) : DEVICE_DROP;
    uint8_t level = message->v3.flags & (SNMP_FLAG_AUTH | SNMP_FLAG_PRIV);
    bool ours =
        id.length == v3->engine_id_length && memcmp(id.bytes, v3->engine_id, id.length) == 0;
    if (level != 0 && (!ours || usm_open(snmp_engine_crypto(device->engine), &v3->keys, message,
                                         bytes) != USM_OK))
        return DEVICE_DROP;
    if (message->pdu == SNMP_REPORT)
        return take_report(device, request, message);
    /* An answer must be protected as the question was, and be of this time. */
    if (message->pdu != SNMP_RESPONSE || level != usm_keys_flags(&v3->keys) || !ours ||
        message->request_id != message->v3.message_id)
        return DEVICE_DROP;
    if (level != 0 && !learn_time(device, &message->v3))
        return DEVICE_DROP;
    return DEVICE_ANSWER;
}

enum device_verdict device_receive(struct snmp_device *device, struct request *request,
                                   struct snmp_message *message, uint8_t *bytes)
{
    if (device->version == SNMP_V3)
        return receive_v3(device, request, message, bytes);
    return message->pdu == SNMP_RESPONSE ? DEVICE_ANSWER : DEVICE_DROP;
}
