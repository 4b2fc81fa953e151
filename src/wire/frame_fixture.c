/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/frame_fixture.h"

#include <string.h>

#include "base/check.h"

void frame_add(struct frame *to, const void *bytes, size_t length)
{
    CHECK(to->length + length <= FRAME_ROOM);
    memcpy(to->bytes + to->length, bytes, length);
    to->length += length;
}

void frame_u8(struct frame *to, unsigned value)
{
    uint8_t octet = (uint8_t)value;
    frame_add(to, &octet, 1);
}

void frame_u16(struct frame *to, unsigned value)
{
    frame_u8(to, value >> 8);
    frame_u8(to, value & 0xff);
}

void frame_u32(struct frame *to, uint32_t value)
{
    frame_u16(to, value >> 16);
    frame_u16(to, value & 0xffff);
}

void frame_zeroes(struct frame *to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        frame_u8(to, 0);
}

void frame_address(struct frame *to, unsigned n)
{
    frame_u32(to, 0x20010db8);
    frame_zeroes(to, 10);
    frame_u16(to, n);
}

void frame_mac(struct frame *to, unsigned n)
{
    frame_u32(to, 0x52540000);
    frame_u16(to, n);
}

void frame_ethernet(struct frame *to, unsigned type)
{
    frame_mac(to, 2);
    frame_mac(to, 1);
    frame_u16(to, type);
}

size_t frame_ipv6(struct frame *to, unsigned next)
{
    size_t begin = to->length;
    frame_u32(to, 0x60000000);
    frame_u16(to, 0);
    frame_u8(to, next);
    frame_u8(to, 255);
    frame_address(to, 1);
    frame_address(to, 2);
    return begin;
}

size_t frame_ipv4(struct frame *to, unsigned protocol)
{
    size_t begin = to->length;
    frame_u16(to, 0x4500);
    frame_zeroes(to, 6);
    frame_u8(to, 64);
    frame_u8(to, protocol);
    frame_u16(to, 0);
    frame_u32(to, 0xc0000201);
    frame_u32(to, 0xc0000202);
    return begin;
}

void frame_close(struct frame *to, size_t begin)
{
    struct frame length = {.length = 0};
    if (to->bytes[begin] >> 4 == 6) {
        frame_u16(&length, (unsigned)(to->length - begin - 40));
        memcpy(to->bytes + begin + 4, length.bytes, 2);
    } else {
        frame_u16(&length, (unsigned)(to->length - begin));
        memcpy(to->bytes + begin + 2, length.bytes, 2);
    }
}

void frame_home_option(struct frame *to, unsigned next, unsigned home)
{
    frame_u8(to, next);
    frame_u8(to, 2);
    frame_u32(to, 0x01020000); /* PadN */
    frame_u16(to, 0xc910);
    frame_address(to, home);
}

void frame_home_route(struct frame *to, unsigned next, unsigned home)
{
    frame_u8(to, next);
    frame_u8(to, 2);
    frame_u16(to, 0x0201);
    frame_u32(to, 0);
    frame_address(to, home);
}

void frame_update(struct frame *to, unsigned flags, unsigned units, unsigned care_of)
{
    frame_u8(to, 59);
    frame_u8(to, care_of != 0 ? 3 : 1);
    frame_u16(to, 0x0500);
    frame_u16(to, 0);
    frame_u16(to, 7);
    frame_u16(to, flags);
    frame_u16(to, units);
    frame_u16(to, 0x0100); /* PadN without data */
    if (care_of == 0) {
        frame_u16(to, 0x0100);
        return;
    }
    frame_u16(to, 0x0310);
    frame_address(to, care_of);
}
