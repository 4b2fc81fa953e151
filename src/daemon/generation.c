/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/generation.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "io/file.h"

struct generation *generation_new(struct config *config, const struct env *base)
{
    struct generation *generation = alloc_zeroed(1, sizeof *generation);
    generation->config = config;
    generation->env = *base;
    generation->env.run_states = config->run_states;
    generation->env.quirks_file = config->quirks;
    generation->read_at = base->now(base->clock);
    generation->keepers = 1;
    return generation;
}

struct generation *generation_keep(struct generation *generation)
{
    generation->keepers++;
    return generation;
}

void generation_drop(struct generation *generation)
{
    if (generation == NULL || --generation->keepers > 0)
        return;
    config_free(generation->config);
    free(generation);
}

static bool texts_equal(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Whether the file was written, or put there, after `then`. */
static bool written_since(const char *path, struct wall then)
{
    struct wall changed = path != NULL ? file_changed(path) : WALL_UNKNOWN;
    return wall_known(changed) && changed.us > then.us;
}

/* Recorded and observed sources read their files anew each time; an event source reads
 * them when it is made. */
static bool files_written(const struct config_option *table, const void *options, struct wall then)
{
    for (; table->name != NULL; table++) {
        const char *field = (const char *)options + table->offset;
        if (table->type == OPTION_PATH && written_since(*(char *const *)field, then))
            return true;
    }
    return false;
}

/* Whether an event source would be made of something else than it was. */
static bool is_stale(const struct config_source *source, const void *options, struct wall then)
{
    const struct event_source_class *event = source->event;
    return event != NULL && (files_written(event->plug.options, options, then) ||
                             (event->changed != NULL && event->changed(options, then)));
}

bool generation_same(const struct generation *before, const struct config_source *source,
                     const struct generation *now, const struct config_source *new_source)
{
    const struct plug_class *plug = config_source_plug(source);
    return plug == config_source_plug(new_source) && strcmp(source->name, new_source->name) == 0 &&
           options_equal(plug->options, source->options, new_source->options) &&
           run_state_words_equal(before->config->run_states, now->config->run_states) &&
           texts_equal(before->config->quirks, now->config->quirks) &&
           !written_since(now->config->quirks, before->read_at) &&
           !is_stale(source, new_source->options, before->read_at);
}
