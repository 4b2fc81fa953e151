/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/trap_mac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/trap.h"
#include "wire/trap_fixture.h"

#define CISCO_OID   "1.3.6.1.4.1.9.9.215.2.0.1"
#define CISCO_MSG   "1.3.6.1.4.1.9.9.215.1.1.8.1.2.1"
#define EX_OID      "1.3.6.1.4.1.2636.3.40.1.7.2.0.1"
#define EX_MSG      "1.3.6.1.4.1.2636.3.40.1.7.1.1.1.8.1.2.1"
#define ELS_OID     "1.3.6.1.4.1.2636.3.48.1.0.5"
#define ELS_MSG     "1.3.6.1.4.1.2636.3.48.1.2.1.8.1.2.1"
#define DLINK_OID   "1.3.6.1.4.1.171.14.3.0.1"
#define DLINK_MSG   "1.3.6.1.4.1.171.14.3.1.6.1.0"
#define GUEST_MAC   0x525400112233
#define GUEST_BYTES 0x52, 0x54, 0x00, 0x11, 0x22, 0x33

enum { EVENT_MAX = 16 };

struct result {
    struct trap_fixture fixture;
    struct trap trap;
    struct trap_event events[EVENT_MAX];
    size_t count;
};

static void read_all(struct result *result, struct snmp_octets datagram)
{
    struct snmp_message message;
    struct trap_event event;
    assert_int_equal(snmp_message_decode(datagram.bytes, datagram.length, &message), 0);
    assert_int_equal(trap_begin(&result->trap, &message), 0);
    result->count = 0;
    while (trap_next(&result->trap, &event)) {
        assert_true(result->count < EVENT_MAX);
        result->events[result->count++] = event;
    }
}

/* Reads a v2c trap with one octet string. */
static void read_string(struct result *result, const char *notification, const char *object,
                        const void *bytes, size_t length)
{
    trap_fixture_begin_v2(&result->fixture, notification);
    trap_fixture_octets(&result->fixture, object, bytes, length);
    read_all(result, trap_fixture_v2c(&result->fixture, SNMP_TRAP_V2));
}

static void check(const struct trap_event *event, enum trap_kind kind, uint32_t vlan,
                  uint32_t bridge_port, uint32_t if_index)
{
    assert_string_equal(trap_kind_word(event->kind), trap_kind_word(kind));
    assert_int_equal(event->mac.bits, GUEST_MAC);
    assert_int_equal(event->vlan, vlan);
    assert_int_equal(event->bridge_port, bridge_port);
    assert_int_equal(event->if_index, if_index);
}

static void cisco_several_tuples(void **state)
{
    static const uint8_t tuples[] = {1, 0, 10, GUEST_BYTES, 0x01, 0x02, /* learnt */
                                     2, 0, 20, GUEST_BYTES, 0x00, 0x03, /* removed */
                                     0, 0, 0,  0,           0,    0};   /* end, padding */
    struct result result;
    read_string(&result, CISCO_OID, CISCO_MSG, tuples, sizeof(tuples));
    assert_int_equal(result.count, 2);
    check(&result.events[0], TRAP_MAC_LEARNED, 10, 258, 0);
    check(&result.events[1], TRAP_MAC_REMOVED, 20, 3, 0);
    assert_int_equal(result.trap.macs.trailing, 0);
    assert_string_equal(result.trap.name, "cmnMacChangedNotification");
}

static void several_strings(void **state)
{
    static const uint8_t one[] = {1, 0, 10, GUEST_BYTES, 0, 1};
    static const uint8_t two[] = {2, 0, 10, GUEST_BYTES, 0, 2};
    struct result result;
    trap_fixture_begin_v2(&result.fixture, CISCO_OID);
    trap_fixture_octets(&result.fixture, CISCO_MSG, one, sizeof(one));
    trap_fixture_octets(&result.fixture, CISCO_MSG, two, sizeof(two));
    read_all(&result, trap_fixture_v2c(&result.fixture, SNMP_TRAP_V2));
    assert_int_equal(result.count, 2);
    check(&result.events[1], TRAP_MAC_REMOVED, 10, 2, 0);
}

static void whole_tuples_only(void **state)
{
    static const uint8_t tuples[] = {1, 0, 10, GUEST_BYTES, 0, 7, 1, 0, 10, 0x52, 0x54};
    struct result result;
    read_string(&result, CISCO_OID, CISCO_MSG, tuples, sizeof(tuples));
    assert_int_equal(result.count, 1);
    assert_int_equal(result.trap.macs.trailing, 5);
}

