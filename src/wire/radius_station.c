/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/radius_station.h"

#include <stdbool.h>
#include <string.h>

#include "base/ip.h"

/* 00-10-a4-23-19-c0, 0010.a423.19c0, 0010a4-2319c0, 0010a42319c0 */
enum { JOINED_LENGTH = 17, DOTTED_LENGTH = 14, HALVES_LENGTH = 13, BARE_LENGTH = 12 };
enum { TELEPHONE_DIGITS_MIN = 3, TELEPHONE_DIGITS_MAX = 20 };

const char *radius_station_word(enum radius_station station)
{
    static const char *const words[RADIUS_STATION_COUNT] = {
#define STATION(word, name) word,
        RADIUS_STATIONS(STATION)
#undef STATION
    };
    CHECK((size_t)station < RADIUS_STATION_COUNT);
    return words[station];
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_padding(char c)
{
    return c == ' ' || c == '\0' || c == '\t' || c == '\r' || c == '\n';
}

/* Asynchronous, synchronous, the ISDN kinds, G.3 fax and PIAFS lines (RFC 2865 section
 * 5.41): who calls there has a telephone number. */
static bool is_telephone_line(uint32_t port_type)
{
    return port_type <= 4 || port_type == 6 || port_type == 10;
}

static bool is_telephone(const char *text, size_t length)
{
    size_t digits = 0;
    for (size_t i = 0; i < length; i++) {
        if (is_digit(text[i]))
            digits++;
        else if (strchr("+-. ()/*#", text[i]) == NULL || text[i] == '\0')
            return false;
    }
    return digits >= TELEPHONE_DIGITS_MIN && digits <= TELEPHONE_DIGITS_MAX;
}

/* A name behind a MAC, ":SSID": not when it could be a further octet, or two. */
static bool is_name_suffix(const char *text, size_t length)
{
    if (length < 1 || text[0] != ':')
        return false;
    size_t hex = 0;
    while (1 + hex < length && is_hex(text[1 + hex]))
        hex++;
    bool ends = 1 + hex == length || text[1 + hex] == ':' || text[1 + hex] == '-';
    return length == 1 || !(ends && (hex == 1 || hex == 2 || hex == 4));
}

/* A MAC with a name behind it, in each spelling by the length that it has. */
static bool parse_named(const char *text, size_t length, struct mac *ret)
{
    static const size_t lengths[] = {JOINED_LENGTH, DOTTED_LENGTH, HALVES_LENGTH, BARE_LENGTH};
    for (size_t i = 0; i < ARRAY_COUNT(lengths); i++) {
        const size_t mac = lengths[i];
        if (length > mac && is_name_suffix(text + mac, length - mac) &&
            mac_parse(text, mac, ret) == 0)
            return true;
    }
    return false;
}

/* RFC 3580's own spelling, which nearly every switch has: as the colons' one, which mac_parse()
 * reads without looking at each separator's meaning. */
static bool parse_joined(const char *text, struct mac *ret)
{
    char joined[JOINED_LENGTH];
    memcpy(joined, text, sizeof(joined));
    for (size_t i = 2; i < sizeof(joined); i += 3) {
        if (joined[i] != '-')
            return false;
        joined[i] = ':';
    }
    return mac_parse(joined, sizeof(joined), ret) == 0;
}

enum radius_station radius_station_parse(const char *text, size_t length, uint32_t port_type,
                                         struct mac *ret)
{
    struct mac mac;
    if (length == JOINED_LENGTH && text[2] == '-' && parse_joined(text, &mac) &&
        mac_is_station(mac)) {
        *ret = mac;
        return RADIUS_STATION_MAC;
    }
    while (length > 0 && is_padding(text[length - 1]))
        length--;
    while (length > 0 && is_padding(text[0]))
        text++, length--;
    if (length >= 2 && text[0] == '"' && text[length - 1] == '"')
        text++, length -= 2;
    if (length == 0)
        return RADIUS_STATION_ABSENT;
    bool telephone = is_telephone(text, length);
    bool bare_number = telephone && length == BARE_LENGTH && is_telephone_line(port_type);
    bool parsed = !bare_number && mac_parse(text, length, &mac) == 0;
    struct ip ip;
    if (!parsed && ip_parse(text, length, &ip) == 0)
        return RADIUS_STATION_IP; /* of which one may begin like a MAC with a name */
    if (!parsed)
        parsed = parse_named(text, length, &mac);
    if (parsed && !mac_is_station(mac))
        return RADIUS_STATION_GROUP;
    if (parsed) {
        *ret = mac;
        return RADIUS_STATION_MAC;
    }
    return telephone ? RADIUS_STATION_TELEPHONE : RADIUS_STATION_OTHER;
}
