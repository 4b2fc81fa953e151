/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
#include "contract/job.h"
#include "daemon/poller_internal.h"
#include "io/clock.h"
#include "io/loop.h"

struct probe {
    struct mac mac;
    probe_fn *done;
    void *aux;
};

/* One probe under way: in the poller's own state, or in the second one. */
struct seat {
    struct probing *probing;
    void *state;
    struct observed_job *job; /* NULL: free */
    struct probe probe;
};

struct probing {
    struct poller *poller;
    struct bucket rate;
    struct loop_timer *timer; /* until the rate allows the next one */
    bool resting;
    struct probe queue[PROBES_WAITING];
    size_t first, count;
    struct seat own, second; /* `own.state` is the poller's */
    bool second_made;
};

static const struct observed_source_class *class_of(const struct probing *probing)
{
    return probing->poller->source->observed;
}

static void rested(void *aux)
{
    struct probing *probing = aux;
    probing->resting = false;
    probing_go_on(probing);
}

struct probing *probing_new(struct poller *poller, const struct poller_limits *limits)
{
    struct probing *probing = alloc_zeroed(1, sizeof *probing);
    probing->poller = poller;
    probing->rate = bucket_of(limits->probe_gap, limits->probe_burst);
    probing->own.probing = probing->second.probing = probing;
    return probing;
}

static void seat_cancel(struct seat *seat)
{
    if (seat->job == NULL)
        return;
    class_of(seat->probing)->cancel(seat->state, seat->job);
    observed_job_free(seat->job);
    seat->job = NULL;
}

void probing_free(struct probing *probing)
{
    seat_cancel(&probing->own);
    seat_cancel(&probing->second);
    if (probing->second_made)
        class_of(probing)->plug.destruct(probing->second.state);
    free(probing->second.state);
    loop_timer_free(probing->timer);
    free(probing);
}

bool probing_uses_state(const struct probing *probing)
{
    return probing->own.job != NULL;
}

bool probing_busy(const struct probing *probing)
{
    return probing->own.job != NULL || probing->second.job != NULL;
}

void probing_retire(struct probing *probing)
{
    probing->count = 0;
    if (probing->timer != NULL)
        loop_timer_stop(probing->timer);
}

static void tell(const struct probing *probing, const struct probe *probe,
                 const struct forward_table *table, const struct err *err)
{
    const struct forward_table **tables = NULL;
    size_t count = 0, capacity = 0;
    for (const struct forward_table *each = table; each != NULL; each = each->next) {
        tables = alloc_grow(tables, count, &capacity, sizeof *tables);
        tables[count++] = each;
    }
    struct probe_result result = {.poller = probing->poller,
                                  .mac = probe->mac,
                                  .tables = tables,
                                  .count = count,
                                  .err = table == NULL ? err : NULL};
    probe->done(probe->aux, &result);
    free(tables);
}

static void probe_ended(void *aux, struct forward_table *table, const struct err *err)
{
    struct seat *seat = aux;
    struct probing *probing = seat->probing;
    struct probe probe = seat->probe;
    seat->job = NULL;
    if (table == NULL)
        probing->poller->probe_failures++;
    if (!probing->poller->retired)
        tell(probing, &probe, table, err);
    forward_table_free(table);
    if (!poller_state_free(probing->poller))
        probing_go_on(probing);
}

/* Makes the second state if there is none yet. */
static int second_construct(struct probing *probing, struct err *err)
{
    const struct plug_class *plug = &class_of(probing)->plug;
    struct poller *poller = probing->poller;
    if (probing->second_made)
        return 0;
    free(probing->second.state);
    probing->second.state = alloc_zeroed(1, plug->state_size);
    int status = plug->construct(probing->second.state, poller->source->options,
                                 &poller->generation->env, err);
    probing->second_made = status == 0;
    return status;
}

/* Returns a seat that is free and made, NULL when there is none; with `err` set where one
 * could not be made. */
static struct seat *find_seat(struct probing *probing, struct err *err)
{
    struct poller *poller = probing->poller;
    if (!poller->polling && !poller->wanted && probing->own.job == NULL) {
        if (poller_construct(poller, err) != 0)
            return NULL;
        probing->own.state = poller->state;
        return &probing->own;
    }
    if (probing->second.job != NULL || second_construct(probing, err) != 0)
        return NULL;
    return &probing->second;
}

static struct probe take_first(struct probing *probing)
{
    struct probe probe = probing->queue[probing->first];
    probing->first = (probing->first + 1) % PROBES_WAITING;
    probing->count--;
    return probe;
}

static bool rest(struct probing *probing)
{
    struct span wait = bucket_take(&probing->rate, clock_mono());
    if (wait.us == 0)
        return false;
    if (probing->timer == NULL)
        probing->timer = loop_timer_new(probing->poller->generation->env.loop, rested, probing);
    probing->resting = true;
    loop_timer_start(probing->timer, wait);
    return true;
}

static void start(struct probing *probing, struct seat *seat)
{
    struct err err = {0};
    seat->probe = take_first(probing);
    seat->job = observed_job_new(probing->poller->source->name, probe_ended, NULL, seat);
    probing->poller->probes++;
    if (class_of(probing)->probe(seat->state, seat->probe.mac, seat->job, &err) == 0)
        return;
    struct probe probe = seat->probe;
    observed_job_free(seat->job);
    seat->job = NULL;
    probing->poller->probe_failures++;
    tell(probing, &probe, NULL, &err);
}

/* One turn starts at most what has a seat; a class that refuses at once costs the rate. */
void probing_go_on(struct probing *probing)
{
    while (probing->count > 0 && !probing->resting && !probing->poller->retired) {
        struct err err = {0};
        struct seat *seat = find_seat(probing, &err);
        if (seat == NULL && err.code == 0)
            return;
        if (rest(probing))
            return;
        if (seat != NULL) {
            start(probing, seat);
            continue;
        }
        struct probe probe = take_first(probing);
        probing->poller->probe_failures++;
        tell(probing, &probe, NULL, &err);
    }
}

/* Probes begin in the loop's next turn at the earliest, so that `done` never comes before
 * poller_probe() has returned. */
static void begin_soon(struct probing *probing)
{
    if (probing->resting)
        return;
    if (probing->timer == NULL)
        probing->timer = loop_timer_new(probing->poller->generation->env.loop, rested, probing);
    probing->resting = true;
    loop_timer_start(probing->timer, span_us(0));
}

int poller_probe(struct poller *poller, struct mac mac, probe_fn *done, void *aux, struct err *err)
{
    struct probing *probing = poller->probing;
    if (poller->is_recorded || poller->source->observed->probe == NULL)
        return err_set(err, ERR_UNSUPPORTED,
                       "%s: a source of type %s cannot be asked for one address",
                       poller->source->name, config_source_plug(poller->source)->type);
    if (probing->count == PROBES_WAITING) {
        poller->probes_refused++;
        return err_set(err, ERR_LIMIT, "%s: %d addresses wait to be asked for already",
                       poller->source->name, PROBES_WAITING);
    }
    probing->queue[(probing->first + probing->count++) % PROBES_WAITING] =
        (struct probe){.mac = mac, .done = done, .aux = aux};
    begin_soon(probing);
    return 0;
}

size_t poller_probes_waiting(const struct poller *poller)
{
    const struct probing *probing = poller->probing;
    return probing->count + (probing->own.job != NULL) + (probing->second.job != NULL);
}
