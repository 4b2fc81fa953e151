/* SPDX-License-Identifier: Apache-2.0 */
#include "snmp/engine.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "io/clock.h"
#include "snmp/internal.h"

enum {
    DEFAULT_WINDOW = 512,
    WINDOW_HOLD_MS = 100, /* how long a request counts in the window */
    STEP_PASSES = 8,      /* batches received in one step */
    WAIT_CAP_S = 4,
    FIRST_WAIT_MIN_MS = 25,
    QUICK_FLOOR_MS = 10, /* the least wait for a device that never answered later than expected */
    HASTY_MAX = 8,
    FIRST_WAIT_DOUBLINGS = 3, /* of what is usual among other devices: four times */
    NUMBERS_WAIT_MS = 20      /* while all request numbers are in use */
};

static void send_failed(void *arg, uint32_t tag, int saved_errno);

/* --- life --- */

int snmp_engine_new(const struct snmp_engine_options *options, struct snmp_engine **ret,
                    struct err *err)
{
    struct snmp_engine *engine = alloc_zeroed(1, sizeof(*engine));
    if (options != NULL)
        engine->options = *options;
    if (engine->options.window == 0)
        engine->options.window = DEFAULT_WINDOW;
    int result =
        transport_new(engine->options.window, send_failed, engine, &engine->transport, err);
    if (result != 0) {
        free(engine);
        return result;
    }
    engine->id_mask = (uint32_t)(hash_u64(1, hash_seed()) & INT32_MAX);
    list_init(&engine->devices);
    list_init(&engine->hot);
    list_init(&engine->fresh);
    list_init(&engine->dead_tasks);
    list_init(&engine->dead_devices);
    engine->now = clock_mono();
    timer_wheel_init(&engine->wheel, engine->now);
    *ret = engine;
    return 0;
}

/* Frees what callbacks cannot hold any more. */
static void bury(struct snmp_engine *engine)
{
    while (!list_empty(&engine->dead_tasks)) {
        struct snmp_task *task = CONTAINER(engine->dead_tasks.next, struct snmp_task, link);
        list_remove(&task->link);
        free(task->community);
        free(task->context);
        task->class->free(task);
    }
    while (!list_empty(&engine->dead_devices)) {
        struct snmp_device *device = CONTAINER(engine->dead_devices.next, struct snmp_device, link);
        list_remove(&device->link);
        device_free_now(device);
    }
}

void snmp_engine_free(struct snmp_engine *engine)
{
    if (engine == NULL)
        return;
    CHECK(engine->depth == 0);
    engine_detach(engine);
    while (!list_empty(&engine->devices))
        snmp_device_free(CONTAINER(engine->devices.next, struct snmp_device, link));
    bury(engine);
    for (size_t i = 0; i < engine->chunk_count; i++)
        free(engine->chunks[i]);
    free(engine->chunks);
    usm_crypto_free(engine->crypto);
    transport_free(engine->transport);
    free(engine);
}

int snmp_engine_fd(const struct snmp_engine *engine)
{
    return transport_fd(engine->transport);
}

struct usm_crypto *snmp_engine_crypto(struct snmp_engine *engine)
{
    /* Fetching algorithms takes milliseconds, which v2c need not wait for. */
    if (engine->crypto == NULL)
        engine->crypto = usm_crypto_new();
    return engine->crypto;
}

bool snmp_engine_idle(const struct snmp_engine *engine)
{
    return engine->task_count == 0;
}

void snmp_engine_count(const struct snmp_engine *engine, struct snmp_engine_counters *ret)
{
    *ret = engine->counters;
}

void engine_wake(struct snmp_engine *engine)
{
    if (engine->depth == 0 && engine->options.wake != NULL)
        engine->options.wake(engine->options.arg);
}

/* --- requests and their numbers --- */

static struct request *request_at(const struct snmp_engine *engine, uint32_t number)
{
    if (number / REQUEST_CHUNK >= engine->chunk_count)
        return NULL;
    return &engine->chunks[number / REQUEST_CHUNK][number % REQUEST_CHUNK];
}

