/* SPDX-License-Identifier: Apache-2.0 */
#include "store/case_log.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/query.h"
#include "store/verdict_text.h"

/* --- writing --- */

static void add_subject(struct text *to, const char *value)
{
    if (value != NULL && value[0] != '\0')
        text_printf(to, "%s\n", value);
}

/* What a person may know the case by, each with a line end before and after. */
static void print_subject(const struct discrepancy *d, struct text *to)
{
    char mac[MAC_TEXT_SIZE];
    text_add_char(to, '\n');
    add_subject(to, d->subject.guest);
    add_subject(to, d->subject.uuid);
    add_subject(to, d->subject.hypervisor);
    add_subject(to, d->subject.switch_name);
    add_subject(to, d->subject.source);
    char address[IP_TEXT_SIZE];
    if (ip_known(&d->subject.address))
        add_subject(to, ip_format(&d->subject.address, address));
    if (mac_known(d->subject.mac))
        add_subject(to, mac_format(d->subject.mac, mac));
    for (size_t i = 0; i < d->mac_count; i++)
        if (!mac_equal(d->macs[i], d->subject.mac))
            add_subject(to, mac_format(d->macs[i], mac));
    for (size_t i = 0; i < d->member_count; i++)
        add_subject(to, d->members[i]);
}

static int put_event(struct store *store, const struct case_change *change, const char *content,
                     size_t length, struct err *err)
{
    const struct case_event *event = &change->event;
    const struct cell cells[] = {
        cell_integer((int64_t)event->case_number),
        cell_integer((int64_t)event->round),
        cell_wall(event->at),
        cell_text(case_event_word(event->kind)),
        cell_text(case_state_word(event->from)),
        cell_text(case_state_word(event->to)),
        cell_text(event->who),
        cell_text(event->text),
        change->judged ? cell_bytes(content, length) : cell_null(),
    };
    return store_run(store, SQL_CASE_EVENT_ADD, cells, ARRAY_COUNT(cells), err);
}

static int put_case(struct store *store, const struct case_change *change, int64_t ordinal,
                    struct err *err)
{
    const struct case_record *record = &change->record;
    AUTO_TEXT struct text content = TEXT_EMPTY;
    AUTO_TEXT struct text subject = TEXT_EMPTY;
    verdict_text_print(record->discrepancy, &content);
    print_subject(record->discrepancy, &subject);
    const struct cell cells[] = {
        cell_integer((int64_t)record->number),
        cell_text(record->discrepancy->identity),
        cell_text(discrepancy_word(record->discrepancy->kind)),
        cell_text(case_state_word(record->state)),
        cell_wall(record->state_at),
        cell_text(case_state_word(record->before)),
        cell_known_wall(record->ended_at),
        cell_wall(record->first),
        cell_wall(record->last),
        cell_integer(record->count),
        cell_integer(record->reopened),
        cell_known_wall(record->reported_at),
        cell_optional(record->acknowledged_by),
        cell_optional(record->acknowledged_text),
        cell_known_wall(record->acknowledged_at),
        /* of no round when events judged it: a replay of the last one must not find it */
        cell_integer(change->judged && store->in_round ? (int64_t)store->round : 0),
        cell_integer(ordinal),
        cell_bytes(text_get(&subject), subject.length),
        cell_bytes(text_get(&content), content.length),
    };
    int failed = store_run(store, SQL_CASE_PUT, cells, ARRAY_COUNT(cells), err);
    if (failed == 0 && change->has_event)
        failed = put_event(store, change, text_get(&content), content.length, err);
    return failed;
}

static int raise_next_number(struct store *store, uint64_t used, struct err *err)
{
    const struct cell key[] = {cell_text("next_case"), cell_integer((int64_t)used + 1)};
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_one(store, SQL_META_GET, key, 1, row, err);
    bool raise = result == 1 && row[0].integer <= (int64_t)used;
    store_stop(store, SQL_META_GET);
    if (result == 0)
        return store_damaged(store, err, "next_case is missing");
    return raise ? store_run(store, SQL_META_SET, key, 2, err) : result < 0 ? result : 0;
}

/* --- how long discrepancies have stood without a break --- */

/* What a round found: a verdict, and its case where it has one. */
struct found {
    const struct discrepancy *verdict;
    uint64_t case_number;
    uint32_t earlier;
};

struct standing_row {
    char *identity;
    int64_t first_round;
};

