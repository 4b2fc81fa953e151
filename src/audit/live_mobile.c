/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/live_mobile.h"

#include <stdlib.h>
#include <string.h>

#include "audit/render.h"
#include "base/alloc.h"
#include "base/hash.h"
#include "base/limits.h"

/* Identities that are addresses: what was said of each, and words for it. */

static uint64_t key_of(const struct ip *address)
{
    return hash_bytes(address->octets, sizeof address->octets, hash_seed()) >> 1;
}

/* One packet that was overheard can be forged by anyone: the next will tell. */
enum { SIGNS_ENOUGH = 2 };

static struct mobile_node *find(const struct live *live, const struct ip *home)
{
    uint32_t number =
        live->mobile_count > 0 ? map_find(&live->mobile_of, key_of(home)) : MAP_NO_VALUE;
    return number != MAP_NO_VALUE && ip_equal(&live->mobiles[number].home, home)
               ? &live->mobiles[number]
               : NULL;
}

static struct mobile_node *find_or_add(struct live *live, const struct ip *home)
{
    struct mobile_node *known = find(live, home);
    if (known != NULL)
        return known;
    uint32_t number = live->mobile_free;
    if (number != WORLD_NONE) {
        live->mobile_free = live->mobiles[number].next_free;
    } else if (live->mobile_count < LIMIT_LIVE_MOBILES) {
        live->mobiles = alloc_grow(live->mobiles, live->mobile_count, &live->mobile_capacity,
                                   sizeof *live->mobiles);
        number = (uint32_t)live->mobile_count++;
    } else {
        live->counts.full++;
        return NULL;
    }
    live->mobiles[number] = (struct mobile_node){.home = *home,
                                                 .mac = MAC_NONE,
                                                 .first = WALL_UNKNOWN,
                                                 .said = WALL_UNKNOWN,
                                                 .placed = WALL_UNKNOWN,
                                                 .agent_said = WALL_UNKNOWN,
                                                 .nas = PRESENCE_NONE};
    map_put(&live->mobile_of, key_of(home), number);
    return &live->mobiles[number];
}

static void forget(struct live *live, struct mobile_node *node)
{
    map_put(&live->mobile_of, key_of(&node->home), MAP_NO_VALUE);
    *node = (struct mobile_node){.next_free = live->mobile_free};
    live->mobile_free = (uint32_t)(node - live->mobiles);
}

/* --- judging --- */

static struct mobile_records records_of(const struct live *live)
{
    const struct live_base *base = live->base;
    return (struct mobile_records){
        .index = base->subnets,
        .world = base->world,
        .agents = live->agents,
        .agent_count = live->agent_count,
        .unread = base->world->unread_records != NULL ? base->world->unread_records->source : NULL};
}

static struct mobile_answer ask(const struct live *live, const struct mobile_node *node,
                                enum mobile_trigger trigger, unsigned others)
{
    const struct mobile_records records = records_of(live);
    const struct mobile_question question = {.trigger = trigger,
                                             .home = ip_prefix_of(&node->home, IP_BITS),
                                             .mac = node->mac,
                                             .care_of = node->care_of,
                                             .agent = node->agent,
                                             .others = others};
    return mobile_judge(&records, &question);
}

static const struct ip *subject_of(const struct mobile_node *node, enum discrepancy_kind kind)
{
    return kind == DISCREPANCY_UNKNOWN_AGENT ? &node->agent : &node->home;
}

static const char *identity_of(enum discrepancy_kind kind, const struct ip *address,
                               struct arena *arena)
{
    char text[IP_TEXT_SIZE];
    return arena_printf(arena, "%s address:%s default", discrepancy_word(kind),
                        ip_format(address, text));
}

static void add_change(struct live *live, struct live_out *out, enum live_change_kind change,
                       enum discrepancy_kind kind, const struct mobile_node *node,
                       enum mobile_trigger trigger, bool observed)
{
    out->said = alloc_grow(out->said, out->said_count, &out->said_capacity, sizeof *out->said);
    out->said[out->said_count] =
        (struct mobile_said){.node = *node, .kind = kind, .trigger = trigger, .others = 0};
    out->changes =
        alloc_grow(out->changes, out->change_count, &out->change_capacity, sizeof *out->changes);
    out->changes[out->change_count++] =
        (struct live_change){.kind = change,
                             .what = kind,
                             .identity = identity_of(kind, subject_of(node, kind), out->arena),
                             .observed = observed,
                             .verdict = LIVE_SAID | (uint32_t)out->said_count++};
}

