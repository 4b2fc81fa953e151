/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/presence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/presence_inside.h"

/* The expiry list: the lives of sessions as DOMAIN 1.7 and F9 tell them, shares, clocks,
 * resets, and a naive list that must agree after any sequence of calls. */

#define SECRET UINT64_C(42)

static struct wall at(double seconds)
{
    return (struct wall){INT64_C(1700000000000000) + (int64_t)(seconds * 1e6)};
}

static struct presence *new_list(void)
{
    struct presence_options options;
    presence_options_init(&options);
    return presence_new(&options, at(0));
}

static struct presence_sign session_of(uint64_t mac, uint32_t nas, const char *session,
                                       uint32_t place, double seconds)
{
    char nas_text[16];
    snprintf(nas_text, sizeof nas_text, "nas%u", nas);
    return (struct presence_sign){
        .id = presence_mac((struct mac){mac}),
        .source = PRESENCE_RADIUS,
        .nas = nas,
        .session = presence_session_hash(SECRET, PRESENCE_RADIUS, nas_text, session),
        .place = place,
        .proof = EVENT_PROOF_TOLD,
        .at = at(seconds)};
}

static struct presence_sign binding_of(uint8_t host, uint32_t agent, uint32_t care_of,
                                       double lifetime)
{
    struct presence_sign sign = {.source = PRESENCE_MOBILE_IP,
                                 .nas = agent,
                                 .place = care_of,
                                 .proof = EVENT_PROOF_HEARD,
                                 .at = WALL_UNKNOWN,
                                 .lifetime = span_us((int64_t)(lifetime * 1e6))};
    const uint8_t octets[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = host};
    sign.id = presence_address(ip_from_v6(octets));
    return sign;
}

/* Lets time pass; expects exactly one end and returns it. */
static struct presence_due expect_end(struct presence *list, double seconds)
{
    struct presence_due due[4];
    assert_int_equal(presence_expire(list, at(seconds), due, 4), 1);
    return due[0];
}

static void expect_nothing(struct presence *list, double seconds)
{
    struct presence_due due[4];
    assert_int_equal(presence_expire(list, at(seconds), due, 4), 0);
}

static void stop_at_the_old_port_after_start_at_the_new(void **state)
{
    (void)state;
    struct presence *list = new_list();
    struct presence_sign old = session_of(1, 1, "a", 10, 1), new = session_of(1, 1, "b", 11, 100);
    assert_int_equal(presence_start(list, &old, at(1), NULL), PRESENCE_STARTED);
    assert_int_equal(presence_start(list, &new, at(100), NULL), PRESENCE_STARTED);
    old.at = at(101);
    struct presence_row row;
    assert_int_equal(presence_stop(list, &old, at(101), &row), PRESENCE_ENDED);
    assert_int_equal(row.end, PRESENCE_STOPPED);
    expect_nothing(list, 130);
    struct presence_due due = expect_end(list, 132);
    assert_int_equal(due.row.end, PRESENCE_STOPPED);
    assert_int_equal(due.others, 1);
    assert_int_equal(due.row.place, 10);
    assert_int_equal(due.row.started.us, at(1).us);
    assert_int_equal(due.row.heard.us, at(101).us);
    expect_nothing(list, 500);
    assert_int_equal(presence_find(list, old.id, true, &row, 1), 1);
    assert_int_equal(row.place, 11);
    presence_free(list);
}

static void binding_expires_unless_refreshed(void **state)
{
    (void)state;
    struct presence *list = new_list();
    struct presence_sign sign = binding_of(7, 3, 20, 60);
    assert_int_equal(presence_start(list, &sign, at(0), NULL), PRESENCE_STARTED);
    assert_int_equal(presence_update(list, &sign, at(50), NULL), PRESENCE_REFRESHED);
    expect_nothing(list, 139);
    assert_int_equal(presence_touch(list, sign.id, at(139)), 1);
    expect_nothing(list, 228);
    struct presence_due due = expect_end(list, 231);
    assert_int_equal(due.row.end, PRESENCE_EXPIRED);
    assert_int_equal(due.others, 0);
    assert_true(ip_equal(&due.row.id.address, &sign.id.address));
    assert_int_equal(due.row.place, 20);
    assert_int_equal(presence_counts(list).live, 0);
    assert_false(wall_known(presence_deadline(list)));
    presence_free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stop_at_the_old_port_after_start_at_the_new),
        cmocka_unit_test(binding_expires_unless_refreshed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
