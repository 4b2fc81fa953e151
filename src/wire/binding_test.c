/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/binding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/frame_fixture.h"

enum { SAYS_NOTHING = 0, SAYS = 1, IS_WRONG = -1 };

static struct ip address(unsigned n)
{
    struct frame frame = {.length = 0};
    frame_address(&frame, n);
    return n == 0 ? IP_NONE : ip_from_v6(frame.bytes);
}

static void assert_address(struct ip got, unsigned n)
{
    struct ip wanted = address(n);
    assert_memory_equal(got.octets, wanted.octets, 16);
}

static void assert_roles(const struct binding *got, unsigned home, unsigned care_of, unsigned agent,
                         unsigned correspondent)
{
    assert_address(got->home_address, home);
    assert_address(got->care_of, care_of);
    assert_address(got->home_agent, agent);
    assert_address(got->correspondent, correspondent);
}

static int read_frame(struct frame *frame, struct binding *ret)
{
    struct ip_packet packet;
    enum wire_fault fault;
    frame_close(frame, 0);
    assert_int_equal(ip_packet_read(frame->bytes, frame->length, true, &packet), WIRE_OK);
    return binding_read(&packet, ret, &fault);
}

static void a_home_registration_names_all_roles(void **state)
{
    (void)state;
    struct frame frame = {.length = 0};
    struct binding got;
    frame_ipv6(&frame, 60);
    frame_home_option(&frame, 135, 9);
    frame_update(&frame, MOBILITY_FLAG_ACKNOWLEDGE | MOBILITY_FLAG_HOME, 3600, 0);
    assert_int_equal(read_frame(&frame, &got), SAYS);
    assert_string_equal(binding_word(&got), "update");
    assert_roles(&got, 9, 1, 2, 0);
    assert_int_equal(got.message.sequence, 7);
    assert_int_equal(got.message.lifetime_seconds, 14400);
    assert_false(got.deregistration);
    assert_int_equal(got.checksum, BINDING_CHECKSUM_NONE);
    char letters[MOBILITY_FLAG_WORDS + 1];
    assert_string_equal(mobility_flag_letters(&got.message, letters), "AH");
}

static void an_alternate_care_of_address_wins(void **state)
{
    (void)state;
    struct frame frame = {.length = 0};
    struct binding got;
    frame_ipv6(&frame, 60);
    frame_home_option(&frame, 135, 9);
    frame_update(&frame, 0, 10, 33);
    assert_int_equal(read_frame(&frame, &got), SAYS);
    assert_roles(&got, 9, 33, 0, 2);
}

static void what_ends_a_binding_is_told(void **state)
{
    (void)state;
    struct frame zero = {.length = 0}, same = {.length = 0}, home = {.length = 0};
    struct binding got;
    frame_ipv6(&zero, 60);
    frame_home_option(&zero, 135, 9);
    frame_update(&zero, 0xc000, 0, 0);
    assert_int_equal(read_frame(&zero, &got), SAYS);
    assert_true(got.deregistration);
    frame_ipv6(&same, 60);
    frame_home_option(&same, 135, 9);
    frame_update(&same, 0xc000, 100, 9);
    assert_int_equal(read_frame(&same, &got), SAYS);
    assert_true(got.deregistration);
    frame_ipv6(&home, 135); /* back at home: no option, the source is the home address */
    frame_update(&home, 0xc000, 0, 0);
    assert_int_equal(read_frame(&home, &got), SAYS);
    assert_true(got.deregistration);
    assert_address(got.home_address, 1);
}

