/* SPDX-License-Identifier: Apache-2.0 */

/* The parts of the RADIUS source that need no socket: clients, port rules, what is recent,
 * scopes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/limits.h"
#include "io/file.h"
#include "source/radius_client.h"
#include "source/radius_recent.h"
#include "source/radius_scope.h"

/* --- port rules --- */

static const char *port_by(const char *text, const char *id, uint32_t number)
{
    static char buffer[RADIUS_TEXT_SIZE];
    struct err err;
    struct radius_accounting record = {.has_port = number != UINT32_MAX, .port = number};
    if (id != NULL)
        record.port_id = (struct radius_text){id, strlen(id)};
    struct radius_port_rule *rule = radius_port_rule_new(text, &err);
    assert_non_null(rule);
    radius_port_apply(rule, &record, buffer);
    radius_port_rule_free(rule);
    return buffer;
}

static void port_rules_name_ports(void **state)
{
    (void)state;
    assert_string_equal(port_by(NULL, "Gi1/0/12", 50112), "Gi1/0/12");
    assert_string_equal(port_by("auto", NULL, 10112), "#10112");
    assert_string_equal(port_by("auto", NULL, UINT32_MAX), "");
    assert_string_equal(port_by("id", NULL, 7), "");
    assert_string_equal(port_by("number", "Gi1/0/12", 7), "#7");
    assert_string_equal(port_by("Gi{n/100%10}/0/{n%100}", NULL, 50112), "Gi1/0/12");
    assert_string_equal(port_by("#{n+10100}", "x", 12), "#10112");
    assert_string_equal(port_by("Gi{n>24}/{n>20&15}/{n>12&255}", NULL, 0x02103064), "Gi2/1/3");
    assert_string_equal(port_by("slot=([0-9]+);subslot=([0-9]+);port=([0-9]+)=>Gi\\1/\\2/\\3",
                                "slot=1;subslot=0;port=3;vlanid=10", 0),
                        "Gi1/0/3");
    assert_string_equal(port_by("^port 0*([0-9]+)$=>ether\\1", "port 001", 0), "ether1");
    assert_string_equal(port_by("^port ([0-9]+)$=>ether\\1", "trunk 1", 0), "");
    assert_string_equal(port_by("^(x)?port$=>e{n}\\1", "port", 4), "e4");
}

/* Arithmetic that has no result gives no port, not a wrong one. */
static void port_rules_do_not_guess(void **state)
{
    (void)state;
    assert_string_equal(port_by("#{n-100}", NULL, 99), "");
    assert_string_equal(port_by("#{n/0}", NULL, 99), "");
    assert_string_equal(port_by("#{n%0}", NULL, 99), "");
    assert_string_equal(port_by("#{n*1073741824*1073741824}", NULL, UINT32_MAX - 1), "");
    assert_string_equal(port_by("#{n>70}", NULL, 99), "");
    assert_string_equal(port_by("auto", NULL, 0), "");
    assert_string_equal(port_by("number", "Gi7", 0), "");
    assert_string_equal(port_by("ge-0/0/{n}", NULL, 0), "ge-0/0/0");
    assert_string_equal(port_by("Gi{n}", "Gi7", UINT32_MAX), "");
    char longest[RADIUS_VALUE_MAX + 1];
    memset(longest, 'p', sizeof(longest));
    longest[RADIUS_VALUE_MAX] = '\0';
    assert_string_equal(port_by("(.*)=>\\1\\1", longest, 0), "");
}

static void wrong_port_rules_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"Gi",     "Gi{m}",   "Gi{n",
                                        "Gi{n+}", "Gi{n^2}", "Gi{n+9999999999}",
                                        "(=>\\1", "a=>{x}",  "{n+1000000000000000000000}"};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        struct err err = {0};
        assert_null(radius_port_rule_new(wrong[i], &err));
        assert_int_equal(err.code, ERR_SYNTAX);
        assert_non_null(strstr(err.text, "ports: "));
    }
    char longest[RADIUS_PORT_RULE + 2];
    struct err err;
    memset(longest, '{', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    assert_null(radius_port_rule_new(longest, &err));
    assert_int_equal(err.code, ERR_LIMIT);
}

