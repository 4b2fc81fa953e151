/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/mobile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/record_fixture.h"

/* Mobile nodes: each column of DOMAIN 1.8 for an IPv6 identity, each step, and what
 * must not be said. */

struct fixture {
    struct record_set *set;
    struct audit_options options;
    struct world *world;
    struct subnet_index *index;
    struct mobile_records records;
};

static const char cmdb[] = "guest,address,subnet,run_state\n"
                           "on1,2001:db8:a::1,2001:db8:1::/64|2001:db8:2::/64,on\n"
                           "off1,2001:db8:a::2,2001:db8:1::/64,off\n"
                           "quiet1,2001:db8:a::3,2001:db8:1::/64,\n"
                           "placeless,2001:db8:a::4,,on\n"
                           "torn,2001:db8:a::5,2001:db8:1::/64,on\n"
                           "twin1,2001:db8:a::6,2001:db8:3::/64,on\n"
                           "twin2,2001:db8:a::6,2001:db8:4::/64,off\n"
                           "proxied,2001:db8:b::77,2001:db8:1::/64,on\n"
                           ",2001:db8:a::fe,2001:db8:ee::/48,\n";
static const char dcm[] = "hypervisor,guest,cpu,memory,storage,bandwidth,address,subnet,run_state\n"
                          "h1,torn,1,1,1,1,,,off\n";
static const char guests[] = "hypervisor,guest,mac,run_state,ip\n"
                             "h1,quiet1,52:54:00:00:00:03,off,\n"
                             "h1,inventory1,52:54:00:00:00:07,on,2001:db8:a::7\n"
                             "h1,plain1,52:54:00:00:00:08,off,\n"
                             "h1,on1,52:54:00:00:00:01,off,\n";

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->set = record_set_new("records", (struct wall){0});
    record_fixture_add(f->set, RECORD_CMDB, cmdb);
    record_fixture_add(f->set, RECORD_DCM, dcm);
    record_fixture_add(f->set, RECORD_GUESTS, guests);
    record_set_finish(f->set);
    audit_options_init(&f->options);
    const struct record_set *const sets[] = {f->set};
    const struct world_input input = {.records = sets, .record_count = 1, .options = &f->options};
    f->world = world_new(&input);
    f->index = subnet_index_new(sets, 1);
    f->records = (struct mobile_records){.index = f->index, .world = f->world};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    subnet_index_free(f->index);
    world_free(f->world);
    record_set_free(f->set);
    free(f);
    return 0;
}

static struct ip ip_of(const char *text)
{
    struct ip ip = IP_NONE;
    if (text != NULL)
        assert_int_equal(ip_parse(text, strlen(text), &ip), 0);
    return ip;
}

static struct mobile_question ask(enum mobile_trigger trigger, const char *home,
                                  const char *care_of)
{
    return (struct mobile_question){.trigger = trigger,
                                    .home = {ip_of(home), IP_BITS},
                                    .mac = MAC_NONE,
                                    .care_of = ip_of(care_of)};
}

static struct mobile_answer judge(const struct fixture *f, enum mobile_trigger trigger,
                                  const char *home, const char *care_of)
{
    const struct mobile_question question = ask(trigger, home, care_of);
    return mobile_judge(&f->records, &question);
}

static void expect(const struct mobile_answer *answer, enum discrepancy_kind kind)
{
    assert_int_equal(answer->finding_count, 1);
    assert_string_equal(discrepancy_word(answer->findings[0]), discrepancy_word(kind));
}

static void the_right_subnet_is_clean(void **state)
{
    struct mobile_answer answer = judge(*state, MOBILE_ARRIVAL, "2001:db8:a::1", "2001:db8:2::9");
    assert_int_equal(answer.finding_count, 0);
    assert_string_equal(answer.guest, "on1");
    assert_int_equal(answer.join, MOBILE_JOIN_ADDRESS);
    assert_int_equal(answer.matched->prefix.bits, 64);
    assert_int_equal(answer.communicates, YES); /* CMDB before inventory */
    assert_int_equal(answer.state_row.table, RECORD_CMDB);
}

