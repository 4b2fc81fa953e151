/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "audit/edge_class.h"
#include "audit/render.h"

/* The chain of evidence, one kind of fact at a time. */

void chain_add(struct chain *chain, const char *what, const char *source, struct wall at,
               const char *text)
{
    if (chain->count == chain->capacity) {
        size_t capacity = chain->capacity == 0 ? 8 : chain->capacity * 2;
        struct evidence *grown = arena_alloc(chain->arena, capacity * sizeof *grown);
        if (chain->count > 0)
            memcpy(grown, chain->items, chain->count * sizeof *grown);
        chain->items = grown;
        chain->capacity = capacity;
    }
    chain->items[chain->count++] = (struct evidence){what, source, at, text};
}

const struct evidence *chain_end(struct chain *chain)
{
    return chain->items;
}

const char *render_guest_name(const struct world *world, uint32_t nic)
{
    uint32_t local;
    const struct world_set *set = world_guest_set(world, world_nic_guest(world, nic), &local);
    return names_get(set->set->names, set->set->guests[local].name);
}

static void nic_row(struct chain *chain, const struct world *world, uint32_t nic)
{
    uint32_t local;
    const struct world_set *set = world_nic_set(world, nic, &local);
    const struct nic_columns *nics = &set->set->nics;
    uint32_t hypervisor = world_nic_hypervisor(world, nic);
    char mac[MAC_TEXT_SIZE], since[CLOCK_TEXT_SIZE];
    AUTO_TEXT struct text text = TEXT_EMPTY;
    text_printf(&text, "guest %s, NIC %s, on %s: %s", render_guest_name(world, nic),
                mac_format((struct mac){nics->mac[local]}, mac),
                hypervisor == WORLD_NONE ? "no recorded hypervisor"
                                         : world->hypervisors[hypervisor].name,
                run_state_word((enum run_state)nics->run_state[local]));
    if (nics->state_since[local] != WALL_UNKNOWN.us)
        text_printf(&text, " since %s",
                    wall_format_ms((struct wall){nics->state_since[local]}, since));
    if (nics->vlan[local] != VLAN_SET_UNKNOWN) {
        text_add(&text, ", VLAN ");
        vlan_set_print(set->set->vlans, nics->vlan[local], &text);
    }
    if (nics->wire[local] != YES)
        text_printf(&text, ", expected on the wire: %s",
                    tristate_word((enum tristate)nics->wire[local]));
    chain_add(chain, "recorded", set->set->source, set->set->as_of,
              arena_text(chain->arena, text_get(&text), text.length));
}

void chain_attachments(struct chain *chain, const struct world *world, uint32_t hypervisor)
{
    const struct world_hypervisor *hv = &world->hypervisors[hypervisor];
    if (hv->attachment_count == 0)
        chain_add(
            chain, "recorded", "", WALL_UNKNOWN,
            arena_printf(chain->arena, "no attachment of hypervisor %s is recorded", hv->name));
    for (uint32_t i = 0; i < hv->attachment_count; i++) {
        const struct world_attachment *a = &world->attachments[hv->first_attachment + i];
        const struct record_set *set = world->in.records[a->set];
        char mac[MAC_TEXT_SIZE];
        const char *note = a->switch_index == WORLD_NONE ? " (to be learnt)"
                           : a->port == WORLD_NONE       ? " (not among the ports that were read)"
                                                         : "";
        chain_add(chain, "recorded", set->source, set->as_of,
                  arena_printf(chain->arena, "hypervisor %s, NIC %s, is attached to %s port %s%s",
                               hv->name, mac_format(a->nic_mac, mac), a->switch_name, a->port_name,
                               note));
    }
}

void chain_guest(struct chain *chain, const struct world *world, const struct guest_view *view)
{
    uint32_t *nics = NULL;
    size_t capacity = 0, count = world_guest_nics(world, view->guest, &nics, &capacity);
    for (size_t i = 0; i < count; i++)
        if (view->has_uuid ||
            world_hypervisor_site(world, world_nic_hypervisor(world, nics[i])) == view->site)
            nic_row(chain, world, nics[i]);
    free(nics);
    for (size_t i = 0; i < view->expected_count; i++)
        chain_attachments(chain, world, view->expected[i]);
}