/* Counts one node more, or less, that has the unknown agent; returns how many there are. */
static uint32_t count_users(struct live *live, const struct ip *agent, bool more)
{
    uint64_t key = key_of(agent);
    uint32_t known = live->agent_users.count > 0 ? map_find(&live->agent_users, key) : MAP_NO_VALUE;
    uint32_t users = known == MAP_NO_VALUE ? 0 : known;
    users = more ? users + 1 : users > 0 ? users - 1 : 0;
    map_put(&live->agent_users, key, users > 0 ? users : MAP_NO_VALUE);
    return users;
}

/* As compare(), of the node's agent: one case, whoever has it. */
static void compare_agent(struct live *live, struct mobile_node *node, bool is, bool confirmed,
                          enum mobile_trigger trigger, bool observed, struct live_out *out)
{
    bool was = node->standing >> DISCREPANCY_UNKNOWN_AGENT & 1;
    struct mobile_node shown = *node;
    if (was && (!is || !ip_equal(&node->told_agent, &node->agent))) {
        was = false;
        shown.agent = node->told_agent;
        node->trigger = trigger;
        if (count_users(live, &node->told_agent, false) == 0)
            add_change(live, out, LIVE_GONE, DISCREPANCY_UNKNOWN_AGENT, &shown, trigger, observed);
    }
    bool stronger = was && confirmed && !node->confirmed;
    if (!is || (was && !stronger))
        return;
    shown.agent = node->told_agent = node->agent;
    shown.confirmed = confirmed;
    node->trigger = trigger;
    if (was || count_users(live, &node->agent, true) == 1)
        add_change(live, out, was ? LIVE_CHANGED : LIVE_OPENED, DISCREPANCY_UNKNOWN_AGENT, &shown,
                   trigger, observed);
}

/* Makes exactly `kinds` stand of the node, and tells the difference. */
static void compare(struct live *live, struct mobile_node *node, uint64_t kinds, bool confirmed,
                    enum mobile_trigger trigger, bool observed, struct live_out *out)
{
    compare_agent(live, node, kinds >> DISCREPANCY_UNKNOWN_AGENT & 1, confirmed, trigger, observed,
                  out);
    for (int kind = 0; kind < DISCREPANCY_KIND_COUNT; kind++) {
        uint64_t bit = UINT64_C(1) << kind;
        if (kind == DISCREPANCY_UNKNOWN_AGENT)
            continue;
        bool was = node->standing & bit, is = kinds & bit;
        bool stronger = was && is && confirmed && !node->confirmed;
        if (was == is && !stronger)
            continue;
        node->trigger = trigger;
        struct mobile_node shown = *node;
        shown.confirmed = confirmed;
        add_change(live, out,
                   !is   ? LIVE_GONE
                   : was ? LIVE_CHANGED
                         : LIVE_OPENED,
                   (enum discrepancy_kind)kind, &shown, trigger, observed);
    }
    node->standing = kinds;
    node->confirmed = kinds != 0 && (node->confirmed || confirmed);
}

/* A MAC of the guest is on the wire as well (F20): its own sessions and its silence know. */
static void touch_guest(struct live *live, const struct mobile_answer *answer,
                        const struct presence_sign *sign, struct wall now, struct live_out *out)
{
    const struct world *world = live->base->world;
    if (answer->nic >= world->nic_count || answer->communicates != YES)
        return;
    struct mac mac = world_nic_mac(world, answer->nic);
    if (!mac_known(mac))
        return;
    struct presence_sign joined = *sign;
    struct presence_row row;
    joined.id = presence_mac(mac);
    const struct heard_origin *heard = live_origin(live, sign->place);
    const struct heard_origin origin = {.source = heard != NULL ? heard->source : "mobile_ip",
                                        .type = heard != NULL ? heard->type : "mobile_ip"};
    joined.place = live_origin_of(live, &origin, live_origin_key(&origin)); /* no keeper, no port */
    (void)presence_update(live->presence, &joined, now, &row);
    if (!live_is_in_order(live, mac, joined.place))
        live_judge(live, mac, now, "arrival", out);
    else
        live_note_recent(live, mac.bits); /* of a round that is being judged */
    live_watch_heard(live, mac.bits, now, out);
}

