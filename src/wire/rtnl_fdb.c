/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/rtnl_fdb.h"

#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

/* A view of one attribute's payload. */
struct attribute {
    unsigned type;
    const uint8_t *bytes;
    size_t length;
};

/* Attributes and messages start at multiples of four bytes. */
static size_t aligned(size_t length)
{
    return (length + 3) & ~(size_t)3;
}

/* Cuts the first attribute off; false at the end or where the bytes do not hold
 * what the length says. */
static bool next_attribute(const uint8_t **at, size_t *left, struct attribute *ret)
{
    struct nlattr header;
    if (*left < sizeof header)
        return false;
    memcpy(&header, *at, sizeof header);
    if (header.nla_len < sizeof header || header.nla_len > *left)
        return false;
    ret->type = header.nla_type & NLA_TYPE_MASK;
    ret->bytes = *at + sizeof header;
    ret->length = header.nla_len - sizeof header;
    size_t step = aligned(header.nla_len);
    step = step < *left ? step : *left;
    *at += step;
    *left -= step;
    return true;
}

static void read_u16(const struct attribute *from, uint32_t *to)
{
    uint16_t value;
    if (from->length < sizeof value)
        return;
    memcpy(&value, from->bytes, sizeof value);
    *to = value;
}

static void read_u32(const struct attribute *from, uint32_t *to)
{
    if (from->length >= sizeof *to)
        memcpy(to, from->bytes, sizeof *to);
}

static void read_mac(const struct attribute *from, struct mac *to)
{
    if (from->length == 6)
        *to = mac_from_octets(from->bytes);
}

static void read_text(const struct attribute *from, char *to, size_t size)
{
    size_t length = strnlen((const char *)from->bytes, from->length);
    length = length < size ? length : size - 1;
    memcpy(to, from->bytes, length);
    to[length] = '\0';
}

/* --- entries --- */

static enum rtnl_entry_state entry_state(const struct ndmsg *header)
{
    if ((header->ndm_flags & NTF_SELF) != 0)
        return RTNL_SELF;
    if ((header->ndm_state & NUD_PERMANENT) != 0)
        return RTNL_LOCAL;
    if ((header->ndm_flags & NTF_EXT_LEARNED) != 0)
        return RTNL_EXTERNAL;
    if ((header->ndm_state & NUD_NOARP) != 0)
        return RTNL_STATIC;
    if ((header->ndm_state & NUD_STALE) != 0)
        return RTNL_EXPIRED;
    return RTNL_LEARNED;
}

static bool read_entry(const uint8_t *at, size_t left, struct rtnl_entry *ret)
{
    struct ndmsg header;
    struct attribute attribute;
    if (left < sizeof header)
        return false;
    memcpy(&header, at, sizeof header);
    if (header.ndm_family != AF_BRIDGE)
        return false;
    *ret = (struct rtnl_entry){.mac = MAC_NONE,
                               .state = entry_state(&header),
                               .if_index = (uint32_t)header.ndm_ifindex,
                               .age_cs = RTNL_NO_TIME};
    at += aligned(sizeof header);
    left -= aligned(sizeof header);
    while (next_attribute(&at, &left, &attribute)) {
        struct nda_cacheinfo ages;
        switch (attribute.type) {
        case NDA_LLADDR:
            read_mac(&attribute, &ret->mac);
            break;
        case NDA_VLAN:
            read_u16(&attribute, &ret->vlan);
            break;
        case NDA_MASTER:
            read_u32(&attribute, &ret->master);
            break;
        case NDA_CACHEINFO:
            if (attribute.length < sizeof ages)
                break;
            /* "Updated" is when a frame came from the address; "used" also counts frames to it. */
            memcpy(&ages, attribute.bytes, sizeof ages);
            ret->age_cs = ages.ndm_updated;
            break;
        default:
            break;
        }
    }
    return mac_known(ret->mac);
}

/* --- links --- */

static void read_bridge(const struct attribute *data, struct rtnl_link *ret)
{
    const uint8_t *at = data->bytes;
    size_t left = data->length;
    struct attribute attribute;
    while (next_attribute(&at, &left, &attribute)) {
        if (attribute.type == IFLA_BR_AGEING_TIME)
            read_u32(&attribute, &ret->ageing_cs);
        else if (attribute.type == IFLA_BR_VLAN_FILTERING && attribute.length >= 1)
            ret->vlan_filtering = attribute.bytes[0] != 0;
    }
}

static void read_bridge_port(const struct attribute *data, struct rtnl_link *ret)
{
    const uint8_t *at = data->bytes;
    size_t left = data->length;
    struct attribute attribute;
    while (next_attribute(&at, &left, &attribute)) {
        if (attribute.type == IFLA_BRPORT_NO)
            read_u16(&attribute, &ret->port_number);
        else if (attribute.type == IFLA_BRPORT_LEARNING && attribute.length >= 1)
            ret->learning = attribute.bytes[0] != 0;
    }
}

static void read_link_info(const struct attribute *info, struct rtnl_link *ret)
{
    const uint8_t *at = info->bytes;
    size_t left = info->length;
    struct attribute attribute, data = {0}, slave_data = {0};
    while (next_attribute(&at, &left, &attribute)) {
        if (attribute.type == IFLA_INFO_KIND)
            read_text(&attribute, ret->kind, sizeof ret->kind);
        else if (attribute.type == IFLA_INFO_SLAVE_KIND)
            read_text(&attribute, ret->slave_kind, sizeof ret->slave_kind);
        else if (attribute.type == IFLA_INFO_DATA)
            data = attribute;
        else if (attribute.type == IFLA_INFO_SLAVE_DATA)
            slave_data = attribute;
    }
    if (strcmp(ret->kind, "bridge") == 0)
        read_bridge(&data, ret);
    if (strcmp(ret->slave_kind, "bridge") == 0)
        read_bridge_port(&slave_data, ret);
}

