/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/capture_filter.h"

#include <string.h>

#include "wire/bytes.h"
#include "wire/ip_packet.h"
#include "wire/open_payload.h"
#include "wire/tunnel.h"

enum {
    ETHERNET_HEADER = 14,
    IPV6_HEADER = 40,
    TAG_BYTES = 4,
    KERNEL_TAGS = 2, /* behind the one that the kernel takes off */
    ARP_SENDER = 14,
    ARP_TARGET = 24,
    ROUTER_ADVERTISEMENT = 134,
    ROUTER_FLAGS = 5,
    ROUTER_HOME_AGENT = 0x20,
    ND_ADVERTISEMENT = 136,
    ND_SOLICITED = 0x40,
    HOME_AGENT_FIRST = 144, /* ICMPv6: home agent discovery, mobile prefixes */
    HOME_AGENT_LAST = 147,
    ROUTING_TYPE_2 = 2,
    FRAGMENT_OFFSET_MASK = 0xfff8,
    LENGTHS_BELOW = 0x0600, /* smaller types are lengths of 802.3 frames */
    SNAP_SERVICE = 0xaaaa   /* which name a type behind */
};

/* --- the kernel's version: a small assembler --- */

/* Jumps are written with labels and resolved at the end. A conditional jump reaches 255
 * instructions, so every part of the program has its own pair of verdicts at its end. */
enum label {
    NEXT, /* the instruction after the jump */
    ACCEPT,
    REJECT,
    TAGGED, /* this and the next two: one for each number of tags */
    IPV4 = TAGGED + KERNEL_TAGS + 1,
    IPV6 = IPV4 + KERNEL_TAGS + 1,
    DATAGRAM4 = IPV6 + KERNEL_TAGS + 1,
    DATAGRAM6 = DATAGRAM4 + KERNEL_TAGS + 1,
    TYPE = DATAGRAM6 + KERNEL_TAGS + 1,
    SNAP,
    PORTS,
    SIGNED,
    HEADER, /* one for each header of the chain, and one for what is deeper */
    OPTIONS = HEADER + FILTER_CHAIN_DEPTH + 1,
    AUTHENTICATION = OPTIONS + FILTER_CHAIN_DEPTH,
    FRAGMENT = AUTHENTICATION + FILTER_CHAIN_DEPTH,
    ROUTER = FRAGMENT + FILTER_CHAIN_DEPTH,
    ROUTING = ROUTER + FILTER_CHAIN_DEPTH,
    ADVANCE = ROUTING + FILTER_CHAIN_DEPTH,
    ICMP = ADVANCE + FILTER_CHAIN_DEPTH,
    LATER = ICMP + FILTER_CHAIN_DEPTH, /* fragments that are not the first */
    LABEL_COUNT = LATER + FILTER_CHAIN_DEPTH
};

struct assembler {
    struct bpf_insn *program;
    size_t count;
    uint16_t at[LABEL_COUNT];
    uint16_t verdicts[FILTER_CHAIN_DEPTH + 4]; /* where the pairs stand */
    size_t verdict_count;
    uint32_t accept, reject; /* octets */
    struct {
        uint8_t yes, no; /* labels of conditional jumps; of `ja` the first */
    } jumps[FILTER_ROOM];
};

static void emit(struct assembler *a, unsigned code, uint32_t k)
{
    CHECK(a->count < FILTER_ROOM);
    a->program[a->count++] = (struct bpf_insn){.code = (u_short)code, .k = k};
}

static void emit_jump(struct assembler *a, unsigned condition, uint32_t k, unsigned yes,
                      unsigned no)
{
    a->jumps[a->count].yes = (uint8_t)yes;
    a->jumps[a->count].no = (uint8_t)no;
    emit(a, BPF_JMP | condition | BPF_K, k);
}

static void jump_equal(struct assembler *a, uint32_t k, unsigned yes, unsigned no)
{
    emit_jump(a, BPF_JEQ, k, yes, no);
}

static void place(struct assembler *a, unsigned label)
{
    a->at[label] = (uint16_t)a->count;
}

static void load(struct assembler *a, unsigned size, unsigned mode, uint32_t k)
{
    emit(a, BPF_LD | size | mode, k);
}

