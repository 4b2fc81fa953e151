/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "store/case_log.h"
#include "store/event_log.h"
#include "store/memory.h"
#include "store/query.h"
#include "store/recorded.h"

/* Four kinds of entries from four places, sorted by time. Recorded rows are
 * found by reading all of them: a question that a person asks now and then is
 * not worth an index that every round would pay for. */

struct past {
    struct store *store;
    const struct history_query *query;
    struct arena *arena;
    struct history_entry *entries;
    size_t count, capacity;
    struct seen_sources sources;
};

static bool in_range(const struct history_query *query, struct wall at, struct wall until)
{
    if (wall_known(query->to) && at.us > query->to.us)
        return false;
    return !wall_known(query->from) || until.us >= query->from.us;
}

static void add_entry(struct past *past, const struct history_entry *entry)
{
    if (!in_range(past->query, entry->at, entry->until))
        return;
    past->entries = alloc_grow(past->entries, past->count, &past->capacity, sizeof *past->entries);
    past->entries[past->count++] = *entry;
}

/* --- where it was seen --- */

static const char *status_word(int64_t status)
{
    static const char *const words[] = {
        [FORWARD_UNREAD] = "",         [FORWARD_OTHER] = "other", [FORWARD_INVALID] = "invalid",
        [FORWARD_LEARNED] = "learned", [FORWARD_SELF] = "self",   [FORWARD_MGMT] = "mgmt"};
    return status < 0 || status > FORWARD_MGMT ? "" : words[status];
}

static int add_seen(struct past *past, const struct seen_row *row, struct err *err)
{
    const struct seen_source *source;
    const char *port, *vlan;
    int failed = seen_sources_find(&past->sources, row->source_id, &source, err);
    if (failed == 0)
        failed = store_name_text(past->store, row->port, &port, err);
    if (failed == 0)
        failed = store_name_text(past->store, row->vlan, &vlan, err);
    if (failed != 0)
        return failed;
    struct history_entry entry = {.kind = HISTORY_SEEN,
                                  .at = row->begun,
                                  .until = row->last,
                                  .current = row->current,
                                  .mac = {row->mac},
                                  .source = source->name,
                                  .site = source->site,
                                  .port = arena_text(past->arena, port, strlen(port)),
                                  .vlan = arena_text(past->arena, vlan, strlen(vlan)),
                                  .status = status_word(row->status),
                                  .reads = seen_row_reads(row)};
    add_entry(past, &entry);
    return 0;
}

static int load_seen(struct past *past, struct err *err)
{
    struct seen_row *rows = NULL;
    size_t count = 0, capacity = 0;
    int failed = 0;
    for (size_t i = 0; failed == 0 && i < past->query->mac_count; i++)
        failed = seen_rows_of_mac(&past->sources, past->query->macs[i].bits,
                                  (struct wall){INT64_MIN}, &rows, &count, &capacity, err);
    for (size_t i = 0; failed == 0 && i < count; i++)
        failed = add_seen(past, &rows[i], err);
    free(rows);
    return failed;
}

/* --- what records said --- */

/* The columns that name a guest, of the tables that have one. */
struct guest_columns {
    enum record_table table;
    int guest, uuid, mac;
};

static const struct guest_columns named_tables[] = {
    {RECORD_GUESTS, 1, 7, 2},
    {RECORD_ATTACHMENTS, -1, -1, 1},
    {RECORD_CMDB, 0, -1, -1},
    {RECORD_DCM, 1, -1, -1},
};

static bool value_is(const struct record_value *values, size_t count, int column, const char *text)
{
    return column >= 0 && (size_t)column < count && values[column].length == strlen(text) &&
           strncasecmp(values[column].text, text, values[column].length) == 0;
}

static bool wanted_mac(const struct past *past, const struct cell *mac)
{
    for (size_t i = 0; mac->type == CELL_INTEGER && i < past->query->mac_count; i++)
        if (past->query->macs[i].bits == (uint64_t)mac->integer)
            return true;
    return false;
}

/* Writes the filled columns as "hypervisor=B guest=web1 …". */
static char *row_text(struct past *past, enum record_table table, const struct record_value *values,
                      size_t count, const struct cell *extra)
{
    AUTO_TEXT struct text text = TEXT_EMPTY;
    for (size_t i = 0; i < count; i++) {
        const char *name = record_column_name(table, i);
        if (name == NULL || values[i].length == 0)
            continue;
        text_printf(&text, "%s%s=%.*s", text.length > 0 ? " " : "", name, (int)values[i].length,
                    values[i].text);
    }
    if (extra->type == CELL_TEXT)
        text_printf(&text, " extra=%s", (const char *)extra->bytes);
    return arena_text(past->arena, text_get(&text), text.length);
}

