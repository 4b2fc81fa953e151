/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "store/case_log.h"
#include "store/query.h"
#include "store/verdict_text.h"

/* Columns of CASE_COLUMNS. */
enum {
    COLUMN_NUMBER,
    COLUMN_STATE,
    COLUMN_STATE_AT,
    COLUMN_BEFORE,
    COLUMN_ENDED_AT,
    COLUMN_FIRST,
    COLUMN_LAST,
    COLUMN_COUNT,
    COLUMN_REOPENED,
    COLUMN_REPORTED_AT,
    COLUMN_ACKNOWLEDGED_BY,
    COLUMN_ACKNOWLEDGED_TEXT,
    COLUMN_ACKNOWLEDGED_AT,
    COLUMN_CONTENT,
    COLUMN_KIND,
    COLUMN_SUBJECT
};

static bool has_subject(const char *subjects, const char *wanted)
{
    size_t length = strlen(wanted);
    for (const char *at = subjects; (at = strchr(at, '\n')) != NULL;) {
        at++;
        if (strncasecmp(at, wanted, length) == 0 && at[length] == '\n')
            return true;
    }
    return false;
}

static bool passes(const struct case_sieve *sieve, const struct cell *row)
{
    const char *state = row[COLUMN_STATE].bytes;
    if (sieve->state != NULL && strcmp(sieve->state, state) != 0)
        return false;
    if (sieve->kind != NULL && strcmp(sieve->kind, row[COLUMN_KIND].bytes) != 0)
        return false;
    enum case_state parsed = case_state_parse(state);
    if (sieve->open_only && (parsed == CASE_STATE_COUNT || !case_state_open(parsed)))
        return false;
    for (size_t i = 0; i < sieve->subject_count; i++)
        if (has_subject(row[COLUMN_SUBJECT].bytes, sieve->subjects[i]))
            return true;
    return sieve->subject_count == 0;
}

static int take_case(struct store *store, const struct cell *row, struct arena *arena,
                     struct case_record *ret, struct err *err)
{
    struct discrepancy *discrepancy = arena_alloc(arena, sizeof *discrepancy);
    enum case_state state = case_state_parse(row[COLUMN_STATE].bytes);
    enum case_state before = case_state_parse(row[COLUMN_BEFORE].bytes);
    if (row[COLUMN_NUMBER].integer < 1 || state == CASE_STATE_COUNT || before == CASE_STATE_COUNT ||
        verdict_text_parse(row[COLUMN_CONTENT].bytes, row[COLUMN_CONTENT].length, arena,
                           discrepancy) != 0)
        return store_damaged(store, err, "case %lld", (long long)row[COLUMN_NUMBER].integer);
    *ret = (struct case_record){
        .number = (uint64_t)row[COLUMN_NUMBER].integer,
        .state = state,
        .state_at = {row[COLUMN_STATE_AT].integer},
        .before = before,
        .ended_at = cell_to_wall(&row[COLUMN_ENDED_AT]),
        .discrepancy = discrepancy,
        .first = {row[COLUMN_FIRST].integer},
        .last = {row[COLUMN_LAST].integer},
        .count = (uint32_t)row[COLUMN_COUNT].integer,
        .reopened = (uint32_t)row[COLUMN_REOPENED].integer,
        .reported_at = cell_to_wall(&row[COLUMN_REPORTED_AT]),
        .acknowledged_by = cell_to_text(&row[COLUMN_ACKNOWLEDGED_BY], arena),
        .acknowledged_text = cell_to_text(&row[COLUMN_ACKNOWLEDGED_TEXT], arena),
        .acknowledged_at = cell_to_wall(&row[COLUMN_ACKNOWLEDGED_AT]),
    };
    return 0;
}

