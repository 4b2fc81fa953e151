/* SPDX-License-Identifier: Apache-2.0 */
#include "store/followed.h"

#include <stdlib.h>
#include <string.h>

#include "audit/presence.h"
#include "base/alloc.h"
#include "store/session_log.h"
#include "store/store_internal.h"

/* --- writing --- */

static int add_row(struct store *store, const struct followed *item, struct err *err)
{
    AUTO_TEXT struct text content = TEXT_EMPTY;
    if (item->kind == FOLLOWED_FLUSH)
        tabbed_add(&content, event_hint_word(item->hint));
    if (item->text != NULL && item->text[0] != '\0')
        tabbed_add(&content, item->text);
    size_t length = content.length < FOLLOWED_TEXT_MAX ? content.length : FOLLOWED_TEXT_MAX;
    const struct cell cells[] = {cell_integer(item->kind),
                                 mac_known(item->mac) ? cell_integer((int64_t)item->mac.bits)
                                                      : cell_null(),
                                 cell_text(item->switch_name),
                                 cell_wall(item->at),
                                 cell_wall(wall_known(item->until) ? item->until : item->at),
                                 cell_bytes(text_get(&content), length)};
    return store_run(store, SQL_FOLLOWED_ADD, cells, ARRAY_COUNT(cells), err);
}

/* Finds the open session that the item names; 1 with *ret, 0, or an error. */
static int find_session(struct store *store, const struct followed *item, uint64_t secret,
                        int64_t *ret, struct err *err)
{
    bool has_mac = mac_known(item->mac);
    enum statement statement = has_mac ? SQL_SESSION_LIVE_OF_MAC : SQL_SESSION_LIVE_OF_ADDRESS;
    enum presence_source source = presence_source_parse(item->type != NULL ? item->type : "");
    const char *nas = item->nas != NULL ? item->nas : "";
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell cells[] = {has_mac ? cell_integer((int64_t)item->mac.bits)
                                         : session_address_cell(&item->address),
                                 cell_wall(item->at)};
    int result = store_start(store, statement, cells, ARRAY_COUNT(cells), err);
    if (result == 0)
        result = store_step(store, statement, row, err);
    while (result == 1) {
        bool same =
            presence_source_parse(row[1].bytes) == source && strcmp(row[2].bytes, nas) == 0 &&
            (!has_mac ||
             presence_session_hash(secret, source, row[2].bytes, row[3].bytes) == item->session);
        *ret = row[0].integer;
        if (same)
            break;
        result = store_step(store, statement, row, err);
    }
    store_stop(store, statement);
    return result;
}

static int expire(struct store *store, int64_t number, struct wall at, struct err *err)
{
    const struct cell cells[] = {cell_integer(number), cell_wall(at)};
    return store_run(store, SQL_SESSION_EXPIRE, cells, ARRAY_COUNT(cells), err);
}

static int add_expiry(struct store *store, const struct followed *item, uint64_t secret,
                      struct err *err)
{
    int64_t number = 0;
    int found = find_session(store, item, secret, &number, err);
    return found == 1 ? expire(store, number, item->at, err) : found;
}

static int begin(struct store *store, struct err *err)
{
    if (store->in_round)
        return err_set(err, ERR_DENIED, "%s: what followed cannot be stored within a round",
                       store->path);
    return store_begin(store, err);
}

int store_add_followed(struct store *store, const struct followed *items, size_t count,
                       uint64_t secret, struct err *err)
{
    int failed = begin(store, err);
    if (failed != 0)
        return failed;
    for (size_t i = 0; failed == 0 && i < count; i++)
        failed = items[i].kind == FOLLOWED_EXPIRY ? add_expiry(store, &items[i], secret, err)
                                                  : add_row(store, &items[i], err);
    return store_end(store, failed, err);
}

int store_expire_sessions(struct store *store, const uint64_t *numbers, const struct wall *at,
                          size_t count, struct err *err)
{
    int failed = begin(store, err);
    if (failed != 0)
        return failed;
    for (size_t i = 0; failed == 0 && i < count; i++)
        failed = expire(store, (int64_t)numbers[i], at[i], err);
    return store_end(store, failed, err);
}

/* --- reading --- */

