/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/ovs_fdb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_frames_end_where_the_object_ends(void **state)
{
    static const char stream[] = "{\"a\":\"}{\\\"]\",\"b\":[{},{}]}{\"c\":1}";
    const size_t first = 25;
    for (size_t piece = 1; piece < sizeof stream; piece++) {
        struct ovs_frame frame = {0};
        size_t at = 0;
        bool complete = false;
        while (!complete && at < sizeof stream - 1) {
            size_t left = sizeof stream - 1 - at;
            at += ovs_frame_read(&frame, stream + at, left < piece ? left : piece, &complete);
        }
        assert_true(complete);
        assert_int_equal(at, first);
    }
}

static void test_an_unfinished_or_senseless_stream_never_completes(void **state)
{
    static const char *const streams[] = {"", "{\"a\":\"}", "{\"a\":\"\\\"}", "[[[", "   "};
    for (size_t i = 0; i < ARRAY_COUNT(streams); i++) {
        struct ovs_frame frame = {0};
        bool complete = true;
        size_t length = strlen(streams[i]);
        assert_int_equal(ovs_frame_read(&frame, streams[i], length, &complete), length);
        assert_false(complete);
    }
}

static void test_requests(void **state)
{
    AUTO_TEXT struct text text = TEXT_EMPTY;
    const char *parameters[] = {"br\"0", "x"};
    ovs_request(&text, 7, "fdb/show", parameters, 2);
    assert_string_equal(text_get(&text),
                        "{\"id\":7,\"method\":\"fdb/show\",\"params\":[\"br\\\"0\",\"x\"]}");
    text_clear(&text);
    ovs_request(&text, 8, "ofproto/list", NULL, 0);
    assert_string_equal(text_get(&text), "{\"id\":8,\"method\":\"ofproto/list\",\"params\":[]}");
}

static int reply(const char *bytes, struct text *ret, struct err *err)
{
    return ovs_reply_parse(bytes, strlen(bytes), 3, ret, err);
}

static void test_replies(void **state)
{
    AUTO_TEXT struct text text = TEXT_EMPTY;
    struct err err;
    assert_int_equal(reply("{\"id\":3,\"result\":\"br0\\nbr1\\n\",\"error\":null}", &text, &err),
                     0);
    assert_string_equal(text_get(&text), "br0\nbr1\n");
    text_clear(&text);
    assert_int_equal(reply("{\"id\":3,\"error\":\"no such bridge\\n\"}", &text, &err),
                     ERR_NOT_FOUND);
    assert_string_equal(err.text, "no such bridge");
    static const char *const wrong[] = {
        "",
        "{}",
        "{\"id\":4,\"result\":\"late\"}",
        "{\"id\":\"3\",\"result\":\"x\"}",
        "{\"id\":3}",
        "{\"id\":3,\"result\":7}",
        "{\"id\":3,\"result\":null,\"error\":{}}",
        "[3]",
        "\xff\xfe",
    };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
        assert_int_equal(reply(wrong[i], &text, &err), ERR_PROTOCOL);
    assert_int_equal(text.length, 0);
}

static void test_the_forward_table(void **state)
{
    static const char text[] = " port  VLAN  MAC                Age\n"
                               "    3     0  52:54:00:00:00:01    1\n"
                               "    1    10  52:54:00:00:00:02  299\n"
                               "LOCAL     0  02:00:00:00:00:01    0\n"
                               "    7   100  52:54:00:00:00:03  static\n"
                               "    1  5000  52:54:00:00:00:04    1\n" /* no such VLAN */
                               "    1    10  52:54:00:00:00       1\n" /* no MAC */
                               "   -1    10  52:54:00:00:00:05    1\n"
                               "    1    10  52:54:00:00:00:06    1  more\n"
                               "\n"
                               "65534    20  52:54:00:00:00:07    2";
    struct ovs_lines lines;
    struct ovs_entry entry;
    ovs_lines_start(&lines, text, sizeof text - 1);
    assert_true(ovs_next_entry(&lines, &entry));
    assert_int_equal(entry.port, 3);
    assert_int_equal(entry.vlan, 0);
    assert_int_equal(entry.age, 1);
    assert_true(entry.mac.bits == UINT64_C(0x525400000001));
    assert_true(ovs_next_entry(&lines, &entry));
    assert_int_equal(entry.vlan, 10);
    assert_int_equal(entry.age, 299);
    assert_true(ovs_next_entry(&lines, &entry));
    assert_int_equal(entry.port, OVS_PORT_LOCAL);
    assert_false(entry.is_static);
    assert_true(ovs_next_entry(&lines, &entry));
    assert_int_equal(entry.port, 7);
    assert_true(entry.is_static);
    assert_true(ovs_next_entry(&lines, &entry));
    assert_int_equal(entry.port, OVS_PORT_LOCAL);
    assert_int_equal(entry.vlan, 20);
    assert_false(ovs_next_entry(&lines, &entry));
    assert_int_equal(lines.rejected, 4);
}