static bool add_chunk(struct snmp_engine *engine)
{
    size_t first = engine->chunk_count * REQUEST_CHUNK;
    if (first + REQUEST_CHUNK > (size_t)1 << REQUEST_BITS)
        return false;
    struct request *chunk = alloc_zeroed(REQUEST_CHUNK, sizeof(*chunk));
    engine->chunks = alloc_resize(engine->chunks, engine->chunk_count + 1, sizeof(chunk));
    engine->chunks[engine->chunk_count++] = chunk;
    for (size_t i = REQUEST_CHUNK; i-- > 0;) {
        chunk[i].number = (uint32_t)(first + i);
        chunk[i].timer.kind = TIMER_REQUEST;
        chunk[i].sequence = (uint16_t)(hash_u64(first + i, engine->id_mask) & SEQUENCE_MASK);
        chunk[i].next_free = engine->free_requests;
        engine->free_requests = &chunk[i];
    }
    return true;
}

static int32_t request_id(const struct snmp_engine *engine, const struct request *request)
{
    return (int32_t)((request->number << SEQUENCE_BITS | request->sequence) ^ engine->id_mask);
}

struct request *engine_start_request(struct snmp_device *device, struct job *job)
{
    struct snmp_engine *engine = device->engine;
    if (engine->free_requests == NULL && !add_chunk(engine))
        return NULL;
    struct request *request = engine->free_requests;
    engine->free_requests = request->next_free;
    request->device = device;
    request->job = job;
    request->first_sent = engine->now;
    request->first_sequence = (request->sequence + 1) & SEQUENCE_MASK;
    request->tries = request->resyncs = 0;
    request->repetitions = (uint16_t)device->repetitions;
    request->in_window = true;
    request->send_errno = 0;
    engine->window_used++;
    device->in_flight++;
    if (job != NULL) {
        struct snmp_task *task = job->task;
        job->request = request;
        if (task->result.asked++ == 0) {
            task->result.started = engine->now;
            if (task->time_limit.us > 0)
                timer_set(&engine->wheel, &task->limit, mono_add(engine->now, task->time_limit));
        }
    }
    return request;
}

static void leave_window(struct snmp_engine *engine, struct request *request)
{
    if (request->in_window) {
        request->in_window = false;
        engine->window_used--;
    }
}

/* Puts a device with something to do into the queue that it belongs to. */
static void queue_device(struct snmp_device *device)
{
    struct snmp_engine *engine = device->engine;
    if (device->queued.next != NULL || list_empty(&device->ready) || timer_is_set(&device->timer) ||
        device->in_flight >= device->limits.in_flight)
        return;
    list_add(device->begun ? &engine->hot : &engine->fresh, &device->queued);
}

void engine_release(struct snmp_engine *engine, struct request *request)
{
    struct snmp_device *device = request->device;
    leave_window(engine, request);
    timer_clear(&engine->wheel, &request->timer);
    if (request->job != NULL)
        request->job->request = NULL;
    request->device = NULL;
    request->job = NULL;
    request->next_free = engine->free_requests;
    engine->free_requests = request;
    device->in_flight--;
    queue_device(device);
}

void engine_ready(struct job *job)
{
    struct snmp_device *device = job->task->device;
    if (job->ready.next == NULL)
        list_add(&device->ready, &job->ready);
    queue_device(device);
    engine_wake(device->engine);
}

/* --- sending --- */

static struct span request_patience(const struct request *request)
{
    return request->job != NULL ? request->job->task->timeout : request->device->limits.timeout;
}

/* A device that has not answered yet is taken to be like those that have, with a
 * good margin: its first datagram may have been lost like any other. */
static struct span first_wait(const struct snmp_device *device)
{
    struct span most = device->limits.first_wait;
    const struct rto *others = &device->engine->rto;
    if (!others->measured)
        return most;
    struct span usual =
        rto_wait(others, FIRST_WAIT_DOUBLINGS, most, span_ms(FIRST_WAIT_MIN_MS), most);
    return usual.us < most.us ? usual : most;
}

/* A walk waits for each lost datagram, so the floor begins low; each time that a device
 * shows that it was asked again too early it doubles, up to the configured one. */
static struct span wait_floor(const struct snmp_device *device)
{
    struct span quick = span_ms((int64_t)QUICK_FLOOR_MS << device->hasty);
    return quick.us < device->limits.wait_floor.us ? quick : device->limits.wait_floor;
}

static struct span request_wait(const struct request *request)
{
    const struct snmp_device *device = request->device;
    return rto_wait(&device->rto, request->tries, first_wait(device), wait_floor(device),
                    span_seconds(WAIT_CAP_S));
}

