/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/rtnl_fdb.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

/* Builds messages the way the kernel does. */
struct builder {
    uint8_t bytes[1024];
    size_t used;
    size_t start; /* of the message under construction */
};

static void put(struct builder *b, const void *bytes, size_t length)
{
    memcpy(b->bytes + b->used, bytes, length);
    b->used += (length + 3) & ~(size_t)3;
}

static void begin(struct builder *b, uint16_t type, uint16_t flags)
{
    struct nlmsghdr header = {.nlmsg_type = type, .nlmsg_flags = flags, .nlmsg_seq = 9};
    b->start = b->used;
    put(b, &header, sizeof header);
}

static void finish(struct builder *b)
{
    uint32_t length = (uint32_t)(b->used - b->start);
    memcpy(b->bytes + b->start, &length, sizeof length);
}

static void attribute(struct builder *b, uint16_t type, const void *payload, size_t length)
{
    struct nlattr header = {(uint16_t)(sizeof header + length), type};
    memcpy(b->bytes + b->used, &header, sizeof header);
    memcpy(b->bytes + b->used + sizeof header, payload, length);
    b->used += (sizeof header + length + 3) & ~(size_t)3;
}

static size_t nest_begin(struct builder *b, uint16_t type)
{
    struct nlattr header = {0, type | NLA_F_NESTED};
    size_t at = b->used;
    put(b, &header, sizeof header);
    return at;
}

static void nest_end(struct builder *b, size_t at)
{
    uint16_t length = (uint16_t)(b->used - at);
    memcpy(b->bytes + at, &length, sizeof length);
}

static void entry(struct builder *b, uint16_t state, uint8_t flags, uint16_t vlan, uint32_t updated)
{
    struct ndmsg header = {
        .ndm_family = AF_BRIDGE, .ndm_ifindex = 5, .ndm_state = state, .ndm_flags = flags};
    struct nda_cacheinfo ages = {.ndm_used = 1, .ndm_updated = updated};
    begin(b, RTM_NEWNEIGH, NLM_F_MULTI);
    put(b, &header, sizeof header);
    attribute(b, NDA_LLADDR, "\x52\x54\x00\x11\x22\x33", 6);
    attribute(b, NDA_MASTER, &(uint32_t){3}, 4);
    attribute(b, NDA_CACHEINFO, &ages, sizeof ages);
    if (vlan != 0)
        attribute(b, NDA_VLAN, &vlan, sizeof vlan);
    finish(b);
}

static struct rtnl_message only(const struct builder *b)
{
    const uint8_t *at = b->bytes;
    size_t left = b->used;
    struct rtnl_message message;
    assert_true(rtnl_next(&at, &left, &message));
    assert_int_equal(left, 0);
    return message;
}

static void test_a_learnt_entry_has_everything(void **state)
{
    struct builder b = {0};
    entry(&b, NUD_REACHABLE, 0, 10, 250);
    struct rtnl_message message = only(&b);
    assert_int_equal(message.what, RTNL_ENTRY);
    assert_int_equal(message.sequence, 9);
    assert_false(message.interrupted);
    assert_true(message.entry.mac.bits == UINT64_C(0x525400112233));
    assert_int_equal(message.entry.state, RTNL_LEARNED);
    assert_int_equal(message.entry.if_index, 5);
    assert_int_equal(message.entry.master, 3);
    assert_int_equal(message.entry.vlan, 10);
    assert_int_equal(message.entry.age_cs, 250);
}

