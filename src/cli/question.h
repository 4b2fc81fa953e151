/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_CLI_QUESTION_H
#define MUSTER_CLI_QUESTION_H

#include "cli/command.h"
#include "cli/session.h"

/* The questions that can be asked of a view, whether it was polled just now or
 * put together again from the store: `muster as-of` asks the same ones. Each
 * prints its answer and returns the command's exit status. */

/* Where `name` (MAC, guest or uuid) is; NULL: every address. */
int question_where(struct session *session, const struct view *view, const char *name,
                   enum output_format format);

/* The chain of proof about `name`. */
int question_why(struct session *session, const struct view *view, const char *name,
                 enum output_format format);

/* What differed, judged anew. */
int question_audit(struct session *session, const struct view *view, enum output_format format);

#endif
