/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/mobility.h"

#include <string.h>

#include "wire/bytes.h"

enum {
    LIFETIME_UNIT_SECONDS = 4,
    FIXED_BYTES = 6, /* payload protocol, length, type, reserved, checksum */
    PREFIX_OPTION_BYTES = 18,
    ADDRESS_BYTES = 16,
    IPV4_BYTES = 4,
    IPV4_OPTION_BYTES = 6,
    IDENTIFIER_BYTES = 4 /* the identifier, a status, flags */
};

enum mobility_option {
    OPTION_PAD1 = 0,
    OPTION_ALTERNATE_CARE_OF = 3,
    OPTION_NODE_ID = 8,
    OPTION_HOME_PREFIX = 22,
    OPTION_LINK_LAYER = 25,
    OPTION_IPV4_HOME = 29,
    OPTION_IPV4_ACK = 30,
    OPTION_IPV4_CARE_OF = 32,
    OPTION_IDENTIFIER = 35,
    OPTION_IPV4_WISH = 36,
    OPTION_IPV4_REPLY = 37,
    OPTION_IPV4_ALTERNATE = 49
};

enum old_sub_option { OLD_ALTERNATE_CARE_OF = 3 };

enum { OLD_UPDATE_BYTES = 8, OLD_ACK_BYTES = 11 };

static const char *const type_words[] = {
    "refresh_request", "home_test_init", "care_of_test_init", "home_test", "care_of_test", "update",
    "ack", "error",
    /* RFC 5568, 5096, 5142, 5847, 5949, 5846, 6705, 7077, 7109, 7161 */
    "fast_update", "fast_ack", "fast_neighbour", "experimental", "home_agent_switch", "heartbeat",
    "handover_initiate", "handover_ack", "revocation", "localized_routing_initiation",
    "localized_routing_ack", "update_notification", "update_notification_ack", "flow_binding",
    "subscription_query", "subscription_response"};

const char *mobility_type_word(uint8_t type)
{
    return type < ARRAY_COUNT(type_words) ? type_words[type] : "other";
}

char *mobility_flag_letters(const struct mobility_message *message,
                            char ret[static MOBILITY_FLAG_WORDS + 1])
{
    static const char letters[MOBILITY_FLAG_WORDS + 1] = "AHLKMRPFTB";
    size_t count = 0;
    for (int i = 0; i < MOBILITY_FLAG_WORDS; i++) {
        if ((message->flags & 0x8000 >> i) != 0)
            ret[count++] = letters[i];
    }
    ret[count] = '\0';
    return ret;
}

/* Where a message has what, in octets from its beginning; 0: nowhere. */
struct layout {
    uint8_t options, sequence, sequence_bytes, status, lifetime;
};

static struct layout layout_of(const uint8_t *bytes)
{
    static const struct layout layouts[] = {
        [MOBILITY_REFRESH_REQUEST] = {.options = 8},
        [MOBILITY_HOME_TEST_INIT] = {.options = 16},
        [MOBILITY_CARE_OF_TEST_INIT] = {.options = 16},
        [MOBILITY_HOME_TEST] = {.options = 24},
        [MOBILITY_CARE_OF_TEST] = {.options = 24},
        [MOBILITY_UPDATE] = {.options = 12, .sequence = 6, .sequence_bytes = 2, .lifetime = 10},
        [MOBILITY_ACK] =
            {.options = 12, .sequence = 8, .sequence_bytes = 2, .status = 6, .lifetime = 10},
        [MOBILITY_ERROR] = {.options = 24, .status = 6},
        [MOBILITY_FAST_UPDATE] = {.options = 12,
                                  .sequence = 6,
                                  .sequence_bytes = 2,
                                  .lifetime = 10},
        [MOBILITY_FAST_ACK] =
            {.options = 12, .sequence = 8, .sequence_bytes = 2, .status = 6, .lifetime = 10},
        [MOBILITY_FAST_NEIGHBOUR] = {.options = 8},
        [MOBILITY_HEARTBEAT] = {.options = 12, .sequence = 8, .sequence_bytes = 4},
        [MOBILITY_HANDOVER_INITIATE] = {.options = 10, .sequence = 6, .sequence_bytes = 2},
        [MOBILITY_HANDOVER_ACK] = {.options = 10, .sequence = 6, .sequence_bytes = 2, .status = 9},
        [MOBILITY_REVOCATION] = {.options = 12, .sequence = 8, .sequence_bytes = 2},
        [MOBILITY_ROUTING_INITIATION] = {.options = 12, .sequence = 6, .sequence_bytes = 2},
        [MOBILITY_ROUTING_ACK] = {.options = 12, .sequence = 6, .sequence_bytes = 2, .status = 9},
        [MOBILITY_NOTIFICATION] = {.options = 12, .sequence = 6, .sequence_bytes = 2},
        [MOBILITY_NOTIFICATION_ACK] = {
            .options = 12, .sequence = 6, .sequence_bytes = 2, .status = 8}};
    uint8_t type = bytes[2];
    return type < ARRAY_COUNT(layouts) ? layouts[type] : (struct layout){.options = 0};
}

