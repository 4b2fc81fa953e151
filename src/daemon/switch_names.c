/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/switch_names.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/names.h"
#include "snmp/address.h"

struct by_address {
    struct ip address;
    unsigned rank; /* the least counts: 0 configured, 1 recorded */
    const char *name;
};

struct by_call {
    const char *called, *name;
    unsigned rank; /* 0 configured name, 1 sysName, 2 its first part */
    bool doubtful; /* two switches are called so */
};

struct switch_names {
    struct names *pool;
    bool unsorted;
    struct by_address *addresses;
    struct by_call *calls;
    size_t address_count, address_capacity, call_count, call_capacity;
    size_t configured_addresses, configured_calls; /* the first ones: kept by learn */
    struct by_address *sorted_addresses;
    struct by_call *sorted_calls;
    size_t sorted_address_count, sorted_call_count;
};

struct switch_names *switch_names_new(void)
{
    struct switch_names *names = alloc_zeroed(1, sizeof *names);
    names->pool = names_new();
    return names;
}

void switch_names_reset(struct switch_names *names)
{
    names->address_count = names->call_count = 0;
    names->configured_addresses = names->configured_calls = 0;
    names->unsorted = true;
}

void switch_names_free(struct switch_names *names)
{
    if (names == NULL)
        return;
    names_free(names->pool);
    free(names->addresses);
    free(names->calls);
    free(names->sorted_addresses);
    free(names->sorted_calls);
    free(names);
}

static void add_address(struct switch_names *names, const struct ip *address, unsigned rank,
                        const char *name)
{
    names->addresses = alloc_grow(names->addresses, names->address_count, &names->address_capacity,
                                  sizeof *names->addresses);
    names->addresses[names->address_count++] = (struct by_address){*address, rank, name};
}

static void add_call(struct switch_names *names, const char *called, unsigned rank,
                     const char *name)
{
    if (called == NULL || *called == '\0')
        return;
    names->calls =
        alloc_grow(names->calls, names->call_count, &names->call_capacity, sizeof *names->calls);
    names->calls[names->call_count++] = (struct by_call){called, name, rank, false};
}

/* The pool's copy of `text`, NULL where it is too long for a name. */
static const char *intern(struct switch_names *names, const char *text)
{
    size_t length = strlen(text);
    return length > LIMIT_NAME_BYTES ? NULL
                                     : names_get(names->pool, names_add(names->pool, text, length));
}

static bool parse_address(const char *text, struct ip *ret)
{
    char host[256];
    uint16_t port;
    if (text == NULL || snmp_address_split(text, 161, host, sizeof host, &port, NULL) != 0)
        return false;
    return ip_parse(host, strlen(host), ret) == 0;
}

/* --- sorting --- */

static int compare_addresses(const void *a, const void *b)
{
    const struct by_address *x = a, *y = b;
    int order = ip_compare(&x->address, &y->address);
    return order != 0 ? order : (int)x->rank - (int)y->rank;
}

static int compare_calls(const void *a, const void *b)
{
    const struct by_call *x = a, *y = b;
    int order = strcasecmp(x->called, y->called);
    return order != 0 ? order : (int)x->rank - (int)y->rank;
}

static void sort_addresses(struct switch_names *names)
{
    size_t kept = 0, count = names->address_count;
    struct by_address *sorted = alloc_resize(names->sorted_addresses, count + 1, sizeof *sorted);
    if (count > 0)
        memcpy(sorted, names->addresses, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_addresses);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || !ip_equal(&sorted[kept - 1].address, &sorted[i].address))
            sorted[kept++] = sorted[i];
    }
    names->sorted_addresses = sorted;
    names->sorted_address_count = kept;
}

/* Of one call the best rank stays; two switches of that rank make it doubtful. */
static void sort_calls(struct switch_names *names)
{
    size_t kept = 0, count = names->call_count;
    struct by_call *sorted = alloc_resize(names->sorted_calls, count + 1, sizeof *sorted);
    if (count > 0)
        memcpy(sorted, names->calls, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_calls);
    for (size_t i = 0; i < count; i++) {
        struct by_call *before = kept > 0 ? &sorted[kept - 1] : NULL;
        if (before == NULL || strcasecmp(before->called, sorted[i].called) != 0)
            sorted[kept++] = sorted[i];
        else if (before->rank == sorted[i].rank && strcmp(before->name, sorted[i].name) != 0)
            before->doubtful = true;
    }
    names->sorted_calls = sorted;
    names->sorted_call_count = kept;
}

static void sort(struct switch_names *names)
{
    if (!names->unsorted)
        return;
    sort_addresses(names);
    sort_calls(names);
    names->unsorted = false;
}

/* --- filling --- */

void switch_names_configure(struct switch_names *names, const char *name, const char *address)
{
    const char *kept = intern(names, name);
    struct ip parsed;
    CHECK(kept != NULL);
    names->address_count = names->configured_addresses;
    names->call_count = names->configured_calls;
    if (parse_address(address, &parsed))
        add_address(names, &parsed, 0, kept);
    add_call(names, kept, 0, kept);
    names->configured_addresses = names->address_count;
    names->configured_calls = names->call_count;
    names->unsorted = true;
}

static void learn_record(struct switch_names *names, const struct record_set *set)
{
    for (size_t i = 0; i < set->switch_count; i++) {
        const struct record_switch *row = &set->switches[i];
        struct ip address;
        const char *name = intern(names, names_get(set->names, row->name));
        if (name == NULL || *name == '\0')
            continue;
        add_call(names, name, 0, name);
        if (row->address != NAME_NONE &&
            parse_address(names_get(set->names, row->address), &address))
            add_address(names, &address, 1, name);
    }
}

static void learn_table(struct switch_names *names, const struct forward_table *table)
{
    if (table->sys_name == NULL || *table->sys_name == '\0')
        return;
    const char *name = intern(names, table->switch_name);
    const char *called = intern(names, table->sys_name);
    const char *dot = called != NULL ? strchr(called, '.') : NULL;
    if (called == NULL)
        return;
    add_call(names, name, 0, name);
    add_call(names, called, 1, name);
    if (dot != NULL && dot != called) {
        AUTO_FREE char *first = alloc_text(called);
        first[dot - called] = '\0';
        add_call(names, intern(names, first), 2, name);
    }
}

void switch_names_learn(struct switch_names *names, const struct record_set *const *records,
                        size_t record_count, const struct forward_table *const *tables,
                        size_t table_count)
{
    names->address_count = names->configured_addresses;
    names->call_count = names->configured_calls;
    for (size_t i = 0; i < record_count; i++)
        learn_record(names, records[i]);
    for (size_t i = 0; i < table_count; i++)
        learn_table(names, tables[i]);
    names->unsorted = true;
}

/* --- looking up --- */

static int find_address(const void *key, const void *element)
{
    return ip_compare(key, &((const struct by_address *)element)->address);
}

static int find_call(const void *key, const void *element)
{
    return strcasecmp(key, ((const struct by_call *)element)->called);
}

const char *switch_names_find(struct switch_names *names, const struct ip *address,
                              const char *called)
{
    sort(names);
    if (address != NULL && names->sorted_address_count > 0) {
        const struct by_address *found =
            bsearch(address, names->sorted_addresses, names->sorted_address_count, sizeof *found,
                    find_address);
        if (found != NULL)
            return found->name;
    }
    if (called == NULL || names->sorted_call_count == 0)
        return NULL;
    const struct by_call *found =
        bsearch(called, names->sorted_calls, names->sorted_call_count, sizeof *found, find_call);
    return found != NULL && !found->doubtful ? found->name : NULL;
}
