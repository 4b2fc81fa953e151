/* SPDX-License-Identifier: Apache-2.0 */
#include "source/ovs_events.h"

#include <string.h>

#include "base/text.h"
#include "io/loop.h"
#include "source/fdb_follow.h"
#include "source/fdb_reader.h"
#include "source/ovs.h"

struct ovs_config {
    char *bridge, *switch_name, *hypervisor, *socket, *database;
    struct option_list uplinks;
    struct span interval, refresh;
};

#define FIELD(name) .offset = offsetof(struct ovs_config, name)

static const struct config_option options[] = {
    {.name = "switch",
     .type = OPTION_TEXT,
     FIELD(switch_name),
     .required = true,
     .help = "Name of the forward table, the same as of its observed source."},
    {.name = "bridge",
     .type = OPTION_TEXT,
     FIELD(bridge),
     .default_text = "all",
     .help = "Name of the bridge, or \"all\" for every bridge of this Open vSwitch."},
    {.name = "hypervisor",
     .type = OPTION_TEXT,
     FIELD(hypervisor),
     .help = "The hypervisor whose guests are behind the ports, as the records call it."},
    {.name = "socket",
     .type = OPTION_PATH,
     FIELD(socket),
     .help = "Control socket of ovs-vswitchd; without it, the one in /var/run/openvswitch."},
    {.name = "database",
     .type = OPTION_PATH,
     FIELD(database),
     .help = "Socket of ovsdb-server, which knows the ageing time; without it, db.sock in "
             "/var/run/openvswitch."},
    {.name = "uplinks",
     .type = OPTION_TEXT_LIST,
     FIELD(uplinks),
     .help = "Ports that lead out of the host; without it, bonds, patch ports, tunnels and network "
             "cards are taken to."},
    {.name = "interval",
     .type = OPTION_SPAN,
     FIELD(interval),
     .default_text = "1s",
     .low = 100000,
     .high = INT64_C(3600000000),
     .help = "Time between two looks at the table."},
    {.name = "refresh",
     .type = OPTION_SPAN,
     FIELD(refresh),
     .default_text = "60s",
     .low = 1000000,
     .high = INT64_C(3600000000),
     .help = "How often it is told of an address that it is still heard, at most."},
    {.name = NULL},
};

struct ovs_events {
    const struct ovs_config *config;
    struct env *env;
    /* while started */
    struct event_feed *feed;
    struct fdb_reader *reader;
    struct fdb_follow *follow;
    struct loop_timer *timer;
    struct mono looked;
    uint64_t looks, failed_looks;
};

static void on_look(void *aux, struct forward_table *table, const struct err *err)
{
    struct ovs_events *source = aux;
    if (table != NULL) {
        fdb_follow_table(source->follow, table, source->env->now(source->env->clock));
        forward_table_free(table);
    } else {
        source->failed_looks++;
        if (fdb_reader_lost(source->reader)) {
            event_feed_failed(source->feed, err);
            return;
        }
    }
    struct span passed = mono_since(loop_now(source->env->loop), source->looked);
    loop_timer_start(source->timer, span_us(source->config->interval.us - passed.us));
}

static void on_timer(void *aux)
{
    struct ovs_events *source = aux;
    source->looked = loop_now(source->env->loop);
    source->looks++;
    fdb_reader_read(source->reader);
}

static void stop(void *state)
{
    struct ovs_events *source = state;
    loop_timer_free(source->timer);
    fdb_reader_free(source->reader);
    fdb_follow_free(source->follow);
    source->timer = NULL;
    source->reader = NULL;
    source->follow = NULL;
}

static int start(void *state, struct event_feed *feed, struct err *err)
{
    struct ovs_events *source = state;
    const struct ovs_config *config = source->config;
    const struct fdb_reader_option settings[] = {{"switch", config->switch_name, NULL},
                                                 {"bridge", config->bridge, NULL},
                                                 {"hypervisor", config->hypervisor, NULL},
                                                 {"socket", config->socket, NULL},
                                                 {"database", config->database, NULL},
                                                 {"uplinks", NULL, &config->uplinks},
                                                 {NULL, NULL, NULL}};
    source->feed = feed;
    int code =
        fdb_reader_new(source->env, &observed_ovs, settings, on_look, source, &source->reader, err);
    if (code != 0)
        return err_prefix(err, "%s: following Open vSwitch", config->switch_name);
    source->follow = fdb_follow_new(&(struct fdb_follow_settings){
        .feed = feed, .switch_name = config->switch_name, .refresh = config->refresh});
    source->timer = loop_timer_new(source->env->loop, on_timer, source);
    loop_timer_start(source->timer, span_us(0));
    return 0;
}

static int construct(void *state, const void *config, struct env *env, struct err *err)
{
    struct ovs_events *source = state;
    *source = (struct ovs_events){.config = config, .env = env};
    return 0;
}

static void destruct(void *state)
{
}

static void status(void *state, struct source_status *ret)
{
    const struct ovs_events *source = state;
    ret->counters[0] = (struct source_counter){"looks", source->looks, false};
    ret->counters[1] = (struct source_counter){"failed_looks", source->failed_looks, true};
    ret->count = 2;
    if (source->follow != NULL)
        fdb_follow_status(source->follow, ret);
}

const struct event_source_class event_ovs = {
    .plug = {.type = "ovs",
             .summary = "The Open vSwitch bridges of this host, compared with themselves each "
                        "second.",
             .options = options,
             .state_size = sizeof(struct ovs_events),
             .config_size = sizeof(struct ovs_config),
             .construct = construct,
             .destruct = destruct},
    .start = start,
    .stop = stop,
    .status = status,
};
