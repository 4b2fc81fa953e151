/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_REGISTRY_H
#define MUSTER_DAEMON_REGISTRY_H

#include <stddef.h>

#include "base/text.h"
#include "contract/plugin.h"

/* The list of plug-ins: one static array a kind, greppable and ordered.
 *
 * To add a plug-in is to add its file under source/ and its line here; nothing else
 * in the tree knows which ones exist (scripts/check-layers sees to it). A plug-in that
 * is not in the list is not in the program: there is no loading at run time. */

/* Returns every recorded source, and sets *ret_count. */
const struct recorded_source_class *const *registry_recorded(size_t *ret_count);
/* Returns every observed source, and sets *ret_count. */
const struct observed_source_class *const *registry_observed(size_t *ret_count);

/* Returns every event source, and sets *ret_count. */
const struct event_source_class *const *registry_event(size_t *ret_count);

/* Returns the class of the configuration's word `type`, NULL when there is none. */
const struct recorded_source_class *registry_find_recorded(const char *type);
const struct observed_source_class *registry_find_observed(const char *type);
const struct event_source_class *registry_find_event(const char *type);

/* Appends "csv, exec" and so on, for a message that says what was expected. */
void registry_recorded_types(struct text *to);
void registry_observed_types(struct text *to);
void registry_event_types(struct text *to);

#endif