static int take_recorded(struct past *past, const struct guest_columns *columns,
                         const struct cell *row, bool ended, struct err *err)
{
    bool by_mac = wanted_mac(past, &row[2]);
    if (!by_mac && (past->query->guest == NULL || columns->guest < 0))
        return 0;
    AUTO_FREE char *content = alloc_text(row[3].bytes);
    struct record_value values[RECORDED_VALUES_MAX];
    size_t count = recorded_split(content, values);
    if (!by_mac && !value_is(values, count, columns->guest, past->query->guest) &&
        !value_is(values, count, columns->uuid, past->query->guest))
        return 0;
    struct cell source[STORE_COLUMNS_MAX];
    const struct cell key[] = {row[0]};
    int result = store_one(past->store, SQL_SOURCE_GET, key, 1, source, err);
    if (result == 1) {
        struct history_entry entry = {.kind = HISTORY_RECORDED,
                                      .at = {row[1].integer},
                                      .until = {ended ? row[5].integer : source[4].integer},
                                      .current = !ended,
                                      .mac = MAC_NONE,
                                      .source = cell_to_text(&source[2], past->arena),
                                      .text =
                                          row_text(past, columns->table, values, count, &row[4])};
        if (row[2].type == CELL_INTEGER)
            entry.mac.bits = (uint64_t)row[2].integer;
        if (columns->guest >= 0 && (size_t)columns->guest < count)
            entry.guest =
                arena_text(past->arena, values[columns->guest].text, values[columns->guest].length);
        add_entry(past, &entry);
    }
    store_stop(past->store, SQL_SOURCE_GET);
    return result < 0 ? result : 0;
}

static int scan_recorded(struct past *past, enum statement statement, bool ended,
                         const struct guest_columns *columns, struct err *err)
{
    struct store *store = past->store;
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell key[] = {cell_integer(columns->table)};
    int result = store_start(store, statement, key, 1, err);
    if (result == 0)
        result = store_step(store, statement, row, err);
    while (result == 1) {
        int failed = take_recorded(past, columns, row, ended, err);
        if (failed != 0) {
            store_stop(store, statement);
            return failed;
        }
        result = store_step(store, statement, row, err);
    }
    return result;
}

static int load_recorded(struct past *past, struct err *err)
{
    int failed = 0;
    for (size_t i = 0; failed == 0 && i < ARRAY_COUNT(named_tables); i++) {
        failed = scan_recorded(past, SQL_RECORDED_ALL, false, &named_tables[i], err);
        if (failed == 0)
            failed = scan_recorded(past, SQL_RECORDED_PAST_ALL, true, &named_tables[i], err);
    }
    return failed;
}

/* --- what was heard --- */

static int load_heard(struct past *past, struct err *err)
{
    const struct event_query query = {.macs = past->query->macs,
                                      .mac_count = past->query->mac_count,
                                      .from = past->query->from,
                                      .to = past->query->to,
                                      .limit = past->query->limit};
    const struct event_entry *events;
    size_t count = 0;
    int failed = store_list_events(past->store, &query, past->arena, &events, &count, err);
    for (size_t i = 0; failed == 0 && i < count; i++) {
        const struct event *event = &events[i].event;
        struct history_entry entry = {.kind = HISTORY_EVENT,
                                      .at = event->at,
                                      .until = event->at,
                                      .mac = event->mac,
                                      .source = event->source,
                                      .heard = event};
        add_entry(past, &entry);
    }
    return failed;
}

/* --- what happened to its cases --- */

static int add_events(struct past *past, const struct case_record *record, struct err *err)
{
    const struct case_event *events;
    size_t count = 0;
    int failed = store_load_events(past->store, record->number, past->arena, &events, &count, err);
    if (failed != 0)
        return failed;
    for (size_t i = 0; i < count; i++) {
        struct history_entry entry = {.kind = HISTORY_CASE,
                                      .at = events[i].at,
                                      .until = events[i].at,
                                      .mac = record->discrepancy->subject.mac,
                                      .guest = record->discrepancy->subject.guest,
                                      .text = events[i].text,
                                      .event = events[i]};
        add_entry(past, &entry);
    }
    return 0;
}

