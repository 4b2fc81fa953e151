/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "audit/live_inside.h"
#include "base/alloc.h"
#include "base/limits.h"

/* Looking again: probes and polls that are wished for, what probes read, and the windows in which
 * a migration may be going on. */

/* --- wishes --- */

void live_wish(struct live_out *out, const struct live_wish *wish)
{
    out->wishes =
        alloc_grow(out->wishes, out->wish_count, &out->wish_capacity, sizeof *out->wishes);
    out->wishes[out->wish_count++] = *wish;
}

void live_wish_switch(struct live_wish *wish, const char *name)
{
    if (name == NULL || name[0] == '\0' || wish->switch_count == LIVE_PROBE_SWITCHES)
        return;
    for (size_t i = 0; i < wish->switch_count; i++)
        if (strcmp(wish->switches[i], name) == 0)
            return;
    wish->switches[wish->switch_count++] = name;
}

/* Where the tables have it, where it was heard, where it should be. */
static void wish_places(const struct live *live, struct live_wish *wish)
{
    const struct live_base *base = live->base;
    const struct world *world = &base->view;
    for (const struct world_heard *h = world_heard_of(world, wish->mac.bits); h != NULL;
         h = world_heard_next(world, h))
        live_wish_switch(wish, world->switches[world->ports[h->on].switch_index].name);
    uint32_t number = row_links_find(&base->links, wish->mac.bits);
    for (uint32_t n = number == WORLD_NONE ? WORLD_NONE : base->links.heads[number].first;
         n != WORLD_NONE; n = base->links.nodes[n].next) {
        const struct world_port *port = &world->ports[base->links.nodes[n].sighting.port];
        if (port->class != PORT_CLASS_INTER_SWITCH)
            live_wish_switch(wish, world->switches[port->switch_index].name);
    }
    const struct mac_slot *slot = mac_index_find(&world->index, wish->mac.bits);
    if (slot == NULL || slot->owner >= world->hypervisor_count)
        return;
    const struct world_hypervisor *hv = &world->hypervisors[slot->owner];
    for (uint32_t i = 0; i < hv->attachment_count; i++) {
        uint32_t index = world->attachments[hv->first_attachment + i].switch_index;
        if (index != WORLD_NONE)
            live_wish_switch(wish, world->switches[index].name);
    }
}

/* Whether one of the last wishes is to look for this address. */
static bool is_wished(const struct live_out *out, struct mac mac)
{
    for (size_t i = out->wish_count; i-- > 0 && i + 16 > out->wish_count;)
        if (out->wishes[i].kind == LIVE_WISH_PROBE && mac_equal(out->wishes[i].mac, mac))
            return true;
    return false;
}

/* Takes one of the probes of this second, `everywhere` of the few that ask every switch.
 * Returns false, and counts, when there is none left. */
static bool take_probe(struct live *live, bool everywhere, struct wall now)
{
    if (!wall_known(live->probe_second) || now.us - live->probe_second.us >= 1000000) {
        live->probe_second = now;
        live->probes_in_second = live->everywhere_in_second = 0;
    }
    if (live->probes_in_second >= live->options.probes_a_second ||
        (everywhere && live->everywhere_in_second >= LIVE_EVERYWHERE)) {
        live->counts.probes_held_back++;
        return false;
    }
    live->probes_in_second++;
    live->everywhere_in_second += everywhere;
    live->counts.probes_wished++;
    return true;
}

void live_wish_everywhere(struct live *live, struct mac mac, const char *why, struct wall now,
                          struct live_out *out)
{
    if (!is_wished(out, mac) && take_probe(live, true, now))
        live_wish(out, &(struct live_wish){.kind = LIVE_WISH_PROBE, .mac = mac, .why = why});
}

void live_wish_probe(struct live *live, struct mac mac, const char *switch_name, const char *why,
                     struct wall now, struct live_out *out)
{
    struct live_wish wish = {.kind = LIVE_WISH_PROBE, .mac = mac, .why = why};
    if (is_wished(out, mac) || !take_probe(live, false, now))
        return;
    live_wish_switch(&wish, live_text(live, switch_name));
    if (live->base != NULL)
        wish_places(live, &wish);
    live_wish(out, &wish);
}

/* --- what probes read --- */

static void free_probed(struct live *live, uint32_t number)
{
    struct probed *probed = &live->probed[number];
    free(probed->facts);
    *probed = (struct probed){.next = live->probed_free};
    live->probed_free = number;
    live->probed_live--;
}

