/* SPDX-License-Identifier: Apache-2.0 */
#include "io/child.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "io/loop_internal.h"

extern char **environ;

enum { READ_SIZE = 64 * 1024, HANDLES = 4 };

struct child {
    struct loop_compound compound;
    uv_process_t process;
    uv_pipe_t out, error;
    uv_timer_t timer;
    struct loop *loop;
    struct child_options options; /* callbacks only; its pointers are not kept */
    struct child_end end;
    char *read_buffer;
    char *error_text; /* twice the limit: its last half is kept when it is full */
    size_t error_length;
    int pid;
    uint32_t name;
    bool exited, out_ended, error_ended, killing, forgotten, paused;
    uint64_t time_left; /* while paused, in milliseconds; 0: no deadline */
    int closed;
};

static void on_closed(uv_handle_t *handle)
{
    struct child *child = handle->data;
    if (++child->closed < HANDLES)
        return;
    free(child->read_buffer);
    free(child->error_text);
    free(child);
}

static void close_all(struct child *child)
{
    uv_close((uv_handle_t *)&child->process, on_closed);
    uv_close((uv_handle_t *)&child->out, on_closed);
    uv_close((uv_handle_t *)&child->error, on_closed);
    uv_close((uv_handle_t *)&child->timer, on_closed);
}

/* The group lives as long as its leader is not reaped or a pipe is held open. */
static void kill_group(const struct child *child, int signal_number)
{
    if (child->pid > 0 && !(child->exited && child->out_ended && child->error_ended))
        kill(-child->pid, signal_number);
}

static void finish_if_over(struct child *child)
{
    if (!child->exited || !child->out_ended || !child->error_ended || child->forgotten)
        return;
    child->forgotten = true;
    size_t skip =
        child->error_length > LIMIT_STDERR_BYTES ? child->error_length - LIMIT_STDERR_BYTES : 0;
    child->end.error_length = child->error_length - skip;
    child->error_text[child->error_length] = '\0';
    child->end.error_text = child->error_text + skip;
    child->options.done(child->options.aux, &child->end);
    close_all(child);
}

static void on_timer(uv_timer_t *handle);

static void start_killing(struct child *child, enum child_outcome why)
{
    if (child->killing)
        return;
    child->killing = true;
    child->end.outcome = why;
    kill_group(child, SIGTERM);
    uv_update_time(&child->loop->uv);
    uv_timer_start(&child->timer, on_timer, (uint64_t)CHILD_GRACE.us / 1000, 0);
}

static void on_timer(uv_timer_t *handle)
{
    struct child *child = handle->data;
    uint64_t entered = loop_enter(child->loop, child->name);
    struct loop *loop = child->loop;
    if (!child->killing) {
        start_killing(child, CHILD_TIMED_OUT);
    } else {
        kill_group(child, SIGKILL);
        /* A descendant that left the group may still hold a pipe: let go of it. */
        uv_read_stop((uv_stream_t *)&child->out);
        uv_read_stop((uv_stream_t *)&child->error);
        child->out_ended = child->error_ended = true;
        finish_if_over(child);
    }
    loop_leave(loop, entered);
}

static void on_ended(uv_process_t *process, int64_t status, int signal_number)
{
    struct child *child = process->data;
    struct loop *loop = child->loop;
    uint64_t entered = loop_enter(child->loop, child->name);
    child->exited = true;
    if (!child->killing) {
        child->end.outcome = signal_number != 0 ? CHILD_SIGNALLED : CHILD_EXITED;
        child->end.code = signal_number != 0 ? signal_number : (int)status;
    }
    finish_if_over(child);
    loop_leave(loop, entered);
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct child *child = handle->data;
    *buffer = uv_buf_init(child->read_buffer, READ_SIZE);
}

static void take_output(struct child *child, const char *bytes, size_t length)
{
    if (child->killing)
        return;
    uint64_t limit = child->options.max_bytes;
    if (limit != 0 && length > limit - child->end.bytes) {
        length = (size_t)(limit - child->end.bytes);
        start_killing(child, CHILD_TOO_MUCH);
    }
    child->end.bytes += length;
    if (length > 0)
        child->options.output(child->options.aux, bytes, length);
}

static void on_stdout(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct child *child = stream->data;
    struct loop *loop = child->loop;
    uint64_t entered = loop_enter(child->loop, child->name);
    if (count > 0) {
        take_output(child, buffer->base, (size_t)count);
    } else if (count < 0) {
        uv_read_stop(stream);
        child->out_ended = true;
        finish_if_over(child);
    }
    loop_leave(loop, entered);
}

static void keep_error_text(struct child *child, const char *bytes, size_t length)
{
    if (length > LIMIT_STDERR_BYTES) {
        bytes += length - LIMIT_STDERR_BYTES;
        length = LIMIT_STDERR_BYTES;
    }
    if (child->error_length + length > 2 * LIMIT_STDERR_BYTES) {
        memmove(child->error_text, child->error_text + child->error_length - LIMIT_STDERR_BYTES,
                LIMIT_STDERR_BYTES);
        child->error_length = LIMIT_STDERR_BYTES;
    }
    memcpy(child->error_text + child->error_length, bytes, length);
    child->error_length += length;
}

