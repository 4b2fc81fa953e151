/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_PACED_FILE_H
#define MUSTER_STORE_PACED_FILE_H

/* A way for SQLite to write a database's file a little at a time.
 *
 * When the write-ahead log is emptied, thousands of pages are written all over the file and
 * then synced. The kernel has them all by then, and sends them to the disk at once: for as long
 * as that takes, every other sync waits, among them those of the events' journal, for which
 * somebody waits who sent a RADIUS request. So this "file system" of SQLite's (a VFS), which is
 * the usual one else, syncs the database's file after each PACED_BYTES that were written to it:
 * eight pages, which lie far apart, since sixty-four of them already take milliseconds. Whoever
 * empties the log takes longer by that, and nobody waits for more than such a piece. Each sync
 * costs its own time, too; a disk on which that is long would not keep up, and a log that has grown
 * too long is emptied by a commit, which somebody waits for. So what one emptying writes beyond
 * PACED_FINELY goes in pieces of PACED_BYTES_BEHIND.
 *
 * Only the handle that empties the log uses it; it shares its locks with the others, since
 * all go to the same file system below. A sync more changes nothing about what is durable when.
 * Limits: one name for the process, registered once. Attacks considered: none of its own; what
 * is in the file is the database's business. */

enum {
    PACED_BYTES = 32 * 1024,
    PACED_BYTES_BEHIND = 256 * 1024,
    PACED_FINELY = 8 * 1024 * 1024 /* as much as a log that is worth the work: store.h */
};

/* Returns the name for sqlite3_open_v2(), NULL when it cannot be registered: then the usual
 * file system does, too. Any thread. */
const char *paced_file_system(void);

#endif
