/* SPDX-License-Identifier: Apache-2.0 */
#include "source/linux_bridge_events.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "base/map.h"
#include "io/loop.h"
#include "source/fdb_follow.h"
#include "source/fdb_reader.h"
#include "source/linux_bridge.h"
#include "wire/rtnl_fdb.h"

enum {
    READS_A_TURN = 256, /* one notification each */
    MESSAGE_BYTES = 32 * 1024,
    SOCKET_BYTES = 8 * 1024 * 1024,
    LOOK_GAP_US = 1000 * 1000 /* least time between two whole reads */
};

struct bridge_config {
    char *bridge, *switch_name, *hypervisor;
    struct option_list uplinks;
    struct span refresh;
};

static const struct config_option options[] = {
    {.name = "switch",
     .type = OPTION_TEXT,
     .offset = offsetof(struct bridge_config, switch_name),
     .required = true,
     .help = "Name of the forward table, the same as of its observed source."},
    {.name = "bridge",
     .type = OPTION_TEXT,
     .offset = offsetof(struct bridge_config, bridge),
     .default_text = "all",
     .help = "Name of the bridge, or \"all\" for every bridge of this host."},
    {.name = "hypervisor",
     .type = OPTION_TEXT,
     .offset = offsetof(struct bridge_config, hypervisor),
     .help = "The hypervisor whose guests are behind the ports, as the records call it."},
    {.name = "uplinks",
     .type = OPTION_TEXT_LIST,
     .offset = offsetof(struct bridge_config, uplinks),
     .help = "Ports that lead out of the host; without it, network cards, bonds, VLAN devices and "
             "tunnels are taken to."},
    {.name = "refresh",
     .type = OPTION_SPAN,
     .offset = offsetof(struct bridge_config, refresh),
     .default_text = "60s",
     .low = 1000000,
     .high = INT64_C(3600000000),
     .help = "How often the whole table is read to learn who is still heard."},
    {.name = NULL},
};

struct bridge_events {
    const struct bridge_config *config;
    struct env *env;
    /* while started */
    struct event_feed *feed;
    struct fdb_reader *reader;
    struct fdb_follow *follow;
    struct mnl_socket *socket;
    struct loop_watch *watch;
    struct loop_timer *timer;
    struct forward_table *table; /* the last whole look; its ports */
    struct map ports;            /* if_index -> index in it */
    unsigned chosen;             /* if_index of the one bridge; 0: all */
    struct mono looked;          /* when it began */
    bool stale;                  /* another look is wanted */
    bool overflowed;             /* what waits in the socket has gaps */
    uint64_t overflows, messages, looks, failed_looks, unknown_ports;
    uint8_t buffer[MESSAGE_BYTES];
};

static struct wall now_of(const struct bridge_events *source)
{
    return source->env->now(source->env->clock);
}

/* --- whole looks --- */

static void on_ready(void *aux, int fd, unsigned events);

static void close_socket(struct bridge_events *source)
{
    loop_watch_free(source->watch);
    if (source->socket != NULL)
        mnl_socket_close(source->socket);
    source->watch = NULL;
    source->socket = NULL;
}