/* The entry of a MAC on a switch, WORLD_NONE. */
static uint32_t find_probed(const struct live *live, uint64_t mac, const char *switch_name)
{
    uint32_t n = live->probed_live > 0 ? map_find(&live->probed_of, mac) : WORLD_NONE;
    while (n != WORLD_NONE && strcmp(live->probed[n].switch_name, switch_name) != 0)
        n = live->probed[n].next;
    return n;
}

static uint32_t add_probed(struct live *live, uint64_t mac)
{
    uint32_t number = live->probed_free;
    if (number != WORLD_NONE) {
        live->probed_free = live->probed[number].next;
    } else {
        live->probed = alloc_grow(live->probed, live->probed_count, &live->probed_capacity,
                                  sizeof *live->probed);
        number = (uint32_t)live->probed_count++;
    }
    live->probed[number] = (struct probed){.mac = mac, .next = map_find(&live->probed_of, mac)};
    map_put(&live->probed_of, mac, number);
    live->probed_live++;
    return number;
}

/* Forgets what a whole read of the switch has told anew. */
void live_probed_drop(struct live *live, const struct world *world)
{
    map_done(&live->probed_of);
    for (uint32_t n = 0; n < live->probed_count; n++) {
        struct probed *probed = &live->probed[n];
        if (probed->switch_name == NULL)
            continue;
        uint32_t index = world_find_switch(world, probed->switch_name);
        if (index == WORLD_NONE || world->switches[index].table == NULL ||
            world->switches[index].started_us > probed->started.us) {
            free_probed(live, n);
            continue;
        }
        probed->next = map_find(&live->probed_of, probed->mac);
        map_put(&live->probed_of, probed->mac, n);
    }
}

struct probed_at *live_probed_list(const struct live *live, size_t *ret_count)
{
    struct probed_at *list = alloc_array(live->probed_live + 1, sizeof *list);
    size_t count = 0;
    for (uint32_t n = 0; n < live->probed_count; n++) {
        const struct probed *probed = &live->probed[n];
        if (probed->switch_name != NULL)
            list[count++] =
                (struct probed_at){probed->mac, probed->switch_name, probed->started.us};
    }
    *ret_count = count;
    return list;
}