static void another_subnet_is_wrong(void **state)
{
    struct mobile_answer answer =
        judge(*state, MOBILE_ARRIVAL, "2001:db8:a::1", "2001:db8:ee:5::9");
    expect(&answer, DISCREPANCY_WRONG_SUBNET);
    assert_int_equal(answer.subnet.bits, 48);
    assert_false(answer.subnet_assumed);
    assert_int_equal(answer.subnet_recorded->guest, SUBNET_NONE);
    assert_int_equal(answer.expected_count, 2);
    answer = judge(*state, MOBILE_ARRIVAL, "2001:db8:a::1", "2001:db8:99::9");
    expect(&answer, DISCREPANCY_WRONG_SUBNET);
    assert_int_equal(answer.subnet.bits, 64);
    assert_true(answer.subnet_assumed);
    assert_null(answer.subnet_recorded);
}

static void unrecorded_nodes_and_agents(void **state)
{
    struct fixture *f = *state;
    struct mobile_question question = ask(MOBILE_ARRIVAL, "2001:db8:dead::1", "2001:db8:1::9");
    struct mobile_answer answer = mobile_judge(&f->records, &question);
    expect(&answer, DISCREPANCY_UNKNOWN_MOBILE);
    assert_null(answer.guest);
    question.agent = ip_of("2001:db8:dead::fe");
    answer = mobile_judge(&f->records, &question);
    assert_int_equal(answer.finding_count, 2);
    assert_int_equal(answer.findings[1], DISCREPANCY_UNKNOWN_AGENT);
    question.home.address = ip_of("2001:db8:a::1");
    answer = mobile_judge(&f->records, &question);
    expect(&answer, DISCREPANCY_UNKNOWN_AGENT);
    question.agent = ip_of("2001:db8:a::fe"); /* a row without guest */
    assert_int_equal(mobile_judge(&f->records, &question).finding_count, 0);
    const struct ip listed = ip_of("2001:db8:dead::fe");
    question.agent = listed;
    f->records.agents = &listed;
    f->records.agent_count = 1;
    assert_int_equal(mobile_judge(&f->records, &question).finding_count, 0);
}

static void off_is_judged_where_the_place_is_right(void **state)
{
    struct mobile_answer answer = judge(*state, MOBILE_ARRIVAL, "2001:db8:a::2", "2001:db8:1::9");
    expect(&answer, DISCREPANCY_OFF_BUT_SEEN);
    answer = judge(*state, MOBILE_ARRIVAL, "2001:db8:a::2", "2001:db8:2::9");
    expect(&answer, DISCREPANCY_WRONG_SUBNET); /* F4: the state is in the report, no second one */
    assert_int_equal(answer.state, RUN_STATE_OFF);
}

static void without_state_the_test_is_passed(void **state)
{
    struct fixture *f = *state;
    struct mobile_answer answer = judge(f, MOBILE_ARRIVAL, "2001:db8:a::3", "2001:db8:1::9");
    expect(&answer, DISCREPANCY_OFF_BUT_SEEN); /* joined: the inventory says off */
    assert_int_equal(answer.state_row.table, RECORD_GUESTS);
    assert_int_not_equal(answer.nic, UINT32_MAX);
    f->records.world = NULL;
    answer = judge(f, MOBILE_ARRIVAL, "2001:db8:a::3", "2001:db8:1::9");
    assert_int_equal(answer.finding_count, 0);
    assert_int_equal(answer.communicates, UNKNOWN);
    assert_int_equal(judge(f, MOBILE_STOP, "2001:db8:a::3", NULL).finding_count, 0);
}

static void contradicting_states_say_nothing(void **state)
{
    struct mobile_answer answer = judge(*state, MOBILE_ARRIVAL, "2001:db8:a::5", "2001:db8:1::9");
    assert_int_equal(answer.finding_count, 0);
    assert_true(answer.states_differ);
    assert_int_equal(judge(*state, MOBILE_EXPIRY, "2001:db8:a::5", NULL).finding_count, 0);
}

static void a_guest_without_subnet_is_a_gap(void **state)
{
    struct mobile_answer answer = judge(*state, MOBILE_ARRIVAL, "2001:db8:a::4", "2001:db8:1::9");
    expect(&answer, DISCREPANCY_RECORDED_GAP);
    answer = judge(*state, MOBILE_ARRIVAL, "2001:db8:a::4", NULL);
    assert_int_equal(answer.finding_count, 0); /* no place was announced */
}

static void a_double_entry_silences(void **state)
{
    struct mobile_answer answer = judge(*state, MOBILE_ARRIVAL, "2001:db8:a::6", "2001:db8:3::9");
    assert_int_equal(answer.finding_count, 0);
    assert_string_equal(answer.guest, "twin1");
    answer = judge(*state, MOBILE_ARRIVAL, "2001:db8:a::6", "2001:db8:4::9");
    assert_string_equal(answer.guest, "twin2");
}

