/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_RECORDING_FILE_H
#define MUSTER_SOURCE_RECORDING_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/err.h"
#include "wire/bridge_reader.h"
#include "wire/quirks.h"
#include "wire/recording.h"
#include "wire/recording_parser.h"

/* The recording files of one switch: the one of its default context and, beside
 * it, one a VLAN context, told by their names (`NAME.vlanN.*` or `NAME@N.*` next
 * to `NAME.*`). They are read as a device is: by wire/bridge_reader.h, which asks
 * and is answered from the files. Every file that is given, or found beside, is
 * opened once. What a file says of its own incompleteness (a walk that timed out,
 * lines that are no varbinds, names that cannot be turned into OIDs) makes the
 * reading not whole, with the file and the line in the reason. */

enum { RECORDING_CONTEXTS_MAX = 4096 };

struct recording_context {
    uint32_t vlan; /* 0: the default context */
    char *path;
    struct recording *recording;
    struct recording_summary summary;
    struct wall modified;
};

struct recording_file {
    char *stem;                         /* "sw1" of ".../sw1.vlan10.txt" */
    struct recording_context *contexts; /* sorted by vlan */
    size_t count, capacity;
};

/* Splits the last part of `path`: returns its stem (yours to free) and sets
 * *ret_vlan to the context's VLAN, 0 when the name has none. */
char *recording_file_stem(const char *path, uint32_t *ret_vlan);

/* Returns whether two paths are recordings of one switch: same directory, same stem. */
bool recording_file_same(const char *a, const char *b);

/* Returns an empty set; yours to free. */
struct recording_file *recording_file_new(void);
/* NULL is allowed. */
void recording_file_free(struct recording_file *file);

/* Reads one file into the set; its name says which context it is. A file without
 * any varbind is an error that names the first bad line and what was expected. A
 * context that the set has already is passed over. Returns 0 or ERR_NOT_FOUND,
 * ERR_SYSTEM, ERR_SYNTAX, ERR_LIMIT. */
int recording_file_add(struct recording_file *file, const char *path, struct err *err) MUST_USE;

/* Reads `path`, which need not exist if contexts of its name do, and every
 * context beside it. Returns as recording_file_add(). */
int recording_file_open(const char *path, struct recording_file **ret, struct err *err) MUST_USE;

/* Answers every request of `reader` out of the files until it is finished. */
void recording_file_answer(const struct recording_file *file, struct bridge_reader *reader);

/* Decodes the set. Returns the table, yours to free. */
struct bridge_table *recording_file_read(const struct recording_file *file,
                                         const struct quirk_table *quirks);

/* Returns when the oldest of the files was last changed, WALL_UNKNOWN if that is
 * not known. */
struct wall recording_file_modified(const struct recording_file *file);

#endif
