/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/text.h"
#include "snmp/internal.h"

void task_begin(struct snmp_task *task, const struct task_class *class, struct snmp_device *device,
                const struct snmp_scope *scope, snmp_done_fn *done, void *arg)
{
    task->class = class;
    task->device = device;
    task->done = done;
    task->arg = arg;
    task->timeout = device->limits.timeout;
    task->tries = device->limits.tries;
    task->limit.kind = TIMER_TASK;
    task->result.started = device->engine->now;
    if (scope != NULL) {
        if (scope->community != NULL)
            task->community = alloc_text(scope->community);
        if (scope->context != NULL)
            task->context = alloc_text(scope->context);
        if (scope->timeout.us > 0)
            task->timeout = scope->timeout;
        if (scope->tries > 0)
            task->tries = scope->tries < REQUEST_TRIES_MAX ? scope->tries : REQUEST_TRIES_MAX;
    }
    task->result.why = "";
    list_add(&device->tasks, &task->link);
    device->engine->task_count++;
}

void job_init(struct job *job, const struct job_class *class, struct snmp_task *task)
{
    job->class = class;
    job->task = task;
    job->sibling = task->jobs;
    task->jobs = job;
}

/* Takes a task out of everything; its memory goes when the step is over. */
static void retire(struct snmp_task *task)
{
    struct snmp_device *device = task->device;
    struct snmp_engine *engine = device->engine;
    task->over = true;
    timer_clear(&engine->wheel, &task->limit);
    for (struct job *job = task->jobs; job != NULL; job = job->sibling) {
        list_remove(&job->ready);
        if (job->request != NULL)
            engine_release(engine, job->request);
    }
    list_remove(&task->link);
    list_add(&engine->dead_tasks, &task->link);
    engine->task_count--;
    if (list_empty(&device->tasks)) {
        device->begun = false;
        list_remove(&device->queued);
    }
}

static void finish(struct snmp_task *task, int code, const char *why)
{
    retire(task);
    task->result.code = code;
    task->result.why = why;
    task->result.ended = task->device->engine->now;
    task->done(task->arg, &task->result);
    task->result.why = "";
}

void task_end(struct snmp_task *task)
{
    finish(task, 0, "");
}

void task_fail(struct snmp_task *task, int code, const char *format, ...)
{
    AUTO_TEXT struct text why = TEXT_EMPTY;
    va_list args;
    text_printf(&why, "%s: ", task->device->label);
    va_start(args, format);
    text_vprintf(&why, format, args);
    va_end(args);
    if (task->community != NULL)
        text_add(&why, " (with a community of its own)");
    if (task->context != NULL && task->context[0] != '\0')
        text_printf(&why, " (context \"%s\")", task->context);
    if (task->result.rows > 0)
        text_printf(&why, "; %llu rows were read before", (unsigned long long)task->result.rows);
    finish(task, code, text_get(&why));
}

const struct snmp_result *snmp_task_result(const struct snmp_task *task)
{
    return &task->result;
}

void snmp_cancel(struct snmp_task *task)
{
    /* A callback may cancel the task that it is called for, or one already over. */
    if (task == NULL || task->over)
        return;
    retire(task);
}
