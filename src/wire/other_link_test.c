/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/other_link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/frame_fixture.h"

enum { VECTOR_ROOM = 112 };

/* A link's header before one octet 0x60 of IPv6, by the number that capture files use. */
struct vector {
    uint16_t number;
    uint16_t type;
    uint16_t vlan;
    uint8_t length, source; /* MAC 52:54:00:00:00:source, 0: none */
    uint8_t bytes[VECTOR_ROOM];
};

#define LLC_IPV6 0xaa, 0xaa, 0x03, 0, 0, 0, 0x86, 0xdd
#define MAC(n)   0x52, 0x54, 0, 0, 0, n
#define ETHERNET MAC(2), MAC(1), 0x86, 0xdd

static const struct vector vectors[] = {
    {.number = 12, .type = ETHER_IPV6, .length = 0},
    {.number = 8, .type = ETHER_IPV6, .length = 0},
    {.number = 11, .type = ETHER_IPV6, .length = 8, .bytes = {LLC_IPV6}},
    {.number = 100, /* a whole frame in it */
     .type = ETHER_IPV6,
     .source = 1,
     .length = 24,
     .bytes = {0xaa, 0xaa, 0x03, 0x00, 0x80, 0xc2, 0, 7, 0, 0, ETHERNET}},
    {.number = 19, .type = ETHER_IPV6, .length = 8, .bytes = {LLC_IPV6}},
    {.number = 106, .type = ETHER_IPV6, .length = 0},
    {.number = 107, .type = ETHER_IPV6, .length = 4, .bytes = {0x18, 0x41, 0x03, 0x8e}},
    {.number = 107,
     .type = ETHER_IPV6,
     .length = 12,
     .bytes = {0x18, 0x40, 0x02, 0x01, 0x03, 0, 0x80, 0, 0, 0, 0x86, 0xdd}},
    {.number = 107, .type = ETHER_IPV6, .length = 4, .bytes = {0x18, 0x41, 0x86, 0xdd}},
    {.number = 206, .type = ETHER_IPV6, .length = 5, .bytes = {1, 0x18, 0x41, 0x03, 0x8e}},
    {.number = 109, .type = ETHER_IPV6, .length = 12, .bytes = {24}},
    {.number = 117, .type = ETHER_IPV6, .length = 64, .bytes = {61, 24}},
    {.number = 226, .type = ETHER_IPV6, .length = 24, .bytes = {1, 26}},
    {.number = 204, .type = ETHER_IPV6, .length = 5, .bytes = {1, 0xff, 0x03, 0, 0x57}},
    {.number = 166, .type = ETHER_IPV6, .length = 3, .bytes = {0, 0, 0x57}},
    {.number = 205, .type = ETHER_IPV6, .length = 5, .bytes = {0, 0x0f, 0, 0x86, 0xdd}},
    {.number = 50, .type = ETHER_IPV6, .length = 4, .bytes = {0x8f, 0, 0x86, 0xdd}},
    {.number = 9, .type = ETHER_MPLS, .length = 2, .bytes = {0x02, 0x81}},
    {.number = 51, .type = ETHER_PPPOE, .length = 0},
    {.number = 219, .type = ETHER_MPLS, .length = 0},
    {.number = 138, .type = ETHER_IPV6, .length = 18, .bytes = {[16] = 0x86, 0xdd}},
    {.number = 122,
     .type = ETHER_IPV6,
     .source = 1,
     .length = 24,
     .bytes = {0x10, 0, MAC(2), 0x10, 0, MAC(1), LLC_IPV6}},
    {.number = 242, .type = ETHER_IPV6, .length = 44, .bytes = {[40] = 0x86, 0xdd}},
    {.number = 240, .type = ETHER_IPV6, .source = 1, .length = 18, .bytes = {0, 0, 0, 0, ETHERNET}},
    {.number = 241,
     .type = ETHER_IPV6,
     .source = 1,
     .length = 26,
     .bytes = {0, 0, 0, 0, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0xd5, ETHERNET}},
    {.number = 274,
     .type = ETHER_IPV6,
     .source = 1,
     .length = 22,
     .bytes = {0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0xd5, ETHERNET}},
    {.number = 178,
     .type = ETHER_IPV6,
     .source = 1,
     .length = 18,
     .bytes = {'M', 'G', 'C', 1, ETHERNET}},
    {.number = 178,
     .type = ETHER_IPV6,
     .source = 1,
     .length = 22,
     .bytes = {'M', 'G', 'C', 0x80, 0, 2, 9, 9, ETHERNET}},
    {.number = 178, .type = ETHER_IPV6, .length = 8, .bytes = {'M', 'G', 'C', 2, 6}},
    {.number = 281,
     .type = ETHER_IPV6,
     .source = 1,
     .length = 18,
     .bytes = {MAC(2), MAC(1), 0, 0, 0, 3, 0x86, 0xdd}},
    {.number = 282, .type = ETHER_IPV6, .source = 1, .length = 18, .bytes = {0, 0, 0, 3, ETHERNET}},
    {.number = 284,
     .type = ETHER_IPV6,
     .source = 1,
     .vlan = 10,
     .length = 18,
     .bytes = {MAC(2), MAC(1), 0x20, 0x18, 0, 10, 0x86, 0xdd}},
    {.number = 284, /* untagged: the VLAN is the port's */
     .type = ETHER_IPV6,
     .source = 1,
     .length = 18,
     .bytes = {MAC(2), MAC(1), 0x00, 0x18, 0, 10, 0x86, 0xdd}},
    {.number = 285,
     .type = ETHER_IPV6,
     .source = 1,
     .vlan = 10,
     .length = 22,
     .bytes = {MAC(2), MAC(1), 0xda, 0xda, 0, 0, 0x20, 0x18, 0, 10, 0x86, 0xdd}},
    {.number = 192,
     .type = ETHER_IPV6,
     .source = 1,
     .length = 22,
     .bytes = {0, 0, 8, 0, 1, 0, 0, 0, ETHERNET}},
    {.number = 258,
     .type = ETHER_IPV6,
     .source = 1,
     .length = 26,
     .bytes = {12, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, ETHERNET}},
    {.number = 149, .type = ETHER_IPV6, .length = 12, .bytes = {12, 0, 0, 0, 1, 0, 0, 0, 101}},
    {.number = 239, .type = ETHER_IPV6, .length = 8, .bytes = {10, 0, 0, 1, 5, 0, 9, 0}},
    {.number = 239, /* in the other order, with a source */
     .type = ETHER_IPV6,
     .source = 1,
     .length = 24,
     .bytes = {10, 0, 0, 1, 0, 16, 0, 8, 0, 6, 0, 0, MAC(1), 0, 0, 0, 5, 0, 9}},
    {.number = 239, /* ARP, which only a record tells */
     .type = ETHER_ARP,
     .length = 16,
     .bytes = {3, 0, 0, 1, 8, 0, 1, 0, 0x08, 0x06, 0, 0, 5, 0, 9, 0}},
    {.number = 113, .type = ETHER_IPV6, .length = 24, .bytes = {0, 0, 0, 1, [15] = 4, LLC_IPV6}},
    {.number = 113, /* a radio device's own header */
     .type = ETHER_IPV6,
     .source = 1,
     .length = 56,
     .bytes = {0, 0, 0x03, 0x23, [15] = 4, 0, 0, 8, 0, [24] = 0x08, 0, 0, 0, MAC(2), MAC(1), MAC(3),
               0, 0, LLC_IPV6}},
};

