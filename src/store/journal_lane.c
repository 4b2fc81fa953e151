/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/thread.h"
#include "store/journal_internal.h"

/* The lanes: each takes every group that waits, writes them in one go and syncs. */

static struct mono now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (struct mono){time.tv_sec * INT64_C(1000000) + time.tv_nsec / 1000};
}

/* --- who takes the queue --- */

/* Whether the lane can write any group without waiting for a segment. */
static bool is_usable(const struct lane *lane)
{
    return lane->ready != NULL ||
           (lane->segment != NULL && segment_room(lane->segment) >= lane->journal->group_bytes);
}

/* A lane that can write goes before one that must ask for a segment first; that one
 * is only asked when no lane can write. */
void lane_wake(struct journal *journal)
{
    struct lane *chosen = NULL;
    bool any_usable = false;
    for (unsigned i = 0; i < journal->lane_count; i++) {
        struct lane *lane = &journal->lanes[i];
        bool usable = is_usable(lane);
        any_usable = any_usable || usable;
        if (lane->idle && (chosen == NULL || (usable && !is_usable(chosen))))
            chosen = lane;
    }
    if (chosen == NULL || (any_usable && !is_usable(chosen)))
        return;
    chosen->idle = false;
    pthread_cond_signal(&chosen->wake);
}

static bool another_usable(const struct lane *lane)
{
    const struct journal *journal = lane->journal;
    for (unsigned i = 0; i < journal->lane_count; i++)
        if (&journal->lanes[i] != lane && is_usable(&journal->lanes[i]))
            return true;
    return false;
}

/* --- segments --- */

static void seal_segment(struct lane *lane)
{
    lane->segment->sealed = true;
    segment_close(lane->segment);
    lane->segment = NULL;
}

/* Makes the prepared segment the one to write, waiting for it where it is not there
 * yet. Returns whether there is one. */
static bool next_segment(struct lane *lane)
{
    struct journal *journal = lane->journal;
    if (lane->ready == NULL) {
        lane->wanted = true;
        lane->supply_failed = false;
        pthread_cond_signal(&journal->supply_wake);
        while (lane->ready == NULL && !lane->supply_failed)
            pthread_cond_wait(&lane->wake, &journal->mutex);
    }
    if (lane->ready == NULL)
        return false;
    lane->segment = lane->ready;
    lane->ready = NULL;
    chain_add(&journal->chains[lane->number], lane->segment);
    pthread_cond_signal(&journal->supply_wake);
    return true;
}

/* --- writing --- */

static void finish_groups(struct lane *lane, struct group_list *groups, bool stored,
                          const struct err *err)
{
    struct journal *journal = lane->journal;
    bool first = journal->done.first == NULL;
    while (groups->first != NULL) {
        struct group *group = group_list_take(groups);
        uint64_t events = group->last - group->first + 1;
        group->stored = stored;
        if (stored) {
            journal->figures.stored += events;
            journal->figures.waiting += events;
        } else {
            group->err = *err;
            journal->figures.failed += events;
        }
        group_list_add(&journal->done, group);
        journal->outstanding--;
    }
    journal->figures.failing = !stored;
    if (!stored)
        journal->figures.cause = *err;
    lane->writing = 0;
    if (journal->outstanding == 0)
        pthread_cond_broadcast(&journal->settled);
    const uint64_t one = 1;
    if (first && write(journal->event, &one, sizeof one) < 0)
        CHECK(errno == EAGAIN); /* its counter is full: readable all the same */
}

/* Takes from the queue what fits into the segment. */
static void take_groups(struct lane *lane, struct group_list *ret)
{
    struct journal *journal = lane->journal;
    size_t room = lane->segment == NULL ? SIZE_MAX : segment_room(lane->segment);
    *ret = (struct group_list){.end = &ret->first};
    for (size_t count = 0; count < LANE_GROUPS_MAX && journal->queue.first != NULL &&
                           journal->queue.first->length <= room;
         count++) {
        room -= journal->queue.first->length;
        group_list_add(ret, group_list_take(&journal->queue));
    }
    lane->writing = ret->first->first;
}

