/* SPDX-License-Identifier: Apache-2.0 */
#include "source/announce.h"

#include "base/limits.h"
#include "source/mac_census.h"
#include "source/sniffer.h"
#include "wire/announcement.h"
#include "wire/packet_walk.h"

enum { REPEAT_SECONDS = 1 };

struct announce_config {
    struct sniffer_place from;
    char *switch_name, *port;
    bool census;
    struct span again;
    int64_t rate, mirror_vlan;
};

#define FIELD(name) .offset = offsetof(struct announce_config, name)

static const struct config_option options[] = {
    SNIFFER_OPTIONS(struct announce_config),
    {.name = "switch",
     .type = OPTION_TEXT,
     FIELD(switch_name),
     .help = "Name of the switch whose ports are mirrored."},
    {.name = "port",
     .type = OPTION_TEXT,
     FIELD(port),
     .help = "The mirrored port, where it is only one."},
    {.name = "census",
     .type = OPTION_BOOL,
     FIELD(census),
     .default_text = "no",
     .help = "Take the source address of every frame, not of announcements only."},
    {.name = "again",
     .type = OPTION_SPAN,
     FIELD(again),
     .default_text = "60s",
     .low = 1000000,
     .high = INT64_C(86400) * 1000000,
     .help = "An address that the census knows and that still talks is told at most this often."},
    {.name = "rate",
     .type = OPTION_INTEGER,
     FIELD(rate),
     .default_text = "500",
     .low = 1,
     .high = 1000000,
     .help = "New addresses of one VLAN that are told in a second; more are counted only."},
    {.name = "mirror_vlan",
     .type = OPTION_INTEGER,
     FIELD(mirror_vlan),
     .default_text = "0",
     .low = 0,
     .high = 4094,
     .help = "VLAN in which RSPAN carries the mirror: a frame with no other tag is untagged."},
    {.name = NULL},
};

struct announce {
    const struct announce_config *config;
    struct env *env;
    struct event_feed *feed;
    struct sniffer *sniffer;
    struct mac_census *announced, *sources; /* `sources`: of the census, NULL */
    uint64_t by_kind[ANNOUNCEMENT_UNSOLICITED_ND + 1];
    uint64_t told, repeated, first_frames, still_there, malformed, refused;
    /* Of the frame at hand. */
    const struct capture_packet *packet;
    bool taken;
};

/* The VLAN of the guest, which a mirror's own tag does not tell. */
static uint16_t guest_vlan(const struct announce *source, uint16_t vlan)
{
    return vlan == source->config->mirror_vlan ? 0 : vlan;
}

/* Hands one event over; returns whether it was taken. */
static bool tell(struct announce *source, struct event *event)
{
    event->switch_name = source->config->switch_name;
    event->port = source->config->port;
    event->at = source->packet->at;
    if (event_feed_add(source->feed, event, EVENT_NO_TICKET) == 0)
        return true;
    source->taken = false;
    source->refused++;
    return false;
}

static void hear_announcement(struct announce *source, const struct announcement *heard)
{
    source->by_kind[heard->kind]++;
    uint16_t vlan = guest_vlan(source, heard->vlan);
    enum census_verdict verdict =
        mac_census_hear(source->announced, heard->mac, vlan, source->packet->at);
    if (verdict == CENSUS_KNOWN)
        source->repeated++;
    if (verdict == CENSUS_KNOWN || verdict == CENSUS_SILENCED)
        return;
    bool own = !mac_known(heard->sender) || mac_equal(heard->sender, heard->mac);
    struct event event = event_of(EVENT_ANNOUNCE);
    event.proof = own ? EVENT_PROOF_HEARD : EVENT_PROOF_HINT;
    event.mac = heard->mac;
    event.address = heard->address;
    event.vlan = vlan;
    event.cause = announcement_word(heard->kind);
    if (tell(source, &event)) {
        mac_census_told(source->announced);
        source->told++;
    }
}

static void hear_source(struct announce *source, const struct ethernet_frame *frame)
{
    if (source->sources == NULL || !mac_is_station(frame->source))
        return;
    uint16_t vlan = guest_vlan(source, ethernet_vlan(frame));
    enum census_verdict verdict =
        mac_census_hear(source->sources, frame->source, vlan, source->packet->at);
    if (verdict != CENSUS_NEW && verdict != CENSUS_AGAIN)
        return;
    struct event event = event_of(EVENT_UPDATE);
    event.proof = EVENT_PROOF_HEARD;
    event.mac = frame->source;
    event.vlan = vlan;
    event.cause = verdict == CENSUS_NEW ? "first_frame" : "frame";
    if (tell(source, &event)) {
        mac_census_told(source->sources);
        source->first_frames += verdict == CENSUS_NEW;
        source->still_there += verdict == CENSUS_AGAIN;
    }
}

