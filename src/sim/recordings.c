/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/recordings.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "sim/site.h"
#include "source/recording_file.h"

enum { AGENTS_MAX = 65536 };

/* The columns of every forward table that agents show. */
static const struct oid forward_entries[] = {
    {{1, 3, 6, 1, 2, 1, 17, 4, 3, 1}, 10},          /* dot1dTpFdbEntry */
    {{1, 3, 6, 1, 2, 1, 17, 7, 1, 2, 2, 1}, 12},    /* dot1qTpFdbEntry */
    {{1, 3, 111, 2, 802, 1, 1, 4, 1, 2, 2, 1}, 12}, /* ieee8021QBridgeTpFdbEntry */
};
enum { FORWARD_COLUMNS = 4 }; /* address, port, status, and one that counts from 0 */

/* One file of a device. */
struct context_view {
    uint32_t vlan;
    const struct recording *recording;
    struct mib_view view;
    struct oid forward; /* the larger of its forward tables */
    const int64_t *uptime_cs;
};

struct recorded_device {
    struct recording_file *file;
    struct context_view **views;
    size_t view_count;
    struct context_view *last; /* that was asked for */
    int64_t uptime_cs;
};

struct sim_recordings {
    struct recorded_device **devices;
    size_t count, capacity;
    struct usm_crypto *crypto;
    struct usm_user user;
};

/* --- a recording as a view --- */

static void varbind_index(const void *table, uint64_t row, struct oid *oid)
{
    const struct context_view *c = table;
    struct recording_varbind bind;
    struct oid whole;
    recording_get(c->recording, row, &bind);
    if (oid_decode(bind.oid, bind.oid_length, &whole) == 0)
        *oid = whole;
}

static bool is_uptime(const struct recording_varbind *bind)
{
    static const uint8_t uptime[] = {0x2b, 6, 1, 2, 1, 1, 3, 0};
    return bind->oid_length == sizeof(uptime) && memcmp(bind->oid, uptime, sizeof(uptime)) == 0;
}

static void varbind_value(const void *table, uint32_t column, uint64_t row, struct mib_cell *cell)
{
    const struct context_view *c = table;
    struct recording_varbind bind;
    recording_get(c->recording, row, &bind);
    cell->value = bind.value;
    if (bind.value.type == SNMP_TIMETICKS && is_uptime(&bind))
        cell->value.number = (bind.value.number + *c->uptime_cs) & 0xffffffff;
}

/* Adds varbinds `from` to `to` as one column, known by `prefix` or, when NULL, by
 * the first of them. */
static void add_slice(struct context_view *c, const struct oid *prefix, size_t from, size_t to)
{
    struct mib_column column = {.table = c,
                                .first = from,
                                .rows = to - from,
                                .index = varbind_index,
                                .value = varbind_value};
    if (from >= to)
        return;
    if (prefix)
        column.prefix = *prefix;
    else
        varbind_index(c, from, &column.prefix);
    mib_view_add(&c->view, &column);
}

/* Cuts the recording into the forward tables' columns and what lies between. */
static void build_view(struct context_view *c)
{
    size_t at = 0, largest = 0;
    for (size_t e = 0; e < ARRAY_COUNT(forward_entries); e++) {
        struct oid entry = forward_entries[e];
        size_t table_start = recording_seek(c->recording, &entry);
        for (uint32_t n = 0; n < FORWARD_COLUMNS; n++) {
            struct oid column = entry, after = entry;
            if (oid_append(&column, n) != 0 || oid_append(&after, n + 1) != 0)
                continue;
            size_t from = recording_seek(c->recording, &column);
            size_t to = recording_seek(c->recording, &after);
            if (from == to)
                continue;
            add_slice(c, NULL, at, from);
            add_slice(c, &column, from, to);
            at = to;
        }
        if (at > table_start && at - table_start > largest) {
            largest = at - table_start;
            c->forward = entry;
        }
    }
    add_slice(c, NULL, at, recording_count(c->recording));
    mib_view_finish(&c->view);
}

static const struct mib_view *device_view(void *state, const char *context, struct wall now,
                                          const struct sim_faults *faults, int64_t uptime_cs)
{
    struct recorded_device *d = state;
    char *end;
    unsigned long vlan = context[0] ? strtoul(context, &end, 10) : 0;
    if (context[0] && (*end != 0 || vlan == 0))
        return NULL;
    d->uptime_cs = uptime_cs;
    for (size_t i = 0; i < d->view_count; i++) {
        if (d->views[i]->vlan == vlan) {
            d->last = d->views[i];
            return &d->last->view;
        }
    }
    return NULL;
}

static const struct oid *device_forward(void *state)
{
    struct recorded_device *d = state;
    return d->last && d->last->forward.length > 0 ? &d->last->forward : NULL;
}

static struct recorded_device *device_new(struct recording_file *take)
{
    struct recorded_device *d = alloc_zeroed(1, sizeof(*d));
    d->file = take;
    d->views = alloc_zeroed(take->count + 1, sizeof(d->views[0]));
    for (size_t i = 0; i < take->count; i++) {
        struct context_view *c = alloc_zeroed(1, sizeof(*c));
        c->vlan = take->contexts[i].vlan;
        c->recording = take->contexts[i].recording;
        c->uptime_cs = &d->uptime_cs;
        build_view(c);
        d->views[d->view_count++] = c;
    }
    return d;
}

