/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mobile_ip.h"

#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "source/binding_cache.h"
#include "source/fair_rate.h"
#include "source/sniffer.h"
#include "wire/packet_walk.h"

enum icmp_type {
    ROUTER_ADVERTISEMENT = 134,
    HOME_AGENT_REQUEST = 144,
    HOME_AGENT_REPLY = 145,
    PREFIX_SOLICITATION = 146,
    PREFIX_ADVERTISEMENT = 147
};

enum { ROUTER_FLAGS = 5, ROUTER_HOME_AGENT = 0x20, ROUTER_BYTES = 16, ICMP_BYTES = 8 };

struct mobile_ip_config {
    struct sniffer_place from;
    struct option_list home_agents;
    bool legacy_draft;
    struct span refresh;
};

#define FIELD(name) .offset = offsetof(struct mobile_ip_config, name)

static const struct config_option options[] = {
    SNIFFER_OPTIONS(struct mobile_ip_config),
    {.name = "home_agents",
     .type = OPTION_TEXT_LIST,
     FIELD(home_agents),
     .help = "Addresses of home agents that are known beforehand; others are learnt."},
    {.name = "legacy_draft",
     .type = OPTION_BOOL,
     FIELD(legacy_draft),
     .default_text = "no",
     .help = "Also read the Binding Update destination option of the drafts before RFC 3775."},
    {.name = "refresh",
     .type = OPTION_SPAN,
     FIELD(refresh),
     .default_text = "10s",
     .low = 0,
     .high = INT64_C(3600) * 1000000,
     .help = "A binding that user data proves again is told at most this often."},
    {.name = NULL},
};

struct mobile_ip {
    const struct mobile_ip_config *config;
    struct env *env;
    struct event_feed *feed;
    struct sniffer *sniffer;
    struct binding_cache *cache;
    struct reassembly *reassembly;
    uint64_t starts, told_updates, stops, malformed, fragments_lost, refused, agents_forgotten,
        over_limit;
    struct fair_rate rate;
    /* Of the packet at hand. */
    const struct capture_packet *packet;
    bool taken;
};

/* The home network by its first 64 bits; of a node that is known by MAC alone, that. */
static uint64_t home_of(const struct event *event)
{
    uint64_t prefix = event->mac.bits;
    if (ip_known(&event->address))
        memcpy(&prefix, event->address.octets, sizeof prefix);
    return hash_u64(prefix, hash_seed());
}

/* Hands the event over. What the feed refuses, or what is over the limit, is forgotten by
 * the cache too, so that the next proof of it is told. */
static void tell(struct mobile_ip *source, const struct event *event)
{
    const uint64_t lane = home_of(event);
    if (fair_rate_ask(&source->rate, lane, source->packet->at.us / 1000000) != FAIR_PASS) {
        source->over_limit++;
        return;
    }
    if (event_feed_add(source->feed, event, EVENT_NO_TICKET) != 0) {
        source->taken = false;
        source->refused++;
        return;
    }
    fair_rate_take(&source->rate, lane);
    binding_cache_told(source->cache);
    source->starts += event->kind == EVENT_START;
    source->told_updates += event->kind == EVENT_UPDATE;
    source->stops += event->kind == EVENT_STOP;
}

static void learn_agent(struct mobile_ip *source, const struct ip *agent)
{
    source->agents_forgotten += !binding_cache_agent(source->cache, agent);
}

/* Home agents show themselves by discovery and advertisements. */
static void hear_icmp(struct mobile_ip *source, const struct ip_packet *packet)
{
    const uint8_t *icmp = packet->payload;
    if (packet->version != 6 || packet->protocol != IP_PROTOCOL_ICMPV6 || packet->fragment ||
        packet->again || packet->length < ICMP_BYTES)
        return;
    if (icmp[0] == HOME_AGENT_REPLY || icmp[0] == PREFIX_ADVERTISEMENT)
        learn_agent(source, &packet->source);
    else if (icmp[0] == PREFIX_SOLICITATION)
        learn_agent(source, &packet->destination);
    else if (icmp[0] == ROUTER_ADVERTISEMENT && packet->length >= ROUTER_BYTES &&
             packet->hop_limit == UINT8_MAX && (icmp[ROUTER_FLAGS] & ROUTER_HOME_AGENT) != 0)
        learn_agent(source, &packet->source);
}

static void see_packet(void *aux, const struct ethernet_frame *frame,
                       const struct ip_packet *packet)
{
    struct mobile_ip *source = aux;
    struct binding binding;
    enum wire_fault fault;
    struct event event;
    (void)frame;
    if (!source->taken)
        return;
    hear_icmp(source, packet);
    if (packet->protocol == IP_PROTOCOL_OLD_MOBILITY && !source->config->legacy_draft)
        return;
    int said = binding_read(packet, &binding, &fault);
    source->malformed += said < 0;
    if (said > 0 && binding_cache_hear(source->cache, &binding, source->packet->at, &event))
        tell(source, &event);
}

