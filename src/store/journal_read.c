/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/journal_internal.h"

/* The reader: merges the chains of all lanes by sequence number, out of the files, so
 * that what waits for the store costs no memory and recovery is the same code.
 *
 * What may be returned is bounded by the first event that is not settled yet. Bound and
 * ends of the segments are looked up together under the mutex; between two looks the
 * reader works on files only it reads. Once an event is returned, every event with a
 * lower number has been, or never will be durable. */

enum { READ_BYTES = 256 * 1024 };

void reader_init(struct journal *journal)
{
    for (size_t i = 0; i < JOURNAL_LANES_MAX; i++)
        journal->reader.cursors[i].fd = -1;
}

void reader_done(struct journal *journal)
{
    for (size_t i = 0; i < JOURNAL_LANES_MAX; i++) {
        struct cursor *cursor = &journal->reader.cursors[i];
        if (cursor->fd >= 0)
            close(cursor->fd);
        free(cursor->bytes);
    }
}

/* --- one chain --- */

/* With the mutex: how far the chain can be read now. Also where a record is peeked, or
 * the reader would stop at an end that is older than its bound. */
static void look(struct journal *journal, struct cursor *cursor)
{
    if (cursor->segment == NULL) {
        struct chain *chain = &journal->chains[cursor - journal->reader.cursors];
        if (chain->first == NULL)
            return;
        cursor->segment = chain->first;
        cursor->at = SEGMENT_HEAD;
    }
    cursor->limit = cursor->segment->end;
    cursor->sealed = cursor->segment->sealed;
}

/* Goes on to the next segment of the chain; returns whether there is one. */
static bool go_on(struct journal *journal, struct cursor *cursor)
{
    pthread_mutex_lock(&journal->mutex);
    struct segment *next = cursor->segment->next;
    if (next != NULL) {
        cursor->segment = next;
        cursor->at = SEGMENT_HEAD;
        look(journal, cursor);
    }
    pthread_mutex_unlock(&journal->mutex);
    return next != NULL;
}