/* A tuple that makes no sense costs itself, not its neighbours. */
static void nonsense_tuples(void **state)
{
    static const uint8_t tuples[] = {9, 0, 10, GUEST_BYTES, 0, 7, /* no such operation */
                                     1, 0, 10, 0,           0, 0,    0, 0, 0, 0, 7, /* no MAC */
                                     1, 0, 10, 0x01,        0, 0x5e, 0, 0, 1, 0, 7, /* a group's */
                                     1, 0, 10, GUEST_BYTES, 0, 8};
    struct result result;
    read_string(&result, CISCO_OID, CISCO_MSG, tuples, sizeof(tuples));
    assert_int_equal(result.count, 1);
    check(&result.events[0], TRAP_MAC_LEARNED, 10, 8, 0);
    assert_int_equal(result.trap.macs.rejected, 3);
}

/* 13 octets both: the notification decides. */
static void juniper_by_oid(void **state)
{
    static const uint8_t ex[] = {1, 0, 10, GUEST_BYTES, 0, 1, 0, 2};
    static const uint8_t els[] = {3, 0, 5, GUEST_BYTES, 0x02, 0x01, 0, 10};
    struct result result;
    read_string(&result, EX_OID, EX_MSG, ex, sizeof(ex));
    assert_int_equal(result.count, 1);
    check(&result.events[0], TRAP_MAC_LEARNED, 10, 65538, 0);
    read_string(&result, ELS_OID, ELS_MSG, els, sizeof(els));
    assert_int_equal(result.count, 1);
    check(&result.events[0], TRAP_MAC_MOVED, 10, 513, 0);
}

static void h3c_interfaces(void **state)
{
    static const char *const roots[] = {"1.3.6.1.4.1.25506.2.87", "1.3.6.1.4.1.11.2.14.11.15.2.87",
                                        "1.3.6.1.4.1.2011.10.2.87", "1.3.6.1.4.1.43.45.1.10.2.87"};
    static const uint8_t plain[] = {1, 0, 10, GUEST_BYTES, 1, 0, 9};
    static const uint8_t extended[] = {2, 0, 10, GUEST_BYTES, 1, 0, 1, 0, 9};
    for (size_t i = 0; i < ARRAY_COUNT(roots); i++) {
        struct result result;
        char oid[100], object[100];
        snprintf(oid, sizeof(oid), "%s.1.3.0.1", roots[i]);
        snprintf(object, sizeof(object), "%s.1.3.2.3.0", roots[i]);
        read_string(&result, oid, object, plain, sizeof(plain));
        assert_int_equal(result.count, 1);
        check(&result.events[0], TRAP_MAC_LEARNED, 10, 0, 9);
        snprintf(oid, sizeof(oid), "%s.1.4.0.1", roots[i]);
        snprintf(object, sizeof(object), "%s.1.4.2.4.0", roots[i]);
        read_string(&result, oid, object, extended, sizeof(extended));
        assert_int_equal(result.count, 1);
        check(&result.events[0], TRAP_MAC_REMOVED, 10, 0, 65545);
    }
}

static void h3c_move(void **state)
{
    static const uint8_t mac[] = {GUEST_BYTES};
    struct result result;
    trap_fixture_begin_v2(&result.fixture, "1.3.6.1.4.1.25506.2.87.1.4.0.2");
    trap_fixture_octets(&result.fixture, "1.3.6.1.4.1.25506.2.87.1.4.2.5.0", mac, sizeof(mac));
    trap_fixture_number(&result.fixture, "1.3.6.1.4.1.25506.2.87.1.4.2.6.0", 10);
    trap_fixture_number(&result.fixture, "1.3.6.1.4.1.25506.2.87.1.4.2.7.0", 3);
    trap_fixture_number(&result.fixture, "1.3.6.1.4.1.25506.2.87.1.4.2.8.0", 4);
    trap_fixture_number(&result.fixture, "1.3.6.1.4.1.25506.2.87.1.4.2.9.0", 1);
    read_all(&result, trap_fixture_v2c(&result.fixture, SNMP_TRAP_V2));
    assert_int_equal(result.count, 1);
    check(&result.events[0], TRAP_MAC_MOVED, 10, 0, 4);
    assert_int_equal(result.events[0].from_port, 3);
}

