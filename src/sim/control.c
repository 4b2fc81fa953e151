/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sim/server.h"

/* A command on its way. */
struct asking {
    int fd;
    struct sockaddr_un own; /* without a path: the kernel chose its name */
};

static int bind_private(int fd, const struct sockaddr_un *address)
{
    mode_t before = umask(0077);
    int bound = bind(fd, (const struct sockaddr *)address, sizeof *address);
    umask(before);
    return bound;
}

/* Gives the socket an address to answer to: a file beside the simulator's own, which it finds
 * whatever network it lives in. Where none can be made the kernel chooses a name, which
 * the simulator finds in its own network only. */
static int bind_own(struct asking *asking, const char *path)
{
    static const struct sockaddr_un chosen = {.sun_family = AF_UNIX};
    asking->own = chosen;
    int length =
        snprintf(asking->own.sun_path, sizeof asking->own.sun_path, "%s.%d", path, (int)getpid());
    if (length > 0 && (size_t)length < sizeof asking->own.sun_path) {
        struct stat status;
        if (lstat(asking->own.sun_path, &status) == 0 && S_ISSOCK(status.st_mode))
            unlink(asking->own.sun_path); /* of a process that was killed and had our number */
        if (bind_private(asking->fd, &asking->own) == 0)
            return 0;
    }
    asking->own = chosen;
    return bind(asking->fd, (const struct sockaddr *)&chosen, sizeof chosen.sun_family);
}

static void end(struct asking *asking)
{
    close(asking->fd);
    if (asking->own.sun_path[0] != '\0')
        unlink(asking->own.sun_path);
}

static int connect_to(struct asking *asking, const char *path, struct err *err)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(to.sun_path))
        return err_set(err, ERR_RANGE, "control socket %s: the path is too long", path);
    strcpy(to.sun_path, path);
    asking->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (asking->fd < 0)
        return err_set_errno(err, errno, "control socket");
    if (connect(asking->fd, (struct sockaddr *)&to, sizeof(to)) == 0 && bind_own(asking, path) == 0)
        return 0;
    int saved = errno;
    close(asking->fd);
    return err_set_errno(err, saved, "control socket %s: is the simulator running?", path);
}

static int await(const struct asking *asking, struct span patience, struct text *reply,
                 struct err *err)
{
    const int fd = asking->fd;
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (poll(&wait, 1, (int)(patience.us / 1000)) <= 0)
        return err_set(err, ERR_TIMEOUT, "the simulator did not answer on its control socket%s",
                       asking->own.sun_path[0] != '\0'
                           ? ""
                           : "; no file can be made beside that, so one in another network "
                             "namespace cannot answer, and may have done what it was told");
    char answer[SIM_SERVER_COMMAND_SIZE];
    ssize_t length = recv(fd, answer, sizeof(answer), 0);
    if (length < 0)
        return err_set_errno(err, errno, "control socket");
    if (length >= 2 && memcmp(answer, "ok", 2) == 0) {
        size_t skip = length > 2 ? 3 : 2;
        text_add_bytes(reply, answer + skip, (size_t)length - skip);
        return 0;
    }
    return err_set(err, ERR_PROTOCOL, "the simulator says: %.*s", (int)length, answer);
}

int sim_control_send(const char *path, const char *line, struct span patience, struct text *reply,
                     struct err *err)
{
    struct asking asking;
    int error = connect_to(&asking, path, err);
    if (error != 0)
        return error;
    if (send(asking.fd, line, strlen(line), 0) < 0)
        error = err_set_errno(err, errno, "control socket %s", path);
    else
        error = await(&asking, patience, reply, err);
    end(&asking);
    return error;
}
