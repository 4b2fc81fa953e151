/* SPDX-License-Identifier: Apache-2.0 */
#include "model/run_state.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/names.h"

struct run_state_words {
    struct names *names;                   /* normalised words */
    uint8_t states[LIMIT_RUN_STATE_WORDS]; /* by the word's number */
};

/* Other words than the enumeration's own, as hypervisors, controllers and people
 * write them. */
static const struct {
    const char *word;
    enum run_state state;
} synonyms[] = {
    {"running", RUN_STATE_ON},
    {"powered on", RUN_STATE_ON},
    {"power on", RUN_STATE_ON},
    {"up", RUN_STATE_ON},
    {"active", RUN_STATE_ON},
    {"started", RUN_STATE_ON},
    {"idle", RUN_STATE_ON},
    {"blocked", RUN_STATE_ON},
    {"no state", RUN_STATE_UNKNOWN},
    {"enabled", RUN_STATE_ON},
    {"shut off", RUN_STATE_OFF},
    {"powered off", RUN_STATE_OFF},
    {"power off", RUN_STATE_OFF},
    {"stopped", RUN_STATE_OFF},
    {"halted", RUN_STATE_OFF},
    {"down", RUN_STATE_OFF},
    {"inactive", RUN_STATE_OFF},
    {"shutdown", RUN_STATE_OFF},
    {"aborted", RUN_STATE_CRASHED},
    {"disabled", RUN_STATE_OFF},
    {"shutoff", RUN_STATE_OFF},
    {"shelved offloaded", RUN_STATE_OFF},
    {"shelved", RUN_STATE_OFF},
    {"pm suspended", RUN_STATE_SUSPENDED},
    {"saved", RUN_STATE_HIBERNATED},
    {"managed saved", RUN_STATE_HIBERNATED},
    {"stand by", RUN_STATE_SUSPENDED},
    {"suspend", RUN_STATE_SUSPENDED},
    {"pause", RUN_STATE_PAUSED},
    {"crash", RUN_STATE_CRASHED},
    {"dying", RUN_STATE_STOPPING},
    {"error", RUN_STATE_CRASHED},
    {"failed", RUN_STATE_CRASHED},
    {"guest panicked", RUN_STATE_CRASHED},
    {"internal error", RUN_STATE_PAUSED},
    {"io error", RUN_STATE_PAUSED},
    {"in shutdown", RUN_STATE_STOPPING},
    {"shutting down", RUN_STATE_STOPPING},
    {"powering off", RUN_STATE_STOPPING},
    {"powering on", RUN_STATE_STARTING},
    {"booting", RUN_STATE_STARTING},
    {"starting up", RUN_STATE_STARTING},
    {"pending", RUN_STATE_STARTING},
    {"build", RUN_STATE_STARTING},
    {"restoring", RUN_STATE_STARTING},
    {"prelaunch", RUN_STATE_PAUSED},
    {"rebooting", RUN_STATE_STARTING},
    {"reboot", RUN_STATE_STARTING},
    {"resuming", RUN_STATE_STARTING},
    {"suspending", RUN_STATE_STOPPING},
    {"saving", RUN_STATE_STOPPING},
    {"migrate", RUN_STATE_MIGRATING},
    {"in migrate", RUN_STATE_MIGRATING},
    {"post migrate", RUN_STATE_MIGRATING},
    {"finish migrate", RUN_STATE_MIGRATING},
    {"teleporting", RUN_STATE_MIGRATING},
    {"0", RUN_STATE_OFF},
    {"1", RUN_STATE_ON},
    {"true", RUN_STATE_ON},
    {"false", RUN_STATE_OFF},
    {"yes", RUN_STATE_ON},
    {"no", RUN_STATE_OFF},
    {"not specified", RUN_STATE_UNKNOWN},
    {"undefined", RUN_STATE_UNKNOWN},
};

const char *run_state_word(enum run_state state)
{
    switch (state) {
#define STATE(word, name, communicates)                                                            \
    case name:                                                                                     \
        return word;
        RUN_STATES(STATE)
#undef STATE
    }
    UNREACHABLE();
}

enum tristate run_state_communicates(enum run_state state)
{
    switch (state) {
#define STATE(word, name, communicates)                                                            \
    case name:                                                                                     \
        return communicates;
        RUN_STATES(STATE)
#undef STATE
    }
    UNREACHABLE();
}