int case_log_load(struct store *store, enum statement statement, const struct cell *parameters,
                  size_t count, const struct case_sieve *sieve, struct arena *arena,
                  const struct case_record **ret, size_t *ret_count, struct err *err)
{
    struct case_record *records = NULL;
    size_t record_count = 0, capacity = 0;
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_start(store, statement, parameters, count, err);
    if (result == 0)
        result = store_step(store, statement, row, err);
    while (result == 1) {
        if (passes(sieve, row)) {
            records = alloc_grow(records, record_count, &capacity, sizeof *records);
            int failed = take_case(store, row, arena, &records[record_count], err);
            if (failed != 0) {
                store_stop(store, statement);
                free(records);
                return failed;
            }
            record_count++;
        }
        result = store_step(store, statement, row, err);
    }
    if (result == 0) {
        struct case_record *kept = arena_alloc(arena, (record_count + 1) * sizeof *kept);
        if (record_count > 0)
            memcpy(kept, records, record_count * sizeof *kept);
        *ret = kept;
        *ret_count = record_count;
    }
    free(records);
    return result;
}

int store_next_case(struct store *store, uint64_t *ret, struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell key[] = {cell_text("next_case")};
    int result = store_one(store, SQL_META_GET, key, 1, row, err);
    uint64_t next = result == 1 ? (uint64_t)row[0].integer : 0;
    store_stop(store, SQL_META_GET);
    if (result >= 0 && (next < 1 || next > INT64_MAX / 2))
        return store_damaged(store, err, "next_case");
    if (result < 0)
        return result;
    *ret = next;
    return 0;
}

int store_load_cases(struct store *store, struct wall now, struct span grace, struct arena *arena,
                     const struct case_record **ret, size_t *ret_count, uint64_t *ret_next_number,
                     struct err *err)
{
    uint64_t next;
    int failed = store_next_case(store, &next, err);
    if (failed != 0)
        return failed;
    const struct case_sieve all = {0};
    const struct cell since[] = {cell_integer(now.us - grace.us)};
    failed = case_log_load(store, SQL_CASES_TO_KNOW, since, 1, &all, arena, ret, ret_count, err);
    if (failed == 0)
        *ret_next_number = next;
    return failed;
}

int store_find_case_of(struct store *store, const char *identity, struct arena *arena,
                       struct case_record *ret, struct err *err)
{
    const struct case_sieve all = {0};
    const struct case_record *records;
    size_t count;
    const struct cell key[] = {cell_text(identity)};
    int failed = case_log_load(store, SQL_CASE_OF, key, 1, &all, arena, &records, &count, err);
    if (failed != 0)
        return failed;
    if (count == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no case of \"%s\"", identity);
    *ret = records[0];
    return 0;
}

int store_list_cases(struct store *store, const struct case_filter *filter, struct arena *arena,
                     const struct case_record **ret, size_t *ret_count, struct err *err)
{
    bool any_state = filter->state == CASE_STATE_COUNT;
    const struct case_sieve sieve = {
        .state = any_state ? NULL : case_state_word(filter->state),
        .kind = filter->kind == DISCREPANCY_KIND_COUNT ? NULL : discrepancy_word(filter->kind),
        .open_only = any_state && !filter->all,
        .subjects = &filter->subject,
        .subject_count = filter->subject != NULL,
    };
    return case_log_load(store, SQL_CASES_ALL, NULL, 0, &sieve, arena, ret, ret_count, err);
}

