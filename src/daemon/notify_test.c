/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* A service manager that listens at an abstract address of this process. */
static int manager(char name[static 64])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    snprintf(name, 64, "@muster-notify-%ld", (long)getpid());
    memcpy(address.sun_path, name, strlen(name));
    address.sun_path[0] = '\0';
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, size), 0);
    return fd;
}

static void test_the_manager_is_told(void **unused)
{
    char name[64], heard[256] = "";
    int fd = manager(name);
    setenv("NOTIFY_SOCKET", name, 1);
    setenv("WATCHDOG_USEC", "30000000", 1);
    unsetenv("WATCHDOG_PID");
    struct notify *notify = notify_new();
    assert_null(getenv("NOTIFY_SOCKET"));
    assert_null(getenv("WATCHDOG_USEC"));
    assert_int_equal(notify_watchdog(notify).us, 15000000);
    notify_send(notify, "READY=1\nSTATUS=running");
    assert_true(recv(fd, heard, sizeof heard - 1, 0) > 0);
    assert_string_equal(heard, "READY=1\nSTATUS=running");
    memset(heard, 0, sizeof heard);
    notify_reloading(notify);
    assert_true(recv(fd, heard, sizeof heard - 1, 0) > 0);
    assert_non_null(strstr(heard, "RELOADING=1\nMONOTONIC_USEC="));
    close(fd);
    notify_send(notify, "WATCHDOG=1"); /* a manager that has gone is no concern */
    notify_free(notify);
}

static void test_without_a_manager_nothing_is_done(void **unused)
{
    static const char *const addresses[] = {"", "relative", "@", "/no/such/socket"};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        setenv("NOTIFY_SOCKET", addresses[i], 1);
        struct notify *notify = notify_new();
        notify_send(notify, "READY=1");
        assert_int_equal(notify_watchdog(notify).us, 0);
        notify_free(notify);
    }
    struct notify *notify = notify_new();
    notify_send(notify, "READY=1");
    notify_free(notify);
    notify_free(NULL);
}

static void test_another_process_has_the_watchdog(void **unused)
{
    static const char *const times[] = {"junk", "-5", "0", "30000000"};
    char name[64];
    int fd = manager(name);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        setenv("NOTIFY_SOCKET", name, 1);
        setenv("WATCHDOG_USEC", times[i], 1);
        setenv("WATCHDOG_PID", "1", 1);
        struct notify *notify = notify_new();
        assert_int_equal(notify_watchdog(notify).us, 0);
        notify_free(notify);
    }
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_manager_is_told),
        cmocka_unit_test(test_without_a_manager_nothing_is_done),
        cmocka_unit_test(test_another_process_has_the_watchdog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
