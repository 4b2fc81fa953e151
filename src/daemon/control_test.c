/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "daemon/control_socket.h"

/* --- requests --- */

static int parse(const char *line, struct control_request *ret, struct err *err)
{
    return control_request_parse(line, strlen(line), ret, err);
}

static void test_requests_are_understood(void **unused)
{
    struct control_request r;
    struct err err;
    assert_int_equal(parse("{\"request\":\"status\"}", &r, &err), 0);
    assert_int_equal(r.kind, CONTROL_STATUS);
    assert_int_equal(parse(" {\"events\":true,\"request\":\"watch\"}\r", &r, &err), 0);
    assert_int_equal(r.kind, CONTROL_WATCH);
    assert_true(r.events);
    assert_int_equal(parse("{\"request\":\"log_level\",\"level\":\"debug\"}", &r, &err), 0);
    assert_int_equal(r.level, LOG_LEVEL_DEBUG);
    assert_int_equal(parse("{\"request\":\"case\",\"verb\":\"close\",\"case\":\"C12\","
                           "\"text\":\"gone for good\",\"without_proof\":true}",
                           &r, &err),
                     0);
    assert_int_equal(r.verb, CONTROL_CLOSE);
    assert_int_equal(r.case_number, 12);
    assert_true(r.without_proof);
    assert_string_equal(r.text, "gone for good");
    assert_int_equal(parse("{\"request\":\"accept_shrunk\",\"source\":\"kvm\"}", &r, &err), 0);
    assert_string_equal(r.text, "kvm");
}

static void test_what_is_no_request_is_refused(void **unused)
{
    static const char *const cases[][2] = {
        {"", "one JSON object"},
        {"status", "one JSON object"},
        {"[]", "one JSON object"},
        {"{}", "lacks the text \"request\""},
        {"{\"request\":1}", "lacks the text \"request\""},
        {"{\"request\":\"sing\"}", "there is no request \"sing\""},
        {"{\"request\":\"status\",\"request\":\"reload\"}", "one JSON object"},
        {"{\"request\":\"reload\",\"now\":true}", "a key that it does not know"},
        {"{\"request\":\"watch\",\"events\":\"yes\"}", "neither true nor false"},
        {"{\"request\":\"log_level\"}", "lacks the text \"level\""},
        {"{\"request\":\"log_level\",\"level\":\"loud\"}", "there is no level \"loud\""},
        {"{\"request\":\"case\",\"verb\":\"ack\",\"case\":\"X\"}", "\"X\" is no case"},
        {"{\"request\":\"case\",\"verb\":\"eat\",\"case\":\"C1\"}", "there is no verb \"eat\""},
        {"{\"request\":\"case\",\"verb\":\"close\",\"case\":\"C1\",\"without-proof\":true}",
         "a key that it does not know"},
        {"{\"request\":\"accept_shrunk\",\"source\":\"a\\u0000b\"}", "one JSON object"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct control_request r;
        struct err err = {0};
        assert_int_not_equal(parse(cases[i][0], &r, &err), 0);
        if (strstr(err.text, cases[i][1]) == NULL)
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i][0], err.text, cases[i][1]);
    }
    struct text text = TEXT_EMPTY;
    struct control_request r;
    struct err err;
    text_add(&text, "{\"request\":\"accept_shrunk\",\"source\":\"");
    for (int i = 0; i < 2000; i++)
        text_add_char(&text, 'a');
    text_add(&text, "\"}");
    assert_int_equal(parse(text_get(&text), &r, &err), ERR_SYNTAX);
    for (int i = 0; i < 4000; i++)
        text_add_char(&text, '[');
    assert_int_equal(parse(text_get(&text), &r, &err), ERR_LIMIT);
    text_done(&text);
}

/* --- the socket --- */

struct stage {
    struct loop *loop;
    struct control *control;
    struct log *log;
    FILE *log_file;
    char folder[64], path[96];
    struct control_client *client; /* the last that asked */
    unsigned asked;
};

static void asked(void *context, struct control_client *client, const char *who,
                  const struct control_request *request)
{
    struct stage *stage = context;
    stage->client = client;
    stage->asked++;
    assert_true(strlen(who) > 0);
    if (request->kind == CONTROL_WATCH)
        control_watch(client, request->events);
    else if (request->kind == CONTROL_STATUS)
        control_end(client, 0, "fine");
}