static struct mac mac_of_link_layer(const uint8_t *octets, size_t length)
{
    if (length == 6)
        return mac_from_octets(octets);
    if (length == 8 && octets[3] == 0xff && octets[4] == 0xfe) {
        uint8_t mac[6] = {octets[0], octets[1], octets[2], octets[5], octets[6], octets[7]};
        return mac_from_octets(mac);
    }
    return MAC_NONE;
}

/* An address behind two octets; 0.0.0.0 asks for any, and is none. */
static void take_ipv4(const uint8_t *data, uint8_t length, struct ip *ret)
{
    static const uint8_t any[4];
    if (length == IPV4_OPTION_BYTES && memcmp(data + 2, any, sizeof any) != 0)
        *ret = ip_from_v4(data + 2);
}

/* A binding's identifier may name its care-of address, of either version. */
static void take_identifier(const uint8_t *data, uint8_t length, struct mobility_message *ret)
{
    if (ip_known(&ret->identified_care_of))
        return;
    if (length == IDENTIFIER_BYTES + ADDRESS_BYTES)
        ret->identified_care_of = ip_from_v6(data + IDENTIFIER_BYTES);
    else if (length == IDENTIFIER_BYTES + IPV4_BYTES)
        ret->identified_care_of = ip_from_v4(data + IDENTIFIER_BYTES);
}

static enum wire_fault take_option(uint8_t type, const uint8_t *data, uint8_t length,
                                   struct mobility_message *ret)
{
    switch (type) {
    case OPTION_ALTERNATE_CARE_OF:
        if (length != ADDRESS_BYTES)
            return WIRE_MALFORMED;
        ret->alternate_care_of = ip_from_v6(data);
        break;
    case OPTION_HOME_PREFIX:
        if (length != PREFIX_OPTION_BYTES || data[1] > IP_BITS)
            return WIRE_MALFORMED;
        struct ip address = ip_from_v6(data + 2);
        ret->home_prefix = ip_prefix_of(&address, data[1]);
        break;
    case OPTION_NODE_ID:
        if (length < 2) /* a subtype, then at least one octet */
            return WIRE_MALFORMED;
        ret->node_id = data + 1;
        ret->node_id_length = (uint8_t)(length - 1);
        break;
    case OPTION_LINK_LAYER:
        if (length < 2) /* two reserved octets */
            return WIRE_MALFORMED;
        if (length - 2 > MOBILITY_LINK_LAYER_MAX)
            break;
        ret->link_layer_length = (uint8_t)(length - 2);
        memcpy(ret->link_layer, data + 2, ret->link_layer_length);
        ret->mac = mac_of_link_layer(ret->link_layer, ret->link_layer_length);
        break;
    case OPTION_IPV4_CARE_OF:
        take_ipv4(data, length, &ret->ipv4_care_of);
        break;
    case OPTION_IPV4_ALTERNATE:
        if (length == IPV4_BYTES)
            ret->ipv4_care_of = ip_from_v4(data);
        break;
    case OPTION_IPV4_HOME:
    case OPTION_IPV4_ACK:
    case OPTION_IPV4_WISH:
    case OPTION_IPV4_REPLY:
        take_ipv4(data, length, &ret->ipv4_home);
        break;
    case OPTION_IDENTIFIER:
        take_identifier(data, length, ret);
        break;
    default:
        break;
    }
    return WIRE_OK;
}

static enum wire_fault read_options(const uint8_t *at, size_t length, struct mobility_message *ret)
{
    for (unsigned count = 0; length > 0; count++) {
        if (at[0] == OPTION_PAD1) {
            at++;
            length--;
            continue;
        }
        if (count == LIMIT_MOBILITY_OPTIONS)
            return WIRE_TOO_DEEP;
        if (length < 2 || (size_t)at[1] + 2 > length)
            return WIRE_MALFORMED;
        enum wire_fault fault = take_option(at[0], at + 2, at[1], ret);
        if (fault != WIRE_OK)
            return fault;
        length -= (size_t)at[1] + 2;
        at += at[1] + 2;
    }
    return WIRE_OK;
}

/* The flags of a registration or of what answers it; an acknowledgement has its own: K, R, P,
 * T, B (RFC 6275 6.1.8 and later). */
static uint16_t read_flags(uint8_t type, const uint8_t *bytes)
{
    static const uint16_t meant[] = {MOBILITY_FLAG_KEY, MOBILITY_FLAG_ROUTER, MOBILITY_FLAG_PROXY,
                                     MOBILITY_FLAG_TUNNEL_HEADER, MOBILITY_FLAG_BULK};
    enum { FAST_FLAGS = 0xf000, FAST_ANSWERS = 1 };
    uint16_t flags = 0;
    if (type == MOBILITY_UPDATE)
        return bytes_u16(bytes + 8);
    if (type == MOBILITY_FAST_UPDATE)
        return bytes_u16(bytes + 8) & FAST_FLAGS;
    if (type != MOBILITY_ACK && type != MOBILITY_FAST_ACK)
        return 0;
    size_t count = type == MOBILITY_ACK ? ARRAY_COUNT(meant) : FAST_ANSWERS;
    for (size_t i = 0; i < count; i++)
        flags |= (bytes[7] & 0x80 >> i) != 0 ? meant[i] : 0;
    return flags;
}