static void judge_arrival(struct live *live, struct mobile_node *node,
                          const struct presence_sign *sign, struct wall now, struct live_out *out)
{
    struct mobile_answer answer = ask(live, node, MOBILE_ARRIVAL, 0);
    uint64_t kinds = 0;
    for (unsigned i = 0; i < answer.finding_count; i++)
        kinds |= UINT64_C(1) << answer.findings[i];
    int64_t lag = live->base->world->options.inventory_lag.us;
    bool lasted = now.us - node->first.us > lag && live->base->records_us >= node->first.us + lag;
    compare(live, node, kinds, lasted, MOBILE_ARRIVAL, true, out);
    if (sign != NULL)
        touch_guest(live, &answer, sign, now, out);
}

/* Notes whose word was the latest. */
static void hear_keeper(struct mobile_node *node, const struct presence_sign *sign)
{
    if (wall_known(node->said) && sign->at.us < node->said.us)
        return;
    node->said = sign->at;
    node->nas = sign->nas;
}

/* Takes what a word says of its node, unless a later word said otherwise. Returns whether it is
 * one more sign of the place that is known. */
static bool take_word(struct live *live, struct mobile_node *node, const struct event *event,
                      const struct presence_sign *sign, struct wall now)
{
    bool late = wall_known(node->placed) && sign->at.us < node->placed.us;
    bool repeated = wall_known(node->placed) && sign->at.us == node->placed.us && node->signs > 0;
    bool moved = ip_known(&event->care_of) && !ip_equal(&node->care_of, &event->care_of);
    if (mac_known(event->mac))
        node->mac = event->mac;
    if (ip_known(&event->agent) &&
        (!wall_known(node->agent_said) || sign->at.us >= node->agent_said.us)) {
        node->agent = event->agent;
        node->agent_said = sign->at;
    }
    if (late && moved)
        return false;
    if (moved || node->signs == 0)
        node->first = now;
    if (moved) {
        node->care_of = event->care_of;
        node->signs = 0;
    }
    if (!late)
        node->placed = sign->at;
    hear_keeper(node, sign);
    node->last = now;
    node->origin = live_origin(live, sign->place);
    return moved || !repeated;
}

void live_mobile_arrive(struct live *live, const struct event *event,
                        const struct presence_sign *sign, struct wall now, struct live_out *out)
{
    struct mobile_node *node = find_or_add(live, &event->address);
    if (node == NULL)
        return;
    if (take_word(live, node, event, sign, now))
        node->signs += node->signs < UINT32_MAX;
    if (event->proof == EVENT_PROOF_TOLD && node->signs < SIGNS_ENOUGH)
        node->signs = SIGNS_ENOUGH;
    if (live->base == NULL)
        return;
    if (node->signs < SIGNS_ENOUGH) {
        live->counts.unborne++;
        return;
    }
    judge_arrival(live, node, sign, now, out);
}

void live_mobile_ended(struct live *live, const struct event *event,
                       const struct presence_sign *sign, struct wall ended)
{
    struct mobile_node *node = find_or_add(live, &event->address);
    if (node == NULL)
        return;
    uint32_t signs = node->signs;
    (void)take_word(live, node, event, sign, ended);
    node->signs = signs; /* of a place that it has left */
    if (node->said.us < ended.us)
        node->said = ended;
}

bool live_mobile_is_late(const struct live *live, const struct event *event,
                         const struct presence_sign *sign)
{
    const struct mobile_node *node = find(live, &event->address);
    if (node == NULL)
        return false;
    bool agents = ip_known(&event->agent) && wall_known(node->agent_said);
    return (agents && sign->at.us < node->agent_said.us) ||
           (node->nas == sign->nas && wall_known(node->said) && sign->at.us < node->said.us);
}