/* A request whose answer is overdue by what is usual holds nobody up: another
 * device gets its place in the window long before it is asked again. */
static void arm(struct snmp_engine *engine, struct request *request)
{
    struct span wait = request_wait(request);
    if (request->in_window) {
        struct span hold = rto_wait(&request->device->rto, 1, span_ms(WINDOW_HOLD_MS), span_us(0),
                                    span_ms(WINDOW_HOLD_MS));
        if (wait.us > hold.us)
            wait = hold;
    }
    struct mono due = mono_add(engine->now, wait);
    struct mono end = mono_add(request->first_sent, request_patience(request));
    timer_set(&engine->wheel, &request->timer, due.us < end.us ? due : end);
}

void engine_send(struct snmp_engine *engine, struct request *request)
{
    struct snmp_device *device = request->device;
    uint8_t *buffer = transport_buffer(engine->transport, device->socket);
    struct ber_writer writer;
    snmp_writer_init(&writer, buffer, TRANSPORT_SEND_SIZE);
    request->sequence = (request->sequence + 1) & SEQUENCE_MASK;
    int32_t id = request_id(engine, request);
    struct snmp_message message;
    message.version = device->version;
    message.request_id = id;
    message.error_status = message.error_index = 0;
    message.pdu = SNMP_GET;
    if (request->job != NULL)
        request->job->class->build(request->job, request, &message, &writer);
    int result = device_seal(device, request, id, &message, &writer);
    request->sent_after_us[request->tries] =
        (uint32_t)mono_since(engine->now, request->first_sent).us;
    request->tries++;
    device->next_send = mono_add(engine->now, device->limits.min_interval);
    if (result != 0) {
        request->send_errno = EMSGSIZE;
        timer_set(&engine->wheel, &request->timer, engine->now);
        return;
    }
    transport_send(engine->transport, device->socket, &device->address, snmp_writer_bytes(&writer),
                   snmp_writer_length(&writer), (uint32_t)id);
    engine->counters.sent++;
    if (request->tries > 1)
        engine->counters.resent++;
    arm(engine, request);
}

/* Only marks the request: this is called in the middle of sending others. */
static void send_failed(void *arg, uint32_t tag, int saved_errno)
{
    struct snmp_engine *engine = arg;
    uint32_t plain = tag ^ engine->id_mask;
    struct request *request = request_at(engine, plain >> SEQUENCE_BITS);
    if (request == NULL || request->device == NULL || request->sequence != (plain & SEQUENCE_MASK))
        return;
    request->send_errno = saved_errno;
    timer_set(&engine->wheel, &request->timer, engine->now);
}

void engine_retry_later(struct snmp_device *device)
{
    struct snmp_engine *engine = device->engine;
    timer_set(&engine->wheel, &device->timer, mono_add(engine->now, span_ms(NUMBERS_WAIT_MS)));
}

/* Sends the next request of a device's first ready job. */
static void serve_device(struct snmp_engine *engine, struct snmp_device *device)
{
    if (list_empty(&device->ready) || device->in_flight >= device->limits.in_flight)
        return;
    if (device->next_send.us > engine->now.us) {
        timer_set(&engine->wheel, &device->timer, device->next_send);
        return;
    }
    if (!device_can_ask(device))
        return;
    struct job *job = CONTAINER(device->ready.next, struct job, ready);
    struct request *request = engine_start_request(device, job);
    if (request == NULL) {
        engine_retry_later(device);
        return;
    }
    list_remove(&job->ready);
    device->begun = true;
    engine_send(engine, request);
    queue_device(device);
}

/* Sends while the window has room: devices under way first. */
static void pump(struct snmp_engine *engine)
{
    while (engine->window_used < engine->options.window) {
        struct link *queue = !list_empty(&engine->hot) ? &engine->hot : &engine->fresh;
        if (list_empty(queue))
            break;
        struct snmp_device *device = CONTAINER(queue->next, struct snmp_device, queued);
        list_remove(&device->queued);
        serve_device(engine, device);
    }
    transport_flush(engine->transport);
}

/* --- receiving --- */

static void remember_malformed(struct snmp_engine *engine, const struct snmp_address *from)
{
    engine->counters.malformed++;
    engine->malformed[engine->malformed_next] = *from;
    engine->malformed_next = (engine->malformed_next + 1) % MALFORMED_KEPT;
}