struct standing_rows {
    struct arena *arena;
    struct standing_row *items;
    size_t count, capacity;
};

static int load_standing(struct store *store, struct standing_rows *rows, struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_start(store, SQL_STANDING_CURRENT, NULL, 0, err);
    if (result == 0)
        result = store_step(store, SQL_STANDING_CURRENT, row, err);
    while (result == 1) {
        rows->items = alloc_grow(rows->items, rows->count, &rows->capacity, sizeof *rows->items);
        rows->items[rows->count++] = (struct standing_row){
            .identity = cell_to_text(&row[0], rows->arena), .first_round = row[1].integer};
        result = store_step(store, SQL_STANDING_CURRENT, row, err);
    }
    return result;
}

static int compare_found(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    int order = strcmp(x->verdict->identity, y->verdict->identity);
    /* one with a case goes before a member of the same name */
    return order != 0 ? order : (x->case_number == 0) - (y->case_number == 0);
}

static int end_standing(struct store *store, const struct standing_row *row, struct err *err)
{
    const struct cell cells[] = {cell_text(row->identity), cell_integer(row->first_round),
                                 cell_integer((int64_t)store->round - 1)};
    return store_run(store, SQL_STANDING_END, cells, 3, err);
}

static void put_mac(uint8_t *octets, uint64_t mac)
{
    for (int i = 0; i < 8; i++)
        octets[i] = (uint8_t)(mac >> (8 * i));
}

/* Adds what stands since `now` and the round `first_round` by `statement`. */
static int begin_standing(struct store *store, enum statement statement, int64_t first_round,
                          const struct found *found, struct wall now, struct err *err)
{
    const struct discrepancy *d = found->verdict;
    size_t count = 0;
    AUTO_FREE uint8_t *macs = alloc_array(d->mac_count + 1, 8);
    if (mac_known(d->subject.mac))
        put_mac(macs + 8 * count++, d->subject.mac.bits);
    for (size_t i = 0; i < d->mac_count; i++)
        if (mac_known(d->macs[i]) && !mac_equal(d->macs[i], d->subject.mac))
            put_mac(macs + 8 * count++, d->macs[i].bits);
    const struct cell cells[] = {
        cell_text(d->identity),
        cell_integer(first_round),
        cell_wall(now),
        (struct cell){.type = CELL_BLOB, .bytes = macs, .length = count * 8},
        cell_integer((int64_t)found->case_number),
        cell_integer(found->earlier)};
    return store_run(store, statement, cells, ARRAY_COUNT(cells), err);
}

static size_t unique_found(struct found *judged, size_t count)
{
    qsort(judged, count, sizeof *judged, compare_found);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (kept == 0 ||
            strcmp(judged[kept - 1].verdict->identity, judged[i].verdict->identity) != 0)
            judged[kept++] = judged[i];
    return kept;
}

/* Both lists in order of identity: what is only in `rows` has had a break. */
static int merge_standing(struct store *store, const struct standing_rows *rows,
                          const struct found *judged, size_t count, struct wall now,
                          struct err *err)
{
    size_t i = 0, j = 0;
    int failed = 0;
    while (failed == 0 && (i < rows->count || j < count)) {
        int order = 0;
        if (i == rows->count || j == count)
            order = i == rows->count ? 1 : -1;
        else
            order = strcmp(rows->items[i].identity, judged[j].verdict->identity);
        if (order < 0)
            failed = end_standing(store, &rows->items[i], err);
        else if (order > 0)
            failed = begin_standing(store, SQL_STANDING_ADD, (int64_t)store->round, &judged[j], now,
                                    err);
        i += order <= 0;
        j += order >= 0;
    }
    return failed;
}

static int put_standing(struct store *store, const struct case_change *changes, size_t count,
                        struct err *err)
{
    const struct pending *pending = store->pending;
    AUTO_FREE struct found *judged = alloc_array(count + pending->member_count + 1, sizeof *judged);
    size_t judged_count = 0;
    for (; judged_count < pending->member_count; judged_count++)
        judged[judged_count] = (struct found){.verdict = pending->members[judged_count]};
    struct wall now = store->round_started;
    for (size_t i = 0; i < count; i++) {
        if (!changes[i].judged)
            continue;
        const struct case_record *record = &changes[i].record;
        judged[judged_count++] = (struct found){.verdict = record->discrepancy,
                                                .case_number = record->number,
                                                .earlier = record->count - (record->count > 0)};
        now = record->last;
    }
    judged_count = unique_found(judged, judged_count);
    struct standing_rows rows = {.arena = arena_new()};
    int failed = load_standing(store, &rows, err);
    if (failed == 0)
        failed = merge_standing(store, &rows, judged, judged_count, now, err);
    free(rows.items);
    arena_free(rows.arena);
    return failed;
}