/* What stands before the options. */
static void read_fixed(const uint8_t *bytes, const struct layout *layout,
                       struct mobility_message *ret)
{
    enum { REVOCATION_ANSWERS = 2 };
    if (layout->sequence != 0) {
        const uint8_t *at = bytes + layout->sequence;
        ret->sequenced = true;
        ret->sequence = layout->sequence_bytes == 4 ? bytes_u32(at) : bytes_u16(at);
    }
    if (layout->lifetime != 0) {
        ret->timed = true;
        ret->lifetime_seconds =
            (uint32_t)bytes_u16(bytes + layout->lifetime) * LIFETIME_UNIT_SECONDS;
    }
    bool revoked = ret->type == MOBILITY_REVOCATION && bytes[6] == REVOCATION_ANSWERS;
    if (layout->status != 0 || revoked) {
        ret->judged = true;
        ret->status = bytes[revoked ? 7 : layout->status];
    }
    ret->flags = read_flags(ret->type, bytes);
    if (ret->type == MOBILITY_ERROR)
        ret->home_address = ip_from_v6(bytes + 8);
}

enum wire_fault mobility_read(const uint8_t *bytes, size_t length, struct mobility_message *ret)
{
    *ret = (struct mobility_message){.mac = MAC_NONE};
    if (length < FIXED_BYTES)
        return WIRE_CUT;
    size_t size = ((size_t)bytes[1] + 1) * 8, here = size < length ? size : length;
    enum wire_fault cut = size > length ? WIRE_CUT : WIRE_OK;
    ret->type = bytes[2];
    const struct layout layout = layout_of(bytes);
    size_t options = layout.options;
    ret->begun = true;
    if (options == 0)
        return cut;
    if (length < options)
        return cut != WIRE_OK ? cut : WIRE_MALFORMED;
    read_fixed(bytes, &layout, ret);
    if (here < options) /* what follows may be another message's */
        return WIRE_MALFORMED;
    enum wire_fault fault = read_options(bytes + options, here - options, ret);
    return cut != WIRE_OK ? cut : fault;
}

/* --- the drafts' options --- */

static enum wire_fault read_old_sub_options(const uint8_t *at, size_t length,
                                            struct mobility_message *ret)
{
    while (length > 0) {
        if (at[0] == OPTION_PAD1) {
            at++;
            length--;
            continue;
        }
        if (length < 2 || (size_t)at[1] + 2 > length)
            return WIRE_MALFORMED;
        if (at[0] == OLD_ALTERNATE_CARE_OF && at[1] == ADDRESS_BYTES)
            ret->alternate_care_of = ip_from_v6(at + 2);
        length -= (size_t)at[1] + 2;
        at += at[1] + 2;
    }
    return WIRE_OK;
}

enum wire_fault mobility_read_old_update(const uint8_t *bytes, size_t length,
                                         struct mobility_message *ret)
{
    if (length < OLD_UPDATE_BYTES)
        return WIRE_MALFORMED;
    /* Drafts differ in the other flags; the sequence number grew from 8 to 16 bits and
     * back, its upper octet being zero when it is reserved. */
    *ret = (struct mobility_message){.type = MOBILITY_UPDATE,
                                     .old = true,
                                     .flags = (uint16_t)((bytes[0] & 0xc0) << 8),
                                     .sequenced = true,
                                     .timed = true,
                                     .sequence = bytes_u16(bytes + 2),
                                     .lifetime_seconds = bytes_u32(bytes + 4),
                                     .mac = MAC_NONE};
    return read_old_sub_options(bytes + OLD_UPDATE_BYTES, length - OLD_UPDATE_BYTES, ret);
}

enum wire_fault mobility_read_old_ack(const uint8_t *bytes, size_t length,
                                      struct mobility_message *ret)
{
    if (length < OLD_ACK_BYTES)
        return WIRE_MALFORMED;
    *ret = (struct mobility_message){.type = MOBILITY_ACK,
                                     .old = true,
                                     .status = bytes[0],
                                     .sequenced = true,
                                     .timed = true,
                                     .judged = true,
                                     .sequence = bytes_u16(bytes + 1),
                                     .lifetime_seconds = bytes_u32(bytes + 3),
                                     .mac = MAC_NONE};
    return read_old_sub_options(bytes + OLD_ACK_BYTES, length - OLD_ACK_BYTES, ret);
}

enum wire_fault mobility_read_old_request(const uint8_t *bytes, size_t length,
                                          struct mobility_message *ret)
{
    *ret =
        (struct mobility_message){.type = MOBILITY_REFRESH_REQUEST, .old = true, .mac = MAC_NONE};
    return read_old_sub_options(bytes, length, ret);
}