static void test_the_ports(void **state)
{
    static const char text[] = "netdev@ovs-netdev: hit:1 missed:10\n"
                               "  br0:\n"
                               "    br0 65534/1: (tap)\n"
                               "    vnet0 1/3: (system)\n"
                               "    pa 5/none: (patch: peer=pb)\n"
                               "    ghost none/7: (system)\n"
                               "    broken\n"
                               "  br1:\n"
                               "    vx 2/7: (vxlan: key=7, remote_ip=192.0.2.9)\n";
    static const struct {
        const char *bridge, *name, *type;
        uint32_t number;
    } expected[] = {
        {"br0", "br0", "tap", OVS_PORT_LOCAL},
        {"br0", "vnet0", "system", 1},
        {"br0", "pa", "patch", 5},
        {"br0", "ghost", "system", OVS_PORT_UNKNOWN},
        {"br1", "vx", "vxlan", 2},
    };
    struct ovs_lines lines;
    struct ovs_port port;
    ovs_lines_start(&lines, text, sizeof text - 1);
    for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
        assert_true(ovs_next_port(&lines, &port));
        assert_string_equal(port.bridge, expected[i].bridge);
        assert_string_equal(port.name, expected[i].name);
        assert_string_equal(port.type, expected[i].type);
        assert_int_equal(port.number, expected[i].number);
    }
    assert_false(ovs_next_port(&lines, &port));
    assert_int_equal(lines.rejected, 1);
}

static void test_bonds_and_bridges(void **state)
{
    static const char bonds[] = "bond\ttype\trecircID\tmembers\n"
                                "bond0\tactive-backup\t0\tp3, p4\n"
                                "empty\tbalance-slb\t1\t\n"
                                "bond1\tbalance-tcp\t2\tp5\n";
    static const char *const expected[][2] = {{"bond0", "p3"}, {"bond0", "p4"}, {"bond1", "p5"}};
    struct ovs_lines lines;
    struct ovs_bond_member member;
    ovs_lines_start(&lines, bonds, sizeof bonds - 1);
    for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
        assert_true(ovs_next_bond_member(&lines, &member));
        assert_string_equal(member.bond, expected[i][0]);
        assert_string_equal(member.member, expected[i][1]);
    }
    assert_false(ovs_next_bond_member(&lines, &member));
    char name[OVS_NAME_SIZE];
    ovs_lines_start(&lines, "br0\n\nbr-int", 11);
    assert_true(ovs_next_bridge(&lines, name));
    assert_string_equal(name, "br0");
    assert_true(ovs_next_bridge(&lines, name));
    assert_string_equal(name, "br-int");
    assert_false(ovs_next_bridge(&lines, name));
}

static void test_a_name_that_is_too_long_is_counted_not_cut(void **state)
{
    char text[200];
    memset(text, 'x', sizeof text);
    struct ovs_lines lines;
    char name[OVS_NAME_SIZE];
    ovs_lines_start(&lines, text, sizeof text);
    assert_false(ovs_next_bridge(&lines, name));
    assert_int_equal(lines.rejected, 1);
}

static int ageing(const char *reply, const char *bridge, struct span *ret)
{
    return ovs_ageing_parse(reply, strlen(reply), 2, bridge, ret);
}

static void test_ageing_times(void **state)
{
    static const char text[] =
        "{\"id\":2,\"result\":[{\"rows\":["
        "{\"name\":\"br0\",\"other_config\":[\"map\",[[\"a\",\"b\"],[\"mac-aging-time\",\"30\"]]]},"
        "{\"name\":\"br1\",\"other_config\":[\"map\",[]]},"
        "{\"name\":\"br2\",\"other_config\":[\"map\",[[\"mac-aging-time\",\"1\"]]]},"
        "{\"name\":\"br3\",\"other_config\":[\"map\",[[\"mac-aging-time\",\"9999999\"]]]}]}],"
        "\"error\":null}";
    struct span span = {0};
    assert_int_equal(ageing(text, "br0", &span), 0);
    assert_true(span.us == 30 * 1000000);
    assert_int_equal(ageing(text, "br1", &span), 0);
    assert_true(span.us == 300 * 1000000);
    assert_int_equal(ageing(text, "br2", &span), 0);
    assert_true(span.us == 15 * 1000000);
    assert_int_equal(ageing(text, "br3", &span), 0);
    assert_true(span.us == INT64_C(3600) * 1000000);
    assert_int_equal(ageing(text, "br9", &span), ERR_NOT_FOUND);
    assert_int_equal(ageing("{\"id\":2,\"result\":[{\"error\":\"x\"}]}", "br0", &span),
                     ERR_PROTOCOL);
    assert_int_equal(ageing("junk", "br0", &span), ERR_PROTOCOL);
}

static void test_statistics(void **state)
{
    static const char text[] = "Statistics for bridge \"br0\":\n"
                               "  Current/maximum MAC entries in the table: 3/8192\n"
                               "  Total number of learned MAC entries     : 3\n";
    uint64_t current = 0, maximum = 0;
    assert_int_equal(ovs_stats_parse(text, sizeof text - 1, &current, &maximum), 0);
    assert_int_equal(current, 3);
    assert_int_equal(maximum, 8192);
    assert_int_equal(ovs_stats_parse("Current/maximum MAC entries: x/1", 32, &current, &maximum),
                     ERR_SYNTAX);
    assert_int_equal(ovs_stats_parse("", 0, &current, &maximum), ERR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_end_where_the_object_ends),
        cmocka_unit_test(test_an_unfinished_or_senseless_stream_never_completes),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_replies),
        cmocka_unit_test(test_the_forward_table),
        cmocka_unit_test(test_the_ports),
        cmocka_unit_test(test_bonds_and_bridges),
        cmocka_unit_test(test_a_name_that_is_too_long_is_counted_not_cut),
        cmocka_unit_test(test_ageing_times),
        cmocka_unit_test(test_statistics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
