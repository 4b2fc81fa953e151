/* SPDX-License-Identifier: Apache-2.0 */
#include "source/csv.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "contract/job.h"
#include "io/file.h"
#include "io/loop.h"
#include "source/csv_load.h"

struct csv_config {
    char *paths[RECORD_TABLE_COUNT];
    int64_t max_shrink;
    struct span timeout;
};

#define FILE_OPTION(name, table, help)                                                             \
    {                                                                                              \
        name, OPTION_PATH, offsetof(struct csv_config, paths[table]), false, NULL, 0, 0, NULL,     \
            help                                                                                   \
    }

static const struct config_option options[] = {
    FILE_OPTION("guests", RECORD_GUESTS,
                "Guests and their NICs: hypervisor, guest, mac, run_state; optional state_since, "
                "vlan, wire_expected, uuid, ip, tags."),
    FILE_OPTION("attachments", RECORD_ATTACHMENTS,
                "Which switch port each hypervisor's NIC is plugged into: hypervisor, nic_mac, "
                "switch, port."),
    FILE_OPTION("switches", RECORD_SWITCHES, "Switches: switch; optional address, site, chassis."),
    FILE_OPTION("ports", RECORD_PORTS,
                "Roles of switch ports: switch, port, role (edge, inter_switch, hypervisor)."),
    FILE_OPTION("links", RECORD_LINKS,
                "Links between switches: switch_a, port_a, switch_b, port_b; optional kind."),
    FILE_OPTION("lags", RECORD_LAGS,
                "Members of link aggregates: switch, aggregate, member; optional mlag."),
    FILE_OPTION("planned_work", RECORD_PLANNED_WORK,
                "Planned work: scope, from, to; optional repeat, owner, text."),
    FILE_OPTION("cmdb", RECORD_CMDB,
                "Configuration items: guest; optional address, subnet, hypervisor, owner, "
                "run_state."),
    FILE_OPTION("dcm", RECORD_DCM,
                "Allocations: hypervisor, guest; optional cpu, memory, storage, bandwidth, "
                "address, subnet, run_state."),
    FILE_OPTION("capacity", RECORD_CAPACITY,
                "Capacities: hypervisor; optional cpu, memory, storage, bandwidth."),
    {"max_shrink", OPTION_INTEGER, offsetof(struct csv_config, max_shrink), false, "50", 0, 100,
     NULL,
     "By how many per cent a table may shrink between two reads; a file that lost more is refused "
     "and the last good one kept."},
    {"timeout", OPTION_SPAN, offsetof(struct csv_config, timeout), false, "30s", 100000,
     INT64_C(3600000000), NULL,
     "How long a file that is a pipe may stay silent before it is given up."},
    {.name = NULL},
};

struct csv_state {
    const struct csv_config *config;
    struct env *env;
    struct reading *reading; /* NULL between fetches */
};

/* One fetch. It belongs to the worker from the start until finish_reading(), the
 * flag and the two pointers apart, and owns all it needs: the source may be gone
 * before the worker has noticed a cancel. */
struct reading {
    struct csv_state *state; /* NULL after a cancel */
    struct recorded_job *job;
    atomic_bool stop;
    char *paths[RECORD_TABLE_COUNT];
    struct span timeout;
    const struct run_state_words *words;
    struct record_set *set;
    uint64_t files, files_read, rows;
    struct wall started;
    struct err err; /* code ERR_NONE while all is well */
};

static int construct(void *state, const void *config, struct env *env, struct err *err)
{
    struct csv_state *csv = state;
    csv->config = config;
    csv->env = env;
    for (int table = 0; table < RECORD_TABLE_COUNT; table++) {
        if (csv->config->paths[table] != NULL)
            return 0;
    }
    return err_set(err, ERR_NOT_FOUND,
                   "no file is named; expected at least one of guests, attachments, switches, "
                   "ports, links, lags, planned_work, cmdb, dcm, capacity");
}

/* The record is as old as its guests; without them as its youngest file. */
static struct wall age_of(const struct reading *reading)
{
    struct wall youngest = WALL_UNKNOWN;
    if (reading->paths[RECORD_GUESTS] != NULL)
        return file_modified(reading->paths[RECORD_GUESTS]);
    for (int table = 0; table < RECORD_TABLE_COUNT; table++) {
        if (reading->paths[table] == NULL)
            continue;
        struct wall modified = file_modified(reading->paths[table]);
        if (wall_known(modified) && (!wall_known(youngest) || modified.us > youngest.us))
            youngest = modified;
    }
    return youngest;
}