static int compare_macs(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

void live_base_leave(struct live_base *base, const struct live_facts *facts)
{
    const struct world *world = base->world;
    base->left = alloc_array(facts->probed_count + 1, sizeof *base->left);
    base->left_count = 0;
    for (size_t i = 0; i < facts->probed_count; i++) {
        const struct probed_at *probed = &facts->probed[i];
        uint32_t index = world_find_switch(world, probed->switch_name);
        if (index != WORLD_NONE && world->switches[index].started_us <= probed->started_us)
            base->left[base->left_count++] = probed->mac;
    }
    if (base->left_count > 0)
        qsort(base->left, base->left_count, sizeof *base->left, compare_macs);
}

bool live_base_leaves(const struct live_base *base, struct mac mac)
{
    return base->left_count > 0 && bsearch(&mac.bits, base->left, base->left_count,
                                           sizeof *base->left, compare_macs) != NULL;
}

/* Whether a row is of a port where a guest can be, rather than of the way to it. */
static bool shows_place(struct live *live, const struct probed *probed)
{
    const struct world *view = &live->base->view;
    for (uint32_t i = 0; i < probed->fact_count; i++) {
        uint32_t port =
            live_port_of(live, live_origin_of(live, probed->facts[i].origin,
                                              live_origin_key(probed->facts[i].origin)));
        if (port != view->nowhere && view->ports[port].class != PORT_CLASS_INTER_SWITCH)
            return true;
    }
    return false;
}

void live_probe_result(struct live *live, const struct live_probe *probe, struct wall now,
                       struct live_out *out)
{
    enum { ROWS_MAX = 64 };
    live->counts.probe_results++;
    if (!mac_known(probe->mac) || live->base == NULL)
        return;
    bool first =
        live->probed_live == 0 || map_find(&live->probed_of, probe->mac.bits) == WORLD_NONE;
    uint32_t number = find_probed(live, probe->mac.bits, probe->switch_name);
    if (number == WORLD_NONE && live->probed_live >= LIMIT_LIVE_PROBED) {
        live->counts.full++;
        return;
    }
    if (number == WORLD_NONE)
        number = add_probed(live, probe->mac.bits);
    struct probed *to = &live->probed[number];
    size_t count = probe->count < ROWS_MAX ? probe->count : ROWS_MAX;
    free(to->facts);
    to->switch_name = live_text(live, probe->switch_name);
    to->started = probe->started;
    to->ended = probe->ended;
    to->fact_count = (uint32_t)count;
    to->facts = alloc_zeroed(count + 1, sizeof *to->facts);
    for (size_t i = 0; i < count; i++) {
        const struct heard_origin origin = {.source = to->switch_name,
                                            .type = "probe",
                                            .nas = "",
                                            .switch_name = to->switch_name,
                                            .port = probe->rows[i].port,
                                            .vlan = probe->rows[i].vlan};
        uint32_t place = live_origin_of(live, &origin, live_origin_key(&origin));
        if (place == PRESENCE_NONE) {
            to->fact_count = (uint32_t)i;
            break;
        }
        to->facts[i] = (struct heard_fact){.mac = probe->mac,
                                           .origin = live->origins[place],
                                           .first = probe->started,
                                           .last = probe->ended,
                                           .frame = probe->started,
                                           .expires = WALL_UNKNOWN,
                                           .ended = WALL_UNKNOWN,
                                           .proof = EVENT_PROOF_TOLD,
                                           .end = HEARD_OPEN,
                                           .polled = true,
                                           .age = probe->rows[i].age};
    }
    /* It announced itself and is not where the record and the tables have it. */
    if (first && live_in_window(live, probe->mac.bits, now) && !shows_place(live, to))
        live_wish_everywhere(live, probe->mac, "announcement", now, out);
    live_judge(live, probe->mac, now, NULL, out);
    live_watch_heard(live, probe->mac.bits, now, out);
}

/* --- migration windows --- */

bool live_in_window(const struct live *live, uint64_t mac, struct wall now)
{
    uint32_t number = live->window_count > 0 ? map_find(&live->window_of, mac) : MAP_NO_VALUE;
    return number != MAP_NO_VALUE && number >= live->window_first &&
           live->windows[number].window.deadline.us > now.us;
}

/* Forgets windows that have rested, and moves the others to the front. */
static void compact_windows(struct live *live, struct wall now)
{
    size_t kept = 0;
    map_done(&live->window_of);
    for (size_t i = 0; i < live->window_total; i++) {
        const struct window_state *one = &live->windows[i];
        if (one->judged && one->rest_until.us <= now.us)
            continue;
        live->windows[kept] = *one;
        map_put(&live->window_of, one->window.mac.bits, (uint32_t)kept++);
    }
    live->window_total = kept;
    live->window_first = 0;
    while (live->window_first < kept && live->windows[live->window_first].judged)
        live->window_first++;
}

void live_window_open(struct live *live, struct mac mac, struct wall now, struct live_out *out)
{
    uint32_t known = map_find(&live->window_of, mac.bits);
    if (known != MAP_NO_VALUE && live->windows[known].rest_until.us > now.us)
        return; /* open, or it had its chance */
    if (live->window_total >= LIMIT_LIVE_WINDOWS)
        compact_windows(live, now);
    if (live->window_total >= LIMIT_LIVE_WINDOWS) {
        live->counts.full++;
        return;
    }
    const struct audit_options *options = &live->base->world->options;
    live->windows = alloc_grow(live->windows, live->window_total, &live->window_capacity,
                               sizeof *live->windows);
    struct wall deadline = {now.us + options->migration_window.us};
    live->windows[live->window_total] = (struct window_state){
        .window = {mac, now, deadline}, .rest_until = {deadline.us + live->options.window_rest.us}};
    map_put(&live->window_of, mac.bits, (uint32_t)live->window_total++);
    live->window_count++;
    live->counts.windows++;
    live_note(out,
              &(struct live_note){
                  .kind = LIVE_NOTE_WINDOW, .id = presence_mac(mac), .at = now, .until = deadline});
}

struct wall live_window_deadline(const struct live *live)
{
    return live->window_count > 0 ? live->windows[live->window_first].window.deadline
                                  : WALL_UNKNOWN;
}

void live_windows_due(struct live *live, struct wall now, struct live_out *out)
{
    enum { DUE_A_TICK = 16 };
    for (int i = 0; i < DUE_A_TICK && live->window_count > 0; i++) {
        struct window_state *one = &live->windows[live->window_first];
        if (one->window.deadline.us > now.us)
            return;
        one->judged = true;
        live->window_first++;
        live->window_count--;
        if (live->base != NULL)
            live_judge(live, one->window.mac, now, "deadline", out);
    }
}