void live_mobile_stop(struct live *live, const struct event *event,
                      const struct presence_sign *sign, struct live_out *out)
{
    struct mobile_node *node = find(live, &event->address);
    if (node == NULL)
        return;
    bool agents = ip_known(&event->agent) && ip_equal(&event->agent, &node->agent);
    bool elsewhere = presence_find(live->presence, sign->id, false, NULL, 0) > 0;
    if (agents && sign->at.us > node->agent_said.us)
        node->agent_said = sign->at;
    bool late = wall_known(node->placed) && sign->at.us < node->placed.us;
    hear_keeper(node, sign);
    if (elsewhere && (late || !agents))
        return; /* what it has with others goes on */
    node->signs = 0;
    /* it left the place that was wrong; whether it should have is judged when it has settled */
    if (live->base != NULL)
        compare(live, node, 0, false, MOBILE_STOP, true, out);
}

void live_mobile_due(struct live *live, const struct presence_due *due, struct wall now,
                     struct live_out *out)
{
    struct mobile_node *node = find(live, &due->row.id.address);
    if (node == NULL || due->others > 0)
        return;
    if (live->base == NULL) {
        forget(live, node);
        return;
    }
    enum mobile_trigger trigger = due->row.end == PRESENCE_EXPIRED ? MOBILE_EXPIRY : MOBILE_STOP;
    struct mobile_answer answer = ask(live, node, trigger, due->others);
    uint64_t kinds = 0;
    for (unsigned i = 0; i < answer.finding_count; i++)
        kinds |= UINT64_C(1) << answer.findings[i];
    node->last = due->row.heard;
    compare(live, node, kinds, false, trigger, trigger == MOBILE_STOP, out);
    node->signs = 0;
    if (kinds == 0)
        forget(live, node);
}

static void judge_ended(struct live *live, struct mobile_node *node, struct live_out *out)
{
    enum mobile_trigger trigger = (enum mobile_trigger)node->trigger;
    struct mobile_answer answer = ask(live, node, trigger, 0);
    uint64_t kinds = 0;
    for (unsigned k = 0; k < answer.finding_count; k++)
        kinds |= UINT64_C(1) << answer.findings[k];
    bool lasted =
        live->base->records_us - node->last.us > live->base->world->options.inventory_lag.us;
    compare(live, node, kinds, lasted, trigger, true, out);
    if (kinds == 0)
        forget(live, node);
}

/* Tells which agents of open cases of an earlier run are nobody's any more. */
static void leave_agents(struct live *live, struct live_out *out)
{
    for (size_t i = 0; i < live->left_agent_count; i++) {
        const struct mobile_node shown = {.agent = live->left_agents[i]};
        if (live->agent_users.count > 0 &&
            map_find(&live->agent_users, key_of(&shown.agent)) != MAP_NO_VALUE)
            continue;
        add_change(live, out, LIVE_GONE, DISCREPANCY_UNKNOWN_AGENT, &shown, MOBILE_STOP, false);
    }
    live->left_agent_count = 0;
    map_done(&live->left_of);
}

void live_mobile_world(struct live *live, struct wall now, struct live_out *out)
{
    enum { LOOKS_A_TICK = 1024, JUDGED_A_TICK = 16 };
    unsigned judged = 0;
    leave_agents(live, out);
    for (int i = 0; i < LOOKS_A_TICK && judged < JUDGED_A_TICK; i++) {
        if (live->mobile_next == live->mobile_count)
            return;
        struct mobile_node *node = &live->mobiles[live->mobile_next++];
        /* What came before there was a world, and what the records now say otherwise. */
        if (!ip_known(&node->home) || (node->standing == 0 && node->signs == 0) ||
            (node->signs > 0 && node->signs < SIGNS_ENOUGH))
            continue;
        judged++;
        if (node->signs > 0)
            judge_arrival(live, node, NULL, now, out);
        else
            judge_ended(live, node, out);
    }
}

/* --- an earlier run --- */

/* The agent of an open case, which the node has, if it is who keeps the binding. */
static void restore_agent(struct live *live, struct mobile_node *node,
                          const struct live_binding *binding)
{
    struct ip peer;
    bool older = wall_known(node->agent_said) && node->agent_said.us >= binding->said.us;
    if (older || live->left_of.count == 0 ||
        ip_parse(binding->peer, strlen(binding->peer), &peer) != 0 ||
        map_find(&live->left_of, key_of(&peer)) == MAP_NO_VALUE)
        return;
    if (node->standing >> DISCREPANCY_UNKNOWN_AGENT & 1) /* by an older binding */
        (void)count_users(live, &node->told_agent, false);
    node->agent = node->told_agent = peer;
    node->agent_said = binding->said;
    node->standing |= UINT64_C(1) << DISCREPANCY_UNKNOWN_AGENT;
    (void)count_users(live, &peer, true);
}

