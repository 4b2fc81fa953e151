/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/discrepancy.h"
#include "model/memory.h"

static void test_words_name_their_kind(void **state)
{
    for (int i = 0; i < DISCREPANCY_KIND_COUNT; i++)
        assert_int_equal(discrepancy_parse(discrepancy_word((enum discrepancy_kind)i)), i);
    assert_int_equal(discrepancy_parse("silence"), DISCREPANCY_KIND_COUNT);
    assert_int_equal(discrepancy_exit(DISCREPANCY_AUDIT_GAP), EXIT_NOT_OBSERVED);
    assert_int_equal(discrepancy_exit(DISCREPANCY_NIC_SILENT), EXIT_CLEAN);
    assert_int_equal(discrepancy_exit(DISCREPANCY_SWITCH_FLUSH), EXIT_CLEAN);
    assert_true(discrepancy_polled(DISCREPANCY_AUDIT_GAP));
    assert_false(discrepancy_polled(DISCREPANCY_UNEXPECTED_STOP));
    assert_string_equal(severity_word(discrepancy_severity(DISCREPANCY_SESSION_EXPIRED)), "low");
    assert_string_equal(severity_word(discrepancy_severity(DISCREPANCY_SILENT)), "medium");
    assert_string_equal(verdict_state_word(VERDICT_SUSPECTED), "suspected");
}

static void test_memory_finds_by_identity(void **state)
{
    const struct off_since offs[] = {{"a", {1}}, {"b", {2}}, {"d", {4}}};
    const struct open_since opens[] = {{"silent:x", {7}}};
    const struct memory memory = {.offs = offs, .off_count = 3, .opens = opens, .open_count = 1};
    assert_int_equal(memory_off_first(&memory, "b").us, 2);
    assert_int_equal(memory_off_first(&memory, "d").us, 4);
    assert_false(wall_known(memory_off_first(&memory, "c")));
    assert_false(wall_known(memory_off_first(NULL, "a")));
    assert_int_equal(memory_open_first(&memory, "silent:x").us, 7);
    assert_false(wall_known(memory_open_first(&memory, "silent")));
    size_t count;
    assert_int_equal(memory_opens(&memory, "silent:", &count)->first.us, 7);
    assert_int_equal(count, 1);
    assert_null(memory_opens(&memory, "silent:y", &count));
    assert_int_equal(count, 0);
}

static void test_memory_finds_intervals_side_by_side(void **state)
{
    const struct seen_interval intervals[] = {
        {.mac = {1}}, {.mac = {5}, .port = "p"}, {.mac = {5}, .port = "q"}, {.mac = {9}}};
    const struct memory memory = {.intervals = intervals, .interval_count = 4};
    size_t count;
    const struct seen_interval *found = memory_intervals(&memory, (struct mac){5}, &count);
    assert_int_equal(count, 2);
    assert_string_equal(found[1].port, "q");
    assert_null(memory_intervals(&memory, (struct mac){4}, &count));
    assert_int_equal(count, 0);
    assert_null(memory_intervals(NULL, (struct mac){5}, &count));
}

/* The words' first owner is gone, and was overwritten, when the copy is read. */
static void test_a_copy_borrows_nothing(void **state)
{
    char switch_name[] = "sw1", port[] = "p1", said[] = "said", guest[] = "web1";
    struct mac mac = {5};
    struct named_place expected = {switch_name, port};
    struct observed_place observed = {.place = {switch_name, port}, .vlan = said, .source = said};
    struct evidence evidence = {.what = said, .source = said, .text = said};
    const char *texts[] = {said};
    struct discrepancy from = {.kind = DISCREPANCY_WRONG_LOCATION,
                               .domain = said,
                               .identity = said,
                               .subject = {.guest = guest, .switch_name = switch_name, .mac = {7}},
                               .macs = &mac,
                               .mac_count = 1,
                               .expected_hypervisors = texts,
                               .expected_hypervisor_count = 1,
                               .expected = &expected,
                               .expected_count = 1,
                               .observed = &observed,
                               .observed_count = 1,
                               .evidence = &evidence,
                               .evidence_count = 1,
                               .why = said,
                               .would_prove = said,
                               .members = texts,
                               .member_count = 1};
    struct discrepancy copy;
    struct arena *arena = arena_new();
    discrepancy_copy(&from, arena, &copy);
    memset(switch_name, '?', 3);
    memset(port, '?', 2);
    memset(said, '?', 4);
    memset(guest, '?', 4);
    mac.bits = 0;
    assert_string_equal(copy.subject.guest, "web1");
    assert_string_equal(copy.subject.switch_name, "sw1");
    assert_null(copy.subject.port);
    assert_null(copy.run_state);
    assert_int_equal(copy.subject.mac.bits, 7);
    assert_int_equal(copy.macs[0].bits, 5);
    assert_string_equal(copy.expected[0].port, "p1");
    assert_string_equal(copy.observed[0].place.switch_name, "sw1");
    assert_string_equal(copy.observed[0].vlan, "said");
    assert_string_equal(copy.evidence[0].text, "said");
    assert_string_equal(copy.expected_hypervisors[0], "said");
    assert_string_equal(copy.members[0], "said");
    assert_string_equal(copy.identity, "said");
    assert_string_equal(copy.why, "said");
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_name_their_kind),
        cmocka_unit_test(test_a_copy_borrows_nothing),
        cmocka_unit_test(test_memory_finds_by_identity),
        cmocka_unit_test(test_memory_finds_intervals_side_by_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