static const char *source_type(const struct forward_table *table)
{
    return table->receipt_count > 0 && table->receipts[0].type != NULL ? table->receipts[0].type
                                                                       : "";
}

static const char *end_text(const struct heard_fact *fact, struct arena *arena)
{
    char at[CLOCK_TEXT_SIZE];
    const char *cause = fact->cause != NULL && fact->cause[0] != '\0' ? fact->cause : NULL;
    switch ((enum heard_end)fact->end) {
    case HEARD_OPEN:
        break;
    case HEARD_STOPPED:
        return arena_printf(arena, ", ended %s%s%s", wall_format_ms(fact->ended, at),
                            cause != NULL ? ": " : "", cause != NULL ? cause : "");
    case HEARD_RESET:
        return arena_printf(arena, ", ended %s with all sessions of its NAS",
                            wall_format_ms(fact->ended, at));
    case HEARD_EXPIRED:
        return arena_printf(arena, ", expired %s without renewal",
                            wall_format_ms(fact->expires, at));
    }
    if (!wall_known(fact->expires))
        return "";
    return arena_printf(arena, ", due again before %s", wall_format_ms(fact->expires, at));
}

/* What was heard, with its times: no read and no ageing time is behind it. */
static void chain_heard(struct chain *chain, const struct world *world,
                        const struct world_heard *heard)
{
    const struct heard_fact *fact = heard->fact;
    const struct world_port *port = &world->ports[heard->on];
    char mac[MAC_TEXT_SIZE], first[CLOCK_TEXT_SIZE], last[CLOCK_TEXT_SIZE];
    bool known = heard->on != world->nowhere;
    const char *nas = fact->origin->nas != NULL ? fact->origin->nas : "";
    chain_add(chain, "observed", fact->origin->type, fact->last,
              arena_printf(chain->arena, "%s %s%s%s%s%s, heard from %s to %s%s",
                           mac_format(fact->mac, mac),
                           nas[0] != '\0' ? "in a session of " : "heard", nas, known ? " on " : "",
                           known ? world->switches[port->switch_index].name : "",
                           known ? arena_printf(chain->arena, " port %s", heard->port_name) : "",
                           wall_format_ms(fact->first, first), wall_format_ms(fact->last, last),
                           end_text(fact, chain->arena)));
}

/* A session, or frames: for a person who asks, with the session's own number. */
static const char *session_text(const struct heard_fact *fact, struct arena *arena)
{
    const char *nas = fact->origin->nas != NULL ? fact->origin->nas : "";
    const char *session = fact->session != NULL ? fact->session : "";
    if (nas[0] == '\0')
        return "heard";
    return arena_printf(arena, "in %s session%s%s of %s", fact->origin->type,
                        session[0] != '\0' ? " " : "", session, nas);
}

/* A place that is none of the world's ports. */
static const char *unknown_place(const struct world *world, const struct heard_origin *origin,
                                 struct arena *arena)
{
    if (world_find_switch(world, origin->switch_name) == WORLD_NONE)
        return arena_printf(arena, " at %s (a switch that no record and no table has)",
                            origin->switch_name);
    if (origin->port == NULL || origin->port[0] == '\0')
        return arena_printf(arena, " at %s (nobody said at which port)", origin->switch_name);
    return arena_printf(arena, " at %s port %s (a port that no record and no table has)",
                        origin->switch_name, origin->port);
}