/* --- clients --- */

static struct ip ip(const char *text)
{
    struct ip address;
    assert_int_equal(ip_parse(text, strlen(text), &address), 0);
    return address;
}

static void add(struct radius_clients *clients, const char *prefix, const char *name)
{
    struct err err;
    struct radius_client_spec spec = {.secret = "s", .name = name};
    assert_int_equal(ip_prefix_parse(prefix, strlen(prefix), &spec.prefix), 0);
    assert_int_equal(radius_clients_add(clients, &spec, &err), 0);
}

static const char *find(struct radius_clients *clients, const char *from)
{
    const struct ip address = ip(from);
    const struct radius_client *client = radius_clients_find(clients, &address);
    return client != NULL ? client->name : "nobody";
}

static void longest_prefix_decides(void **state)
{
    (void)state;
    struct radius_clients clients = {0};
    struct err err;
    assert_string_equal(find(&clients, "192.0.2.1"), "nobody");
    add(&clients, "192.0.2.0/24", "net");
    add(&clients, "192.0.2.7", "host");
    add(&clients, "2001:db8::/32", "six");
    add(&clients, "2001:db8:1::/48", "longer six");
    add(&clients, "10.0.0.0/8", "ten");
    assert_int_equal(radius_clients_sort(&clients, &err), 0);
    for (int again = 0; again < 2; again++) {
        assert_string_equal(find(&clients, "192.0.2.7"), "host");
        assert_string_equal(find(&clients, "192.0.2.8"), "net");
        assert_string_equal(find(&clients, "2001:db8:1::1"), "longer six");
        assert_string_equal(find(&clients, "2001:db8:2::1"), "six");
        assert_string_equal(find(&clients, "10.255.0.1"), "ten");
        assert_string_equal(find(&clients, "11.0.0.1"), "nobody");
        assert_string_equal(find(&clients, "2001:db9::1"), "nobody");
    }
    add(&clients, "10.1.2.3/8", "ten again");
    assert_int_equal(radius_clients_sort(&clients, &err), ERR_RANGE);
    assert_non_null(strstr(err.text, "10.0.0.0/8"));
    radius_clients_done(&clients);
}

struct folder {
    char path[64], clients[96], secret[96];
};

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, 0600), 0);
}

