/* SPDX-License-Identifier: Apache-2.0 */
#include "source/decode_capture.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "capture/capture_file.h"
#include "source/decode_neighbour.h"
#include "source/decode_radius.h"
#include "source/decode_trap.h"
#include "wire/announcement.h"
#include "wire/binding.h"
#include "wire/bytes.h"
#include "wire/packet_walk.h"
#include "wire/snmp_message.h"

enum { FLUSH_BYTES = 64 * 1024 };

enum { ANY_PORT = 0 };

/* Which decoder reads the payload of a UDP port, whichever side has it. */
struct port_decoder {
    uint16_t port;
    decode_datagram_fn *decode;
};

static const struct port_decoder port_decoders[] = {
    {162, decode_trap_datagram},
    {ANY_PORT, decode_radius_datagram}, /* these know their own by its looks */
    {ANY_PORT, decode_trap_datagram},
    {0, NULL},
};

struct decoding {
    const struct decode_secrets *secrets;
    const struct capture_packet *packet;
    struct text lines;
    FILE *out, *notes;
    const char *path;
    bool piped;
    struct reassembly *reassembly;
    uint64_t noted;
    uint64_t sealed; /* frames that their link has encrypted */
    uint64_t unread; /* frames of link types that are not read */
    uint32_t unread_link;
    struct decode_capture_counts *counts;
};

static void add_note_of(struct decoding *d, uint64_t frame, const char *what, const char *why)
{
    d->counts->faults++;
    if (++d->noted <= DECODE_CAPTURE_NOTES)
        fprintf(d->notes, "%s: error in frame %" PRIu64 ": %s %s\n", d->path, frame, what, why);
}

static void add_note(struct decoding *d, const char *what, const char *why)
{
    add_note_of(d, d->packet->number, what, why);
}

/* What is captured now is wanted now. */
static void flush(struct decoding *d, size_t above)
{
    if (d->lines.length <= (d->piped ? 0 : above))
        return;
    fwrite(d->lines.data, 1, d->lines.length, d->out);
    text_clear(&d->lines);
    if (d->piped)
        fflush(d->out);
}

/* --- JSON --- */

static void add_key(struct decoding *d, const char *key)
{
    text_printf(&d->lines, ",\"%s\":", key);
}

static void add_ip(struct decoding *d, const char *key, const struct ip *ip)
{
    char text[IP_TEXT_SIZE];
    add_key(d, key);
    if (ip_known(ip))
        text_printf(&d->lines, "\"%s\"", ip_format(ip, text));
    else
        text_add(&d->lines, "null");
}

static void add_number(struct decoding *d, const char *key, bool known, uint64_t number)
{
    add_key(d, key);
    if (known)
        text_add_number(&d->lines, number);
    else
        text_add(&d->lines, "null");
}

static void add_mac(struct decoding *d, const char *key, struct mac mac)
{
    char text[MAC_TEXT_SIZE];
    add_key(d, key);
    if (mac_known(mac))
        text_printf(&d->lines, "\"%s\"", mac_format(mac, text));
    else
        text_add(&d->lines, "null");
}

static void begin(struct decoding *d, const char *type, const char *event)
{
    char at[CLOCK_TEXT_SIZE];
    text_printf(&d->lines, "{\"type\":\"%s\",\"frame\":%" PRIu64 ",\"time\":", type,
                d->packet->number);
    if (wall_known(d->packet->at))
        text_printf(&d->lines, "\"%s\"", wall_format(d->packet->at, at));
    else
        text_add(&d->lines, "null");
    text_printf(&d->lines, ",\"event\":\"%s\"", event);
}

static void add_flags(struct decoding *d, const struct mobility_message *message)
{
    char letters[MOBILITY_FLAG_WORDS + 1];
    mobility_flag_letters(message, letters);
    text_add(&d->lines, ",\"flags\":[");
    for (size_t i = 0; letters[i] != '\0'; i++)
        text_printf(&d->lines, "%s\"%c\"", i > 0 ? "," : "", letters[i]);
    text_add_char(&d->lines, ']');
}

static void add_link_layer(struct decoding *d, const struct mobility_message *message)
{
    if (message->link_layer_length == 0) {
        text_add(&d->lines, ",\"link_layer\":null");
        return;
    }
    text_add(&d->lines, ",\"link_layer\":\"");
    for (unsigned i = 0; i < message->link_layer_length; i++)
        text_printf(&d->lines, "%s%02x", i > 0 ? ":" : "", message->link_layer[i]);
    text_add_char(&d->lines, '"');
}

