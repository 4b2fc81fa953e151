/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SNMP_INTERNAL_H
#define MUSTER_SNMP_INTERNAL_H

#include "snmp/engine.h"
#include "snmp/rto.h"
#include "snmp/timer_wheel.h"
#include "snmp/transport.h"

/* What the parts of the polling engine share, and nobody else includes.
 *
 * engine.c owns sockets, requests, timers and the queues; device.c an agent's
 * credentials and the v3 handshake; walk.c, walk_split.c, get.c the tasks. A task
 * has jobs; the engine calls their class to build a request, to take
 * an answer and when a request goes unanswered. Whoever ends a task calls
 * task_end() or task_fail() and touches it no more: memory that callbacks might
 * still hold is freed when the step is over. */

enum {
    REQUEST_TRIES_MAX = 10,
    REQUEST_RESYNC_MAX = 3, /* v3: times that one request may be asked anew after a Report */
    SEQUENCE_BITS = 12,
    SEQUENCE_MASK = (1 << SEQUENCE_BITS) - 1,
    REQUEST_BITS = 31 - SEQUENCE_BITS,
    REQUEST_CHUNK = 256,
    REPLY_TARGET = 1400 /* octets: repetitions do not grow an answer beyond one frame */
};

struct link {
    struct link *next, *previous;
};
static inline void list_init(struct link *list)
{
    list->next = list->previous = list;
}
static inline bool list_empty(const struct link *list)
{
    return list->next == list;
}
static inline void list_add(struct link *list, struct link *node)
{
    node->next = list;
    node->previous = list->previous;
    list->previous->next = node;
    list->previous = node;
}
/* Takes `node` out of its list; nothing happens when it is in none. */
static inline void list_remove(struct link *node)
{
    if (node->next == NULL)
        return;
    node->previous->next = node->next;
    node->next->previous = node->previous;
    node->next = node->previous = NULL;
}
#define CONTAINER(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

struct job;
struct request;

struct job_class {
    /* Sets pdu, error_status, error_index and adds varbinds. */
    void (*build)(struct job *job, struct request *request, struct snmp_message *message,
                  struct ber_writer *writer);
    /* Takes a Response of `length` octets to a request for `repetitions` rows. */
    void (*answer)(struct job *job, unsigned repetitions, const struct snmp_message *message,
                   size_t length);
    /* The request is about to be sent again after silence. */
    void (*silent)(struct job *job, struct request *request);
    /* No try was answered; the request is free already. NULL: the task fails. */
    void (*lost)(struct job *job);
};

/* One line of questions: one request in flight at a time. */
struct job {
    struct link ready; /* in device->ready while it waits to send */
    const struct job_class *class;
    struct snmp_task *task;
    struct request *request; /* in flight, NULL */
    struct job *sibling;     /* next job of the task */
};

struct task_class {
    const char *noun; /* "walk", "get", "set" */
    void (*free)(struct snmp_task *task);
};

struct snmp_task {
    const struct task_class *class;
    struct snmp_device *device;
    struct link link; /* in device->tasks; in engine->graveyard when over */
    struct job *jobs;
    char *community, *context; /* NULL: the device's */
    struct span timeout;
    unsigned tries;
    bool over, failing;
    struct span time_limit; /* 0: none */
    struct timer limit;     /* the end of a walk's time */
    struct snmp_result result;
    snmp_done_fn *done;
    void *arg;
};

struct request {
    struct timer timer;
    struct snmp_device *device; /* NULL while free */
    struct job *job;            /* NULL: engine discovery */
    struct mono first_sent;
    uint32_t sent_after_us[REQUEST_TRIES_MAX]; /* each try, after first_sent */
    uint32_t number;
    uint16_t first_sequence, sequence; /* of the tries so far */
    uint16_t repetitions;              /* that the walk asked for */
    uint8_t tries, resyncs;
    bool in_window;
    int send_errno; /* could not be sent */
    struct request *next_free;
};

enum timer_kind { TIMER_REQUEST, TIMER_DEVICE, TIMER_TASK };

