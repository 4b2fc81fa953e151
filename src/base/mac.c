/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mac.h"

#include <stdio.h>

#include "base/err.h"

char *mac_format(struct mac m, char buffer[static MAC_TEXT_SIZE])
{
    static const char hex[] = "0123456789abcdef";
    if (!mac_known(m)) {
        snprintf(buffer, MAC_TEXT_SIZE, "none");
        return buffer;
    }
    char *at = buffer;
    for (int shift = 40; shift >= 0; shift -= 8) {
        *at++ = hex[m.bits >> (shift + 4) & 15];
        *at++ = hex[m.bits >> shift & 15];
        *at++ = shift > 0 ? ':' : '\0';
    }
    return buffer;
}

static inline int hex_value(char c)
{
    /* One more than the value, so that all others are zero. */
    static const int8_t values[256] = {
        ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
        ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
        ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
        ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
    };
    return values[(uint8_t)c] - 1;
}

/* Reads hex groups of `text` into `digits`; a group of one digit gets a leading
 * zero only where groups are octets. Returns the number of digits, -1 on a
 * spelling nobody uses. */
static int collect_digits(const char *text, size_t length, uint8_t digits[static 12])
{
    int count = 0, group = 0, groups = 0, group_size[12] = {0};
    char separator = '\0';
    for (size_t i = 0; i < length; i++) {
        int value = hex_value(text[i]);
        if (value >= 0) {
            if (count == 12)
                return -1;
            digits[count++] = (uint8_t)value;
            group++;
            continue;
        }
        if ((text[i] != ':' && text[i] != '-' && text[i] != '.' && text[i] != ' ') || group == 0 ||
            (separator != '\0' && separator != text[i]) || groups == 11)
            return -1;
        separator = text[i];
        group_size[groups++] = group;
        group = 0;
    }
    if (group == 0)
        return -1;
    group_size[groups++] = group;
    if (groups == 1 || (groups == 2 && group_size[0] == 6) || (groups == 3 && group_size[0] == 4)) {
        for (int i = 1; i < groups; i++) {
            if (group_size[i] != group_size[0])
                return -1;
        }
        return count;
    }
    uint8_t wide[12];
    int at = 0;
    for (int i = 0, wrote = 0; i < groups; i++) {
        if (group_size[i] > 2 || wrote + 2 > 12)
            return -1;
        wide[wrote++] = group_size[i] == 2 ? digits[at] : 0;
        wide[wrote++] = group_size[i] == 2 ? digits[at + 1] : digits[at];
        at += group_size[i];
        count = wrote;
    }
    for (int i = 0; i < count; i++)
        digits[i] = wide[i];
    return count;
}

/* The spelling that nearly every row has, "52:54:00:11:22:33", without looking at
 * each separator's meaning. Returns whether `text` has it. */
static bool parse_common(const char text[static 17], struct mac *ret)
{
    uint64_t bits = 0;
    int digits = 0, separators = 0;
#pragma GCC unroll 6
    for (int i = 0; i < 17; i += 3) {
        int high = hex_value(text[i]), low = hex_value(text[i + 1]);
        digits |= high | low; /* negative once one is no digit */
        if (i < 15)
            separators |= text[i + 2] ^ ':';
        bits = bits << 8 | ((unsigned)high << 4 | (unsigned)low);
    }
    if (digits < 0 || separators != 0)
        return false;
    ret->bits = bits;
    return true;
}

int mac_parse(const char *text, size_t length, struct mac *ret)
{
    uint8_t digits[12];
    if (length == 17 && parse_common(text, ret))
        return 0;
    if (length > 17 || length < 11 || collect_digits(text, length, digits) != 12)
        return ERR_SYNTAX;
    uint64_t bits = 0;
    for (int i = 0; i < 12; i++)
        bits = bits << 4 | digits[i];
    ret->bits = bits;
    return 0;
}