/* Ends a part of the program. */
static void emit_verdicts(struct assembler *a)
{
    CHECK(a->verdict_count < ARRAY_COUNT(a->verdicts));
    a->verdicts[a->verdict_count++] = (uint16_t)a->count;
    emit(a, BPF_RET | BPF_K, a->accept);
    emit(a, BPF_RET | BPF_K, a->reject);
}

static size_t target(const struct assembler *a, size_t from, unsigned label)
{
    if (label == NEXT)
        return from + 1;
    if (label != ACCEPT && label != REJECT)
        return a->at[label];
    size_t pair = 0;
    while (pair < a->verdict_count && a->verdicts[pair] <= from)
        pair++;
    CHECK(pair < a->verdict_count);
    return (size_t)a->verdicts[pair] + (label == REJECT);
}

static void resolve(struct assembler *a)
{
    for (size_t i = 0; i < a->count; i++) {
        struct bpf_insn *insn = &a->program[i];
        if (BPF_CLASS(insn->code) != BPF_JMP)
            continue;
        size_t yes = target(a, i, a->jumps[i].yes), no = target(a, i, a->jumps[i].no);
        CHECK(yes > i && no > i);
        if (BPF_OP(insn->code) == BPF_JA) {
            insn->k = (uint32_t)(yes - i - 1);
            continue;
        }
        CHECK(yes - i - 1 <= UINT8_MAX && no - i - 1 <= UINT8_MAX);
        insn->jt = (u_char)(yes - i - 1);
        insn->jf = (u_char)(no - i - 1);
    }
}

/* The IP packet behind `tags` tags, as far as one look at its protocol goes. The kernel
 * compiles loads from a fixed place to a few instructions and calls a function for one
 * that X moves, so what nearly every frame needs is written out for each place. */
static void emit_packets(struct assembler *a, unsigned tags, bool mobile)
{
    unsigned begin = ETHERNET_HEADER + TAG_BYTES * tags;
    place(a, IPV4 + tags);
    load(a, BPF_B, BPF_ABS, begin + 9);
    jump_equal(a, IP_PROTOCOL_TCP, REJECT, NEXT);
    jump_equal(a, IP_PROTOCOL_UDP, mobile ? DATAGRAM4 + tags : REJECT, NEXT);
    jump_equal(a, IP_PROTOCOL_GRE, ACCEPT, NEXT);
    jump_equal(a, IP_PROTOCOL_IPV6, ACCEPT, NEXT);
    jump_equal(a, IP_PROTOCOL_ETHERIP, ACCEPT, NEXT);
    jump_equal(a, IP_PROTOCOL_MPLS, ACCEPT, NEXT);
    jump_equal(a, IP_PROTOCOL_L2TP, mobile ? ACCEPT : REJECT, NEXT);
    jump_equal(a, IP_PROTOCOL_AUTHENTICATION, mobile ? ACCEPT : REJECT, NEXT);
    jump_equal(a, IP_PROTOCOL_ESP, mobile ? SIGNED : REJECT, NEXT);
    jump_equal(a, IP_PROTOCOL_IPV4, ACCEPT, REJECT);
    place(a, IPV6 + tags);
    load(a, BPF_B, BPF_ABS, begin + 6);
    jump_equal(a, IP_PROTOCOL_TCP, REJECT, NEXT);
    jump_equal(a, IP_PROTOCOL_UDP, mobile ? DATAGRAM6 + tags : REJECT, NEXT);
    jump_equal(a, IP_PROTOCOL_ESP, mobile ? SIGNED : REJECT, NEXT);
    emit(a, BPF_LDX | BPF_IMM, begin + IPV6_HEADER);
    emit_jump(a, BPF_JA, 0, HEADER, HEADER);
    if (!mobile)
        return;
    place(a, DATAGRAM4 + tags); /* X: where the UDP header begins */
    emit(a, BPF_LDX | BPF_B | BPF_MSH, begin);
    emit(a, BPF_MISC | BPF_TXA, 0);
    emit(a, BPF_ALU | BPF_ADD | BPF_K, begin);
    emit(a, BPF_MISC | BPF_TAX, 0);
    emit_jump(a, BPF_JA, 0, PORTS, PORTS);
    place(a, DATAGRAM6 + tags);
    emit(a, BPF_LDX | BPF_IMM, begin + IPV6_HEADER);
    emit_jump(a, BPF_JA, 0, PORTS, PORTS);
}

