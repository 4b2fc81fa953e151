/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/binding.h"

const char *binding_word(const struct binding *binding)
{
    switch (binding->kind) {
    case BINDING_MESSAGE:
        return mobility_type_word(binding->message.type);
    case BINDING_PROTECTED_UPDATE:
        return "protected_update";
    case BINDING_PROTECTED_ACK:
        return "protected_ack";
    case BINDING_DATA:
        return "data";
    }
    UNREACHABLE();
}

static struct ip or_else(struct ip first, struct ip second)
{
    return ip_known(&first) ? first : second;
}

/* The node sent it: an update, a test's beginning. */
static void from_node(const struct ip_packet *packet, struct binding *ret)
{
    ret->home_address = packet->chain.home_option;
    ret->care_of = packet->source;
    ret->peer = packet->destination;
}

/* It goes to the node: an acknowledgement, a test's answer. */
static void to_node(const struct ip_packet *packet, struct binding *ret)
{
    ret->home_address = packet->chain.home_route;
    ret->care_of = packet->destination;
    ret->peer = packet->source;
}

static void place_update(const struct ip_packet *packet, struct binding *ret)
{
    const struct mobility_message *message = &ret->message;
    from_node(packet, ret);
    ret->care_of = or_else(
        message->alternate_care_of,
        or_else(message->identified_care_of, or_else(message->ipv4_care_of, packet->source)));
    if ((message->flags & MOBILITY_FLAG_HOME) != 0)
        ret->home_agent = ret->peer;
    else
        ret->correspondent = ret->peer;
    /* A node that has returned home sends without the option: its address is the source.
     * A gateway's own address is never its node's. */
    bool proxy = (message->flags & MOBILITY_FLAG_PROXY) != 0;
    if (!proxy && !ip_known(&ret->home_address))
        ret->home_address = packet->source;
    ret->deregistration =
        message->timed &&
        (message->lifetime_seconds == 0 || (!proxy && ip_equal(&ret->home_address, &ret->care_of)));
}

static void place_message(const struct ip_packet *packet, struct binding *ret)
{
    switch (ret->message.type) {
    case MOBILITY_UPDATE:
        place_update(packet, ret);
        break;
    case MOBILITY_ACK:
        to_node(packet, ret);
        /* In an IPv4 network it is sent to the home address, and leads there by its tunnel. */
        if (packet->dual_stack && !ip_known(&ret->home_address)) {
            ret->home_address = packet->destination;
            ret->care_of = IP_NONE;
        }
        break;
    case MOBILITY_HOME_TEST_INIT: /* sent from the home address itself, through the agent */
        ret->home_address = packet->source;
        ret->correspondent = ret->peer = packet->destination;
        break;
    case MOBILITY_HOME_TEST:
        ret->home_address = packet->destination;
        ret->correspondent = ret->peer = packet->source;
        break;
    case MOBILITY_CARE_OF_TEST_INIT:
        from_node(packet, ret);
        ret->correspondent = ret->peer;
        break;
    case MOBILITY_CARE_OF_TEST:
        to_node(packet, ret);
        ret->correspondent = ret->peer;
        break;
    case MOBILITY_ERROR:
        to_node(packet, ret);
        ret->home_address = or_else(ret->message.home_address, ret->home_address);
        break;
    case MOBILITY_REFRESH_REQUEST:
        ret->home_address = or_else(packet->chain.home_route, packet->destination);
        ret->peer = packet->source;
        break;
    default:
        ret->home_address = or_else(packet->chain.home_option, packet->chain.home_route);
        break;
    }
}

static enum binding_checksum judge_checksum(const struct ip_packet *packet)
{
    bool whole = packet->length == packet->wire_length;
    if (!whole || (packet->payload[4] == 0 && packet->payload[5] == 0))
        return BINDING_CHECKSUM_NONE;
    return ip_packet_is_sound(packet) ? BINDING_CHECKSUM_RIGHT : BINDING_CHECKSUM_WRONG;
}

static int read_message(const struct ip_packet *packet, struct binding *ret,
                        enum wire_fault *ret_fault)
{
    /* What does not fit into the first fragment is read when all of them have come. */
    size_t size = packet->length < 2 ? SIZE_MAX : ((size_t)packet->payload[1] + 1) * 8;
    bool waits = packet->part.bytes != NULL && size > packet->length;
    bool told = packet->again && packet->told >= 2 && size <= packet->told;
    if (waits || told)
        return 0;
    *ret_fault = mobility_read(packet->payload, packet->length, &ret->message);
    if (*ret_fault == WIRE_OK)
        ret->checksum = judge_checksum(packet);
    if (ret->message.begun)
        place_message(packet, ret);
    return *ret_fault == WIRE_OK ? 1 : -1;
}

/* The messages of the drafts, which may stand before any payload. */
static int read_old(const struct ip_packet *packet, struct binding *ret, enum wire_fault *ret_fault)
{
    const struct ipv6_chain *chain = &packet->chain;
    if (chain->old_update.bytes != NULL)
        *ret_fault = mobility_read_old_update(chain->old_update.bytes, chain->old_update.length,
                                              &ret->message);
    else if (chain->old_ack.bytes != NULL)
        *ret_fault =
            mobility_read_old_ack(chain->old_ack.bytes, chain->old_ack.length, &ret->message);
    else
        *ret_fault = mobility_read_old_request(chain->old_request.bytes, chain->old_request.length,
                                               &ret->message);
    if (*ret_fault != WIRE_OK)
        return -1;
    place_message(packet, ret);
    return 1;
}

static int read_evidence(const struct ip_packet *packet, struct binding *ret)
{
    const struct ipv6_chain *chain = &packet->chain;
    bool sealed = packet->protocol == IP_PROTOCOL_ESP;
    if (ip_known(&chain->home_option)) {
        ret->kind = sealed ? BINDING_PROTECTED_UPDATE : BINDING_DATA;
        from_node(packet, ret);
    } else {
        ret->kind = sealed ? BINDING_PROTECTED_ACK : BINDING_DATA;
        to_node(packet, ret);
    }
    if (sealed)
        ret->home_agent = ret->peer;
    else
        ret->correspondent = ret->peer;
    return 1;
}

int binding_read(const struct ip_packet *packet, struct binding *ret, enum wire_fault *ret_fault)
{
    *ret_fault = WIRE_OK;
    bool message = packet->protocol == IP_PROTOCOL_MOBILITY ||
                   (packet->version == 6 && packet->protocol == IP_PROTOCOL_OLD_MOBILITY);
    if (packet->fragment || (packet->version != 6 && !message))
        return 0;
    const struct ipv6_chain *chain = &packet->chain;
    *ret = (struct binding){.message = {.mac = MAC_NONE},
                            .opened = packet->opened,
                            .authenticated = chain->authenticated};
    if (message)
        return read_message(packet, ret, ret_fault);
    if (packet->again)
        return 0;
    if (chain->old_update.bytes != NULL || chain->old_ack.bytes != NULL ||
        chain->old_request.bytes != NULL)
        return read_old(packet, ret, ret_fault);
    if (ip_known(&chain->home_option) || ip_known(&chain->home_route))
        return read_evidence(packet, ret);
    return 0;
}
