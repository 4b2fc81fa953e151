/* SPDX-License-Identifier: Apache-2.0 */
#include "model/record.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"

enum { COLUMNS = 12 };

/* A table under test: header and rows are texts with '~' between the values. */
struct fixture {
    struct record_set *set;
    struct record_layout *layout;
    struct run_state_words *words;
    struct err err;
    size_t column;
};

static size_t split(const char *text, struct record_value values[static COLUMNS])
{
    size_t count = 0;
    for (;; text++) {
        size_t length = strcspn(text, "~");
        values[count++] = (struct record_value){text, length};
        text += length;
        if (*text == '\0')
            return count;
    }
}

static int open_table(struct fixture *f, enum record_table table, const char *header)
{
    struct record_value values[COLUMNS];
    if (f->set == NULL) {
        f->set = record_set_new("csv test.csv", (struct wall){0});
        f->words = run_state_words_new();
    }
    record_layout_free(f->layout);
    f->layout = NULL;
    return record_layout_new(table, values, split(header, values), &f->layout, &f->err);
}

static int add(struct fixture *f, const char *row)
{
    struct record_value values[COLUMNS];
    f->column = 99;
    return record_add_row(f->set, f->layout, f->words, values, split(row, values), 7, &f->column,
                          &f->err);
}

static void close_table(struct fixture *f)
{
    record_layout_free(f->layout);
    record_set_free(f->set);
    run_state_words_free(f->words);
}

static const char *name(const struct fixture *f, uint32_t number)
{
    return names_get(f->set->names, number);
}

static void test_a_guest_row_fills_every_column(void **unused)
{
    struct fixture f = {0};
    char uuid[RECORD_UUID_SIZE];
    assert_int_equal(open_table(&f, RECORD_GUESTS,
                                "Guest~HYPERVISOR~mac~run_state~uuid~vlan~state_since~wire_expected"
                                "~ip~tags~owner"),
                     0);
    assert_int_equal(add(&f, " web1 ~hv1~5254.0011.2233~poweredOn~5E3884EB-0CAA-194B-CD17-"
                             "3D9CA1B20C3B~10|20~2026-11-23T12:00:00Z~no~10.0.0.1~gold~ops"),
                     0);
    record_set_finish(f.set);
    const struct nic_columns *nics = &f.set->nics;
    assert_int_equal(nics->count, 1);
    assert_int_equal(nics->mac[0], UINT64_C(0x525400112233));
    assert_string_equal(name(&f, nics->hypervisor[0]), "hv1");
    assert_int_equal(nics->run_state[0], RUN_STATE_ON);
    assert_int_equal(nics->wire[0], NO);
    assert_int_equal(nics->state_since[0], INT64_C(1795435200000000));
    size_t vlans;
    const uint32_t *ids = vlan_pool_get(f.set->vlans, nics->vlan[0], &vlans);
    assert_int_equal(vlans, 2);
    assert_int_equal(ids[1], 20);
    assert_string_equal(name(&f, f.set->guests[0].name), "web1");
    assert_string_equal(record_guest_uuid(f.set, 0, uuid), "5e3884eb-0caa-194b-cd17-3d9ca1b20c3b");
    assert_string_equal(name(&f, record_guest_details(f.set, 0).ip), "10.0.0.1");
    assert_string_equal(name(&f, record_guest_details(f.set, 0).tags), "gold");
    assert_string_equal(record_extra_find(f.set, RECORD_GUESTS, 0), "{\"owner\":\"ops\"}");
    assert_true(f.set->present[RECORD_GUESTS]);
    assert_false(f.set->present[RECORD_LINKS]);
    close_table(&f);
}

