/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "store/journal_internal.h"

static const char segment_ending[] = ".segment", new_ending[] = ".segment.new";

/* --- what is in the folder --- */

struct found {
    struct segment **items;
    size_t count, capacity;
};

/* Returns the number that a name begins with when `ending` is all that follows it; 0. */
static uint64_t name_number(const char *name, const char *ending)
{
    uint64_t number = 0;
    size_t digits = 0;
    for (; isdigit((unsigned char)name[digits]); digits++)
        number = number * 10 + (uint64_t)(name[digits] - '0');
    return digits >= 6 && digits <= 18 && strcmp(name + digits, ending) == 0 ? number : 0;
}

static int compare_number(const void *a, const void *b)
{
    const struct segment *x = *(struct segment *const *)a, *y = *(struct segment *const *)b;
    return (x->head.number > y->head.number) - (x->head.number < y->head.number);
}

static int check_identity(struct journal *journal, const struct journal_options *options,
                          const struct segment *segment, struct err *err)
{
    if (journal->identity == 0)
        journal->identity = segment->head.identity;
    if (segment->head.identity == journal->identity)
        return 0;
    return err_set(
        err, ERR_CORRUPT,
        "the journal's %s/%s belongs to another %s; nothing was changed: move it away to "
        "go on without the events in it",
        journal->path, segment->name, options->identity == 0 ? "journal" : "store");
}

static int take_file(struct journal *journal, const struct journal_options *options,
                     const char *name, struct found *found, struct err *err)
{
    uint64_t number = name_number(name, segment_ending);
    if (number == 0)
        return 0;
    if (number >= journal->next_name)
        journal->next_name = number + 1;
    if (found->count == JOURNAL_SEGMENTS_MAX)
        return err_set(err, ERR_LIMIT, "the journal %s has more than %d segments", journal->path,
                       JOURNAL_SEGMENTS_MAX);
    struct segment *segment = NULL;
    int failed = segment_open(journal->folder, name, &segment, err);
    if (failed != 0)
        return failed;
    segment_close(segment);
    found->items = alloc_grow(found->items, found->count, &found->capacity, sizeof *found->items);
    found->items[found->count++] = segment;
    return check_identity(journal, options, segment, err);
}

