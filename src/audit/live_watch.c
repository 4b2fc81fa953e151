/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "audit/live_inside.h"
#include "base/alloc.h"

/* Hypervisors that no table shows at home, though all their ports were read whole: they are silent,
 * unless something of them is heard there. Each has its addresses listed, and one of them as the
 * witness that it is heard; only when that one ends, or is heard elsewhere, another is looked for.
 * When a hypervisor becomes silent, or is heard, its guests are judged again: each was silent by
 * itself, or only with it. Both go in slices. */

enum { WATCH_IDLE = UINT32_MAX };

/* --- the lists, made with the base --- */

static bool is_watched(const struct world *world, const uint8_t *flags, uint32_t hypervisor)
{
    const struct world_hypervisor *hv = &world->hypervisors[hypervisor];
    return hv->observable && hv->attachment_count > 0 &&
           !(flags[hypervisor] & (HYPERVISOR_SHOWN | HYPERVISOR_MOVED));
}

static void add_mac(struct live_base *base, uint32_t number, struct mac mac, uint32_t nic)
{
    if (!mac_known(mac))
        return;
    base->watch_macs = alloc_grow(base->watch_macs, base->watch_mac_count,
                                  &base->watch_mac_capacity, sizeof *base->watch_macs);
    base->watch_macs[base->watch_mac_count++] = (struct watch_mac){mac.bits, nic, number};
}

static int by_watch(const void *a, const void *b)
{
    const struct watch_mac *x = a, *y = b;
    if (x->watch != y->watch)
        return x->watch < y->watch ? -1 : 1;
    return x->nic < y->nic ? -1 : x->nic > y->nic;
}

/* Adds the guests that the CMDB or the data-centre model alone puts on a watched one. */
static void add_plans(struct live_base *base)
{
    const struct world *world = base->world;
    uint32_t *nics = NULL;
    size_t capacity = 0;
    for (size_t i = 0; i < world->plan_count; i++) {
        uint32_t number = map_find(&base->watch_of, world->plans[i].hypervisor);
        if (number == MAP_NO_VALUE)
            continue;
        size_t count = world_guest_nics(world, world->plans[i].guest, &nics, &capacity);
        for (size_t k = 0; k < count; k++)
            add_mac(base, number, world_nic_mac(world, nics[k]), nics[k]);
    }
    free(nics);
}

void live_watch_base(struct live_base *base)
{
    const struct world *world = base->world;
    for (uint32_t h = 0; h < world->hypervisor_count; h++) {
        if (!is_watched(world, base->hypervisors, h))
            continue;
        base->watches = alloc_grow(base->watches, base->watch_count, &base->watch_capacity,
                                   sizeof *base->watches);
        map_put(&base->watch_of, h, (uint32_t)base->watch_count);
        base->watches[base->watch_count++] = (struct watch){.hypervisor = h};
    }
    if (base->watch_count == 0)
        return;
    for (uint32_t nic = 0; nic < world->nic_count; nic++) {
        uint32_t hypervisor = world_nic_hypervisor(world, nic);
        uint32_t number =
            hypervisor != WORLD_NONE ? map_find(&base->watch_of, hypervisor) : MAP_NO_VALUE;
        if (number != MAP_NO_VALUE)
            add_mac(base, number, world_nic_mac(world, nic), nic);
    }
    for (uint32_t i = 0; i < world->hypervisor_nic_count; i++) {
        uint32_t number = map_find(&base->watch_of, world->hypervisor_nics[i].hypervisor);
        if (number != MAP_NO_VALUE)
            add_mac(base, number, world->hypervisor_nics[i].mac, WORLD_NONE);
    }
    add_plans(base);
    if (base->watch_mac_count > 0)
        qsort(base->watch_macs, base->watch_mac_count, sizeof *base->watch_macs, by_watch);
    for (uint32_t i = 0; i < base->watch_mac_count; i++) {
        struct watch *watch = &base->watches[base->watch_macs[i].watch];
        watch->first = watch->count == 0 ? i : watch->first;
        watch->count++;
    }
    for (size_t i = 0; i < base->watch_count; i++) {
        base->watches[i].judged = WATCH_IDLE;
        base->watch_busy = true; /* what was heard since the sweep */
    }
}

/* --- witnesses --- */

/* Whether something of `mac` that is heard now is at home on the hypervisor. */
static bool is_at_home(struct live *live, uint32_t hypervisor, uint64_t mac, struct wall now,
                       struct live_out *out)
{
    struct live_base *base = live->base;
    struct world *view = &base->view;
    const struct mac_slot *slot = mac_index_find(&base->world->index, mac);
    if (slot == NULL)
        return false;
    view->in.now = now;
    live_add_facts(live, mac, out);
    uint8_t before = base->hypervisors[hypervisor];
    base->hypervisors[hypervisor] &= (uint8_t)~HYPERVISOR_SEEN;
    struct first_pass pass = {.world = view, .hypervisors = base->hypervisors};
    for (const struct world_heard *h = world_heard_of(view, mac); h != NULL;
         h = world_heard_next(view, h))
        if (h->present)
            sweep_pass_at(&pass, slot, world_heard_port(view, h), h->vlan);
    bool home = base->hypervisors[hypervisor] & HYPERVISOR_SEEN;
    base->hypervisors[hypervisor] = before;
    return home;
}

