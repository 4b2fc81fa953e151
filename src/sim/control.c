/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sim/server.h"

/* Binding without a name makes the kernel choose an abstract one, so that the
 * server has an address to answer to. */
static int connect_to(const char *path, struct err *err)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX}, own = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(to.sun_path))
        return err_set(err, ERR_RANGE, "control socket %s: the path is too long", path);
    strcpy(to.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set_errno(err, errno, "control socket");
    if (bind(fd, (struct sockaddr *)&own, sizeof(own.sun_family)) != 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        int error = err_set_errno(err, errno, "control socket %s: is the simulator running?", path);
        close(fd);
        return error;
    }
    return fd;
}

static int await(int fd, struct span patience, struct text *reply, struct err *err)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (poll(&wait, 1, (int)(patience.us / 1000)) <= 0)
        return err_set(err, ERR_TIMEOUT, "the simulator did not answer on its control socket");
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
    int fd = connect_to(path, err);
    if (fd < 0)
        return fd;
    int error;
    if (send(fd, line, strlen(line), 0) < 0)
        error = err_set_errno(err, errno, "control socket %s", path);
    else
        error = await(fd, patience, reply, err);
    close(fd);
    return error;
}