static DIR *open_list(const struct journal *journal, struct err *err)
{
    int copy = openat(journal->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = copy < 0 ? NULL : fdopendir(copy);
    if (list == NULL) {
        err_set_errno(err, errno, "reading the folder %s", journal->path);
        if (copy >= 0)
            close(copy);
    }
    return list;
}

/* Reads the head of every segment; changes nothing. */
static int list_segments(struct journal *journal, const struct journal_options *options,
                         struct found *found, struct err *err)
{
    DIR *list = open_list(journal, err);
    if (list == NULL)
        return ERR_SYSTEM;
    int failed = 0;
    for (struct dirent *entry; failed == 0 && (entry = readdir(list)) != NULL;)
        failed = take_file(journal, options, entry->d_name, found, err);
    closedir(list);
    if (found->count > 1)
        qsort(found->items, found->count, sizeof *found->items, compare_number);
    return failed;
}

/* A crash while a file was being made leaves it under its first name. */
static int remove_unfinished(struct journal *journal, struct err *err)
{
    DIR *list = open_list(journal, err);
    if (list == NULL)
        return ERR_SYSTEM;
    for (struct dirent *entry; (entry = readdir(list)) != NULL;)
        if (name_number(entry->d_name, new_ending) != 0)
            unlinkat(journal->folder, entry->d_name, 0);
    closedir(list);
    return 0;
}

/* --- recovery --- */

static int scan_file(struct journal *journal, struct segment *segment, uint64_t *ret_unfolded,
                     struct err *err)
{
    struct segment *opened = NULL;
    int failed = segment_open(journal->folder, segment->name, &opened, err);
    if (failed != 0)
        return failed;
    segment->fd = opened->fd;
    opened->fd = -1;
    segment_free(opened);
    failed = segment_scan(segment, journal->committed, ret_unfolded, err);
    segment_close(segment);
    return failed;
}

static void raise_to(uint64_t *least, uint64_t value)
{
    if (*least < value)
        *least = value;
}

/* What is not in the store goes into its lane's chain, the rest may be used again. */
static int recover_segment(struct journal *journal, struct segment *segment,
                           struct journal_recovery *recovery, struct err *err)
{
    uint64_t unfolded = 0;
    int failed = scan_file(journal, segment, &unfolded, err);
    if (failed != 0) {
        segment_free(segment);
        return failed;
    }
    journal->segment_count++;
    raise_to(&journal->next_number, segment->head.number + 1);
    raise_to(&journal->next_sequence, segment->head.base + 1);
    raise_to(&journal->next_sequence, segment->last + 1);
    recovery->records += unfolded;
    if (segment->damaged_places > 0 && recovery->damaged_file[0] == '\0')
        snprintf(recovery->damaged_file, sizeof recovery->damaged_file, "%s", segment->name);
    recovery->damaged_places += segment->damaged_places;
    if (unfolded > 0)
        chain_add(&journal->chains[segment->head.lane], segment);
    else
        supply_release(journal, segment);
    return 0;
}

static int recover(struct journal *journal, const struct journal_options *options,
                   struct journal_recovery *recovery, struct err *err)
{
    struct found found = {0};
    int failed = list_segments(journal, options, &found, err);
    size_t at = 0;
    for (; failed == 0 && at < found.count; at++)
        failed = recover_segment(journal, found.items[at], recovery, err);
    for (; at < found.count; at++)
        segment_free(found.items[at]);
    free(found.items);
    journal->figures.waiting = recovery->records;
    journal->handed_last = journal->next_sequence - 1;
    return failed != 0 ? failed : remove_unfinished(journal, err);
}

/* --- opening --- */

static int set_options(struct journal *journal, const struct journal_options *options,
                       struct err *err)
{
    journal->lane_count = options->lanes != 0 ? options->lanes : JOURNAL_LANES;
    journal->segment_bytes =
        options->segment_bytes != 0 ? options->segment_bytes : JOURNAL_SEGMENT_BYTES;
    journal->pending_limit =
        options->pending_bytes != 0 ? options->pending_bytes : JOURNAL_PENDING_BYTES;
    journal->total_bytes = options->total_bytes != 0 ? options->total_bytes : JOURNAL_TOTAL_BYTES;
    journal->unsafe = options->unsafe;
    journal->identity = options->identity;
    journal->committed = journal->reader.begin = journal->reader.last = options->folded;
    journal->next_sequence = options->folded + 1;
    journal->next_group = journal->next_number = journal->next_name = 1;
    journal->group_bytes = (journal->segment_bytes - SEGMENT_HEAD) / 4;
    if (journal->group_bytes > JOURNAL_GROUP_BYTES)
        journal->group_bytes = JOURNAL_GROUP_BYTES;
    if (journal->lane_count <= JOURNAL_LANES_MAX &&
        journal->segment_bytes >= JOURNAL_SEGMENT_BYTES_MIN &&
        journal->segment_bytes <= JOURNAL_SEGMENT_BYTES_MAX &&
        journal->segment_bytes % SEGMENT_BLOCK == 0)
        return 0;
    return err_set(err, ERR_RANGE,
                   "the journal %s: %u lanes (of at most %d) with segments of %zu octets (from %d "
                   "to %d, multiples of %d) cannot be",
                   journal->path, journal->lane_count, JOURNAL_LANES_MAX, journal->segment_bytes,
                   JOURNAL_SEGMENT_BYTES_MIN, JOURNAL_SEGMENT_BYTES_MAX, SEGMENT_BLOCK);
}

/* Makes the folder's own name durable. */
static int sync_parent(const struct journal *journal, struct err *err)
{
    int parent = openat(journal->folder, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = 0;
    if (parent < 0 || fsync(parent) != 0)
        failed = err_set_errno(err, errno, "syncing the folder of %s", journal->path);
    if (parent >= 0)
        close(parent);
    return failed;
}

static int open_folder(struct journal *journal, struct err *err)
{
    bool made = mkdir(journal->path, 0700) == 0;
    if (!made && errno != EEXIST)
        return err_set_errno(err, errno, "making the folder %s", journal->path);
    journal->folder = open(journal->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (journal->folder < 0)
        return err_set_errno(err, errno, "opening the folder %s", journal->path);
    if (flock(journal->folder, LOCK_EX | LOCK_NB) == 0)
        return made ? sync_parent(journal, err) : 0;
    if (errno == EWOULDBLOCK)
        return err_set(err, ERR_TIMEOUT, "the journal %s is in use by another process",
                       journal->path);
    return err_set_errno(err, errno, "locking the folder %s", journal->path);
}

static int start_thread(pthread_t *thread, void *(*run)(void *), void *aux, struct err *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(thread, NULL, run, aux);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed == 0 ? 0 : err_set_errno(err, failed, "starting a thread of the journal");
}

static int start_threads(struct journal *journal, struct err *err)
{
    int failed = 0;
    for (unsigned i = 0; failed == 0 && i < journal->lane_count; i++) {
        struct lane *lane = &journal->lanes[i];
        failed = start_thread(&lane->thread, lane_run, lane, err);
        lane->started = failed == 0;
    }
    if (failed == 0) {
        failed = start_thread(&journal->supply, supply_run, journal, err);
        journal->supply_started = failed == 0;
    }
    return failed;
}

/* The first segments before the first event; a disk that is full is told by the figures,
 * and by the groups that it fails. */
static void prepare_lanes(struct journal *journal)
{
    for (unsigned i = 0; i < journal->lane_count; i++) {
        struct lane *lane = &journal->lanes[i];
        lane->supply_failed = supply_prepare(journal, lane, &lane->supply_err) != 0;
        if (lane->supply_failed) {
            journal->figures.failing = true;
            journal->figures.cause = lane->supply_err;
            return;
        }
    }
}

static void init_shared(struct journal *journal)
{
    journal->folder = journal->event = -1;
    pthread_mutex_init(&journal->mutex, NULL);
    pthread_cond_init(&journal->settled, NULL);
    pthread_cond_init(&journal->supply_wake, NULL);
    journal->queue.end = &journal->queue.first;
    journal->done.end = &journal->done.first;
    for (unsigned i = 0; i < JOURNAL_LANES_MAX; i++) {
        struct lane *lane = &journal->lanes[i];
        lane->journal = journal;
        lane->number = i;
        pthread_cond_init(&lane->wake, NULL);
        journal->chains[i].end = &journal->chains[i].first;
    }
    reader_init(journal);
}

static int open_parts(struct journal *journal, const struct journal_options *options,
                      struct journal_recovery *recovery, struct err *err)
{
    int failed = set_options(journal, options, err);
    if (failed == 0)
        failed = open_folder(journal, err);
    if (failed == 0)
        failed = recover(journal, options, recovery, err);
    if (failed != 0)
        return failed;
    while (journal->identity == 0)
        if (getrandom(&journal->identity, sizeof journal->identity, 0) < 0)
            CHECK(errno == EINTR);
    journal->identity &= INT64_MAX; /* a database's integers have a sign */
    journal->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (journal->event < 0)
        return err_set_errno(err, errno, "making an event descriptor");
    prepare_lanes(journal);
    return start_threads(journal, err);
}

int journal_open(const char *path, const struct journal_options *options, struct journal **ret,
                 struct journal_recovery *ret_recovery, struct err *err)
{
    struct journal *journal = alloc_zeroed(1, sizeof *journal);
    struct journal_recovery recovery = {0};
    journal->path = alloc_text(path);
    init_shared(journal);
    int failed = open_parts(journal, options, &recovery, err);
    if (failed != 0) {
        journal_close(journal);
        return failed;
    }
    if (ret_recovery != NULL)
        *ret_recovery = recovery;
    *ret = journal;
    return 0;
}

/* --- closing --- */

static void stop_threads(struct journal *journal)
{
    pthread_mutex_lock(&journal->mutex);
    journal->stopping = true;
    for (unsigned i = 0; i < JOURNAL_LANES_MAX; i++)
        pthread_cond_signal(&journal->lanes[i].wake);
    pthread_mutex_unlock(&journal->mutex);
    for (unsigned i = 0; i < JOURNAL_LANES_MAX; i++)
        if (journal->lanes[i].started)
            pthread_join(journal->lanes[i].thread, NULL);
    pthread_mutex_lock(&journal->mutex);
    journal->supply_stopping = true;
    pthread_cond_signal(&journal->supply_wake);
    pthread_mutex_unlock(&journal->mutex);
    if (journal->supply_started)
        pthread_join(journal->supply, NULL);
}

static void free_group(struct group *group)
{
    if (group != NULL)
        free(group->bytes);
    free(group);
}

static void free_groups(struct group *group)
{
    while (group != NULL) {
        struct group *next = group->next;
        free_group(group);
        group = next;
    }
}

static void free_segments(struct segment *segment)
{
    while (segment != NULL) {
        struct segment *next = segment->next;
        segment_free(segment);
        segment = next;
    }
}

void journal_close(struct journal *journal)
{
    if (journal == NULL)
        return;
    if (journal->supply_started)
        journal_wait(journal);
    stop_threads(journal);
    reader_done(journal);
    free_group(journal->open);
    free_groups(journal->done.first);
    free_groups(journal->spare);
    for (unsigned i = 0; i < JOURNAL_LANES_MAX; i++) {
        free_segments(journal->chains[i].first);
        segment_free(journal->lanes[i].ready);
        pthread_cond_destroy(&journal->lanes[i].wake);
    }
    free_segments(journal->idle);
    pthread_cond_destroy(&journal->settled);
    pthread_cond_destroy(&journal->supply_wake);
    pthread_mutex_destroy(&journal->mutex);
    if (journal->event >= 0)
        close(journal->event);
    if (journal->folder >= 0)
        close(journal->folder);
    free(journal->path);
    free(journal);
}
