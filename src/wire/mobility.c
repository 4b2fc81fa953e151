/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/mobility.h"

#include <string.h>

#include "wire/bytes.h"

enum {
    LIFETIME_UNIT_SECONDS = 4,
    FIXED_BYTES = 6, /* payload protocol, length, type, reserved, checksum */
    PREFIX_OPTION_BYTES = 18,
    ADDRESS_BYTES = 16
};

enum mobility_option {
    OPTION_PAD1 = 0,
    OPTION_ALTERNATE_CARE_OF = 3,
    OPTION_NODE_ID = 8,
    OPTION_HOME_PREFIX = 22,
    OPTION_LINK_LAYER = 25
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

/* Octets up to the options, by type; 0: the options are not read. */
static size_t options_at(uint8_t type)
{
    static const uint8_t at[] = {[MOBILITY_REFRESH_REQUEST] = 8,
                                 [MOBILITY_HOME_TEST_INIT] = 16,
                                 [MOBILITY_CARE_OF_TEST_INIT] = 16,
                                 [MOBILITY_HOME_TEST] = 24,
                                 [MOBILITY_CARE_OF_TEST] = 24,
                                 [MOBILITY_UPDATE] = 12,
                                 [MOBILITY_ACK] = 12,
                                 [MOBILITY_ERROR] = 24};
    return type < ARRAY_COUNT(at) ? at[type] : 0;
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

static void read_registration(const uint8_t *bytes, struct mobility_message *ret)
{
    ret->sequenced = ret->timed = true;
    ret->lifetime_seconds = (uint32_t)bytes_u16(bytes + 10) * LIFETIME_UNIT_SECONDS;
    if (ret->type == MOBILITY_UPDATE) {
        ret->sequence = bytes_u16(bytes + 6);
        ret->flags = bytes_u16(bytes + 8);
        return;
    }
    /* An acknowledgement has its own flags: K, R, P, T, B (RFC 6275 6.1.8 and later). */
    static const uint16_t meant[] = {MOBILITY_FLAG_KEY, MOBILITY_FLAG_ROUTER, MOBILITY_FLAG_PROXY,
                                     MOBILITY_FLAG_TUNNEL_HEADER, MOBILITY_FLAG_BULK};
    ret->status = bytes[6];
    ret->sequence = bytes_u16(bytes + 8);
    for (size_t i = 0; i < ARRAY_COUNT(meant); i++)
        ret->flags |= (bytes[7] & 0x80 >> i) != 0 ? meant[i] : 0;
}

enum wire_fault mobility_read(const uint8_t *bytes, size_t length, struct mobility_message *ret)
{
    *ret = (struct mobility_message){.mac = MAC_NONE};
    if (length < FIXED_BYTES)
        return WIRE_CUT;
    size_t size = ((size_t)bytes[1] + 1) * 8, here = size < length ? size : length;
    enum wire_fault cut = size > length ? WIRE_CUT : WIRE_OK;
    ret->type = bytes[2];
    size_t options = options_at(ret->type);
    ret->begun = true;
    if (options == 0)
        return cut;
    if (length < options)
        return cut != WIRE_OK ? cut : WIRE_MALFORMED;
    if (ret->type == MOBILITY_UPDATE || ret->type == MOBILITY_ACK)
        read_registration(bytes, ret);
    if (ret->type == MOBILITY_ERROR) {
        ret->status = bytes[6];
        ret->home_address = ip_from_v6(bytes + 8);
    }
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