/* UDP at X: only tunnels matter. */
static void emit_ports(struct assembler *a)
{
    place(a, PORTS);
    load(a, BPF_H, BPF_IND, 2);
    for (size_t i = 0; i < TUNNEL_PORTS; i++)
        jump_equal(a, tunnel_ports[i], ACCEPT, NEXT);
    jump_equal(a, PORT_ESP, SIGNED, NEXT);
    load(a, BPF_H, BPF_IND, 0);
    for (size_t i = 0; i < TUNNEL_PORTS_ANSWERED; i++)
        jump_equal(a, tunnel_ports[i], ACCEPT, NEXT);
    jump_equal(a, PORT_ESP, SIGNED, REJECT);
}

/* ESP: what can be read of it ends in one of a few numbers, see open_payload.h. */
static void emit_signed(struct assembler *a)
{
    place(a, SIGNED);
    for (unsigned i = 0; i < OPEN_PAYLOAD_ICVS; i++) {
        load(a, BPF_W, BPF_LEN, 0);
        emit(a, BPF_ALU | BPF_SUB | BPF_K, open_payload_icvs[i] + 1U);
        emit(a, BPF_MISC | BPF_TAX, 0);
        load(a, BPF_B, BPF_IND, 0);
        jump_equal(a, IP_PROTOCOL_MOBILITY, ACCEPT, NEXT);
        jump_equal(a, IP_PROTOCOL_IPV6, ACCEPT, i + 1 < OPEN_PAYLOAD_ICVS ? NEXT : REJECT);
    }
    emit_verdicts(a);
}

/* Finds what is behind the tags. */
static void emit_tags(struct assembler *a, bool mobile)
{
    static const uint16_t kinds[] = {ETHER_VLAN, ETHER_PROVIDER_VLAN, ETHER_OLD_VLAN,
                                     ETHER_OLDER_VLAN};
    for (unsigned tags = 0; tags <= KERNEL_TAGS; tags++) {
        place(a, TAGGED + tags);
        load(a, BPF_H, BPF_ABS, 12 + TAG_BYTES * tags);
        jump_equal(a, ETHER_IPV4, IPV4 + tags, NEXT);
        jump_equal(a, ETHER_IPV6, IPV6 + tags, NEXT);
        for (size_t i = 0; i < ARRAY_COUNT(kinds); i++)
            jump_equal(a, kinds[i], tags < KERNEL_TAGS ? TAGGED + tags + 1 : ACCEPT, NEXT);
        emit(a, BPF_LDX | BPF_IMM, TAG_BYTES * tags);
        emit_jump(a, BPF_JA, 0, TYPE, TYPE);
        emit_packets(a, tags, mobile);
    }
}

/* What is not IP: A is the EtherType, X the octets of tags. */
static void emit_type(struct assembler *a, unsigned wants)
{
    bool announcements = (wants & CAPTURE_ANNOUNCEMENT) != 0;
    bool mobile = (wants & CAPTURE_MOBILE) != 0;
    static const uint16_t carriers[] = {ETHER_MPLS, ETHER_MPLS_UPSTREAM, ETHER_PPPOE,
                                        ETHER_BACKBONE, ETHER_NSH};
    static const uint16_t tags[] = {ETHER_METADATA, ETHER_SEAMLESS, ETHER_REDUNDANCY,
                                    ETHER_PORT,     ETHER_EXTENDER, ETHER_SIGNED};
    place(a, TYPE);
    emit_jump(a, BPF_JGE, LENGTHS_BELOW, NEXT, SNAP);
    for (size_t i = 0; i < ARRAY_COUNT(tags); i++)
        jump_equal(a, tags[i], ACCEPT, NEXT);
    for (size_t i = 0; mobile && i < ARRAY_COUNT(carriers); i++)
        jump_equal(a, carriers[i], ACCEPT, NEXT);
    jump_equal(a, ETHER_RARP, announcements ? ACCEPT : REJECT, NEXT);
    jump_equal(a, ETHER_ARP, announcements ? NEXT : REJECT, REJECT);
    /* Gratuitous: sender and target address are the same. */
    load(a, BPF_W, BPF_IND, ETHERNET_HEADER + ARP_SENDER);
    emit(a, BPF_ST, 0);
    load(a, BPF_W, BPF_IND, ETHERNET_HEADER + ARP_TARGET);
    emit(a, BPF_LDX | BPF_MEM, 0);
    a->jumps[a->count].yes = ACCEPT;
    a->jumps[a->count].no = REJECT;
    emit(a, BPF_JMP | BPF_JEQ | BPF_X, 0);
    place(a, SNAP);
    load(a, BPF_H, BPF_IND, ETHERNET_HEADER);
    jump_equal(a, SNAP_SERVICE, ACCEPT, REJECT);
    emit_verdicts(a);
}

