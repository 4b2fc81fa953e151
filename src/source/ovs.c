/* SPDX-License-Identifier: Apache-2.0 */
#include "source/ovs.h"

#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/loop.h"
#include "source/ovs_rpc.h"
#include "source/ovs_table.h"
#include "wire/ovs_fdb.h"

#define RUN_DIRECTORY "/var/run/openvswitch"

struct ovs_config {
    char *bridge, *switch_name, *site, *hypervisor, *socket, *database;
    struct option_list uplinks;
    struct span ageing;
};

static const struct config_option options[] = {
    {.name = "switch",
     .type = OPTION_TEXT,
     .offset = offsetof(struct ovs_config, switch_name),
     .required = true,
     .help = "Name of this forward table in reports and records."},
    {.name = "bridge",
     .type = OPTION_TEXT,
     .offset = offsetof(struct ovs_config, bridge),
     .default_text = "all",
     .help = "Name of the bridge, or \"all\" for every bridge of this Open vSwitch."},
    {.name = "hypervisor",
     .type = OPTION_TEXT,
     .offset = offsetof(struct ovs_config, hypervisor),
     .help = "The hypervisor whose guests are behind the ports, as the records call it."},
    {.name = "site",
     .type = OPTION_TEXT,
     .offset = offsetof(struct ovs_config, site),
     .default_text = "default",
     .help = "Site of the bridge domain."},
    {.name = "socket",
     .type = OPTION_PATH,
     .offset = offsetof(struct ovs_config, socket),
     .help = "Control socket of ovs-vswitchd; without it, the one in " RUN_DIRECTORY "."},
    {.name = "database",
     .type = OPTION_PATH,
     .offset = offsetof(struct ovs_config, database),
     .default_text = RUN_DIRECTORY "/db.sock",
     .help = "Socket of ovsdb-server, which knows the ageing time."},
    {.name = "ageing",
     .type = OPTION_SPAN,
     .offset = offsetof(struct ovs_config, ageing),
     .low = 1000000,
     .high = INT64_C(3600000000),
     .help = "Ageing time of the table; without it, what the database says."},
    {.name = "uplinks",
     .type = OPTION_TEXT_LIST,
     .offset = offsetof(struct ovs_config, uplinks),
     .help = "Ports that lead out of the host; without it, bonds, patch ports, tunnels and network "
             "cards are taken to."},
    {.name = NULL},
};

struct ovs {
    const struct ovs_config *config;
    struct env *env;
    struct fetch *fetch; /* NULL: idle */
};

/* What is asked, in this order; a bridge's two questions are asked for each. */
enum question {
    QUESTION_BRIDGES,
    QUESTION_ENTRIES,
    QUESTION_STATISTICS,
    QUESTION_PORTS,
    QUESTION_BONDS,
    QUESTION_DATABASE
};

struct fetch {
    struct ovs *source; /* NULL once cancelled while a worker has the answers */
    struct observed_job *job;
    struct ovs_rpc *rpc;
    struct ovs_reading reading;
    /* Copies: the configuration may go away while a worker reads the answers. */
    char *switch_name, *site, *hypervisor;
    struct option_list uplinks;
    struct ovs_choice choice;
    enum question question;
    size_t bridge; /* the one that is being asked about */
    /* The worker's, until it is done. */
    struct forward_table *table;
    struct err err;
    int code;
    bool working;
};

static void fetch_free(struct fetch *fetch)
{
    ovs_rpc_close(fetch->rpc);
    ovs_reading_done(&fetch->reading);
    forward_table_free(fetch->table);
    for (size_t i = 0; i < fetch->uplinks.count; i++)
        free(fetch->uplinks.items[i]);
    free(fetch->uplinks.items);
    free(fetch->hypervisor);
    free(fetch->site);
    free(fetch->switch_name);
    free(fetch);
}

/* Forgets the fetch; what a worker still has is freed when it is done. */
static void drop(struct fetch *fetch)
{
    fetch->source->fetch = NULL;
    fetch->source = NULL;
    if (!fetch->working)
        fetch_free(fetch);
}

static void end(struct fetch *fetch, const struct err *cause)
{
    struct observed_job *job = fetch->job;
    struct forward_table *table = fetch->table;
    struct err err;
    if (cause != NULL) {
        err = *cause;
        err_prefix(&err, "reading Open vSwitch for %s", fetch->choice.switch_name);
    }
    fetch->table = NULL;
    drop(fetch);
    observed_job_done(job, cause == NULL ? &table : NULL, cause != NULL ? &err : NULL);
}

/* --- the answers become a table --- */

/* A network card has a device behind it; taps, veths and bridges have none. */
static bool is_hardware(const char *name)
{
    char path[sizeof "/sys/class/net//device" + OVS_NAME_SIZE];
    snprintf(path, sizeof path, "/sys/class/net/%s/device", name);
    return strchr(name, '/') == NULL && strncmp(name, "vif", 3) != 0 && access(path, F_OK) == 0;
}

