/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/server.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/map.h"
#include "sim/delay_queue.h"
#include "sim/random.h"

enum {
    BATCH = 64,
    REPLY_SIZE = LIMIT_SNMP_MESSAGE + SNMP_HEADROOM + SNMP_TAILROOM,
    SOCKET_BUFFER = 4 * 1024 * 1024,
    CONTROL_SIZE = 256 /* of a control message: room for one in_pktinfo */
};

struct port_socket {
    int fd;
    uint16_t port;
};

struct sim_server {
    struct sim_agent **agents;
    size_t agent_count, agent_capacity;
    struct map by_place; /* address << 16 | port */
    struct port_socket *sockets;
    size_t socket_count, socket_capacity;
    int control;
    char *control_path;
    pid_t serving; /* the process that runs the loop: the file is its own */
    int (*hook)(void *state, char *line, struct text *reply, struct err *err);
    void *hook_state;
    void (*tick)(void *state); /* NULL: none */
    void *tick_state;
    struct span tick_period;
    int64_t next_tick;
    struct usm_crypto *crypto;
    struct delay_queue delayed;
    struct sim_random random; /* which answers get lost */
    bool stop;
    struct incoming *in;
    struct outgoing *out;
};

/* BATCH datagrams on their way in. */
struct incoming {
    struct mmsghdr messages[BATCH];
    struct iovec data[BATCH];
    struct sockaddr_in from[BATCH];
    _Alignas(struct cmsghdr) char control[BATCH][CONTROL_SIZE];
    uint8_t bytes[BATCH][LIMIT_SNMP_MESSAGE];
};

/* At most BATCH datagrams of one socket on their way out. */
struct outgoing {
    int fd;
    unsigned count;
    struct mmsghdr messages[BATCH];
    struct iovec data[BATCH];
    struct sockaddr_in to[BATCH];
    _Alignas(struct cmsghdr) char control[BATCH][CMSG_SPACE(sizeof(struct in_pktinfo))];
    uint8_t *waited[BATCH]; /* to be freed when sent; NULL */
    uint8_t bytes[BATCH][REPLY_SIZE];
};

struct sim_server *sim_server_new(void)
{
    struct sim_server *server = alloc_zeroed(1, sizeof(*server));
    server->control = -1;
    server->crypto = usm_crypto_new();
    server->random = sim_random_start(1);
    server->in = alloc_array(1, sizeof(*server->in));
    server->out = alloc_zeroed(1, sizeof(*server->out));
    delay_queue_init(&server->delayed, SIM_SERVER_DELAYED_MAX);
    return server;
}

void sim_server_free(struct sim_server *server)
{
    if (!server)
        return;
    for (size_t i = 0; i < server->agent_count; i++)
        sim_agent_free(server->agents[i]);
    for (size_t i = 0; i < server->socket_count; i++)
        close(server->sockets[i].fd);
    if (server->control >= 0) {
        close(server->control);
        if (server->serving == 0 || server->serving == getpid())
            unlink(server->control_path);
    }
    delay_queue_done(&server->delayed);
    map_done(&server->by_place);
    usm_crypto_free(server->crypto);
    free(server->control_path);
    free(server->agents);
    free(server->sockets);
    free(server->in);
    free(server->out);
    free(server);
}

/* --- opening --- */

static uint64_t place_key(uint32_t address, uint16_t port)
{
    return (uint64_t)address << 16 | port;
}

/* Device binding is unprivileged since Linux 5.7; where it is refused the check
 * of destination addresses alone must do. */
static int open_port(uint16_t port, struct err *err)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_set_errno(err, errno, "opening a socket for port %u", port);
    int on = 1, size = SOCKET_BUFFER;
    if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) != 0 && errno != EPERM) {
        int error = err_set_errno(err, errno, "binding port %u to the device lo", port);
        close(fd);
        return error;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    /* the loopback's packets are never cut, and need no number to be put together by */
    int whole = IP_PMTUDISC_DO;
    setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &whole, sizeof(whole));
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) != 0 ||
        bind(fd, (struct sockaddr *)&any, sizeof(any)) != 0) {
        int error = err_set_errno(err, errno, "port %u", port);
        close(fd);
        return error;
    }
    return fd;
}

