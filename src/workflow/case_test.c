/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "workflow/case.h"

static const struct wall noon = {INT64_C(1764000000000000)};

static struct wall after_hours(int64_t hours)
{
    return wall_add(noon, span_seconds(hours * 3600));
}

static struct observed_place at_sw1 = {.place = {"sw1", "Gi0/3"}, .vlan = "10", .source = "snmp"};
static struct observed_place at_sw2 = {.place = {"sw2", "Gi0/9"}, .vlan = "10", .source = "snmp"};

static struct discrepancy make(enum discrepancy_kind kind, enum verdict_state state,
                               const char *identity, const struct observed_place *place)
{
    return (struct discrepancy){.kind = kind,
                                .state = state,
                                .domain = "default/10",
                                .identity = identity,
                                .subject = {.guest = "web1", .mac = {0x525400112233}},
                                .observed = place,
                                .observed_count = place != NULL,
                                .why = "because"};
}

static struct case_record record_in(enum case_state state, const struct discrepancy *discrepancy)
{
    return (struct case_record){.number = 12,
                                .state = state,
                                .state_at = noon,
                                .before = CASE_SUSPECTED,
                                .discrepancy = discrepancy,
                                .first = noon,
                                .last = noon,
                                .count = 1,
                                .ended_at = case_state_open(state) ? WALL_UNKNOWN : noon,
                                .reported_at = WALL_UNKNOWN,
                                .acknowledged_at = WALL_UNKNOWN};
}

/* The whole table a second time, in words, as an operator would expect it. */
static void every_transition_is_as_written(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        const char *to[CASE_INPUT_COUNT];
    } expected[] = {
        {"suspected",
         {"suspected", "confirmed", "cleared", "suspected", "suspected", "acknowledged",
          "suppressed", "suspected", "closed"}},
        {"confirmed",
         {"confirmed", "confirmed", "cleared", "confirmed", "reported", "acknowledged",
          "suppressed", "confirmed", "closed"}},
        {"reported",
         {"reported", "reported", "cleared", "reported", "reported", "acknowledged", "suppressed",
          "reported", "closed"}},
        {"acknowledged",
         {"acknowledged", "acknowledged", "cleared", "acknowledged", "acknowledged", "acknowledged",
          "acknowledged", "suspected", "closed"}},
        {"suppressed",
         {"suppressed", "suppressed", "cleared", "suppressed", "suppressed", "acknowledged",
          "suppressed", "suspected", "closed"}},
        {"cleared",
         {"suspected", "confirmed", "cleared", "cleared", "cleared", "cleared", "cleared",
          "cleared", "closed"}},
        {"closed",
         {"suspected", "confirmed", "closed", "closed", "closed", "closed", "closed", "closed",
          "closed"}},
    };
    assert_int_equal(ARRAY_COUNT(expected), CASE_STATE_COUNT);
    for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
        enum case_state from = case_state_parse(expected[i].from);
        assert_int_not_equal(from, CASE_STATE_COUNT);
        for (unsigned input = 0; input < CASE_INPUT_COUNT; input++)
            assert_string_equal(case_state_word(case_next(from, (enum case_input)input)),
                                expected[i].to[input]);
    }
}