static void test_what_is_not_said_is_unknown(void **unused)
{
    struct fixture f = {0};
    char uuid[RECORD_UUID_SIZE];
    assert_int_equal(open_table(&f, RECORD_GUESTS, "hypervisor~guest~mac~run_state~vlan"), 0);
    assert_int_equal(add(&f, "~g1"), 0);
    assert_int_equal(add(&f, "hv~g2~00:00:00:00:00:00~-~"), 0);
    const struct nic_columns *nics = &f.set->nics;
    assert_int_equal(nics->count, 2);
    assert_int_equal(nics->hypervisor[0], NAME_NONE);
    assert_false(mac_known((struct mac){nics->mac[0]}));
    assert_false(mac_known((struct mac){nics->mac[1]}));
    assert_int_equal(nics->run_state[0], RUN_STATE_UNKNOWN);
    assert_int_equal(nics->vlan[0], VLAN_SET_UNKNOWN);
    assert_int_equal(nics->wire[0], YES);
    assert_int_equal(nics->state_since[0], WALL_UNKNOWN.us);
    assert_string_equal(record_guest_uuid(f.set, 0, uuid), "");
    close_table(&f);
}

static void test_nics_of_one_guest_share_it(void **unused)
{
    struct fixture f = {0};
    char uuid[RECORD_UUID_SIZE];
    assert_int_equal(open_table(&f, RECORD_GUESTS, "hypervisor~guest~mac~run_state~uuid"), 0);
    assert_int_equal(add(&f, "a~web~52:54:00:00:00:01~on~"), 0);
    assert_int_equal(add(&f, "a~web~52:54:00:00:00:02~on~u1"), 0);
    assert_int_equal(add(&f, "b~web~52:54:00:00:00:03~on~u2"), 0);
    assert_int_equal(add(&f, "a~web~52:54:00:00:00:04~on~U1"), 0);
    assert_int_equal(add(&f, "c~web~52:54:00:00:00:05~on~"), 0);
    assert_int_equal(f.set->guest_count, 2);
    const uint32_t expected[] = {0, 0, 1, 0, 0};
    assert_memory_equal(f.set->nics.guest, expected, sizeof expected);
    assert_string_equal(record_guest_uuid(f.set, 0, uuid), "u1");
    assert_string_equal(record_guest_uuid(f.set, 1, uuid), "u2");
    close_table(&f);
}

static void test_many_namesakes_are_told_apart(void **unused)
{
    struct fixture f = {0};
    char row[128];
    assert_int_equal(open_table(&f, RECORD_GUESTS, "hypervisor~guest~mac~run_state~uuid"), 0);
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 20000; i++) {
            snprintf(row, sizeof row, "a~vm~~on~5e3884eb-0caa-194b-cd17-3d9c%08x", i);
            assert_int_equal(add(&f, row), 0);
        }
    }
    assert_int_equal(f.set->guest_count, 20000);
    assert_int_equal(f.set->uuid_count, 20000);
    assert_int_equal(f.set->nics.guest[20000 + 777], 777);
    close_table(&f);
}

static void test_bad_values_name_column_and_grammar(void **unused)
{
    static const struct {
        const char *row;
        int code;
        size_t column;
        const char *says;
    } cases[] = {
        {"a~~52:54:00:00:00:01~on", ERR_SYNTAX, 1, "it is empty, expected the guest's name"},
        {"a~g~52:54:00:00:00~on", ERR_SYNTAX, 2,
         "found \"52:54:00:00:00\", expected a MAC address such as 52:54:00:11:22:33"},
        {"a~g~~dancing", ERR_SYNTAX, 3, "found \"dancing\", expected a run state"},
        {"a~g~~on~yesterday", ERR_SYNTAX, 4, "expected a time in RFC 3339"},
        {"a~g~~on~2026-13-01", ERR_RANGE, 4, "RFC 3339"},
        {"a~g~~on~~4096", ERR_RANGE, 5, "VLANs from 0 to 4095"},
        {"a~g~~on~~ten", ERR_SYNTAX, 5, "such as 10 or 10|20"},
        {"a~g~~on~~10~perhaps", ERR_SYNTAX, 6, "yes, no or unknown"},
        {"a~g\x1b[2J~~on", ERR_SYNTAX, 1, "found \"g?[2J\", expected text without control"},
    };
    struct fixture f = {0};
    assert_int_equal(open_table(&f, RECORD_GUESTS,
                                "hypervisor~guest~mac~run_state~state_since~vlan~wire_expected"),
                     0);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_int_equal(add(&f, cases[i].row), cases[i].code);
        assert_int_equal(f.column, cases[i].column);
        if (strstr(f.err.text, cases[i].says) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", f.err.text, cases[i].says);
    }
    assert_int_equal(f.set->nics.count, 0);
    assert_int_equal(f.set->guest_count, 0);
    close_table(&f);
}