static int need_port(struct sim_server *server, uint16_t port, struct err *err)
{
    for (size_t i = 0; i < server->socket_count; i++)
        if (server->sockets[i].port == port)
            return 0;
    int fd = open_port(port, err);
    if (fd < 0)
        return fd;
    server->sockets = alloc_grow(server->sockets, server->socket_count, &server->socket_capacity,
                                 sizeof(server->sockets[0]));
    server->sockets[server->socket_count++] = (struct port_socket){fd, port};
    return 0;
}

int sim_server_add(struct sim_server *server, struct sim_agent *take, uint32_t address,
                   uint16_t port, struct err *err)
{
    int error = 0;
    if (address >> 24 != 127 || port == 0)
        error = err_set(err, ERR_RANGE, "agent %s: simulated agents live in 127.0.0.0/8",
                        sim_agent_name(take));
    else if (map_find(&server->by_place, place_key(address, port)) != MAP_NO_VALUE)
        error = err_set(err, ERR_RANGE, "agent %s: its address and port are another agent's",
                        sim_agent_name(take));
    else
        error = need_port(server, port, err);
    if (error) {
        sim_agent_free(take);
        return error;
    }
    server->agents = alloc_grow(server->agents, server->agent_count, &server->agent_capacity,
                                sizeof(server->agents[0]));
    map_put(&server->by_place, place_key(address, port), (uint32_t)server->agent_count);
    server->agents[server->agent_count++] = take;
    return 0;
}

struct sim_agent *sim_server_find(struct sim_server *server, const char *name)
{
    for (size_t i = 0; i < server->agent_count; i++)
        if (strcmp(sim_agent_name(server->agents[i]), name) == 0)
            return server->agents[i];
    return NULL;
}

/* Binds the socket; only its owner may use the file. */
static int bind_private(int fd, const struct sockaddr_un *address)
{
    mode_t before = umask(0077);
    int bound = bind(fd, (const struct sockaddr *)address, sizeof(*address));
    umask(before);
    return bound;
}

/* Removes the file of a simulator that was killed: a socket that refuses. */
static bool remove_stale(const struct sockaddr_un *address)
{
    struct stat status;
    if (lstat(address->sun_path, &status) != 0 || !S_ISSOCK(status.st_mode))
        return false;
    int probe = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return false;
    bool stale = connect(probe, (const struct sockaddr *)address, sizeof(*address)) != 0 &&
                 errno == ECONNREFUSED;
    close(probe);
    return stale && unlink(address->sun_path) == 0;
}

int sim_server_control(struct sim_server *server, const char *path, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path))
        return err_set(err, ERR_RANGE, "control socket %s: the path is too long", path);
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_set_errno(err, errno, "control socket %s", path);
    int bound = bind_private(fd, &address), saved = errno;
    if (bound != 0 && saved == EADDRINUSE && remove_stale(&address)) {
        bound = bind_private(fd, &address);
        saved = errno;
    }
    if (bound != 0) {
        close(fd);
        return err_set_errno(err, saved, "control socket %s", path);
    }
    server->control = fd;
    server->control_path = alloc_text(path);
    return 0;
}

void sim_server_hook(struct sim_server *server,
                     int (*command)(void *state, char *line, struct text *reply, struct err *err),
                     void *state)
{
    server->hook = command;
    server->hook_state = state;
}

void sim_server_tick(struct sim_server *server, struct span period, void (*tick)(void *state),
                     void *state)
{
    server->tick = tick;
    server->tick_state = state;
    server->tick_period = period;
    server->next_tick = 0;
}

/* --- commands --- */