static int load_cases(struct past *past, struct err *err)
{
    size_t subject_count = 0;
    const char **subjects =
        arena_alloc(past->arena, (past->query->mac_count + 1) * sizeof *subjects);
    char mac[MAC_TEXT_SIZE];
    for (size_t i = 0; i < past->query->mac_count; i++)
        subjects[subject_count++] =
            arena_printf(past->arena, "%s", mac_format(past->query->macs[i], mac));
    if (past->query->guest != NULL)
        subjects[subject_count++] = past->query->guest;
    if (subject_count == 0)
        return 0;
    const struct case_sieve sieve = {.subjects = subjects, .subject_count = subject_count};
    const struct case_record *records;
    size_t count = 0;
    int failed = case_log_load(past->store, SQL_CASES_ALL, NULL, 0, &sieve, past->arena, &records,
                               &count, err);
    for (size_t i = 0; failed == 0 && i < count; i++)
        failed = add_events(past, &records[i], err);
    return failed;
}

/* --- together --- */

static int compare_or_zero(const char *a, const char *b)
{
    return strcmp(a == NULL ? "" : a, b == NULL ? "" : b);
}

static int compare_entries(const void *a, const void *b)
{
    const struct history_entry *x = a, *y = b;
    if (x->at.us != y->at.us)
        return x->at.us < y->at.us ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->mac.bits != y->mac.bits)
        return x->mac.bits < y->mac.bits ? -1 : 1;
    int order = compare_or_zero(x->source, y->source);
    if (order == 0)
        order = compare_or_zero(x->port, y->port);
    if (order == 0 && x->event.case_number != y->event.case_number)
        order = x->event.case_number < y->event.case_number ? -1 : 1;
    return order != 0 ? order : compare_or_zero(x->text, y->text);
}

int store_load_history(struct store *store, const struct history_query *query, struct arena *arena,
                       const struct history_entry **ret, size_t *ret_count, struct err *err)
{
    struct past past = {.store = store, .query = query, .arena = arena};
    struct store_round round = {0};
    int failed = store_find_round(store, WALL_UNKNOWN, &round, err);
    if (failed == ERR_NOT_FOUND)
        failed = 0; /* nothing stored: an empty history */
    seen_sources_init(&past.sources, store, round.number, arena);
    if (failed == 0)
        failed = load_seen(&past, err);
    if (failed == 0)
        failed = load_recorded(&past, err);
    if (failed == 0)
        failed = load_heard(&past, err);
    if (failed == 0)
        failed = load_cases(&past, err);
    seen_sources_done(&past.sources);
    if (failed == 0) {
        if (past.count > 0)
            qsort(past.entries, past.count, sizeof *past.entries, compare_entries);
        size_t skipped =
            query->limit > 0 && past.count > query->limit ? past.count - query->limit : 0;
        size_t count = past.count - skipped;
        struct history_entry *kept = arena_alloc(arena, (count + 1) * sizeof *kept);
        if (count > 0)
            memcpy(kept, past.entries + skipped, count * sizeof *kept);
        *ret = kept;
        *ret_count = count;
    }
    free(past.entries);
    return failed;
}

static int compare_macs(const void *a, const void *b)
{
    const struct mac *x = a, *y = b;
    return (x->bits > y->bits) - (x->bits < y->bits);
}

int store_find_macs(struct store *store, const char *guest, struct arena *arena,
                    const struct mac **ret, size_t *ret_count, struct err *err)
{
    const struct history_query query = {.guest = guest, .from = WALL_UNKNOWN, .to = WALL_UNKNOWN};
    struct past past = {.store = store, .query = &query, .arena = arena};
    int failed = scan_recorded(&past, SQL_RECORDED_ALL, false, &named_tables[0], err);
    struct mac *macs = arena_alloc(arena, (past.count + 1) * sizeof *macs);
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < past.count; i++)
        if (mac_known(past.entries[i].mac))
            macs[count++] = past.entries[i].mac;
    free(past.entries);
    if (failed != 0)
        return failed;
    qsort(macs, count, sizeof *macs, compare_macs);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || !mac_equal(macs[kept - 1], macs[i]))
            macs[kept++] = macs[i];
    *ret = macs;
    *ret_count = kept;
    return 0;
}