static void words_and_numbers_go_there_and_back(void **state)
{
    (void)state;
    char id[CASE_ID_SIZE];
    uint64_t number = 7;
    assert_string_equal(case_id_format(12, id), "C12");
    assert_int_equal(case_id_parse("C12", &number), 0);
    assert_int_equal(number, 12);
    assert_int_equal(case_id_parse("c9", &number), 0);
    assert_int_equal(number, 9);
    const char *const bad[] = {"", "C", "C0", "12x", "-1", "C 1", "D1", "C99999999999999999999"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_int_equal(case_id_parse(bad[i], &number), ERR_SYNTAX);
    assert_int_equal(number, 9);
    for (unsigned i = 0; i < CASE_EVENT_COUNT; i++)
        assert_int_equal(case_event_parse(case_event_word((enum case_event_kind)i)), i);
    assert_int_equal(case_event_parse("nothing"), CASE_EVENT_COUNT);
}

static void a_first_sighting_opens_a_case(void **state)
{
    (void)state;
    struct discrepancy d =
        make(DISCREPANCY_OFF_BUT_SEEN, VERDICT_SUSPECTED, "off_but_seen web1", &at_sw1);
    struct case_change change = case_advance(NULL, &d, true, 3, 8, noon);
    assert_int_equal(change.record.number, 3);
    assert_int_equal(change.record.state, CASE_SUSPECTED);
    assert_int_equal(change.record.count, 1);
    assert_true(change.has_event);
    assert_int_equal(change.event.kind, CASE_EVENT_OPENED);
    assert_int_equal(change.event.round, 8);
    assert_false(wall_known(change.record.ended_at));
}

static void the_same_again_is_no_event(void **state)
{
    (void)state;
    struct discrepancy d =
        make(DISCREPANCY_WRONG_LOCATION, VERDICT_SUSPECTED, "wrong_location web1", &at_sw1);
    struct case_record record = record_in(CASE_REPORTED, &d);
    struct case_change change = case_advance(&record, &d, true, 0, 2, after_hours(1));
    assert_false(change.has_event);
    assert_int_equal(change.record.count, 2);
    assert_int_equal(change.record.first.us, noon.us);
    assert_int_equal(change.record.last.us, after_hours(1).us);

    struct discrepancy moved = d;
    moved.observed = &at_sw2;
    change = case_advance(&record, &moved, true, 0, 2, after_hours(1));
    assert_true(change.has_event);
    assert_int_equal(change.event.kind, CASE_EVENT_CHANGED);
    assert_int_equal(change.record.number, 12);
    assert_int_equal(change.record.state, CASE_REPORTED);
}

static void proof_confirms_and_is_not_forgotten(void **state)
{
    (void)state;
    struct discrepancy weak =
        make(DISCREPANCY_OFF_BUT_SEEN, VERDICT_SUSPECTED, "off_but_seen web1", &at_sw1);
    struct discrepancy proved = weak;
    proved.state = VERDICT_CONFIRMED;
    struct case_record record = record_in(CASE_SUSPECTED, &weak);
    struct case_change change = case_advance(&record, &proved, true, 0, 2, after_hours(1));
    assert_int_equal(change.record.state, CASE_CONFIRMED);
    assert_int_equal(change.event.kind, CASE_EVENT_CONFIRMED);
    change = case_advance(&change.record, &weak, true, 0, 3, after_hours(2));
    assert_int_equal(change.record.state, CASE_CONFIRMED);
}

static void absence_without_sight_changes_nothing(void **state)
{
    (void)state;
    struct discrepancy d =
        make(DISCREPANCY_OFF_BUT_SEEN, VERDICT_CONFIRMED, "off_but_seen web1", &at_sw1);
    struct case_record record = record_in(CASE_REPORTED, &d);
    struct case_change change = case_advance(&record, NULL, false, 0, 2, after_hours(99));
    assert_false(change.has_event);
    assert_int_equal(change.record.state, CASE_REPORTED);
    assert_int_equal(change.record.last.us, noon.us);
    change = case_advance(&record, NULL, true, 0, 2, after_hours(99));
    assert_int_equal(change.record.state, CASE_CLEARED);
    assert_int_equal(change.record.before, CASE_REPORTED);
}

static void back_within_the_grace_goes_on(void **state)
{
    (void)state;
    static const struct {
        enum case_state before, back;
        enum verdict_state verdict;
    } rows[] = {
        {CASE_SUSPECTED, CASE_SUSPECTED, VERDICT_SUSPECTED},
        {CASE_SUSPECTED, CASE_CONFIRMED, VERDICT_CONFIRMED},
        {CASE_CONFIRMED, CASE_CONFIRMED, VERDICT_SUSPECTED},
        {CASE_REPORTED, CASE_CONFIRMED, VERDICT_SUSPECTED}, /* news again */
        {CASE_ACKNOWLEDGED, CASE_ACKNOWLEDGED, VERDICT_CONFIRMED},
        {CASE_SUPPRESSED, CASE_SUSPECTED, VERDICT_SUSPECTED},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct discrepancy d = make(DISCREPANCY_SILENT, rows[i].verdict, "silent web1", NULL);
        struct case_record record = record_in(rows[i].before, &d);
        struct case_change gone = case_advance(&record, NULL, true, 0, 2, after_hours(1));
        assert_int_equal(gone.record.state, CASE_CLEARED);
        struct case_change back = case_advance(&gone.record, &d, true, 77, 3, after_hours(24));
        assert_int_equal(back.record.number, 12);
        assert_int_equal(back.record.state, rows[i].back);
        assert_int_equal(back.record.count, 2);
        assert_int_equal(back.record.reopened, 1);
        assert_int_equal(back.record.first.us, noon.us);
        assert_int_equal(back.event.kind, CASE_EVENT_REOPENED);
    }
}

static void after_the_grace_it_is_another_case(void **state)
{
    (void)state;
    struct discrepancy d = make(DISCREPANCY_SILENT, VERDICT_SUSPECTED, "silent web1", NULL);
    struct case_record record = record_in(CASE_REPORTED, &d);
    struct case_change gone = case_advance(&record, NULL, true, 0, 2, after_hours(1));
    struct case_change over = case_advance(&gone.record, NULL, false, 0, 3, after_hours(25));
    assert_int_equal(over.record.state, CASE_CLOSED);
    assert_int_equal(over.event.kind, CASE_EVENT_CLOSED);
    assert_false(case_continues(&over.record, after_hours(25)));
    struct case_change fresh = case_advance(&over.record, &d, true, 77, 4, after_hours(25));
    assert_int_equal(fresh.record.number, 77);
    assert_int_equal(fresh.record.count, 1);
    assert_int_equal(fresh.record.first.us, after_hours(25).us);
}

static void people_acknowledge_release_and_close(void **state)
{
    (void)state;
    struct discrepancy d =
        make(DISCREPANCY_WRONG_LOCATION, VERDICT_CONFIRMED, "wrong_location web1", &at_sw1);
    struct case_record record = record_in(CASE_REPORTED, &d);
    struct case_change change;
    struct err err;
    assert_int_equal(case_acknowledge(&record, "ada", "known move", noon, &change, &err), 0);
    assert_int_equal(change.record.state, CASE_ACKNOWLEDGED);
    assert_string_equal(change.record.acknowledged_by, "ada");
    assert_string_equal(change.event.text, "known move");
    struct case_record acknowledged = change.record;

    assert_int_equal(case_close(&acknowledged, "ada", "", false, noon, &change, &err), ERR_DENIED);
    assert_non_null(strstr(err.text, "C12 is acknowledged"));
    assert_int_equal(case_close(&acknowledged, "ada", "scrapped", true, noon, &change, &err), 0);
    assert_int_equal(change.record.state, CASE_CLOSED);
    struct case_change back =
        case_advance(&change.record, &d, true, 0, 4, after_hours(1)); /* it was still there */
    assert_int_equal(back.record.number, 12);
    assert_int_equal(back.record.state, CASE_ACKNOWLEDGED);

    assert_int_equal(case_release(&acknowledged, "bob", "", noon, &change, &err), 0);
    assert_int_equal(change.record.state, CASE_CONFIRMED);
    assert_null(change.record.acknowledged_by);
    assert_int_equal(case_release(&record, "bob", "", noon, &change, &err), ERR_DENIED);

    struct case_record cleared = record_in(CASE_CLEARED, &d);
    assert_int_equal(case_acknowledge(&cleared, "ada", "", noon, &change, &err), ERR_DENIED);
    assert_int_equal(case_suppress(&cleared, "", "window", noon, &change, &err), ERR_DENIED);
    assert_int_equal(case_close(&cleared, "ada", "", false, noon, &change, &err), 0);
    assert_int_equal(case_close(&change.record, "ada", "", true, noon, &change, &err), ERR_DENIED);
}

static void a_report_is_remembered(void **state)
{
    (void)state;
    struct discrepancy d =
        make(DISCREPANCY_WRONG_LOCATION, VERDICT_CONFIRMED, "wrong_location web1", &at_sw1);
    struct case_record record = record_in(CASE_CONFIRMED, &d);
    struct case_change change = case_report(&record, 5, noon);
    assert_int_equal(change.record.state, CASE_REPORTED);
    assert_int_equal(change.record.reported_at.us, noon.us);
    assert_int_equal(change.event.round, 5);
}

/* --- whole rounds --- */

static bool seen_all(void *context, struct mac mac)
{
    return mac.bits == *(uint64_t *)context;
}

/* What becomes of one case that is not judged again under `coverage`. */
static enum case_state left_over(struct discrepancy *d, const struct case_coverage *coverage)
{
    struct case_record record = record_in(CASE_REPORTED, d);
    struct case_round round = {.previous = &record,
                               .previous_count = 1,
                               .coverage = coverage,
                               .next_number = 20,
                               .round = 4,
                               .now = after_hours(1)};
    struct arena *arena = arena_new();
    struct case_changes changes = case_merge_round(&round, arena);
    enum case_state state = changes.count == 0 ? CASE_REPORTED : changes.items[0].record.state;
    arena_free(arena);
    return state;
}

static void clearing_needs_observation(void **state)
{
    (void)state;
    struct named_switch sw1 = {"default", "sw1"}, sw2 = {"default", "sw2"}, far = {"far", "sw1"};
    uint64_t mac = 0x525400112233, other = 1;
    struct discrepancy d =
        make(DISCREPANCY_WRONG_LOCATION, VERDICT_CONFIRMED, "wrong_location web1", &at_sw1);
    struct case_coverage nothing = {0};
    assert_int_equal(left_over(&d, &nothing), CASE_REPORTED);
    struct case_coverage whole = {.whole = &sw1, .whole_count = 1};
    assert_int_equal(left_over(&d, &whole), CASE_CLEARED);
    struct case_coverage other_site = {.whole = &far, .whole_count = 1};
    assert_int_equal(left_over(&d, &other_site), CASE_REPORTED);
    struct case_coverage gap = {
        .whole = &sw1, .whole_count = 1, .missing = &sw2, .missing_count = 1};
    assert_int_equal(left_over(&d, &gap), CASE_REPORTED);
    gap.seen = seen_all;
    gap.context = &other;
    assert_int_equal(left_over(&d, &gap), CASE_REPORTED);
    gap.context = &mac; /* seen elsewhere, and nothing was said against it */
    assert_int_equal(left_over(&d, &gap), CASE_CLEARED);
    struct case_coverage far_gap = {
        .whole = &sw1, .whole_count = 1, .missing = &far, .missing_count = 1};
    assert_int_equal(left_over(&d, &far_gap), CASE_CLEARED);
    struct not_observable row = {.guest = "web1", .hypervisor = "B", .why = "sw9 not read"};
    whole.not_observable = &row;
    whole.not_observable_count = 1;
    assert_int_equal(left_over(&d, &whole), CASE_REPORTED);
}

static void silence_records_and_gaps_clear_by_their_own_proof(void **state)
{
    (void)state;
    struct named_switch sw2 = {"default", "sw2"};
    const char *inventory = "csv guests.csv";
    struct not_observable row = {.hypervisor = "B", .why = "sw2 not read"};
    struct case_coverage dead = {.missing = &sw2, .missing_count = 1};
    struct case_coverage stale = {.records_failed = &inventory, .records_failed_count = 1};
    struct case_coverage alive = {.whole = &sw2, .whole_count = 1};
    struct case_coverage blind = {.not_observable = &row, .not_observable_count = 1};

    struct discrepancy silent = make(DISCREPANCY_SILENT, VERDICT_CONFIRMED, "silent web1", NULL);
    assert_int_equal(left_over(&silent, &dead), CASE_CLEARED);
    struct discrepancy host =
        make(DISCREPANCY_HYPERVISOR_SILENT, VERDICT_CONFIRMED, "hypervisor_silent B", NULL);
    host.subject = (struct subject){.hypervisor = "B", .mac = MAC_NONE};
    assert_int_equal(left_over(&host, &blind), CASE_REPORTED);
    assert_int_equal(left_over(&host, &alive), CASE_CLEARED);

    struct discrepancy gap = make(DISCREPANCY_AUDIT_GAP, VERDICT_CONFIRMED, "audit_gap sw2", NULL);
    gap.subject = (struct subject){.switch_name = "sw2", .mac = MAC_NONE};
    assert_int_equal(left_over(&gap, &dead), CASE_REPORTED);
    assert_int_equal(left_over(&gap, &alive), CASE_CLEARED);
    assert_int_equal(left_over(&gap, &stale), CASE_REPORTED); /* sw2 was not asked */
    gap.subject = (struct subject){.source = "csv guests.csv", .mac = MAC_NONE};
    assert_int_equal(left_over(&gap, &stale), CASE_REPORTED);
    assert_int_equal(left_over(&gap, &alive), CASE_CLEARED);

    struct discrepancy conflict =
        make(DISCREPANCY_INVENTORY_CONFLICT, VERDICT_CONFIRMED, "inventory_conflict web1", NULL);
    assert_int_equal(left_over(&conflict, &stale), CASE_REPORTED);
    assert_int_equal(left_over(&conflict, &dead), CASE_CLEARED);
}

/* A source of records that gave nothing, and of which there is no copy, may have said anything
 * about the subject of a case: only what has nothing to do with records is observed to be over. */
static void nothing_clears_while_records_are_unknown(void **state)
{
    (void)state;
    static const enum discrepancy_kind kinds[] = {
        DISCREPANCY_WRONG_LOCATION,      DISCREPANCY_OFF_BUT_SEEN,   DISCREPANCY_WRONG_VLAN,
        DISCREPANCY_NON_HYPERVISOR_PORT, DISCREPANCY_SILENT,         DISCREPANCY_UNKNOWN_GUEST,
        DISCREPANCY_DUPLICATE_GUEST,     DISCREPANCY_SESSION_EXPIRED};
    struct named_switch sw1 = {"default", "sw1"};
    const char *inventory = "csv guests.csv";
    struct case_coverage copy = {
        .whole = &sw1, .whole_count = 1, .records_failed = &inventory, .records_failed_count = 1};
    struct case_coverage unknown = copy;
    unknown.records_unread = true;
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        struct discrepancy d = make(kinds[i], VERDICT_CONFIRMED, "of web1", &at_sw1);
        assert_int_equal(left_over(&d, &copy), CASE_CLEARED);
        assert_int_equal(left_over(&d, &unknown), CASE_REPORTED);
    }
    struct discrepancy gap = make(DISCREPANCY_AUDIT_GAP, VERDICT_CONFIRMED, "audit_gap sw1", NULL);
    gap.subject = (struct subject){.switch_name = "sw1", .mac = MAC_NONE};
    assert_int_equal(left_over(&gap, &unknown), CASE_CLEARED);
}

