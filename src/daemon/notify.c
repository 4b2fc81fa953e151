/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/clock.h"

struct notify {
    int fd; /* -1: nobody listens */
    struct sockaddr_un address;
    socklen_t size;
    struct span watchdog;
};

static void open_socket(struct notify *notify, const char *path)
{
    size_t length = path != NULL ? strlen(path) : 0;
    if (length < 2 || (path[0] != '/' && path[0] != '@') ||
        length >= sizeof notify->address.sun_path)
        return;
    notify->address.sun_family = AF_UNIX;
    memcpy(notify->address.sun_path, path, length + 1);
    if (path[0] == '@')
        notify->address.sun_path[0] = '\0';
    notify->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* Half of what the manager waits for, where it waits for this process. */
static struct span watchdog_time(void)
{
    const char *time = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    char *end;
    if (time == NULL || (pid != NULL && strtol(pid, NULL, 10) != (long)getpid()))
        return span_us(0);
    errno = 0;
    long long us = strtoll(time, &end, 10);
    if (errno != 0 || *end != '\0' || us < 2000 || us > INT64_C(86400000000))
        return span_us(0);
    return span_us(us / 2);
}

struct notify *notify_new(void)
{
    struct notify *notify = alloc_zeroed(1, sizeof *notify);
    notify->fd = -1;
    open_socket(notify, getenv("NOTIFY_SOCKET"));
    notify->watchdog = watchdog_time();
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return notify;
}

void notify_free(struct notify *notify)
{
    if (notify == NULL)
        return;
    if (notify->fd >= 0)
        close(notify->fd);
    free(notify);
}

void notify_send(const struct notify *notify, const char *lines)
{
    if (notify->fd >= 0)
        (void)!sendto(notify->fd, lines, strlen(lines), MSG_NOSIGNAL,
                      (const struct sockaddr *)&notify->address, notify->size);
}

void notify_reloading(const struct notify *notify)
{
    char lines[128];
    snprintf(lines, sizeof lines,
             "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=reading the configuration again",
             (long long)clock_mono().us);
    notify_send(notify, lines);
}

struct span notify_watchdog(const struct notify *notify)
{
    return notify->fd >= 0 ? notify->watchdog : span_us(0);
}
