/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_CLI_ASK_H
#define MUSTER_CLI_ASK_H

#include <stddef.h>

#include <stdio.h>

#include "base/err.h"
#include "base/mac.h"
#include "model/forwarding.h"
#include "wire/quirks.h"

/* What questions are about: names that people type, folders of recordings. */

struct view;

/* Returns how many addresses `name` stands for: itself when it spells a MAC, else
 * those that the records of `view` give the guest of that name or uuid. Sets
 * *ret_macs, yours to free. */
size_t ask_macs(const struct view *view, const char *name, struct mac **ret_macs);

/* Reads every recording in `directory` as one network: files NAME.vlanN.* and
 * NAME@N.* are contexts of NAME. Files that are no recording are passed over; one
 * that is and cannot be read whole is said on stderr. Returns 0 with the tables,
 * each and the array yours to free, or ERR_NOT_FOUND / ERR_SYSTEM. */
int ask_recordings(const char *directory, struct forward_table ***ret, size_t *ret_count,
                   struct err *err) MUST_USE;

/* Reads one recording, with its context files beside it, or a CSV forward table, which
 * may give a chain. Returns 0 with *ret, yours to free, or an error that names the
 * file. */
int ask_recording(const char *path, struct forward_table **ret, struct err *err) MUST_USE;

/* Returns the quirk table as delivered with the lines of `file` (NULL: none) added;
 * yours to free. NULL with `err` when the file is not right. */
struct quirk_table *ask_quirks(const char *file, struct err *err) MUST_USE;

/* What `muster decode` was told beside the files. */
struct decode_question {
    const char *quirks_file;           /* NULL: none */
    const char *const *radius_secrets; /* tried one after the other */
    size_t radius_secret_count;
};

/* Prints what Muster reads out of `paths` as JSON lines (muster-schema(5)): CSV
 * spreadsheets of guests, captures, FreeRADIUS's detail files, and recordings, of which
 * those of one switch are read together. What cannot be read of a capture is said on
 * stderr. Returns 0, or an error that names the file. */
int ask_decode(const char *const *paths, size_t count, const struct decode_question *question,
               FILE *out, struct err *err) MUST_USE;

#endif