/* Judges the hypervisor as what it is from now on, with the guests that are silent with it. */
static void tell_watch(struct live *live, const struct watch *watch, struct wall now,
                       struct live_out *out)
{
    enum { LISTED_MOST = 512 };
    struct live_base *base = live->base;
    size_t first = out->list->count;
    struct judge *judge = live_judge_begin(live, now, out);
    base->hypervisors[watch->hypervisor] &= (uint8_t) ~(HYPERVISOR_SILENT | HYPERVISOR_SEEN);
    if (watch->witness != 0)
        base->hypervisors[watch->hypervisor] |= HYPERVISOR_SEEN;
    judge_hypervisor_silence(judge, watch->hypervisor);
    bool silent = base->hypervisors[watch->hypervisor] & HYPERVISOR_SILENT;
    for (uint32_t i = 0; silent && i < watch->count && i < LISTED_MOST; i++)
        live_add_facts(live, base->watch_macs[watch->first + i].mac, out);
    for (uint32_t i = 0; silent && i < watch->count && i < LISTED_MOST; i++)
        if (base->watch_macs[watch->first + i].nic != WORLD_NONE)
            judge_absent_guest(judge, base->watch_macs[watch->first + i].nic, false);
    judge_finish(judge);
    judge_free(judge);
    live_compare(live, live_hypervisor_key(watch->hypervisor), first, true, now, out);
}

/* --- the work --- */

/* Looks for a witness; returns whether it is decided. */
static bool look_for_witness(struct live *live, struct watch *watch, unsigned *looks,
                             struct wall now, struct live_out *out)
{
    const struct watch_mac *macs = live->base->watch_macs + watch->first;
    if (watch->candidate != 0 && is_at_home(live, watch->hypervisor, watch->candidate, now, out)) {
        watch->witness = watch->candidate;
        return true;
    }
    watch->candidate = 0;
    for (; watch->looked<watch->count && * looks> 0; watch->looked++, --*looks)
        if (is_at_home(live, watch->hypervisor, macs[watch->looked].mac, now, out)) {
            watch->witness = macs[watch->looked].mac;
            return true;
        }
    if (watch->looked < watch->count)
        return false;
    watch->witness = 0;
    return true;
}

static void decide(struct live *live, struct watch *watch, struct wall now, struct live_out *out)
{
    uint8_t before = live->base->hypervisors[watch->hypervisor] & HYPERVISOR_SILENT;
    bool heard = watch->witness != 0, same = watch->told && watch->heard == heard;
    watch->known = watch->told = true;
    watch->heard = heard;
    watch->candidate = 0;
    watch->looked = 0;
    if (same)
        return;
    tell_watch(live, watch, now, out);
    if (before != (live->base->hypervisors[watch->hypervisor] & HYPERVISOR_SILENT))
        watch->judged = 0;
}

static bool judge_some(struct live *live, struct watch *watch, unsigned *judged, struct wall now,
                       struct live_out *out)
{
    for (; watch->judged<watch->count && * judged> 0; watch->judged++) {
        const struct watch_mac *one = &live->base->watch_macs[watch->first + watch->judged];
        if (one->nic == WORLD_NONE)
            continue;
        live_judge(live, (struct mac){one->mac}, now, NULL, out);
        --*judged;
    }
    if (watch->judged < watch->count)
        return false;
    watch->judged = WATCH_IDLE;
    return true;
}

void live_watch_some(struct live *live, struct wall now, struct live_out *out)
{
    struct live_base *base = live->base;
    unsigned looks = 256, judged = 64;
    for (size_t i = 0; base->watch_busy && i < base->watch_count; i++) {
        struct watch *watch = &base->watches[i];
        if (!watch->known) {
            if (!look_for_witness(live, watch, &looks, now, out))
                return;
            decide(live, watch, now, out);
        }
        if (watch->judged != WATCH_IDLE && !judge_some(live, watch, &judged, now, out))
            return;
    }
    base->watch_busy = false;
}

/* --- what is heard --- */

static void doubt(struct live_base *base, uint32_t hypervisor, uint64_t mac)
{
    uint32_t number =
        hypervisor != WORLD_NONE ? map_find(&base->watch_of, hypervisor) : MAP_NO_VALUE;
    if (number == MAP_NO_VALUE)
        return;
    struct watch *watch = &base->watches[number];
    if (watch->known && watch->witness != 0 && watch->witness != mac)
        return; /* it is heard anyway */
    /* where nothing was, only this one can be */
    watch->looked = watch->known && watch->witness == 0 ? watch->count : 0;
    watch->known = false;
    watch->candidate = mac;
    base->watch_busy = true;
}

void live_watch_heard(struct live *live, uint64_t mac, struct wall now, struct live_out *out)
{
    struct live_base *base = live->base;
    const struct world *world = base->world;
    const struct mac_slot *slot = base->watch_count > 0 ? mac_index_find(&world->index, mac) : NULL;
    if (slot == NULL)
        return;
    if (slot->owner < world->hypervisor_count)
        doubt(base, slot->owner, mac);
    const struct world_shared_mac *shared;
    size_t count = world_shared(world, (struct mac){mac}, &shared);
    for (size_t i = 0; i < count; i++)
        doubt(base, world_nic_hypervisor(world, shared[i].nic), mac);
    uint32_t nic = world_find_hypervisor_nic(world, mac);
    for (; nic < world->hypervisor_nic_count && world->hypervisor_nics[nic].mac.bits == mac; nic++)
        doubt(base, world->hypervisor_nics[nic].hypervisor, mac);
    live_watch_some(live, now, out);
}
