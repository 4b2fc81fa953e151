/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/faults.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* word, what its value is ("" none), enumerator, help */
#define FAULT_WORDS(FAULT)                                                                         \
    FAULT("dead", "", WORD_DEAD, "answers nothing")                                                \
    FAULT("slow", "SPAN", WORD_SLOW, "waits before each answer")                                   \
    FAULT("lossy", "PERCENT", WORD_LOSSY, "loses that share of its answers")                       \
    FAULT("partial", "ROW", WORD_PARTIAL, "falls silent in the midst of the forward table")        \
    FAULT("tail", "ROW", WORD_TAIL, "leaves the rest of the forward table out")                    \
    FAULT("toobig", "COUNT", WORD_TOOBIG, "answers tooBig to more repetitions than that")          \
    FAULT("looping", "ROWS", WORD_LOOPING, "starts the forward table over, for ever")              \
    FAULT("unordered", "", WORD_UNORDERED, "swaps forward rows in pairs")                          \
    FAULT("last-moment", "SPAN", WORD_LAST_MOMENT, "waits and then answers with one row")          \
    FAULT("duplicate", "", WORD_DUPLICATE, "sends every answer twice")                             \
    FAULT("wrong-id", "", WORD_WRONG_ID, "answers with another request id")                        \
    FAULT("reboot", "", WORD_REBOOT, "restarts: sysUpTime goes back")                              \
    FAULT("rows", "COUNT", WORD_ROWS, "shows a forward table of that many made-up rows")           \
    FAULT("clear", "", WORD_CLEAR, "takes every fault away")

enum fault_word {
#define FAULT(word, value, name, help) name,
    FAULT_WORDS(FAULT)
#undef FAULT
        WORD_COUNT
};

static const struct {
    const char *word, *value, *help;
} words[] = {
#define FAULT(word, value, name, help) {word, value, help},
    FAULT_WORDS(FAULT)
#undef FAULT
};

/* A made-up MAC keeps 24 bits for its number, plus some of the prefix. */
enum { ROWS_MAX = 16 * 1000000 };

static enum fault_word find_word(const char *text, size_t length)
{
    for (int i = 0; i < WORD_COUNT; i++)
        if (strlen(words[i].word) == length && strncmp(words[i].word, text, length) == 0)
            return (enum fault_word)i;
    return WORD_COUNT;
}

static int parse_count(const char *word, const char *value, uint64_t *ret, struct err *err)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    if (errno != 0 || end == value || *end != 0 || value[0] == '-')
        return err_set(err, ERR_SYNTAX, "fault \"%s\": a number was expected", word);
    if (number > ROWS_MAX)
        return err_set(err, ERR_RANGE, "fault \"%s\": at most %d", word, ROWS_MAX);
    *ret = number;
    return 0;
}

static int parse_span(const char *word, const char *value, struct span *ret, struct err *err)
{
    if (span_parse(value, ret) != 0)
        return err_set(err, ERR_SYNTAX, "fault \"%s\": a time such as 200ms was expected", word);
    if (ret->us < 0 || ret->us > span_seconds(3600).us)
        return err_set(err, ERR_RANGE, "fault \"%s\": at most an hour", word);
    return 0;
}

/* Words with a time. */
static int apply_span(struct sim_faults *faults, enum fault_word which, const char *word,
                      const char *value, struct err *err)
{
    struct span span = {0};
    int error = parse_span(word, value, &span, err);
    if (error)
        return error;
    faults->delay = span;
    if (which == WORD_LAST_MOMENT)
        faults->one_row = 1;
    return 0;
}

/* Words with a number. */
static int apply_count(struct sim_faults *faults, enum fault_word which, const char *word,
                       const char *value, struct err *err)
{
    uint64_t count = 0;
    int error = parse_count(word, value, &count, err);
    if (error)
        return error;
    if (which == WORD_LOSSY && count > 100)
        return err_set(err, ERR_RANGE, "fault \"%s\": at most 100 percent", word);
    if (count == 0 && which != WORD_LOSSY)
        return err_set(err, ERR_RANGE, "fault \"%s\": at least 1", word);
    if (which == WORD_LOSSY)
        faults->loss = (unsigned)count * 10;
    else if (which == WORD_PARTIAL)
        faults->stop_at = count;
    else if (which == WORD_TAIL)
        faults->cut_at = count;
    else if (which == WORD_TOOBIG)
        faults->too_big_above = (unsigned)count;
    else if (which == WORD_LOOPING)
        faults->loop_at = count;
    else
        faults->generated_rows = count;
    return 0;
}

static void apply_plain(struct sim_faults *faults, enum fault_word which)
{
    if (which == WORD_DEAD)
        faults->dead = true;
    else if (which == WORD_UNORDERED)
        faults->unordered = true;
    else if (which == WORD_DUPLICATE)
        faults->duplicate = true;
    else if (which == WORD_WRONG_ID)
        faults->wrong_id = true;
    else if (which == WORD_REBOOT)
        faults->reboots++;
    else
        *faults = (struct sim_faults){.reboots = faults->reboots};
}

int sim_faults_apply(struct sim_faults *faults, const char *word, struct err *err)
{
    const char *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    enum fault_word which = find_word(word, length);
    if (which == WORD_COUNT)
        return err_set(err, ERR_SYNTAX, "no fault is called \"%.*s\"", (int)(length % 64), word);
    bool wants_value = words[which].value[0] != 0;
    if (wants_value != (equals != NULL))
        return err_set(err, ERR_SYNTAX, "fault \"%s\": %s%s was expected", words[which].word,
                       wants_value ? "=" : "no value", words[which].value);
    if (!wants_value) {
        apply_plain(faults, which);
        return 0;
    }
    if (which == WORD_SLOW || which == WORD_LAST_MOMENT)
        return apply_span(faults, which, word, equals + 1, err);
    return apply_count(faults, which, word, equals + 1, err);
}

static void print_count(struct text *to, const char *word, uint64_t count)
{
    if (count > 0)
        text_printf(to, "%s=%llu ", word, (unsigned long long)count);
}

static void print_flag(struct text *to, const char *word, bool on)
{
    if (on)
        text_printf(to, "%s ", word);
}

void sim_faults_print(const struct sim_faults *faults, struct text *to)
{
    size_t before = to->length;
    print_flag(to, "dead", faults->dead);
    if (faults->delay.us > 0)
        text_printf(to, "%s=%lldms ", faults->one_row ? "last-moment" : "slow",
                    (long long)faults->delay.us / 1000);
    print_count(to, "lossy", faults->loss / 10);
    print_count(to, "partial", faults->stop_at);
    print_count(to, "tail", faults->cut_at);
    print_count(to, "toobig", faults->too_big_above);
    print_count(to, "looping", faults->loop_at);
    print_flag(to, "unordered", faults->unordered);
    print_flag(to, "duplicate", faults->duplicate);
    print_flag(to, "wrong-id", faults->wrong_id);
    print_count(to, "rows", faults->generated_rows);
    if (to->length == before)
        text_add(to, "none");
    else
        to->data[--to->length] = 0;
}

void sim_faults_help(struct text *to)
{
    for (int i = 0; i < WORD_COUNT; i++) {
        const char *value = words[i].value;
        text_printf(to, "  %s%s%-*s %s\n", words[i].word, value[0] ? "=" : "",
                    (int)(20 - strlen(words[i].word) - (value[0] ? 1 : 0)), value, words[i].help);
    }
}