void live_restore_binding(struct live *live, const struct live_binding *binding,
                          const struct heard_origin *origin)
{
    struct mobile_node *node = find_or_add(live, &binding->home);
    if (node == NULL)
        return;
    restore_agent(live, node, binding);
    if (wall_known(node->placed) && node->placed.us > binding->said.us)
        return;
    node->care_of = binding->care_of;
    if (mac_known(binding->mac))
        node->mac = binding->mac;
    node->placed = node->said = node->first = binding->said; /* it may have moved just then */
    node->last = binding->last;
    node->nas = live_nas_of(live, origin->type, origin->nas);
    node->origin = live_origin(live, live_origin_of(live, origin, live_origin_key(origin)));
    node->signs = binding->borne_out ? SIGNS_ENOUGH : 1;
}

void live_restore_stood(struct live *live, enum discrepancy_kind kind, const struct ip *address,
                        bool confirmed)
{
    if (kind == DISCREPANCY_UNKNOWN_AGENT) {
        if (live->left_agent_count >= LIMIT_LIVE_MOBILES)
            return;
        live->left_agents = alloc_grow(live->left_agents, live->left_agent_count,
                                       &live->left_agent_capacity, sizeof *live->left_agents);
        map_put(&live->left_of, key_of(address), (uint32_t)live->left_agent_count);
        live->left_agents[live->left_agent_count++] = *address;
        return;
    }
    struct mobile_node *node = find_or_add(live, address);
    if (node == NULL)
        return;
    if (node->signs == 0) { /* gone since, unless its binding is put back */
        node->trigger = kind == DISCREPANCY_UNEXPECTED_STOP ? MOBILE_STOP : MOBILE_EXPIRY;
        node->first = node->last = live->now;
    }
    node->standing |= UINT64_C(1) << kind;
    node->confirmed = node->confirmed || confirmed;
}

void live_set_agents(struct live *live, const struct ip *agents, size_t count)
{
    free(live->agents);
    live->agents = alloc_array(count + 1, sizeof *live->agents);
    if (count > 0)
        memcpy(live->agents, agents, count * sizeof *agents);
    live->agent_count = count;
}

/* --- words --- */

static const char *row_text(const struct live_base *base, struct record_ref ref,
                            struct arena *arena)
{
    return arena_printf(arena, "by source %s", subnet_set(base->subnets, ref)->source);
}

static const char *why(const struct live_base *base, const struct mobile_said *said,
                       const struct mobile_answer *answer, struct arena *arena)
{
    char home[IP_TEXT_SIZE], care_of[IP_TEXT_SIZE], agent[IP_TEXT_SIZE];
    char subnet[IP_PREFIX_TEXT_SIZE], expected[IP_PREFIX_TEXT_SIZE] = "";
    const struct mobile_node *node = &said->node;
    const char *who =
        answer->guest != NULL
            ? arena_printf(arena, "guest %s (%s)", answer->guest, ip_format(&node->home, home))
            : arena_printf(arena, "%s", ip_format(&node->home, home));
    ip_format(&node->care_of, care_of);
    ip_format(&node->agent, agent);
    if (answer->expected_count > 0)
        ip_prefix_format(&answer->expected[0].prefix, expected);
    switch (said->kind) {
    case DISCREPANCY_UNKNOWN_MOBILE:
        return arena_printf(arena, "%s registers as a mobile node at %s and is in no record", who,
                            care_of);
    case DISCREPANCY_UNKNOWN_AGENT:
        return arena_printf(arena, "%s acts as the home agent of %s and is in no record", agent,
                            who);
    case DISCREPANCY_WRONG_SUBNET:
        return arena_printf(arena, "%s is at %s in subnet %s%s, recorded for it %s%s", who, care_of,
                            ip_prefix_format(&answer->subnet, subnet),
                            answer->subnet_assumed ? " (assumed)" : "",
                            answer->expected_count > 1 ? "are others, such as " : "is ", expected);
    case DISCREPANCY_OFF_BUT_SEEN:
        return arena_printf(arena, "%s is recorded %s, yet it registers as a mobile node at %s",
                            who, run_state_word(answer->state), care_of);
    case DISCREPANCY_UNEXPECTED_STOP:
        return arena_printf(arena,
                            "%s is recorded %s, but its binding has ended and nothing of it was "
                            "heard since",
                            who, run_state_word(answer->state));
    default:
        return arena_printf(arena,
                            "%s is recorded %s, but its binding was not renewed in time and "
                            "nothing of it was heard since",
                            who, run_state_word(answer->state));
    }
}