/* Finds the request that an id belongs to and which of its tries; NULL for ids
 * that nobody waits for. */
static struct request *find_request(const struct snmp_engine *engine, int32_t id, unsigned *ret_try)
{
    uint32_t plain = (uint32_t)id ^ engine->id_mask;
    if (id < 0)
        return NULL;
    struct request *request = request_at(engine, plain >> SEQUENCE_BITS);
    if (request == NULL || request->device == NULL)
        return NULL;
    unsigned try = ((plain & SEQUENCE_MASK) - request->first_sequence) & SEQUENCE_MASK;
    if (try >= request->tries)
        return NULL;
    *ret_try = try;
    return request;
}

static void take_answer(struct snmp_engine *engine, struct request *request, unsigned try,
                        const struct snmp_message *message, size_t length)
{
    struct snmp_device *device = request->device;
    struct job *job = request->job;
    int64_t sent = request->first_sent.us + request->sent_after_us[try];
    rto_sample(&device->rto, span_us(engine->now.us - sent));
    rto_sample(&engine->rto, span_us(engine->now.us - sent));
    if (try + 1 < request->tries && device->hasty < HASTY_MAX) /* the next try was for nothing */
        device->hasty++;
    unsigned repetitions = request->repetitions;
    engine_release(engine, request);
    job->task->result.answered++;
    job->class->answer(job, repetitions, message, length);
}

static void receive_one(struct snmp_engine *engine, const struct datagram *datagram)
{
    struct snmp_message message;
    engine->counters.received++;
    if (snmp_message_decode(datagram->bytes, datagram->length, &message) != 0) {
        remember_malformed(engine, datagram->from);
        return;
    }
    unsigned try = 0;
    int32_t id = message.version == SNMP_V3 ? message.v3.message_id : message.request_id;
    struct request *request = find_request(engine, id, &try);
    if (request == NULL) {
        engine->counters.late++;
        return;
    }
    struct snmp_device *device = request->device;
    if (device->version != message.version ||
        !snmp_address_equal(&device->address, datagram->from)) {
        engine->counters.strange++;
        device->stranger_seen = true;
        device->stranger = *datagram->from;
        return;
    }
    switch (device_receive(device, request, &message, datagram->bytes)) {
    case DEVICE_ANSWER:
        take_answer(engine, request, try, &message, datagram->length);
        break;
    case DEVICE_ASK_NEW:
        /* The tries of before were answered in their way. */
        request->tries = 0;
        request->first_sent = engine->now;
        request->first_sequence = (request->sequence + 1) & SEQUENCE_MASK;
        engine_send(engine, request);
        break;
    case DEVICE_DROP:
        engine->counters.refused++;
        break;
    case DEVICE_DONE:
        break;
    }
}

/* --- time --- */

static bool sent_malformed(const struct snmp_engine *engine, const struct snmp_device *device)
{
    for (size_t i = 0; i < MALFORMED_KEPT; i++)
        if (engine->malformed[i].any.sa_family != 0 &&
            snmp_address_equal(&engine->malformed[i], &device->address))
            return true;
    return false;
}

static void request_failed(struct snmp_engine *engine, struct request *request, unsigned tries,
                           struct span patience)
{
    struct snmp_device *device = request->device;
    struct job *job = request->job;
    if (job != NULL && job->class->lost != NULL) {
        engine_release(engine, request);
        job->class->lost(job);
        return;
    }
    char why[256], took[CLOCK_TEXT_SIZE], who[SNMP_ADDRESS_TEXT_SIZE];
    int code = ERR_TIMEOUT;
    const char *what = job == NULL ? "SNMPv3 engine discovery" : "SNMP requests";
    span_format(patience, took);
    if (request->send_errno == EMSGSIZE) {
        snprintf(why, sizeof(why), "the request does not fit into a datagram");
        code = ERR_LIMIT;
    } else if (request->send_errno != 0) {
        snprintf(why, sizeof(why), "sending failed: %s", strerror(request->send_errno));
        code = ERR_SYSTEM;
    } else if (device->stranger_seen) {
        snprintf(why, sizeof(why), "no answer to %s in %s (%u tries); answers came from %s instead",
                 what, took, tries, snmp_address_format(&device->stranger, who));
    } else if (sent_malformed(engine, device)) {
        snprintf(why, sizeof(why),
                 "no answer to %s in %s (%u tries), but datagrams that are not SNMP", what, took,
                 tries);
        code = ERR_PROTOCOL;
    } else {
        snprintf(why, sizeof(why), "no answer to %s in %s (%u tries)", what, took, tries);
    }
    if (job == NULL) {
        device->v3->discovery = NULL;
        engine_release(engine, request);
        device_fail_all(device, code, why);
    } else {
        task_fail(job->task, code, "%s%s", why, device_silence_hint(device));
    }
}