static void device_free(struct recorded_device *d)
{
    for (size_t i = 0; i < d->view_count; i++)
        free(d->views[i]);
    free(d->views);
    recording_file_free(d->file);
    free(d);
}

/* --- finding files --- */

/* Paths in the order of their names. */
struct path_list {
    char **paths;
    size_t count, capacity;
};

static void add_path(struct path_list *list, char *take)
{
    list->paths = alloc_grow(list->paths, list->count, &list->capacity, sizeof(list->paths[0]));
    list->paths[list->count++] = take;
}

static void free_paths(struct path_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->paths[i]);
    free(list->paths);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_directory(const char *path, struct path_list *list, struct err *err)
{
    DIR *directory = opendir(path);
    if (!directory)
        return err_set_errno(err, errno, "recordings in %s", path);
    size_t before = list->count;
    for (struct dirent *entry; (entry = readdir(directory));) {
        AUTO_TEXT struct text name = TEXT_EMPTY;
        struct stat status;
        text_printf(&name, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.' && stat(text_get(&name), &status) == 0 &&
            S_ISREG(status.st_mode))
            add_path(list, text_take(&name));
    }
    closedir(directory);
    if (list->count > before)
        qsort(list->paths + before, list->count - before, sizeof(list->paths[0]), by_text);
    return 0;
}

static bool had_already(const struct sim_recordings *r, const char *path)
{
    for (size_t i = 0; i < r->count; i++)
        for (size_t n = 0; n < r->devices[i]->file->count; n++)
            if (recording_file_same(path, r->devices[i]->file->contexts[n].path))
                return true;
    return false;
}

static int open_device(struct sim_recordings *r, const char *path, struct err *err)
{
    if (had_already(r, path))
        return 0;
    if (r->count >= AGENTS_MAX)
        return err_set(err, ERR_LIMIT, "recordings: at most %d devices", AGENTS_MAX);
    struct recording_file *file;
    int error = recording_file_open(path, &file, err);
    if (error)
        return error;
    r->devices = alloc_grow(r->devices, r->count, &r->capacity, sizeof(r->devices[0]));
    r->devices[r->count++] = device_new(file);
    return 0;
}

static int open_path(struct sim_recordings *r, const char *path, struct err *err)
{
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode))
        return open_device(r, path, err);
    struct path_list list = {0};
    int error = list_directory(path, &list, err);
    for (size_t i = 0; i < list.count && !error; i++) {
        error = open_device(r, list.paths[i], err);
        if (error == ERR_SYNTAX) /* a README is no recording */
            error = 0;
    }
    free_paths(&list);
    return error;
}

/* --- serving --- */

static int add_agents(struct sim_recordings *r, const struct sim_recordings_config *config,
                      struct sim_server *server, struct wall now, struct err *err)
{
    const struct sim_credentials *c =
        config->credentials ? config->credentials : &sim_default_credentials;
    uint32_t first = config->first_address ? config->first_address : SIM_SITE_ADDRESS;
    uint16_t port = config->port ? config->port : SIM_SITE_PORT;
    int error = usm_user_init(&r->user, r->crypto, c->user, c->auth, c->auth_password, c->priv,
                              c->priv_password, err);
    for (size_t i = 0; i < r->count && !error; i++) {
        uint32_t address = first + (uint32_t)i;
        struct sim_agent_config agent = {.name = r->devices[i]->file->stem,
                                         .community = c->community,
                                         .users = &r->user,
                                         .user_count = 1,
                                         .number = address,
                                         .booted = now};
        struct sim_source source = {
            .state = r->devices[i], .view = device_view, .forward = device_forward};
        error = sim_server_add(server, sim_agent_new(&agent, &source), address, port, err);
    }
    return error;
}

int sim_recordings_new(const char *const *paths, size_t path_count,
                       const struct sim_recordings_config *config, struct sim_server *server,
                       struct wall now, struct sim_recordings **ret, struct err *err)
{
    struct sim_recordings *r = alloc_zeroed(1, sizeof(*r));
    r->crypto = usm_crypto_new();
    int error = 0;
    for (size_t i = 0; i < path_count && !error; i++)
        error = open_path(r, paths[i], err);
    if (!error && r->count == 0)
        error = err_set(err, ERR_NOT_FOUND, "%s: no recording was found there",
                        path_count > 0 ? paths[0] : "recordings");
    if (!error)
        error = add_agents(r, config, server, now, err);
    if (error) {
        sim_recordings_free(r);
        return error;
    }
    *ret = r;
    return 0;
}

void sim_recordings_free(struct sim_recordings *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->count; i++)
        device_free(r->devices[i]);
    free(r->devices);
    usm_user_done(&r->user);
    usm_crypto_free(r->crypto);
    free(r);
}

size_t sim_recordings_count(const struct sim_recordings *r)
{
    return r->count;
}

const char *sim_recordings_name(const struct sim_recordings *r, size_t index)
{
    return r->devices[index]->file->stem;
}