static void see_frame(void *aux, const struct ethernet_frame *frame)
{
    struct announce *source = aux;
    struct announcement heard;
    if (!source->taken)
        return;
    hear_source(source, frame);
    if (source->taken && announcement_read_arp(frame, &heard))
        hear_announcement(source, &heard);
}

static void see_packet(void *aux, const struct ethernet_frame *frame,
                       const struct ip_packet *packet)
{
    struct announce *source = aux;
    struct announcement heard;
    if (source->taken && announcement_read_nd(frame, packet, &heard))
        hear_announcement(source, &heard);
}

static bool on_packet(void *aux, enum link_type link, const struct capture_packet *packet,
                      unsigned matched)
{
    struct announce *source = aux;
    struct ethernet_frame frame;
    source->packet = packet;
    source->taken = true;
    if ((matched & CAPTURE_ANNOUNCEMENT) == 0) { /* for the census only */
        if (ethernet_read(link, packet->bytes, packet->captured, &frame) == WIRE_OK)
            hear_source(source, &frame);
        return source->taken;
    }
    const struct packet_visitor visitor = {.frame = see_frame, .packet = see_packet, .aux = source};
    enum wire_fault fault = packet_walk(link, packet->bytes, packet->captured, &visitor);
    source->malformed += fault != WIRE_OK;
    return source->taken;
}

static int construct(void *state, const void *config, struct env *env, struct err *err)
{
    struct announce *source = state;
    source->config = config;
    source->env = env;
    if (source->config->port != NULL && source->config->switch_name == NULL)
        return err_set(err, ERR_SYNTAX, "port \"%s\" needs the key switch", source->config->port);
    return sniffer_check(&source->config->from, err);
}

static void stop(void *state)
{
    struct announce *source = state;
    sniffer_close(source->sniffer);
    mac_census_free(source->announced);
    mac_census_free(source->sources);
    source->sniffer = NULL;
    source->announced = source->sources = NULL;
    source->feed = NULL;
}

static void destruct(void *state)
{
    stop(state);
}

static int start(void *state, struct event_feed *feed, struct err *err)
{
    struct announce *source = state;
    const struct announce_config *config = source->config;
    const unsigned wants = CAPTURE_ANNOUNCEMENT | (config->census ? CAPTURE_CENSUS : 0);
    source->feed = feed;
    source->announced = mac_census_new(span_seconds(REPEAT_SECONDS), (uint32_t)config->rate);
    if (config->census)
        source->sources = mac_census_new(config->again, (uint32_t)config->rate);
    int status = sniffer_open(source->env, feed, &config->from, wants, on_packet, source,
                              &source->sniffer, err);
    if (status != 0)
        stop(source);
    return status;
}

static void status(void *state, struct source_status *ret)
{
    struct announce *source = state;
    ret->count = 0;
    sniffer_status(source->sniffer, ret);
    for (int i = 0; i <= ANNOUNCEMENT_UNSOLICITED_ND; i++)
        sniffer_add_counter(ret, announcement_word((enum announcement_kind)i), source->by_kind[i],
                            false);
    sniffer_add_counter(ret, "announcements", source->told, false);
    sniffer_add_counter(ret, "repeated", source->repeated, false);
    sniffer_add_counter(ret, "malformed", source->malformed, false);
    sniffer_add_counter(ret, "events_refused", source->refused, true);
    if (source->announced != NULL) {
        const struct census_counters *announced = mac_census_counters(source->announced);
        sniffer_add_counter(ret, "announcements_silenced", announced->silenced, true);
        sniffer_add_counter(ret, "announcements_over_limit", announced->over_all, true);
        sniffer_add_counter(ret, "announcements_again_silenced", announced->put_off, true);
    }
    if (source->sources == NULL)
        return;
    const struct census_counters *census = mac_census_counters(source->sources);
    sniffer_add_counter(ret, "addresses", census->known, false);
    sniffer_add_counter(ret, "first_frames", source->first_frames, false);
    sniffer_add_counter(ret, "still_there", source->still_there, false);
    sniffer_add_counter(ret, "still_there_later", census->put_off, false);
    sniffer_add_counter(ret, "addresses_silenced", census->silenced, true);
    sniffer_add_counter(ret, "addresses_over_limit", census->over_all, true);
    sniffer_add_counter(ret, "addresses_evicted", census->evicted, true);
}

const struct event_source_class event_announce = {
    .plug = {.type = "announce",
             .summary = "Gratuitous ARP, RARP and unsolicited Neighbor Advertisements.",
             .options = options,
             .state_size = sizeof(struct announce),
             .config_size = sizeof(struct announce_config),
             .construct = construct,
             .destruct = destruct},
    .start = start,
    .stop = stop,
    .status = status,
};