static void chain_session(struct chain *chain, const struct world *world,
                          const struct world_heard *heard)
{
    const struct heard_fact *fact = heard->fact;
    char mac[MAC_TEXT_SIZE], first[CLOCK_TEXT_SIZE], last[CLOCK_TEXT_SIZE];
    const char *at = "";
    if (heard->on != world->nowhere)
        at = arena_printf(chain->arena, " at %s port %s",
                          world->switches[world->ports[heard->on].switch_index].name,
                          heard->port_name);
    else if (fact->origin->switch_name != NULL && fact->origin->switch_name[0] != '\0')
        at = unknown_place(world, fact->origin, chain->arena);
    bool old = fact->end == HEARD_OPEN && !heard->open && !wall_known(fact->expires);
    chain_add(chain, "heard", fact->origin->source, fact->last,
              arena_printf(chain->arena, "%s %s%s since %s, last heard %s%s%s",
                           mac_format(fact->mac, mac), session_text(fact, chain->arena), at,
                           wall_format_ms(fact->first, first), wall_format_ms(fact->last, last),
                           end_text(fact, chain->arena),
                           old ? "; nobody said how long that holds" : ""));
}

void chain_heard_of(struct chain *chain, const struct world *world, struct mac mac)
{
    for (const struct world_heard *h = world_heard_of(world, mac.bits); h != NULL;
         h = world_heard_next(world, h))
        if (h->fact != NULL && !h->fact->polled)
            chain_session(chain, world, h);
}

void chain_sighting(struct chain *chain, const struct world *world, struct mac mac,
                    const struct sighting *sighting)
{
    const struct world_heard *heard = world_heard_at(world, sighting->port);
    if (heard != NULL && !heard->fact->polled) {
        chain_heard(chain, world, heard);
        return;
    }
    const struct world_port *port = &world->ports[sighting->port];
    const struct world_switch *sw = &world->switches[port->switch_index];
    char text_mac[MAC_TEXT_SIZE];
    AUTO_TEXT struct text text = TEXT_EMPTY;
    text_printf(&text, "%s on %s port %s", mac_format(mac, text_mac), sw->name,
                world_port_name(world, sighting->port));
    if (sighting->vlan != VLAN_SET_UNKNOWN) {
        text_add(&text, ", VLAN ");
        vlan_set_print(world->vlans, sighting->vlan, &text);
    }
    if (sighting->age != FORWARD_AGE_UNKNOWN)
        text_printf(&text, ", last heard %u s before the read", sighting->age);
    text_printf(&text, "; this is %s port: %s",
                port->class == PORT_CLASS_INTER_SWITCH ? "an inter-switch"
                : port->class == PORT_CLASS_HYPERVISOR ? "a hypervisor's"
                : port->class == PORT_CLASS_EDGE       ? "an edge"
                                                       : "an undecided",
                edge_class_why(world, sighting->port, chain->arena));
    chain_add(chain, "observed", heard != NULL ? heard->fact->origin->type : source_type(sw->table),
              heard != NULL ? heard->fact->last : sw->table->ended,
              arena_text(chain->arena, text_get(&text), text.length));
}

void chain_receipt(struct chain *chain, const struct world *world, uint32_t switch_index)
{
    const struct world_switch *sw = &world->switches[switch_index];
    if (sw->table == NULL) {
        chain_add(chain, "receipt", sw->name, WALL_UNKNOWN,
                  arena_printf(chain->arena, "nothing was read of %s: %s", sw->name,
                               sw->failed != NULL ? sw->failed->why : "it is not configured"));
        return;
    }
    char started[CLOCK_TEXT_SIZE], ageing[CLOCK_TEXT_SIZE];
    const struct forward_table *table = sw->table;
    const char *why = "";
    for (size_t i = 0; i < table->receipt_count && why[0] == '\0'; i++)
        if (!table->receipts[i].whole && table->receipts[i].why_not != NULL)
            why = table->receipts[i].why_not;
    chain_add(chain, "receipt", sw->name, table->ended,
              arena_printf(chain->arena, "%s read from %s: %zu rows, %s%s%s; ageing %s%s", sw->name,
                           wall_format_ms(table->started, started), table->row_count,
                           table->whole ? "whole" : "not whole", why[0] != '\0' ? ": " : "", why,
                           span_format(span_us(sw->ageing_us), ageing),
                           sw->ageing_assumed ? " (assumed)" : ""));
}