static void emit_icmp(struct assembler *a, unsigned depth, unsigned wants)
{
    bool mobile = (wants & CAPTURE_MOBILE) != 0;
    bool announcements = (wants & CAPTURE_ANNOUNCEMENT) != 0;
    place(a, ICMP + depth);
    load(a, BPF_B, BPF_IND, 0);
    if (mobile) {
        emit_jump(a, BPF_JGT, HOME_AGENT_LAST, REJECT, NEXT);
        emit_jump(a, BPF_JGE, HOME_AGENT_FIRST, ACCEPT, NEXT);
        jump_equal(a, ROUTER_ADVERTISEMENT, ROUTER + depth, NEXT);
    }
    jump_equal(a, ND_ADVERTISEMENT, announcements ? NEXT : REJECT, REJECT);
    load(a, BPF_B, BPF_IND, 4);
    emit_jump(a, BPF_JSET, ND_SOLICITED, REJECT, ACCEPT);
    place(a, ROUTER + depth);
    load(a, BPF_B, BPF_IND, ROUTER_FLAGS);
    emit_jump(a, BPF_JSET, ROUTER_HOME_AGENT, ACCEPT, REJECT);
}

/* One header of the chain: A is its number, X where it begins. */
static void emit_header(struct assembler *a, unsigned depth, unsigned wants)
{
    unsigned mobile = (wants & CAPTURE_MOBILE) != 0 ? ACCEPT : REJECT;
    place(a, HEADER + depth);
    jump_equal(a, IP_PROTOCOL_TCP, REJECT, NEXT);
    jump_equal(a, IP_PROTOCOL_UDP, REJECT, NEXT);
    jump_equal(a, IP_PROTOCOL_ICMPV6, ICMP + depth, NEXT);
    jump_equal(a, IP_PROTOCOL_MOBILITY, mobile, NEXT);
    /* Neighbor Discovery is also sent behind them, if hardly ever. */
    jump_equal(a, IP_PROTOCOL_DESTINATION, ACCEPT, NEXT);
    jump_equal(a, IP_PROTOCOL_ROUTING, ROUTING + depth, NEXT);
    jump_equal(a, IP_PROTOCOL_HOP_BY_HOP, OPTIONS + depth, NEXT);
    jump_equal(a, IP_PROTOCOL_FRAGMENT, FRAGMENT + depth, NEXT);
    jump_equal(a, IP_PROTOCOL_AUTHENTICATION, AUTHENTICATION + depth, NEXT);
    jump_equal(a, IP_PROTOCOL_IPV6, ACCEPT, NEXT);
    jump_equal(a, IP_PROTOCOL_IPV4, ACCEPT, NEXT);
    jump_equal(a, IP_PROTOCOL_GRE, ACCEPT, NEXT);
    jump_equal(a, IP_PROTOCOL_ETHERIP, ACCEPT, NEXT);
    jump_equal(a, IP_PROTOCOL_MPLS, ACCEPT, NEXT);
    jump_equal(a, IP_PROTOCOL_L2TP, mobile, NEXT);
    jump_equal(a, IP_PROTOCOL_OLD_MOBILITY, mobile, REJECT);
    emit_icmp(a, depth, wants);
    place(a, ROUTING + depth);
    load(a, BPF_B, BPF_IND, 2);
    jump_equal(a, ROUTING_TYPE_2, mobile, NEXT);
    place(a, OPTIONS + depth);
    load(a, BPF_B, BPF_IND, 1);
    emit(a, BPF_ALU | BPF_ADD | BPF_K, 1);
    emit(a, BPF_ALU | BPF_LSH | BPF_K, 3);
    emit_jump(a, BPF_JA, 0, ADVANCE + depth, ADVANCE + depth);
    place(a, AUTHENTICATION + depth);
    load(a, BPF_B, BPF_IND, 1);
    emit(a, BPF_ALU | BPF_ADD | BPF_K, 2);
    emit(a, BPF_ALU | BPF_LSH | BPF_K, 2);
    emit_jump(a, BPF_JA, 0, ADVANCE + depth, ADVANCE + depth);
    place(a, FRAGMENT + depth);
    load(a, BPF_H, BPF_IND, 2);
    emit_jump(a, BPF_JSET, FRAGMENT_OFFSET_MASK, mobile == ACCEPT ? LATER + depth : REJECT, NEXT);
    load(a, BPF_IMM, 0, 8);
    place(a, ADVANCE + depth); /* A: the length of the header at X */
    emit(a, BPF_ST, 0);
    load(a, BPF_B, BPF_IND, 0);
    emit(a, BPF_ST, 1);
    emit(a, BPF_LD | BPF_MEM, 0);
    emit(a, BPF_ALU | BPF_ADD | BPF_X, 0);
    emit(a, BPF_MISC | BPF_TAX, 0);
    emit(a, BPF_LD | BPF_MEM, 1);
    emit_jump(a, BPF_JA, 0, HEADER + depth + 1, HEADER + depth + 1);
    if (mobile == ACCEPT) {
        /* It is joined with the others where it is a part of what matters. */
        place(a, LATER + depth);
        load(a, BPF_B, BPF_IND, 0);
        jump_equal(a, IP_PROTOCOL_TCP, REJECT, NEXT);
        jump_equal(a, IP_PROTOCOL_UDP, REJECT, NEXT);
        jump_equal(a, IP_PROTOCOL_ICMPV6, REJECT, ACCEPT);
    }
    emit_verdicts(a);
}

