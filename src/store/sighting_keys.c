/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "store/sighting.h"

enum { UNKNOWN_NAME = -1 }; /* as uint32_t larger than any number of the dictionary */

int sighting_compare(const void *a, const void *b)
{
    const struct sighting_key *x = a, *y = b;
    if (x->mac != y->mac)
        return x->mac < y->mac ? -1 : 1;
    if (x->port != y->port)
        return x->port < y->port ? -1 : 1;
    if (x->vlan != y->vlan)
        return x->vlan < y->vlan ? -1 : 1;
    return (x->status > y->status) - (x->status < y->status);
}

/* --- of a table --- */

struct numbering {
    struct store *store;
    const struct forward_table *table;
    bool add_names;
    uint32_t *ports, *vlans; /* by port index, by VLAN set; 0: not asked for yet */
};

static int number_of(const struct numbering *numbering, const char *text, uint32_t *ret,
                     struct err *err)
{
    if (numbering->add_names)
        return store_name_number(numbering->store, text, ret, err);
    int found = store_name_find(numbering->store, text, ret, err);
    if (found == 0)
        *ret = (uint32_t)UNKNOWN_NAME;
    return found < 0 ? found : 0;
}

static int number_ports(struct numbering *numbering, struct err *err)
{
    const struct forward_table *table = numbering->table;
    int failed = 0;
    for (size_t i = 0; failed == 0 && i < table->port_count; i++)
        failed = number_of(numbering, names_get(table->names, table->ports[i].name),
                           &numbering->ports[i], err);
    return failed;
}

static int number_vlan(struct numbering *numbering, vlan_set vlan, uint32_t *ret, struct err *err)
{
    uint32_t *number = &numbering->vlans[vlan];
    if (vlan != VLAN_SET_UNKNOWN && *number == 0) {
        AUTO_TEXT struct text text = TEXT_EMPTY;
        vlan_set_print(numbering->table->vlans, vlan, &text);
        int failed = number_of(numbering, text_get(&text), number, err);
        if (failed != 0)
            return failed;
    }
    *ret = *number;
    return 0;
}

static void add_digest(struct sighting_keys *keys, const struct store *store,
                       const struct sighting_key *key)
{
    const uint64_t words[] = {key->mac, (uint64_t)key->port << 32 | key->vlan, key->status};
    keys->digest_a += hash_bytes(words, sizeof words, store->secret_a);
    keys->digest_b += hash_bytes(words, sizeof words, store->secret_b);
}

static int make_keys(struct numbering *numbering, struct sighting_keys *keys, struct err *err)
{
    const struct forward_table *table = numbering->table;
    int failed = number_ports(numbering, err);
    for (size_t i = 0; failed == 0 && i < table->row_count; i++) {
        const struct forward_row *row = &table->rows[i];
        struct sighting_key *key = &keys->items[i];
        failed = number_vlan(numbering, row->vlan, &key->vlan, err);
        key->mac = forward_row_mac(row).bits;
        key->port = row->port < table->port_count ? numbering->ports[row->port] : 0;
        key->status = forward_row_status(row);
        key->age = row->age;
        keys->has_ages |= row->age != FORWARD_AGE_UNKNOWN;
        add_digest(keys, numbering->store, key);
    }
    keys->count = table->row_count;
    return failed;
}

int sighting_keys_make(struct store *store, const struct forward_table *table, bool add_names,
                       struct sighting_keys *ret, struct err *err)
{
    *ret = (struct sighting_keys){
        .items = alloc_array(table->row_count + 1, sizeof(struct sighting_key))};
    AUTO_FREE uint32_t *ports = alloc_array(table->port_count + 1, sizeof *ports);
    AUTO_FREE uint32_t *vlans = alloc_zeroed((size_t)UINT16_MAX + 1, sizeof *vlans);
    struct numbering numbering = {store, table, add_names, ports, vlans};
    return make_keys(&numbering, ret, err);
}

void sighting_keys_sort(struct sighting_keys *keys)
{
    struct sighting_key *items = keys->items;
    bool in_order = true;
    for (size_t i = 1; in_order && i < keys->count; i++)
        in_order = sighting_compare(&items[i - 1], &items[i]) < 0;
    if (in_order)
        return;
    qsort(items, keys->count, sizeof *items, sighting_compare);
    size_t kept = 0;
    for (size_t i = 0; i < keys->count; i++)
        if (kept == 0 || sighting_compare(&items[kept - 1], &items[i]) != 0)
            items[kept++] = items[i];
    keys->count = kept;
}

void sighting_keys_done(struct sighting_keys *keys)
{
    free(keys->items);
    *keys = (struct sighting_keys){0};
}

/* --- of the store --- */

static int gather(struct store *store, enum statement statement, int64_t source_id, int64_t seq,
                  struct sighting_keys *keys, struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell key[] = {cell_integer(source_id), cell_integer(seq)};
    int result = store_start(store, statement, key, 2, err);
    if (result == 0)
        result = store_step(store, statement, row, err);
    while (result == 1) {
        keys->items = alloc_grow(keys->items, keys->count, &keys->capacity, sizeof *keys->items);
        keys->items[keys->count++] = (struct sighting_key){.mac = (uint64_t)row[0].integer,
                                                           .port = (uint32_t)row[1].integer,
                                                           .vlan = (uint32_t)row[2].integer,
                                                           .status = (uint32_t)row[3].integer,
                                                           .age = FORWARD_AGE_UNKNOWN};
        result = store_step(store, statement, row, err);
    }
    return result;
}

int sighting_keys_load(struct store *store, int64_t source_id, int64_t seq,
                       struct sighting_keys *ret, struct err *err)
{
    *ret = (struct sighting_keys){0};
    int failed = gather(store, SQL_SEEN_AT, source_id, seq, ret, err);
    if (failed == 0)
        failed = gather(store, SQL_PAST_AT, source_id, seq, ret, err);
    if (failed == 0)
        sighting_keys_sort(ret);
    return failed;
}
