/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/control.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "daemon/control_socket.h"
#include "io/clock.h"
#include "model/json_out.h"

enum { WHO_SIZE = 64, READ_BYTES = 4096 };

struct control_client {
    struct control *control;
    struct control_client *next;
    uint64_t number;
    int fd;
    struct loop_watch *watch;
    char who[WHO_SIZE];
    char in[CONTROL_REQUEST_BYTES + 1];
    size_t in_length;
    struct text out;
    size_t sent; /* of out */
    bool watching, events;
    bool ending; /* is closed when `out` is sent */
    struct mono active_at;
};

struct control {
    struct loop *loop;
    struct log *log;
    struct control_listener listener;
    char *path;
    bool group;
    size_t most;
    int fd;
    struct loop_watch *watch;
    struct loop_timer *timer; /* looks for silent clients */
    struct control_client *clients;
    uint64_t next_number;
    struct control_status counted;
};

/* --- clients --- */

static void client_free(struct control_client *client)
{
    struct control *control = client->control;
    struct control_client **at = &control->clients;
    while (*at != client)
        at = &(*at)->next;
    *at = client->next;
    control->counted.clients--;
    loop_watch_free(client->watch);
    close(client->fd);
    text_done(&client->out);
    free(client);
}

static size_t unsent(const struct control_client *client)
{
    return client->out.length - client->sent;
}

/* Sends what the socket takes. Returns false when the client is gone. */
static bool send_out(struct control_client *client)
{
    while (unsent(client) > 0) {
        ssize_t sent = send(client->fd, client->out.data + client->sent, unsent(client),
                            MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            client->sent += (size_t)sent;
            client->active_at = clock_mono();
        } else if (errno == EINTR) {
            continue;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            break;
        } else {
            return false;
        }
    }
    if (unsent(client) == 0) {
        client->sent = 0;
        text_clear(&client->out);
    }
    return true;
}

/* Whether a whole request waits in the buffer: one is dealt with a turn. */
static bool has_request(const struct control_client *client)
{
    return !client->ending && memchr(client->in, '\n', client->in_length) != NULL;
}

/* A client that has asked for more than it was told yet is not read from, and goes on when it
 * takes its answers. */
static void watch_socket(struct control_client *client)
{
    bool more = has_request(client);
    unsigned events = client->ending || more ? 0 : LOOP_READ;
    loop_watch_set(client->watch, events | (unsent(client) > 0 || more ? LOOP_WRITE : 0));
}

/* Sends at once what can be sent; the end of the client is left to its own callback. */
static void push(struct control_client *client)
{
    if (!send_out(client)) {
        client->ending = true;
        client->sent = client->out.length;
        shutdown(client->fd, SHUT_RDWR);
        loop_watch_set(client->watch, LOOP_READ | LOOP_WRITE);
        return;
    }
    watch_socket(client);
    if (client->ending && unsent(client) == 0)
        loop_watch_set(client->watch, LOOP_WRITE);
}

/* Drops what was not begun to be sent and leaves the client one last line. */
static void fall_behind(struct control_client *client)
{
    struct text kept = TEXT_EMPTY;
    const char *rest = client->out.data + client->sent;
    const char *end = client->sent > 0 ? memchr(rest, '\n', unsent(client)) : NULL;
    if (end != NULL && client->out.data[client->sent - 1] != '\n')
        text_add_bytes(&kept, rest, (size_t)(end + 1 - rest));
    text_add(&kept, "{\"type\":\"dropped\",\"message\":\"you read more slowly than things "
                    "happen; what you missed is in the store\"}\n");
    text_done(&client->out);
    client->out = kept;
    client->sent = 0;
    client->watching = client->events = false;
    client->ending = true;
    client->control->counted.dropped++;
}

void control_answer(struct control_client *client, const char *line)
{
    if (client->ending)
        return;
    text_add(&client->out, line);
    text_add_char(&client->out, '\n');
    if (unsent(client) > CONTROL_BACKLOG && send_out(client) && unsent(client) > CONTROL_BACKLOG)
        fall_behind(client);
    push(client);
}

void control_end(struct control_client *client, int code, const char *message)
{
    AUTO_TEXT struct text line = TEXT_EMPTY;
    text_add(&line, code == 0 ? "{\"type\":\"done\"" : "{\"type\":\"error\"");
    if (code != 0) {
        json_key(&line, "code");
        json_text(&line, err_word((enum err_code)code));
    }
    json_key(&line, "message");
    json_text(&line, message);
    text_add_char(&line, '}');
    control_answer(client, text_get(&line));
}

uint64_t control_number(const struct control_client *client)
{
    return client->number;
}

struct control_client *control_find(const struct control *control, uint64_t number)
{
    for (struct control_client *client = control->clients; client != NULL; client = client->next) {
        if (client->number == number && !client->ending)
            return client;
    }
    return NULL;
}

void control_watch(struct control_client *client, bool events)
{
    client->watching = true;
    client->events = events;
}

bool control_watched(const struct control *control, bool events)
{
    for (const struct control_client *client = control->clients; client != NULL;
         client = client->next) {
        if (client->watching && (!events || client->events))
            return true;
    }
    return false;
}

void control_tell(struct control *control, bool event, const char *line)
{
    for (struct control_client *client = control->clients; client != NULL; client = client->next) {
        if (client->watching && (!event || client->events))
            control_answer(client, line);
    }
}

/* --- requests --- */

static void handle_line(struct control_client *client, const char *line, size_t length)
{
    struct control *control = client->control;
    struct control_request request;
    struct err err;
    control->counted.requests++;
    if (control_request_parse(line, length, &request, &err) != 0) {
        control->counted.refused++;
        control_end(client, err.code, err.text);
        return;
    }
    control->listener.asked(control->listener.context, client, client->who, &request);
}