int store_load_windows(struct store *store, struct wall since, struct wall at, struct arena *arena,
                       struct migration_window **ret, size_t *ret_count, struct err *err)
{
    struct migration_window *list = NULL;
    size_t count = 0, capacity = 0;
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell cells[] = {cell_wall(since), cell_wall(at)};
    int result = store_start(store, SQL_FOLLOWED_WINDOWS, cells, ARRAY_COUNT(cells), err);
    if (result == 0)
        result = store_step(store, SQL_FOLLOWED_WINDOWS, row, err);
    while (result == 1) {
        if (row[0].type == CELL_INTEGER) {
            list = alloc_grow(list, count, &capacity, sizeof *list);
            list[count++] = (struct migration_window){
                {(uint64_t)row[0].integer}, {row[1].integer}, {row[2].integer}};
        }
        result = store_step(store, SQL_FOLLOWED_WINDOWS, row, err);
    }
    *ret = arena_alloc(arena, (count + 1) * sizeof *list);
    if (count > 0)
        memcpy(*ret, list, count * sizeof *list);
    *ret_count = count;
    free(list);
    return result;
}

/* Adds a flush: of each switch the last LIMIT_FLUSHES_A_SWITCH are kept, as by live_flush_put(). */
static void take_flush(struct switch_flush **list, size_t *count, size_t *capacity,
                       const struct switch_flush *flush)
{
    size_t same = 0, first = 0;
    for (size_t i = *count; i-- > 0;) {
        if (strcmp((*list)[i].switch_name, flush->switch_name) != 0)
            continue;
        if ((*list)[i].at.us == flush->at.us) { /* said twice */
            (*list)[i] = *flush;
            return;
        }
        first = i;
        same++;
    }
    if (same >= LIMIT_FLUSHES_A_SWITCH) {
        memmove(&(*list)[first], &(*list)[first + 1], (*count - first - 1) * sizeof **list);
        (*count)--;
    }
    if (*count >= LIMIT_LIVE_FLUSHES)
        return;
    *list = alloc_grow(*list, *count, capacity, sizeof **list);
    (*list)[(*count)++] = *flush;
}

int store_load_flushes(struct store *store, struct wall at, struct arena *arena,
                       struct switch_flush **ret, size_t *ret_count, struct err *err)
{
    struct switch_flush *list = NULL;
    size_t count = 0, capacity = 0;
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell cells[] = {cell_wall(at)};
    int result = store_start(store, SQL_FOLLOWED_FLUSHES, cells, ARRAY_COUNT(cells), err);
    if (result == 0)
        result = store_step(store, SQL_FOLLOWED_FLUSHES, row, err);
    while (result == 1) {
        char *values[2] = {NULL, NULL};
        (void)tabbed_split(cell_to_text(&row[2], arena), values, ARRAY_COUNT(values));
        struct switch_flush flush = {
            .switch_name = cell_to_text(&row[0], arena),
            .at = {row[1].integer},
            .hint = event_hint_parse(values[0] != NULL ? values[0] : ""),
            .source = values[1] != NULL ? values[1] : "",
        };
        if (flush.hint == EVENT_HINT_COUNT) {
            free(list);
            store_stop(store, SQL_FOLLOWED_FLUSHES);
            return store_damaged(store, err, "the flush of a switch");
        }
        take_flush(&list, &count, &capacity, &flush);
        result = store_step(store, SQL_FOLLOWED_FLUSHES, row, err);
    }
    *ret = arena_alloc(arena, (count + 1) * sizeof *list);
    if (count > 0)
        memcpy(*ret, list, count * sizeof *list);
    *ret_count = count;
    free(list);
    return result;
}

int store_list_followed(struct store *store, struct mac mac, struct wall at, size_t limit,
                        struct arena *arena, struct followed **ret, size_t *ret_count,
                        size_t *ret_more, struct err *err)
{
    struct followed *list = arena_alloc(arena, (limit + 1) * sizeof *list);
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell cells[] = {cell_integer((int64_t)mac.bits)};
    *ret = list;
    *ret_count = *ret_more = 0;
    int result = store_start(store, SQL_FOLLOWED_OF_MAC, cells, ARRAY_COUNT(cells), err);
    if (result == 0)
        result = store_step(store, SQL_FOLLOWED_OF_MAC, row, err);
    for (; result == 1; result = store_step(store, SQL_FOLLOWED_OF_MAC, row, err)) {
        if (wall_known(at) && row[2].integer > at.us)
            continue;
        if (*ret_count == limit) {
            (*ret_more)++;
            continue;
        }
        char *values[1] = {NULL};
        (void)tabbed_split(cell_to_text(&row[4], arena), values, 1);
        list[(*ret_count)++] = (struct followed){.kind = (enum followed_kind)row[0].integer,
                                                 .mac = mac,
                                                 .switch_name = cell_to_text(&row[1], arena),
                                                 .at = {row[2].integer},
                                                 .until = {row[3].integer},
                                                 .text = values[0] != NULL ? values[0] : ""};
    }
    return result;
}