static int write_all(int fd, struct iovec *parts, int count, off_t at)
{
    while (count > 0) {
        ssize_t written = pwritev(fd, parts, count, at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            errno = written == 0 ? ENOSPC : errno;
            return -1;
        }
        at += written;
        size_t left = (size_t)written;
        for (; count > 0 && left >= parts->iov_len; parts++, count--)
            left -= parts->iov_len;
        if (count > 0) {
            parts->iov_base = (uint8_t *)parts->iov_base + left;
            parts->iov_len -= left;
        }
    }
    return 0;
}

/* Without the mutex: the groups and the segment's file are this lane's. */
static int write_groups(struct lane *lane, const struct group_list *groups, size_t start,
                        struct err *err)
{
    struct segment *segment = lane->segment;
    struct iovec parts[LANE_GROUPS_MAX];
    int count = 0;
    for (struct group *group = groups->first; group != NULL; group = group->next) {
        for (size_t at = 0; at < group->length;)
            at += event_record_seal(group->bytes + at, start, segment->head.key);
        parts[count++] = (struct iovec){group->bytes, group->length};
    }
    if (write_all(segment->fd, parts, count, (off_t)start) != 0)
        return err_set_errno(err, errno, "the journal's %s: writing events", segment->name);
    if (!lane->journal->unsafe && fdatasync(segment->fd) != 0)
        return err_set_errno(err, errno, "the journal's %s: syncing events", segment->name);
    return 0;
}

static void count_sync(struct journal *journal, struct mono began)
{
    struct span took = mono_since(now(), began);
    journal->figures.syncs++;
    journal->figures.sync_total = span_add(journal->figures.sync_total, took);
    if (took.us > journal->figures.sync_longest.us)
        journal->figures.sync_longest = took;
}

/* With the mutex, which is given up meanwhile. */
static void store_groups(struct lane *lane)
{
    struct journal *journal = lane->journal;
    struct group_list groups;
    take_groups(lane, &groups);
    size_t length = 0;
    uint64_t last = 0;
    for (struct group *group = groups.first; group != NULL; group = group->next) {
        length += group->length;
        last = group->last;
    }
    struct err err;
    struct segment *segment = lane->segment;
    size_t start = segment->end;
    pthread_mutex_unlock(&journal->mutex);
    struct mono began = now();
    int failed = write_groups(lane, &groups, start, &err);
    pthread_mutex_lock(&journal->mutex);
    count_sync(journal, began);
    if (failed == 0) {
        segment->end = start + length;
        segment->last = last;
    } else {
        /* What the file holds behind `end` is not known any more. */
        seal_segment(lane);
    }
    finish_groups(lane, &groups, failed == 0, &err);
}

/* With the mutex and something in the queue. */
static void serve_queue(struct lane *lane)
{
    struct journal *journal = lane->journal;
    if (lane->segment != NULL && segment_room(lane->segment) < journal->queue.first->length)
        seal_segment(lane);
    if (lane->segment == NULL && !next_segment(lane)) {
        if (journal->queue.first == NULL)
            return;
        if (another_usable(lane)) {
            lane_wake(journal);
            return;
        }
        struct group_list groups;
        take_groups(lane, &groups);
        finish_groups(lane, &groups, false, &lane->supply_err);
        return;
    }
    /* Another lane may have served it while this one waited for a segment. */
    if (journal->queue.first != NULL && segment_room(lane->segment) >= journal->queue.first->length)
        store_groups(lane);
}

void *lane_run(void *opaque)
{
    struct lane *lane = opaque;
    struct journal *journal = lane->journal;
    thread_is_waited_for();
    pthread_mutex_lock(&journal->mutex);
    for (;;) {
        bool can_serve = is_usable(lane) || !another_usable(lane);
        if (journal->queue.first != NULL && can_serve) {
            serve_queue(lane);
            continue;
        }
        if (journal->stopping && journal->queue.first == NULL)
            break;
        lane->idle = true;
        while (lane->idle && !(journal->stopping && journal->queue.first == NULL))
            pthread_cond_wait(&lane->wake, &journal->mutex);
        lane->idle = false;
    }
    pthread_mutex_unlock(&journal->mutex);
    return NULL;
}