/* In an IPv4 network the packet comes from the home address itself, in a tunnel. */
static void nodes_in_ipv4_networks_say_where_they_are(void **state)
{
    (void)state;
    struct frame frame = {.length = 0};
    struct binding got;
    frame_ipv6(&frame, 135);
    frame_u32(&frame, 0x3b030500);
    frame_u16(&frame, 0);
    frame_u32(&frame, 0x0007c000); /* a sequence, A and H */
    frame_u16(&frame, 10);
    frame_u16(&frame, 0x2006); /* the care-of address there */
    frame_u16(&frame, 0);
    frame_u32(&frame, 0xc6336407);
    frame_u16(&frame, 0x1d06); /* the home address of that version */
    frame_u16(&frame, 0x6000);
    frame_u32(&frame, 0xc0000263);
    frame_u32(&frame, 0x01020000);
    assert_int_equal(read_frame(&frame, &got), SAYS);
    assert_address(got.home_address, 1);
    assert_memory_equal(got.care_of.octets + 12, "\xc6\x33\x64\x07", 4);
    assert_memory_equal(got.message.ipv4_home.octets + 12, "\xc0\x00\x02\x63", 4);
    assert_false(got.deregistration);
}

static void one_of_several_bindings_has_its_own_care_of_address(void **state)
{
    (void)state;
    struct frame frame = {.length = 0};
    struct binding got;
    frame_ipv6(&frame, 60);
    frame_home_option(&frame, 135, 9);
    frame_u32(&frame, 0x3b040500);
    frame_u16(&frame, 0);
    frame_u32(&frame, 0x0007c000);
    frame_u16(&frame, 10);
    frame_u16(&frame, 0x2314); /* identifier 17 */
    frame_u32(&frame, 0x00110000);
    frame_address(&frame, 44);
    frame_u16(&frame, 0x0104);
    frame_u32(&frame, 0);
    assert_int_equal(read_frame(&frame, &got), SAYS);
    assert_roles(&got, 9, 44, 2, 0);
}

/* A gateway speaks for its node: its own address is the care-of address. */
static void proxy_registrations_join_address_and_mac(void **state)
{
    (void)state;
    struct frame frame = {.length = 0};
    struct binding got;
    char text[IP_PREFIX_TEXT_SIZE];
    frame_ipv6(&frame, 135);
    frame_u32(&frame, 0x3b060500);
    frame_u16(&frame, 0);
    frame_u16(&frame, 1);
    frame_u16(&frame, MOBILITY_FLAG_ACKNOWLEDGE | MOBILITY_FLAG_HOME | MOBILITY_FLAG_PROXY);
    frame_u16(&frame, 75);
    frame_u16(&frame, 0x0809); /* MN-id, a network access identifier */
    frame_u8(&frame, 1);
    frame_add(&frame, "web1@dc1", 8);
    frame_u16(&frame, 0x1612); /* home network prefix */
    frame_u16(&frame, 64);
    frame_address(&frame, 0);
    frame_u32(&frame, 0x19080000); /* link-layer identifier */
    frame_mac(&frame, 5);
    frame_u16(&frame, 0x0101); /* PadN */
    frame_u8(&frame, 0);
    assert_int_equal(read_frame(&frame, &got), SAYS);
    assert_roles(&got, 0, 1, 2, 0);
    assert_int_equal(got.message.mac.bits, 0x525400000005);
    assert_int_equal(got.message.node_id_length, 8);
    assert_memory_equal(got.message.node_id, "web1@dc1", 8);
    assert_string_equal(ip_prefix_format(&got.message.home_prefix, text), "2001:db8::/64");
    assert_int_equal(got.message.lifetime_seconds, 300);
    assert_false(got.deregistration);
}

static void an_acknowledgement_is_granted_to_the_home_address(void **state)
{
    (void)state;
    struct frame frame = {.length = 0};
    struct binding got;
    char letters[MOBILITY_FLAG_WORDS + 1];
    frame_ipv6(&frame, 43);
    frame_home_route(&frame, 135, 9);
    frame_u32(&frame, 0x3b010600);
    frame_u16(&frame, 0);
    frame_u16(&frame, 0x01a0); /* accepted but prefix discovery necessary; K and P */
    frame_u16(&frame, 7);
    frame_u16(&frame, 5);
    frame_u32(&frame, 0x01020000);
    assert_int_equal(read_frame(&frame, &got), SAYS);
    assert_string_equal(binding_word(&got), "ack");
    assert_roles(&got, 9, 2, 0, 0);
    assert_address(got.peer, 1);
    assert_int_equal(got.message.status, 1);
    assert_int_equal(got.message.lifetime_seconds, 20);
    assert_string_equal(mobility_flag_letters(&got.message, letters), "KP");
}

