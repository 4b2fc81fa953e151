/* SPDX-License-Identifier: Apache-2.0 */
#include "snmp/walk.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

enum { ROW_BATCH = 64, TIME_LIMIT_S = 600 };

static struct walk *walk_of(struct snmp_task *task)
{
    return CONTAINER(task, struct walk, task);
}

/* --- segments --- */

static void segment_name(struct segment *segment, const uint8_t *name, size_t length)
{
    if (length > segment->capacity) {
        uint8_t *grown = alloc_array(OID_BER_SIZE, 1);
        memcpy(grown, segment->name, segment->length);
        if (segment->name != segment->room)
            free(segment->name);
        segment->name = grown;
        segment->capacity = OID_BER_SIZE;
    }
    memcpy(segment->name, name, length);
    segment->length = (uint32_t)length;
}

static const struct job_class segment_class;

void segment_init(struct walk *walk, struct segment *segment, const uint8_t *prefix,
                  const uint8_t *tail, size_t tail_length)
{
    uint8_t name[OID_BER_SIZE];
    CHECK(walk->prefix_length + tail_length <= sizeof(name));
    memcpy(name, prefix, walk->prefix_length);
    if (tail_length > 0)
        memcpy(name + walk->prefix_length, tail, tail_length);
    segment->name = segment->room;
    segment->capacity = sizeof(segment->room);
    segment_name(segment, name, walk->prefix_length + tail_length);
    job_init(&segment->job, &segment_class, &walk->task);
}

void segment_end(struct walk *walk, struct segment *segment)
{
    segment->done = true;
    if (walk->splitter == NULL || !splitter_consider(walk))
        task_end(&walk->task);
}

/* --- asking --- */

static void walk_build(struct job *job, struct request *request, struct snmp_message *message,
                       struct ber_writer *writer)
{
    const struct segment *segment = CONTAINER(job, struct segment, job);
    unsigned most = walk_of(job->task)->repetitions_most;
    if (most != 0 && request->repetitions > most)
        request->repetitions = (uint16_t)most;
    if (request->repetitions <= 1) {
        message->pdu = SNMP_GETNEXT;
    } else {
        message->pdu = SNMP_GETBULK;
        message->error_index = request->repetitions;
    }
    (void)snmp_writer_add(writer, segment->name, segment->length, NULL);
}

static void halve(struct snmp_device *device, unsigned repetitions)
{
    device->repetitions = repetitions > 2 ? repetitions / 2 : 1;
}

/* One silence is a lost datagram; a second may be an agent that cannot make so
 * large an answer in time. */
static void walk_silent(struct job *job, struct request *request)
{
    if (request->tries < 2 || request->repetitions <= 1)
        return;
    halve(job->task->device, request->repetitions);
    request->repetitions = (uint16_t)job->task->device->repetitions;
}

/* Asks for a little more while whole answers fit into a frame. */
static void grow(struct snmp_device *device, unsigned repetitions, unsigned rows, size_t length)
{
    if (rows < repetitions || repetitions != device->repetitions)
        return;
    unsigned next = device->repetitions + (device->repetitions >= 16 ? device->repetitions / 8 : 1);
    if (next > device->repetitions_limit)
        next = device->repetitions_limit;
    if (next > device->repetitions && length * next / device->repetitions <= REPLY_TARGET)
        device->repetitions = next;
}

/* --- answers --- */

/* An answer that gives nothing because too much was asked. */
static void too_much(struct walk *walk, struct segment *segment, unsigned repetitions,
                     const char *word)
{
    struct snmp_device *device = walk->task.device;
    if (repetitions <= 1) {
        task_fail(&walk->task, ERR_PROTOCOL, "the agent answers %s to a request for one row", word);
        return;
    }
    if (device->repetitions >= repetitions)
        halve(device, repetitions);
    if (device->repetitions_limit >= repetitions)
        device->repetitions_limit = repetitions - 1;
    engine_ready(&segment->job);
}