static void add_proxy(struct decoding *d, const struct mobility_message *message)
{
    char prefix[IP_PREFIX_TEXT_SIZE];
    if (message->home_prefix.bits > 0)
        text_printf(&d->lines, ",\"home_prefix\":\"%s\"",
                    ip_prefix_format(&message->home_prefix, prefix));
    else
        text_add(&d->lines, ",\"home_prefix\":null");
    text_add(&d->lines, ",\"mn_id\":");
    if (message->node_id != NULL)
        text_add_json(&d->lines, (const char *)message->node_id, message->node_id_length);
    else
        text_add(&d->lines, "null");
    add_link_layer(d, message);
    add_mac(d, "mac", message->mac);
}

static void print_binding(struct decoding *d, const struct binding *binding, bool whole)
{
    static const char *const checksums[] = {"none", "right", "wrong"};
    const struct mobility_message *message = &binding->message;
    begin(d, "binding", binding_word(binding));
    add_ip(d, "home_address", &binding->home_address);
    add_ip(d, "care_of", &binding->care_of);
    add_ip(d, "home_agent", &binding->home_agent);
    add_ip(d, "correspondent", &binding->correspondent);
    add_number(d, "sequence", message->sequenced, message->sequence);
    add_number(d, "lifetime_seconds", message->timed, message->lifetime_seconds);
    add_number(d, "status", message->judged, message->status);
    add_flags(d, message);
    add_proxy(d, message);
    add_ip(d, "ipv4_home_address", &message->ipv4_home);
    text_printf(&d->lines, ",\"behind\":%s",
                binding->opened          ? "\"esp_null\""
                : binding->authenticated ? "\"ah\""
                                         : "null");
    text_printf(&d->lines,
                ",\"deregistration\":%s,\"draft\":%s,\"checksum\":\"%s\",\"whole\":%s}\n",
                binding->deregistration ? "true" : "false", message->old ? "true" : "false",
                checksums[binding->checksum], whole ? "true" : "false");
    d->counts->bindings++;
}

static void print_announcement(struct decoding *d, const struct announcement *announcement)
{
    begin(d, "announcement", announcement_word(announcement->kind));
    add_mac(d, "mac", announcement->mac);
    add_number(d, "vlan", announcement->vlan != 0, announcement->vlan);
    add_ip(d, "address", &announcement->address);
    add_mac(d, "sender", announcement->sender);
    text_add(&d->lines, "}\n");
    d->counts->announcements++;
}

/* --- frames --- */

static void decode_datagram(struct decoding *d, const struct ip_packet *packet)
{
    struct udp_datagram udp;
    bool waits = packet->part.bytes != NULL && packet->part.length == packet->part.wire_length;
    if (waits || !ip_packet_udp(packet, &udp))
        return;
    for (const struct port_decoder *known = port_decoders; known->decode != NULL; known++) {
        if (known->port != ANY_PORT && udp.destination_port != known->port &&
            udp.source_port != known->port)
            continue;
        const struct decode_datagram datagram = {.frame = d->packet->number,
                                                 .at = d->packet->at,
                                                 .source = packet->source,
                                                 .destination = packet->destination,
                                                 .source_port = udp.source_port,
                                                 .destination_port = udp.destination_port,
                                                 .bytes = udp.payload,
                                                 .length = udp.length,
                                                 .cut = udp.cut};
        const char *why = "";
        size_t before = d->lines.length;
        if (known->decode(&datagram, d->secrets, &d->lines, &why) != 0)
            add_note(d, "the datagram", why);
        else if (known->port == ANY_PORT && d->lines.length == before)
            continue;
        return;
    }
}

static void see_packet(void *aux, const struct ethernet_frame *frame,
                       const struct ip_packet *packet)
{
    struct decoding *d = aux;
    struct binding binding;
    struct announcement announcement;
    enum wire_fault fault;
    int said = binding_read(packet, &binding, &fault);
    if (said < 0)
        add_note(d, "the Mobile IPv6 message", wire_fault_text(fault));
    if (said > 0 || (said < 0 && binding.message.begun))
        print_binding(d, &binding, said > 0);
    if (announcement_read_nd(frame, packet, &announcement))
        print_announcement(d, &announcement);
    decode_datagram(d, packet);
}

