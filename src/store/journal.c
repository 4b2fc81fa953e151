/* SPDX-License-Identifier: Apache-2.0 */
#include "store/journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/journal_internal.h"

enum { SPARE_GROUPS = 64 };

/* --- appending --- */

static struct group *open_group(struct journal *journal)
{
    pthread_mutex_lock(&journal->mutex);
    struct group *group = journal->spare;
    if (group != NULL) {
        journal->spare = group->next;
        journal->spare_count--;
    }
    pthread_mutex_unlock(&journal->mutex);
    if (group == NULL) {
        group = alloc_zeroed(1, sizeof *group);
        group->capacity = GROUP_BYTES_FIRST;
        group->bytes = alloc_array(group->capacity, 1);
    }
    group->length = 0;
    group->number = journal->next_group;
    group->first = journal->next_sequence;
    return group;
}

static int make_room(struct journal *journal)
{
    struct group *group = journal->open;
    if (group != NULL && group->length + EVENT_RECORD_MAX > journal->group_bytes) {
        journal_flush(journal);
        group = NULL;
    }
    size_t held = journal->pending_bytes + (group == NULL ? 0 : group->capacity);
    if (group == NULL) {
        if (held + GROUP_BYTES_FIRST > journal->pending_limit)
            return ERR_LIMIT;
        journal->open = open_group(journal);
        return 0;
    }
    if (group->length + EVENT_RECORD_MAX <= group->capacity)
        return 0;
    if (held + group->capacity > journal->pending_limit)
        return ERR_LIMIT;
    group->capacity *= 2;
    group->bytes = alloc_resize(group->bytes, group->capacity, 1);
    return 0;
}

int journal_add(struct journal *journal, const struct event *event, uint64_t *ret_group)
{
    int failed = make_room(journal);
    if (failed != 0)
        return failed;
    struct group *group = journal->open;
    size_t length = event_record_write(group->bytes + group->length, journal->next_sequence, event);
    if (length == 0)
        return ERR_LIMIT;
    group->length += length;
    group->last = journal->next_sequence++;
    if (ret_group != NULL)
        *ret_group = group->number;
    return 0;
}

uint64_t journal_flush(struct journal *journal)
{
    struct group *group = journal->open;
    if (group == NULL || group->length == 0)
        return 0;
    uint64_t number = group->number;
    journal->open = NULL;
    journal->next_group++;
    journal->pending_bytes += group->capacity;
    pthread_mutex_lock(&journal->mutex);
    group_list_add(&journal->queue, group);
    journal->handed_last = group->last;
    journal->outstanding++;
    journal->figures.added += group->last - group->first + 1;
    journal->figures.pending_bytes = journal->pending_bytes;
    lane_wake(journal);
    pthread_mutex_unlock(&journal->mutex);
    return number;
}

/* --- settling --- */

int journal_descriptor(const struct journal *journal)
{
    return journal->event;
}

static void clear_event(struct journal *journal)
{
    uint64_t count;
    ssize_t got;
    do
        got = read(journal->event, &count, sizeof count);
    while (got < 0 && errno == EINTR);
}

static struct group *keep_or_free(struct journal *journal, struct group *group)
{
    if (journal->spare_count < SPARE_GROUPS) {
        group->next = journal->spare;
        journal->spare = group;
        journal->spare_count++;
        return NULL;
    }
    return group;
}

static void recycle_group(struct journal *journal, struct group *group)
{
    journal->pending_bytes -= group->capacity;
    pthread_mutex_lock(&journal->mutex);
    journal->figures.pending_bytes = journal->pending_bytes;
    group = keep_or_free(journal, group);
    pthread_mutex_unlock(&journal->mutex);
    if (group != NULL) {
        free(group->bytes);
        free(group);
    }
}

size_t journal_settle(struct journal *journal, journal_settled_fn *settled, void *aux)
{
    clear_event(journal);
    pthread_mutex_lock(&journal->mutex);
    struct group *group = journal->done.first;
    journal->done = (struct group_list){.end = &journal->done.first};
    pthread_mutex_unlock(&journal->mutex);
    size_t count = 0;
    for (; group != NULL; count++) {
        struct group *next = group->next;
        settled(aux, group->number, group->stored, group->stored ? NULL : &group->err);
        recycle_group(journal, group);
        group = next;
    }
    return count;
}

void journal_wait(struct journal *journal)
{
    pthread_mutex_lock(&journal->mutex);
    while (journal->outstanding > 0)
        pthread_cond_wait(&journal->settled, &journal->mutex);
    pthread_mutex_unlock(&journal->mutex);
}

/* --- figures --- */

uint64_t journal_identity(const struct journal *journal)
{
    return journal->identity;
}

uint64_t journal_next(const struct journal *journal)
{
    return journal->next_sequence;
}

void journal_status(struct journal *journal, struct journal_status *ret)
{
    pthread_mutex_lock(&journal->mutex);
    *ret = journal->figures;
    ret->segments = journal->segment_count;
    ret->disk_bytes = journal->segment_count * journal->segment_bytes;
    pthread_mutex_unlock(&journal->mutex);
}
