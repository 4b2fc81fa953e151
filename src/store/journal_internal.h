/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_JOURNAL_INTERNAL_H
#define MUSTER_STORE_JOURNAL_INTERNAL_H

#include <pthread.h>

#include "store/event_record.h"
#include "store/journal.h"
#include "store/segment.h"

/* What the parts of the journal share: the owner's side in journal.c, the threads
 * that write in journal_lane.c, the one that prepares segments in journal_supply.c, the
 * reader in journal_read.c, opening in journal_open.c.
 *
 * One mutex guards everything that two threads see; it is held for pointer moves and
 * never across a system call on a file. A group belongs to the owner while it is open
 * and after it is done, to a lane in between. A segment is written by its lane, and
 * read up to `end`, which the lane moves under the mutex when the sync has returned;
 * the segments of a lane hang in a chain from the oldest that is not in the store to the
 * one being written. Limits and attacks: journal.h. */

enum { GROUP_BYTES_FIRST = 4096, LANE_GROUPS_MAX = 64 /* groups of one write */ };

/* Events that become durable together. */
struct group {
    struct group *next;
    uint8_t *bytes;
    size_t length, capacity;
    uint64_t number;
    uint64_t first, last; /* sequence numbers */
    bool stored;
    struct err err; /* unless stored */
};

struct group_list {
    struct group *first, **end;
};

struct lane {
    struct journal *journal;
    unsigned number;
    pthread_t thread;
    bool started, idle;
    pthread_cond_t wake;
    uint64_t writing;        /* first sequence number of what it writes; 0: nothing */
    struct segment *segment; /* being written; also the last of its chain */
    struct segment *ready;   /* prepared for it */
    bool wanted;             /* it waits for `ready` */
    bool supply_failed;      /* the last attempt to prepare one failed, as `supply_err` says */
    struct err supply_err;
};

struct chain {
    struct segment *first, **end;
};

/* How far the reader is in one chain. */
struct cursor {
    struct segment *segment; /* NULL: before the chain's first */
    size_t at;               /* behind the last record that was returned */
    size_t limit;            /* what of the segment is known to be durable */
    bool sealed;             /* and that is all of it */
    int fd;
    struct segment *opened; /* whose file `fd` is */
    uint8_t *bytes;         /* of the file, from `from` */
    size_t from, length;
    bool peeked; /* the next record lies at `peek` in `bytes` */
    size_t peek, peek_length;
    uint64_t sequence;
};

struct reader {
    struct cursor cursors[JOURNAL_LANES_MAX];
    uint64_t bound;       /* all groups up to this sequence number are settled */
    uint64_t begin;       /* what is not above this was in the store when it began */
    uint64_t last;        /* returned last */
    uint64_t uncommitted; /* how many since the last commit */
};

struct journal {
    char *path;
    int folder, event;
    uint64_t identity;
    size_t segment_bytes, group_bytes, pending_limit;
    uint64_t total_bytes;
    bool unsafe;
    unsigned lane_count;

    /* the owner's */
    struct group *open;
    uint64_t next_group, next_sequence;
    size_t pending_bytes; /* of groups that are handed over and not settled */

    pthread_mutex_t mutex;
    pthread_cond_t settled;  /* the last outstanding group was done */
    struct group_list queue; /* handed over */
    struct group_list done;  /* to be settled */
    struct group *spare;
    size_t spare_count;
    uint64_t handed_last; /* sequence number of the last event handed over */
    uint64_t outstanding; /* groups in the queue or being written */
    struct lane lanes[JOURNAL_LANES_MAX];
    bool stopping;

    /* segments, under the mutex */
    struct chain chains[JOURNAL_LANES_MAX];
    struct segment *idle; /* closed, all in the store */
    size_t idle_count;
    uint64_t segment_count; /* files that there are, or are being made */
    uint64_t next_number, next_name;
    pthread_t supply;
    bool supply_started, supply_stopping;
    pthread_cond_t supply_wake;

    struct journal_status figures; /* under the mutex */
    struct reader reader;          /* the reader's */
    uint64_t committed;            /* under the mutex */
};

static inline void chain_add(struct chain *chain, struct segment *segment)
{
    segment->next = NULL;
    *chain->end = segment;
    chain->end = &segment->next;
}

static inline void group_list_add(struct group_list *list, struct group *group)
{
    group->next = NULL;
    *list->end = group;
    list->end = &group->next;
}

static inline struct group *group_list_take(struct group_list *list)
{
    struct group *group = list->first;
    list->first = group->next;
    if (list->first == NULL)
        list->end = &list->first;
    return group;
}

static inline size_t segment_room(const struct segment *segment)
{
    return segment->size - segment->end;
}

/* --- journal_lane.c --- */

/* Wakes a lane for the queue, if one can take it now; under the mutex. */
void lane_wake(struct journal *journal);

/* The thread of a lane. */
void *lane_run(void *lane);

/* --- journal_supply.c --- */

/* Prepares a segment for `lane`; called without the mutex, by one thread at a time. */
int supply_prepare(struct journal *journal, struct lane *lane, struct err *err) MUST_USE;

/* The thread that prepares segments. */
void *supply_run(void *journal);

/* Takes a segment, out of its chain, whose records are all in the store. Without the
 * mutex. */
void supply_release(struct journal *journal, struct segment *segment);

/* --- journal_read.c --- */

/* Readies the reader of a zeroed journal; gives back what it holds. */
void reader_init(struct journal *journal);
void reader_done(struct journal *journal);

#endif
