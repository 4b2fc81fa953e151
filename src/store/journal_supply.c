/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/text.h"
#include "base/thread.h"
#include "store/journal_internal.h"

/* The supply of segments: files whose records are in the store are used again, new
 * ones are made up to the limit, ahead of need and off the lanes. */

static uint64_t random_key(void)
{
    uint64_t key = 0;
    while (getrandom(&key, sizeof key, 0) != sizeof key)
        CHECK(errno == EINTR);
    return key;
}

static int reserve_file(struct journal *journal, uint64_t *ret_name, struct err *err)
{
    uint64_t most = journal->total_bytes / journal->segment_bytes;
    if (journal->segment_count >= most || journal->segment_count >= JOURNAL_SEGMENTS_MAX)
        return err_set(err, ERR_LIMIT,
                       "the journal %s has reached its limit of %llu MiB: the store does not keep "
                       "up, or cannot be written",
                       journal->path, (unsigned long long)(journal->total_bytes >> 20));
    journal->segment_count++;
    *ret_name = journal->next_name++;
    return 0;
}

static struct segment *take_idle(struct journal *journal)
{
    struct segment *segment = journal->idle;
    if (segment != NULL) {
        journal->idle = segment->next;
        journal->idle_count--;
    }
    return segment;
}

/* Removes the file; its room on the disk and in the limit is free then. */
static void remove_file(struct journal *journal, struct segment *segment)
{
    unlinkat(journal->folder, segment->name, 0);
    segment_free(segment);
    pthread_mutex_lock(&journal->mutex);
    journal->segment_count--;
    pthread_mutex_unlock(&journal->mutex);
}

static int create_file(struct journal *journal, uint64_t number, const struct segment_head *head,
                       struct segment **ret, struct err *err)
{
    AUTO_TEXT struct text name = TEXT_EMPTY;
    text_printf(&name, "%06llu.segment", (unsigned long long)number);
    int failed =
        segment_create(journal->folder, text_get(&name), journal->segment_bytes, head, ret, err);
    if (failed != 0) {
        pthread_mutex_lock(&journal->mutex);
        journal->segment_count--;
        pthread_mutex_unlock(&journal->mutex);
    }
    return failed;
}

int supply_prepare(struct journal *journal, struct lane *lane, struct err *err)
{
    struct segment_head head = {
        .identity = journal->identity, .lane = lane->number, .key = random_key()};
    uint64_t name = 0;
    int failed = 0;
    pthread_mutex_lock(&journal->mutex);
    head.number = journal->next_number++;
    head.base = journal->committed;
    struct segment *segment = take_idle(journal);
    if (segment == NULL)
        failed = reserve_file(journal, &name, err);
    pthread_mutex_unlock(&journal->mutex);
    if (failed == 0 && segment == NULL)
        failed = create_file(journal, name, &head, &segment, err);
    else if (failed == 0 && (failed = segment_renew(segment, journal->folder, &head, err)) != 0)
        remove_file(journal, segment);
    if (failed != 0)
        return failed;
    pthread_mutex_lock(&journal->mutex);
    lane->ready = segment;
    pthread_mutex_unlock(&journal->mutex);
    return 0;
}

static struct lane *lane_in_need(struct journal *journal)
{
    for (unsigned i = 0; i < journal->lane_count; i++)
        if (journal->lanes[i].wanted && journal->lanes[i].ready == NULL)
            return &journal->lanes[i];
    for (unsigned i = 0; i < journal->lane_count; i++)
        if (!journal->lanes[i].supply_failed && journal->lanes[i].ready == NULL)
            return &journal->lanes[i];
    return NULL;
}

/* With one success the others are worth another attempt. */
static void forgive(struct journal *journal)
{
    for (unsigned i = 0; i < journal->lane_count; i++)
        journal->lanes[i].supply_failed = false;
}

static void supply_lane(struct journal *journal, struct lane *lane)
{
    struct err err;
    pthread_mutex_unlock(&journal->mutex);
    int failed = supply_prepare(journal, lane, &err);
    pthread_mutex_lock(&journal->mutex);
    if (failed == 0)
        forgive(journal);
    else
        lane->supply_err = err;
    lane->supply_failed = failed != 0;
    if (lane->wanted) {
        lane->wanted = false;
        pthread_cond_signal(&lane->wake);
    } else if (journal->queue.first != NULL) {
        lane_wake(journal);
    }
}

void *supply_run(void *opaque)
{
    struct journal *journal = opaque;
    thread_has_time();
    pthread_mutex_lock(&journal->mutex);
    while (!journal->supply_stopping) {
        struct lane *lane = lane_in_need(journal);
        if (lane != NULL)
            supply_lane(journal, lane);
        else
            pthread_cond_wait(&journal->supply_wake, &journal->mutex);
    }
    pthread_mutex_unlock(&journal->mutex);
    return NULL;
}

/* A file with damaged places is evidence: it keeps what it has, under another name. */
static void set_aside(struct journal *journal, struct segment *segment)
{
    AUTO_TEXT struct text name = TEXT_EMPTY;
    text_printf(&name, "%s.damaged", segment->name);
    if (renameat(journal->folder, segment->name, journal->folder, text_get(&name)) == 0) {
        pthread_mutex_lock(&journal->mutex);
        journal->segment_count--;
        pthread_mutex_unlock(&journal->mutex);
    }
    segment_free(segment);
}

void supply_release(struct journal *journal, struct segment *segment)
{
    if (segment->damaged_places > 0) {
        set_aside(journal, segment);
        return;
    }
    pthread_mutex_lock(&journal->mutex);
    bool keep = journal->idle_count < JOURNAL_IDLE_MAX && segment->size == journal->segment_bytes;
    if (keep) {
        segment->next = journal->idle;
        journal->idle = segment;
        journal->idle_count++;
    }
    pthread_mutex_unlock(&journal->mutex);
    if (!keep)
        remove_file(journal, segment);
    pthread_mutex_lock(&journal->mutex);
    forgive(journal);
    pthread_cond_signal(&journal->supply_wake);
    pthread_mutex_unlock(&journal->mutex);
}