static void on_stderr(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct child *child = stream->data;
    struct loop *loop = child->loop;
    uint64_t entered = loop_enter(child->loop, child->name);
    if (count > 0) {
        keep_error_text(child, buffer->base, (size_t)count);
    } else if (count < 0) {
        uv_read_stop(stream);
        child->error_ended = true;
        finish_if_over(child);
    }
    loop_leave(loop, entered);
}

static bool names_same_variable(const char *a, const char *b)
{
    size_t length = strcspn(a, "=");
    return strncmp(a, b, length) == 0 && b[length] == '=';
}

/* Returns our environment with `added` replacing or following; the strings are
 * borrowed, the array is yours to free. */
static char **merged_environment(const char *const *added)
{
    size_t count = 0, extra = 0;
    while (environ[count] != NULL)
        count++;
    while (added != NULL && added[extra] != NULL)
        extra++;
    char **merged = alloc_zeroed(count + extra + 1, sizeof *merged);
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        bool replaced = false;
        for (size_t k = 0; k < extra; k++)
            replaced = replaced || names_same_variable(added[k], environ[i]);
        if (!replaced)
            merged[used++] = environ[i];
    }
    /* execve() wants char *, and changes none of them. */
    for (size_t k = 0; k < extra; k++)
        memcpy(&merged[used++], &added[k], sizeof merged[0]);
    return merged;
}

static int spawn(struct child *child, const struct child_options *options)
{
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&child->out},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&child->error}};
    AUTO_FREE char **environment = merged_environment(options->environment);
    size_t count = 0;
    while (options->argv[count] != NULL)
        count++;
    AUTO_FREE char **argv = alloc_zeroed(count + 1, sizeof *argv);
    memcpy(argv, options->argv, count * sizeof *argv);
    uv_process_options_t spawned = {.exit_cb = on_ended,
                                    .file = argv[0],
                                    .args = argv,
                                    .env = environment,
                                    .cwd = options->directory,
                                    .flags = UV_PROCESS_DETACHED,
                                    .stdio_count = 3,
                                    .stdio = stdio};
    /* Descriptors that some library opened without close-on-exec stay here. */
    close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
    return uv_spawn(&child->loop->uv, &child->process, &spawned);
}

static void forget(struct loop_compound *self)
{
    child_kill((struct child *)self);
}

struct child *child_start(struct loop *loop, const struct child_options *options, struct err *err)
{
    struct child *child = alloc_zeroed(1, sizeof *child);
    child->compound.forget = forget;
    child->loop = loop;
    child->name = loop->name;
    child->options = *options;
    child->read_buffer = alloc_array(READ_SIZE, 1);
    child->error_text = alloc_array(2 * LIMIT_STDERR_BYTES + 1, 1);
    CHECK(uv_pipe_init(&loop->uv, &child->out, 0) == 0);
    CHECK(uv_pipe_init(&loop->uv, &child->error, 0) == 0);
    CHECK(uv_timer_init(&loop->uv, &child->timer) == 0);
    child->process.data = child->out.data = child->error.data = child->timer.data = child;
    int status = spawn(child, options);
    if (status != 0) {
        child->forgotten = true;
        close_all(child);
        err_set(err, ERR_SYSTEM, "starting %s: %s", options->argv[0], uv_strerror(status));
        return NULL;
    }
    child->pid = child->process.pid;
    CHECK(uv_read_start((uv_stream_t *)&child->out, on_allocate, on_stdout) == 0);
    CHECK(uv_read_start((uv_stream_t *)&child->error, on_allocate, on_stderr) == 0);
    if (options->timeout.us > 0) {
        uv_update_time(&loop->uv);
        uv_timer_start(&child->timer, on_timer, (uint64_t)(options->timeout.us + 999) / 1000, 0);
    }
    return child;
}

void child_pause(struct child *child, bool paused)
{
    if (child->forgotten || child->out_ended)
        return;
    if (paused == child->paused)
        return;
    child->paused = paused;
    if (paused)
        uv_read_stop((uv_stream_t *)&child->out);
    else
        uv_read_start((uv_stream_t *)&child->out, on_allocate, on_stdout);
    if (child->killing)
        return;
    if (paused) {
        bool limited = uv_is_active((uv_handle_t *)&child->timer);
        child->time_left = limited ? uv_timer_get_due_in(&child->timer) + 1 : 0;
        uv_timer_stop(&child->timer);
    } else if (child->time_left > 0) {
        uv_update_time(&child->loop->uv);
        uv_timer_start(&child->timer, on_timer, child->time_left, 0);
    }
}

void child_kill(struct child *child)
{
    if (child == NULL || child->forgotten)
        return;
    kill_group(child, SIGKILL);
    child->forgotten = true;
    close_all(child);
}