static void make_folder(struct folder *folder)
{
    snprintf(folder->path, sizeof(folder->path), "/tmp/radius_parts_XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    snprintf(folder->clients, sizeof(folder->clients), "%s/clients.csv", folder->path);
    snprintf(folder->secret, sizeof(folder->secret), "%s/a.secret", folder->path);
    write_file(folder->secret, "testing123\n");
}

static void remove_folder(const struct folder *folder)
{
    unlink(folder->clients);
    unlink(folder->secret);
    rmdir(folder->path);
}

static void clients_file_is_read(void **state)
{
    (void)state;
    struct folder folder;
    struct radius_clients clients = {0};
    struct err err;
    make_folder(&folder);
    write_file(folder.clients, "address,name,secret_file,switch,ports,owner,"
                               "require_message_authenticator\n"
                               "192.0.2.7,,a.secret,sw1,number,me,\n"
                               "192.0.2.0/24,proxy,a.secret,,,,no\n");
    assert_int_equal(radius_clients_load(&clients, folder.clients, true, &err), 0);
    assert_int_equal(radius_clients_sort(&clients, &err), 0);
    assert_int_equal(clients.count, 2);
    const struct ip one = ip("192.0.2.7"), two = ip("192.0.2.8");
    const struct radius_client *bound = radius_clients_find(&clients, &one);
    const struct radius_client *proxy = radius_clients_find(&clients, &two);
    assert_string_equal(bound->switch_name, "sw1");
    assert_string_equal(bound->secret, "testing123");
    assert_string_equal(bound->name, "192.0.2.7/32");
    assert_true(bound->demand);
    assert_null(proxy->switch_name);
    assert_string_equal(proxy->name, "proxy");
    assert_false(proxy->demand);
    radius_clients_done(&clients);
    remove_folder(&folder);
}

/* A secret that was changed has its source made anew, though the file of clients is as it was. */
static void a_changed_secret_is_noticed(void **state)
{
    (void)state;
    struct folder folder;
    make_folder(&folder);
    write_file(folder.clients, "address,secret_file\n192.0.2.7,a.secret\n");
    const struct wall changed = file_changed(folder.secret);
    assert_false(radius_clients_changed(folder.clients, changed));
    assert_true(radius_clients_changed(folder.clients, (struct wall){changed.us - 1}));
    assert_false(radius_clients_changed("/nonexistent", (struct wall){0}));
    unlink(folder.secret); /* making the source anew will say what is wrong */
    assert_true(radius_clients_changed(folder.clients, changed));
    remove_folder(&folder);
}

static void wrong_clients_files_say_where(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } wrong[] = {
        {"address,switch\n", ":1: expected a column secret_file"},
        {"address,secret_file\n192.0.2.0/33,a.secret\n", ":2: address"},
        {"address,secret_file\n192.0.2.1,\n", ":2: secret_file"},
        {"address,secret_file\n192.0.2.1,no.secret\n", "no.secret"},
        {"address,secret_file,ports\n192.0.2.1,a.secret,Gi{x}\n", ":2: ports: "},
        {"address,secret_file,require_message_authenticator\n192.0.2.1,a.secret,maybe\n",
         ":2: req"},
        {"address,secret_file\n\"192.0.2.1\n", "clients.csv"},
    };
    struct folder folder;
    make_folder(&folder);
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        struct radius_clients clients = {0};
        struct err err = {0};
        write_file(folder.clients, wrong[i].text);
        assert_true(radius_clients_load(&clients, folder.clients, false, &err) < 0);
        assert_non_null(strstr(err.text, wrong[i].said));
        assert_null(strstr(err.text, "testing123"));
        radius_clients_done(&clients);
    }
    remove_folder(&folder);
}

/* --- what is recent --- */

static struct mono at(int64_t seconds)
{
    return (struct mono){seconds * 1000000};
}

static void repetitions_are_told(void **state)
{
    (void)state;
    struct radius_recent *recent = radius_recent_new(8, span_seconds(60));
    assert_int_equal(radius_recent_find(recent, 5, at(0)), RADIUS_NEWS);
    radius_recent_put(recent, 5, at(0));
    radius_recent_put(recent, 13, at(0)); /* the same chain */
    assert_int_equal(radius_recent_find(recent, 5, at(1)), RADIUS_REPEATS_PENDING);
    radius_recent_done(recent, 5);
    assert_int_equal(radius_recent_find(recent, 5, at(1)), RADIUS_REPEATS_DONE);
    assert_int_equal(radius_recent_find(recent, 13, at(1)), RADIUS_REPEATS_PENDING);
    radius_recent_forget(recent, 13);
    assert_int_equal(radius_recent_find(recent, 13, at(1)), RADIUS_NEWS);
    assert_int_equal(radius_recent_find(recent, 5, at(60)), RADIUS_REPEATS_DONE);
    assert_int_equal(radius_recent_find(recent, 5, at(62)), RADIUS_NEWS);
    radius_recent_put(recent, 5, at(62));
    assert_int_equal(radius_recent_find(recent, 5, at(63)), RADIUS_REPEATS_PENDING);
    radius_recent_done(recent, 99);
    radius_recent_forget(recent, 99);
    radius_recent_free(recent);
}

