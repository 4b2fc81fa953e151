/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "contract/option.h"
#include "contract/plugin.h"
#include "daemon/config_daemon.h"
#include "daemon/registry.h"
#include "io/file.h"

/* usage: option_tables            prints the manual's section of every source and the daemon
 *        option_tables PAGE       checks that PAGE holds them; status 1 when not
 *
 * The manual's options come from the tables that parse them, so that none can be
 * missing or differ. */

enum { PAGE_BYTES = 1024 * 1024 };

/* Appends one option as scdoc: name, shape, default, help. */
static void add_option(const struct config_option *option, struct text *to)
{
    char shape[OPTION_SHAPE_SIZE];
    text_printf(to, "*%s*: %s", option->name, option_shape(option, shape));
    if (option->required)
        text_add(to, "; must be given");
    else if (option->default_text != NULL)
        text_printf(to, "; default %s", option->default_text);
    text_add(to, "\n\t");
    for (const char *at = option->help; *at != '\0'; at++) {
        if (*at == '_' || *at == '*')
            text_add_char(to, '\\');
        text_add_char(to, *at);
    }
    text_add(to, "\n\n");
}

/* Prints the section `heading` of `options` unless `page` holds it. Returns whether it
 * printed. */
static bool print_section(const char *heading, const struct config_option *options,
                          const char *page)
{
    AUTO_TEXT struct text section = TEXT_EMPTY;
    text_add(&section, heading);
    for (const struct config_option *option = options; option->name != NULL; option++)
        add_option(option, &section);
    if (page != NULL && strstr(page, text_get(&section)) != NULL)
        return false;
    fputs(text_get(&section), stdout);
    return true;
}

static bool print_missing(const struct plug_class *class, const char *page)
{
    AUTO_TEXT struct text heading = TEXT_EMPTY;
    text_printf(&heading, "## %s - %s\n\n", class->type, class->summary);
    return print_section(text_get(&heading), class->options, page);
}

int main(int count, char **arguments)
{
    AUTO_FREE char *page = NULL;
    size_t length, recorded_count, observed_count, event_count;
    struct err err;
    bool missing = false;
    if (count > 1 && file_read(arguments[1], PAGE_BYTES, &page, &length, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    const struct recorded_source_class *const *recorded = registry_recorded(&recorded_count);
    const struct observed_source_class *const *observed = registry_observed(&observed_count);
    for (size_t i = 0; i < recorded_count; i++)
        missing |= print_missing(&recorded[i]->plug, page);
    for (size_t i = 0; i < observed_count; i++)
        missing |= print_missing(&observed[i]->plug, page);
    const struct event_source_class *const *events = registry_event(&event_count);
    for (size_t i = 0; i < event_count; i++)
        missing |= print_missing(&events[i]->plug, page);
    missing |= print_section("# DAEMON\n\n", config_daemon_table(), page);
    if (page == NULL || !missing)
        return 0;
    fprintf(stderr, "%s lacks the sections above; put them in as they are\n", arguments[1]);
    return 1;
}
