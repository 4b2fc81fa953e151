/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/control_socket.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 16 };

static int make_address(const char *path, struct sockaddr_un *ret, struct err *err)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof ret->sun_path)
        return err_set(err, ERR_RANGE,
                       "%s: a socket's path is at most %zu bytes; name another with the key socket "
                       "of daemon:",
                       path, sizeof ret->sun_path - 1);
    strcpy(ret->sun_path, path); /* fits: checked above */
    return 0;
}

/* Removes a socket file that nobody answers at. */
static int remove_stale(const char *path, struct err *err)
{
    struct stat about;
    int fd = -1;
    if (lstat(path, &about) != 0)
        return errno == ENOENT ? 0 : err_set_errno(err, errno, "looking at %s", path);
    if (!S_ISSOCK(about.st_mode))
        return err_set(err, ERR_DENIED, "%s is there and is no socket; it is left alone", path);
    int status = control_socket_connect(path, &fd, err);
    if (status == 0) {
        close(fd);
        return err_set(err, ERR_DENIED, "another musterd listens at %s", path);
    }
    if (status != ERR_NOT_FOUND)
        return status;
    if (unlink(path) != 0)
        return err_set_errno(err, errno, "removing %s, which a daemon that was killed left", path);
    return 0;
}

static int give_to_group(const char *path, const char *group, struct err *err)
{
    if (group == NULL)
        return 0;
    const struct group *entry = getgrnam(group);
    if (entry == NULL)
        return err_set(err, ERR_NOT_FOUND, "daemon: group: there is no group \"%s\"", group);
    if (chown(path, (uid_t)-1, entry->gr_gid) != 0 || chmod(path, 0660) != 0)
        return err_set_errno(err, errno, "giving %s to the group \"%s\"", path, group);
    return 0;
}

static int bind_socket(int fd, const char *path, const char *group, struct err *err)
{
    struct sockaddr_un address;
    int status = make_address(path, &address, err);
    if (status == 0)
        status = remove_stale(path, err);
    if (status != 0)
        return status;
    mode_t before = umask(0177);
    int bound = bind(fd, (const struct sockaddr *)&address, sizeof address);
    int saved = errno;
    umask(before);
    if (bound != 0)
        return err_set_errno(err, saved, "making the control socket %s", path);
    status = give_to_group(path, group, err);
    if (status == 0 && listen(fd, BACKLOG) != 0)
        status = err_set_errno(err, errno, "listening at %s", path);
    if (status != 0)
        unlink(path);
    return status;
}

int control_socket_listen(const char *path, const char *group, int *ret_fd, struct err *err)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_set_errno(err, errno, "making the control socket %s", path);
    int status = bind_socket(fd, path, group, err);
    if (status != 0)
        close(fd);
    else
        *ret_fd = fd;
    return status;
}

int control_socket_connect(const char *path, int *ret_fd, struct err *err)
{
    struct sockaddr_un address;
    int status = make_address(path, &address, err);
    if (status != 0)
        return status;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set_errno(err, errno, "connecting to %s", path);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0) {
        *ret_fd = fd;
        return 0;
    }
    int saved = errno;
    close(fd);
    if (saved == ENOENT || saved == ECONNREFUSED)
        return err_set(err, ERR_NOT_FOUND, "no musterd listens at %s", path);
    if (saved == EACCES || saved == EPERM)
        return err_set(err, ERR_DENIED, "you may not use %s: see the key group of daemon:", path);
    return err_set_errno(err, saved, "connecting to %s", path);
}