static void stage_open(struct stage *stage, size_t clients)
{
    struct err err;
    *stage = (struct stage){.folder = "/tmp/muster-control-XXXXXX"};
    assert_non_null(mkdtemp(stage->folder));
    snprintf(stage->path, sizeof stage->path, "%s/s", stage->folder);
    const struct control_options options = {.path = stage->path, .clients = clients};
    const struct control_listener listener = {asked, stage};
    stage->loop = loop_new();
    stage->log_file = fopen("/dev/null", "w");
    stage->log = log_new(stage->log_file, LOG_LEVEL_DEBUG, false);
    assert_int_equal(
        control_new(stage->loop, &options, stage->log, &listener, &stage->control, &err), 0);
}

static void stage_close(struct stage *stage)
{
    control_free(stage->control);
    assert_int_not_equal(access(stage->path, F_OK), 0);
    loop_free(stage->loop);
    log_free(stage->log);
    fclose(stage->log_file);
    assert_int_equal(rmdir(stage->folder), 0);
}

static void stop_loop(void *aux)
{
    loop_stop(aux);
}

/* Lets the loop do what there is to do. */
static void turn(struct stage *stage)
{
    for (int i = 0; i < 3; i++) {
        struct loop_timer *timer = loop_timer_new(stage->loop, stop_loop, stage->loop);
        loop_timer_start(timer, span_ms(1));
        loop_run(stage->loop);
        loop_timer_free(timer);
    }
}

