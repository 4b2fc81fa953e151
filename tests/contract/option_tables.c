/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "contract/option.h"
#include "contract/plugin.h"
#include "io/file.h"
#include "source/csv.h"
#include "source/exec.h"
#include "source/linux_bridge.h"
#include "source/ovs.h"
#include "source/recording.h"

/* usage: option_tables            prints the manual's section of every source
 *        option_tables PAGE       checks that PAGE holds them; status 1 when not
 *
 * The manual's options come from the tables that parse them, so that none can be
 * missing or differ. */

enum { PAGE_BYTES = 1024 * 1024 };

static const struct plug_class *const classes[] = {
    &recorded_csv.plug,          &recorded_exec.plug, &observed_recording.plug,
    &observed_linux_bridge.plug, &observed_ovs.plug,
};

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

static void add_class(const struct plug_class *class, struct text *to)
{
    text_printf(to, "## %s - %s\n\n", class->type, class->summary);
    for (const struct config_option *option = class->options; option->name != NULL; option++)
        add_option(option, to);
}

int main(int count, char **arguments)
{
    AUTO_FREE char *page = NULL;
    size_t length;
    struct err err;
    int missing = 0;
    if (count > 1 && file_read(arguments[1], PAGE_BYTES, &page, &length, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    for (size_t i = 0; i < ARRAY_COUNT(classes); i++) {
        AUTO_TEXT struct text section = TEXT_EMPTY;
        add_class(classes[i], &section);
        if (page == NULL || strstr(page, text_get(&section)) == NULL) {
            fputs(text_get(&section), stdout);
            missing++;
        }
    }
    if (page != NULL && missing > 0)
        fprintf(stderr, "%s lacks the sections above; put them in as they are\n", arguments[1]);
    return page != NULL && missing > 0;
}