static void every_link_leads_to_what_it_carries(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
        const struct vector *vector = &vectors[i];
        struct frame frame = {.length = 0};
        struct ethernet_frame got;
        enum link_type link = link_type_of(vector->number);
        frame_add(&frame, vector->bytes, vector->length);
        frame_u8(&frame, 0x60);
        assert_int_not_equal(link, LINK_UNKNOWN);
        assert_int_equal(ethernet_read(link, frame.bytes, frame.length, &got), WIRE_OK);
        assert_int_equal(got.type, vector->type);
        assert_int_equal(got.length, 1);
        assert_int_equal(got.payload[0], 0x60);
        assert_int_equal(ethernet_vlan(&got), vector->vlan);
        assert_int_equal(mac_known(got.source), vector->source != 0);
        if (vector->source != 0)
            assert_int_equal(got.source.bits, 0x525400000000 + vector->source);
    }
}

/* Wherever it ends, a frame is cut or empty, and nothing behind its end is read. */
static void links_that_end_early_are_no_harm(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
        enum link_type link = link_type_of(vectors[i].number);
        for (size_t length = 0; length < vectors[i].length; length++) {
            struct ethernet_frame got;
            uint8_t *copy = test_malloc(length + 1);
            memcpy(copy, vectors[i].bytes, length);
            if (ethernet_read(link, copy, length, &got) == WIRE_OK)
                assert_true(got.length <= length);
            test_free(copy);
        }
    }
}

static void contradictions_are_faults(void **state)
{
    (void)state;
    static const struct {
        uint16_t number;
        uint8_t bytes[12];
    } wrong[] = {{192, {0, 0, 4, 0, 1}},   /* shorter than its header */
                 {192, {0, 0, 8, 0, 192}}, /* itself within itself */
                 {258, {4, 0, 0, 0, 1}},   /* the same two */
                 {258, {12, 0, 0, 0, 1, 0, 0, 0, 2, 1}},
                 {239, {10, 0, 0, 1, 3, 0, 3, 0}}, /* records shorter than their header */
                 {178, {'M', 'G', 'D', 0}}};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        struct ethernet_frame got;
        assert_int_equal(ethernet_read(link_type_of(wrong[i].number), wrong[i].bytes, 12, &got),
                         WIRE_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_link_leads_to_what_it_carries),
        cmocka_unit_test(links_that_end_early_are_no_harm),
        cmocka_unit_test(contradictions_are_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