static void tests_of_the_route_show_the_correspondent(void **state)
{
    (void)state;
    static const struct {
        unsigned type, length, home, care_of, correspondent;
    } tests[] = {{1, 1, 1, 0, 2}, {2, 1, 0, 1, 2}, {3, 2, 2, 0, 1}, {4, 2, 0, 2, 1}};
    for (int i = 0; i < 4; i++) {
        struct frame frame = {.length = 0};
        struct binding got;
        frame_ipv6(&frame, 135);
        frame_u16(&frame, 0x3b00 | tests[i].length);
        frame_u16(&frame, tests[i].type << 8);
        frame_zeroes(&frame, 8 * tests[i].length + 4);
        assert_int_equal(read_frame(&frame, &got), SAYS);
        assert_roles(&got, tests[i].home, tests[i].care_of, 0, tests[i].correspondent);
        frame.bytes[41]--; /* shorter than its type needs */
        assert_int_equal(read_frame(&frame, &got), IS_WRONG);
    }
}

static void an_error_names_its_home_address(void **state)
{
    (void)state;
    struct frame frame = {.length = 0};
    struct binding got;
    frame_ipv6(&frame, 135);
    frame_u32(&frame, 0x3b020700);
    frame_u32(&frame, 0x00000100);
    frame_address(&frame, 9);
    assert_int_equal(read_frame(&frame, &got), SAYS);
    assert_string_equal(binding_word(&got), "error");
    assert_address(got.home_address, 9);
    assert_int_equal(got.message.status, 1);
}

/* ESP hides the message, not who is where. */
static void protected_registrations_are_inferred(void **state)
{
    (void)state;
    struct frame update = {.length = 0}, ack = {.length = 0};
    struct binding got;
    frame_ipv6(&update, 60);
    frame_home_option(&update, 50, 9);
    frame_zeroes(&update, 40);
    assert_int_equal(read_frame(&update, &got), SAYS);
    assert_int_equal(got.kind, BINDING_PROTECTED_UPDATE);
    assert_string_equal(binding_word(&got), "protected_update");
    assert_roles(&got, 9, 1, 2, 0);
    assert_false(got.message.timed);
    frame_ipv6(&ack, 43);
    frame_home_route(&ack, 50, 9);
    frame_zeroes(&ack, 40);
    assert_int_equal(read_frame(&ack, &got), SAYS);
    assert_int_equal(got.kind, BINDING_PROTECTED_ACK);
    assert_roles(&got, 9, 2, 1, 0);
}

static void user_data_proves_a_live_binding(void **state)
{
    (void)state;
    struct frame frame = {.length = 0}, plain = {.length = 0};
    struct binding got;
    frame_ipv6(&frame, 60);
    frame_home_option(&frame, 17, 9);
    frame_zeroes(&frame, 8);
    assert_int_equal(read_frame(&frame, &got), SAYS);
    assert_string_equal(binding_word(&got), "data");
    assert_roles(&got, 9, 1, 0, 2);
    frame_ipv6(&plain, 17);
    frame_home_option(&plain, 135, 9); /* the same octets as payload */
    assert_int_equal(read_frame(&plain, &got), SAYS_NOTHING);
}

static void the_options_of_the_drafts_are_read(void **state)
{
    (void)state;
    struct frame frame = {.length = 0};
    struct binding got;
    frame_ipv6(&frame, 60);
    frame_u16(&frame, 0x0606); /* TCP follows; 56 octets */
    frame_u16(&frame, 0x0000);
    frame_u16(&frame, 0xc910);
    frame_address(&frame, 9);
    frame_u16(&frame, 0xc61a); /* Binding Update with a sub-option */
    frame_u32(&frame, 0xc0000005);
    frame_u32(&frame, 600);
    frame_u16(&frame, 0x0310);
    frame_address(&frame, 33);
    frame_u32(&frame, 0x01020000);
    frame_zeroes(&frame, 0);
    assert_int_equal(frame.length, 40 + 54);
    frame_u16(&frame, 0x0000);
    frame_zeroes(&frame, 20);
    assert_int_equal(read_frame(&frame, &got), SAYS);
    assert_true(got.message.old);
    assert_roles(&got, 9, 33, 2, 0);
    assert_int_equal(got.message.sequence, 5);
    assert_int_equal(got.message.lifetime_seconds, 600);
}

