/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "store/verdict_text.h"

#define SUBJECT                                                                                    \
    "\"subject\":{\"guest\":\"web1\",\"uuid\":null,\"hypervisor\":\"B\",\"switch\":null,"          \
    "\"source\":null,\"port\":null,\"mac\":\"52:54:00:00:00:01\"}"
#define REST                                                                                       \
    "\"macs\":[\"52:54:00:00:00:01\",null],\"expected_hypervisors\":[\"B\"],\"expected\":[],"      \
    "\"observed\":[{\"switch\":\"sw1\",\"port\":\"p1\",\"vlan\":null,\"from\":-5,\"to\":null,"     \
    "\"source\":\"sw1\"}],\"evidence\":[],\"would_prove\":\"\",\"members\":[],\"run_state\":null"
#define WORDS "\"kind\":\"silent\",\"state\":\"confirmed\",\"severity\":\"high\",\"domain\":null,"

static int parse(struct arena *arena, const char *text, struct discrepancy *ret)
{
    /* exactly as long as the text, so that a sanitizer sees a step beyond its end */
    size_t length = strlen(text);
    char *copy = malloc(length + (length == 0));
    memcpy(copy, text, length);
    int status = verdict_text_parse(copy, length, arena, ret);
    free(copy);
    return status;
}

static void every_member_is_read(void **unused)
{
    struct arena *arena = arena_new();
    struct discrepancy d;
    AUTO_TEXT struct text printed = TEXT_EMPTY;
    const char *text = " {" WORDS "\"identity\":\"a\", " SUBJECT ",\n" REST
                       ",\"why\":\"\\\"\\u00e9\\ud83d\\ude00\\n\"} ";
    assert_int_equal(parse(arena, text, &d), 0);
    assert_int_equal(d.kind, DISCREPANCY_SILENT);
    assert_int_equal(d.state, VERDICT_CONFIRMED);
    assert_int_equal(d.severity, SEVERITY_HIGH);
    assert_null(d.domain);
    assert_string_equal(d.why, "\"\xc3\xa9\xf0\x9f\x98\x80\n");
    assert_string_equal(d.subject.guest, "web1");
    assert_int_equal(d.subject.mac.bits, 0x525400000001);
    assert_int_equal(d.mac_count, 2);
    assert_false(mac_known(d.macs[1]));
    assert_int_equal(d.observed_count, 1);
    assert_int_equal(d.observed[0].from.us, -5);
    assert_false(wall_known(d.observed[0].to));
    assert_false(ip_known(&d.subject.address));
    assert_int_equal(ip_parse("2001:db8::5", 11, &d.subject.address), 0);
    verdict_text_print(&d, &printed);
    struct discrepancy again;
    assert_int_equal(parse(arena, text_get(&printed), &again), 0);
    assert_string_equal(again.why, d.why);
    assert_true(ip_equal(&again.subject.address, &d.subject.address));
    arena_free(arena);
}

static void unknown_members_are_skipped(void **unused)
{
    struct arena *arena = arena_new();
    struct discrepancy d;
    assert_int_equal(parse(arena,
                           "{\"new\":{\"a\":[1.5e3,true,{}],\"b\":\"x\\u0041\"}," WORDS
                           "\"identity\":\"a\"," SUBJECT "," REST ",\"why\":null}",
                           &d),
                     0);
    assert_string_equal(d.identity, "a");
    assert_null(d.why);
    arena_free(arena);
}

static void what_is_damaged_is_refused(void **unused)
{
    static const char good[] = "{" WORDS "\"identity\":\"a\"," SUBJECT "," REST ",\"why\":\"\"}";
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{" WORDS "\"identity\":null," SUBJECT "," REST ",\"why\":\"\"}",
        "{" WORDS "\"identity\":7," SUBJECT "," REST ",\"why\":\"\"}",
        "{" WORDS "\"identity\":\"a\"," SUBJECT "," REST "}",
        "{" WORDS "\"identity\":\"a\",\"subject\":{}," REST ",\"why\":\"\"}",
        "{" WORDS "\"identity\":\"a\"," SUBJECT "," REST ",\"why\":\"\"}x",
        "{" WORDS "\"identity\":\"a\"," SUBJECT "," REST ",\"why\":\"\xff\"}",
        "{" WORDS "\"identity\":\"a\"," SUBJECT "," REST ",\"why\":\"a\nb\"}",
        "{" WORDS "\"identity\":\"a\"," SUBJECT "," REST ",\"why\":\"\\ud800\"}",
        "{" WORDS "\"identity\":\"a\"," SUBJECT "," REST ",\"why\":\"\\ude00\"}",
        "{" WORDS "\"identity\":\"a\"," SUBJECT "," REST ",\"why\":\"\\q\"}",
        "{" WORDS "\"identity\":\"a\"," SUBJECT "," REST ",\"why\":\"\",\"n\":"
        "[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]}",
    };
    struct arena *arena = arena_new();
    struct discrepancy d;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_int_equal(parse(arena, bad[i], &d), ERR_CORRUPT);
    assert_int_equal(parse(arena, good, &d), 0);
    for (size_t cut = 0; cut < sizeof good - 1; cut++) {
        char *part = strndup(good, cut);
        assert_int_equal(parse(arena, part, &d), ERR_CORRUPT);
        free(part);
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_is_read),
        cmocka_unit_test(unknown_members_are_skipped),
        cmocka_unit_test(what_is_damaged_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