static void test_entry_states(void **state)
{
    static const struct {
        uint16_t state;
        uint8_t flags;
        enum rtnl_entry_state expected;
    } cases[] = {
        {NUD_REACHABLE, 0, RTNL_LEARNED},
        {NUD_STALE, 0, RTNL_EXPIRED},
        {NUD_NOARP, 0, RTNL_STATIC},
        {NUD_PERMANENT, 0, RTNL_LOCAL},
        {NUD_PERMANENT, NTF_SELF, RTNL_SELF},
        {NUD_REACHABLE, NTF_EXT_LEARNED, RTNL_EXTERNAL},
        {NUD_NOARP, NTF_EXT_LEARNED, RTNL_EXTERNAL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct builder b = {0};
        entry(&b, cases[i].state, cases[i].flags, 0, 0);
        assert_int_equal(only(&b).entry.state, cases[i].expected);
        assert_int_equal(only(&b).entry.vlan, 0);
    }
}

/* The same entry as it leaves: taken out, or aged. */
static void test_an_entry_that_goes(void **state)
{
    static const uint16_t states[] = {NUD_REACHABLE, NUD_STALE};
    for (size_t i = 0; i < ARRAY_COUNT(states); i++) {
        struct builder b = {0};
        entry(&b, states[i], 0, 10, 0);
        memcpy(b.bytes + offsetof(struct nlmsghdr, nlmsg_type), &(uint16_t){RTM_DELNEIGH}, 2);
        struct rtnl_message message = only(&b);
        assert_int_equal(message.what, RTNL_GONE);
        assert_int_equal(message.entry.state, i == 0 ? RTNL_LEARNED : RTNL_EXPIRED);
        assert_int_equal(message.entry.if_index, 5);
    }
}

static void test_an_entry_without_address_or_of_another_family_is_nothing(void **state)
{
    struct builder b = {0};
    struct ndmsg header = {.ndm_family = AF_BRIDGE, .ndm_ifindex = 5};
    begin(&b, RTM_NEWNEIGH, 0);
    put(&b, &header, sizeof header);
    attribute(&b, NDA_LLADDR, "\x52\x54\x00\x11", 4);
    finish(&b);
    assert_int_equal(only(&b).what, RTNL_OTHER);
    struct builder inet = {0};
    header.ndm_family = AF_INET;
    begin(&inet, RTM_NEWNEIGH, 0);
    put(&inet, &header, sizeof header);
    attribute(&inet, NDA_LLADDR, "\x52\x54\x00\x11\x22\x33", 6);
    finish(&inet);
    assert_int_equal(only(&inet).what, RTNL_OTHER);
}

static void link_message(struct builder *b, const char *name, const char *kind, bool in_bridge)
{
    struct ifinfomsg header = {.ifi_index = 4};
    begin(b, RTM_NEWLINK, NLM_F_MULTI);
    put(b, &header, sizeof header);
    attribute(b, IFLA_IFNAME, name, strlen(name) + 1);
    attribute(b, IFLA_ADDRESS, "\x02\x00\x00\x00\x00\x01", 6);
    attribute(b, IFLA_MASTER, &(uint32_t){3}, 4);
    attribute(b, IFLA_LINK, &(uint32_t){8}, 4);
    size_t info = nest_begin(b, IFLA_LINKINFO);
    if (kind != NULL)
        attribute(b, IFLA_INFO_KIND, kind, strlen(kind) + 1);
    size_t data = nest_begin(b, IFLA_INFO_DATA);
    attribute(b, IFLA_BR_AGEING_TIME, &(uint32_t){3000}, 4);
    attribute(b, IFLA_BR_VLAN_FILTERING, &(uint8_t){1}, 1);
    nest_end(b, data);
    if (in_bridge) {
        attribute(b, IFLA_INFO_SLAVE_KIND, "bridge", 7);
        size_t slave = nest_begin(b, IFLA_INFO_SLAVE_DATA);
        attribute(b, IFLA_BRPORT_NO, &(uint16_t){2}, 2);
        attribute(b, IFLA_BRPORT_LEARNING, &(uint8_t){0}, 1);
        nest_end(b, slave);
    }
    nest_end(b, info);
    finish(b);
}

static void test_links(void **state)
{
    struct builder b = {0};
    link_message(&b, "br0", "bridge", false);
    struct rtnl_message message = only(&b);
    assert_int_equal(message.what, RTNL_LINK);
    assert_string_equal(message.link.name, "br0");
    assert_string_equal(message.link.kind, "bridge");
    assert_int_equal(message.link.if_index, 4);
    assert_int_equal(message.link.ageing_cs, 3000);
    assert_true(message.link.vlan_filtering);
    assert_true(message.link.learning);
    assert_int_equal(message.link.peer, 0); /* only a veth has one */
    assert_true(message.link.address.bits == UINT64_C(0x020000000001));

    struct builder port = {0};
    link_message(&port, "veth0", "veth", true);
    message = only(&port);
    assert_int_equal(message.link.master, 3);
    assert_int_equal(message.link.peer, 8);
    assert_int_equal(message.link.port_number, 2);
    assert_false(message.link.learning);
    assert_int_equal(message.link.ageing_cs, RTNL_NO_TIME);

    struct builder nic = {0};
    link_message(&nic, "eno1", NULL, true);
    assert_string_equal(only(&nic).link.kind, "");
    assert_string_equal(only(&nic).link.slave_kind, "bridge");
}

static void test_long_names_are_cut(void **state)
{
    struct builder b = {0};
    link_message(&b, "a-name-of-more-than-sixteen-characters", "a-kind-of-more-than-sixteen-chars",
                 false);
    assert_string_equal(only(&b).link.name, "a-name-of-more-");
    assert_string_equal(only(&b).link.kind, "a-kind-of-more-");
}

static void test_ends_and_errors(void **state)
{
    struct builder b = {0};
    begin(&b, NLMSG_DONE, NLM_F_MULTI | NLM_F_DUMP_INTR);
    put(&b, &(int32_t){0}, 4);
    finish(&b);
    begin(&b, NLMSG_ERROR, 0);
    put(&b, &(int32_t){-EPERM}, 4);
    finish(&b);
    begin(&b, NLMSG_ERROR, 0);
    put(&b, &(int32_t){INT32_MIN}, 4);
    finish(&b);
    const uint8_t *at = b.bytes;
    size_t left = b.used;
    struct rtnl_message message;
    assert_true(rtnl_next(&at, &left, &message));
    assert_int_equal(message.what, RTNL_DONE);
    assert_true(message.interrupted);
    assert_int_equal(message.error, 0);
    assert_true(rtnl_next(&at, &left, &message));
    assert_int_equal(message.what, RTNL_ERROR);
    assert_int_equal(message.error, EPERM);
    assert_true(rtnl_next(&at, &left, &message));
    assert_int_equal(message.error, 0);
    assert_false(rtnl_next(&at, &left, &message));
}

static void test_cut_messages_end_the_reading(void **state)
{
    struct builder b = {0};
    link_message(&b, "veth0", "veth", true);
    for (size_t length = 1; length < b.used; length++) {
        const uint8_t *at = b.bytes;
        size_t left = length;
        struct rtnl_message message;
        assert_true(rtnl_next(&at, &left, &message));
        assert_int_equal(message.what, RTNL_MALFORMED);
        assert_false(rtnl_next(&at, &left, &message));
    }
}

static void test_lengths_that_lie_are_harmless(void **state)
{
    for (size_t at = 0; at < 200; at++) {
        for (unsigned value = 0; value < 256; value += 51) {
            struct builder b = {0};
            link_message(&b, "veth0", "bridge", true);
            entry(&b, NUD_REACHABLE, 0, 10, 250);
            b.bytes[at] = (uint8_t)value;
            const uint8_t *from = b.bytes;
            size_t left = b.used, steps = 0;
            struct rtnl_message message;
            while (rtnl_next(&from, &left, &message))
                steps++;
            assert_true(steps <= b.used / sizeof(struct nlmsghdr));
        }
    }
}

static void test_requests_are_what_the_kernel_reads(void **state)
{
    uint8_t buffer[RTNL_REQUEST_SIZE];
    struct nlmsghdr header;
    struct ndmsg body;
    size_t length = rtnl_request_entries(buffer, 77, 3);
    memcpy(&header, buffer, sizeof header);
    memcpy(&body, buffer + sizeof header, sizeof body);
    assert_int_equal(header.nlmsg_len, length);
    assert_int_equal(header.nlmsg_type, RTM_GETNEIGH);
    assert_int_equal(header.nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
    assert_int_equal(header.nlmsg_seq, 77);
    assert_int_equal(body.ndm_family, AF_BRIDGE);
    assert_int_equal(length, sizeof header + sizeof body + 8);
    assert_int_equal(rtnl_request_entries(buffer, 77, 0), sizeof header + sizeof body);
    length = rtnl_request_links(buffer, 78);
    memcpy(&header, buffer, sizeof header);
    assert_int_equal(header.nlmsg_type, RTM_GETLINK);
    assert_int_equal(header.nlmsg_len, length);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_learnt_entry_has_everything),
        cmocka_unit_test(test_entry_states),
        cmocka_unit_test(test_an_entry_that_goes),
        cmocka_unit_test(test_an_entry_without_address_or_of_another_family_is_nothing),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_long_names_are_cut),
        cmocka_unit_test(test_ends_and_errors),
        cmocka_unit_test(test_cut_messages_end_the_reading),
        cmocka_unit_test(test_lengths_that_lie_are_harmless),
        cmocka_unit_test(test_requests_are_what_the_kernel_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
