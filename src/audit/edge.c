/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/edge.h"

#include <stdlib.h>
#include <string.h>

#include "audit/edge_class.h"
#include "audit/judge_view.h"
#include "audit/render.h"
#include "base/alloc.h"

const char *edge_confidence_word(enum edge_confidence confidence)
{
    static const char *const words[] = {"unknown", "likely", "certain"};
    return words[confidence];
}

const char *port_class_word(enum port_class class)
{
    static const char *const words[] = {
#define CLASS(word, name) [name] = word,
        PORT_CLASSES(CLASS)
#undef CLASS
    };
    return words[class];
}

/* The deciding of one MAC: answers go to `visit`, texts to `arena`. */
struct deciding {
    const struct world *world;
    struct judge *judge;
    struct arena *arena;
    struct mac mac;
    void (*visit)(void *aux, const struct edge_answer *answer);
    void *aux;
};

static struct named_place named(const struct world *world, uint32_t port)
{
    return (struct named_place){world->switches[world->ports[port].switch_index].name,
                                world_port_name(world, port)};
}

static const char *guest_of(const struct world *world, struct mac mac)
{
    const struct mac_slot *slot = mac_index_find(&world->index, mac.bits);
    if (slot == NULL || (slot->key >> 48 & (MAC_TAG_HYPERVISOR | MAC_TAG_INFRASTRUCTURE)))
        return NULL;
    return render_guest_name(world, slot->nic);
}

static const char *hypervisor_of(const struct world *world, uint32_t port)
{
    uint32_t hypervisor = world->ports[port].hypervisor;
    return hypervisor < WORLD_SEVERAL ? world->hypervisors[hypervisor].name : NULL;
}

static bool is_nowhere(const struct world *world, uint32_t port)
{
    const struct world_heard *heard = world_heard_at(world, port);
    return heard != NULL && heard->on == world->nowhere;
}

/* The transit rows that can be of one domain with `vlan`. What was heard at a place that nothing
 * has is no step of the way. */
static void add_path(struct deciding *d, struct edge_answer *answer, uint16_t vlan)
{
    struct named_place *path = arena_alloc(d->arena, (d->judge->transit_count + 1) * sizeof *path);
    for (size_t i = 0; i < d->judge->transit_count; i++)
        if (!is_nowhere(d->world, d->judge->transit[i].port) &&
            world_vlans_overlap(d->world, d->judge->transit[i].vlan, vlan))
            path[answer->path_count++] = named(d->world, d->judge->transit[i].port);
    answer->path = path;
}

static const char *vlan_text(struct deciding *d, uint16_t vlan)
{
    AUTO_TEXT struct text text = TEXT_EMPTY;
    vlan_set_print(d->world->vlans, vlan, &text);
    return arena_text(d->arena, text_get(&text), text.length);
}

/* Another place of the MAC in the same domain, which makes this one doubtful. */
static uint32_t rival_of(const struct deciding *d, size_t edge)
{
    const struct judge *judge = d->judge;
    for (size_t i = 0; i < judge->edge_count; i++)
        if (!judge_same_place(judge, judge->edges[i].port, judge->edges[edge].port) &&
            judge_one_domain(judge, &judge->edges[i], &judge->edges[edge]))
            return judge->edges[i].port;
    return WORLD_NONE;
}

static void answer_edge(struct deciding *d, uint32_t site, size_t edge)
{
    const struct world *world = d->world;
    const struct sighting *s = &d->judge->edges[edge];
    const struct world_port *port = &world->ports[s->port];
    uint32_t rival = rival_of(d, edge);
    struct edge_answer answer = {.mac = d->mac,
                                 .site = world_site_name(world, site),
                                 .vlan = vlan_text(d, s->vlan),
                                 .place = named(world, s->port),
                                 .confidence = (enum edge_confidence)port->confidence,
                                 .reason = edge_class_why(world, s->port, d->arena),
                                 .hypervisor = hypervisor_of(world, s->port),
                                 .guest = guest_of(world, d->mac)};
    if (rival != WORLD_NONE) {
        answer.confidence = EDGE_LIKELY;
        answer.reason = arena_printf(d->arena, "%s; but it is also on %s port %s", answer.reason,
                                     named(world, rival).switch_name, named(world, rival).port);
    }
    if (mac_is_virtual_router(d->mac))
        answer.reason = "a virtual router's shared address: every router of the group may have it";
    add_path(d, &answer, s->vlan);
    d->visit(d->aux, &answer);
}

