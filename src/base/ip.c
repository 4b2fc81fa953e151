/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ip.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/err.h"

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

struct ip ip_from_v4(const uint8_t octets[static 4])
{
    struct ip ip;
    memcpy(ip.octets, mapped, sizeof mapped);
    memcpy(ip.octets + sizeof mapped, octets, 4);
    return ip;
}

struct ip ip_from_v6(const uint8_t octets[static 16])
{
    struct ip ip;
    memcpy(ip.octets, octets, sizeof ip.octets);
    return ip;
}

bool ip_known(const struct ip *ip)
{
    return !ip_equal(ip, &IP_NONE);
}

bool ip_is_v4(const struct ip *ip)
{
    return memcmp(ip->octets, mapped, sizeof mapped) == 0;
}

int ip_compare(const struct ip *a, const struct ip *b)
{
    return memcmp(a->octets, b->octets, sizeof a->octets);
}

char *ip_format(const struct ip *ip, char buffer[static IP_TEXT_SIZE])
{
    const char *text = ip_is_v4(ip)
                           ? inet_ntop(AF_INET, ip->octets + sizeof mapped, buffer, IP_TEXT_SIZE)
                           : inet_ntop(AF_INET6, ip->octets, buffer, IP_TEXT_SIZE);
    CHECK(text != NULL);
    return buffer;
}

int ip_parse(const char *text, size_t length, struct ip *ret)
{
    char copy[IP_TEXT_SIZE];
    if (length == 0 || length >= sizeof copy || memchr(text, '\0', length) != NULL)
        return ERR_SYNTAX;
    memcpy(copy, text, length);
    copy[length] = '\0';
    uint8_t octets[16];
    if (inet_pton(AF_INET, copy, octets) == 1) {
        *ret = ip_from_v4(octets);
        return 0;
    }
    if (inet_pton(AF_INET6, copy, octets) != 1)
        return ERR_SYNTAX;
    *ret = ip_from_v6(octets);
    return 0;
}

/* Reads the decimal number behind the slash. */
static int parse_bits(const char *text, size_t length, unsigned most, unsigned *ret)
{
    if (length == 0 || length > 3)
        return ERR_SYNTAX;
    unsigned bits = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return ERR_SYNTAX;
        bits = bits * 10 + (unsigned)(text[i] - '0');
    }
    if (bits > most)
        return ERR_RANGE;
    *ret = bits;
    return 0;
}

int ip_prefix_parse(const char *text, size_t length, struct ip_prefix *ret)
{
    const char *slash = length > 0 ? memchr(text, '/', length) : NULL;
    size_t address_length = slash != NULL ? (size_t)(slash - text) : length;
    struct ip ip;
    int status = ip_parse(text, address_length, &ip);
    if (status != 0)
        return status;
    unsigned offset = ip_is_v4(&ip) ? IP_V4_BITS : 0;
    unsigned bits = IP_BITS - offset;
    if (slash != NULL)
        status = parse_bits(slash + 1, length - address_length - 1, IP_BITS - offset, &bits);
    if (status != 0)
        return status;
    *ret = ip_prefix_of(&ip, (uint8_t)(bits + offset));
    return 0;
}

struct ip_prefix ip_prefix_of(const struct ip *ip, uint8_t bits)
{
    CHECK(bits <= IP_BITS);
    struct ip_prefix prefix = {.address = *ip, .bits = bits};
    unsigned whole = bits / 8, rest = bits % 8;
    if (whole < sizeof ip->octets) {
        prefix.address.octets[whole] &= (uint8_t)(0xff00 >> rest);
        memset(prefix.address.octets + whole + 1, 0, sizeof ip->octets - whole - 1);
    }
    return prefix;
}

bool ip_prefix_match(const struct ip_prefix *prefix, const struct ip *ip)
{
    struct ip_prefix other = ip_prefix_of(ip, prefix->bits);
    return ip_equal(&other.address, &prefix->address);
}

char *ip_prefix_format(const struct ip_prefix *prefix, char buffer[static IP_PREFIX_TEXT_SIZE])
{
    char address[IP_TEXT_SIZE];
    bool v4 = prefix->bits >= IP_V4_BITS && ip_is_v4(&prefix->address);
    unsigned bits = v4 ? prefix->bits - IP_V4_BITS : prefix->bits;
    snprintf(buffer, IP_PREFIX_TEXT_SIZE, "%s/%u", ip_format(&prefix->address, address), bits);
    return buffer;
}
