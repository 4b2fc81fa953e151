/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "snmp/internal.h"

/* Exact instances and assignments. A get is cut into requests of what fits into a
 * frame; v1 agents refuse a whole request for one missing name, so that name is
 * struck out and the rest asked again: the caller sees no difference. */

enum {
    GET_NAMES = 48,        /* of one request at most */
    GET_OCTETS = 1100,     /* of one request's varbinds */
    VARBIND_OVERHEAD = 12, /* headers of a varbind, generously */
    SET_OCTETS = TRANSPORT_SEND_SIZE - SNMP_HEADROOM - SNMP_TAILROOM
};

struct name {
    uint32_t offset;
    uint32_t length;
};

struct get {
    struct snmp_task task;
    struct job job;
    snmp_value_fn *value;
    uint8_t *octets; /* all names, back to back */
    struct name *names;
    size_t count, next; /* names, and those that were delivered */
    size_t asked;       /* names from `next` on that the present request is about */
    size_t per_request;
    uint64_t missing; /* v1: bit i: name `next` + i does not exist */
};

struct set {
    struct snmp_task task;
    struct job job;
    size_t length;
    uint8_t varbinds[];
};

static struct get *get_of(struct job *job)
{
    return CONTAINER(job, struct get, job);
}

/* Returns how many names the next request is about. */
static size_t next_names(const struct get *get)
{
    size_t count = 0, octets = 0;
    while (get->next + count < get->count && count < get->per_request) {
        octets += get->names[get->next + count].length + VARBIND_OVERHEAD;
        if (count > 0 && octets > GET_OCTETS)
            break;
        count++;
    }
    return count;
}

static bool is_missing(const struct get *get, size_t i)
{
    return (get->missing >> i & 1) != 0;
}

static void get_build(struct job *job, struct request *request, struct snmp_message *message,
                      struct ber_writer *writer)
{
    struct get *get = get_of(job);
    get->asked = next_names(get);
    for (size_t i = 0; i < get->asked; i++) {
        const struct name *name = &get->names[get->next + i];
        if (!is_missing(get, i))
            (void)snmp_writer_add(writer, get->octets + name->offset, name->length, NULL);
    }
}

/* Hands out the values of one answer. Returns false when the task is over. */
static bool deliver_values(struct get *get, struct ber_reader list)
{
    static const struct snmp_value absent = {.type = SNMP_NO_SUCH_OBJECT};
    for (size_t i = 0; i < get->asked; i++) {
        const struct name *name = &get->names[get->next + i];
        struct snmp_varbind varbind;
        if (is_missing(get, i)) {
            varbind.value = absent;
        } else if (snmp_varbind_next(&list, &varbind) != 1 ||
                   oid_index_compare(varbind.oid, varbind.oid_length, get->octets + name->offset,
                                     name->length) != 0) {
            task_fail(&get->task, ERR_PROTOCOL,
                      "the agent's answer is malformed or about other objects than were asked for");
            return false;
        }
        get->value(get->task.arg, get->next + i, &varbind.value);
        if (get->task.over)
            return false;
        get->task.result.rows++;
    }
    return true;
}

static void go_on(struct get *get, struct ber_reader list)
{
    if (!deliver_values(get, list))
        return;
    get->next += get->asked;
    get->missing = 0;
    if (get->next == get->count)
        task_end(&get->task);
    else
        engine_ready(&get->job);
}

/* v1: strikes out the name that `index` (from 1, of those sent) points at. Returns
 * false when it points at none. */
static bool strike_out(struct get *get, int32_t index)
{
    for (size_t i = 0; i < get->asked; i++) {
        if (is_missing(get, i) || --index > 0)
            continue;
        if (index < 0)
            return false;
        get->missing |= UINT64_C(1) << i;
        return true;
    }
    return false;
}

static void refuse(struct snmp_task *task, const struct snmp_message *message)
{
    bool denied = message->error_status == SNMP_AUTHORIZATION_ERROR ||
                  message->error_status == SNMP_NO_ACCESS ||
                  message->error_status == SNMP_NOT_WRITABLE ||
                  message->error_status == SNMP_READ_ONLY;
    task->result.error_status = message->error_status;
    task->result.error_index = message->error_index;
    task_fail(task, denied ? ERR_DENIED : ERR_PROTOCOL,
              "the agent answers %s (object %d of the %s)", snmp_error_word(message->error_status),
              message->error_index, task->class->noun);
}