/* In the worker thread. */
static void read_files(void *aux)
{
    struct reading *reading = aux;
    struct wall as_of = age_of(reading);
    if (wall_known(as_of))
        reading->set->as_of = as_of;
    for (int table = 0; table < RECORD_TABLE_COUNT && reading->err.code == ERR_NONE; table++) {
        const char *path = reading->paths[table];
        uint64_t rows = 0;
        if (path == NULL)
            continue;
        struct csv_load load = {.label = path,
                                .table = (enum record_table)table,
                                .words = reading->words,
                                .silence = reading->timeout,
                                .stop = &reading->stop,
                                .set = reading->set};
        if (csv_load_file(&load, path, &rows, &reading->err) != 0)
            return;
        reading->rows += rows;
        reading->files_read++;
    }
    record_set_finish(reading->set);
}

static void reading_free(struct reading *reading)
{
    for (int table = 0; table < RECORD_TABLE_COUNT; table++)
        free(reading->paths[table]);
    record_set_free(reading->set);
    free(reading);
}

static void check_shrinking(struct reading *reading, int64_t max_shrink)
{
    if (reading->err.code == ERR_NONE && !recorded_job_accept_shrunk(reading->job) &&
        last_good_check(recorded_job_last_good(reading->job), reading->set, max_shrink,
                        &reading->err) != 0)
        err_prefix(&reading->err, "%s", recorded_job_source(reading->job));
}

static void fill_receipt(const struct reading *reading, struct wall ended, struct receipt *receipt)
{
    receipt_init(receipt);
    receipt_text(&receipt->source, "%s", recorded_job_source(reading->job));
    receipt_text(&receipt->type, "csv");
    receipt->asked = reading->files;
    receipt->answered = reading->files_read;
    receipt->rows = reading->rows;
    receipt->whole = reading->err.code == ERR_NONE;
    receipt_text(&receipt->why_not, "%s", receipt->whole ? "" : reading->err.text);
    receipt->started = reading->started;
    receipt->ended = ended;
}

/* Back on the loop. */
static void finish_reading(void *aux)
{
    struct reading *reading = aux;
    struct csv_state *csv = reading->state;
    if (csv != NULL) {
        struct receipt receipt;
        csv->reading = NULL;
        check_shrinking(reading, csv->config->max_shrink);
        fill_receipt(reading, csv->env->now(csv->env->clock), &receipt);
        if (reading->err.code != ERR_NONE)
            recorded_job_done(reading->job, NULL, &receipt, &reading->err);
        else
            recorded_job_done(reading->job, &reading->set, &receipt, NULL);
    }
    reading_free(reading);
}

static int fetch(void *state, struct recorded_job *job, struct err *err)
{
    struct csv_state *csv = state;
    CHECK(csv->reading == NULL);
    struct reading *reading = alloc_zeroed(1, sizeof *reading);
    reading->state = csv;
    reading->job = job;
    reading->timeout = csv->config->timeout;
    reading->words = csv->env->run_states;
    reading->started = csv->env->now(csv->env->clock);
    reading->set = record_set_new(recorded_job_source(job), reading->started);
    for (int table = 0; table < RECORD_TABLE_COUNT; table++) {
        if (csv->config->paths[table] == NULL)
            continue;
        reading->paths[table] = alloc_text(csv->config->paths[table]);
        reading->files++;
    }
    csv->reading = reading;
    loop_work_start(csv->env->loop, read_files, finish_reading, reading);
    return 0;
}

static void cancel(void *state, struct recorded_job *job)
{
    struct csv_state *csv = state;
    if (csv->reading == NULL)
        return;
    atomic_store(&csv->reading->stop, true);
    csv->reading->state = NULL;
    csv->reading = NULL;
}

static void destruct(void *state)
{
    cancel(state, NULL);
}

const struct recorded_source_class recorded_csv = {
    .plug = {.type = "csv",
             .summary = "spreadsheets: one CSV file a table",
             .options = options,
             .state_size = sizeof(struct csv_state),
             .config_size = sizeof(struct csv_config),
             .construct = construct,
             .destruct = destruct},
    .fetch = fetch,
    .cancel = cancel,
};
