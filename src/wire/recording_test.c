/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/text.h"
#include "wire/recording.h"
#include "wire/recording_parser.h"

static struct recording *recording;
static struct recording_summary summary;

static int set_up(void **state)
{
    (void)state;
    recording = recording_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    recording_free(recording);
    return 0;
}

/* Feeds `text` in pieces of `piece` bytes. */
static void parse_pieces(const char *text, size_t length, size_t piece)
{
    struct recording_parser *parser = recording_parser_new(recording_add, recording);
    for (size_t at = 0; at < length; at += piece)
        assert_int_equal(
            recording_parser_feed(parser, text + at, length - at < piece ? length - at : piece), 0);
    assert_int_equal(recording_parser_finish(parser, &summary), 0);
    recording_parser_free(parser);
    recording_finish(recording);
}

static void parse(const char *text)
{
    parse_pieces(text, strlen(text), 7);
}

static struct snmp_value value_of(const char *name)
{
    struct oid oid;
    struct snmp_value value = {0};
    assert_int_equal(oid_parse(name, strlen(name), &oid), 0);
    if (!recording_find(recording, &oid, &value))
        fail_msg("no %s", name);
    return value;
}

static void expect_octets(const char *name, const char *octets, size_t length)
{
    struct snmp_value value = value_of(name);
    assert_int_equal(value.type, SNMP_OCTETS);
    assert_int_equal(value.length, length);
    assert_memory_equal(value.bytes, octets, length);
}

static void expect_number(const char *name, enum snmp_type type, int64_t number)
{
    struct snmp_value value = value_of(name);
    assert_int_equal(value.type, type);
    assert_int_equal(value.number, number);
}

static void snmpsim_recordings_are_read(void **state)
{
    (void)state;
    parse("1.3.6.1.2.1.1.1.0|4|A | B\r\n"
          "1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.9.1.1\n"
          "1.3.6.1.2.1.1.3.0|67|12345\n"
          "1.3.6.1.2.1.2.2.1.6.1|4x|525400112233\n"
          "1.3.6.1.2.1.4.20.1.1.10|64|10.1.2.255\n"
          "1.3.6.1.2.1.4.20.1.1.11|64x|0A010203\n"
          "1.3.6.1.2.1.17.4.3.1.2.0.1.2.3.4.5|2|-1\n"
          "1.3.6.1.2.1.31.1.1.1.6.1|70|18446744073709551615\n"
          "1.3.6.1.2.1.2.2.1.10.1|65:numeric|rate=10\n");
    assert_int_equal(summary.form, RECORDING_SNMPREC);
    assert_int_equal(summary.bad_lines, 0);
    assert_int_equal(summary.varbinds, 8);
    expect_octets("1.3.6.1.2.1.1.1.0", "A | B", 5);
    assert_int_equal(value_of("1.3.6.1.2.1.1.2.0").type, SNMP_OID);
    expect_number("1.3.6.1.2.1.1.3.0", SNMP_TIMETICKS, 12345);
    expect_octets("1.3.6.1.2.1.2.2.1.6.1", "\x52\x54\x00\x11\x22\x33", 6);
    assert_memory_equal(value_of("1.3.6.1.2.1.4.20.1.1.10").bytes, "\x0a\x01\x02\xff", 4);
    assert_memory_equal(value_of("1.3.6.1.2.1.4.20.1.1.11").bytes, "\x0a\x01\x02\x03", 4);
    expect_number("1.3.6.1.2.1.17.4.3.1.2.0.1.2.3.4.5", SNMP_INTEGER, -1);
    expect_number("1.3.6.1.2.1.31.1.1.1.6.1", SNMP_COUNTER64, -1);
}