int mac_prefix_parse(const char *text, size_t length, struct mac_prefix *ret)
{
    uint8_t digits[12];
    if (length > 17)
        return ERR_SYNTAX;
    int count = 0;
    for (size_t i = 0; i < length; i++) {
        int value = hex_value(text[i]);
        bool separates = text[i] == ':' || text[i] == '-' || text[i] == '.';
        /* Only between octets, or once at the end as in "52:54:00:". */
        if (separates && count > 0 && count % 2 == 0 && hex_value(text[i - 1]) >= 0)
            continue;
        if (value < 0 || count == 12)
            return ERR_SYNTAX;
        digits[count++] = (uint8_t)value;
    }
    if (count == 0 || count % 2 != 0)
        return ERR_SYNTAX;
    uint64_t value = 0;
    for (int i = 0; i < 12; i++)
        value = value << 4 | (i < count ? digits[i] : 0);
    ret->value = value;
    ret->mask = (UINT64_MAX << (48 - 4 * count)) & UINT64_C(0xffffffffffff);
    return 0;
}

#define PREFIX(octets, value)                                                                      \
    {                                                                                              \
        (uint64_t)(value) << (48 - 8 * (octets)),                                                  \
            (UINT64_MAX << (48 - 8 * (octets))) & UINT64_C(0xffffffffffff)                         \
    }

bool mac_is_virtual_router(struct mac m)
{
    static const struct mac_prefix shared[] = {
        PREFIX(5, 0x00005e0001), /* VRRP, CARP: RFC 9568 section 7.3 */
        PREFIX(5, 0x00005e0002), /* VRRP for IPv6 */
        PREFIX(5, 0x00000c07ac), /* HSRP */
        PREFIX(3, 0x0007b4),     /* GLBP */
        PREFIX(2, 0x02bf),       /* MS-NLB unicast */
        PREFIX(2, 0x03bf),       /* MS-NLB multicast */
    };
    for (size_t i = 0; i < ARRAY_COUNT(shared); i++) {
        if (mac_prefix_match(shared[i], m))
            return true;
    }
    /* HSRP version 2 00:00:0c:9f:fx:xx and HSRP for IPv6 00:05:73:a0:0x:xx end
     * inside an octet. */
    return m.bits >> 12 == 0x00000c9ff || m.bits >> 12 == 0x000573a00;
}

bool mac_is_station(struct mac m)
{
    return mac_known(m) && !mac_is_zero(m) && !mac_is_multicast(m) && !mac_is_virtual_router(m);
}

bool mac_is_tap(struct mac m)
{
    return m.bits >> 40 == 0xfe;
}

const struct mac_prefix *mac_guest_prefixes(size_t *ret_count)
{
    static const struct mac_prefix prefixes[] = {
        PREFIX(3, 0x525400), /* QEMU/KVM, libvirt */
        PREFIX(3, 0x545200), /* old virt-install */
        PREFIX(3, 0x005056), PREFIX(3, 0x000c29),
        PREFIX(3, 0x000569), PREFIX(3, 0x001c14), /* VMware */
        PREFIX(3, 0xbc2411),                      /* Proxmox */
        PREFIX(3, 0xfa163e),                      /* OpenStack Neutron */
        PREFIX(3, 0x506b8d),                      /* Nutanix */
        PREFIX(3, 0x589cfc),                      /* bhyve */
        PREFIX(3, 0x00163e),                      /* Xen */
        PREFIX(3, 0x00155d),                      /* Hyper-V */
        PREFIX(3, 0x080027), PREFIX(3, 0x0a0027), /* VirtualBox */
        PREFIX(3, 0x001a4a), PREFIX(2, 0x566f),   /* RHEV, oVirt */
        PREFIX(2, 0x0242),                        /* Docker */
        PREFIX(3, 0x001c42),                      /* Parallels */
    };
    *ret_count = ARRAY_COUNT(prefixes);
    return prefixes;
}