static int open_socket(struct bridge_events *source, struct err *err)
{
    int bytes = SOCKET_BYTES, group = RTNLGRP_NEIGH;
    source->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (source->socket == NULL)
        return err_set_errno(err, errno, "opening a netlink socket");
    int fd = mnl_socket_get_fd(source->socket);
    /* Forcing needs a capability; without it the system's limit holds. */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    if (mnl_socket_bind(source->socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
        mnl_socket_setsockopt(source->socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
        return err_set_errno(err, errno, "joining the kernel's neighbour group");
    source->watch = loop_watch_new(source->env->loop, fd, LOOP_READ, on_ready, source, err);
    return source->watch != NULL ? 0 : ERR_SYSTEM;
}

/* Ends this source, which the core starts again later. */
static void give_up(struct bridge_events *source, struct err *err)
{
    err_prefix(err, "%s: hearing of the bridges of this host", source->config->switch_name);
    event_feed_failed(source->feed, err);
}

static void look(struct bridge_events *source)
{
    struct err err;
    if (source->overflowed) {
        /* What waits is older than the look, and with its gaps would contradict it. */
        close_socket(source);
        if (open_socket(source, &err) != 0) {
            give_up(source, &err);
            return;
        }
    }
    source->overflowed = false;
    source->stale = false;
    source->looked = loop_now(source->env->loop);
    source->looks++;
    loop_watch_set(source->watch, 0);
    fdb_reader_read(source->reader);
}

/* Sets the timer to the next look: soon when one is wanted, else after `refresh`. */
static void plan(struct bridge_events *source)
{
    struct span passed = mono_since(loop_now(source->env->loop), source->looked);
    int64_t wanted = source->stale ? LOOK_GAP_US : source->config->refresh.us;
    loop_timer_start(source->timer, span_us(wanted - passed.us));
}

static void on_timer(void *aux)
{
    struct bridge_events *source = aux;
    if (!fdb_reader_busy(source->reader))
        look(source);
}

/* Something was not heard, or not understood: look at everything. */
static void want_look(struct bridge_events *source)
{
    if (source->stale)
        return;
    source->stale = true;
    plan(source);
}

static void index_ports(struct bridge_events *source)
{
    map_done(&source->ports);
    for (size_t i = 0; i < source->table->port_count; i++)
        map_put(&source->ports, source->table->ports[i].if_index, (uint32_t)i);
    source->chosen =
        strcmp(source->config->bridge, "all") != 0 ? if_nametoindex(source->config->bridge) : 0;
}

static void on_look(void *aux, struct forward_table *table, const struct err *err)
{
    struct bridge_events *source = aux;
    if (table != NULL) {
        forward_table_free(source->table);
        source->table = table;
        index_ports(source);
        fdb_follow_table(source->follow, table, now_of(source));
    } else {
        source->failed_looks++;
        if (fdb_reader_lost(source->reader)) {
            event_feed_failed(source->feed, err);
            return;
        }
        source->stale = true;
    }
    loop_watch_set(source->watch, LOOP_READ);
    plan(source);
}

/* --- what the kernel tells --- */

/* Fills in where an entry is; false when it is of no interest, or not known yet. */
static bool find_place(struct bridge_events *source, const struct rtnl_entry *entry,
                       struct fdb_place *ret)
{
    if (mac_is_multicast(entry->mac) || entry->master == 0 || entry->state == RTNL_SELF ||
        (source->chosen != 0 && entry->master != source->chosen) || source->table == NULL)
        return false;
    uint32_t at = map_find(&source->ports, entry->if_index);
    if (at == MAP_NO_VALUE || source->table->ports[at].bridge != entry->master) {
        source->unknown_ports += entry->state == RTNL_LEARNED;
        if (entry->state == RTNL_LEARNED && entry->if_index != entry->master)
            want_look(source);
        return false;
    }
    const struct forward_port *port = &source->table->ports[at];
    *ret = (struct fdb_place){.mac = entry->mac,
                              .vlan = (uint16_t)entry->vlan,
                              .bridge = port->bridge,
                              .port = names_get(source->table->names, port->name),
                              .uplink = port->uplink || port->tunnel};
    return true;
}

static void take(struct bridge_events *source, const struct rtnl_message *message, struct wall now)
{
    struct fdb_place place;
    if (message->what != RTNL_ENTRY && message->what != RTNL_GONE)
        return;
    source->messages++;
    if (!find_place(source, &message->entry, &place))
        return;
    if (message->what == RTNL_ENTRY && message->entry.state == RTNL_LEARNED)
        fdb_follow_seen(source->follow, &place, now);
    else
        fdb_follow_gone(source->follow, &place, message->entry.state == RTNL_EXPIRED, now);
}

static void take_bytes(struct bridge_events *source, size_t length, struct wall now)
{
    const uint8_t *at = source->buffer;
    struct rtnl_message message;
    while (rtnl_next(&at, &length, &message))
        take(source, &message, now);
}

static void on_ready(void *aux, int fd, unsigned events)
{
    struct bridge_events *source = aux;
    struct wall now = now_of(source);
    for (int i = 0; i < READS_A_TURN; i++) {
        ssize_t length = recv(fd, source->buffer, sizeof(source->buffer), MSG_TRUNC);
        if (length < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (length >= 0 && (size_t)length <= sizeof(source->buffer)) {
            take_bytes(source, (size_t)length, now);
            continue;
        }
        if (length < 0 && errno != ENOBUFS) {
            struct err err;
            err_set_errno(&err, errno, "reading the kernel's messages");
            give_up(source, &err);
            return;
        }
        source->overflows++;
        source->overflowed = true;
        loop_watch_set(source->watch, 0);
        want_look(source);
        break;
    }
    fdb_follow_end(source->follow, now);
}

/* --- the plug-in --- */

static int open_reader(struct bridge_events *source, struct err *err)
{
    const struct bridge_config *config = source->config;
    const struct fdb_reader_option settings[] = {{"switch", config->switch_name, NULL},
                                                 {"bridge", config->bridge, NULL},
                                                 {"hypervisor", config->hypervisor, NULL},
                                                 {"uplinks", NULL, &config->uplinks},
                                                 {NULL, NULL, NULL}};
    return fdb_reader_new(source->env, &observed_linux_bridge, settings, on_look, source,
                          &source->reader, err);
}

static void stop(void *state)
{
    struct bridge_events *source = state;
    loop_timer_free(source->timer);
    close_socket(source);
    fdb_reader_free(source->reader);
    fdb_follow_free(source->follow);
    forward_table_free(source->table);
    map_done(&source->ports);
    source->timer = NULL;
    source->reader = NULL;
    source->follow = NULL;
    source->table = NULL;
    source->stale = source->overflowed = false;
}

static int start(void *state, struct event_feed *feed, struct err *err)
{
    struct bridge_events *source = state;
    source->feed = feed;
    source->follow =
        fdb_follow_new(&(struct fdb_follow_settings){.feed = feed,
                                                     .switch_name = source->config->switch_name,
                                                     .refresh = source->config->refresh});
    source->timer = loop_timer_new(source->env->loop, on_timer, source);
    int code = open_reader(source, err);
    if (code == 0)
        code = open_socket(source, err);
    if (code != 0) {
        err_prefix(err, "%s: hearing of the bridges of this host", source->config->switch_name);
        stop(source);
        return code;
    }
    /* From the loop: a look that fails at once may end this source. */
    loop_watch_set(source->watch, 0);
    loop_timer_start(source->timer, span_us(0));
    return 0;
}

static int construct(void *state, const void *config, struct env *env, struct err *err)
{
    struct bridge_events *source = state;
    memset(source, 0, sizeof(*source));
    source->config = config;
    source->env = env;
    source->ports = MAP_EMPTY;
    return 0;
}

static void destruct(void *state)
{
}

static void status(void *state, struct source_status *ret)
{
    const struct bridge_events *source = state;
    const struct source_counter counters[] = {{"messages", source->messages, false},
                                              {"looks", source->looks, false},
                                              {"failed_looks", source->failed_looks, true},
                                              {"overflows", source->overflows, true},
                                              {"unknown_ports", source->unknown_ports, false}};
    memcpy(ret->counters, counters, sizeof(counters));
    ret->count = sizeof(counters) / sizeof(counters[0]);
    if (source->follow != NULL)
        fdb_follow_status(source->follow, ret);
}

const struct event_source_class event_linux_bridge = {
    .plug = {.type = "linux_bridge",
             .summary = "The bridges of this host, told by the kernel as they change.",
             .options = options,
             .state_size = sizeof(struct bridge_events),
             .config_size = sizeof(struct bridge_config),
             .construct = construct,
             .destruct = destruct},
    .start = start,
    .stop = stop,
    .status = status,
};
