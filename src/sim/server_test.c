/* SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/delay_queue.h"
#include "sim/random.h"
#include "sim/site.h"

/* What the server does besides answering: waiting, commanding, refusing. */

static const struct wall noon = {INT64_C(1795435200) * 1000000};

static void datagrams_leave_by_time_and_equal_ones_in_order(void **state)
{
    struct delay_queue queue;
    struct sim_random random = sim_random_start(5);
    uint8_t bytes[4];
    delay_queue_init(&queue, 1000);
    assert_true(delay_queue_due(&queue) == INT64_MAX);
    for (uint32_t i = 0; i < 1000; i++) {
        struct delayed item = {
            .due = sim_random_below(&random, 50), .bytes = bytes, .length = sizeof(bytes)};
        memcpy(bytes, &i, sizeof(i));
        assert_true(delay_queue_put(&queue, &item));
    }
    assert_false(delay_queue_put(&queue, &(struct delayed){.bytes = bytes, .length = 1}));
    int64_t last_due = -1;
    uint32_t last_number = 0;
    for (int i = 0; i < 1000; i++) {
        assert_true(delay_queue_due(&queue) >= last_due);
        struct delayed item = delay_queue_take(&queue);
        uint32_t number;
        memcpy(&number, item.bytes, sizeof(number));
        assert_true(item.due > last_due || number > last_number);
        last_due = item.due;
        last_number = number;
        free(item.bytes);
    }
    delay_queue_done(&queue);
}

static void undelivered_datagrams_are_freed(void **state)
{
    struct delay_queue queue;
    uint8_t bytes[8] = {0};
    delay_queue_init(&queue, 10);
    for (int i = 0; i < 5; i++)
        assert_true(delay_queue_put(&queue, &(struct delayed){.bytes = bytes, .length = 8}));
    delay_queue_done(&queue);
}

struct fixture {
    struct sim_server *server;
    struct sim_site *site;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct sim_site_config config = {.first_address = 0x7f130001,
                                     .port = (uint16_t)(40000 + getpid() % 20000)};
    struct err err = {0};
    f->server = sim_server_new();
    assert_int_equal(
        sim_site_new(datacentre_new_golden(noon), &config, f->server, noon, &f->site, &err), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    sim_server_free(f->server);
    sim_site_free(f->site);
    free(f);
    return 0;
}

static int command(struct fixture *f, const char *text, struct text *reply)
{
    char line[128];
    struct err err = {0};
    snprintf(line, sizeof(line), "%s", text);
    int error = sim_server_command(f->server, line, reply, &err);
    assert_true(error == 0 || err.text[0] != 0);
    return error;
}

static void commands_do_what_they_say_or_say_why_not(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *line;
        int error;
        const char *says;
    } cases[] = {
        {"fault sw1 toobig=7 unordered\n", 0, "toobig=7 unordered"},
        {"faults", 0, "sw1: toobig=7 unordered\n"},
        {"fault * clear", 0, ""},
        {"faults", 0, "sw1: none\n"},
        {"fault sw2 dead", ERR_NOT_FOUND, NULL},
        {"fault ", ERR_SYNTAX, NULL},
        {"fault sw1 slow=yesterday", ERR_SYNTAX, NULL},
        {"event migrate A hostB", 0, ""},
        {"event migrate Z hostB", ERR_NOT_FOUND, NULL},
        {"event", ERR_SYNTAX, NULL},
        {"advance backwards", ERR_SYNTAX, NULL},
        {"advance 10s", 0, ""},
        {"", ERR_SYNTAX, NULL},
        {"stop", 0, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_TEXT struct text reply = TEXT_EMPTY;
        assert_int_equal(command(f, cases[i].line, &reply), cases[i].error);
        if (cases[i].says)
            assert_string_equal(text_get(&reply), cases[i].says);
    }
}

static void addresses_outside_the_loopback_are_refused(void **state)
{
    struct fixture *f = *state;
    struct sim_agent_config config = {.name = "stranger", .booted = noon};
    struct sim_source source = {.state = NULL};
    struct err err = {0};
    uint16_t port = (uint16_t)(40000 + getpid() % 20000);
    static const uint32_t addresses[] = {0x0a000001, 0, 0x80000001, 0x7f130001 /* taken */};
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
        assert_int_equal(
            sim_server_add(f->server, sim_agent_new(&config, &source), addresses[i], port, &err),
            ERR_RANGE);
    assert_null(sim_server_find(f->server, "stranger"));
}

static void control_socket_replaces_only_what_a_dead_one_left(void **state)
{
    char path[64];
    struct err err = {0};
    struct stat status;
    snprintf(path, sizeof(path), "/tmp/muster-sim-test-%d", getpid());
    struct sim_server *first = sim_server_new(), *second = sim_server_new();
    assert_int_equal(sim_server_control(first, path, &err), 0);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 077, 0);
    assert_int_equal(sim_server_control(second, path, &err), ERR_SYSTEM);
    AUTO_TEXT struct text moved = TEXT_EMPTY;
    text_printf(&moved, "%s.old", path);
    assert_int_equal(link(path, text_get(&moved)), 0); /* survives its server */
    sim_server_free(first);
    assert_int_equal(rename(text_get(&moved), path), 0);
    assert_int_equal(sim_server_control(second, path, &err), 0);
    sim_server_free(second);
    assert_int_not_equal(access(path, F_OK), 0);
    FILE *file = fopen(path, "w"); /* a file of somebody's */
    assert_non_null(file);
    fclose(file);
    struct sim_server *third = sim_server_new();
    assert_int_equal(sim_server_control(third, path, &err), ERR_SYSTEM);
    sim_server_free(third);
    assert_int_equal(unlink(path), 0);
}

/* A command from a process in another network namespace; 77: there may be none. */
static int ask_from_another_network(const char *path)
{
    int status, child = fork();
    if (child == 0) {
        AUTO_TEXT struct text reply = TEXT_EMPTY;
        struct err err;
        if (unshare(geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) != 0)
            _exit(77);
        int error = sim_control_send(path, "faults", span_seconds(5), &reply, &err);
        if (error != 0)
            print_error("%s\n", err.text);
        _exit(error != 0 || strstr(text_get(&reply), "sw1: none") == NULL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void commands_come_from_any_network(void **state)
{
    char directory[] = "/tmp/muster-sim-net-XXXXXX", path[64];
    struct fixture *f = *state;
    struct sim_child child;
    struct err err;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/control", directory);
    assert_int_equal(sim_server_control(f->server, path, &err), 0);
    assert_int_equal(sim_child_start(f->server, &child, &err), 0);
    int asked = ask_from_another_network(path);
    sim_child_stop(&child);
    if (access(path, F_OK) == 0)
        unlink(path);
    assert_int_equal(rmdir(directory), 0); /* what the command put there is gone */
    if (asked == 77)
        skip();
    assert_int_equal(asked, 0);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagrams_leave_by_time_and_equal_ones_in_order),
        cmocka_unit_test(undelivered_datagrams_are_freed),
        SCENE(commands_do_what_they_say_or_say_why_not),
        SCENE(addresses_outside_the_loopback_are_refused),
        SCENE(commands_come_from_any_network),
        cmocka_unit_test(control_socket_replaces_only_what_a_dead_one_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