static void walk_refused(struct walk *walk, struct segment *segment, unsigned repetitions,
                         const struct snmp_message *message)
{
    const char *word = snmp_error_word(message->error_status);
    switch (message->error_status) {
    case SNMP_NO_SUCH_NAME:
        segment_end(walk, segment);
        return;
    case SNMP_TOO_BIG:
        too_much(walk, segment, repetitions, word);
        return;
    case SNMP_GEN_ERR:
        if (repetitions > 1) {
            too_much(walk, segment, repetitions, word);
            return;
        }
        break;
    default:
        break;
    }
    walk->task.result.error_status = message->error_status;
    walk->task.result.error_index = message->error_index;
    bool denied = message->error_status == SNMP_AUTHORIZATION_ERROR ||
                  message->error_status == SNMP_NO_ACCESS;
    task_fail(&walk->task, denied ? ERR_DENIED : ERR_PROTOCOL,
              denied ? "the agent refuses access (%s): its view does not show this table"
                     : "the agent answers %s",
              word);
}

enum reading { READING_MORE, READING_END, READING_OVER /* the task is no more */ };

struct batch {
    struct snmp_row rows[ROW_BATCH];
    size_t count;
    const uint8_t *last; /* name of the latest row, where it was received */
    size_t last_length;
    const uint8_t *first; /* name of the first row */
    size_t first_length;
    unsigned total; /* varbinds of the answer so far */
};

/* Hands the batch out. Returns false when the task is over by that. */
static bool deliver(struct walk *walk, struct segment *segment, struct batch *batch)
{
    struct snmp_task *task = &walk->task;
    size_t count = batch->count;
    batch->count = 0;
    if (count == 0)
        return true;
    bool beyond = task->result.rows + count > walk->row_limit;
    if (beyond)
        count = walk->row_limit - task->result.rows;
    task->result.rows += count;
    segment->rows += count;
    if (count > 0)
        walk->rows(task->arg, batch->rows, count);
    if (task->over)
        return false;
    if (beyond)
        task_fail(task, ERR_LIMIT, "the table has more than %llu rows; the rest was not read",
                  (unsigned long long)walk->row_limit);
    return !beyond;
}

static void fail_order(struct walk *walk, const struct batch *batch,
                       const struct snmp_varbind *varbind)
{
    struct oid oid;
    char before[OID_TEXT_SIZE] = "?", after[OID_TEXT_SIZE] = "?";
    if (oid_decode(batch->last, batch->last_length, &oid) == 0)
        oid_format(&oid, before);
    if (oid_decode(varbind->oid, varbind->oid_length, &oid) == 0)
        oid_format(&oid, after);
    task_fail(&walk->task, ERR_PROTOCOL,
              "the agent's rows do not increase (%.100s after %.100s), so the end of the table "
              "cannot be told",
              after, before);
}

/* Whether the tail of an unordered table was seen before; remembers it. */
static bool seen_before(struct walk *walk, const uint8_t *tail, size_t length)
{
    uint64_t key = hash_bytes(tail, length, hash_seed());
    if (key == UINT64_MAX)
        key = 0;
    if (map_find(&walk->seen, key) != MAP_NO_VALUE)
        return true;
    map_put(&walk->seen, key, 1);
    return false;
}

/* Takes one row into the batch. */
static enum reading take_row(struct walk *walk, struct segment *segment, struct batch *batch,
                             const struct snmp_varbind *varbind)
{
    uint32_t prefix = walk->prefix_length;
    size_t shorter =
        varbind->oid_length < batch->last_length ? varbind->oid_length : batch->last_length;
    /* The last name has the prefix, so one comparison tells both membership and order. */
    size_t same = oid_common_octets(batch->last, varbind->oid, shorter);
    if (varbind->value.type >= SNMP_NO_SUCH_OBJECT || varbind->oid_length <= prefix ||
        same < prefix)
        return READING_END;
    const uint8_t *tail = varbind->oid + prefix;
    size_t length = varbind->oid_length - prefix;
    if (walk->unordered) {
        if (seen_before(walk, tail, length)) {
            if (deliver(walk, segment, batch))
                task_fail(
                    &walk->task, ERR_PROTOCOL,
                    "the agent repeats rows of its unordered table, so its end cannot be told");
            return READING_OVER;
        }
    } else if (!oid_index_before(batch->last + prefix, batch->last_length - prefix, tail, length,
                                 same - prefix)) {
        if (deliver(walk, segment, batch))
            fail_order(walk, batch, varbind);
        return READING_OVER;
    }
    if (segment->end_length != 0 &&
        oid_index_compare(tail, length, segment->end, segment->end_length) >= 0)
        return READING_END;
    batch->rows[batch->count++] = (struct snmp_row){tail, length, varbind->value};
    if (batch->total == 1) {
        batch->first = varbind->oid;
        batch->first_length = varbind->oid_length;
    }
    batch->last = varbind->oid;
    batch->last_length = varbind->oid_length;
    if (batch->count == ROW_BATCH && !deliver(walk, segment, batch))
        return READING_OVER;
    return READING_MORE;
}

