/* SPDX-License-Identifier: Apache-2.0 */
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/text.h"

static int open_failed(const char *path, struct err *err)
{
    if (errno == ENOENT)
        return err_set(err, ERR_NOT_FOUND, "reading %s: no such file", path);
    return err_set_errno(err, errno, "reading %s", path);
}

/* Reads `fd` to its end into `to`. Returns 0, ERR_LIMIT or ERR_SYSTEM. */
static int read_to_end(int fd, const char *path, size_t limit, struct text *to, struct err *err)
{
    char chunk[16 * 1024];
    for (;;) {
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set_errno(err, errno, "reading %s", path);
        if (got == 0)
            return 0;
        if ((size_t)got > limit - to->length)
            return err_set(err, ERR_LIMIT, "reading %s: it is larger than %zu bytes", path, limit);
        text_add_bytes(to, chunk, (size_t)got);
    }
}

int file_read(const char *path, size_t limit, char **ret_bytes, size_t *ret_length, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return open_failed(path, err);
    AUTO_TEXT struct text content = TEXT_EMPTY;
    int status = read_to_end(fd, path, limit, &content, err);
    close(fd);
    if (status != 0)
        return status;
    *ret_length = content.length;
    *ret_bytes = text_take(&content);
    return 0;
}

static int write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t wrote = write(fd, bytes, length);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return -1;
        bytes += wrote;
        length -= (size_t)wrote;
    }
    return fsync(fd);
}

/* A rename is on the disk only when its directory is. */
static void sync_directory(const char *path)
{
    AUTO_FREE char *directory = file_directory(path);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

int file_write(const char *path, const void *bytes, size_t length, mode_t mode, struct err *err)
{
    AUTO_TEXT struct text name = TEXT_EMPTY;
    text_printf(&name, "%s.new", path);
    const char *temporary = text_get(&name);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return err_set_errno(err, errno, "writing %s", temporary);
    int failed = write_all(fd, bytes, length);
    int saved_errno = errno;
    close(fd);
    if (failed == 0 && rename(temporary, path) == 0) {
        sync_directory(path);
        return 0;
    }
    if (failed == 0)
        saved_errno = errno;
    unlink(temporary);
    return err_set_errno(err, saved_errno, "writing %s", path);
}

int file_read_secret(const char *path, char **ret_secret, bool *ret_exposed, struct err *err)
{
    char *content;
    size_t length;
    struct stat info;
    int status = file_read(path, LIMIT_FIELD_BYTES, &content, &length, err);
    if (status != 0)
        return status;
    size_t line = strcspn(content, "\r\n");
    if (line == 0) {
        file_secret_free(content);
        return err_set(err, ERR_SYNTAX, "reading the secret in %s: its first line is empty", path);
    }
    memset(content + line, 0, length - line);
    *ret_secret = content;
    *ret_exposed = stat(path, &info) == 0 && (info.st_mode & S_IROTH) != 0;
    return 0;
}

void file_secret_free(char *secret)
{
    if (secret == NULL)
        return;
    explicit_bzero(secret, strlen(secret));
    free(secret);
}

static struct wall wall_of(const struct timespec *time)
{
    return (struct wall){(int64_t)time->tv_sec * 1000000 + time->tv_nsec / 1000};
}

struct wall file_modified(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? wall_of(&info.st_mtim) : WALL_UNKNOWN;
}

struct wall file_changed(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return WALL_UNKNOWN;
    const struct wall modified = wall_of(&info.st_mtim), moved = wall_of(&info.st_ctim);
    return moved.us > modified.us ? moved : modified;
}

char *file_join(const char *directory, const char *path)
{
    if (path[0] == '/' || strcmp(directory, ".") == 0)
        return alloc_text(path);
    struct text joined = TEXT_EMPTY;
    text_printf(&joined, "%s/%s", directory, path);
    return text_take(&joined);
}

char *file_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return alloc_text(".");
    struct text directory = TEXT_EMPTY;
    text_add_bytes(&directory, path, slash == path ? 1 : (size_t)(slash - path));
    return text_take(&directory);
}