static void cisco_move(void **state)
{
    static const uint8_t mac[] = {GUEST_BYTES};
    struct result result;
    trap_fixture_begin_v2(&result.fixture, "1.3.6.1.4.1.9.9.215.2.0.2");
    trap_fixture_octets(&result.fixture, "1.3.6.1.4.1.9.9.215.1.3.3.0", mac, sizeof(mac));
    trap_fixture_number(&result.fixture, "1.3.6.1.4.1.9.9.215.1.3.4.0", 30);
    trap_fixture_number(&result.fixture, "1.3.6.1.4.1.9.9.215.1.3.5.0", 11);
    trap_fixture_number(&result.fixture, "1.3.6.1.4.1.9.9.215.1.3.6.0", 12);
    read_all(&result, trap_fixture_v2c(&result.fixture, SNMP_TRAP_V2));
    assert_int_equal(result.count, 1);
    check(&result.events[0], TRAP_MAC_MOVED, 30, 12, 0);
    assert_int_equal(result.events[0].from_port, 11);
}

/* One change of ProCurve ("…66.1.N") or Aruba CX ("…19.3.1.1.N"), first object `first`. */
static void hp_like(struct result *result, const char *notification, const char *objects,
                    unsigned first, const int64_t values[4])
{
    static const uint8_t mac[] = {GUEST_BYTES};
    char oid[100];
    trap_fixture_begin_v2(&result->fixture, notification);
    snprintf(oid, sizeof(oid), "%s.%u.0", objects, first);
    trap_fixture_number(&result->fixture, oid, values[0]);
    snprintf(oid, sizeof(oid), "%s.%u.0", objects, first + 1);
    trap_fixture_octets(&result->fixture, oid, mac, sizeof(mac));
    for (unsigned i = 1; i < 4; i++) {
        snprintf(oid, sizeof(oid), "%s.%u.0", objects, first + 1 + i);
        trap_fixture_number(&result->fixture, oid, values[i]);
    }
    read_all(result, trap_fixture_v2c(&result->fixture, SNMP_TRAP_V2));
}

/* action, from, to, VLAN; what is expected */
static const struct {
    int64_t values[4];
    enum trap_kind kind;
    uint32_t port, from;
} hp_changes[] = {
    {{1, 0, 24, 10}, TRAP_MAC_LEARNED, 24, 0},
    {{2, 5, 24, 10}, TRAP_MAC_MOVED, 24, 5},
    {{3, 24, 0, 10}, TRAP_MAC_REMOVED, 24, 0},
};

static void procurve_and_aruba(void **state)
{
    static const char *const notifications[][2] = {
        {"1.3.6.1.4.1.11.2.14.11.5.1.66.0.1", "1.3.6.1.4.1.11.2.14.11.5.1.66.1"},
        {"1.3.6.1.4.1.47196.4.1.1.3.19.0.1", "1.3.6.1.4.1.47196.4.1.1.3.19.3.1.1"}};
    for (size_t n = 0; n < 2; n++)
        for (size_t i = 0; i < ARRAY_COUNT(hp_changes); i++) {
            struct result result;
            hp_like(&result, notifications[n][0], notifications[n][1], n == 0 ? 6 : 1,
                    hp_changes[i].values);
            assert_int_equal(result.count, 1);
            check(&result.events[0], hp_changes[i].kind, 10, hp_changes[i].port, 0);
            assert_int_equal(result.events[0].from_port, hp_changes[i].from);
        }
}

/* Aged is 4 there and 0 here; 9 is nothing. */
static void aged_and_unknown_actions(void **state)
{
    static const int64_t procurve[] = {4, 24, 0, 10}, aruba[] = {0, 24, 0, 10},
                         unknown[] = {9, 24, 0, 10};
    struct result result;
    hp_like(&result, "1.3.6.1.4.1.11.2.14.11.5.1.66.0.1", "1.3.6.1.4.1.11.2.14.11.5.1.66.1", 6,
            procurve);
    check(&result.events[0], TRAP_MAC_REMOVED, 10, 24, 0);
    hp_like(&result, "1.3.6.1.4.1.47196.4.1.1.3.19.0.1", "1.3.6.1.4.1.47196.4.1.1.3.19.3.1.1", 1,
            aruba);
    check(&result.events[0], TRAP_MAC_REMOVED, 10, 24, 0);
    hp_like(&result, "1.3.6.1.4.1.47196.4.1.1.3.19.0.1", "1.3.6.1.4.1.47196.4.1.1.3.19.3.1.1", 1,
            unknown);
    assert_int_equal(result.count, 1);
    assert_int_equal(result.events[0].kind, TRAP_OTHER);
    assert_int_equal(result.trap.macs.rejected, 1);
}

