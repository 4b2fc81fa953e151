/* SPDX-License-Identifier: Apache-2.0 */
#include "source/ovs_rpc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "io/loop.h"
#include "wire/ovs_fdb.h"

enum { SILENCE_SECONDS = 10, READ_BYTES = 64 * 1024, READS_A_TURN = 4 };

struct ovs_rpc {
    int fd;
    struct loop_watch *watch;
    struct loop_timer *timer;
    ovs_rpc_fn *answered;
    void *aux;
    struct text question; /* what is still to be written, from `written` on */
    size_t written;
    struct text reply;
    struct ovs_frame frame;
    bool asked;
};

static void fail(struct ovs_rpc *rpc, enum err_code code, const char *why)
{
    struct err err;
    err_set(&err, code, "%s", why);
    loop_timer_stop(rpc->timer);
    loop_watch_set(rpc->watch, 0);
    rpc->asked = false;
    rpc->answered(rpc->aux, NULL, 0, &err);
}

static void fail_errno(struct ovs_rpc *rpc, int saved)
{
    if (saved == EPIPE || saved == ECONNRESET)
        fail(rpc, ERR_PROTOCOL, "Open vSwitch hung up");
    else
        fail(rpc, ERR_SYSTEM, strerror(saved));
}

static void on_silence(void *aux)
{
    fail(aux, ERR_TIMEOUT, "Open vSwitch does not answer");
}

/* Returns whether the conversation goes on. */
static bool write_question(struct ovs_rpc *rpc)
{
    while (rpc->written < rpc->question.length) {
        ssize_t wrote = send(rpc->fd, text_get(&rpc->question) + rpc->written,
                             rpc->question.length - rpc->written, MSG_NOSIGNAL);
        if (wrote < 0 && (errno == EAGAIN || errno == EINTR))
            return true;
        if (wrote < 0) {
            fail_errno(rpc, errno);
            return false;
        }
        rpc->written += (size_t)wrote;
    }
    loop_watch_set(rpc->watch, LOOP_READ);
    return true;
}

/* Hands a complete reply over. The callback may close `rpc`, so nothing of it is
 * touched afterwards. */
static void hand_over(struct ovs_rpc *rpc)
{
    struct text reply = rpc->reply;
    ovs_rpc_fn *answered = rpc->answered;
    rpc->reply = TEXT_EMPTY;
    rpc->frame = (struct ovs_frame){0};
    rpc->asked = false;
    loop_timer_stop(rpc->timer);
    loop_watch_set(rpc->watch, 0);
    answered(rpc->aux, text_get(&reply), reply.length, NULL);
    text_done(&reply);
}

/* Takes what one read gave. Returns whether more of the reply is to come. */
static bool take_bytes(struct ovs_rpc *rpc, const char *bytes, size_t length)
{
    bool complete = false;
    size_t used = ovs_frame_read(&rpc->frame, bytes, length, &complete);
    if (rpc->reply.length + used > OVS_REPLY_LIMIT) {
        fail(rpc, ERR_LIMIT, "Open vSwitch's answer is larger than any table");
        return false;
    }
    text_add_bytes(&rpc->reply, bytes, used);
    if (!complete) {
        loop_timer_start(rpc->timer, span_seconds(SILENCE_SECONDS));
        return true;
    }
    if (used != length)
        fail(rpc, ERR_PROTOCOL, "Open vSwitch says more than it was asked");
    else
        hand_over(rpc);
    return false;
}

static void read_reply(struct ovs_rpc *rpc)
{
    char buffer[READ_BYTES];
    for (int i = 0; i < READS_A_TURN; i++) {
        ssize_t length = recv(rpc->fd, buffer, sizeof buffer, 0);
        if (length < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (length < 0) {
            fail_errno(rpc, errno);
            return;
        }
        if (length == 0) {
            fail(rpc, ERR_PROTOCOL, "Open vSwitch hung up");
            return;
        }
        if (!take_bytes(rpc, buffer, (size_t)length))
            return;
    }
}

static void on_ready(void *aux, int fd, unsigned events)
{
    struct ovs_rpc *rpc = aux;
    (void)fd;
    if ((events & LOOP_WRITE) != 0 && !write_question(rpc))
        return;
    if ((events & LOOP_READ) != 0)
        read_reply(rpc);
}

static int connect_to(const char *path, int *ret_fd, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return err_set(err, ERR_LIMIT, "%s: a socket's path has at most %zu bytes", path,
                       sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_set_errno(err, errno, "opening a socket");
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        int saved = errno;
        close(fd);
        err_set_errno(err, saved, "connecting to %s", path);
        enum err_code code = saved == EACCES || saved == EPERM          ? ERR_DENIED
                             : saved == ENOENT || saved == ECONNREFUSED ? ERR_NOT_FOUND
                                                                        : ERR_SYSTEM;
        if (err != NULL)
            err->code = code;
        return code;
    }
    *ret_fd = fd;
    return 0;
}

int ovs_rpc_open(struct loop *loop, const char *path, ovs_rpc_fn *answered, void *aux,
                 struct ovs_rpc **ret, struct err *err)
{
    int fd = -1;
    int code = connect_to(path, &fd, err);
    if (code != 0)
        return code;
    struct ovs_rpc *rpc = alloc_zeroed(1, sizeof *rpc);
    rpc->fd = fd;
    rpc->answered = answered;
    rpc->aux = aux;
    rpc->watch = loop_watch_new(loop, fd, 0, on_ready, rpc, err);
    if (rpc->watch == NULL) {
        ovs_rpc_close(rpc);
        return err != NULL ? (int)err->code : ERR_SYSTEM;
    }
    rpc->timer = loop_timer_new(loop, on_silence, rpc);
    *ret = rpc;
    return 0;
}

void ovs_rpc_ask(struct ovs_rpc *rpc, const char *question, size_t length)
{
    CHECK(!rpc->asked);
    rpc->asked = true;
    rpc->written = 0;
    text_clear(&rpc->question);
    text_add_bytes(&rpc->question, question, length);
    loop_watch_set(rpc->watch, LOOP_READ | LOOP_WRITE);
    loop_timer_start(rpc->timer, span_seconds(SILENCE_SECONDS));
}

void ovs_rpc_close(struct ovs_rpc *rpc)
{
    if (rpc == NULL)
        return;
    loop_timer_free(rpc->timer);
    loop_watch_free(rpc->watch);
    close(rpc->fd);
    text_done(&rpc->question);
    text_done(&rpc->reply);
    free(rpc);
}