static void walks_are_read(void **state)
{
    (void)state;
    parse("# taken by hand\n"
          ".1.3.6.1.2.1.1.1.0 = STRING: \"a \\\"quoted\\\" word\nand = a second line\"\n"
          ".1.3.6.1.2.1.1.2.0 = OID: SNMPv2-SMI::enterprises.9.1.571\n"
          ".1.3.6.1.2.1.1.3.0 = Timeticks: (798179401) 92 days, 9:09:54.01\n"
          ".1.3.6.1.2.1.1.5.0 = STRING: r-ro = 5\n"
          ".1.3.6.1.2.1.1.6.0 = \"\"\n"
          ".1.3.6.1.2.1.1.7.0 = STRING: \n"
          ".1.3.6.1.2.1.17.1.1.0 = Hex-STRING: 00 08 E3 FF\nFF FC \n"
          "iso.3.6.1.2.1.17.4.3.1.3.0.8.227.255.255.252 = INTEGER: learned(3)\n"
          "SNMPv2-SMI::mib-2.17.4.3.1.2.0.8.227.255.255.252 = INTEGER: 5\n"
          "BRIDGE-MIB::dot1dTpFdbPort[0:8:e3:0:0:1] = INTEGER: 6\n"
          "Q-BRIDGE-MIB::dot1qTpFdbPort[12][STRING: 0:8:e3:0:0:2] = Wrong Type (should be "
          "INTEGER): Gauge32: 7\n"
          ".iso.org.dod.internet.mgmt.mib-2.interfaces.ifTable.ifEntry.ifDescr.3 = STRING: eth0\n"
          ".1.3.6.1.2.1.31.1.1.1.99.1 = No Such Object available on this agent at this OID\n"
          ".1.3.6.1.2.1.2.2.1.6.3 = Hex-STRING: 0:16:c8:bd:4d:c0\n"
          ".1.3.6.1.2.1.4.20.1.1.1 = IpAddress: 10.0.0.1\n");
    expect_octets("1.3.6.1.2.1.2.2.1.6.3", "\x00\x16\xc8\xbd\x4d\xc0", 6);
    assert_int_equal(summary.bad_values, 0);
    assert_int_equal(summary.form, RECORDING_WALK);
    assert_int_equal(summary.bad_lines, 0);
    assert_int_equal(summary.unknown_names, 0);
    const char text[] = "a \"quoted\" word\nand = a second line";
    expect_octets("1.3.6.1.2.1.1.1.0", text, strlen(text));
    struct oid oid;
    struct snmp_value value = value_of("1.3.6.1.2.1.1.2.0");
    assert_int_equal(oid_decode(value.bytes, value.length, &oid), 0);
    assert_int_equal(oid.ids[8], 571);
    expect_number("1.3.6.1.2.1.1.3.0", SNMP_TIMETICKS, 798179401);
    expect_octets("1.3.6.1.2.1.1.5.0", "r-ro = 5", 8);
    expect_octets("1.3.6.1.2.1.1.6.0", "", 0);
    expect_octets("1.3.6.1.2.1.1.7.0", "", 0);
    expect_octets("1.3.6.1.2.1.17.1.1.0", "\x00\x08\xe3\xff\xff\xfc", 6);
    expect_number("1.3.6.1.2.1.17.4.3.1.3.0.8.227.255.255.252", SNMP_INTEGER, 3);
    expect_number("1.3.6.1.2.1.17.4.3.1.2.0.8.227.255.255.252", SNMP_INTEGER, 5);
    expect_number("1.3.6.1.2.1.17.4.3.1.2.0.8.227.0.0.1", SNMP_INTEGER, 6);
    expect_number("1.3.6.1.2.1.17.7.1.2.2.1.2.12.0.8.227.0.0.2", SNMP_GAUGE32, 7);
    expect_octets("1.3.6.1.2.1.2.2.1.2.3", "eth0", 4);
    assert_int_equal(value_of("1.3.6.1.2.1.31.1.1.1.99.1").type, SNMP_NO_SUCH_OBJECT);
    assert_memory_equal(value_of("1.3.6.1.2.1.4.20.1.1.1").bytes, "\x0a\x00\x00\x01", 4);
}

static void walks_without_types_are_read(void **state)
{
    (void)state;
    parse(".1.3.6.1.2.1.1.2.0 .1.3.6.1.4.1.9.1.1\n"
          ".1.3.6.1.2.1.1.5.0 sw1\n"
          ".1.3.6.1.2.1.17.1.1.0 \"00 08 E3 FF FF FC \"\n"
          ".1.3.6.1.2.1.17.1.4.1.2.3 = 10003\n"
          ".1.3.6.1.2.1.17.4.3.1.3.0.8.227.0.0.1 learned(3)\n");
    assert_int_equal(value_of("1.3.6.1.2.1.1.2.0").type, SNMP_OID);
    expect_octets("1.3.6.1.2.1.1.5.0", "sw1", 3);
    expect_octets("1.3.6.1.2.1.17.1.1.0", "\x00\x08\xe3\xff\xff\xfc", 6);
    expect_number("1.3.6.1.2.1.17.1.4.1.2.3", SNMP_INTEGER, 10003);
    expect_number("1.3.6.1.2.1.17.4.3.1.3.0.8.227.0.0.1", SNMP_INTEGER, 3);
}