static int command_fault(struct sim_server *server, char *rest, struct text *reply, struct err *err)
{
    char *save = NULL, *name = strtok_r(rest, " \t\r\n", &save);
    if (!name)
        return err_set(err, ERR_SYNTAX, "fault: an agent's name or * was expected");
    struct sim_agent *only = strcmp(name, "*") == 0 ? NULL : sim_server_find(server, name);
    if (!only && strcmp(name, "*") != 0)
        return err_set(err, ERR_NOT_FOUND, "no agent is called %s", name);
    for (char *word; (word = strtok_r(NULL, " \t\r\n", &save));) {
        for (size_t i = 0; i < server->agent_count; i++) {
            if (only && server->agents[i] != only)
                continue;
            int error = sim_faults_apply(sim_agent_faults(server->agents[i]), word, err);
            if (error)
                return error;
        }
    }
    if (only)
        sim_faults_print(sim_agent_faults(only), reply);
    return 0;
}

static void command_faults(struct sim_server *server, struct text *reply)
{
    for (size_t i = 0; i < server->agent_count; i++) {
        text_printf(reply, "%s: ", sim_agent_name(server->agents[i]));
        sim_faults_print(sim_agent_faults(server->agents[i]), reply);
        text_add_char(reply, '\n');
    }
}

int sim_server_command(struct sim_server *server, char *line, struct text *reply, struct err *err)
{
    line[strcspn(line, "\r\n")] = 0;
    if (strncmp(line, "fault ", 6) == 0)
        return command_fault(server, line + 6, reply, err);
    if (strcmp(line, "faults") == 0) {
        command_faults(server, reply);
        return 0;
    }
    if (strcmp(line, "stop") == 0) {
        server->stop = true;
        return 0;
    }
    if (server->hook)
        return server->hook(server->hook_state, line, reply, err);
    return err_set(err, ERR_SYNTAX, "no command is called \"%.40s\"", line);
}

static void serve_control(struct sim_server *server)
{
    char line[SIM_SERVER_COMMAND_SIZE];
    struct sockaddr_un from;
    socklen_t from_length = sizeof(from);
    ssize_t length = recvfrom(server->control, line, sizeof(line) - 1, 0, (struct sockaddr *)&from,
                              &from_length);
    if (length < 0)
        return;
    line[length] = 0;
    AUTO_TEXT struct text reply = TEXT_EMPTY;
    struct err err = {0};
    text_add(&reply, "ok ");
    if (sim_server_command(server, line, &reply, &err) != 0) {
        text_clear(&reply);
        text_printf(&reply, "error %s", err.text);
    }
    server->next_tick = 0;
    size_t kept = reply.length < SIM_SERVER_COMMAND_SIZE ? reply.length : SIM_SERVER_COMMAND_SIZE;
    if (from_length > sizeof(from.sun_family))
        sendto(server->control, text_get(&reply), kept, 0, (struct sockaddr *)&from, from_length);
}

/* --- datagrams --- */

static int64_t mono_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static struct wall wall_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (struct wall){(int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000};
}

/* Sends what is collected. A full socket buffer loses an answer, as a device
 * would lose it. */
static void flush(struct outgoing *out)
{
    for (unsigned sent = 0; sent < out->count;) {
        int done = sendmmsg(out->fd, out->messages + sent, out->count - sent, MSG_DONTWAIT);
        sent += done > 0 ? (unsigned)done : 1;
    }
    for (unsigned i = 0; i < out->count; i++) {
        free(out->waited[i]);
        out->waited[i] = NULL;
    }
    out->count = 0;
}

/* Collects one datagram; `bytes` stay the caller's until it is flushed. */
static void collect(struct outgoing *out, int fd, const struct sockaddr_in *to, struct in_addr from,
                    uint8_t *bytes, size_t length)
{
    unsigned i = out->count++;
    struct msghdr *message = &out->messages[i].msg_hdr;
    out->fd = fd;
    out->to[i] = *to;
    out->data[i] = (struct iovec){bytes, length};
    *message = (struct msghdr){.msg_name = &out->to[i],
                               .msg_namelen = sizeof(out->to[i]),
                               .msg_iov = &out->data[i],
                               .msg_iovlen = 1,
                               .msg_control = out->control[i],
                               .msg_controllen = sizeof(out->control[i])};
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    header->cmsg_level = IPPROTO_IP;
    header->cmsg_type = IP_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
    struct in_pktinfo info = {.ipi_spec_dst = from};
    memcpy(CMSG_DATA(header), &info, sizeof(info));
}