const char *tristate_word(enum tristate value)
{
    switch (value) {
    case NO:
        return "no";
    case YES:
        return "yes";
    case UNKNOWN:
        return "unknown";
    }
    UNREACHABLE();
}

/* Writes `text` in lower case without blanks, '-' and '_'. Returns its length, or
 * a number above LIMIT_NAME_BYTES when it does not fit. */
static size_t normalise(const char *text, size_t length, char to[static LIMIT_NAME_BYTES])
{
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == ' ' || c == '\t' || c == '-' || c == '_')
            continue;
        if (used == LIMIT_NAME_BYTES)
            return LIMIT_NAME_BYTES + 1;
        to[used++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    return used;
}

static bool is_word(const char *normal, size_t length, const char *word)
{
    size_t i = 0;
    while (i < length && word[i] != '\0' && normal[i] == word[i])
        i++;
    return i == length && word[i] == '\0';
}

int tristate_parse(const char *text, size_t length, enum tristate *ret)
{
    static const struct {
        const char *word;
        enum tristate value;
    } words[] = {
        {"yes", YES},  {"true", YES},        {"1", YES},     {"y", YES},        {"on", YES},
        {"no", NO},    {"false", NO},        {"0", NO},      {"n", NO},         {"off", NO},
        {"", UNKNOWN}, {"unknown", UNKNOWN}, {"?", UNKNOWN}, {"null", UNKNOWN},
    };
    char normal[LIMIT_NAME_BYTES];
    size_t used = normalise(text, length, normal);
    for (size_t i = 0; used <= LIMIT_NAME_BYTES && i < ARRAY_COUNT(words); i++) {
        if (is_word(normal, used, words[i].word)) {
            *ret = words[i].value;
            return 0;
        }
    }
    return ERR_SYNTAX;
}

static int add(struct run_state_words *words, const char *word, size_t length, enum run_state state)
{
    char normal[LIMIT_NAME_BYTES];
    size_t used = normalise(word, length, normal);
    if (used > LIMIT_NAME_BYTES)
        return ERR_LIMIT;
    uint32_t number = names_find(words->names, normal, used);
    if (number == NAME_NONE && names_count(words->names) == LIMIT_RUN_STATE_WORDS)
        return ERR_LIMIT;
    words->states[names_add(words->names, normal, used)] = (uint8_t)state;
    return 0;
}

struct run_state_words *run_state_words_new(void)
{
    struct run_state_words *words = alloc_zeroed(1, sizeof *words);
    words->names = names_new();
#define STATE(word, name, communicates) CHECK(add(words, word, sizeof(word) - 1, name) == 0);
    RUN_STATES(STATE)
#undef STATE
    for (size_t i = 0; i < ARRAY_COUNT(synonyms); i++)
        CHECK(run_state_words_add(words, synonyms[i].word, synonyms[i].state) == 0);
    CHECK(run_state_words_add(words, "", RUN_STATE_UNKNOWN) == 0);
    return words;
}

void run_state_words_free(struct run_state_words *words)
{
    if (words == NULL)
        return;
    names_free(words->names);
    free(words);
}

bool run_state_words_equal(const struct run_state_words *a, const struct run_state_words *b)
{
    uint32_t count = (uint32_t)names_count(a->names);
    if (names_count(b->names) != count)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const char *word = names_get(a->names, i);
        uint32_t other = names_find(b->names, word, strlen(word));
        if (other == NAME_NONE || a->states[i] != b->states[other])
            return false;
    }
    return true;
}

int run_state_words_add(struct run_state_words *words, const char *word, enum run_state state)
{
    return add(words, word, strlen(word), state);
}

int run_state_words_find(const struct run_state_words *words, const char *text, size_t length,
                         enum run_state *ret)
{
    char normal[LIMIT_NAME_BYTES];
    size_t used = normalise(text, length, normal);
    if (used > LIMIT_NAME_BYTES)
        return ERR_NOT_FOUND;
    uint32_t number = names_find(words->names, normal, used);
    if (number == NAME_NONE)
        return ERR_NOT_FOUND;
    *ret = (enum run_state)words->states[number];
    return 0;
}