static void what_is_lost_is_said(void **state)
{
    (void)state;
    parse(".1.3.6.1.2.1.1.5.0 = STRING: sw1\n"
          "BRIDGE-MIB::dot1dTpFdbPort.'..n.E.' = INTEGER: 3\n"
          "what is this\n"
          ".1.3.6.1.2.1.1.3.0 = Timeticks: soon\n"
          "Timeout: No Response from 192.0.2.1\n");
    assert_int_equal(summary.varbinds, 2);
    assert_int_equal(summary.unknown_names, 1);
    assert_int_equal(summary.bad_lines, 0); /* the third line may be the name's value */
    assert_int_equal(summary.bad_values, 1);
    assert_int_equal(value_of("1.3.6.1.2.1.1.3.0").type, SNMP_NULL);
    assert_string_equal(summary.ended_by, "Timeout: No Response from 192.0.2.1");
}

static void bad_snmpsim_lines_are_counted(void **state)
{
    (void)state;
    parse("1.3.6.1.2.1.1.5.0|4|sw1\n"
          "1.3.6.x|4|y\n1.3.6|4\n1.3.6.1|300|1\n1.3.6.1||1\n1.3.6.1|4x|5\n1.3.6.1|2|one\n"
          "1.3.6.1|64|1.2.3\n1.3.6.1|2x|zz\n1.3.99999999999|2|1\n");
    assert_int_equal(summary.bad_lines, 4);
    assert_int_equal(summary.bad_values, 5);
    assert_int_equal(summary.first_bad, 2);
    assert_string_equal(summary.expected, "OID|tag|value");
}

static void garbage_is_no_recording(void **state)
{
    (void)state;
    parse("root:x:0:0:root:/root:/bin/bash\n\x01\x02\xff\n");
    assert_int_equal(summary.form, RECORDING_NONE);
    assert_int_equal(summary.varbinds, 0);
    assert_int_equal(summary.first_bad, 1);
}

static void a_line_without_end_takes_bounded_memory(void **state)
{
    (void)state;
    size_t length = 3 * LIMIT_LINE_BYTES;
    AUTO_FREE char *text = alloc_array(length, 1);
    memset(text, '.', length);
    memcpy(text, ".1.3.6.1.2.1.1.5.0 = STRING: sw1\n", 33);
    memcpy(text + length - 34, "\n.1.3.6.1.2.1.1.6.0 = STRING: sw2\n", 34);
    parse_pieces(text, length, 65536);
    assert_int_equal(summary.bad_lines, 1);
    expect_octets("1.3.6.1.2.1.1.6.0", "sw2", 3);
}

static void the_pieces_do_not_matter(void **state)
{
    (void)state;
    const char text[] = ".1.3.6.1.2.1.17.1.1.0 = Hex-STRING: 00 08\nE3 FF FF FC \r\n"
                        ".1.3.6.1.2.1.1.5.0 = STRING: \"x\ny\"";
    for (size_t piece = 1; piece < sizeof text; piece++) {
        recording_free(recording);
        recording = recording_new();
        parse_pieces(text, strlen(text), piece);
        assert_int_equal(summary.varbinds, 2);
        expect_octets("1.3.6.1.2.1.17.1.1.0", "\x00\x08\xe3\xff\xff\xfc", 6);
        expect_octets("1.3.6.1.2.1.1.5.0", "x\ny", 3);
    }
}

static void a_disordered_recording_is_sorted_and_the_last_answer_stays(void **state)
{
    (void)state;
    parse("1.3.6.1.9|2|1\n1.3.6.1.2|2|2\n1.3.6.1.200|2|3\n1.3.6.1.2|2|4\n");
    assert_true(recording_disordered(recording));
    assert_int_equal(recording_count(recording), 3);
    assert_int_equal(recording_repeated(recording), 1);
    expect_number("1.3.6.1.2", SNMP_INTEGER, 4);
    struct recording_varbind varbind;
    recording_get(recording, 0, &varbind);
    assert_int_equal(varbind.value.number, 4);
    recording_get(recording, 2, &varbind);
    assert_int_equal(varbind.value.number, 3);
    struct oid after;
    assert_int_equal(oid_parse("1.3.6.1.3", 9, &after), 0);
    assert_int_equal(recording_seek(recording, &after), 1);
    assert_int_equal(oid_parse("1.4", 3, &after), 0);
    assert_int_equal(recording_seek(recording, &after), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(snmpsim_recordings_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(walks_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(walks_without_types_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_lost_is_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_snmpsim_lines_are_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(garbage_is_no_recording, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_without_end_takes_bounded_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_pieces_do_not_matter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_disordered_recording_is_sorted_and_the_last_answer_stays,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