int store_find_case(struct store *store, uint64_t number, struct arena *arena,
                    struct case_record *ret, struct err *err)
{
    const struct case_sieve all = {0};
    const struct case_record *records;
    size_t count;
    const struct cell key[] = {cell_integer((int64_t)number)};
    int failed = case_log_load(store, SQL_CASE_GET, key, 1, &all, arena, &records, &count, err);
    if (failed != 0)
        return failed;
    if (count == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no case C%llu", (unsigned long long)number);
    *ret = records[0];
    return 0;
}

int store_last_verdicts(struct store *store, struct arena *arena, const struct case_record **ret,
                        size_t *ret_count, struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_one(store, SQL_ROUND_LAST, NULL, 0, row, err);
    const struct cell key[] = {cell_integer(result == 1 ? row[0].integer : -1)};
    store_stop(store, SQL_ROUND_LAST);
    if (result < 0)
        return result;
    const struct case_sieve all = {0};
    return case_log_load(store, SQL_CASES_JUDGED, key, 1, &all, arena, ret, ret_count, err);
}

static int take_then(struct store *store, const struct cell *row, const struct store_round *round,
                     struct arena *arena, struct case_then *ret, struct err *err)
{
    enum case_state state = case_state_parse(row[5].bytes);
    if (state == CASE_STATE_COUNT || row[1].integer < 1 || row[2].integer < 0)
        return store_damaged(store, err, "case %lld", (long long)row[1].integer);
    uint64_t rounds = round->number - (uint64_t)row[2].integer + 1;
    *ret = (struct case_then){.identity = cell_to_text(&row[0], arena),
                              .number = (uint64_t)row[1].integer,
                              .state = state,
                              .first = {row[4].integer},
                              .last = round->judged,
                              .count = (uint32_t)((uint64_t)row[3].integer + rounds)};
    return 0;
}

int store_load_cases_then(struct store *store, const struct store_round *round, struct arena *arena,
                          const struct case_then **ret, size_t *ret_count, struct err *err)
{
    struct case_then *cases = NULL;
    size_t count = 0, capacity = 0;
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell key[] = {cell_integer((int64_t)round->number), cell_wall(round->judged)};
    int result = store_start(store, SQL_CASES_AT, key, 2, err);
    if (result == 0)
        result = store_step(store, SQL_CASES_AT, row, err);
    while (result == 1) {
        cases = alloc_grow(cases, count, &capacity, sizeof *cases);
        int failed = take_then(store, row, round, arena, &cases[count], err);
        if (failed != 0) {
            store_stop(store, SQL_CASES_AT);
            free(cases);
            return failed;
        }
        count++;
        result = store_step(store, SQL_CASES_AT, row, err);
    }
    if (result == 0) {
        struct case_then *kept = arena_alloc(arena, (count + 1) * sizeof *kept);
        if (count > 0)
            memcpy(kept, cases, count * sizeof *kept);
        *ret = kept;
        *ret_count = count;
    }
    free(cases);
    return result;
}

/* --- events --- */

static int take_event(struct store *store, const struct cell *row, struct arena *arena,
                      struct case_event *ret, struct err *err)
{
    enum case_event_kind kind = case_event_parse(row[3].bytes);
    enum case_state from = case_state_parse(row[4].bytes), to = case_state_parse(row[5].bytes);
    if (kind == CASE_EVENT_COUNT || from == CASE_STATE_COUNT || to == CASE_STATE_COUNT)
        return store_damaged(store, err, "an event of case %lld", (long long)row[0].integer);
    *ret = (struct case_event){.case_number = (uint64_t)row[0].integer,
                               .round = (uint64_t)row[1].integer,
                               .at = {row[2].integer},
                               .kind = kind,
                               .from = from,
                               .to = to,
                               .who = cell_to_text(&row[6], arena),
                               .text = cell_to_text(&row[7], arena)};
    return 0;
}

int store_load_events(struct store *store, uint64_t number, struct arena *arena,
                      const struct case_event **ret, size_t *ret_count, struct err *err)
{
    struct case_event *events = NULL;
    size_t count = 0, capacity = 0;
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell key[] = {cell_integer((int64_t)number)};
    int result = store_start(store, SQL_CASE_EVENTS, key, 1, err);
    if (result == 0)
        result = store_step(store, SQL_CASE_EVENTS, row, err);
    while (result == 1) {
        events = alloc_grow(events, count, &capacity, sizeof *events);
        int failed = take_event(store, row, arena, &events[count], err);
        if (failed != 0) {
            store_stop(store, SQL_CASE_EVENTS);
            free(events);
            return failed;
        }
        count++;
        result = store_step(store, SQL_CASE_EVENTS, row, err);
    }
    if (result == 0) {
        struct case_event *kept = arena_alloc(arena, (count + 1) * sizeof *kept);
        if (count > 0)
            memcpy(kept, events, count * sizeof *kept);
        *ret = kept;
        *ret_count = count;
    }
    free(events);
    return result;
}