static void test_long_values_are_refused_and_cut_in_messages(void **unused)
{
    struct fixture f = {0};
    char row[LIMIT_NAME_BYTES + 16] = "hv~";
    memset(row + 3, 'g', LIMIT_NAME_BYTES + 1);
    assert_int_equal(open_table(&f, RECORD_GUESTS, "hypervisor~guest~mac~run_state"), 0);
    assert_int_equal(add(&f, row), ERR_LIMIT);
    assert_true(strlen(f.err.text) < 120);
    row[3 + LIMIT_NAME_BYTES] = '\0';
    assert_int_equal(add(&f, row), 0);
    close_table(&f);
}

static void test_headers_are_checked(void **unused)
{
    struct fixture f = {0};
    assert_int_equal(open_table(&f, RECORD_GUESTS, "hypervisor~guest~macaddr~run_state"),
                     ERR_SYNTAX);
    assert_non_null(strstr(f.err.text, "column \"mac\" is missing"));
    assert_non_null(strstr(f.err.text, "is it spelt \"macaddr\"?"));
    assert_int_equal(open_table(&f, RECORD_GUESTS, "hypervisor~guest~mac~run_state~MAC"),
                     ERR_SYNTAX);
    assert_non_null(strstr(f.err.text, "twice"));
    assert_int_equal(open_table(&f, RECORD_ATTACHMENTS, "hypervisor~switch~port"), 0);
    assert_int_equal(open_table(&f, RECORD_ATTACHMENTS, "hypervisor~nic_mac"), 0);
    assert_int_equal(open_table(&f, RECORD_ATTACHMENTS, "hypervisor~switch"), ERR_SYNTAX);
    assert_non_null(strstr(f.err.text, "column \"port\""));
    close_table(&f);
}

static void test_the_other_tables(void **unused)
{
    struct fixture f = {0};
    assert_int_equal(open_table(&f, RECORD_ATTACHMENTS, "hypervisor~nic_mac~switch~port"), 0);
    assert_int_equal(add(&f, "hv1~52-54-00-00-00-01~sw1~Gi0/1"), 0);
    assert_int_equal(add(&f, "hv2~~~"), 0);
    assert_int_equal(add(&f, "~52-54-00-00-00-01~sw1~Gi0/1"), ERR_SYNTAX);
    assert_int_equal(f.set->attachment_count, 2);
    assert_string_equal(name(&f, f.set->attachments[0].port), "Gi0/1");
    assert_int_equal(f.set->attachments[1].port, NAME_NONE);
    assert_int_equal(f.set->attachments[1].line, 7);
    assert_int_equal(open_table(&f, RECORD_PORTS, "switch~port~role"), 0);
    assert_int_equal(add(&f, "sw1~Gi0/1~Uplink"), 0);
    assert_int_equal(f.set->ports[0].role, PORT_ROLE_INTER_SWITCH);
    assert_int_equal(add(&f, "sw1~Gi0/1~sideways"), ERR_SYNTAX);
    assert_int_equal(open_table(&f, RECORD_PLANNED_WORK, "scope~from~to~text"), 0);
    assert_int_equal(add(&f, "guest:web*~2026-11-23~2026-11-24~two\nlines"), 0);
    assert_int_equal(add(&f, "guest:web*~~2026-11-24~"), ERR_SYNTAX);
    assert_int_equal(f.set->planned_work_count, 1);
    assert_int_equal(open_table(&f, RECORD_CAPACITY, "hypervisor~cpu~memory"), 0);
    assert_int_equal(add(&f, "hv1~2.5~-1"), ERR_RANGE);
    assert_int_equal(add(&f, "hv1~0x10~"), ERR_SYNTAX);
    assert_int_equal(add(&f, "hv1~1e999~"), ERR_RANGE);
    assert_int_equal(add(&f, "hv1~2.5~"), 0);
    assert_int_equal(f.set->capacities[0].guest, NAME_NONE);
    assert_true(f.set->capacities[0].cpu > 2.4 && isnan(f.set->capacities[0].memory));
    close_table(&f);
}

