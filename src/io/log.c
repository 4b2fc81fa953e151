/* SPDX-License-Identifier: Apache-2.0 */
#include "io/log.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/text.h"
#include "io/clock.h"

/* One place in the code, known by the address of its format. */
struct place {
    struct mono window_start;
    unsigned said, held_back;
};

struct log {
    FILE *to;
    enum log_level most;
    bool stamped;
    struct map index; /* format's address -> places */
    struct place *places;
    size_t place_count, place_capacity;
};

struct log *log_new(FILE *to, enum log_level most, bool stamped)
{
    struct log *log = alloc_zeroed(1, sizeof *log);
    log->to = to;
    log->most = most;
    log->stamped = stamped;
    return log;
}

void log_free(struct log *log)
{
    if (log == NULL)
        return;
    map_done(&log->index);
    free(log->places);
    free(log);
}

void log_set_level(struct log *log, enum log_level most)
{
    log->most = most;
}

static const char *level_word(enum log_level level)
{
    switch (level) {
#define LEVEL(word, name)                                                                          \
    case name:                                                                                     \
        return word;
        LOG_LEVELS(LEVEL)
#undef LEVEL
    }
    UNREACHABLE();
}

static struct place *find_place(struct log *log, const char *format, struct mono now)
{
    uint32_t at = map_put_new(&log->index, (uint64_t)(uintptr_t)format, (uint32_t)log->place_count);
    if (at == log->place_count) {
        log->places =
            alloc_grow(log->places, log->place_count, &log->place_capacity, sizeof *log->places);
        log->places[log->place_count++] = (struct place){.window_start = now};
    }
    return &log->places[at];
}

/* Returns whether the message may pass and sets how many before it did not. */
static bool admit(struct log *log, const char *format, unsigned *ret_held_back)
{
    struct mono now = clock_mono();
    struct place *place = find_place(log, format, now);
    *ret_held_back = 0;
    if (mono_since(now, place->window_start).us > LOG_WINDOW.us) {
        *ret_held_back = place->held_back;
        *place = (struct place){.window_start = now};
    }
    if (place->said >= LOG_BURST) {
        place->held_back++;
        return false;
    }
    place->said++;
    return true;
}

static void add_printable(struct text *line, const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            text_printf(line, "\\x%02x", (unsigned)(unsigned char)*text);
        else
            text_add_char(line, *text);
    }
}

void log_say(struct log *log, enum log_level level, const char *module, const char *format, ...)
{
    unsigned held_back;
    if (level > log->most || !admit(log, format, &held_back))
        return;
    AUTO_TEXT struct text message = TEXT_EMPTY, line = TEXT_EMPTY;
    va_list args;
    va_start(args, format);
    text_vprintf(&message, format, args);
    va_end(args);
    if (log->stamped) {
        char stamp[CLOCK_TEXT_SIZE];
        text_printf(&line, "%s ", wall_format(clock_wall(), stamp));
    }
    text_printf(&line, "%s %s: ", level_word(level), module);
    add_printable(&line, text_get(&message));
    if (held_back > 0)
        text_printf(&line, " (%u more like this were held back)", held_back);
    text_add_char(&line, '\n');
    fputs(text_get(&line), log->to);
    fflush(log->to);
}

int log_level_parse(const char *word, enum log_level *ret)
{
#define LEVEL(known, name)                                                                         \
    if (strcmp(word, known) == 0) {                                                                \
        *ret = name;                                                                               \
        return 0;                                                                                  \
    }
    LOG_LEVELS(LEVEL)
#undef LEVEL
    return ERR_NOT_FOUND;
}