struct device_v3 {
    struct usm_user user;
    struct usm_keys keys; /* localised to engine_id */
    uint8_t engine_id[SNMP_ENGINE_ID_SIZE];
    size_t engine_id_length; /* 0: not discovered */
    struct usm_clock clock;
    bool clock_authentic;
    struct request *discovery; /* under way */
};

struct snmp_device {
    struct snmp_engine *engine;
    struct link link;   /* in engine->devices, or the graveyard */
    struct link queued; /* in engine->hot or engine->fresh */
    struct link ready;  /* of jobs */
    struct link tasks;
    struct timer timer; /* min_interval */
    struct snmp_address address;
    enum snmp_version version;
    int socket;
    unsigned in_flight;
    bool begun;
    bool stranger_seen;
    struct mono next_send;
    struct rto rto;
    unsigned hasty; /* how often it was asked again before its answer had come */
    unsigned repetitions, repetitions_limit; /* now; and as learnt */
    struct snmp_limits limits;
    struct snmp_address stranger; /* who answered in its place */
    struct device_v3 *v3;
    char *label, *community;
};

enum { MALFORMED_KEPT = 8 };

struct snmp_engine {
    struct transport *transport;
    struct usm_crypto *crypto;
    struct timer_wheel wheel;
    struct mono now;
    struct rto rto; /* over all devices */
    struct snmp_engine_options options;
    struct loop_glue *glue;
    struct link devices, hot, fresh;
    struct link dead_tasks, dead_devices;
    struct request **chunks;
    size_t chunk_count;
    struct request *free_requests;
    uint32_t id_mask;
    unsigned window_used;
    uint64_t task_count;
    unsigned depth; /* in a step */
    struct snmp_engine_counters counters;
    struct snmp_address malformed[MALFORMED_KEPT]; /* latest senders of no SNMP */
    unsigned malformed_next;
};

/* --- engine.c --- */

/* Lets `job` ask when its device's limits allow. */
void engine_ready(struct job *job);
/* Frees a request: an answer to it is late from now on. */
void engine_release(struct snmp_engine *engine, struct request *request);
/* Sends another try of `request`. */
void engine_send(struct snmp_engine *engine, struct request *request);
/* Starts a request for `job` (NULL: discovery); NULL when all numbers are taken. */
struct request *engine_start_request(struct snmp_device *device, struct job *job);
void engine_wake(struct snmp_engine *engine);
/* Serves the device again in a while. */
void engine_retry_later(struct snmp_device *device);

/* --- task.c --- */

/* Puts a new task on its device; `scope` may be NULL. */
void task_begin(struct snmp_task *task, const struct task_class *class, struct snmp_device *device,
                const struct snmp_scope *scope, snmp_done_fn *done, void *arg);
/* Adds a zeroed job to a task. */
void job_init(struct job *job, const struct job_class *class, struct snmp_task *task);
/* Ends a task whole. */
void task_end(struct snmp_task *task);
/* Ends a task with a cause; the sentence begins with the device. */
void task_fail(struct snmp_task *task, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/* engine_loop.c: takes the engine off its loop, if it is on one. */
void engine_detach(struct snmp_engine *engine);

/* --- device.c --- */

/* Whether requests can be sent; else discovery was begun, if it was not. */
bool device_can_ask(struct snmp_device *device);
/* Fills in the message and seals it. Returns 0 or an error. */
int device_seal(struct snmp_device *device, const struct request *request, int32_t id,
                struct snmp_message *message, struct ber_writer *writer);
enum device_verdict {
    DEVICE_ANSWER,  /* a Response for the job */
    DEVICE_DROP,    /* not to be believed or used; the request goes on waiting */
    DEVICE_ASK_NEW, /* clock or engine id learnt: ask again */
    DEVICE_DONE     /* discovery is over, or the task was failed */
};
/* Judges what came as an answer to `request`; opens v3 messages in `bytes`. */
enum device_verdict device_receive(struct snmp_device *device, struct request *request,
                                   struct snmp_message *message, uint8_t *bytes);
/* Returns what silence may mean for this device, to be added to the message. */
const char *device_silence_hint(const struct snmp_device *device);
/* Fails every task of a device with the same cause. */
void device_fail_all(struct snmp_device *device, int code, const char *why);
void device_free_now(struct snmp_device *device);

#endif