/* What is still a chain after all steps is looked at by the program itself; so is
 * anything else that is neither TCP nor UDP, since that is rare there. */
static void emit_deeper(struct assembler *a)
{
    place(a, HEADER + FILTER_CHAIN_DEPTH);
    jump_equal(a, IP_PROTOCOL_TCP, REJECT, NEXT);
    jump_equal(a, IP_PROTOCOL_UDP, REJECT, ACCEPT);
    emit_verdicts(a);
}

size_t capture_filter_program(unsigned wants, uint32_t snap,
                              struct bpf_insn ret[static FILTER_ROOM])
{
    CHECK(wants != 0);
    struct assembler a = {.program = ret,
                          .accept = snap,
                          .reject = (wants & CAPTURE_CENSUS) != 0 ? FILTER_CENSUS_OCTETS : 0};
    if ((wants & (CAPTURE_MOBILE | CAPTURE_ANNOUNCEMENT)) == 0) {
        emit(&a, BPF_RET | BPF_K, a.reject);
        return a.count;
    }
    emit_tags(&a, (wants & CAPTURE_MOBILE) != 0);
    if ((wants & CAPTURE_MOBILE) != 0) {
        emit_ports(&a);
        emit_signed(&a);
    }
    emit_type(&a, wants);
    for (unsigned depth = 0; depth < FILTER_CHAIN_DEPTH; depth++)
        emit_header(&a, depth, wants);
    emit_deeper(&a);
    resolve(&a);
    return a.count;
}

/* --- the program's version --- */

/* UDP at `at`, which may be beyond `length`. */
static unsigned match_ports(const uint8_t *bytes, size_t length, size_t at)
{
    if (at + 4 > length)
        return 0;
    uint16_t source = bytes_u16(bytes + at), destination = bytes_u16(bytes + at + 2);
    for (size_t i = 0; i < TUNNEL_PORTS; i++) {
        if (destination == tunnel_ports[i] ||
            (i < TUNNEL_PORTS_ANSWERED && source == tunnel_ports[i]))
            return CAPTURE_MOBILE;
    }
    bool encapsulated = source == PORT_ESP || destination == PORT_ESP;
    return encapsulated && open_payload_may(bytes, length) ? CAPTURE_MOBILE : 0;
}