static void checksums_are_judged(void **state)
{
    (void)state;
    struct frame frame = {.length = 0};
    struct binding got;
    frame_ipv6(&frame, 60);
    frame_home_option(&frame, 135, 9);
    size_t at = frame.length;
    frame_update(&frame, 0, 10, 0);
    struct ip_packet packet;
    frame_close(&frame, 0);
    assert_int_equal(ip_packet_read(frame.bytes, frame.length, true, &packet), WIRE_OK);
    struct ip home = address(9);
    uint16_t sum = ip_packet_checksum(&packet, &home, &packet.destination);
    frame.bytes[at + 4] = (uint8_t)(sum >> 8);
    frame.bytes[at + 5] = (uint8_t)sum;
    assert_int_equal(read_frame(&frame, &got), SAYS);
    assert_int_equal(got.checksum, BINDING_CHECKSUM_RIGHT);
    frame.bytes[at + 6] ^= 1;
    assert_int_equal(read_frame(&frame, &got), SAYS);
    assert_int_equal(got.checksum, BINDING_CHECKSUM_WRONG);
}

/* Half of a registration must not move a guest. */
/* For people: what stood before the end of a message that was cut. */
static void half_a_message_shows_what_it_has(void **state)
{
    (void)state;
    for (size_t length = 6; length < 24; length++) {
        struct frame frame = {.length = 0};
        struct binding got;
        frame_ipv6(&frame, 60);
        frame_home_option(&frame, 135, 9);
        frame_update(&frame, MOBILITY_FLAG_HOME, 0, 5);
        frame.length = 64 + length;
        assert_int_equal(read_frame(&frame, &got), -1);
        assert_true(got.message.begun);
        assert_int_equal(got.message.type, MOBILITY_UPDATE);
        assert_int_equal(got.message.timed, length >= 12);
        assert_int_equal(got.deregistration, length >= 12);
        assert_address(got.home_address, 9);
    }
}

static void what_is_not_whole_gives_nothing(void **state)
{
    (void)state;
    struct frame frame = {.length = 0};
    struct binding got;
    frame_ipv6(&frame, 60);
    frame_home_option(&frame, 135, 9);
    size_t begin = frame.length;
    frame_update(&frame, 0, 10, 33);
    struct frame whole = frame;
    for (; frame.length > begin; frame.length--) {
        if (frame.length < whole.length)
            assert_int_equal(read_frame(&frame, &got), IS_WRONG);
    }
    whole.bytes[begin + 15] = 17; /* an option that overruns the message */
    assert_int_equal(read_frame(&whole, &got), IS_WRONG);
    whole.bytes[begin + 15] = 15; /* one that is too short for an address */
    assert_int_equal(read_frame(&whole, &got), IS_WRONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_home_registration_names_all_roles),
        cmocka_unit_test(an_alternate_care_of_address_wins),
        cmocka_unit_test(what_ends_a_binding_is_told),
        cmocka_unit_test(nodes_in_ipv4_networks_say_where_they_are),
        cmocka_unit_test(one_of_several_bindings_has_its_own_care_of_address),
        cmocka_unit_test(proxy_registrations_join_address_and_mac),
        cmocka_unit_test(an_acknowledgement_is_granted_to_the_home_address),
        cmocka_unit_test(tests_of_the_route_show_the_correspondent),
        cmocka_unit_test(an_error_names_its_home_address),
        cmocka_unit_test(protected_registrations_are_inferred),
        cmocka_unit_test(user_data_proves_a_live_binding),
        cmocka_unit_test(the_options_of_the_drafts_are_read),
        cmocka_unit_test(checksums_are_judged),
        cmocka_unit_test(half_a_message_shows_what_it_has),
        cmocka_unit_test(what_is_not_whole_gives_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
