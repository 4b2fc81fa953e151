/* SPDX-License-Identifier: Apache-2.0 */
#include "source/linux_bridge.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "io/loop.h"
#include "source/linux_bridge_table.h"
#include "wire/rtnl_fdb.h"

enum {
    ATTEMPTS = 3,                   /* readings of a table that changes under us */
    READS_A_TURN = 4,               /* messages taken before others get the loop */
    MESSAGE_BYTES = 64 * 1024,      /* the kernel's own limit of one dump message is 32 KiB */
    SOCKET_BYTES = 4 * 1024 * 1024, /* receive buffer */
    ANSWER_SECONDS = 10
};

struct linux_bridge_config {
    char *bridge, *switch_name, *site, *hypervisor;
    struct option_list uplinks;
};

static const struct config_option options[] = {
    {.name = "switch",
     .type = OPTION_TEXT,
     .offset = offsetof(struct linux_bridge_config, switch_name),
     .required = true,
     .help = "Name of this forward table in reports and records."},
    {.name = "bridge",
     .type = OPTION_TEXT,
     .offset = offsetof(struct linux_bridge_config, bridge),
     .default_text = "all",
     .help = "Name of the bridge, or \"all\" for every bridge of this host."},
    {.name = "hypervisor",
     .type = OPTION_TEXT,
     .offset = offsetof(struct linux_bridge_config, hypervisor),
     .help = "The hypervisor whose guests are behind the ports, as the records call it."},
    {.name = "site",
     .type = OPTION_TEXT,
     .offset = offsetof(struct linux_bridge_config, site),
     .default_text = "default",
     .help = "Site of the bridge domain."},
    {.name = "uplinks",
     .type = OPTION_TEXT_LIST,
     .offset = offsetof(struct linux_bridge_config, uplinks),
     .help = "Ports that lead out of the host; without it, network cards, bonds, VLAN devices and "
             "tunnels are taken to."},
    {.name = NULL},
};

struct linux_bridge {
    const struct linux_bridge_config *config;
    struct env *env;
    struct fetch *fetch; /* NULL: idle */
};

enum phase { PHASE_LINKS, PHASE_ENTRIES };

struct fetch {
    struct linux_bridge *source;
    struct observed_job *job;
    struct linux_bridge_reading reading;
    struct mac only;
    enum phase phase;
    unsigned attempt;
    uint32_t sequence;
    bool interrupted;
    struct mnl_socket *socket;
    struct loop_watch *watch;
    struct loop_timer *timer;
    uint8_t buffer[MESSAGE_BYTES];
};

static void fetch_free(struct fetch *fetch)
{
    loop_timer_free(fetch->timer);
    loop_watch_free(fetch->watch);
    if (fetch->socket != NULL)
        mnl_socket_close(fetch->socket);
    linux_bridge_reading_done(&fetch->reading);
    fetch->source->fetch = NULL;
    free(fetch);
}

static void end_with_error(struct fetch *fetch, struct err *err)
{
    struct observed_job *job = fetch->job;
    err_prefix(err, "reading the bridges of this host for %s", fetch->source->config->switch_name);
    fetch_free(fetch);
    observed_job_done(job, NULL, err);
}

static void end_with_table(struct fetch *fetch)
{
    const struct linux_bridge *source = fetch->source;
    const struct linux_bridge_choice choice = {.switch_name = source->config->switch_name,
                                               .site = source->config->site,
                                               .hypervisor = source->config->hypervisor,
                                               .bridge = source->config->bridge,
                                               .uplinks = &source->config->uplinks,
                                               .only = fetch->only};
    struct forward_table *table = NULL;
    struct observed_job *job = fetch->job;
    struct err err;
    fetch->reading.torn = fetch->interrupted;
    fetch->reading.ended = source->env->now(source->env->clock);
    if (linux_bridge_table_new(&fetch->reading, &choice, &table, &err) != 0) {
        end_with_error(fetch, &err);
        return;
    }
    fetch_free(fetch);
    observed_job_done(job, &table, NULL);
}