static int join(const struct stage *stage)
{
    struct err err;
    int fd = -1;
    assert_int_equal(control_socket_connect(stage->path, &fd, &err), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* What the client can read now. */
static size_t hear(int fd, char *buffer, size_t size)
{
    ssize_t got = recv(fd, buffer, size - 1, MSG_DONTWAIT);
    buffer[got > 0 ? got : 0] = '\0';
    return got > 0 ? (size_t)got : 0;
}

static void test_a_client_asks_and_is_answered(void **unused)
{
    struct stage stage;
    char said[1024];
    struct stat about;
    stage_open(&stage, 4);
    assert_int_equal(stat(stage.path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    int fd = join(&stage);
    say(fd, "{\"request\":");
    turn(&stage);
    assert_int_equal(stage.asked, 0);
    say(fd, "\"status\"}\n\n{\"request\":\"status\"}\nnonsense\n");
    turn(&stage);
    assert_int_equal(stage.asked, 2);
    hear(fd, said, sizeof said);
    assert_string_equal(said, "{\"type\":\"done\",\"message\":\"fine\"}\n"
                              "{\"type\":\"done\",\"message\":\"fine\"}\n"
                              "{\"type\":\"error\",\"code\":\"syntax\",\"message\":\"a request is "
                              "one JSON object a line\"}\n");
    uint64_t number = control_number(stage.client);
    assert_ptr_equal(control_find(stage.control, number), stage.client);
    close(fd);
    turn(&stage);
    assert_null(control_find(stage.control, number));
    stage_close(&stage);
}

static void test_hostile_clients_cost_nobody_anything(void **unused)
{
    struct stage stage;
    struct control_status status;
    char said[1024], flood[8192];
    stage_open(&stage, 2);
    memset(flood, 'x', sizeof flood);
    int endless = join(&stage), quiet = join(&stage);
    turn(&stage);
    int third = join(&stage);
    turn(&stage);
    assert_true(hear(third, said, sizeof said) > 0);
    assert_non_null(strstr(said, "too many clients"));
    (void)!send(endless, flood, sizeof flood, MSG_NOSIGNAL);
    turn(&stage);
    assert_true(hear(endless, said, sizeof said) > 0);
    assert_non_null(strstr(said, "at most 4096 bytes"));
    control_count(stage.control, &status);
    assert_int_equal(status.clients, 1);
    say(quiet, "{\"request\":\"status\"}\n");
    turn(&stage);
    assert_int_equal(stage.asked, 1);
    close(endless);
    close(quiet);
    close(third);
    stage_close(&stage);
}

/* Many requests in one piece hold the loop for the time of one each. */
static void test_a_client_has_one_request_a_turn(void **unused)
{
    enum { REQUESTS = 190 };
    struct stage stage;
    char said[1024];
    size_t heard = 0;
    AUTO_TEXT struct text many = TEXT_EMPTY;
    stage_open(&stage, 4);
    int fd = join(&stage);
    turn(&stage);
    for (int i = 0; i < REQUESTS; i++)
        text_add(&many, "{\"request\":\"status\"}\n");
    say(fd, text_get(&many));
    shutdown(fd, SHUT_WR); /* that no more will come does not undo what has */
    for (unsigned before = 0; before < REQUESTS; before = stage.asked) {
        loop_step(stage.loop);
        assert_true(stage.asked <= before + 1);
        heard += hear(fd, said, sizeof said); /* who does not read is not asked on */
    }
    assert_int_equal(heard + hear(fd, said, sizeof said),
                     REQUESTS * strlen("{\"type\":\"done\",\"message\":\"fine\"}\n"));
    turn(&stage);
    struct control_status status;
    control_count(stage.control, &status);
    assert_int_equal(status.clients, 0);
    close(fd);
    stage_close(&stage);
}

static void test_a_slow_watcher_is_dropped_with_a_message(void **unused)
{
    struct stage stage;
    struct control_status status;
    enum { LINE = 1000, BUFFER = 1 << 20 };
    char line[LINE + 1], *said = calloc(1, BUFFER);
    stage_open(&stage, 4);
    memset(line, 'y', LINE);
    line[LINE] = '\0';
    int slow = join(&stage), other = join(&stage);
    say(slow, "{\"request\":\"watch\"}\n");
    say(other, "{\"request\":\"watch\",\"events\":true}\n");
    turn(&stage);
    assert_true(control_watched(stage.control, true));
    control_tell(stage.control, true, "event");
    turn(&stage);
    assert_int_equal(hear(slow, said, BUFFER), 0);
    assert_true(hear(other, said, BUFFER) > 0);
    assert_string_equal(said, "event\n");
    for (int i = 0; i < 2 * CONTROL_BACKLOG / LINE; i++) {
        control_tell(stage.control, false, line);
        while (hear(other, said, BUFFER) > 0)
            continue;
    }
    turn(&stage);
    while (hear(other, said, BUFFER) > 0) {
        turn(&stage);
    }
    control_count(stage.control, &status);
    assert_int_equal(status.dropped, 1);
    assert_int_equal(status.watchers, 1);
    char tail[256] = "";
    for (size_t got; (got = hear(slow, said, BUFFER)) > 0; turn(&stage)) {
        size_t keep = got < sizeof tail - 1 ? got : sizeof tail - 1;
        memcpy(tail, said + got - keep, keep);
        tail[keep] = '\0';
    }
    assert_non_null(strstr(tail, "{\"type\":\"dropped\""));
    assert_int_equal(tail[strlen(tail) - 1], '\n');
    control_count(stage.control, &status);
    assert_int_equal(status.clients, 1);
    free(said);
    close(slow);
    close(other);
    stage_close(&stage);
}

static void test_the_socket_of_a_dead_daemon_is_taken_over(void **unused)
{
    struct stage stage;
    struct err err;
    int fd = -1, again = -1;
    stage_open(&stage, 1);
    assert_int_equal(control_socket_listen(stage.path, NULL, &fd, &err), ERR_DENIED);
    assert_non_null(strstr(err.text, "another musterd listens"));
    char other[128];
    snprintf(other, sizeof other, "%s/t", stage.folder);
    assert_int_equal(control_socket_listen(other, NULL, &fd, &err), 0);
    close(fd); /* as a kill leaves it: the file stays */
    assert_int_equal(control_socket_connect(other, &again, &err), ERR_NOT_FOUND);
    assert_int_equal(control_socket_listen(other, NULL, &fd, &err), 0);
    close(fd);
    assert_int_equal(control_socket_listen(stage.folder, NULL, &fd, &err), ERR_DENIED);
    assert_non_null(strstr(err.text, "is no socket"));
    assert_int_equal(unlink(other), 0);
    assert_int_equal(control_socket_listen(other, "no-such-group-here", &fd, &err), ERR_NOT_FOUND);
    assert_int_not_equal(access(other, F_OK), 0);
    char longer[300];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(control_socket_listen(longer, NULL, &fd, &err), ERR_RANGE);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_are_understood),
        cmocka_unit_test(test_what_is_no_request_is_refused),
        cmocka_unit_test(test_a_client_asks_and_is_answered),
        cmocka_unit_test(test_hostile_clients_cost_nobody_anything),
        cmocka_unit_test(test_a_client_has_one_request_a_turn),
        cmocka_unit_test(test_a_slow_watcher_is_dropped_with_a_message),
        cmocka_unit_test(test_the_socket_of_a_dead_daemon_is_taken_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
