/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_EXEC_H
#define MUSTER_SOURCE_EXEC_H

#include "contract/plugin.h"

/* Recorded source `exec`: any program that prints JSON lines
 * (docs/plugin-protocol.md), so that whatever knows the guests can be a source in
 * ten lines of any language, and a library that blocks or crashes does so in a
 * process of its own.
 *
 * The program is started without a shell, once a fetch. It is believed only as a
 * whole: exit status 0, every line a row, fewer bytes than `max_bytes`, an end
 * before `timeout` (one byte a second does not extend it). Otherwise the source
 * failed, with the end of the program's stderr in the message, and the core keeps
 * the last good record. */

extern const struct recorded_source_class recorded_exec;

#endif