/* --- the dumps --- */

/* The if_index of the one bridge that is wanted, 0 for all of them. */
static uint32_t wanted_bridge(const struct fetch *fetch)
{
    for (size_t i = 0; i < fetch->reading.link_count; i++) {
        const struct rtnl_link *link = &fetch->reading.links[i];
        if (strcmp(link->name, fetch->source->config->bridge) == 0)
            return link->if_index;
    }
    return 0;
}

static int send_request(struct fetch *fetch, struct err *err)
{
    uint8_t request[RTNL_REQUEST_SIZE];
    fetch->sequence++;
    size_t length = fetch->phase == PHASE_LINKS
                        ? rtnl_request_links(request, fetch->sequence)
                        : rtnl_request_entries(request, fetch->sequence, wanted_bridge(fetch));
    if (mnl_socket_sendto(fetch->socket, request, length) < 0)
        return err_set_errno(err, errno, "asking the kernel");
    fetch->reading.asked++;
    return 0;
}

static int open_socket(struct fetch *fetch, struct err *err)
{
    int one = 1, bytes = SOCKET_BYTES;
    fetch->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fetch->socket == NULL)
        return err_set_errno(err, errno, "opening a netlink socket");
    if (mnl_socket_bind(fetch->socket, 0, MNL_SOCKET_AUTOPID) < 0)
        return err_set_errno(err, errno, "binding a netlink socket");
    /* Both are improvements that an old kernel may refuse: the filter is repeated here, and an
     * overflow is noticed and read again. */
    (void)mnl_socket_setsockopt(fetch->socket, NETLINK_GET_STRICT_CHK, &one, sizeof one);
    (void)setsockopt(mnl_socket_get_fd(fetch->socket), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    return 0;
}

static void on_ready(void *aux, int fd, unsigned events);

/* Starts to read from the beginning, on a fresh socket: nothing of an abandoned
 * dump can arrive on it. */
static int start_attempt(struct fetch *fetch, struct err *err)
{
    loop_watch_free(fetch->watch);
    fetch->watch = NULL;
    if (fetch->socket != NULL)
        mnl_socket_close(fetch->socket);
    fetch->socket = NULL;
    linux_bridge_reading_clear(&fetch->reading);
    fetch->phase = PHASE_LINKS;
    fetch->interrupted = false;
    fetch->attempt++;
    int code = open_socket(fetch, err);
    if (code != 0)
        return code;
    fetch->watch = loop_watch_new(fetch->source->env->loop, mnl_socket_get_fd(fetch->socket),
                                  LOOP_READ, on_ready, fetch, err);
    if (fetch->watch == NULL)
        return err->code;
    return send_request(fetch, err);
}

/* Reads again after a torn dump. Returns false when the attempts are used up. */
static bool try_again(struct fetch *fetch)
{
    struct err err;
    if (fetch->attempt >= ATTEMPTS)
        return false;
    if (start_attempt(fetch, &err) != 0)
        end_with_error(fetch, &err);
    return true;
}

/* Ends a phase. Returns whether the fetch goes on with the same socket. */
static bool end_phase(struct fetch *fetch)
{
    struct err err;
    fetch->reading.answered++;
    if (fetch->interrupted && try_again(fetch))
        return false;
    if (fetch->phase == PHASE_ENTRIES) {
        end_with_table(fetch);
        return false;
    }
    fetch->phase = PHASE_ENTRIES;
    if (send_request(fetch, &err) == 0)
        return true;
    end_with_error(fetch, &err);
    return false;
}

static bool refuse(struct fetch *fetch, enum err_code code, const char *why)
{
    struct err err;
    err_set(&err, code, "%s", why);
    end_with_error(fetch, &err);
    return false;
}

