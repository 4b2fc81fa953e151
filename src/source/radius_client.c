/* SPDX-License-Identifier: Apache-2.0 */
#include "source/radius_client.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "io/file.h"
#include "wire/csv.h"

enum column {
    COLUMN_ADDRESS,
    COLUMN_SECRET_FILE,
    COLUMN_SWITCH,
    COLUMN_PORTS,
    COLUMN_DEMAND,
    COLUMN_NAME,
    COLUMN_COUNT
};

static const char *const column_names[COLUMN_COUNT] = {
    "address", "secret_file", "switch", "ports", "require_message_authenticator", "name"};

static void client_done(struct radius_client *client)
{
    file_secret_free(client->secret);
    radius_port_rule_free(client->rule);
    free(client->switch_name);
    free(client->name);
}

void radius_clients_done(struct radius_clients *clients)
{
    for (size_t i = 0; i < clients->count; i++)
        client_done(&clients->items[i]);
    free(clients->items);
    *clients = (struct radius_clients){0};
}

int radius_clients_add(struct radius_clients *clients, const struct radius_client_spec *spec,
                       struct err *err)
{
    char buffer[IP_PREFIX_TEXT_SIZE];
    size_t length = strlen(spec->secret);
    if (clients->count == LIMIT_RADIUS_CLIENTS)
        return err_set(err, ERR_LIMIT, "more than %d RADIUS clients", LIMIT_RADIUS_CLIENTS);
    if (length == 0 || length > LIMIT_RADIUS_SECRET)
        return err_set(err, ERR_RANGE, "the secret of %s has %zu octets; expected 1 to %d",
                       ip_prefix_format(&spec->prefix, buffer), length, LIMIT_RADIUS_SECRET);
    struct radius_port_rule *rule = radius_port_rule_new(spec->ports, err);
    if (rule == NULL)
        return err->code;
    bool bound = spec->switch_name != NULL && spec->switch_name[0] != '\0';
    bool named = spec->name != NULL && spec->name[0] != '\0';
    clients->items =
        alloc_grow(clients->items, clients->count, &clients->capacity, sizeof(*clients->items));
    clients->items[clients->count++] = (struct radius_client){
        .prefix = spec->prefix,
        .secret = alloc_text(spec->secret),
        .secret_length = length,
        .switch_name = bound ? alloc_text(spec->switch_name) : NULL,
        .name = alloc_text(named ? spec->name : ip_prefix_format(&spec->prefix, buffer)),
        .demand = spec->demand,
        .rule = rule};
    return 0;
}

/* --- lookups --- */

static int compare(const void *a, const void *b)
{
    const struct ip_prefix *x = a, *y = b;
    if (x->bits != y->bits)
        return x->bits > y->bits ? -1 : 1;
    return ip_compare(&x->address, &y->address);
}

static int compare_clients(const void *a, const void *b)
{
    const struct radius_client *x = a, *y = b;
    return compare(&x->prefix, &y->prefix);
}

int radius_clients_sort(struct radius_clients *clients, struct err *err)
{
    char buffer[IP_PREFIX_TEXT_SIZE];
    if (clients->count > 0)
        qsort(clients->items, clients->count, sizeof(*clients->items), compare_clients);
    for (size_t i = 1; i < clients->count; i++) {
        if (compare_clients(&clients->items[i - 1], &clients->items[i]) == 0)
            return err_set(err, ERR_RANGE, "the RADIUS client %s is there twice",
                           ip_prefix_format(&clients->items[i].prefix, buffer));
    }
    clients->last = 0;
    return 0;
}

const struct radius_client *radius_clients_find(struct radius_clients *clients,
                                                const struct ip *from)
{
    /* A host's own row cannot be shadowed by a longer prefix: it may be tried first. */
    if (clients->count > 0) {
        const struct radius_client *last = &clients->items[clients->last];
        if (last->prefix.bits == IP_BITS && ip_equal(&last->prefix.address, from))
            return last;
    }
    for (size_t first = 0; first < clients->count;) {
        const uint8_t bits = clients->items[first].prefix.bits;
        const struct radius_client key = {.prefix = ip_prefix_of(from, bits)};
        const struct radius_client *found =
            bsearch(&key, clients->items + first, clients->count - first, sizeof(*clients->items),
                    compare_clients);
        if (found != NULL) {
            clients->last = (size_t)(found - clients->items);
            return found;
        }
        /* The first one with a shorter prefix. */
        size_t low = first, high = clients->count;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (clients->items[middle].prefix.bits == bits)
                low = middle + 1;
            else
                high = middle;
        }
        first = low;
    }
    return NULL;
}

/* --- the file --- */

struct loading {
    struct radius_clients *clients;
    const char *path, *directory;
    bool demand;
    size_t columns[COLUMN_COUNT]; /* place in a row; SIZE_MAX: not there */
    bool headed;
    struct wall *latest; /* not NULL: only when the latest secret's file was changed is wanted */
};

static int take_header(struct loading *loading, const struct csv_row *row, struct err *err)
{
    for (size_t c = 0; c < COLUMN_COUNT; c++) {
        loading->columns[c] = SIZE_MAX;
        for (size_t i = 0; i < row->count; i++) {
            if (row->fields[i].length == strlen(column_names[c]) &&
                memcmp(row->fields[i].text, column_names[c], row->fields[i].length) == 0)
                loading->columns[c] = i;
        }
    }
    loading->headed = true;
    for (size_t c = 0; c <= COLUMN_SECRET_FILE; c++) {
        if (loading->columns[c] == SIZE_MAX)
            return err_set(err, ERR_SYNTAX, "expected a column %s", column_names[c]);
    }
    return 0;
}

