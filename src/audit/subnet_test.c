/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/subnet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/record_fixture.h"
#include "base/text.h"

/* The index of recorded addresses and subnets: what people write into such cells, the longest
 * match against trying every prefix, and which guest it is about. */

struct fixture {
    struct record_set *set;
    struct subnet_index *index;
};

static struct fixture build(const char *cmdb, const char *dcm, const char *guests)
{
    struct fixture f = {.set = record_set_new("cmdb", (struct wall){0})};
    if (cmdb != NULL)
        record_fixture_add(f.set, RECORD_CMDB, cmdb);
    if (dcm != NULL)
        record_fixture_add(f.set, RECORD_DCM, dcm);
    if (guests != NULL)
        record_fixture_add(f.set, RECORD_GUESTS, guests);
    record_set_finish(f.set);
    const struct record_set *const sets[] = {f.set};
    f.index = subnet_index_new(sets, 1);
    return f;
}

static void done(struct fixture *f)
{
    subnet_index_free(f->index);
    record_set_free(f->set);
}

static struct ip ip_of(const char *text)
{
    struct ip ip;
    assert_int_equal(ip_parse(text, strlen(text), &ip), 0);
    return ip;
}

static struct ip_prefix prefix_of(const char *text)
{
    struct ip_prefix prefix;
    assert_int_equal(ip_prefix_parse(text, strlen(text), &prefix), 0);
    return prefix;
}

static void assert_subnet(const struct fixture *f, const char *address, const char *prefix,
                          bool assumed)
{
    char text[IP_PREFIX_TEXT_SIZE];
    bool guess;
    const struct ip ip = ip_of(address);
    struct ip_prefix found = subnet_of(f->index, &ip, &guess);
    assert_string_equal(ip_prefix_format(&found, text), prefix);
    assert_int_equal(guess, assumed);
}

static void longest_match_wins(void **state)
{
    (void)state;
    struct fixture f = build("guest,address,subnet,hypervisor,owner,run_state\n"
                             "a,2001:db8::5,2001:db8::/32,,,\n"
                             "b,,2001:db8:1::/48|2001:db8:1:2::/64,,,\n"
                             "c,,192.0.2.0/24 198.51.100.0/25,,,\n"
                             "d,,10.0.0.0/8,,,\n"
                             "e,,10.1.0.0/16,,,\n",
                             NULL, NULL);
    assert_subnet(&f, "2001:db8:1:2::9", "2001:db8:1:2::/64", false);
    assert_subnet(&f, "2001:db8:1:3::9", "2001:db8:1::/48", false);
    assert_subnet(&f, "2001:db8:ffff::9", "2001:db8::/32", false);
    assert_subnet(&f, "2001:db9::9", "2001:db9::/64", true);
    assert_subnet(&f, "198.51.100.127", "198.51.100.0/25", false);
    assert_subnet(&f, "198.51.100.128", "198.51.100.128/32", false);
    assert_subnet(&f, "10.1.255.255", "10.1.0.0/16", false);
    assert_subnet(&f, "10.2.0.0", "10.0.0.0/8", false);
    done(&f);
}

static void a_default_route_is_of_one_family(void **state)
{
    (void)state;
    struct fixture f = build("guest,subnet\na,::/0\n", NULL, NULL);
    assert_subnet(&f, "2001:db8::1", "::/0", false);
    assert_subnet(&f, "192.0.2.1", "192.0.2.1/32", false);
    done(&f);
}

static void cells_hold_what_people_write(void **state)
{
    (void)state;
    struct fixture f = build("guest,address,subnet\n"
                             "a, 192.0.2.5/24 | 2001:db8:7::5/64 ,\n"
                             "b,,2001:db8:8::\n"
                             "c,not an address,2001:db8::/200\n"
                             "d,::,|||  |\n",
                             NULL, NULL);
    struct subnet_guest a = subnet_guest(f.index, subnet_guest_find(f.index, "a"));
    assert_int_equal(a.prefix_count, 2);
    assert_subnet(&f, "192.0.2.77", "192.0.2.0/24", false);
    assert_subnet(&f, "2001:db8:8::1", "2001:db8:8::/64", true);
    const struct record_ref *bad;
    assert_int_equal(subnet_bad(f.index, &bad), 5); /* not, an, address, /200, :: */
    assert_int_equal(bad[0].row, 2);
    assert_int_equal(bad[0].table, RECORD_CMDB);
    size_t count;
    const struct ip_prefix exact = prefix_of("192.0.2.5/32");
    const struct subnet_address *found = subnet_addresses(f.index, &exact, &count);
    assert_int_equal(count, 1);
    assert_int_equal(found->guest, subnet_guest_find(f.index, "a"));
    done(&f);
}

static void a_cell_has_so_many_values(void **state)
{
    (void)state;
    struct text csv AUTO_TEXT = TEXT_EMPTY;
    text_add(&csv, "guest,subnet\na,");
    for (unsigned i = 0; i < SUBNET_CELL_VALUES; i++)
        text_add(&csv, "::|");
    text_add(&csv, "2001:db8::\n");
    struct fixture f = build(text_get(&csv), NULL, NULL);
    assert_int_equal(subnet_guest(f.index, 0).prefix_count, 1);
    assert_int_equal(subnet_bad(f.index, NULL), 1);
    done(&f);
}

