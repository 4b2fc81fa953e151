/* SPDX-License-Identifier: Apache-2.0 */

/* A captured frame: the first octet picks the link type and whether the options of
 * the drafts are read, the rest is the frame. Everything that a visitor is shown must
 * lie within it. */

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "wire/announcement.h"
#include "wire/binding.h"
#include "wire/neighbour_frame.h"
#include "wire/packet_walk.h"

struct bounds {
    const uint8_t *begin, *end;
    unsigned shown;
};

static void check_inside(const struct bounds *bounds, const uint8_t *at, size_t length)
{
    CHECK(at >= bounds->begin && at <= bounds->end && length <= (size_t)(bounds->end - at));
}

static void see_frame(void *aux, const struct ethernet_frame *frame)
{
    struct bounds *bounds = aux;
    struct announcement announcement;
    struct neighbour_frame neighbour;
    check_inside(bounds, frame->payload, frame->length);
    if (neighbour_frame_read(frame, &neighbour)) {
        if (neighbour.system.bytes != NULL)
            check_inside(bounds, neighbour.system.bytes, neighbour.system.length);
        if (neighbour.port.bytes != NULL)
            check_inside(bounds, neighbour.port.bytes, neighbour.port.length);
    }
    CHECK(frame->vlan_count <= LIMIT_VLAN_TAGS && ++bounds->shown <= 2 * LIMIT_ENCAPSULATION + 2);
    if (announcement_read_arp(frame, &announcement))
        CHECK(!mac_is_multicast(announcement.mac) && announcement_word(announcement.kind) != NULL);
}

static void see_packet(void *aux, const struct ethernet_frame *frame,
                       const struct ip_packet *packet)
{
    struct bounds *bounds = aux;
    struct announcement announcement;
    struct binding binding;
    struct udp_datagram udp;
    enum wire_fault fault;
    check_inside(bounds, packet->payload, packet->length);
    CHECK(++bounds->shown <= 2 * LIMIT_ENCAPSULATION + 2);
    int said = binding_read(packet, &binding, &fault);
    CHECK(said >= 0 || fault != WIRE_OK);
    if (said > 0) {
        char letters[MOBILITY_FLAG_WORDS + 1];
        CHECK(binding_word(&binding) != NULL);
        mobility_flag_letters(&binding.message, letters);
        if (binding.message.node_id != NULL)
            check_inside(bounds, binding.message.node_id, binding.message.node_id_length);
    }
    if (announcement_read_nd(frame, packet, &announcement))
        CHECK(mac_known(announcement.mac));
    if (ip_packet_udp(packet, &udp))
        check_inside(bounds, udp.payload, udp.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct bounds bounds = {data + 1, data + size, 0};
    const struct packet_visitor visitor = {.frame = see_frame,
                                           .packet = see_packet,
                                           .aux = &bounds,
                                           .old_options = (data[0] & 0x80) != 0,
                                           .overlays = (data[0] & 0x40) != 0};
    packet_walk((enum link_type)(data[0] % (LINK_UNKNOWN + 1)), data + 1, size - 1, &visitor);
    return 0;
}