/* Takes one message of the kernel's. Returns whether the fetch goes on. */
static bool take_message(struct fetch *fetch, const struct rtnl_message *message)
{
    if (message->what == RTNL_MALFORMED)
        return refuse(fetch, ERR_PROTOCOL, "the kernel's answer cannot be read");
    if (message->sequence != fetch->sequence)
        return true;
    fetch->interrupted |= message->interrupted;
    switch (message->what) {
    case RTNL_LINK:
    case RTNL_ENTRY:
        if (linux_bridge_reading_add(&fetch->reading, message) != 0)
            return refuse(fetch, ERR_LIMIT, "more devices or entries than limits.h allows");
        return true;
    case RTNL_ERROR:
    case RTNL_DONE:
        if (message->error != 0)
            return refuse(fetch, ERR_SYSTEM, strerror(message->error));
        return end_phase(fetch);
    case RTNL_GONE:
    case RTNL_OTHER:
    case RTNL_MALFORMED:
        break;
    }
    return true;
}

/* Returns whether the fetch goes on with this buffer's rest and this socket. */
static bool take_bytes(struct fetch *fetch, size_t length)
{
    const uint8_t *at = fetch->buffer;
    struct rtnl_message message;
    while (rtnl_next(&at, &length, &message)) {
        if (!take_message(fetch, &message))
            return false;
    }
    return true;
}

static void on_ready(void *aux, int fd, unsigned events)
{
    struct fetch *fetch = aux;
    for (int i = 0; i < READS_A_TURN; i++) {
        ssize_t length = recv(fd, fetch->buffer, sizeof fetch->buffer, MSG_TRUNC);
        if (length < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (length < 0 || (size_t)length > sizeof fetch->buffer) {
            struct err err;
            bool overflow = length >= 0 || errno == ENOBUFS;
            if (overflow && try_again(fetch))
                return;
            err_set_errno(&err, overflow ? ENOBUFS : errno, "reading the kernel's answer");
            end_with_error(fetch, &err);
            return;
        }
        if (!take_bytes(fetch, (size_t)length))
            return;
    }
    observed_job_progress(fetch->job, fetch->reading.entry_count);
}

static void on_timeout(void *aux)
{
    refuse(aux, ERR_TIMEOUT, "the kernel did not answer");
}

/* --- the plug-in --- */

static int construct(void *state, const void *config, struct env *env, struct err *err)
{
    struct linux_bridge *source = state;
    source->config = config;
    source->env = env;
    return 0;
}

static void destruct(void *state)
{
    struct linux_bridge *source = state;
    if (source->fetch != NULL)
        fetch_free(source->fetch);
}

static int start(struct linux_bridge *source, struct mac only, struct observed_job *job,
                 struct err *err)
{
    CHECK(source->fetch == NULL);
    struct fetch *fetch = alloc_zeroed(1, sizeof *fetch);
    fetch->source = source;
    fetch->job = job;
    fetch->only = only;
    fetch->reading.started = source->env->now(source->env->clock);
    source->fetch = fetch;
    if (start_attempt(fetch, err) != 0) {
        err_prefix(err, "reading the bridges of this host for %s", source->config->switch_name);
        fetch_free(fetch);
        return err != NULL ? (int)err->code : ERR_SYSTEM;
    }
    fetch->timer = loop_timer_new(source->env->loop, on_timeout, fetch);
    loop_timer_start(fetch->timer, span_seconds(ANSWER_SECONDS));
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
    struct linux_bridge *source = state;
    if (source->fetch != NULL && source->fetch->job == job)
        fetch_free(source->fetch);
}

const struct observed_source_class observed_linux_bridge = {
    .plug = {.type = "linux_bridge",
             .summary = "the bridges of this host, by rtnetlink, with the age of each entry",
             .options = options,
             .state_size = sizeof(struct linux_bridge),
             .config_size = sizeof(struct linux_bridge_config),
             .construct = construct,
             .destruct = destruct},
    .fetch = fetch_table,
    .cancel = cancel,
    .probe = probe,
};