static void tables_join_by_name(void **state)
{
    (void)state;
    struct fixture f = build(
        "guest,address,subnet,run_state\nweb1,2001:db8::1,,on\n,2001:db8::fe,2001:db8:f::/64,\n",
        "hypervisor,guest,cpu,memory,storage,bandwidth,address,subnet\n"
        "h1,web1,1,1,1,1,,2001:db8:1::/64\nh2,db1,1,1,1,1,2001:db8::2,\n",
        "hypervisor,guest,mac,run_state,ip\n"
        "h1,web1,52:54:00:00:00:01,on,\n"
        "h1,other,52:54:00:00:00:02,on,\n"
        "h1,lab1,52:54:00:00:00:03,off,2001:db8::3 192.0.2.3\n");
    assert_int_equal(subnet_guest_count(f.index), 3);
    assert_int_equal(subnet_guest_find(f.index, "other"), SUBNET_NONE);
    struct subnet_guest web = subnet_guest(f.index, subnet_guest_find(f.index, "web1"));
    assert_int_equal(web.row_count, 3);
    assert_int_equal(web.rows[0].table, RECORD_GUESTS);
    assert_int_equal(web.rows[1].table, RECORD_CMDB);
    assert_int_equal(web.rows[2].table, RECORD_DCM);
    assert_int_equal(web.prefix_count, 1);
    size_t count;
    const struct ip_prefix all = prefix_of("2001:db8::/64");
    const struct subnet_address *list = subnet_addresses(f.index, &all, &count);
    assert_int_equal(count, 4);
    assert_int_equal(list[3].guest, SUBNET_NONE); /* ::fe */
    assert_true(subnet_has_records(f.index));
    done(&f);
}

static void without_records_it_says_so(void **state)
{
    (void)state;
    struct fixture f =
        build(NULL, NULL, "hypervisor,guest,mac,run_state\nh1,a,52:54:00:00:00:01,on\n");
    assert_false(subnet_has_records(f.index));
    const struct ip ip = ip_of("2001:db8::1");
    size_t count;
    assert_null(subnet_find(f.index, &ip, &count));
    assert_int_equal(count, 0);
    done(&f);
    subnet_index_free(subnet_index_new(NULL, 0));
}

/* --- against trying every prefix --- */

static uint64_t next_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = (*state ^ (*state >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Few different octets, so that prefixes nest. */
static struct ip random_ip(uint64_t *random)
{
    uint8_t octets[16];
    for (unsigned i = 0; i < 16; i++)
        octets[i] = (uint8_t)(next_random(random) % 3 == 0 ? next_random(random) & 3 : 0);
    octets[0] = 0x20;
    return ip_from_v6(octets);
}

static void longest_match_is_as_trying_all(void **state)
{
    (void)state;
    enum { PREFIXES = 300, LOOKUPS = 3000 };
    uint64_t random = 7;
    struct ip_prefix prefixes[PREFIXES];
    struct text csv AUTO_TEXT = TEXT_EMPTY;
    text_add(&csv, "guest,subnet\n");
    for (unsigned i = 0; i < PREFIXES; i++) {
        const struct ip ip = random_ip(&random);
        char text[IP_PREFIX_TEXT_SIZE];
        prefixes[i] = ip_prefix_of(&ip, (uint8_t)(1 + next_random(&random) % 128));
        text_printf(&csv, "g%u,%s\n", i % 50, ip_prefix_format(&prefixes[i], text));
    }
    struct fixture f = build(text_get(&csv), NULL, NULL);
    for (unsigned i = 0; i < LOOKUPS; i++) {
        const struct ip ip = random_ip(&random);
        int best = -1;
        for (unsigned j = 0; j < PREFIXES; j++)
            if (ip_prefix_match(&prefixes[j], &ip) && prefixes[j].bits > best)
                best = prefixes[j].bits;
        size_t count;
        const struct subnet_prefix *found = subnet_find(f.index, &ip, &count);
        assert_int_equal(found == NULL ? -1 : found->prefix.bits, best);
        for (size_t j = 0; j < count; j++)
            assert_true(ip_prefix_match(&found[j].prefix, &ip));
    }
    done(&f);
}

static void any_cell_is_read(void **state)
{
    (void)state;
    static const char letters[] = "0123456789abcdef:::...//| ;%-g";
    uint64_t random = 11;
    struct text csv AUTO_TEXT = TEXT_EMPTY;
    text_add(&csv, "guest,address,subnet\n");
    for (unsigned i = 0; i < 3000; i++) {
        text_printf(&csv, "g%u", i);
        for (unsigned column = 0; column < 2; column++) {
            text_add_char(&csv, ',');
            for (uint64_t length = next_random(&random) % 40; length > 0; length--)
                text_add_char(&csv, letters[next_random(&random) % (sizeof letters - 1)]);
        }
        text_add_char(&csv, '\n');
    }
    struct fixture f = build(text_get(&csv), NULL, NULL);
    assert_true(subnet_bad(f.index, NULL) > SUBNET_BAD_KEPT);
    for (uint32_t i = 0; i < subnet_guest_count(f.index); i++) {
        struct subnet_guest guest = subnet_guest(f.index, i);
        for (size_t j = 0; j < guest.prefix_count; j++) {
            const struct subnet_prefix *one = &guest.prefixes[j];
            assert_int_equal(one->guest, i);
            const struct ip_prefix same = ip_prefix_of(&one->prefix.address, one->prefix.bits);
            assert_true(ip_equal(&same.address, &one->prefix.address));
        }
    }
    done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(longest_match_wins),
        cmocka_unit_test(a_default_route_is_of_one_family),
        cmocka_unit_test(cells_hold_what_people_write),
        cmocka_unit_test(a_cell_has_so_many_values),
        cmocka_unit_test(tables_join_by_name),
        cmocka_unit_test(without_records_it_says_so),
        cmocka_unit_test(longest_match_is_as_trying_all),
        cmocka_unit_test(any_cell_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
