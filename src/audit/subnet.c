/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/subnet.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/names.h"

/* A prefix that is recorded at all, however many guests have it. */
struct distinct_prefix {
    struct ip_prefix prefix;
    uint32_t first, count; /* in subnet_index.prefixes */
    uint32_t around;       /* the next shorter one around it, SUBNET_NONE */
};

/* A row about a guest, before rows are grouped. */
struct guest_row {
    uint32_t guest;
    struct record_ref ref;
};

struct subnet_index {
    const struct record_set **sets;
    size_t set_count;
    struct names *names;            /* a guest's number is that of its name */
    struct subnet_prefix *prefixes; /* by prefix, then guest: for the longest match */
    struct distinct_prefix *distinct;
    struct subnet_prefix *by_guest; /* the same by guest, then prefix */
    struct subnet_address *addresses;
    struct guest_row *rows;
    struct record_ref *refs;            /* of `rows`, in their order */
    uint32_t *first_row, *first_prefix; /* guest -> where its own begin; one more at the end */
    size_t prefix_count, distinct_count, address_count, row_count;
    size_t prefix_capacity, address_capacity, row_capacity;
    size_t bad_count;
    struct record_ref bad[SUBNET_BAD_KEPT];
    bool has_records;
};

/* --- reading cells --- */

static void add_bad(struct subnet_index *index, struct record_ref ref)
{
    if (index->bad_count < SUBNET_BAD_KEPT)
        index->bad[index->bad_count] = ref;
    index->bad_count++;
}

static void add_prefix(struct subnet_index *index, uint32_t guest, struct record_ref ref,
                       struct ip_prefix prefix, bool assumed)
{
    index->prefixes = alloc_grow(index->prefixes, index->prefix_count, &index->prefix_capacity,
                                 sizeof *index->prefixes);
    index->prefixes[index->prefix_count++] = (struct subnet_prefix){prefix, assumed, guest, ref};
}

static void add_address(struct subnet_index *index, uint32_t guest, struct record_ref ref,
                        struct ip address)
{
    index->addresses = alloc_grow(index->addresses, index->address_count, &index->address_capacity,
                                  sizeof *index->addresses);
    index->addresses[index->address_count++] = (struct subnet_address){address, guest, ref};
}

static void add_row(struct subnet_index *index, uint32_t guest, struct record_ref ref)
{
    if (guest == SUBNET_NONE)
        return;
    index->rows =
        alloc_grow(index->rows, index->row_count, &index->row_capacity, sizeof *index->rows);
    index->rows[index->row_count++] = (struct guest_row){guest, ref};
}

static void read_subnet(struct subnet_index *index, uint32_t guest, struct record_ref ref,
                        const char *text, size_t length)
{
    struct ip_prefix prefix;
    if (ip_prefix_parse(text, length, &prefix) != 0) {
        add_bad(index, ref);
        return;
    }
    if (index->prefix_count == LIMIT_RECORD_ROWS) {
        add_bad(index, ref);
        return;
    }
    bool assumed = memchr(text, '/', length) == NULL && !ip_is_v4(&prefix.address);
    if (assumed)
        prefix = ip_prefix_of(&prefix.address, SUBNET_ASSUMED_BITS);
    add_prefix(index, guest, ref, prefix, assumed);
}

static void read_address(struct subnet_index *index, uint32_t guest, struct record_ref ref,
                         const char *text, size_t length)
{
    const char *slash = memchr(text, '/', length);
    struct ip address;
    if (ip_parse(text, slash != NULL ? (size_t)(slash - text) : length, &address) != 0 ||
        !ip_known(&address) || index->address_count == LIMIT_RECORD_ROWS) {
        add_bad(index, ref);
        return;
    }
    add_address(index, guest, ref, address);
    if (slash != NULL)
        read_subnet(index, guest, ref, text, length);
}

/* Reads each value of a cell. */
static void read_cell(struct subnet_index *index, uint32_t guest, struct record_ref ref,
                      const char *text, bool is_subnet)
{
    static const char separators[] = "|,; \t\r\n";
    unsigned values = 0;
    for (text += strspn(text, separators); *text != '\0'; text += strspn(text, separators)) {
        size_t length = strcspn(text, separators);
        if (++values > SUBNET_CELL_VALUES) {
            add_bad(index, ref);
            return;
        }
        if (is_subnet)
            read_subnet(index, guest, ref, text, length);
        else
            read_address(index, guest, ref, text, length);
        text += length;
    }
}

/* --- reading tables --- */