static void a_round_pairs_by_identity(void **state)
{
    (void)state;
    struct discrepancy old[] = {
        make(DISCREPANCY_WRONG_LOCATION, VERDICT_SUSPECTED, "wrong_location a", &at_sw1),
        make(DISCREPANCY_WRONG_LOCATION, VERDICT_SUSPECTED, "wrong_location b", &at_sw1),
        make(DISCREPANCY_SILENT, VERDICT_SUSPECTED, "silent c", NULL),
    };
    struct case_record previous[4] = {
        record_in(CASE_SUSPECTED, &old[0]), record_in(CASE_REPORTED, &old[1]),
        record_in(CASE_CLEARED, &old[2]), record_in(CASE_CLOSED, &old[2])};
    for (uint64_t i = 0; i < 4; i++)
        previous[i].number = i + 1;
    previous[2].number = 9; /* the later of two cases of one identity */
    previous[2].ended_at = after_hours(-30);
    struct discrepancy now[] = {
        make(DISCREPANCY_SILENT, VERDICT_SUSPECTED, "silent c", NULL),
        make(DISCREPANCY_WRONG_LOCATION, VERDICT_CONFIRMED, "wrong_location a", &at_sw2),
        make(DISCREPANCY_UNKNOWN_GUEST, VERDICT_SUSPECTED, "unknown_guest d", &at_sw2),
        make(DISCREPANCY_UNKNOWN_GUEST, VERDICT_SUSPECTED, "unknown_guest d", &at_sw1),
    };
    struct named_switch sw1 = {"default", "sw1"};
    struct case_coverage coverage = {.whole = &sw1, .whole_count = 1};
    struct case_round round = {.previous = previous,
                               .previous_count = 4,
                               .verdicts = now,
                               .verdict_count = 4,
                               .coverage = &coverage,
                               .next_number = 20,
                               .round = 6,
                               .now = after_hours(1)};
    struct arena *arena = arena_new();
    struct case_changes changes = case_merge_round(&round, arena);
    assert_int_equal(changes.count, 6);
    assert_int_equal(changes.next_number, 22);
    assert_int_equal(changes.items[0].record.number, 20); /* its grace was over */
    assert_int_equal(changes.items[1].record.number, 1);
    assert_int_equal(changes.items[1].record.state, CASE_CONFIRMED);
    assert_int_equal(changes.items[2].record.number, 21);
    assert_int_equal(changes.items[3].record.number, 21); /* said twice, one case */
    assert_false(changes.items[3].has_event);
    assert_int_equal(changes.items[4].record.number, 2);
    assert_int_equal(changes.items[4].record.state, CASE_CLEARED);
    assert_int_equal(changes.items[5].record.number, 9);
    assert_int_equal(changes.items[5].record.state, CASE_CLOSED);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_transition_is_as_written),
        cmocka_unit_test(words_and_numbers_go_there_and_back),
        cmocka_unit_test(a_first_sighting_opens_a_case),
        cmocka_unit_test(the_same_again_is_no_event),
        cmocka_unit_test(proof_confirms_and_is_not_forgotten),
        cmocka_unit_test(absence_without_sight_changes_nothing),
        cmocka_unit_test(back_within_the_grace_goes_on),
        cmocka_unit_test(after_the_grace_it_is_another_case),
        cmocka_unit_test(people_acknowledge_release_and_close),
        cmocka_unit_test(a_report_is_remembered),
        cmocka_unit_test(clearing_needs_observation),
        cmocka_unit_test(silence_records_and_gaps_clear_by_their_own_proof),
        cmocka_unit_test(nothing_clears_while_records_are_unknown),
        cmocka_unit_test(a_round_pairs_by_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