static void see_frame(void *aux, const struct ethernet_frame *frame)
{
    struct decoding *d = aux;
    struct announcement announcement;
    struct neighbour_frame neighbour;
    if (frame->sealed && d->sealed++ == 0)
        fprintf(d->notes, "%s: frame %" PRIu64 " is protected by its link (encrypted)\n", d->path,
                d->packet->number);
    if (announcement_read_arp(frame, &announcement))
        print_announcement(d, &announcement);
    if (!neighbour_frame_read(frame, &neighbour))
        return;
    decode_neighbour_print(&neighbour, d->packet->number, frame->source, &d->lines);
    if (neighbour.broken)
        add_note(d, "the neighbour's message", "has a malformed part");
}

/* Whether something would have been told of a packet that did not come whole. */
static bool was_wanted(const struct ip_packet *packet)
{
    switch (packet->part.next) {
    case IP_PROTOCOL_MOBILITY:
    case IP_PROTOCOL_OLD_MOBILITY:
    case IP_PROTOCOL_DESTINATION:
    case IP_PROTOCOL_ROUTING:
        return true;
    case IP_PROTOCOL_UDP:
        return packet->length >= 4 && (decode_radius_is_port(bytes_u16(packet->payload)) ||
                                       decode_radius_is_port(bytes_u16(packet->payload + 2)) ||
                                       bytes_u16(packet->payload + 2) == SNMP_TRAP_PORT);
    default:
        return false;
    }
}

static void see_lost(void *aux, const struct ip_packet *packet, uint64_t number)
{
    if (was_wanted(packet))
        add_note_of(aux, number, "of its packet's fragments", "some are missing");
}

/* Frames of one link type that is not read are one line, with their number at the end. */
static void pass_over(struct decoding *d)
{
    if (d->unread++ > 0)
        return;
    d->unread_link = d->packet->link_number;
    fprintf(d->notes, "%s: frame %" PRIu64 " is of link type %u (%s), which is not read\n", d->path,
            d->packet->number, d->unread_link, capture_link_name(d->unread_link));
}

static void decode_packet(struct decoding *d)
{
    const struct packet_visitor visitor = {.frame = see_frame,
                                           .packet = see_packet,
                                           .aux = d,
                                           .old_options = true,
                                           .overlays = true,
                                           .datagrams = true,
                                           .reassembly = d->reassembly,
                                           .number = d->packet->number,
                                           .at = d->packet->at};
    d->counts->frames++;
    if (d->packet->link == LINK_UNKNOWN) {
        pass_over(d);
        return;
    }
    enum wire_fault fault =
        packet_walk(d->packet->link, d->packet->bytes, d->packet->captured, &visitor);
    if (fault != WIRE_OK)
        add_note(d, "it", wire_fault_text(fault));
    flush(d, FLUSH_BYTES);
}

/* A capture of which nothing can be read is an error, as in the classic format. */
static int judge_links(struct decoding *d, struct err *err)
{
    if (d->unread == 0)
        return 0;
    if (d->unread == d->packet->number)
        return err_set(err, ERR_UNSUPPORTED, "%s: link type %u (%s) is not read", d->path,
                       d->unread_link, capture_link_name(d->unread_link));
    fprintf(d->notes, "%s: %" PRIu64 " of %" PRIu64 " frames are of link types that are not read\n",
            d->path, d->unread, d->packet->number);
    return 0;
}

int decode_capture(const char *path, const struct decode_secrets *secrets, FILE *out, FILE *notes,
                   struct decode_capture_counts *counts, struct err *err)
{
    struct capture_file *file;
    struct capture_packet packet;
    int status = capture_file_open(path, &file, err);
    if (status != 0)
        return status;
    struct decoding d = {.secrets = secrets,
                         .packet = &packet,
                         .lines = TEXT_EMPTY,
                         .out = out,
                         .notes = notes,
                         .path = path,
                         .piped = capture_file_is_piped(file),
                         .counts = counts};
    d.reassembly = reassembly_new(see_lost, &d);
    while ((status = capture_file_next(file, &packet, err)) == 1)
        decode_packet(&d);
    reassembly_end(d.reassembly);
    reassembly_free(d.reassembly);
    flush(&d, 0);
    if (d.noted > DECODE_CAPTURE_NOTES)
        fprintf(notes, "%s: %" PRIu64 " frames in all were not right\n", path, d.noted);
    if (d.sealed > 0)
        fprintf(notes, "%s: %" PRIu64 " of %" PRIu64 " frames are protected and cannot be read\n",
                path, d.sealed, packet.number);
    if (status == 0)
        status = judge_links(&d, err);
    text_done(&d.lines);
    capture_file_close(file);
    return status;
}