static enum reading read_rows(struct walk *walk, struct segment *segment, struct batch *batch,
                              const struct snmp_message *message)
{
    struct ber_reader list = snmp_message_varbinds(message);
    struct snmp_varbind varbind;
    enum reading reading = READING_MORE;
    int result = 0;
    while (reading == READING_MORE && (result = snmp_varbind_next(&list, &varbind)) == 1) {
        batch->total++;
        if (varbind.oid_length > OID_BER_SIZE) {
            result = ERR_SYNTAX;
            break;
        }
        reading = take_row(walk, segment, batch, &varbind);
    }
    if (reading == READING_OVER || !deliver(walk, segment, batch))
        return READING_OVER;
    if (result < 0) {
        task_fail(&walk->task, ERR_PROTOCOL, "the agent's answer is malformed");
        return READING_OVER;
    }
    return reading;
}

static void walk_answer(struct job *job, unsigned repetitions, const struct snmp_message *message,
                        size_t length)
{
    struct segment *segment = CONTAINER(job, struct segment, job);
    struct walk *walk = walk_of(job->task);
    if (message->error_status != SNMP_NO_ERROR) {
        walk_refused(walk, segment, repetitions, message);
        return;
    }
    struct batch batch;
    batch.count = 0;
    batch.total = 0;
    batch.last = segment->name;
    batch.last_length = segment->length;
    switch (read_rows(walk, segment, &batch, message)) {
    case READING_OVER:
        return;
    case READING_END:
        segment_end(walk, segment);
        return;
    case READING_MORE:
        break;
    }
    if (batch.total == 0) {
        too_much(walk, segment, repetitions, "without any row");
        return;
    }
    if (walk->splitter != NULL && !segment->keyed)
        splitter_first_row(walk, segment, batch.first, batch.first_length);
    segment_name(segment, batch.last, batch.last_length);
    grow(walk->task.device, repetitions, batch.total, length);
    engine_ready(&segment->job);
    if (walk->splitter != NULL)
        splitter_consider(walk);
}

static const struct job_class segment_class = {
    .build = walk_build,
    .answer = walk_answer,
    .silent = walk_silent,
};

static void walk_free(struct snmp_task *task)
{
    struct walk *walk = walk_of(task);
    splitter_free(walk->splitter);
    if (walk->first.name != walk->first.room)
        free(walk->first.name);
    map_done(&walk->seen);
    free(walk);
}

static const struct task_class walk_class = {.noun = "walk", .free = walk_free};

struct snmp_task *snmp_walk(struct snmp_device *device, const struct oid *prefix,
                            const struct snmp_walk_options *options, snmp_rows_fn *rows,
                            snmp_done_fn *done, void *arg)
{
    static const struct snmp_walk_options plain;
    uint8_t name[OID_BER_SIZE];
    if (options == NULL)
        options = &plain;
    struct walk *walk = alloc_zeroed(1, sizeof(*walk));
    task_begin(&walk->task, &walk_class, device, &options->scope, done, arg);
    walk->rows = rows;
    walk->unordered = options->allow_unordered;
    walk->repetitions_most = options->repetitions_most;
    walk->row_limit = options->row_limit != 0 ? options->row_limit : LIMIT_FORWARD_ROWS;
    walk->task.time_limit =
        options->time_limit.us > 0 ? options->time_limit : span_seconds(TIME_LIMIT_S);
    walk->prefix_length = (uint32_t)oid_encode(prefix, name);
    segment_init(walk, &walk->first, name, NULL, 0);
    if (options->segments > 1 && options->index != SNMP_INDEX_OTHER && !walk->unordered &&
        device->version != SNMP_V1)
        splitter_new(walk, options->index, options->segments);
    engine_ready(&walk->first.job);
    return &walk->task;
}