static void work(void *aux)
{
    struct fetch *fetch = aux;
    fetch->code = ovs_table_new(&fetch->reading, &fetch->choice, &fetch->table, &fetch->err);
}

static void work_done(void *aux)
{
    struct fetch *fetch = aux;
    fetch->working = false;
    if (fetch->source == NULL)
        fetch_free(fetch);
    else
        end(fetch, fetch->code != 0 ? &fetch->err : NULL);
}

static void start_work(struct fetch *fetch)
{
    struct env *env = fetch->source->env;
    fetch->reading.ended = env->now(env->clock);
    fetch->working = true;
    loop_work_start(env->loop, work, work_done, fetch);
}

/* --- questions and answers --- */

static void ask(struct fetch *fetch)
{
    static const char *const methods[] = {
        [QUESTION_BRIDGES] = "ofproto/list",      [QUESTION_ENTRIES] = "fdb/show",
        [QUESTION_STATISTICS] = "fdb/stats-show", [QUESTION_PORTS] = "dpif/show",
        [QUESTION_BONDS] = "bond/list",
    };
    AUTO_TEXT struct text question = TEXT_EMPTY;
    if (fetch->question == QUESTION_DATABASE) {
        ovs_request_bridges(&question, OVS_REQUEST_ID);
    } else {
        bool of_bridge =
            fetch->question == QUESTION_ENTRIES || fetch->question == QUESTION_STATISTICS;
        const char *name = of_bridge ? fetch->reading.bridges[fetch->bridge].name : NULL;
        ovs_request(&question, OVS_REQUEST_ID, methods[fetch->question], &name, of_bridge);
    }
    fetch->reading.asked++;
    ovs_rpc_ask(fetch->rpc, text_get(&question), question.length);
}

/* Reads the list of bridges. */
static int take_bridges(struct fetch *fetch, const char *bytes, size_t length, struct err *err)
{
    AUTO_TEXT struct text text = TEXT_EMPTY;
    struct ovs_lines lines;
    char name[OVS_NAME_SIZE];
    int code = ovs_reply_parse(bytes, length, OVS_REQUEST_ID, &text, err);
    if (code != 0)
        return code;
    ovs_lines_start(&lines, text_get(&text), text.length);
    while (ovs_next_bridge(&lines, name))
        ovs_reading_add_bridge(&fetch->reading, name);
    return 0;
}

static void on_answer(void *aux, const char *bytes, size_t length, const struct err *err);

static void ask_database(struct fetch *fetch)
{
    const struct ovs *source = fetch->source;
    ovs_rpc_close(fetch->rpc);
    fetch->rpc = NULL;
    fetch->question = QUESTION_DATABASE;
    /* Without the database the ageing time is not known, which is said; nothing else is lost. */
    if (source->config->ageing.us > 0 || ovs_rpc_open(source->env->loop, source->config->database,
                                                      on_answer, fetch, &fetch->rpc, NULL) != 0) {
        fetch->rpc = NULL;
        start_work(fetch);
        return;
    }
    ask(fetch);
}

/* Goes on to the question after the one that was answered. */
static void ask_next(struct fetch *fetch)
{
    switch (fetch->question) {
    case QUESTION_BRIDGES:
        fetch->question = fetch->reading.bridge_count > 0 ? QUESTION_ENTRIES : QUESTION_PORTS;
        break;
    case QUESTION_ENTRIES:
        fetch->question = QUESTION_STATISTICS;
        break;
    case QUESTION_STATISTICS:
        fetch->bridge++;
        fetch->question =
            fetch->bridge < fetch->reading.bridge_count ? QUESTION_ENTRIES : QUESTION_PORTS;
        break;
    case QUESTION_PORTS:
        fetch->question = QUESTION_BONDS;
        break;
    case QUESTION_BONDS:
        ask_database(fetch);
        return;
    case QUESTION_DATABASE:
        start_work(fetch);
        return;
    }
    ask(fetch);
}

static struct text *answer_place(struct fetch *fetch)
{
    switch (fetch->question) {
    case QUESTION_ENTRIES:
        return &fetch->reading.bridges[fetch->bridge].entries;
    case QUESTION_STATISTICS:
        return &fetch->reading.bridges[fetch->bridge].statistics;
    case QUESTION_PORTS:
        return &fetch->reading.ports;
    case QUESTION_BONDS:
        return &fetch->reading.bonds;
    case QUESTION_DATABASE:
        return &fetch->reading.database;
    case QUESTION_BRIDGES:
        break;
    }
    UNREACHABLE();
}

static void on_answer(void *aux, const char *bytes, size_t length, const struct err *err)
{
    struct fetch *fetch = aux;
    struct err failure;
    if (err != NULL && fetch->question == QUESTION_DATABASE) {
        start_work(fetch);
        return;
    }
    if (err != NULL) {
        end(fetch, err);
        return;
    }
    fetch->reading.answered++;
    if (fetch->question != QUESTION_BRIDGES) {
        text_add_bytes(answer_place(fetch), bytes, length);
    } else if (take_bridges(fetch, bytes, length, &failure) != 0) {
        end(fetch, &failure);
        return;
    }
    ask_next(fetch);
}

