/* SPDX-License-Identifier: Apache-2.0 */

/* Open vSwitch's control socket: the stream, the replies and every table in them. */

#include "wire/ovs_fdb.h"

#include <string.h>

static void read_tables(const char *text, size_t length)
{
    struct ovs_lines lines;
    struct ovs_entry entry;
    struct ovs_port port;
    struct ovs_bond_member member;
    char name[OVS_NAME_SIZE];
    uint64_t current, maximum;
    ovs_lines_start(&lines, text, length);
    while (ovs_next_entry(&lines, &entry))
        CHECK(mac_known(entry.mac) && entry.vlan <= 4095);
    ovs_lines_start(&lines, text, length);
    while (ovs_next_port(&lines, &port))
        CHECK(port.name[0] != '\0' && strlen(port.bridge) < OVS_NAME_SIZE);
    ovs_lines_start(&lines, text, length);
    while (ovs_next_bond_member(&lines, &member))
        CHECK(member.bond[0] != '\0' && member.member[0] != '\0');
    ovs_lines_start(&lines, text, length);
    while (ovs_next_bridge(&lines, name))
        CHECK(name[0] != '\0');
    if (ovs_stats_parse(text, length, &current, &maximum) == 0)
        CHECK(current <= UINT32_MAX && maximum <= UINT32_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    AUTO_TEXT struct text text = TEXT_EMPTY;
    struct ovs_frame frame = {0};
    bool complete = false;
    struct span ageing;
    struct err err;
    size_t length = ovs_frame_read(&frame, bytes, size, &complete);
    CHECK(length <= size);
    if (ovs_reply_parse(bytes, length, 0, &text, &err) == 0)
        read_tables(text_get(&text), text.length);
    if (ovs_ageing_parse(bytes, length, 0, "br0", &ageing) == 0)
        CHECK(ageing.us > 0);
    read_tables(bytes, size);
    return 0;
}