/* Returns the number of the guest called number `name` of the set. */
static uint32_t guest_named(struct subnet_index *index, const struct record_set *set, uint32_t name)
{
    const char *text = names_get(set->names, name);
    return text[0] != '\0' ? names_add(index->names, text, strlen(text)) : SUBNET_NONE;
}

static void read_plan(struct subnet_index *index, struct record_ref ref, uint32_t guest_name,
                      uint32_t address, uint32_t subnet)
{
    const struct record_set *set = index->sets[ref.set];
    uint32_t guest = guest_named(index, set, guest_name);
    add_row(index, guest, ref);
    read_cell(index, guest, ref, names_get(set->names, address), false);
    read_cell(index, guest, ref, names_get(set->names, subnet), true);
}

static void read_plans(struct subnet_index *index, uint16_t number)
{
    const struct record_set *set = index->sets[number];
    struct record_ref ref = {.set = number, .table = RECORD_CMDB};
    for (; ref.row < set->item_count; ref.row++) {
        const struct record_item *item = &set->items[ref.row];
        read_plan(index, ref, item->guest, item->address, item->subnet);
    }
    ref = (struct record_ref){.set = number, .table = RECORD_DCM};
    for (; ref.row < set->allocation_count; ref.row++) {
        const struct record_allocation *row = &set->allocations[ref.row];
        read_plan(index, ref, row->guest, row->address, row->subnet);
    }
    ref = (struct record_ref){.set = number, .table = RECORD_SWITCHES};
    for (; ref.row < set->switch_count; ref.row++)
        read_cell(index, SUBNET_NONE, ref, names_get(set->names, set->switches[ref.row].address),
                  false);
    index->has_records |= set->present[RECORD_CMDB] || set->present[RECORD_DCM];
}

/* The addresses of the published inventory. */
static void read_guest_addresses(struct subnet_index *index, uint16_t number)
{
    const struct record_set *set = index->sets[number];
    struct record_ref ref = {.set = number, .table = RECORD_GUESTS};
    for (; set->detail_count > 0 && ref.row < set->guest_count; ref.row++) {
        const char *text = names_get(set->names, record_guest_details(set, ref.row).ip);
        if (text[0] != '\0')
            read_cell(index, guest_named(index, set, set->guests[ref.row].name), ref, text, false);
    }
}

/* The rows of the published inventory whose guests the other tables brought in: the few
 * names are marked, then the many guests are passed over once. */
static void read_guest_rows(struct subnet_index *index, uint16_t number)
{
    const struct record_set *set = index->sets[number];
    uint32_t names = names_count(set->names), known = 0;
    AUTO_FREE uint32_t *guest_of = alloc_array(names > 0 ? names : 1, sizeof *guest_of);
    memset(guest_of, 0xff, names * sizeof *guest_of);
    for (uint32_t guest = 0; guest < names_count(index->names); guest++) {
        const char *text = names_get(index->names, guest);
        uint32_t name = names_find(set->names, text, strlen(text));
        if (name == NAME_NONE)
            continue;
        guest_of[name] = guest;
        known++;
    }
    struct record_ref ref = {.set = number, .table = RECORD_GUESTS};
    for (; known > 0 && ref.row < set->guest_count; ref.row++)
        if (set->guests[ref.row].name != NAME_NONE)
            add_row(index, guest_of[set->guests[ref.row].name], ref);
}

/* --- sorting --- */

static int compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_refs(struct record_ref a, struct record_ref b)
{
    int order = compare_numbers(a.set, b.set);
    if (order == 0)
        order = compare_numbers(a.table, b.table);
    return order != 0 ? order : compare_numbers(a.row, b.row);
}

static int compare_prefixes(const struct ip_prefix *a, const struct ip_prefix *b)
{
    int order = ip_compare(&a->address, &b->address);
    return order != 0 ? order : compare_numbers(a->bits, b->bits);
}

static int by_prefix(const void *left, const void *right)
{
    const struct subnet_prefix *a = left, *b = right;
    int order = compare_prefixes(&a->prefix, &b->prefix);
    if (order == 0)
        order = compare_numbers(a->guest, b->guest);
    if (order == 0) /* a length that was written counts before a guess */
        order = compare_numbers(a->assumed, b->assumed);
    return order != 0 ? order : compare_refs(a->ref, b->ref);
}

static int by_guest(const void *left, const void *right)
{
    const struct subnet_prefix *a = left, *b = right;
    int order = compare_numbers(a->guest, b->guest);
    return order != 0 ? order : by_prefix(left, right);
}

static int by_address(const void *left, const void *right)
{
    const struct subnet_address *a = left, *b = right;
    int order = ip_compare(&a->address, &b->address);
    return order != 0 ? order : compare_refs(a->ref, b->ref);
}