/* Bounded: what is too old or done goes first, what waits last. */
static void oldest_are_forgotten_first(void **state)
{
    (void)state;
    struct radius_recent *recent = radius_recent_new(4, span_seconds(60));
    for (uint64_t key = 0; key < 4; key++)
        radius_recent_put(recent, key, at((int64_t)key));
    radius_recent_done(recent, 2);
    radius_recent_put(recent, 4, at(5));
    assert_int_equal(radius_recent_find(recent, 2, at(6)), RADIUS_NEWS);
    assert_int_equal(radius_recent_find(recent, 0, at(6)), RADIUS_REPEATS_PENDING);
    radius_recent_put(recent, 5, at(6)); /* all wait: the oldest goes */
    assert_int_equal(radius_recent_find(recent, 0, at(6)), RADIUS_NEWS);
    radius_recent_done(recent, 5);
    radius_recent_put(recent, 6, at(63)); /* key 1 is too old by now */
    assert_int_equal(radius_recent_find(recent, 5, at(63)), RADIUS_REPEATS_DONE);
    assert_int_equal(radius_recent_find(recent, 3, at(63)), RADIUS_REPEATS_PENDING);
    assert_int_equal(radius_recent_find(recent, 0, at(63)), RADIUS_NEWS);
    radius_recent_free(recent);
}

/* A quarter full, as in a busy data centre: nearly all are known. */
static void few_are_lost_early(void **state)
{
    (void)state;
    enum { CAPACITY = 1 << 16, KEPT = CAPACITY / 4 };
    struct radius_recent *recent = radius_recent_new(CAPACITY, span_seconds(60));
    int lost = 0;
    for (uint64_t i = 0; i < KEPT; i++)
        radius_recent_put(recent, hash_u64(i, 1), at(0));
    for (uint64_t i = 0; i < KEPT; i++)
        lost += radius_recent_find(recent, hash_u64(i, 1), at(1)) == RADIUS_NEWS;
    assert_true(lost < KEPT / 200);
    radius_recent_free(recent);
}

/* --- scopes --- */

static void join_port(void *aux, const char *port)
{
    strcat(aux, port);
    strcat(aux, " ");
}

static void scopes_know_their_ports(void **state)
{
    (void)state;
    struct radius_scopes *scopes = radius_scopes_new();
    const uint64_t ap = radius_scope_key("wlc", "ap1"), other = radius_scope_key("wlc", "ap2");
    char joined[64] = "";
    assert_int_equal(radius_scopes_learn(scopes, ap, "1"), 0);
    assert_int_equal(radius_scopes_learn(scopes, ap, "2"), 0);
    assert_int_equal(radius_scopes_learn(scopes, ap, "1"), 0);
    assert_int_equal(radius_scopes_each(scopes, ap, join_port, joined), 2);
    assert_string_equal(joined, "2 1 ");
    assert_int_equal(radius_scopes_each(scopes, other, join_port, joined), 0);
    char port[16];
    for (int i = 0; i < RADIUS_SCOPE_PORTS; i++) {
        snprintf(port, sizeof(port), "%d", i);
        assert_int_equal(radius_scopes_learn(scopes, other, port), 0);
    }
    assert_int_equal(radius_scopes_learn(scopes, other, "one more"), ERR_LIMIT);
    radius_scopes_free(scopes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(port_rules_name_ports),
        cmocka_unit_test(port_rules_do_not_guess),
        cmocka_unit_test(wrong_port_rules_are_refused),
        cmocka_unit_test(longest_prefix_decides),
        cmocka_unit_test(clients_file_is_read),
        cmocka_unit_test(a_changed_secret_is_noticed),
        cmocka_unit_test(wrong_clients_files_say_where),
        cmocka_unit_test(repetitions_are_told),
        cmocka_unit_test(oldest_are_forgotten_first),
        cmocka_unit_test(few_are_lost_early),
        cmocka_unit_test(scopes_know_their_ports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
