/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_JOURNAL_H
#define MUSTER_STORE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/limits.h"
#include "model/event.h"

/* The event journal: where an event is safe before its sender is answered.
 *
 * A RADIUS server may answer an accounting request only when it is durably stored
 * (RFC 2866 section 2, DOMAIN 2.7 point 1). The store (store.h) cannot do that in
 * time: it has one writer, and a round of a million rows holds it for seconds. So
 * events go into append-only files beside the store first, in the folder
 * "PATH.journal", and from there into the store's tables when the writer has time
 * (store_events_fold() of event_log.h).
 *
 * The owner's thread encodes each event straight into the open group
 * (journal_add()) and hands the group over when it has read all that there was
 * (journal_flush()). A lane is a thread with a preallocated file of its own, its
 * segment: it takes every group that waits, writes them with one pwritev() and
 * makes them durable with one fdatasync(). Several lanes do that side by side, so a
 * new group never waits for the sync of the one before it; what arrives while all
 * lanes are busy goes out as one. A segment is filled with zeros once and used again
 * when everything in it is in the store, so that a sync writes data blocks and no
 * metadata. A thread of its own prepares segments ahead of need.
 *
 * Recovery: records are independent facts, each with sequence number and checksum
 * (event_record.h). Opening reads every segment and accepts every whole record
 * whatever its neighbours: a torn tail ends a segment, a damaged place is stepped
 * over and counted, and the file is kept as NAME.damaged after its good records are
 * in the store. Which records are in the store already, the store says (`folded`),
 * in the same transaction that put them there: so each acknowledged event is there
 * exactly once. An event that was not acknowledged may be there too.
 *
 * Limits: memory for what waits (`pending_bytes`), size on disk (`total_bytes`),
 * JOURNAL_SEGMENT_BYTES, JOURNAL_LANES_MAX, EVENT_TEXT_MAX. Beyond a limit, or on a full
 * or failing disk, events are not taken or their group is settled as not stored, with
 * the reason, and later groups are tried anew: the journal works again when space
 * returns. After a failed write or sync the segment is written no more, since the kernel may
 * have forgotten the pages. Attacks considered: a flood of events (bounded, told);
 * texts that imitate records (keyed checksum); foreign, newer or unreadable files and
 * links in the folder (refused by name, never changed).
 *
 * Threads: one owner (add, flush, settle, wait), one reader (journal_read() and what
 * follows it), which may be another thread. Open and close are called while neither
 * runs. */

enum {
    JOURNAL_LANES = 4,
    JOURNAL_LANES_MAX = 16,
    JOURNAL_SEGMENT_BYTES = 4 * 1024 * 1024,
    JOURNAL_SEGMENT_BYTES_MIN = 64 * 1024,
    JOURNAL_SEGMENT_BYTES_MAX = 64 * 1024 * 1024,
    JOURNAL_SEGMENTS_MAX = 65536,     /* files in the folder */
    JOURNAL_IDLE_MAX = JOURNAL_LANES, /* files kept for use again beside those in use */
    JOURNAL_GROUP_BYTES = 256 * 1024,
    JOURNAL_PENDING_BYTES = LIMIT_JOURNAL_PENDING_MIB * 1024 * 1024
};
#define JOURNAL_TOTAL_BYTES ((uint64_t)LIMIT_JOURNAL_MIB << 20)

struct journal;

/* Zero in a number means what the enumeration above says. */
struct journal_options {
    uint64_t identity; /* that the store knows its journal by; 0: it had none before */
    uint64_t folded;   /* records up to this sequence number are in the store already */
    unsigned lanes;
    size_t segment_bytes; /* a multiple of 4096 */
    size_t pending_bytes; /* memory for events that are not yet on the disk */
    uint64_t total_bytes; /* of all segments */
    bool unsafe;          /* never waits for the disk: for benchmarks only */
};