static int by_guest_row(const void *left, const void *right)
{
    const struct guest_row *a = left, *b = right;
    int order = compare_numbers(a->guest, b->guest);
    return order != 0 ? order : compare_refs(a->ref, b->ref);
}

static bool same_prefix(const struct subnet_prefix *a, const struct subnet_prefix *b)
{
    return compare_prefixes(&a->prefix, &b->prefix) == 0;
}

/* The distinct prefixes, each with the shorter one that it lies in: that has come before it and
 * is found by going outwards from the one just before. */
static void nest_prefixes(struct subnet_index *index)
{
    const struct subnet_prefix *items = index->prefixes;
    index->distinct = alloc_array(index->prefix_count, sizeof *index->distinct);
    struct distinct_prefix *last = NULL;
    for (uint32_t i = 0; i < index->prefix_count; i++) {
        if (last != NULL && same_prefix(&items[i], &items[last->first])) {
            last->count++;
            continue;
        }
        uint32_t around = last != NULL ? (uint32_t)(last - index->distinct) : SUBNET_NONE;
        while (around != SUBNET_NONE &&
               !ip_prefix_match(&index->distinct[around].prefix, &items[i].prefix.address))
            around = index->distinct[around].around;
        last = &index->distinct[index->distinct_count++];
        *last = (struct distinct_prefix){items[i].prefix, i, 1, around};
    }
}

/* Leaves one entry for each guest and prefix. */
static void sort_prefixes(struct subnet_index *index)
{
    struct subnet_prefix *items = index->prefixes;
    if (index->prefix_count == 0)
        return;
    qsort(items, index->prefix_count, sizeof *items, by_prefix);
    size_t kept = 1;
    for (size_t i = 1; i < index->prefix_count; i++)
        if (!same_prefix(&items[i], &items[kept - 1]) || items[i].guest != items[kept - 1].guest)
            items[kept++] = items[i];
    index->prefix_count = kept;
    nest_prefixes(index);
    index->by_guest = alloc_array(kept, sizeof *items);
    memcpy(index->by_guest, items, kept * sizeof *items);
    qsort(index->by_guest, kept, sizeof *items, by_guest);
}

static void group_by_guest(struct subnet_index *index)
{
    uint32_t guests = names_count(index->names);
    if (index->address_count > 0)
        qsort(index->addresses, index->address_count, sizeof *index->addresses, by_address);
    if (index->row_count > 0)
        qsort(index->rows, index->row_count, sizeof *index->rows, by_guest_row);
    index->refs = alloc_array(index->row_count + 1, sizeof *index->refs);
    index->first_row = alloc_array((size_t)guests + 1, sizeof *index->first_row);
    index->first_prefix = alloc_array((size_t)guests + 1, sizeof *index->first_prefix);
    uint32_t row = 0, prefix = 0;
    for (uint32_t guest = 0; guest <= guests; guest++) {
        for (; row < index->row_count && index->rows[row].guest < guest; row++)
            index->refs[row] = index->rows[row].ref;
        while (prefix < index->prefix_count && index->by_guest[prefix].guest < guest)
            prefix++;
        index->first_row[guest] = row;
        index->first_prefix[guest] = prefix;
    }
    free(index->rows); /* `refs` has what is asked for */
    index->rows = NULL;
}

/* Gives back what growing took beyond the need. */
static void trim(struct subnet_index *index)
{
    index->prefix_capacity = index->prefix_count + 1;
    index->address_capacity = index->address_count + 1;
    index->prefixes =
        alloc_resize(index->prefixes, index->prefix_capacity, sizeof *index->prefixes);
    index->addresses =
        alloc_resize(index->addresses, index->address_capacity, sizeof *index->addresses);
    index->distinct =
        alloc_resize(index->distinct, index->distinct_count + 1, sizeof *index->distinct);
}

struct subnet_index *subnet_index_new(const struct record_set *const *sets, size_t count)
{
    CHECK(count <= UINT16_MAX);
    struct subnet_index *index = alloc_zeroed(1, sizeof *index);
    index->sets = alloc_array(count + 1, sizeof *index->sets);
    if (count > 0)
        memcpy(index->sets, sets, count * sizeof *index->sets);
    index->set_count = count;
    index->names = names_new();
    for (uint16_t i = 0; i < count; i++)
        read_plans(index, i);
    for (uint16_t i = 0; i < count; i++)
        read_guest_addresses(index, i);
    for (uint16_t i = 0; i < count; i++)
        read_guest_rows(index, i);
    index->has_records |= index->address_count > 0;
    sort_prefixes(index);
    group_by_guest(index);
    trim(index);
    return index;
}