/* Two ports that lead to each other's switches have the MAC between them. */
static const char *transit_reason(struct deciding *d, const struct sighting *rows, size_t count)
{
    const struct world *world = d->world;
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++) {
            const struct world_port *a = &world->ports[rows[i].port];
            const struct world_port *b = &world->ports[rows[j].port];
            if (a->class == PORT_CLASS_INTER_SWITCH && b->class == PORT_CLASS_INTER_SWITCH &&
                a->other == b->switch_index && b->other == a->switch_index)
                return arena_printf(
                    d->arena, "between %s port %s and %s port %s",
                    named(world, rows[i].port).switch_name, named(world, rows[i].port).port,
                    named(world, rows[j].port).switch_name, named(world, rows[j].port).port);
        }
    for (size_t i = 0; i < count; i++)
        if (world->ports[rows[i].port].class == PORT_CLASS_UNDECIDED)
            return "several ports may be its edge, and no link between their switches is known";
    return count == 1 ? arena_printf(d->arena, "behind %s port %s, beyond what was read",
                                     named(world, rows[0].port).switch_name,
                                     named(world, rows[0].port).port)
                      : "seen only on inter-switch ports: its switch was not read";
}

static void answer_transit(struct deciding *d, uint32_t site)
{
    struct sighting *rows = d->judge->transit;
    size_t count = d->judge->transit_count;
    struct edge_answer answer = {.mac = d->mac,
                                 .site = world_site_name(d->world, site),
                                 .vlan = vlan_text(d, rows[0].vlan),
                                 .confidence = EDGE_UNKNOWN,
                                 .reason = transit_reason(d, rows, count),
                                 .guest = guest_of(d->world, d->mac)};
    for (size_t i = 0; i < count; i++) /* one answer for all domains: their place is unknown */
        if (rows[i].vlan != rows[0].vlan)
            answer.vlan = "";
    add_path(d, &answer, VLAN_SET_UNKNOWN);
    d->visit(d->aux, &answer);
}

static void decide(struct deciding *d, const struct sighting *sightings, size_t count)
{
    struct judge *judge = d->judge;
    for (uint32_t site = 0; site < d->world->site_count; site++) {
        judge_split(judge, site, sightings, count);
        if (judge->edge_count == 0 && judge->transit_count > 0)
            answer_transit(d, site);
        for (size_t i = 0; i < judge->edge_count; i++) {
            bool said = false;
            for (size_t j = 0; j < i; j++)
                said = said || (d->world->ports[judge->edges[j].port].root ==
                                    d->world->ports[judge->edges[i].port].root &&
                                judge->edges[j].vlan == judge->edges[i].vlan);
            if (!said)
                answer_edge(d, site, i);
        }
    }
}

/* --- one MAC --- */

struct answers {
    struct arena *arena;
    struct edge_answer *items;
    size_t count;
};

static void keep_answer(void *aux, const struct edge_answer *answer)
{
    struct answers *answers = aux;
    struct edge_answer *grown = arena_alloc(answers->arena, (answers->count + 1) * sizeof *grown);
    if (answers->count > 0)
        memcpy(grown, answers->items, answers->count * sizeof *grown);
    grown[answers->count++] = *answer;
    answers->items = grown;
}

size_t edge_sightings(const struct world *world, struct mac mac, struct sighting **list)
{
    size_t count = 0, capacity = 0;
    for (uint32_t s = 0; s < world->switch_count; s++) {
        const struct world_switch *sw = &world->switches[s];
        for (size_t i = 0; sw->table != NULL && i < sw->table->row_count; i++) {
            const struct forward_row *row = &sw->table->rows[i];
            if (row->mac_status >> 16 != mac.bits || row->port >= sw->port_count ||
                !world_row_counts(row))
                continue;
            *list = alloc_grow(*list, count, &capacity, sizeof **list);
            (*list)[count++] =
                (struct sighting){sw->first_port + row->port, sw->vlans[row->vlan], row->age};
        }
    }
    for (const struct world_heard *h = world_heard_of(world, mac.bits); h != NULL;
         h = world_heard_next(world, h)) {
        if (!h->present)
            continue;
        *list = alloc_grow(*list, count, &capacity, sizeof **list);
        (*list)[count++] = world_heard_sighting(world, h);
    }
    return count;
}

size_t edge_decide(const struct world *world, struct mac mac, struct arena *arena,
                   struct edge_answer **ret)
{
    struct answers answers = {.arena = arena};
    struct sighting *sightings = NULL;
    size_t count = edge_sightings(world, mac, &sightings);
    struct judge *judge = judge_new(world, WALL_UNKNOWN, NULL, NULL, NULL);
    struct deciding d = {world, judge, arena, mac, keep_answer, &answers};
    decide(&d, sightings, count);
    judge_free(judge);
    free(sightings);
    *ret = answers.items;
    return answers.count;
}

/* --- every MAC --- */