static void extreme(void **state)
{
    static const uint8_t mac[] = {GUEST_BYTES};
    struct result result;
    trap_fixture_begin_v2(&result.fixture, "1.3.6.1.4.1.1916.1.16.6.0.3");
    trap_fixture_octets(&result.fixture, "1.3.6.1.4.1.1916.1.16.6.1.0", mac, sizeof(mac));
    trap_fixture_number(&result.fixture, "1.3.6.1.4.1.1916.1.16.6.4.0", 1000010);
    trap_fixture_number(&result.fixture, "1.3.6.1.4.1.1916.1.16.6.2.0", 1012);
    trap_fixture_number(&result.fixture, "1.3.6.1.4.1.1916.1.16.6.3.0", 1007);
    read_all(&result, trap_fixture_v2c(&result.fixture, SNMP_TRAP_V2));
    assert_int_equal(result.count, 1);
    /* The VLAN is told by its interface's index, which is no VLAN. */
    check(&result.events[0], TRAP_MAC_MOVED, 0, 0, 1012);
    assert_int_equal(result.events[0].from_port, 1007);
}

static void dlink_layouts(void **state)
{
    static const uint8_t ten[] = {1, GUEST_BYTES, 1, 5, 0, 2, GUEST_BYTES, 1, 6, 0};
    static const uint8_t eleven[] = {1, GUEST_BYTES, 1, 0, 5, 0, 3, GUEST_BYTES, 1, 1, 2, 0};
    static const uint8_t stacked[] = {1, GUEST_BYTES, 3, 0, 5, 0};
    static const uint8_t with_vlan[] = {1, 0, 10, GUEST_BYTES, 1, 0, 7, 0};
    struct result result;
    read_string(&result, DLINK_OID, DLINK_MSG, ten, sizeof(ten));
    assert_int_equal(result.count, 2);
    check(&result.events[0], TRAP_MAC_LEARNED, 0, 5, 0);
    check(&result.events[1], TRAP_MAC_REMOVED, 0, 6, 0);
    read_string(&result, DLINK_OID, DLINK_MSG, eleven, sizeof(eleven));
    assert_int_equal(result.count, 2);
    check(&result.events[0], TRAP_MAC_LEARNED, 0, 5, 0);
    check(&result.events[1], TRAP_MAC_MOVED, 0, 258, 0);
    read_string(&result, DLINK_OID, DLINK_MSG, stacked, sizeof(stacked));
    check(&result.events[0], TRAP_MAC_LEARNED, 0, 0, 0);
    read_string(&result, "1.3.6.1.4.1.171.14.3.0.2", "1.3.6.1.4.1.171.14.3.1.6.2.0", with_vlan,
                sizeof(with_vlan));
    check(&result.events[0], TRAP_MAC_LEARNED, 10, 7, 0);
}

/* Where the separators are not where they must be, nothing is guessed. */
static void dlink_misfit(void **state)
{
    static const uint8_t bytes[] = {1, GUEST_BYTES, 1, 5, 9};
    struct result result;
    read_string(&result, DLINK_OID, DLINK_MSG, bytes, sizeof(bytes));
    assert_int_equal(result.count, 1);
    assert_int_equal(result.events[0].kind, TRAP_OTHER);
    assert_int_equal(result.trap.macs.rejected, 1);
}

static void dlink_by_model(void **state)
{
    static const uint8_t bytes[] = {2, GUEST_BYTES, 0, 5, 0};
    struct result result;
    read_string(&result, "1.3.6.1.4.1.171.11.113.1.5.2.20.0.2",
                "1.3.6.1.4.1.171.11.113.1.5.2.20.2.1.0", bytes, sizeof(bytes));
    assert_int_equal(result.count, 1);
    check(&result.events[0], TRAP_MAC_REMOVED, 0, 5, 0);
    assert_null(result.trap.name);
}

static void huawei_names(void **state)
{
    struct result result;
    trap_fixture_begin_v2(&result.fixture, "1.3.6.1.4.1.2011.5.25.42.2.1.7.12");
    trap_fixture_octets(&result.fixture, "1.3.6.1.4.1.2011.5.25.42.2.1.24.1.0", "5254-0011-2233",
                        14);
    trap_fixture_number(&result.fixture, "1.3.6.1.4.1.2011.5.25.42.2.1.24.2.0", 10);
    trap_fixture_octets(&result.fixture, "1.3.6.1.4.1.2011.5.25.42.1.1.1.3.1.19.7", "GE0/0/1", 7);
    trap_fixture_octets(&result.fixture, "1.3.6.1.4.1.2011.5.25.42.1.1.1.3.1.19.8", "GE0/0/2", 7);
    read_all(&result, trap_fixture_v2c(&result.fixture, SNMP_TRAP_V2));
    assert_int_equal(result.count, 1);
    check(&result.events[0], TRAP_MAC_MOVED, 10, 0, 0);
    assert_memory_equal(result.events[0].port_name.bytes, "GE0/0/2", 7);
    assert_memory_equal(result.events[0].from_name.bytes, "GE0/0/1", 7);
}