void subnet_index_free(struct subnet_index *index)
{
    if (index == NULL)
        return;
    free(index->sets);
    names_free(index->names);
    free(index->prefixes);
    free(index->distinct);
    free(index->by_guest);
    free(index->addresses);
    free(index->refs);
    free(index->first_row);
    free(index->first_prefix);
    free(index);
}

/* --- asking --- */

/* Whether `ip` lies in `prefix`; ::/0 and the like are about IPv6 only. */
static bool lies_in(const struct ip *ip, const struct ip_prefix *prefix)
{
    return ip_prefix_match(prefix, ip) && (prefix->bits >= IP_V4_BITS || !ip_is_v4(ip));
}

const struct subnet_prefix *subnet_find(const struct subnet_index *index, const struct ip *ip,
                                        size_t *ret_count)
{
    size_t low = 0, high = index->distinct_count; /* first prefix whose address is after `ip` */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ip_compare(&index->distinct[middle].prefix.address, ip) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    uint32_t at = low > 0 ? (uint32_t)(low - 1) : SUBNET_NONE;
    while (at != SUBNET_NONE && !lies_in(ip, &index->distinct[at].prefix))
        at = index->distinct[at].around;
    if (ret_count != NULL)
        *ret_count = at != SUBNET_NONE ? index->distinct[at].count : 0;
    return at != SUBNET_NONE ? &index->prefixes[index->distinct[at].first] : NULL;
}

struct ip_prefix subnet_of(const struct subnet_index *index, const struct ip *ip, bool *ret_assumed)
{
    const struct subnet_prefix *found = subnet_find(index, ip, NULL);
    if (found != NULL) {
        *ret_assumed = found->assumed;
        return found->prefix;
    }
    *ret_assumed = !ip_is_v4(ip);
    return ip_prefix_of(ip, *ret_assumed ? SUBNET_ASSUMED_BITS : IP_BITS);
}

/* Returns how many addresses lie before `prefix`, or, with `past`, before its end. */
static size_t addresses_before(const struct subnet_index *index, const struct ip_prefix *prefix,
                               bool past)
{
    size_t low = 0, high = index->address_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct ip_prefix here = ip_prefix_of(&index->addresses[middle].address, prefix->bits);
        int order = ip_compare(&here.address, &prefix->address);
        if (order < 0 || (order == 0 && past))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct subnet_address *subnet_addresses(const struct subnet_index *index,
                                              const struct ip_prefix *prefix, size_t *ret_count)
{
    size_t first = addresses_before(index, prefix, false);
    *ret_count = addresses_before(index, prefix, true) - first;
    return *ret_count > 0 ? &index->addresses[first] : NULL;
}

uint32_t subnet_guest_find(const struct subnet_index *index, const char *name)
{
    size_t length = name != NULL ? strlen(name) : 0;
    return length > 0 ? names_find(index->names, name, length) : SUBNET_NONE;
}

struct subnet_guest subnet_guest(const struct subnet_index *index, uint32_t number)
{
    CHECK(number < names_count(index->names));
    uint32_t row = index->first_row[number], prefix = index->first_prefix[number];
    return (struct subnet_guest){.name = names_get(index->names, number),
                                 .rows = index->refs + row,
                                 .row_count = index->first_row[number + 1] - row,
                                 .prefixes =
                                     index->by_guest != NULL ? index->by_guest + prefix : NULL,
                                 .prefix_count = index->first_prefix[number + 1] - prefix};
}

uint32_t subnet_guest_count(const struct subnet_index *index)
{
    return names_count(index->names);
}

const struct record_set *subnet_set(const struct subnet_index *index, struct record_ref ref)
{
    CHECK(ref.set < index->set_count);
    return index->sets[ref.set];
}

bool subnet_has_records(const struct subnet_index *index)
{
    return index->has_records;
}

size_t subnet_bad(const struct subnet_index *index, const struct record_ref **ret_first)
{
    if (ret_first != NULL)
        *ret_first = index->bad;
    return index->bad_count;
}

size_t subnet_index_size(const struct subnet_index *index)
{
    return sizeof *index + index->set_count * sizeof *index->sets + names_size(index->names) +
           index->prefix_capacity * sizeof *index->prefixes +
           index->prefix_count * sizeof *index->by_guest +
           (index->distinct_count + 1) * sizeof *index->distinct +
           index->address_capacity * sizeof *index->addresses +
           (index->row_count + 1) * sizeof *index->refs +
           ((size_t)names_count(index->names) + 1) * 2 * sizeof *index->first_row;
}