static void stop_and_expiry_need_recorded_on(void **state)
{
    struct fixture *f = *state;
    struct mobile_answer answer = judge(f, MOBILE_STOP, "2001:db8:a::1", NULL);
    expect(&answer, DISCREPANCY_UNEXPECTED_STOP);
    answer = judge(f, MOBILE_EXPIRY, "2001:db8:a::1", NULL);
    expect(&answer, DISCREPANCY_SESSION_EXPIRED);
    assert_int_equal(judge(f, MOBILE_STOP, "2001:db8:a::2", NULL).finding_count, 0);
    assert_int_equal(judge(f, MOBILE_STOP, "2001:db8:dead::1", NULL).finding_count, 0);
    struct mobile_question question = ask(MOBILE_STOP, "2001:db8:a::1", NULL);
    question.others = 1;
    assert_int_equal(mobile_judge(&f->records, &question).finding_count, 0);
}

static void identities_join(void **state)
{
    struct fixture *f = *state;
    struct mobile_answer answer = judge(f, MOBILE_STOP, "2001:db8:a::7", NULL);
    expect(&answer, DISCREPANCY_UNEXPECTED_STOP); /* by the inventory's ip column */
    assert_string_equal(answer.guest, "inventory1");
    struct mobile_question question = ask(MOBILE_ARRIVAL, NULL, "2001:db8:1::9");
    question.mac = (struct mac){0x525400000008};
    answer = mobile_judge(&f->records, &question); /* only the link-layer id is known */
    assert_int_equal(answer.join, MOBILE_JOIN_MAC);
    assert_string_equal(answer.guest, "plain1");
    assert_int_equal(answer.finding_count, 2);
    assert_int_equal(answer.findings[0], DISCREPANCY_RECORDED_GAP);
    assert_int_equal(answer.findings[1], DISCREPANCY_OFF_BUT_SEEN);
    question.mac = (struct mac){0x525400000099};
    answer = mobile_judge(&f->records, &question);
    expect(&answer, DISCREPANCY_UNKNOWN_MOBILE);
    question = ask(MOBILE_ARRIVAL, "2001:db8:b::", "2001:db8:1::9");
    question.home.bits = 64;
    answer = mobile_judge(&f->records, &question);
    assert_int_equal(answer.finding_count, 0);
    assert_int_equal(answer.join, MOBILE_JOIN_PREFIX);
    assert_string_equal(answer.guest, "proxied");
    uint32_t numbers[4];
    assert_int_equal(mobile_guests(f->index, &question.home, numbers, 4), 1);
}

static void what_cannot_be_known_is_not_said(void **state)
{
    struct fixture *f = *state;
    f->records.unread = "the CMDB could not be read";
    struct mobile_answer answer = judge(f, MOBILE_ARRIVAL, "2001:db8:dead::1", "2001:db8:1::9");
    assert_int_equal(answer.finding_count, 0);
    assert_string_equal(answer.unobservable, "the CMDB could not be read");
    struct subnet_index *empty = subnet_index_new(NULL, 0);
    f->records = (struct mobile_records){.index = empty};
    answer = judge(f, MOBILE_ARRIVAL, "2001:db8:dead::1", "2001:db8:1::9");
    assert_int_equal(answer.finding_count, 0);
    assert_non_null(answer.unobservable);
    subnet_index_free(empty);
}

static void forged_prefixes_cost_nothing(void **state)
{
    struct fixture *f = *state;
    struct mobile_question question = ask(MOBILE_ARRIVAL, "::1", "::");
    question.home.bits = 0;
    question.home = ip_prefix_of(&question.home.address, 0);
    struct mobile_answer answer = mobile_judge(&f->records, &question);
    assert_int_equal(answer.finding_count, 0); /* "::" is no address: nobody was named */
    question.home = (struct ip_prefix){ip_of("2001:db8:a::"), 1};
    uint32_t numbers[2];
    assert_true(mobile_guests(f->index, &question.home, numbers, 2) <= 2);
    (void)mobile_judge(&f->records, &question);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_right_subnet_is_clean, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_subnet_is_wrong, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unrecorded_nodes_and_agents, set_up, tear_down),
        cmocka_unit_test_setup_teardown(off_is_judged_where_the_place_is_right, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_state_the_test_is_passed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(contradicting_states_say_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_guest_without_subnet_is_a_gap, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_double_entry_silences, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stop_and_expiry_need_recorded_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(identities_join, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_known_is_not_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forged_prefixes_cost_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
