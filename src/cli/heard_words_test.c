/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/heard_words.h"

/* What was heard of an address, in words. Times count seconds from the beginning of 2026. */

static struct wall second(int64_t number)
{
    return (struct wall){INT64_C(1767225600) * 1000000 + number * 1000000};
}

static struct heard_line session(enum heard_line_kind kind, int64_t at, const char *type)
{
    return (struct heard_line){.kind = kind,
                               .at = second(at),
                               .session = {.source = "src",
                                           .type = type,
                                           .nas = "sw1",
                                           .session = "A1",
                                           .node = "",
                                           .switch_name = "sw1",
                                           .port = "Gi0/3",
                                           .vlan = 10,
                                           .ended = WALL_UNKNOWN,
                                           .expired = WALL_UNKNOWN,
                                           .cause = "",
                                           .proof = EVENT_PROOF_TOLD}};
}

static struct heard_line announced(int64_t at, const char *cause, const char *switch_name,
                                   const char *port)
{
    struct heard_line line = {
        .kind = HEARD_LINE_EVENT, .at = second(at), .event = event_of(EVENT_ANNOUNCE)};
    line.event.source = "mirror";
    line.event.cause = cause;
    line.event.switch_name = switch_name;
    line.event.port = port;
    return line;
}

static struct heard_line followed(enum followed_kind kind, int64_t at, const char *text)
{
    return (struct heard_line){.kind = HEARD_LINE_FOLLOWED,
                               .at = second(at),
                               .followed = {.kind = kind,
                                            .switch_name = "sw1",
                                            .at = second(at),
                                            .until = second(at + 90),
                                            .text = text}};
}

/* The words of the lines must be these, NULL at the end. */
static void assert_words(const struct heard_line *lines, size_t count, const char *const *expected)
{
    struct arena *arena = arena_new();
    struct heard_said *said;
    size_t told = heard_words(lines, count, NULL, arena, &said);
    for (size_t i = 0; i < told; i++) {
        assert_non_null(expected[i]);
        assert_string_equal(said[i].text, expected[i]);
    }
    assert_null(expected[told]);
    arena_free(arena);
}

#define WORDS(lines, ...)                                                                          \
    assert_words(lines, sizeof(lines) / sizeof(*(lines)), (const char *const[]){__VA_ARGS__, NULL})

static void an_announcement_and_its_window(void **state)
{
    const struct heard_line lines[] = {announced(0, "rarp", "sw1", "Gi0/3"),
                                       followed(FOLLOWED_WINDOW, 0, ""),
                                       followed(FOLLOWED_WINDOW, 60, "")};
    WORDS(lines, "RARP at sw1 port Gi0/3; it opened a migration window until 2026-01-01T00:01:30Z",
          "it opened a migration window until 2026-01-01T00:02:30Z"); /* too late to be of it */
}

static void a_trap_that_a_probe_confirmed(void **state)
{
    struct heard_line lines[] = {session(HEARD_LINE_BEGAN, 0, "snmp_trap"),
                                 followed(FOLLOWED_PROBE, 1, "port Gi0/3 vlan 10"),
                                 session(HEARD_LINE_BEGAN, 2, "snmp_trap"),
                                 followed(FOLLOWED_PROBE, 3, ""),
                                 session(HEARD_LINE_ENDED, 4, "snmp_trap"),
                                 followed(FOLLOWED_PROBE, 5, "port Gi0/9")};
    for (size_t i = 0; i < 6; i += 2)
        lines[i].session.proof = EVENT_PROOF_HINT;
    WORDS(lines,
          "trap: learnt at sw1 port Gi0/3 vlan 10; confirmed by a probe of sw1: port Gi0/3 vlan 10",
          "trap: learnt at sw1 port Gi0/3 vlan 10; a probe of sw1 did not find it",
          "trap: gone at sw1 port Gi0/3 vlan 10; a probe of sw1 found it at port Gi0/9");
}

static void what_has_no_place_is_said(void **state)
{
    struct heard_line lines[] = {session(HEARD_LINE_BEGAN, 0, "radius"),
                                 announced(1, "gratuitous_arp", NULL, NULL)};
    lines[0].session.switch_name = "";
    WORDS(lines,
          "session A1 of sw1 began at port Gi0/3 vlan 10; ignored as a place: its sender is mapped "
          "to no switch",
          "gratuitous ARP; nobody said where");
}

static void ends_are_told_by_their_kind(void **state)
{
    struct heard_line lines[] = {
        session(HEARD_LINE_EXPIRED, 0, "radius"), session(HEARD_LINE_ENDED, 1, "radius"),
        session(HEARD_LINE_ENDED, 2, "radius"), session(HEARD_LINE_ENDED, 3, "radius"),
        session(HEARD_LINE_ENDED, 4, "mobile_ip")};
    lines[1].session.cause = "User-Request";
    lines[1].session.expired = second(0);
    lines[2].session.cause = "reset";
    lines[3].session.cause = "replaced";
    lines[4].session.cause = "refused";
    lines[4].session.care_of.octets[0] = 0x20;
    WORDS(lines, "session A1 of sw1 expired: nothing was heard of it in time",
          "session A1 of sw1 ended, long after it had expired: User-Request",
          "session A1 of sw1 ended with all sessions of its NAS",
          "session A1 of sw1 ended: it began anew",
          "binding with sw1 refused by its agent: it ends");
}

static void json_tells_how_many_more(void **state)
{
    const struct heard_line line = announced(0, "rarp", "sw1", "Gi\"3");
    struct arena *arena = arena_new();
    struct heard_said *said;
    AUTO_TEXT struct text text = TEXT_EMPTY;
    text_add_char(&text, '{');
    size_t count = heard_words(&line, 1, NULL, arena, &said);
    heard_words_json(said, count, 7, &text);
    assert_string_equal(text_get(&text),
                        "{\"heard\":[{\"at\":\"2026-01-01T00:00:00Z\",\"source\":\"mirror\","
                        "\"text\":\"RARP at sw1 port Gi\\\"3\"}],\"heard_before\":7");
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_announcement_and_its_window),
        cmocka_unit_test(a_trap_that_a_probe_confirmed),
        cmocka_unit_test(what_has_no_place_is_said),
        cmocka_unit_test(ends_are_told_by_their_kind),
        cmocka_unit_test(json_tells_how_many_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