struct entry {
    uint64_t mac;
    uint64_t order;
    struct sighting sighting;
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->mac != y->mac)
        return x->mac < y->mac ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static struct entry *all_sightings(const struct world *world, size_t *ret_count)
{
    size_t total = world->heard_count, count = 0;
    for (size_t t = 0; t < world->in.table_count; t++)
        total += world->in.tables[t]->row_count;
    struct entry *entries = alloc_array(total + 1, sizeof *entries);
    for (uint32_t s = 0; s < world->switch_count; s++) {
        const struct world_switch *sw = &world->switches[s];
        for (size_t i = 0; sw->table != NULL && i < sw->table->row_count; i++) {
            const struct forward_row *row = &sw->table->rows[i];
            struct mac mac = forward_row_mac(row);
            if (row->port >= sw->port_count || !world_row_counts(row) || mac_is_multicast(mac) ||
                mac_is_zero(mac))
                continue;
            entries[count] = (struct entry){
                mac.bits, count, {sw->first_port + row->port, sw->vlans[row->vlan], row->age}};
            count++;
        }
    }
    for (uint32_t i = 0; i < world->heard_count; i++) {
        const struct world_heard *heard = &world->heard[i];
        if (heard->fact == NULL || !heard->present)
            continue;
        entries[count] =
            (struct entry){heard->fact->mac.bits, count, world_heard_sighting(world, heard)};
        count++;
    }
    qsort(entries, count, sizeof *entries, compare_entries);
    *ret_count = count;
    return entries;
}

enum { ANSWERS_AN_ARENA = 512 };

void edge_decide_all(const struct world *world,
                     void (*visit)(void *aux, const struct edge_answer *answer), void *aux)
{
    size_t count, used = 0, capacity = 0;
    struct entry *entries = all_sightings(world, &count);
    struct sighting *sightings = NULL;
    struct judge *judge = judge_new(world, WALL_UNKNOWN, NULL, NULL, NULL);
    struct arena *arena = arena_new();
    for (size_t at = 0; at < count;) {
        size_t here = 0;
        uint64_t mac = entries[at].mac;
        for (; at < count && entries[at].mac == mac; at++) {
            sightings = alloc_grow(sightings, here, &capacity, sizeof *sightings);
            sightings[here++] = entries[at].sighting;
        }
        if (++used % ANSWERS_AN_ARENA == 0) {
            arena_free(arena);
            arena = arena_new();
        }
        struct deciding d = {world, judge, arena, {mac}, visit, aux};
        decide(&d, sightings, here);
    }
    arena_free(arena);
    judge_free(judge);
    free(sightings);
    free(entries);
}

void edge_ports(const struct world *world, void (*visit)(void *aux, const struct edge_port *port),
                void *aux)
{
    struct arena *arena = arena_new();
    for (uint32_t port = 0; port < world->port_count; port++) {
        const struct world_port *p = &world->ports[port];
        struct edge_port answer = {.place = named(world, port),
                                   .class = (enum port_class)p->class,
                                   .confidence = (enum edge_confidence)p->confidence,
                                   .reason = edge_class_why(world, port, arena),
                                   .hypervisor = hypervisor_of(world, port)};
        visit(aux, &answer);
    }
    arena_free(arena);
}

/* --- learning attachments --- */

static bool is_recorded_at(const struct world *world, uint32_t hypervisor, struct mac mac,
                           const struct named_place *place, struct named_place *ret_recorded)
{
    const struct world_hypervisor *hv = &world->hypervisors[hypervisor];
    *ret_recorded = (struct named_place){NULL, NULL};
    for (uint32_t i = 0; i < hv->attachment_count; i++) {
        const struct world_attachment *a = &world->attachments[hv->first_attachment + i];
        if (!mac_equal(a->nic_mac, mac) || a->switch_index == WORLD_NONE)
            continue;
        *ret_recorded = (struct named_place){a->switch_name, a->port_name};
        uint32_t port = place->switch_name != NULL
                            ? world_find_port(world, place->switch_name, place->port)
                            : WORLD_NONE;
        if (port != WORLD_NONE && a->port != WORLD_NONE &&
            world->ports[port].root == world->ports[a->port].root)
            return true;
    }
    return false;
}

void edge_learn(const struct world *world,
                void (*visit)(void *aux, const struct edge_learnt *learnt), void *aux)
{
    for (uint32_t i = 0; i < world->hypervisor_nic_count; i++) {
        const struct world_hypervisor_nic *nic = &world->hypervisor_nics[i];
        struct arena *arena = arena_new();
        struct edge_answer *answers;
        size_t count = edge_decide(world, nic->mac, arena, &answers);
        struct edge_learnt learnt = {.hypervisor = world->hypervisors[nic->hypervisor].name,
                                     .nic_mac = nic->mac,
                                     .confidence = EDGE_UNKNOWN,
                                     .reason = "no table shows it"};
        is_recorded_at(world, nic->hypervisor, nic->mac, &learnt.seen, &learnt.recorded);
        if (count == 0)
            visit(aux, &learnt);
        for (size_t a = 0; a < count; a++) {
            learnt.seen = answers[a].place;
            learnt.confidence = answers[a].confidence;
            learnt.reason = answers[a].reason;
            is_recorded_at(world, nic->hypervisor, nic->mac, &learnt.seen, &learnt.recorded);
            visit(aux, &learnt);
        }
        arena_free(arena);
    }
}
