/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/event_queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "contract/plugin.h"
#include "io/clock.h"

/* Events whose senders are answered, and that the judge is given, in one turn of the loop. */
enum { TOLD_A_TURN = 128, HANDED_A_TURN = 128 };

struct group {
    struct group *next;
    uint64_t number; /* the journal's */
    bool settled, stored;
    size_t told;          /* events whose tickets were told */
    struct event *events; /* texts in `arena` */
    uint64_t *tickets;    /* beside events */
    void **owners;        /* beside events */
    size_t count, capacity;
    struct arena *arena;
};

struct event_queue {
    struct loop *loop;
    struct event_queue_listener listener;
    struct group *open, *spare;  /* never NULL; maybe NULL */
    struct group *first, **last; /* on their way, oldest first */
    struct event_queue_status counted;
    struct journal *journal;
    struct loop_watch *watch;
    struct loop_timer *go_on; /* there is more to tell than one turn may take */
    size_t handed;            /* events of the first group that were handed over */
    bool failing;
    uint64_t *told; /* room for the tickets of one group */
    size_t told_capacity;
};

static struct group *group_new(struct event_queue *queue)
{
    struct group *group = queue->spare;
    queue->spare = NULL;
    if (group != NULL)
        return group;
    group = alloc_zeroed(1, sizeof *group);
    group->arena = arena_new();
    return group;
}

static void group_free(struct group *group)
{
    if (group == NULL)
        return;
    free(group->events);
    free(group->tickets);
    free(group->owners);
    arena_free(group->arena);
    free(group);
}

/* Keeps one group's memory for the next one. */
static void group_done(struct event_queue *queue, struct group *group)
{
    if (queue->spare != NULL) {
        group_free(group);
        return;
    }
    arena_clear(group->arena);
    group->count = group->told = 0;
    group->settled = group->stored = false;
    group->next = NULL;
    queue->spare = group;
}

/* Tells owners of tickets in the group, from where that was left and at most `most` events on;
 * runs of one owner in one call. Returns how many events that were. */
static size_t tell_tickets(struct event_queue *queue, struct group *group, size_t most)
{
    size_t first = group->told, end = group->count - first > most ? first + most : group->count;
    while (group->told < end) {
        void *owner = group->owners[group->told];
        size_t told = 0;
        for (; group->told < end && group->owners[group->told] == owner; group->told++) {
            if (group->tickets[group->told] == EVENT_NO_TICKET)
                continue;
            queue->told = alloc_grow(queue->told, told, &queue->told_capacity, sizeof *queue->told);
            queue->told[told++] = group->tickets[group->told];
        }
        if (told > 0)
            queue->listener.settled(queue->listener.context, owner, queue->told, told,
                                    group->stored);
    }
    return end - first;
}

static void tell_forgotten(struct event_queue *queue, const struct group *group)
{
    size_t i = 0;
    while (i < group->count) {
        size_t first = i;
        while (i < group->count && group->owners[i] == group->owners[first])
            i++;
        queue->listener.forgotten(queue->listener.context, group->owners[first], i - first);
    }
}

static void group_over(struct event_queue *queue)
{
    struct group *group = queue->first;
    queue->first = group->next;
    if (queue->first == NULL)
        queue->last = &queue->first;
    queue->handed = 0;
    tell_forgotten(queue, group);
    group_done(queue, group);
}

/* Hands over at most `most` events; returns whether there are more that could be. */
static bool hand_over(struct event_queue *queue, size_t most)
{
    while (queue->first != NULL && queue->first->told == queue->first->count) {
        const struct group *group = queue->first;
        size_t count = group->count - queue->handed;
        if (most == 0)
            return true;
        if (count > most)
            count = most;
        queue->counted.waiting -= count;
        queue->handed += count;
        most -= count;
        queue->listener.heard(queue->listener.context, group->events + queue->handed - count,
                              count);
        if (queue->handed == group->count)
            group_over(queue);
    }
    return false;
}

/* Tells of at most `most` events of settled groups, whichever group's sync was quicker.
 * Returns whether there are more. */
static bool tell_settled(struct event_queue *queue, size_t most)
{
    for (struct group *group = queue->first; group != NULL; group = group->next) {
        if (!group->settled || group->told == group->count)
            continue;
        most -= tell_tickets(queue, group, most);
        if (group->told < group->count)
            return true;
    }
    return false;
}

/* Answers first: somebody waits for them. */
static void tell(void *aux)
{
    struct event_queue *queue = aux;
    bool more = tell_settled(queue, TOLD_A_TURN) || hand_over(queue, HANDED_A_TURN);
    if (more)
        loop_timer_start(queue->go_on, span_us(0));
}

static void settle(struct event_queue *queue, struct group *group, bool stored)
{
    group->settled = true;
    group->stored = stored;
    if (stored)
        queue->counted.stored += group->count;
    else
        queue->counted.not_stored += group->count;
    if (!stored)
        queue->counted.not_stored_at = clock_wall();
    queue->counted.storing = stored;
}