static void get_answer(struct job *job, unsigned repetitions, const struct snmp_message *message,
                       size_t length)
{
    struct get *get = get_of(job);
    bool halved = false;
    switch (message->error_status) {
    case SNMP_NO_ERROR:
        go_on(get, snmp_message_varbinds(message));
        return;
    case SNMP_NO_SUCH_NAME:
        if (strike_out(get, message->error_index)) {
            if (__builtin_popcountll(get->missing) < (int)get->asked)
                engine_ready(&get->job);
            else
                go_on(get, (struct ber_reader){NULL, NULL});
            return;
        }
        break;
    case SNMP_TOO_BIG:
    case SNMP_GEN_ERR:
        halved = get->asked > 1;
        break;
    default:
        break;
    }
    if (!halved) {
        refuse(&get->task, message);
        return;
    }
    get->per_request = get->asked / 2;
    get->missing = 0;
    engine_ready(&get->job);
}

static void nothing_to_adapt(struct job *job, struct request *request)
{
}

static void get_free(struct snmp_task *task)
{
    struct get *get = CONTAINER(task, struct get, task);
    free(get->octets);
    free(get->names);
    free(get);
}

static const struct job_class get_job = {
    .build = get_build,
    .answer = get_answer,
    .silent = nothing_to_adapt,
};
static const struct task_class get_class = {.noun = "get", .free = get_free};

struct snmp_task *snmp_get(struct snmp_device *device, const struct oid *oids, size_t count,
                           const struct snmp_scope *scope, snmp_value_fn *value, snmp_done_fn *done,
                           void *arg)
{
    CHECK(count > 0);
    struct get *get = alloc_zeroed(1, sizeof(*get));
    task_begin(&get->task, &get_class, device, scope, done, arg);
    get->value = value;
    get->count = count;
    get->per_request = GET_NAMES;
    get->names = alloc_array(count, sizeof(*get->names));
    size_t used = 0, capacity = 0;
    for (size_t i = 0; i < count; i++) {
        if (capacity - used < OID_BER_SIZE) {
            capacity = 2 * capacity + OID_BER_SIZE;
            get->octets = alloc_resize(get->octets, capacity, 1);
        }
        size_t length = oid_encode(&oids[i], get->octets + used);
        get->names[i] = (struct name){(uint32_t)used, (uint32_t)length};
        used += length;
    }
    job_init(&get->job, &get_job, &get->task);
    engine_ready(&get->job);
    return &get->task;
}

/* --- set --- */

static void set_build(struct job *job, struct request *request, struct snmp_message *message,
                      struct ber_writer *writer)
{
    const struct set *set = CONTAINER(job, struct set, job);
    message->pdu = SNMP_SET;
    ber_append(writer, set->varbinds, set->length);
}

static void set_answer(struct job *job, unsigned repetitions, const struct snmp_message *message,
                       size_t length)
{
    if (message->error_status != SNMP_NO_ERROR)
        refuse(job->task, message);
    else
        task_end(job->task);
}

static void set_free(struct snmp_task *task)
{
    free(CONTAINER(task, struct set, task));
}

static const struct job_class set_job = {
    .build = set_build,
    .answer = set_answer,
    .silent = nothing_to_adapt,
};
static const struct task_class set_class = {.noun = "set", .free = set_free};

struct snmp_task *snmp_set(struct snmp_device *device, const struct snmp_assignment *assignments,
                           size_t count, const struct snmp_scope *scope, snmp_done_fn *done,
                           void *arg, struct err *err)
{
    uint8_t buffer[SET_OCTETS];
    struct ber_writer writer;
    ber_writer_init(&writer, buffer, sizeof(buffer), 0);
    for (size_t i = 0; i < count; i++) {
        uint8_t name[OID_BER_SIZE];
        size_t length = oid_encode(&assignments[i].oid, name);
        if (!snmp_writer_add(&writer, name, length, &assignments[i].value)) {
            err_set(err, ERR_LIMIT, "%s: %zu values do not fit into one SET", device->label, count);
            return NULL;
        }
    }
    struct set *set = alloc_zeroed(1, sizeof(*set) + writer.end);
    task_begin(&set->task, &set_class, device, scope, done, arg);
    set->length = writer.end;
    memcpy(set->varbinds, buffer, writer.end);
    job_init(&set->job, &set_job, &set->task);
    engine_ready(&set->job);
    return &set->task;
}
