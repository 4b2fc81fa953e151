/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/ipv6_chain.h"

#include "wire/bytes.h"

enum {
    HEADER_UNIT = 8,
    ADDRESS_BYTES = 16,
    FRAGMENT_OFFSET_MASK = 0xfff8,
    MORE_FRAGMENTS = 1,
    ROUTING_TYPE_2 = 2,
    ROUTING_TYPE_2_BYTES = 24
};

enum destination_option {
    OPTION_PAD1 = 0,
    OPTION_OLD_ACK = 7,
    OPTION_OLD_REQUEST = 8,
    OPTION_OLD_UPDATE = 198,
    OPTION_HOME_ADDRESS = 201
};

static enum wire_fault take_option(uint8_t protocol, uint8_t type, const uint8_t *data,
                                   uint8_t length, bool old_options, struct ipv6_chain *ret)
{
    struct ipv6_old_option option = {data, length};
    if (type == OPTION_HOME_ADDRESS) {
        /* The drafts let sub-options follow the address. Without the address that counts the
         * packet would be taken for one of its sender. Among hop-by-hop options no node accepts
         * this one. */
        if (protocol != IP_PROTOCOL_DESTINATION || length < ADDRESS_BYTES ||
            (length > ADDRESS_BYTES && !old_options))
            return WIRE_MALFORMED;
        ret->home_option = ip_from_v6(data);
        return WIRE_OK;
    }
    if (!old_options || protocol != IP_PROTOCOL_DESTINATION)
        return WIRE_OK;
    if (type == OPTION_OLD_UPDATE)
        ret->old_update = option;
    else if (type == OPTION_OLD_ACK)
        ret->old_ack = option;
    else if (type == OPTION_OLD_REQUEST)
        ret->old_request = option;
    return WIRE_OK;
}

/* Reads the options of a header of this number, `length` octets of them. */
static enum wire_fault read_options(uint8_t protocol, const uint8_t *at, size_t length,
                                    bool old_options, struct ipv6_chain *ret)
{
    while (length > 0) {
        if (at[0] == OPTION_PAD1) {
            at++;
            length--;
            continue;
        }
        if (length < 2 || (size_t)at[1] + 2 > length)
            return WIRE_MALFORMED;
        enum wire_fault fault = take_option(protocol, at[0], at + 2, at[1], old_options, ret);
        if (fault != WIRE_OK)
            return fault;
        length -= (size_t)at[1] + 2;
        at += at[1] + 2;
    }
    return WIRE_OK;
}

static bool is_extension(uint8_t protocol)
{
    return protocol == IP_PROTOCOL_HOP_BY_HOP || protocol == IP_PROTOCOL_ROUTING ||
           protocol == IP_PROTOCOL_FRAGMENT || protocol == IP_PROTOCOL_AUTHENTICATION ||
           protocol == IP_PROTOCOL_DESTINATION;
}

static size_t header_length(uint8_t protocol, const uint8_t *header)
{
    if (protocol == IP_PROTOCOL_FRAGMENT)
        return HEADER_UNIT;
    if (protocol == IP_PROTOCOL_AUTHENTICATION)
        return ((size_t)header[1] + 2) * 4;
    return ((size_t)header[1] + 1) * HEADER_UNIT;
}

static enum wire_fault read_header(uint8_t protocol, const uint8_t *header, size_t size,
                                   bool old_options, struct ipv6_chain *ret)
{
    if (protocol == IP_PROTOCOL_DESTINATION || protocol == IP_PROTOCOL_HOP_BY_HOP)
        return read_options(protocol, header + 2, size - 2, old_options, ret);
    ret->authenticated |= protocol == IP_PROTOCOL_AUTHENTICATION;
    if (protocol != IP_PROTOCOL_ROUTING || header[2] != ROUTING_TYPE_2)
        return WIRE_OK;
    if (size != ROUTING_TYPE_2_BYTES || header[3] > 1) /* it leads to one address, RFC 6275 6.4 */
        return WIRE_MALFORMED;
    ret->home_route = ip_from_v6(header + 8);
    return WIRE_OK;
}

/* A fragment header of a packet that is in one piece (RFC 6946) is passed over. */
static void read_fragment(const uint8_t *header, size_t length, struct ipv6_chain *ret)
{
    uint16_t place = bytes_u16(header + 2);
    bool more = (place & MORE_FRAGMENTS) != 0;
    ret->fragment = (place & FRAGMENT_OFFSET_MASK) != 0;
    if ((more || ret->fragment) && ret->part.bytes == NULL)
        ret->part = (struct ip_part){.bytes = header + HEADER_UNIT,
                                     .length = length - HEADER_UNIT,
                                     .offset = place & FRAGMENT_OFFSET_MASK,
                                     .id = bytes_u32(header + 4),
                                     .more = more,
                                     .next = header[0]};
}

static enum wire_fault step(uint8_t next, const uint8_t *bytes, size_t length, bool old_options,
                            struct ipv6_chain *ret)
{
    for (unsigned headers = 0; is_extension(next) && !ret->fragment; headers++) {
        if (headers == LIMIT_IPV6_HEADERS)
            return WIRE_TOO_DEEP;
        if (length < HEADER_UNIT)
            return WIRE_CUT;
        size_t size = header_length(next, bytes);
        if (size < HEADER_UNIT)
            return WIRE_MALFORMED;
        if (size > length)
            return WIRE_CUT;
        enum wire_fault fault = read_header(next, bytes, size, old_options, ret);
        if (fault != WIRE_OK)
            return fault;
        if (next == IP_PROTOCOL_FRAGMENT)
            read_fragment(bytes, length, ret);
        next = bytes[0];
        bytes += size;
        length -= size;
        ret->protocol = next;
        ret->payload = bytes;
    }
    ret->length = length;
    return WIRE_OK;
}

static enum wire_fault walk(uint8_t next, const uint8_t *bytes, size_t length, bool old_options,
                            struct ipv6_chain *ret)
{
    enum wire_fault fault = step(next, bytes, length, old_options, ret);
    if (fault != WIRE_CUT || ret->part.bytes == NULL)
        return fault;
    ret->fragment = true; /* the rest is in another fragment */
    return WIRE_OK;
}

enum wire_fault ipv6_chain_continue(uint8_t next, const uint8_t *bytes, size_t length,
                                    bool old_options, struct ipv6_chain *chain)
{
    const struct ipv6_chain head = *chain;
    *chain = (struct ipv6_chain){.protocol = next,
                                 .payload = bytes,
                                 .home_option = head.home_option,
                                 .home_route = head.home_route,
                                 .authenticated = head.authenticated};
    return walk(next, bytes, length, old_options, chain);
}

enum wire_fault ipv6_chain_read(uint8_t next, const uint8_t *bytes, size_t length, bool old_options,
                                struct ipv6_chain *ret)
{
    *ret = (struct ipv6_chain){.protocol = next, .payload = bytes};
    return walk(next, bytes, length, old_options, ret);
}
