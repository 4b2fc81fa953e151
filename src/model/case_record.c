/* SPDX-License-Identifier: Apache-2.0 */
#include "model/case_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

static const char *const state_words[CASE_STATE_COUNT] = {
#define STATE(word, name, open) [name] = word,
    CASE_STATES(STATE)
#undef STATE
};

static const bool state_open[CASE_STATE_COUNT] = {
#define STATE(word, name, open) [name] = open,
    CASE_STATES(STATE)
#undef STATE
};

static const char *const event_words[CASE_EVENT_COUNT] = {
#define EVENT(word, name) [name] = word,
    CASE_EVENTS(EVENT)
#undef EVENT
};

const char *case_state_word(enum case_state state)
{
    CHECK((unsigned)state < CASE_STATE_COUNT);
    return state_words[state];
}

const char *case_event_word(enum case_event_kind kind)
{
    CHECK((unsigned)kind < CASE_EVENT_COUNT);
    return event_words[kind];
}

enum case_state case_state_parse(const char *word)
{
    unsigned at = 0;
    while (at < CASE_STATE_COUNT && strcmp(state_words[at], word) != 0)
        at++;
    return (enum case_state)at;
}

enum case_event_kind case_event_parse(const char *word)
{
    unsigned at = 0;
    while (at < CASE_EVENT_COUNT && strcmp(event_words[at], word) != 0)
        at++;
    return (enum case_event_kind)at;
}

bool case_state_open(enum case_state state)
{
    CHECK((unsigned)state < CASE_STATE_COUNT);
    return state_open[state];
}

char *case_id_format(uint64_t number, char buffer[static CASE_ID_SIZE])
{
    snprintf(buffer, CASE_ID_SIZE, "C%" PRIu64, number);
    return buffer;
}

int case_id_parse(const char *text, uint64_t *ret)
{
    const char *at = text + (*text == 'C' || *text == 'c');
    uint64_t number = 0;
    size_t digits = strspn(at, "0123456789");
    if (digits == 0 || digits > 18 || at[digits] != '\0')
        return ERR_SYNTAX;
    for (; *at != '\0'; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    if (number == 0)
        return ERR_SYNTAX;
    *ret = number;
    return 0;
}