static bool on_packet(void *aux, enum link_type link, const struct capture_packet *packet,
                      unsigned matched)
{
    struct mobile_ip *source = aux;
    (void)matched;
    const struct packet_visitor visitor = {.packet = see_packet,
                                           .aux = source,
                                           .old_options = source->config->legacy_draft,
                                           .overlays = true,
                                           .reassembly = source->reassembly,
                                           .number = packet->number,
                                           .at = packet->at};
    source->packet = packet;
    source->taken = true;
    enum wire_fault fault = packet_walk(link, packet->bytes, packet->captured, &visitor);
    source->malformed += fault != WIRE_OK;
    if (!source->taken && source->config->from.file != NULL) /* it comes again */
        reassembly_take_back(source->reassembly, packet->number);
    return source->taken;
}

static void lose_fragments(void *aux, const struct ip_packet *packet, uint64_t number)
{
    struct mobile_ip *source = aux;
    (void)packet;
    (void)number;
    source->fragments_lost++;
}

static int construct(void *state, const void *config, struct env *env, struct err *err)
{
    struct mobile_ip *source = state;
    source->config = config;
    source->env = env;
    const struct option_list *agents = &source->config->home_agents;
    if (agents->count > LIMIT_HOME_AGENTS)
        return err_set(err, ERR_LIMIT, "home_agents has %zu addresses, more than the limit of %d",
                       agents->count, LIMIT_HOME_AGENTS);
    for (size_t i = 0; i < agents->count; i++) {
        struct ip agent;
        if (ip_parse(agents->items[i], strlen(agents->items[i]), &agent) != 0)
            return err_set(err, ERR_SYNTAX, "home_agents: \"%s\" is no IP address",
                           agents->items[i]);
    }
    return sniffer_check(&source->config->from, err);
}

static void stop(void *state)
{
    struct mobile_ip *source = state;
    sniffer_close(source->sniffer);
    binding_cache_free(source->cache);
    reassembly_free(source->reassembly);
    source->reassembly = NULL;
    source->sniffer = NULL;
    source->cache = NULL;
    source->feed = NULL;
}

static void destruct(void *state)
{
    stop(state);
}

static int start(void *state, struct event_feed *feed, struct err *err)
{
    struct mobile_ip *source = state;
    const struct mobile_ip_config *config = source->config;
    source->feed = feed;
    source->cache = binding_cache_new(config->refresh);
    fair_rate_init(&source->rate, &(struct fair_settings){LIMIT_BINDING_LANE, LIMIT_BINDING_EVENTS,
                                                          LIMIT_BINDING_BURST});
    source->reassembly = reassembly_new(lose_fragments, source);
    for (size_t i = 0; i < config->home_agents.count; i++) {
        const char *text = config->home_agents.items[i];
        struct ip agent;
        if (ip_parse(text, strlen(text), &agent) == 0)
            learn_agent(source, &agent);
    }
    int status = sniffer_open(source->env, feed, &config->from, CAPTURE_MOBILE, on_packet, source,
                              &source->sniffer, err);
    if (status != 0)
        stop(source);
    return status;
}

static void status(void *state, struct source_status *ret)
{
    struct mobile_ip *source = state;
    ret->count = 0;
    sniffer_status(source->sniffer, ret);
    sniffer_add_counter(ret, "starts", source->starts, false);
    sniffer_add_counter(ret, "refreshes", source->told_updates, false);
    sniffer_add_counter(ret, "stops", source->stops, false);
    sniffer_add_counter(ret, "malformed", source->malformed, false);
    sniffer_add_counter(ret, "fragments_lost", source->fragments_lost, false);
    sniffer_add_counter(ret, "events_refused", source->refused, true);
    sniffer_add_counter(ret, "events_over_limit", source->over_limit, true);
    sniffer_add_counter(ret, "agents_forgotten", source->agents_forgotten, true);
    if (source->cache == NULL)
        return;
    const struct binding_counters *counters = binding_cache_counters(source->cache);
    sniffer_add_counter(ret, "bindings", counters->live, false);
    sniffer_add_counter(ret, "updates", counters->updates, false);
    sniffer_add_counter(ret, "acknowledgements", counters->acks, false);
    sniffer_add_counter(ret, "errors", counters->errors, false);
    sniffer_add_counter(ret, "route_tests", counters->route_tests, false);
    sniffer_add_counter(ret, "other_messages", counters->others, false);
    sniffer_add_counter(ret, "protected", counters->protected, false);
    sniffer_add_counter(ret, "user_data", counters->data, false);
    sniffer_add_counter(ret, "suppressed", counters->suppressed, false);
    sniffer_add_counter(ret, "stale", counters->stale, false);
    sniffer_add_counter(ret, "unidentified", counters->unidentified, false);
    sniffer_add_counter(ret, "bindings_evicted", counters->evicted, true);
}

const struct event_source_class event_mobile_ip = {
    .plug = {.type = "mobile_ip",
             .summary = "Mobile IPv6 signalling on a mirror port or in a capture file.",
             .options = options,
             .state_size = sizeof(struct mobile_ip),
             .config_size = sizeof(struct mobile_ip_config),
             .construct = construct,
             .destruct = destruct},
    .start = start,
    .stop = stop,
    .status = status,
};