/* What opening found. */
struct journal_recovery {
    uint64_t records;        /* that are not in the store yet */
    uint64_t damaged_places; /* runs of octets between whole records that were none */
    char damaged_file[256];  /* the first such file, "" none */
};

/* Opens the journal in folder `path` ("muster.db.journal"), made when missing, locks
 * it and starts its threads. Returns 0 with *ret, to be closed; or, nothing having
 * been changed:
 * - ERR_VERSION: a newer Muster wrote it;
 * - ERR_CORRUPT: a segment is no segment, damaged in its head, or of another journal;
 * - ERR_TIMEOUT: another process has it open;
 * - ERR_RANGE: options that cannot be;
 * - ERR_DENIED, ERR_SYSTEM, ERR_LIMIT.
 * A disk that is full is no error here. `ret_recovery` may be NULL. */
int journal_open(const char *path, const struct journal_options *options, struct journal **ret,
                 struct journal_recovery *ret_recovery, struct err *err) MUST_USE;

/* Returns the journal's identity, never 0: the store keeps it beside the sequence number,
 * so that it never takes another store's journal for its own. */
uint64_t journal_identity(const struct journal *journal);

/* Returns the sequence number that the next event gets; the owner's. */
uint64_t journal_next(const struct journal *journal);

/* Writes what was handed over, ends the threads and closes; groups that were not
 * settled are never told. NULL is allowed. */
void journal_close(struct journal *journal);

/* --- owner: appending --- */

/* Adds `event` to the open group; nothing of it is kept by reference. Sets *ret_group
 * (may be NULL) to the group's number, from 1. A group that is full is handed over by
 * itself. Returns 0, or ERR_LIMIT: too much waits for the disk, or a text is longer than
 * EVENT_TEXT_MAX; the event is not taken. */
int journal_add(struct journal *journal, const struct event *event, uint64_t *ret_group) MUST_USE;

/* Hands the open group over to the disk. Returns its number, 0 when it is empty. */
uint64_t journal_flush(struct journal *journal);

/* Returns a descriptor that is readable while groups wait to be settled; the
 * journal's own. */
int journal_descriptor(const struct journal *journal);

/* `stored`: every event of the group is on the disk. Otherwise none may be relied on,
 * and `err` says why. Groups come in the order in which they became durable, which
 * need not be that of their numbers; each comes once. */
typedef void journal_settled_fn(void *aux, uint64_t group, bool stored, const struct err *err);

/* Calls `settled` for every group that is durable, or has failed, since the last call.
 * `settled` may add and flush. Returns how many there were. */
size_t journal_settle(struct journal *journal, journal_settled_fn *settled, void *aux);

/* Waits until every group that was handed over can be settled. */
void journal_wait(struct journal *journal);

/* --- reader: taking durable events out, in the order of their sequence --- */

/* Sets *ret to the next event that no read since the last rewind has returned, with its
 * sequence number; texts live until the next read. An event is returned when all
 * with lower numbers have been settled too. Returns 1; 0 when there is none now;
 * ERR_SYSTEM, ERR_CORRUPT. */
int journal_read(struct journal *journal, uint64_t *ret_sequence, struct event *ret,
                 struct err *err) MUST_USE;

/* What was read since the last call is in the store: its segments may be used again. */
void journal_read_commit(struct journal *journal);

/* Begins again behind the last commit: what was read since did not get there. */
void journal_read_rewind(struct journal *journal);

/* --- figures --- */

struct journal_status {
    uint64_t added, stored, failed; /* events */
    uint64_t syncs;
    struct span sync_longest, sync_total; /* write and sync of one group of groups */
    uint64_t waiting;                     /* events that are stored and not committed */
    uint64_t pending_bytes, disk_bytes;
    uint64_t segments;
    bool failing;     /* the last group was not stored */
    struct err cause; /* why, while failing */
};

/* Fills in the figures; owner or reader. */
void journal_status(struct journal *journal, struct journal_status *ret);

#endif