static void group_settled(void *aux, uint64_t number, bool stored, const struct err *err)
{
    struct event_queue *queue = aux;
    for (struct group *group = queue->first; group != NULL; group = group->next) {
        if (group->number == number)
            settle(queue, group, stored);
    }
    if (stored == queue->failing)
        queue->listener.failing(queue->listener.context, stored ? NULL : err);
    queue->failing = !stored;
}

static void on_settled(void *aux, int fd, unsigned events)
{
    struct event_queue *queue = aux;
    journal_settle(queue->journal, group_settled, queue);
    tell(queue);
}

struct event_queue *event_queue_new(struct loop *loop, const struct event_queue_listener *listener)
{
    struct event_queue *queue = alloc_zeroed(1, sizeof *queue);
    queue->loop = loop;
    queue->listener = *listener;
    queue->counted = (struct event_queue_status){.not_stored_at = WALL_UNKNOWN, .storing = true};
    queue->last = &queue->first;
    queue->open = group_new(queue);
    queue->go_on = loop_timer_new(loop, tell, queue);
    return queue;
}

int event_queue_keep_in(struct event_queue *queue, struct journal *journal, struct err *err)
{
    queue->journal = journal;
    if (journal == NULL)
        return 0;
    queue->watch =
        loop_watch_new(queue->loop, journal_descriptor(journal), LOOP_READ, on_settled, queue, err);
    return queue->watch != NULL ? 0 : ERR_SYSTEM;
}

void event_queue_finish(struct event_queue *queue)
{
    event_queue_flush(queue);
    if (queue->journal != NULL) {
        journal_wait(queue->journal);
        journal_settle(queue->journal, group_settled, queue);
    }
    (void)tell_settled(queue, SIZE_MAX);
    (void)hand_over(queue, SIZE_MAX);
}

void event_queue_free(struct event_queue *queue)
{
    if (queue == NULL)
        return;
    while (queue->first != NULL) {
        struct group *group = queue->first;
        queue->first = group->next;
        tell_forgotten(queue, group);
        group_free(group);
    }
    tell_forgotten(queue, queue->open);
    group_free(queue->open);
    group_free(queue->spare);
    loop_watch_free(queue->watch);
    loop_timer_free(queue->go_on);
    free(queue->told);
    free(queue);
}

static const char *keep(struct group *group, const char *text)
{
    return text != NULL && *text != '\0' ? arena_text(group->arena, text, strlen(text)) : NULL;
}

static void group_room(struct group *group)
{
    if (group->count < group->capacity)
        return;
    group->capacity = group->capacity == 0 ? 64 : 2 * group->capacity;
    group->events = alloc_resize(group->events, group->capacity, sizeof *group->events);
    group->tickets = alloc_resize(group->tickets, group->capacity, sizeof *group->tickets);
    group->owners = alloc_resize(group->owners, group->capacity, sizeof *group->owners);
}

/* The open group goes on its way; the journal has it already, or gets it now. */
static void close_group(struct event_queue *queue)
{
    struct group *group = queue->open;
    if (group->count == 0)
        return;
    *queue->last = group;
    queue->last = &group->next;
    queue->open = group_new(queue);
}

int event_queue_add(struct event_queue *queue, const struct event *event, uint64_t ticket,
                    void *owner)
{
    uint64_t number = 0;
    if (queue->counted.waiting >= EVENT_QUEUE_MOST ||
        (queue->journal != NULL && journal_add(queue->journal, event, &number) != 0)) {
        queue->counted.refused++;
        return ERR_LIMIT;
    }
    if (queue->open->number != number)
        close_group(queue); /* the journal found it full */
    struct group *group = queue->open;
    group->number = number;
    group_room(group);
    struct event *copy = &group->events[group->count];
    *copy = *event;
    /* `source` and `type` live as long as the owner, which outlives its events. */
    copy->switch_name = keep(group, event->switch_name);
    copy->port = keep(group, event->port);
    copy->node = keep(group, event->node);
    copy->nas = keep(group, event->nas);
    copy->session = keep(group, event->session);
    copy->cause = keep(group, event->cause);
    group->tickets[group->count] = ticket;
    group->owners[group->count++] = owner;
    queue->counted.added++;
    queue->counted.waiting++;
    return 0;
}

void event_queue_flush(struct event_queue *queue)
{
    if (queue->journal != NULL) {
        journal_flush(queue->journal);
    } else if (queue->open->count > 0) {
        settle(queue, queue->open, true);
        loop_timer_start(queue->go_on, span_us(0));
    }
    close_group(queue);
}

void event_queue_count(const struct event_queue *queue, struct event_queue_status *ret)
{
    *ret = queue->counted;
}