static unsigned match_ipv4(const uint8_t *bytes, size_t length)
{
    if (length <= 9 || bytes[9] == IP_PROTOCOL_TCP)
        return 0;
    switch (bytes[9]) {
    case IP_PROTOCOL_UDP:
        return match_ports(bytes, length, (size_t)(bytes[0] & 0x0f) * 4);
    case IP_PROTOCOL_GRE:
    case IP_PROTOCOL_IPV6:
    case IP_PROTOCOL_IPV4:
    case IP_PROTOCOL_ETHERIP:
    case IP_PROTOCOL_MPLS:
        return CAPTURE_MOBILE | CAPTURE_ANNOUNCEMENT;
    case IP_PROTOCOL_L2TP:
    case IP_PROTOCOL_AUTHENTICATION:
        return CAPTURE_MOBILE;
    case IP_PROTOCOL_ESP:
        return open_payload_may(bytes, length) ? CAPTURE_MOBILE : 0;
    default:
        return 0;
    }
}

static unsigned match_ipv6(const uint8_t *bytes, size_t length)
{
    if (length <= IPV6_HEADER)
        return 0;
    uint8_t next = bytes[6];
    if (next == IP_PROTOCOL_TCP)
        return 0;
    if (next == IP_PROTOCOL_UDP)
        return match_ports(bytes, length, IPV6_HEADER);
    if (next == IP_PROTOCOL_ESP)
        return open_payload_may(bytes, length) ? CAPTURE_MOBILE : 0;
    if (next != IP_PROTOCOL_ICMPV6)
        return CAPTURE_MOBILE | CAPTURE_ANNOUNCEMENT;
    uint8_t type = bytes[IPV6_HEADER];
    if (type == ND_ADVERTISEMENT)
        return CAPTURE_ANNOUNCEMENT;
    bool agent = (type >= HOME_AGENT_FIRST && type <= HOME_AGENT_LAST) ||
                 (type == ROUTER_ADVERTISEMENT && length > IPV6_HEADER + ROUTER_FLAGS &&
                  (bytes[IPV6_HEADER + ROUTER_FLAGS] & ROUTER_HOME_AGENT) != 0);
    return agent ? CAPTURE_MOBILE : 0;
}

unsigned capture_filter_match(enum link_type link, const uint8_t *bytes, size_t length)
{
    if (link != LINK_ETHERNET)
        return CAPTURE_MOBILE | CAPTURE_ANNOUNCEMENT;
    size_t at = ETHERNET_HEADER;
    for (unsigned tags = 0; at <= length; tags++, at += TAG_BYTES) {
        switch (bytes_u16(bytes + at - 2)) {
        case ETHER_VLAN:
        case ETHER_PROVIDER_VLAN:
        case ETHER_OLD_VLAN:
        case ETHER_OLDER_VLAN:
            if (tags == LIMIT_VLAN_TAGS)
                return 0;
            continue;
        case ETHER_IPV6:
            return match_ipv6(bytes + at, length - at);
        case ETHER_IPV4:
            return match_ipv4(bytes + at, length - at);
        case ETHER_ARP:
        case ETHER_RARP:
            return CAPTURE_ANNOUNCEMENT;
        case ETHER_METADATA:
        case ETHER_SEAMLESS:
        case ETHER_REDUNDANCY:
        case ETHER_PORT:
        case ETHER_EXTENDER:
        case ETHER_SIGNED:
            return CAPTURE_MOBILE | CAPTURE_ANNOUNCEMENT;
        default:
            if (bytes_u16(bytes + at - 2) < LENGTHS_BELOW)
                return at + 2 <= length && bytes_u16(bytes + at) == SNAP_SERVICE
                           ? CAPTURE_MOBILE | CAPTURE_ANNOUNCEMENT
                           : 0;
            return tunnel_is_type(bytes_u16(bytes + at - 2)) ? CAPTURE_MOBILE : 0;
        }
    }
    return 0;
}
