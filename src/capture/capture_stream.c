/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/capture_stream.h"

#include <errno.h>
#include <unistd.h>

int capture_stream_fill(struct capture_stream *stream, size_t wanted, struct err *err)
{
    if (stream->begin > 0) {
        memmove(stream->buffer, stream->buffer + stream->begin, capture_stream_held(stream));
        stream->end -= stream->begin;
        stream->begin = 0;
    }
    while (stream->end < wanted && !stream->ended) {
        size_t room = CAPTURE_BUFFER_BYTES - stream->end;
        ssize_t got = read(stream->fd, stream->buffer + stream->end,
                           room < CAPTURE_CHUNK_BYTES ? room : CAPTURE_CHUNK_BYTES);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set_errno(err, errno, "cannot read %s", stream->path);
        stream->ended = got == 0;
        stream->end += (size_t)got;
    }
    return 0;
}

int capture_stream_skip(struct capture_stream *stream, uint64_t count, struct err *err)
{
    while (count > 0) {
        if (capture_stream_held(stream) == 0) {
            int status = capture_stream_fill(stream, 1, err);
            if (status != 0)
                return status;
        }
        size_t held = capture_stream_held(stream);
        if (held == 0)
            return ERR_CORRUPT;
        size_t step = count < held ? (size_t)count : held;
        stream->begin += step;
        stream->offset += step;
        count -= step;
    }
    return 0;
}