static void arista_instance(void **state)
{
    struct result result;
    trap_fixture_begin_v2(&result.fixture, "1.3.6.1.4.1.30065.3.2.0.2");
    trap_fixture_number(&result.fixture, "1.3.6.1.2.1.17.7.1.2.2.1.2.20.82.84.0.17.34.51", 6);
    read_all(&result, trap_fixture_v2c(&result.fixture, SNMP_TRAP_V2));
    assert_int_equal(result.count, 1);
    check(&result.events[0], TRAP_MAC_LEARNED, 20, 6, 0);
    trap_fixture_begin_v2(&result.fixture, "1.3.6.1.4.1.30065.3.2.0.2");
    trap_fixture_number(&result.fixture, "1.3.6.1.2.1.17.7.1.2.2.1.2.20.82.84.0.17.34.510", 6);
    read_all(&result, trap_fixture_v2c(&result.fixture, SNMP_TRAP_V2));
    assert_int_equal(result.events[0].kind, TRAP_OTHER);
}

/* Refused at the port is neither learnt nor removed. */
static void violation(void **state)
{
    static const uint8_t mac[] = {GUEST_BYTES};
    struct result result;
    trap_fixture_begin_v2(&result.fixture, "1.3.6.1.4.1.9.9.315.0.0.1");
    trap_fixture_number(&result.fixture, "1.3.6.1.2.1.2.2.1.1.10119", 10119);
    trap_fixture_octets(&result.fixture, "1.3.6.1.4.1.9.9.315.1.2.1.1.10.10119", mac, sizeof(mac));
    read_all(&result, trap_fixture_v2c(&result.fixture, SNMP_TRAP_V2));
    assert_int_equal(result.count, 1);
    check(&result.events[0], TRAP_OTHER, 0, 0, 10119);
}

static void wrong_types(void **state)
{
    struct result result;
    trap_fixture_begin_v2(&result.fixture, CISCO_OID);
    trap_fixture_number(&result.fixture, CISCO_MSG, 7);
    read_all(&result, trap_fixture_v2c(&result.fixture, SNMP_TRAP_V2));
    assert_int_equal(result.count, 1);
    assert_int_equal(result.events[0].kind, TRAP_OTHER);
    trap_fixture_begin_v2(&result.fixture, "1.3.6.1.4.1.9.9.215.2.0.2");
    trap_fixture_number(&result.fixture, "1.3.6.1.4.1.9.9.215.1.3.3.0", 7);
    read_all(&result, trap_fixture_v2c(&result.fixture, SNMP_TRAP_V2));
    assert_int_equal(result.events[0].kind, TRAP_OTHER);
    read_string(&result, CISCO_OID, CISCO_MSG, "", 0);
    assert_int_equal(result.events[0].kind, TRAP_OTHER);
}

static void oid_boundaries(void **state)
{
    const char *instance;
    assert_true(trap_oid_under("1.2.3.4", "1.2.3", &instance));
    assert_string_equal(instance, "4");
    assert_true(trap_oid_under("1.2.3", "1.2.3", &instance));
    assert_string_equal(instance, "");
    assert_false(trap_oid_under("1.2.34", "1.2.3", NULL));
    assert_int_equal(trap_oid_number("4294967295.1"), UINT32_MAX);
    assert_int_equal(trap_oid_number("4294967296"), 0);
    assert_int_equal(trap_oid_number(""), 0);
    assert_null(trap_mac_find(CISCO_OID ".1"));
    assert_null(trap_mac_find(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cisco_several_tuples),
        cmocka_unit_test(several_strings),
        cmocka_unit_test(whole_tuples_only),
        cmocka_unit_test(nonsense_tuples),
        cmocka_unit_test(juniper_by_oid),
        cmocka_unit_test(h3c_interfaces),
        cmocka_unit_test(h3c_move),
        cmocka_unit_test(cisco_move),
        cmocka_unit_test(procurve_and_aruba),
        cmocka_unit_test(aged_and_unknown_actions),
        cmocka_unit_test(extreme),
        cmocka_unit_test(dlink_layouts),
        cmocka_unit_test(dlink_misfit),
        cmocka_unit_test(dlink_by_model),
        cmocka_unit_test(huawei_names),
        cmocka_unit_test(arista_instance),
        cmocka_unit_test(violation),
        cmocka_unit_test(wrong_types),
        cmocka_unit_test(oid_boundaries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