/* Takes the first request out of the buffer; empty lines are none. */
static void handle_first(struct control_client *client)
{
    char line[sizeof client->in];
    size_t length = 0;
    while (length == 0 && has_request(client)) {
        const char *end = memchr(client->in, '\n', client->in_length);
        length = (size_t)(end - client->in);
        memcpy(line, client->in, length);
        client->in_length -= length + 1;
        memmove(client->in, end + 1, client->in_length);
    }
    if (length > 0)
        handle_line(client, line, length);
    if (client->in_length > CONTROL_REQUEST_BYTES && !client->ending && !has_request(client)) {
        control_end(client, ERR_LIMIT, "a request is at most 4096 bytes");
        client->ending = true;
        push(client);
    }
}

/* Returns false when the client is gone. */
static bool read_in(struct control_client *client)
{
    ssize_t got = recv(client->fd, client->in + client->in_length,
                       sizeof client->in - client->in_length, MSG_DONTWAIT);
    if (got == 0)
        return false;
    if (got < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    client->in_length += (size_t)got;
    client->active_at = clock_mono();
    return true;
}

static void on_client(void *aux, int fd, unsigned events)
{
    struct control_client *client = aux;
    bool there = true;
    if ((events & LOOP_WRITE) != 0)
        there = send_out(client);
    if (there && (events & LOOP_READ) != 0 && !client->ending && !has_request(client))
        there = read_in(client);
    if (there && !client->ending)
        handle_first(client);
    if (!there || (client->ending && unsent(client) == 0)) {
        client_free(client);
        return;
    }
    watch_socket(client);
}

/* --- connecting --- */

static void name_user(uid_t uid, char who[static WHO_SIZE])
{
    const struct passwd *entry = getpwuid(uid);
    if (entry != NULL)
        snprintf(who, WHO_SIZE, "%s", entry->pw_name);
    else
        snprintf(who, WHO_SIZE, "uid %u", (unsigned)uid);
}

static void refuse(struct control *control, int fd, const char *why)
{
    char line[256];
    int length = snprintf(line, sizeof line,
                          "{\"type\":\"error\",\"code\":\"denied\",\"message\":\"%s\"}\n", why);
    (void)!send(fd, line, (size_t)length, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
    control->counted.refused++;
}

static void welcome(struct control *control, int fd, uid_t uid)
{
    struct control_client *client = alloc_zeroed(1, sizeof *client);
    struct err err;
    client->control = control;
    client->fd = fd;
    client->number = control->next_number++;
    client->active_at = clock_mono();
    client->watch = loop_watch_new(control->loop, fd, LOOP_READ, on_client, client, &err);
    if (client->watch == NULL) {
        close(fd);
        free(client);
        return;
    }
    name_user(uid, client->who);
    client->next = control->clients;
    control->clients = client;
    control->counted.clients++;
}

static void on_connect(void *aux, int listening, unsigned events)
{
    struct control *control = aux;
    struct ucred peer;
    socklen_t size = sizeof peer;
    int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        refuse(control, fd, "your credentials cannot be read");
    else if (peer.uid != 0 && peer.uid != geteuid() && !control->group)
        refuse(control, fd, "only root and the daemon's own user may do this");
    else if (control->counted.clients >= control->most)
        refuse(control, fd, "too many clients are connected; see the key clients of daemon:");
    else
        welcome(control, fd, peer.uid);
}

static void look_for_silent(void *aux)
{
    struct control *control = aux;
    struct mono now = clock_mono();
    struct control_client *next;
    for (struct control_client *client = control->clients; client != NULL; client = next) {
        next = client->next;
        bool waits = unsent(client) > 0 || !client->watching;
        if (waits && mono_since(now, client->active_at).us > CONTROL_SILENCE.us)
            client_free(client);
    }
    loop_timer_start(control->timer, span_us(CONTROL_SILENCE.us / 4));
}

int control_new(struct loop *loop, const struct control_options *options, struct log *log,
                const struct control_listener *listener, struct control **ret, struct err *err)
{
    int fd = -1;
    int status = control_socket_listen(options->path, options->group, &fd, err);
    if (status != 0)
        return status;
    struct control *control = alloc_zeroed(1, sizeof *control);
    control->watch = loop_watch_new(loop, fd, LOOP_READ, on_connect, control, err);
    if (control->watch == NULL) {
        close(fd);
        unlink(options->path);
        free(control);
        return ERR_SYSTEM;
    }
    control->loop = loop;
    control->log = log;
    control->listener = *listener;
    control->path = alloc_text(options->path);
    control->group = options->group != NULL;
    control->most = options->clients;
    control->fd = fd;
    control->next_number = 1;
    control->timer = loop_timer_new(loop, look_for_silent, control);
    loop_timer_start(control->timer, span_us(CONTROL_SILENCE.us / 4));
    *ret = control;
    return 0;
}

void control_free(struct control *control)
{
    if (control == NULL)
        return;
    while (control->clients != NULL) {
        struct control_client *client = control->clients;
        if (!client->ending)
            text_add(&client->out,
                     "{\"type\":\"ended\",\"message\":\"the daemon has been stopped\"}\n");
        (void)send_out(client);
        client_free(client);
    }
    loop_timer_free(control->timer);
    loop_watch_free(control->watch);
    close(control->fd);
    unlink(control->path);
    free(control->path);
    free(control);
}

void control_count(const struct control *control, struct control_status *ret)
{
    *ret = control->counted;
    for (const struct control_client *client = control->clients; client != NULL;
         client = client->next)
        ret->watchers += client->watching;
}