int store_round_members(struct store *store, const struct discrepancy *members, size_t count,
                        struct err *err)
{
    int failed = store_in_round(store, err);
    struct pending *pending = store->pending;
    for (size_t i = 0; failed == 0 && i < count; i++) {
        const struct discrepancy *member = &members[i];
        struct mac *macs =
            arena_alloc(pending->arena, (member->mac_count + 1) * sizeof(struct mac));
        if (member->mac_count > 0)
            memcpy(macs, member->macs, member->mac_count * sizeof *macs);
        struct discrepancy *kept = arena_alloc(pending->arena, sizeof *kept);
        *kept = (struct discrepancy){
            .identity = arena_text(pending->arena, member->identity, strlen(member->identity)),
            .subject = {.mac = member->subject.mac},
            .macs = macs,
            .mac_count = member->mac_count};
        pending->members = alloc_grow(pending->members, pending->member_count,
                                      &pending->member_capacity, sizeof *pending->members);
        pending->members[pending->member_count++] = kept;
    }
    return failed;
}

int store_round_cases(struct store *store, const struct case_change *changes, size_t count,
                      struct err *err)
{
    int failed = store_in_round(store, err);
    uint64_t used = 0;
    for (size_t i = 0; failed == 0 && i < count; i++) {
        failed = put_case(store, &changes[i], (int64_t)i, err);
        if (changes[i].record.number > used)
            used = changes[i].record.number;
    }
    if (failed == 0)
        failed = raise_next_number(store, used, err);
    if (failed == 0)
        failed = put_standing(store, changes, count, err);
    return store_round_result(store, failed, err);
}

/* --- between rounds --- */

static int last_round(struct store *store, int64_t *ret, struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_one(store, SQL_ROUND_LAST, NULL, 0, row, err);
    *ret = result == 1 ? row[0].integer : 0;
    store_stop(store, SQL_ROUND_LAST);
    return result < 0 ? result : 0;
}

/* What events find stands from then on for the next round's judge, and what they see gone
 * has had a break, as if a round had judged. */
static int follow_standing(struct store *store, const struct case_change *change, int64_t round,
                           struct err *err)
{
    const struct case_record *record = &change->record;
    const struct cell who[] = {cell_text(record->discrepancy->identity), cell_integer(round),
                               cell_wall(record->state_at)};
    if (!change->judged)
        return record->state == CASE_CLEARED ? store_run(store, SQL_STANDING_BREAK, who, 3, err)
                                             : 0;
    struct cell row[STORE_COLUMNS_MAX];
    int known = store_one(store, SQL_STANDING_OF, who, 1, row, err);
    store_stop(store, SQL_STANDING_OF);
    if (known != 0)
        return known < 0 ? known : 0;
    const struct found found = {.verdict = record->discrepancy,
                                .case_number = record->number,
                                .earlier = record->count - (record->count > 0)};
    return begin_standing(store, SQL_STANDING_OPEN, round, &found, record->last, err);
}

int store_case_changes(struct store *store, const struct case_change *changes, size_t count,
                       struct err *err)
{
    if (store->in_round)
        return err_set(err, ERR_DENIED, "%s: a round is being written", store->path);
    uint64_t used = 0;
    int64_t round = 0;
    int failed = store_begin(store, err);
    if (failed != 0)
        return failed;
    failed = last_round(store, &round, err);
    for (size_t i = 0; failed == 0 && i < count; i++) {
        failed = put_case(store, &changes[i], 0, err);
        if (failed == 0)
            failed = follow_standing(store, &changes[i], round, err);
        if (changes[i].record.number > used)
            used = changes[i].record.number;
    }
    if (failed == 0 && used > 0)
        failed = raise_next_number(store, used, err);
    return store_end(store, failed, err);
}

int store_case_change(struct store *store, const struct case_change *change, struct err *err)
{
    struct case_change unjudged = *change;
    unjudged.judged = false;
    if (store->in_round)
        return store_round_result(store, put_case(store, &unjudged, 0, err), err);
    int failed = store_begin(store, err);
    return failed != 0 ? failed : store_end(store, put_case(store, &unjudged, 0, err), err);
}
