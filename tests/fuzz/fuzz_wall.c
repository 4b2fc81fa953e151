/* SPDX-License-Identifier: Apache-2.0 */

/* Instants and spans as configurations, spreadsheets and programs write them:
 * what parses must survive printing and parsing again. */

#include "base/clock.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wall wall, again;
    struct span span;
    char text[CLOCK_TEXT_SIZE], terminated[64];
    if (wall_parse((const char *)data, size, &wall) == 0) {
        CHECK(wall_known(wall));
        wall_format(wall, text);
        if (text[0] != '-' && text[4] == '-')
            CHECK(wall_parse(text, strlen(text), &again) == 0 && again.us == wall.us);
    }
    if (size < sizeof terminated) {
        memcpy(terminated, data, size);
        terminated[size] = '\0';
        if (span_parse(terminated, &span) == 0)
            span_format(span, text);
    }
    return 0;
}