static int open_file(struct journal *journal, struct cursor *cursor, struct err *err)
{
    if (cursor->opened == cursor->segment && cursor->fd >= 0)
        return 0;
    if (cursor->fd >= 0)
        close(cursor->fd);
    cursor->opened = cursor->segment;
    cursor->length = 0;
    cursor->fd = openat(journal->folder, cursor->segment->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (cursor->fd < 0)
        return err_set_errno(err, errno, "the journal's %s: opening it", cursor->segment->name);
    return 0;
}

/* Makes the file's octets from `at` on available, up to the limit or a buffer full. */
static int fill_buffer(struct journal *journal, struct cursor *cursor, struct err *err)
{
    int failed = open_file(journal, cursor, err);
    if (failed != 0)
        return failed;
    size_t want = cursor->limit - cursor->at;
    if (want > READ_BYTES)
        want = READ_BYTES;
    if (cursor->bytes == NULL)
        cursor->bytes = alloc_array(READ_BYTES, 1);
    ssize_t got;
    do
        got = pread(cursor->fd, cursor->bytes, want, (off_t)cursor->at);
    while (got < 0 && errno == EINTR);
    if (got < 0 || (size_t)got < want)
        return err_set_errno(err, got < 0 ? errno : EIO, "the journal's %s: reading it",
                             cursor->segment->name);
    cursor->from = cursor->at;
    cursor->length = want;
    return 0;
}

static bool buffer_covers(const struct cursor *cursor, size_t need)
{
    return cursor->opened == cursor->segment && cursor->at >= cursor->from &&
           cursor->at + need <= cursor->from + cursor->length;
}

/* Finds the next record of the segment. Returns 1 with it peeked, 0 at its limit. */
static int peek_segment(struct journal *journal, struct cursor *cursor, struct err *err)
{
    while (cursor->at < cursor->limit) {
        size_t left = cursor->limit - cursor->at;
        if (!buffer_covers(cursor, left < EVENT_RECORD_MAX ? left : EVENT_RECORD_MAX)) {
            int failed = fill_buffer(journal, cursor, err);
            if (failed != 0)
                return failed;
        }
        size_t place = cursor->at - cursor->from, end = cursor->limit - cursor->from;
        if (end > cursor->length)
            end = cursor->length;
        size_t length = segment_next(cursor->segment, cursor->bytes, end, cursor->sequence, &place);
        if (length == 0) {
            /* None in the buffer: one may begin in its last octets. */
            bool whole = cursor->from + end == cursor->limit;
            size_t kept = whole ? 0 : EVENT_RECORD_MAX - EVENT_RECORD_ALIGN;
            cursor->at = cursor->from + end - kept;
            continue;
        }
        cursor->peek = place;
        cursor->peek_length = length;
        cursor->sequence = event_record_sequence(cursor->bytes + place);
        cursor->at = cursor->from + place;
        if (cursor->sequence <= journal->reader.begin) {
            cursor->at += length;
            continue;
        }
        cursor->peeked = true;
        return 1;
    }
    return 0;
}

static int peek(struct journal *journal, struct cursor *cursor, struct err *err)
{
    if (cursor->peeked || cursor->segment == NULL)
        return 0;
    int found = peek_segment(journal, cursor, err);
    while (found == 0 && cursor->sealed && go_on(journal, cursor))
        found = peek_segment(journal, cursor, err);
    return found < 0 ? found : 0;
}

/* --- all chains --- */

/* With the mutex: the last sequence number below which everything is settled. */
static uint64_t settled_bound(const struct journal *journal)
{
    uint64_t bound = journal->handed_last;
    if (journal->queue.first != NULL)
        bound = journal->queue.first->first - 1;
    for (unsigned i = 0; i < journal->lane_count; i++) {
        uint64_t writing = journal->lanes[i].writing;
        if (writing != 0 && writing <= bound)
            bound = writing - 1;
    }
    return bound;
}

static int look_all(struct journal *journal, struct err *err)
{
    struct reader *reader = &journal->reader;
    pthread_mutex_lock(&journal->mutex);
    reader->bound = settled_bound(journal);
    for (size_t i = 0; i < JOURNAL_LANES_MAX; i++)
        look(journal, &reader->cursors[i]);
    pthread_mutex_unlock(&journal->mutex);
    int failed = 0;
    for (size_t i = 0; failed == 0 && i < JOURNAL_LANES_MAX; i++)
        failed = peek(journal, &reader->cursors[i], err);
    return failed;
}

static struct cursor *lowest(struct reader *reader)
{
    struct cursor *best = NULL;
    for (size_t i = 0; i < JOURNAL_LANES_MAX; i++) {
        struct cursor *cursor = &reader->cursors[i];
        if (cursor->peeked && cursor->sequence <= reader->bound &&
            (best == NULL || cursor->sequence < best->sequence))
            best = cursor;
    }
    return best;
}

/* Sets *ret to the cursor with the next record, NULL when there is none now. */
static int find_next(struct journal *journal, struct cursor **ret, struct err *err)
{
    struct reader *reader = &journal->reader;
    int failed = 0;
    for (size_t i = 0; failed == 0 && i < JOURNAL_LANES_MAX; i++)
        failed = peek(journal, &reader->cursors[i], err);
    *ret = failed == 0 ? lowest(reader) : NULL;
    if (failed == 0 && *ret == NULL) {
        failed = look_all(journal, err);
        *ret = failed == 0 ? lowest(reader) : NULL;
    }
    return failed;
}

int journal_read(struct journal *journal, uint64_t *ret_sequence, struct event *ret,
                 struct err *err)
{
    struct reader *reader = &journal->reader;
    struct cursor *cursor = NULL;
    int failed = find_next(journal, &cursor, err);
    /* A number that stands twice is a copied file's. */
    while (failed == 0 && cursor != NULL && cursor->sequence == reader->last) {
        cursor->at += cursor->peek_length;
        cursor->peeked = false;
        failed = find_next(journal, &cursor, err);
    }
    if (failed != 0 || cursor == NULL)
        return failed;
    CHECK(cursor->sequence > reader->last);
    if (event_record_read(cursor->bytes + cursor->peek, ret) != 0)
        return err_set(err, ERR_CORRUPT,
                       "the journal's %s: record %llu was written by a newer Muster, or a defect",
                       cursor->segment->name, (unsigned long long)cursor->sequence);
    cursor->at += cursor->peek_length;
    cursor->peeked = false;
    reader->last = *ret_sequence = cursor->sequence;
    reader->uncommitted++;
    return 1;
}

/* --- commit --- */

/* With the mutex: takes the chain's segments that are done off it. */
static struct segment *cut_chain(struct chain *chain, struct cursor *cursor)
{
    struct segment *cut = NULL;
    while (chain->first != NULL && chain->first->sealed) {
        struct segment *segment = chain->first;
        bool finished =
            segment != cursor->segment || (cursor->at >= segment->end && !cursor->peeked);
        if (!finished)
            break;
        chain->first = segment->next;
        if (chain->first == NULL)
            chain->end = &chain->first;
        if (segment == cursor->opened)
            cursor->opened = NULL;
        if (segment == cursor->segment)
            cursor->segment = NULL;
        segment->next = cut;
        cut = segment;
        if (cursor->segment == NULL)
            break;
    }
    return cut;
}

void journal_read_commit(struct journal *journal)
{
    struct reader *reader = &journal->reader;
    struct segment *cut[JOURNAL_LANES_MAX];
    pthread_mutex_lock(&journal->mutex);
    journal->committed = reader->last;
    journal->figures.waiting -= reader->uncommitted;
    reader->uncommitted = 0;
    for (size_t i = 0; i < JOURNAL_LANES_MAX; i++)
        cut[i] = reader->cursors[i].segment == NULL
                     ? NULL
                     : cut_chain(&journal->chains[i], &reader->cursors[i]);
    pthread_mutex_unlock(&journal->mutex);
    reader->bound = 0; /* a cursor that lost its segment must look where its chain goes on */
    for (size_t i = 0; i < JOURNAL_LANES_MAX; i++) {
        while (cut[i] != NULL) {
            struct segment *next = cut[i]->next;
            supply_release(journal, cut[i]);
            cut[i] = next;
        }
    }
}

/* Everything in the chains is what was not committed, and where that ends in a chain's first
 * segment the sequence numbers tell. */
void journal_read_rewind(struct journal *journal)
{
    struct reader *reader = &journal->reader;
    pthread_mutex_lock(&journal->mutex);
    reader->last = reader->begin = journal->committed;
    pthread_mutex_unlock(&journal->mutex);
    reader->bound = reader->uncommitted = 0;
    for (size_t i = 0; i < JOURNAL_LANES_MAX; i++) {
        struct cursor *cursor = &reader->cursors[i];
        cursor->segment = NULL;
        cursor->peeked = false;
        cursor->sequence = 0;
        cursor->length = 0;
    }
}