static void add_evidence(const struct live_base *base, const struct mobile_said *said,
                         const struct mobile_answer *answer, struct arena *arena,
                         struct discrepancy *ret)
{
    char home[IP_TEXT_SIZE], care_of[IP_TEXT_SIZE], agent[IP_TEXT_SIZE], first[CLOCK_TEXT_SIZE];
    const struct mobile_node *node = &said->node;
    struct chain chain = {.arena = arena};
    char prefix[IP_PREFIX_TEXT_SIZE];
    if (answer->join != MOBILE_JOIN_NONE)
        chain_add(&chain, "recorded", subnet_set(base->subnets, answer->found)->source,
                  subnet_set(base->subnets, answer->found)->as_of,
                  arena_printf(arena, "%s is recorded, found by its %s",
                               answer->guest != NULL ? answer->guest : ip_format(&node->home, home),
                               answer->join == MOBILE_JOIN_MAC      ? "link-layer address"
                               : answer->join == MOBILE_JOIN_PREFIX ? "home prefix"
                                                                    : "home address"));
    for (size_t i = 0; i < answer->expected_count && i < 8; i++)
        chain_add(&chain, "recorded", subnet_set(base->subnets, answer->expected[i].ref)->source,
                  subnet_set(base->subnets, answer->expected[i].ref)->as_of,
                  arena_printf(arena, "its subnet is %s, %s",
                               ip_prefix_format(&answer->expected[i].prefix, prefix),
                               row_text(base, answer->expected[i].ref, arena)));
    chain_add(&chain, "observed", node->origin != NULL ? node->origin->type : "", node->last,
              arena_printf(arena, "home address %s, care-of address %s, home agent %s, since %s",
                           ip_format(&node->home, home), ip_format(&node->care_of, care_of),
                           ip_known(&node->agent) ? ip_format(&node->agent, agent) : "not known",
                           wall_format_ms(node->first, first)));
    chain_add(&chain, "rule", discrepancy_word(said->kind), WALL_UNKNOWN,
              "a mobile node is where the subnet of its care-of address is");
    ret->evidence = chain_end(&chain);
    ret->evidence_count = chain.count;
}

void live_mobile_render(const struct live *live, const struct mobile_said *said,
                        struct arena *arena, struct discrepancy *ret)
{
    const struct mobile_node *node = &said->node;
    struct mobile_answer answer = ask(live, node, said->trigger, said->others);
    struct observed_place *place = arena_alloc(arena, sizeof *place);
    *place = (struct observed_place){.vlan = "",
                                     .from = node->first,
                                     .to = node->last,
                                     .source = node->origin != NULL ? node->origin->type : ""};
    *ret = (struct discrepancy){
        .kind = said->kind,
        .state = node->confirmed ? VERDICT_CONFIRMED : VERDICT_SUSPECTED,
        .severity = discrepancy_severity(said->kind),
        .domain = "default",
        .identity = identity_of(said->kind, subject_of(node, said->kind), arena),
        .subject = {.mac = node->mac, .address = *subject_of(node, said->kind)},
        .observed = place,
        .observed_count = 1,
        .would_prove = node->confirmed ? ""
                                       : "the same heard later, with the records read again after "
                                         "they had time to follow"};
    if (answer.guest != NULL && said->kind != DISCREPANCY_UNKNOWN_AGENT)
        ret->subject.guest = arena_text(arena, answer.guest, strlen(answer.guest));
    if (answer.state != RUN_STATE_UNKNOWN)
        ret->run_state = run_state_word(answer.state);
    ret->why = why(live->base, said, &answer, arena);
    add_evidence(live->base, said, &answer, arena, ret);
}
