/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "store/store_internal.h"

/* The store's numbers for texts (names of ports, VLAN sets, contexts), with a
 * memory of those already asked for. Texts longer than a name may be are asked
 * for each time; only receipts have such. */

static void remember(struct dictionary *dictionary, const char *text, size_t length, uint32_t id)
{
    if (length > LIMIT_NAME_BYTES)
        return;
    uint32_t number = names_add(dictionary->texts, text, length);
    if (number >= dictionary->capacity) {
        size_t grown = dictionary->capacity == 0 ? 256 : dictionary->capacity * 2;
        while (grown <= number)
            grown *= 2;
        dictionary->ids = alloc_resize(dictionary->ids, grown, sizeof *dictionary->ids);
        dictionary->capacity = grown;
    }
    dictionary->ids[number] = id;
    map_put(&dictionary->by_id, id, number);
}

static int take_number(struct store *store, const struct cell *cell, uint32_t *ret, struct err *err)
{
    if (cell->integer < 1 || cell->integer >= UINT32_MAX)
        return store_damaged(store, err, "a name has number %lld", (long long)cell->integer);
    *ret = (uint32_t)cell->integer;
    return 0;
}

int store_name_find(struct store *store, const char *text, uint32_t *ret, struct err *err)
{
    size_t length = strlen(text);
    uint32_t known = NAME_NONE;
    if (length <= LIMIT_NAME_BYTES)
        known = names_find(store->dictionary.texts, text, length);
    if (known != NAME_NONE) {
        *ret = store->dictionary.ids[known];
        return 1;
    }
    const struct cell key[] = {cell_bytes(text, length)};
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_one(store, SQL_NAME_FIND, key, 1, row, err);
    if (result == 1)
        result = take_number(store, &row[0], ret, err) == 0 ? 1 : ERR_CORRUPT;
    store_stop(store, SQL_NAME_FIND);
    if (result == 1)
        remember(&store->dictionary, text, length, *ret);
    return result;
}

int store_name_number(struct store *store, const char *text, uint32_t *ret, struct err *err)
{
    int result = store_name_find(store, text, ret, err);
    if (result != 0)
        return result < 0 ? result : 0;
    size_t length = strlen(text);
    struct cell row[STORE_COLUMNS_MAX];
    result = store_one(store, SQL_NAME_ADD, (struct cell[]){cell_bytes(text, length)}, 1, row, err);
    if (result == 1)
        result = take_number(store, &row[0], ret, err) == 0 ? 1 : ERR_CORRUPT;
    store_stop(store, SQL_NAME_ADD);
    if (result != 1)
        return result == 0 ? store_damaged(store, err, "a name cannot be added") : result;
    remember(&store->dictionary, text, length, *ret);
    return 0;
}

int store_name_text(struct store *store, int64_t id, const char **ret, struct err *err)
{
    if (id == 0) {
        *ret = "";
        return 0;
    }
    if (id < 0 || id >= UINT32_MAX)
        return store_damaged(store, err, "a row names text %lld", (long long)id);
    uint32_t number = map_find(&store->dictionary.by_id, (uint64_t)id);
    if (number == MAP_NO_VALUE) {
        struct cell row[STORE_COLUMNS_MAX];
        int result = store_one(store, SQL_NAME_GET, (struct cell[]){cell_integer(id)}, 1, row, err);
        if (result == 1 && row[0].length <= LIMIT_NAME_BYTES) {
            remember(&store->dictionary, row[0].bytes, row[0].length, (uint32_t)id);
            number = map_find(&store->dictionary.by_id, (uint64_t)id);
        }
        store_stop(store, SQL_NAME_GET);
        if (result < 0)
            return result;
        if (number == MAP_NO_VALUE)
            return store_damaged(store, err, "a row names text %lld, which is not there",
                                 (long long)id);
    }
    *ret = names_get(store->dictionary.texts, number);
    return 0;
}

void store_names_forget(struct store *store)
{
    names_free(store->dictionary.texts);
    store->dictionary.texts = names_new();
    map_done(&store->dictionary.by_id);
}