static bool read_link(const uint8_t *at, size_t left, struct rtnl_link *ret)
{
    struct ifinfomsg header;
    struct attribute attribute;
    bool other_namespace = false;
    if (left < sizeof header)
        return false;
    memcpy(&header, at, sizeof header);
    *ret = (struct rtnl_link){.if_index = (uint32_t)header.ifi_index,
                              .address = MAC_NONE,
                              .ageing_cs = RTNL_NO_TIME,
                              .learning = true};
    at += aligned(sizeof header);
    left -= aligned(sizeof header);
    while (next_attribute(&at, &left, &attribute)) {
        switch (attribute.type) {
        case IFLA_IFNAME:
            read_text(&attribute, ret->name, sizeof ret->name);
            break;
        case IFLA_MASTER:
            read_u32(&attribute, &ret->master);
            break;
        case IFLA_ADDRESS:
            read_mac(&attribute, &ret->address);
            break;
        case IFLA_LINK:
            read_u32(&attribute, &ret->peer);
            break;
        case IFLA_LINK_NETNSID:
            other_namespace = true;
            break;
        case IFLA_LINKINFO:
            read_link_info(&attribute, ret);
            break;
        default:
            break;
        }
    }
    if (other_namespace || strcmp(ret->kind, "veth") != 0)
        ret->peer = 0;
    return ret->if_index != 0 && ret->name[0] != '\0';
}

/* --- messages --- */

/* NLMSG_ERROR holds a negative errno; NLMSG_DONE holds one too when a dump ended early. */
static int read_error(const uint8_t *payload, size_t length)
{
    int32_t code = 0;
    if (length >= sizeof code)
        memcpy(&code, payload, sizeof code);
    return code < 0 && code > -4096 ? -code : 0;
}

static void read_message(uint16_t type, const uint8_t *payload, size_t length,
                         struct rtnl_message *ret)
{
    ret->what = RTNL_OTHER;
    switch (type) {
    case NLMSG_DONE:
        ret->what = RTNL_DONE;
        ret->error = read_error(payload, length);
        break;
    case NLMSG_ERROR:
        ret->what = RTNL_ERROR;
        ret->error = read_error(payload, length);
        break;
    case RTM_NEWNEIGH:
        if (read_entry(payload, length, &ret->entry))
            ret->what = RTNL_ENTRY;
        break;
    case RTM_DELNEIGH:
        if (read_entry(payload, length, &ret->entry))
            ret->what = RTNL_GONE;
        break;
    case RTM_NEWLINK:
        if (read_link(payload, length, &ret->link))
            ret->what = RTNL_LINK;
        break;
    default:
        break;
    }
}

bool rtnl_next(const uint8_t **at, size_t *left, struct rtnl_message *ret)
{
    struct nlmsghdr header;
    if (*left == 0)
        return false;
    memset(ret, 0, sizeof *ret);
    ret->what = RTNL_MALFORMED;
    if (*left >= sizeof header)
        memcpy(&header, *at, sizeof header);
    if (*left < sizeof header || header.nlmsg_len < sizeof header || header.nlmsg_len > *left) {
        *left = 0;
        return true;
    }
    ret->sequence = header.nlmsg_seq;
    ret->interrupted = (header.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    read_message(header.nlmsg_type, *at + sizeof header, header.nlmsg_len - sizeof header, ret);
    size_t step = aligned(header.nlmsg_len);
    step = step < *left ? step : *left;
    *at += step;
    *left -= step;
    return true;
}

/* --- requests --- */

static size_t put_attribute(uint8_t *buffer, size_t at, uint16_t type, uint32_t value)
{
    struct nlattr header = {sizeof header + sizeof value, type};
    memcpy(buffer + at, &header, sizeof header);
    memcpy(buffer + at + sizeof header, &value, sizeof value);
    return at + sizeof header + sizeof value;
}

static size_t put_header(uint8_t *buffer, size_t length, uint16_t type, uint32_t sequence)
{
    struct nlmsghdr header = {.nlmsg_len = (uint32_t)length,
                              .nlmsg_type = type,
                              .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                              .nlmsg_seq = sequence};
    memcpy(buffer, &header, sizeof header);
    return length;
}

size_t rtnl_request_links(uint8_t buffer[static RTNL_REQUEST_SIZE], uint32_t sequence)
{
    struct ifinfomsg body = {.ifi_family = AF_UNSPEC};
    memset(buffer, 0, RTNL_REQUEST_SIZE);
    memcpy(buffer + sizeof(struct nlmsghdr), &body, sizeof body);
    size_t length = sizeof(struct nlmsghdr) + sizeof body;
    length = put_attribute(buffer, length, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    return put_header(buffer, length, RTM_GETLINK, sequence);
}

size_t rtnl_request_entries(uint8_t buffer[static RTNL_REQUEST_SIZE], uint32_t sequence,
                            uint32_t bridge)
{
    struct ndmsg body = {.ndm_family = AF_BRIDGE};
    memset(buffer, 0, RTNL_REQUEST_SIZE);
    memcpy(buffer + sizeof(struct nlmsghdr), &body, sizeof body);
    size_t length = sizeof(struct nlmsghdr) + sizeof body;
    if (bridge != 0)
        length = put_attribute(buffer, length, NDA_MASTER, bridge);
    return put_header(buffer, length, RTM_GETNEIGH, sequence);
}