/* Sends one answer of one agent, at once or later, once, twice or not at all. */
static void send_answer(struct sim_server *server, const struct sim_faults *faults,
                        const struct port_socket *socket, const struct sockaddr_in *to,
                        struct in_addr from, size_t length)
{
    struct outgoing *out = server->out;
    uint8_t *bytes = out->bytes[out->count];
    bool at_once = false;
    for (int copies = faults->duplicate ? 2 : 1; copies > 0; copies--) {
        if (faults->loss > 0 && sim_random_below(&server->random, 1000) < faults->loss)
            continue;
        if (faults->delay.us == 0) {
            at_once = true;
            continue;
        }
        struct delayed later = {.due = mono_us() + faults->delay.us,
                                .to = *to,
                                .from = from,
                                .fd = socket->fd,
                                .bytes = bytes,
                                .length = length};
        delay_queue_put(&server->delayed, &later);
    }
    if (!at_once)
        return;
    collect(out, socket->fd, to, from, bytes, length);
    if (faults->duplicate && out->count < BATCH)
        collect(out, socket->fd, to, from, bytes, length);
    if (out->count == BATCH)
        flush(out);
}

static bool destination(struct msghdr *message, struct in_addr *ret)
{
    for (struct cmsghdr *h = CMSG_FIRSTHDR(message); h; h = CMSG_NXTHDR(message, h)) {
        if (h->cmsg_level != IPPROTO_IP || h->cmsg_type != IP_PKTINFO)
            continue;
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(h), sizeof(info));
        *ret = info.ipi_addr;
        return true;
    }
    return false;
}

static void serve_one(struct sim_server *server, const struct port_socket *socket,
                      struct msghdr *message, size_t length, struct wall now)
{
    struct in_addr to;
    if (!destination(message, &to))
        return;
    uint32_t index = map_find(&server->by_place, place_key(ntohl(to.s_addr), socket->port));
    if (index == MAP_NO_VALUE)
        return;
    struct sim_agent *agent = server->agents[index];
    struct outgoing *out = server->out;
    size_t reply = sim_agent_answer(agent, server->crypto, message->msg_iov->iov_base, length, now,
                                    out->bytes[out->count], REPLY_SIZE);
    if (reply > 0)
        send_answer(server, sim_agent_faults(agent), socket, message->msg_name, to, reply);
}

/* Takes one batch and lets other sockets have their turn then. */
static void serve_socket(struct sim_server *server, const struct port_socket *socket)
{
    struct incoming *in = server->in;
    for (int i = 0; i < BATCH; i++) {
        in->data[i] = (struct iovec){in->bytes[i], LIMIT_SNMP_MESSAGE};
        in->messages[i].msg_hdr = (struct msghdr){.msg_name = &in->from[i],
                                                  .msg_namelen = sizeof(in->from[i]),
                                                  .msg_iov = &in->data[i],
                                                  .msg_iovlen = 1,
                                                  .msg_control = in->control[i],
                                                  .msg_controllen = CONTROL_SIZE};
    }
    int count = recvmmsg(socket->fd, in->messages, BATCH, MSG_DONTWAIT, NULL);
    struct wall now = wall_now();
    for (int i = 0; i < count; i++)
        serve_one(server, socket, &in->messages[i].msg_hdr, in->messages[i].msg_len, now);
    flush(server->out);
}

/* --- the loop --- */

static void send_due(struct sim_server *server)
{
    struct outgoing *out = server->out;
    int64_t now = mono_us();
    while (delay_queue_due(&server->delayed) <= now) {
        struct delayed item = delay_queue_take(&server->delayed);
        if (out->count == BATCH || (out->count > 0 && out->fd != item.fd))
            flush(out);
        out->waited[out->count] = item.bytes;
        collect(out, item.fd, &item.to, item.from, item.bytes, item.length);
    }
    flush(out);
}

