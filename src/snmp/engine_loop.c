/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
#include "io/loop.h"
#include "snmp/internal.h"

/* The engine on the program's loop: its descriptor is watched, one timer follows
 * its deadline, and work added between steps asks for a step at once. */

struct loop_glue {
    struct loop *loop;
    struct snmp_engine *engine;
    struct loop_watch *watch;
    struct loop_timer *timer;
};

static void step(struct loop_glue *glue)
{
    struct mono now = loop_now(glue->loop);
    snmp_engine_step(glue->engine, now);
    struct mono deadline = snmp_engine_deadline(glue->engine);
    if (deadline.us == INT64_MAX)
        loop_timer_stop(glue->timer);
    else
        loop_timer_start(glue->timer, mono_since(deadline, now));
}

static void readable(void *aux, int fd, unsigned events)
{
    step(aux);
}

static void due(void *aux)
{
    step(aux);
}

static void wake(void *arg)
{
    struct loop_glue *glue = arg;
    loop_timer_start(glue->timer, span_us(0));
}

int snmp_engine_new_on_loop(struct loop *loop, struct snmp_engine **ret, struct err *err)
{
    struct loop_glue *glue = alloc_zeroed(1, sizeof(*glue));
    struct snmp_engine_options options = {.wake = wake, .arg = glue};
    int result = snmp_engine_new(&options, &glue->engine, err);
    if (result != 0) {
        free(glue);
        return result;
    }
    glue->loop = loop;
    glue->engine->glue = glue;
    glue->timer = loop_timer_new(loop, due, glue);
    glue->watch =
        loop_watch_new(loop, snmp_engine_fd(glue->engine), LOOP_READ, readable, glue, err);
    if (glue->watch == NULL) {
        snmp_engine_free(glue->engine);
        return ERR_SYSTEM;
    }
    *ret = glue->engine;
    return 0;
}

void engine_detach(struct snmp_engine *engine)
{
    struct loop_glue *glue = engine->glue;
    if (glue == NULL)
        return;
    loop_watch_free(glue->watch);
    loop_timer_free(glue->timer);
    free(glue);
    engine->glue = NULL;
}
