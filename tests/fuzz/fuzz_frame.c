/* SPDX-License-Identifier: Apache-2.0 */

/* Captured frames: the first octet picks the link type, whether the options of the drafts are
 * read, overlays unwrapped and fragments put together. The rest is a frame, with fragments
 * several, each behind an octet of its length. Everything that a visitor is shown must lie
 * within the frame, or in what the sanitizer lets be read. */

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "wire/announcement.h"
#include "wire/binding.h"
#include "wire/neighbour_frame.h"
#include "wire/packet_walk.h"

enum { LINKS = 0x1f };

struct bounds {
    const uint8_t *begin, *end;
    bool fixed; /* nothing is put together from fragments elsewhere */
    size_t shown, most;
};

static void check_inside(const struct bounds *bounds, const uint8_t *at, size_t length)
{
    uint64_t sum = 0;
    if (bounds->fixed)
        CHECK(at >= bounds->begin && at <= bounds->end && length <= (size_t)(bounds->end - at));
    for (size_t i = 0; i < length; i++) /* the sanitizer knows where it ends */
        sum += at[i];
    CHECK(sum <= (uint64_t)length * UINT8_MAX);
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
    CHECK(frame->vlan_count <= LIMIT_VLAN_TAGS && ++bounds->shown <= bounds->most);
    CHECK(!frame->sealed || frame->type == 0);
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
    CHECK(++bounds->shown <= bounds->most);
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

static void walk(const uint8_t *data, size_t size, uint8_t options, uint64_t number,
                 struct reassembly *reassembly)
{
    /* Frames that were sent as one take sixteen octets each. */
    size_t most = (2 * LIMIT_ENCAPSULATION + 2) * (size / 16 + 1);
    struct bounds bounds = {data, data + size, reassembly == NULL, 0, most};
    const struct packet_visitor visitor = {.frame = see_frame,
                                           .packet = see_packet,
                                           .aux = &bounds,
                                           .old_options = (options & 0x80) != 0,
                                           .overlays = (options & 0x40) != 0,
                                           .datagrams = true,
                                           .reassembly = reassembly,
                                           .number = number,
                                           .at = {(int64_t)number * 1000000}};
    unsigned link = options & LINKS;
    if (link == LINKS && size > 0) { /* there are more than fit */
        link += data[0] % (LINK_UNKNOWN + 1 - LINKS);
        data++;
        size--;
    }
    packet_walk((enum link_type)link, data, size, &visitor);
    if (reassembly != NULL && number % 7 == 0)
        reassembly_take_back(reassembly, number);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    uint8_t options = *data++;
    size--;
    if ((options & 0x20) == 0) {
        walk(data, size, options, 1, NULL);
        return 0;
    }
    struct reassembly *reassembly = reassembly_new(NULL, NULL);
    for (uint64_t number = 1; size > 1; number++) {
        size_t length = data[0] < size - 1 ? data[0] : size - 1;
        walk(data + 1, length, options, number, reassembly);
        data += 1 + length;
        size -= 1 + length;
    }
    reassembly_end(reassembly);
    reassembly_free(reassembly);
    return 0;
}