/* How long nothing is due; NULL: for ever. Finer than milliseconds, because a
 * simulated round trip of one millisecond should take one. */
static const struct timespec *patience(const struct sim_server *server, struct timespec *buffer)
{
    int64_t due = delay_queue_due(&server->delayed);
    if (server->tick && server->next_tick < due)
        due = server->next_tick;
    if (due == INT64_MAX)
        return NULL;
    int64_t left = due - mono_us();
    if (left < 0)
        left = 0;
    *buffer = (struct timespec){left / 1000000, left % 1000000 * 1000};
    return buffer;
}

/* What an epoll event is about: sockets by their number, and two more. */
enum { WATCH_CONTROL = UINT32_MAX - 1, WATCH_STOP = UINT32_MAX };

static int watch(int epoll, int fd, uint32_t which, struct err *err)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = which};
    if (fd >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        return err_set_errno(err, errno, "simulator: watching a socket");
    return 0;
}

static int watch_all(struct sim_server *server, int epoll, int stop_fd, struct err *err)
{
    for (size_t i = 0; i < server->socket_count; i++) {
        int error = watch(epoll, server->sockets[i].fd, (uint32_t)i, err);
        if (error)
            return error;
    }
    int error = watch(epoll, server->control, WATCH_CONTROL, err);
    return error ? error : watch(epoll, stop_fd, WATCH_STOP, err);
}

static int serve_events(struct sim_server *server, int epoll, struct err *err)
{
    struct epoll_event events[BATCH];
    struct timespec buffer;
    int count = epoll_pwait2(epoll, events, BATCH, patience(server, &buffer), NULL);
    if (count < 0 && errno != EINTR)
        return err_set_errno(err, errno, "simulator: waiting for requests");
    for (int i = 0; i < count; i++) {
        uint32_t which = events[i].data.u32;
        if (which == WATCH_STOP)
            server->stop = true;
        else if (which == WATCH_CONTROL)
            serve_control(server);
        else
            serve_socket(server, &server->sockets[which]);
    }
    send_due(server);
    if (server->tick && mono_us() >= server->next_tick) {
        server->tick(server->tick_state);
        server->next_tick = mono_us() + server->tick_period.us;
    }
    return 0;
}

int sim_server_run(struct sim_server *server, int stop_fd, struct err *err)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        return err_set_errno(err, errno, "simulator: starting its loop");
    server->stop = false;
    server->serving = getpid();
    int error = watch_all(server, epoll, stop_fd, err);
    while (!error && !server->stop)
        error = serve_events(server, epoll, err);
    close(epoll);
    return error;
}

/* The child's own end of the pipe is its life line: reading ends when the parent
 * closes the other, by will or by dying. */
static _Noreturn void serve_as_child(struct sim_server *server, int pipe_ends[2])
{
    struct err err = {0};
    close(pipe_ends[1]);
    int error = sim_server_run(server, pipe_ends[0], &err);
    if (error)
        dprintf(STDERR_FILENO, "%s\n", err.text);
    sim_server_free(server);
    _exit(error ? 1 : 0);
}

int sim_child_start(struct sim_server *server, struct sim_child *ret, struct err *err)
{
    int pipe_ends[2];
    if (pipe2(pipe_ends, O_CLOEXEC) != 0)
        return err_set_errno(err, errno, "simulator: starting its process");
    pid_t pid = fork();
    if (pid < 0) {
        int error = err_set_errno(err, errno, "simulator: starting its process");
        close(pipe_ends[0]);
        close(pipe_ends[1]);
        return error;
    }
    if (pid == 0)
        serve_as_child(server, pipe_ends);
    close(pipe_ends[0]);
    server->serving = pid;
    *ret = (struct sim_child){.pid = pid, .life_line = pipe_ends[1]};
    return 0;
}

void sim_child_stop(struct sim_child *child)
{
    int status;
    if (child->pid <= 0)
        return;
    close(child->life_line);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    child->pid = 0;
}