/* --- the plug-in --- */

/* The control socket is named after the daemon's process, as its pid file says;
 * without a pid file, a single socket of that kind is taken. */
static int find_socket(char **ret, struct err *err)
{
    FILE *file = fopen(RUN_DIRECTORY "/ovs-vswitchd.pid", "r");
    int64_t pid = 0;
    if (file != NULL) {
        if (fscanf(file, "%" SCNd64, &pid) != 1)
            pid = 0;
        fclose(file);
    }
    if (pid > 0) {
        AUTO_TEXT struct text path = TEXT_EMPTY;
        text_printf(&path, RUN_DIRECTORY "/ovs-vswitchd.%" PRId64 ".ctl", pid);
        *ret = text_take(&path);
        return 0;
    }
    glob_t found;
    int code = glob(RUN_DIRECTORY "/ovs-vswitchd.*.ctl", 0, NULL, &found);
    if (code == 0 && found.gl_pathc == 1)
        *ret = alloc_text(found.gl_pathv[0]);
    else
        code = err_set(err, ERR_NOT_FOUND,
                       "no control socket of ovs-vswitchd in " RUN_DIRECTORY
                       "; name it by the key \"socket\"");
    globfree(&found);
    return code;
}

static int construct(void *state, const void *config, struct env *env, struct err *err)
{
    struct ovs *source = state;
    source->config = config;
    source->env = env;
    return 0;
}

static void destruct(void *state)
{
    struct ovs *source = state;
    if (source->fetch != NULL)
        drop(source->fetch);
}

static int open_control(struct fetch *fetch, struct err *err)
{
    const struct ovs *source = fetch->source;
    AUTO_FREE char *path = NULL;
    if (source->config->socket == NULL) {
        int code = find_socket(&path, err);
        if (code != 0)
            return code;
    }
    return ovs_rpc_open(source->env->loop, path != NULL ? path : source->config->socket, on_answer,
                        fetch, &fetch->rpc, err);
}

static struct fetch *fetch_new(struct ovs *source, struct mac only, struct observed_job *job)
{
    const struct ovs_config *config = source->config;
    struct fetch *fetch = alloc_zeroed(1, sizeof *fetch);
    source->fetch = fetch;
    fetch->source = source;
    fetch->job = job;
    fetch->reading.started = source->env->now(source->env->clock);
    fetch->switch_name = alloc_text(config->switch_name);
    fetch->site = alloc_text(config->site);
    fetch->hypervisor = config->hypervisor != NULL ? alloc_text(config->hypervisor) : NULL;
    fetch->uplinks.items = alloc_zeroed(config->uplinks.count, sizeof(char *));
    for (size_t i = 0; i < config->uplinks.count; i++)
        fetch->uplinks.items[fetch->uplinks.count++] = alloc_text(config->uplinks.items[i]);
    fetch->choice =
        (struct ovs_choice){.switch_name = fetch->switch_name,
                            .site = fetch->site,
                            .hypervisor = fetch->hypervisor,
                            .uplinks = &fetch->uplinks,
                            .ageing = config->ageing.us > 0 ? config->ageing : span_us(-1),
                            .only = only,
                            .is_hardware = is_hardware};
    return fetch;
}

static int start(struct ovs *source, struct mac only, struct observed_job *job, struct err *err)
{
    CHECK(source->fetch == NULL);
    struct fetch *fetch = fetch_new(source, only, job);
    int code = open_control(fetch, err);
    if (code != 0) {
        err_prefix(err, "reading Open vSwitch for %s", source->config->switch_name);
        drop(fetch);
        return code;
    }
    if (strcmp(source->config->bridge, "all") != 0) {
        ovs_reading_add_bridge(&fetch->reading, source->config->bridge);
        fetch->question = QUESTION_ENTRIES;
    }
    ask(fetch);
    return 0;
}

static int fetch_table(void *state, struct observed_job *job, struct err *err)
{
    return start(state, MAC_NONE, job, err);
}

static int probe(void *state, struct mac mac, struct observed_job *job, struct err *err)
{
    return start(state, mac, job, err);
}

static void cancel(void *state, struct observed_job *job)
{
    struct ovs *source = state;
    if (source->fetch != NULL && source->fetch->job == job)
        drop(source->fetch);
}

const struct observed_source_class observed_ovs = {
    .plug = {.type = "ovs",
             .summary = "the Open vSwitch bridges of this host, with VLANs and the age of entries",
             .options = options,
             .state_size = sizeof(struct ovs),
             .config_size = sizeof(struct ovs_config),
             .construct = construct,
             .destruct = destruct},
    .fetch = fetch_table,
    .cancel = cancel,
    .probe = probe,
};