/* The field of a column, terminated; "" where the row has none. Yours to free. */
static char *copy_field(const struct loading *loading, const struct csv_row *row, enum column c)
{
    size_t at = loading->columns[c];
    if (at >= row->count)
        return alloc_text("");
    char *copy = alloc_zeroed(row->fields[at].length + 1, 1);
    if (row->fields[at].length > 0)
        memcpy(copy, row->fields[at].text, row->fields[at].length);
    return copy;
}

static int parse_demand(const char *text, bool fallback, bool *ret, struct err *err)
{
    bool yes = strcmp(text, "yes") == 0 || strcmp(text, "true") == 0;
    if (!yes && text[0] != '\0' && strcmp(text, "no") != 0 && strcmp(text, "false") != 0)
        return err_set(err, ERR_SYNTAX,
                       "require_message_authenticator: found \"%.40s\", expected yes or no", text);
    *ret = text[0] == '\0' ? fallback : yes;
    return 0;
}

static int add_client(struct loading *loading, char *const fields[static COLUMN_COUNT],
                      struct err *err)
{
    struct radius_client_spec spec = {.switch_name = fields[COLUMN_SWITCH],
                                      .ports = fields[COLUMN_PORTS],
                                      .name = fields[COLUMN_NAME]};
    const char *address = fields[COLUMN_ADDRESS];
    if (ip_prefix_parse(address, strlen(address), &spec.prefix) != 0)
        return err_set(err, ERR_SYNTAX,
                       "address: found \"%.60s\", expected 192.0.2.7 or "
                       "192.0.2.0/24",
                       address);
    if (parse_demand(fields[COLUMN_DEMAND], loading->demand, &spec.demand, err) != 0)
        return err->code;
    if (fields[COLUMN_SECRET_FILE][0] == '\0')
        return err_set(err, ERR_SYNTAX, "secret_file: expected the path of a file");
    AUTO_FREE char *path = file_join(loading->directory, fields[COLUMN_SECRET_FILE]);
    char *secret;
    bool exposed;
    if (file_read_secret(path, &secret, &exposed, err) != 0)
        return err->code;
    spec.secret = secret;
    int status = radius_clients_add(loading->clients, &spec, err);
    loading->clients->exposed += exposed && status == 0;
    file_secret_free(secret);
    return status;
}

/* Notes when the secret's file of a row was changed; one that is gone was just now. */
static int look_at_secret(struct loading *loading, char *const fields[static COLUMN_COUNT])
{
    AUTO_FREE char *path = file_join(loading->directory, fields[COLUMN_SECRET_FILE]);
    struct wall changed = file_changed(path);
    if (!wall_known(changed))
        changed.us = loading->latest->us + 1;
    if (changed.us > loading->latest->us)
        *loading->latest = changed;
    return 0;
}

static int take_row(struct loading *loading, const struct csv_row *row, struct err *err)
{
    char *fields[COLUMN_COUNT];
    if (!loading->headed)
        return take_header(loading, row, err);
    for (size_t c = 0; c < COLUMN_COUNT; c++)
        fields[c] = copy_field(loading, row, (enum column)c);
    int status = loading->latest != NULL ? look_at_secret(loading, fields)
                                         : add_client(loading, fields, err);
    for (size_t c = 0; c < COLUMN_COUNT; c++)
        free(fields[c]);
    return status;
}

/* Takes the rows that the reader has. Returns 0 when it needs more. */
static int take_rows(struct loading *loading, struct csv_reader *reader, struct err *err)
{
    for (;;) {
        struct csv_row row;
        struct csv_place place;
        int status = csv_next(reader, &row, &place, err);
        if (status == 0)
            return 0;
        unsigned line = status < 0 ? place.line : row.line;
        if (status > 0)
            status = take_row(loading, &row, err);
        if (status < 0)
            return err_prefix(err, "%s:%u", loading->path, line);
    }
}

static int load_file(struct loading *loading, struct err *err)
{
    AUTO_FREE char *bytes = NULL;
    AUTO_FREE char *directory = file_directory(loading->path);
    size_t length;
    if (file_read(loading->path, (size_t)LIMIT_RADIUS_CLIENTS * LIMIT_NAME_BYTES, &bytes, &length,
                  err) != 0)
        return err->code;
    loading->directory = directory;
    struct csv_reader *reader = csv_new();
    int status = 0;
    for (size_t at = 0, taken = 1; status == 0 && taken > 0; at += taken) {
        char *space = csv_space(reader, &taken);
        if (taken > length - at)
            taken = length - at;
        if (taken > 0)
            memcpy(space, bytes + at, taken);
        csv_filled(reader, taken);
        status = take_rows(loading, reader, err);
    }
    csv_free(reader);
    return status;
}

int radius_clients_load(struct radius_clients *clients, const char *path, bool demand,
                        struct err *err)
{
    struct loading loading = {.clients = clients, .path = path, .demand = demand};
    return load_file(&loading, err);
}

bool radius_clients_changed(const char *path, struct wall then)
{
    struct wall latest = then;
    struct loading loading = {.path = path, .latest = &latest};
    struct err err;
    (void)load_file(&loading, &err);
    return latest.us > then.us;
}