static void request_due(struct snmp_engine *engine, struct request *request)
{
    const struct snmp_device *device = request->device;
    const struct job *job = request->job;
    unsigned tries = job != NULL ? job->task->tries : device->limits.tries;
    struct span timeout = request_patience(request);
    struct span waited = mono_since(engine->now, request->first_sent);
    leave_window(engine, request);
    if (request->send_errno != 0 || waited.us >= timeout.us) {
        request_failed(engine, request, request->tries, waited);
        return;
    }
    int64_t due = request->first_sent.us + request->sent_after_us[request->tries - 1] +
                  request_wait(request).us;
    int64_t end = request->first_sent.us + timeout.us;
    if (request->tries >= tries)
        due = end;
    if (due > engine->now.us) {
        timer_set(&engine->wheel, &request->timer, (struct mono){due < end ? due : end});
        return;
    }
    if (job != NULL) {
        request->job->task->result.resent++;
        job->class->silent(request->job, request);
    }
    engine_send(engine, request);
}

static void fire(struct snmp_engine *engine, struct timer *timer)
{
    switch ((enum timer_kind)timer->kind) {
    case TIMER_REQUEST:
        request_due(engine, CONTAINER(timer, struct request, timer));
        return;
    case TIMER_DEVICE:
        queue_device(CONTAINER(timer, struct snmp_device, timer));
        return;
    case TIMER_TASK: {
        struct snmp_task *task = CONTAINER(timer, struct snmp_task, limit);
        char took[CLOCK_TEXT_SIZE];
        span_format(mono_since(engine->now, task->result.started), took);
        task_fail(task, ERR_LIMIT, "the %s was not over after %s and was given up",
                  task->class->noun, took);
        return;
    }
    }
    UNREACHABLE();
}

void snmp_engine_step(struct snmp_engine *engine, struct mono now)
{
    struct datagram batch[TRANSPORT_BATCH];
    CHECK(engine->depth == 0);
    engine->now = now;
    engine->depth++;
    for (int pass = 0; pass < STEP_PASSES; pass++) {
        size_t count = transport_receive(engine->transport, batch);
        for (size_t i = 0; i < count; i++)
            receive_one(engine, &batch[i]);
        pump(engine);
        if (count == 0)
            break;
    }
    struct timer *timer;
    bool fired = false;
    while ((timer = timer_wheel_next(&engine->wheel, now)) != NULL) {
        fire(engine, timer);
        fired = true;
    }
    if (fired)
        pump(engine);
    engine->depth--;
    bury(engine);
}

struct mono snmp_engine_deadline(const struct snmp_engine *engine)
{
    bool work = !list_empty(&engine->hot) || !list_empty(&engine->fresh);
    if (work && engine->window_used < engine->options.window)
        return engine->now;
    return timer_wheel_deadline(&engine->wheel);
}

int snmp_engine_run(struct snmp_engine *engine, struct err *err)
{
    while (!snmp_engine_idle(engine)) {
        struct mono now = clock_mono();
        snmp_engine_step(engine, now);
        if (snmp_engine_idle(engine))
            break;
        int64_t wait = snmp_engine_deadline(engine).us;
        int timeout = -1;
        if (wait != INT64_MAX) {
            int64_t left = wait - now.us;
            timeout = left <= 0 ? 0 : left > INT64_C(1000000000) ? 1000000 : (int)(left / 1000 + 1);
        }
        struct pollfd poll_fd = {.fd = transport_fd(engine->transport), .events = POLLIN};
        if (poll(&poll_fd, 1, timeout) < 0 && errno != EINTR)
            return err_set_errno(err, errno, "SNMP: waiting for answers");
    }
    return 0;
}