static void test_tables_are_found_by_both_words(void **unused)
{
    enum record_table table = RECORD_LAGS;
    assert_int_equal(record_table_parse("guest_nic", 9, &table), 0);
    assert_int_equal(table, RECORD_GUESTS);
    assert_int_equal(record_table_parse("planned_work", 12, &table), 0);
    assert_int_equal(table, RECORD_PLANNED_WORK);
    assert_int_equal(record_table_parse("gues", 4, &table), ERR_NOT_FOUND);
    assert_string_equal(record_column_name(RECORD_LAGS, 3), "mlag");
    assert_null(record_column_name(RECORD_LAGS, 4));
}

static void test_printing_quotes_what_needs_it(void **unused)
{
    struct fixture f = {0};
    AUTO_TEXT struct text out = TEXT_EMPTY;
    assert_int_equal(open_table(&f, RECORD_GUESTS, "hypervisor~guest~mac~run_state~rack"), 0);
    assert_int_equal(add(&f, "h\"v~a,b~~running~7"), 0);
    assert_int_equal(add(&f, "hv~c~52:54:00:00:00:01~off~"), 0);
    record_set_print_csv(f.set, RECORD_GUESTS, &out);
    record_set_print_csv(f.set, RECORD_LAGS, &out);
    assert_string_equal(text_get(&out),
                        "hypervisor,guest,mac,run_state,state_since,vlan,wire_"
                        "expected,uuid,ip,tags,extra\n"
                        "\"h\"\"v\",\"a,b\",,on,,,yes,,,,\"{\"\"rack\"\":\"\"7\"\"}\"\n"
                        "hv,c,52:54:00:00:00:01,off,,,yes,,,,\n");
    close_table(&f);
}

static void test_memory_of_names_is_small(void **unused)
{
    enum { GUESTS = 160000 };
    struct fixture f = {0};
    char row[128];
    assert_int_equal(open_table(&f, RECORD_GUESTS, "hypervisor~guest~mac~run_state~uuid"), 0);
    for (unsigned i = 0; i < GUESTS; i++) {
        snprintf(row, sizeof row, "hv%u~guest-%06u~5254%08x~on~5e3884eb-0caa-194b-cd17-3d9c%08x",
                 i / 20, i, i, i);
        assert_int_equal(add(&f, row), 0);
    }
    record_set_finish(f.set);
    size_t columns = GUESTS * 28;
    assert_true(record_set_size(f.set) - columns < 64 * GUESTS);
    close_table(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_guest_row_fills_every_column),
        cmocka_unit_test(test_what_is_not_said_is_unknown),
        cmocka_unit_test(test_nics_of_one_guest_share_it),
        cmocka_unit_test(test_many_namesakes_are_told_apart),
        cmocka_unit_test(test_bad_values_name_column_and_grammar),
        cmocka_unit_test(test_long_values_are_refused_and_cut_in_messages),
        cmocka_unit_test(test_headers_are_checked),
        cmocka_unit_test(test_the_other_tables),
        cmocka_unit_test(test_tables_are_found_by_both_words),
        cmocka_unit_test(test_printing_quotes_what_needs_it),
        cmocka_unit_test(test_memory_of_names_is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
