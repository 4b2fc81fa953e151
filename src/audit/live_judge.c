/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "audit/live_mobile.h"
#include "audit/render.h"
#include "base/alloc.h"

/* Judging one subject by all that is known of it, and comparing with what stands. */

enum { KEY_GUEST = 1, KEY_MAC = 2, KEY_SWITCH = 3, KEY_HYPERVISOR = 4 };

uint64_t live_guest_key(const struct world *world, uint32_t nic)
{
    uint32_t guest = world_nic_guest(world, nic);
    if (world->canonical != NULL)
        guest = world->canonical[guest];
    uint64_t site = world_hypervisor_site(world, world_nic_hypervisor(world, nic));
    return (uint64_t)KEY_GUEST << 56 | site << 32 | guest;
}

uint64_t live_mac_key(uint64_t mac)
{
    return (uint64_t)KEY_MAC << 56 | mac;
}

uint64_t live_switch_key(uint32_t switch_index)
{
    return (uint64_t)KEY_SWITCH << 56 | switch_index;
}

uint64_t live_hypervisor_key(uint32_t hypervisor)
{
    return (uint64_t)KEY_HYPERVISOR << 56 | hypervisor;
}

/* --- what stands --- */

static uint64_t verdict_key(const struct world *world, const struct verdict_list *list,
                            const struct verdict *verdict)
{
    switch ((enum verdict_subject)verdict->subject_type) {
    case SUBJECT_GUEST:
        return live_guest_key(world, verdict->subject);
    case SUBJECT_MAC:
        return verdict->nics > 0 ? live_guest_key(world, list->nics[verdict->nic])
                                 : live_mac_key(list->macs[verdict->subject]);
    case SUBJECT_SWITCH:
        return live_switch_key(verdict->subject);
    case SUBJECT_HYPERVISOR:
        return live_hypervisor_key(verdict->subject);
    case SUBJECT_SOURCE:
    case SUBJECT_PORT:
        break;
    }
    return 0;
}

/* Whether events judge verdicts of the kind: not what records and receipts alone say, nor where a
 * hypervisor is. */
static bool is_mine(const struct verdict *verdict)
{
    switch ((enum discrepancy_kind)verdict->kind) {
    case DISCREPANCY_RECORDED_GAP:
    case DISCREPANCY_AUDIT_GAP:
    case DISCREPANCY_HYPERVISOR_MOVED:
        return false;
    default:
        return verdict->members == 0 && verdict->subject_type != SUBJECT_PORT;
    }
}

static void mark(struct live_base *base, uint32_t nic, bool on)
{
    uint32_t *nics = NULL;
    size_t capacity = 0;
    size_t count =
        world_guest_nics(base->world, world_nic_guest(base->world, nic), &nics, &capacity);
    for (size_t i = 0; i < count; i++) {
        const struct mac_slot *slot =
            mac_index_find(&base->world->index, world_nic_mac(base->world, nics[i]).bits);
        if (slot == NULL || slot->nic >= base->world->nic_count)
            continue;
        uint64_t bit = UINT64_C(1) << slot->nic % 64;
        if (on)
            base->marked[slot->nic / 64] |= bit;
        else
            base->marked[slot->nic / 64] &= ~bit;
    }
    free(nics);
}

/* What a verdict rests on: a table, a word or frame that was heard, a probe. A kind of proof
 * that joins is worth telling: a case is to show both (DESIGN section 2). */
enum { PROOF_BY_TABLE = 1, PROOF_BY_EAR = 2, PROOF_BY_PROBE = 4 };

static uint8_t proofs_of(const struct world *world, const struct verdict_list *list,
                         const struct verdict *verdict)
{
    uint8_t proofs = 0;
    for (uint32_t i = 0; i < verdict->sightings; i++) {
        uint32_t port = list->sightings[verdict->sighting + i].port;
        const struct world_heard *heard = world_heard_at(world, port);
        if (heard == NULL)
            proofs |= PROOF_BY_TABLE;
        else if (heard->fact != NULL)
            proofs |= heard->fact->polled ? PROOF_BY_PROBE : PROOF_BY_EAR;
    }
    return proofs;
}

static struct standing *stand(struct live_base *base, uint64_t key, const struct verdict *verdict,
                              int64_t first_us)
{
    uint32_t number = base->standing_free;
    if (number != WORLD_NONE) {
        base->standing_free = base->standing[number].next;
    } else {
        base->standing = alloc_grow(base->standing, base->standing_count, &base->standing_capacity,
                                    sizeof *base->standing);
        number = (uint32_t)base->standing_count++;
    }
    struct standing *one = &base->standing[number];
    *one = (struct standing){.next = map_find(&base->standing_of, key),
                             .kind = verdict->kind,
                             .state = verdict->state,
                             .rule = verdict->rule,
                             .subject_type = verdict->subject_type,
                             .subject = verdict->subject,
                             .domain = verdict->domain,
                             .key_high = (uint32_t)(key >> 32),
                             .key_low = (uint32_t)key,
                             .first_us = first_us};
    map_put(&base->standing_of, key, number);
    base->standing_live++;
    return one;
}

void live_stand_sweep(struct live_base *base, const struct sweep *sweep)
{
    const struct verdict_list *list = &sweep->list;
    for (size_t i = 0; i < list->count; i++) {
        const struct verdict *verdict = &list->verdicts[i];
        uint64_t key = verdict_key(base->world, list, verdict);
        if (key == 0 || !is_mine(verdict))
            continue;
        struct standing *one = stand(base, key, verdict, sweep->now.us);
        one->collected = verdict->collective != WORLD_NONE;
        one->swept = true;
        one->proofs = proofs_of(base->world, list, verdict);
        if (verdict->subject_type == SUBJECT_MAC)
            one->mac = list->macs[verdict->subject];
        if (verdict->subject_type == SUBJECT_MAC && verdict->nics > 0)
            one->subject = list->nics[verdict->nic];
        if (key >> 56 == KEY_GUEST)
            mark(base, one->subject, true);
    }
}

bool live_stands(const struct live_base *base, const struct mac_slot *slot, uint64_t mac)
{
    if (slot != NULL)
        return base->marked[slot->nic / 64] >> slot->nic % 64 & 1;
    return base->standing_live > 0 &&
           map_find(&base->standing_of, live_mac_key(mac)) != MAP_NO_VALUE;
}

static bool same_domain(const struct world *view, uint32_t a, uint32_t b)
{
    return a >> 16 == b >> 16 && world_vlans_overlap(view, a & 0xffff, b & 0xffff);
}

static int64_t opened_since(const void *aux, const struct world *view, uint8_t kind, uint8_t type,
                            uint32_t subject, uint64_t mac, uint32_t domain, bool *ret_broken)
{
    const struct live *live = aux;
    uint64_t key = type == SUBJECT_GUEST    ? live_guest_key(view, subject)
                   : type == SUBJECT_MAC    ? live->key
                   : type == SUBJECT_SWITCH ? live_switch_key(subject)
                                            : 0;
    int64_t first = WALL_UNKNOWN.us;
    *ret_broken = true; /* what the round did not find, or was gone since, begins anew */
    uint32_t n = key != 0 ? map_find(&live->base->standing_of, key) : WORLD_NONE;
    for (; n != WORLD_NONE; n = live->base->standing[n].next) {
        const struct standing *one = &live->base->standing[n];
        if (one->kind != kind || one->subject_type != type ||
            (type == SUBJECT_MAC && one->mac != mac) || !same_domain(view, one->domain, domain))
            continue;
        *ret_broken = *ret_broken && !one->swept;
        if (first == WALL_UNKNOWN.us || one->first_us < first)
            first = one->first_us;
    }
    return first;
}

/* --- comparing --- */

static struct live_change *add_change(struct live_out *out, enum live_change_kind kind,
                                      uint8_t what, uint32_t verdict)
{
    out->changes =
        alloc_grow(out->changes, out->change_count, &out->change_capacity, sizeof *out->changes);
    struct live_change *change = &out->changes[out->change_count++];
    *change =
        (struct live_change){.kind = kind, .what = (enum discrepancy_kind)what, .verdict = verdict};
    return change;
}

static const char *identity_of(const struct world *view, const struct verdict_list *list,
                               uint8_t kind, uint8_t type, uint32_t subject, uint32_t domain,
                               struct arena *arena)
{
    AUTO_TEXT struct text text = TEXT_EMPTY;
    judge_identity(view, list, (enum discrepancy_kind)kind, (enum verdict_subject)type, subject,
                   domain, &text);
    return arena_text(arena, text_get(&text), text.length);
}

static const char *standing_identity(const struct live_base *base, const struct standing *one,
                                     uint64_t mac, struct arena *arena)
{
    struct verdict_list list = {.macs = &mac, .mac_count = 1};
    uint32_t subject = one->subject_type == SUBJECT_MAC ? 0 : one->subject;
    return identity_of(&base->view, &list, one->kind, one->subject_type, subject, one->domain,
                       arena);
}

size_t live_standing(const struct live *live, struct arena *arena, struct live_stand **ret)
{
    const struct live_base *base = live->base;
    size_t count = 0, most = base != NULL ? base->standing_count : 0;
    *ret = arena_alloc(arena, (most + 1) * sizeof **ret);
    for (size_t i = 0; i < most; i++) {
        const struct standing *one = &base->standing[i];
        if (one->key_high != 0)
            (*ret)[count++] = (struct live_stand){standing_identity(base, one, one->mac, arena),
                                                  (enum verdict_state)one->state};
    }
    return count;
}

/* The standing verdict of the same identity, WORLD_NONE. */
static uint32_t find_standing(const struct live *live, uint64_t key,
                              const struct verdict_list *list, const struct verdict *verdict)
{
    const struct live_base *base = live->base;
    uint32_t n = map_find(&base->standing_of, key);
    for (; n != WORLD_NONE; n = base->standing[n].next) {
        const struct standing *one = &base->standing[n];
        if (one->kind == verdict->kind && one->subject_type == verdict->subject_type &&
            (one->subject_type != SUBJECT_MAC || one->mac == list->macs[verdict->subject]) &&
            same_domain(&base->view, one->domain, verdict->domain))
            return n;
    }
    return WORLD_NONE;
}

/* Tells one verdict that is said now, and lets it stand. */
static void tell(struct live *live, uint64_t key, uint32_t number, struct wall now,
                 struct live_out *out)
{
    struct live_base *base = live->base;
    struct verdict *verdict = &out->list->verdicts[number];
    uint32_t n = find_standing(live, key, out->list, verdict);
    uint8_t proofs = proofs_of(&live->base->view, out->list, verdict);
    enum live_change_kind kind = LIVE_CHANGED;
    if (n == WORLD_NONE) {
        struct standing *one = stand(base, key, verdict, now.us);
        one->said = true;
        one->proofs = proofs;
        if (verdict->subject_type == SUBJECT_MAC)
            one->mac = out->list->macs[verdict->subject];
        if (key >> 56 == KEY_GUEST)
            mark(base,
                 verdict->subject_type == SUBJECT_MAC ? out->list->nics[verdict->nic]
                                                      : verdict->subject,
                 true);
        one->collected = live_storm(live, number, now, out);
        if (one->collected)
            return;
        verdict = &out->list->verdicts[number];
        kind = LIVE_OPENED;
    } else {
        struct standing *one = &base->standing[n];
        bool same = one->state == verdict->state && one->rule == verdict->rule &&
                    (proofs & ~one->proofs) == 0 && !one->untold;
        if (one->untold)
            kind = LIVE_OPENED;
        one->untold = false;
        one->proofs |= proofs;
        one->said = true;
        verdict->domain = one->domain; /* it keeps its name */
        one->rule = verdict->rule;
        one->state = verdict->state;
        if (same || one->collected)
            return;
    }
    struct live_change *change = add_change(out, kind, verdict->kind, number);
    change->identity = identity_of(&base->view, out->list, verdict->kind, verdict->subject_type,
                                   verdict->subject, verdict->domain, out->arena);
    change->observed = true;
}

static void untell(struct live_base *base, uint64_t key)
{
    uint32_t n = map_find(&base->standing_of, key);
    for (; n != WORLD_NONE; n = base->standing[n].next)
        base->standing[n].untold = true;
}

void live_untell(struct live *live, uint64_t mac)
{
    const struct world *world = live->base->world;
    const struct mac_slot *slot = mac_index_find(&world->index, mac);
    const struct world_shared_mac *shared;
    untell(live->base, live_mac_key(mac));
    if (slot == NULL || (slot->key >> 48 & (MAC_TAG_HYPERVISOR | MAC_TAG_INFRASTRUCTURE)))
        return;
    size_t count = world_shared(world, (struct mac){mac}, &shared);
    if (count == 0)
        untell(live->base, live_guest_key(world, slot->nic));
    for (size_t i = 0; i < count; i++)
        untell(live->base, live_guest_key(world, shared[i].nic));
}

void live_tell_collective(struct live *live, uint32_t number, struct live_out *out)
{
    const struct verdict *verdict = &out->list->verdicts[number];
    AUTO_TEXT struct text text = TEXT_EMPTY;
    struct live_change *change = add_change(out, LIVE_OPENED, verdict->kind, number);
    judge_identity(&live->base->view, out->list, (enum discrepancy_kind)verdict->kind,
                   (enum verdict_subject)verdict->subject_type, verdict->subject, verdict->domain,
                   &text);
    text_add(&text, " collective");
    change->identity = arena_text(out->arena, text_get(&text), text.length);
    change->observed = true;
}

void live_compare(struct live *live, uint64_t key, size_t first, bool observed, struct wall now,
                  struct live_out *out)
{
    struct live_base *base = live->base;
    for (uint32_t n = map_find(&base->standing_of, key); n != WORLD_NONE;
         n = base->standing[n].next)
        base->standing[n].said = false;
    for (size_t i = first, count = out->list->count; i < count; i++)
        if (is_mine(&out->list->verdicts[i]) &&
            verdict_key(&base->view, out->list, &out->list->verdicts[i]) == key)
            tell(live, key, (uint32_t)i, now, out);
    uint32_t before = WORLD_NONE;
    for (uint32_t n = map_find(&base->standing_of, key), next; n != WORLD_NONE; n = next) {
        struct standing *one = &base->standing[n];
        next = one->next;
        if (one->said) {
            before = n;
            continue;
        }
        if (!one->collected && !one->untold) {
            struct live_change *change = add_change(out, LIVE_GONE, one->kind, WORLD_NONE);
            change->identity = standing_identity(base, one, one->mac, out->arena);
            change->observed = observed;
        }
        if (before == WORLD_NONE)
            map_put(&base->standing_of, key, next);
        else
            base->standing[before].next = next;
        *one = (struct standing){.next = base->standing_free, .key_high = 0};
        base->standing_free = n;
        base->standing_live--;
    }
}

/* --- sightings --- */

/* Whether a probe of the MAC on that switch is newer than its table. */
static bool is_probed(const struct live *live, uint64_t mac, uint32_t switch_index)
{
    const struct world_switch *sw = &live->base->view.switches[switch_index];
    uint32_t n = live->probed_live > 0 ? map_find(&live->probed_of, mac) : WORLD_NONE;
    for (; n != WORLD_NONE; n = live->probed[n].next)
        if (live->probed[n].started.us > sw->started_us &&
            strcmp(live->probed[n].switch_name, sw->name) == 0)
            return true;
    return false;
}

static size_t find_sightings(void *aux, struct mac mac, const struct sighting **ret)
{
    struct live *live = aux;
    const struct live_base *base = live->base;
    const struct world *view = &base->view;
    size_t count = 0;
    uint32_t number = row_links_find(&base->links, mac.bits);
    uint32_t n = number == WORLD_NONE ? WORLD_NONE : base->links.heads[number].first;
    for (; n != WORLD_NONE; n = base->links.nodes[n].next) {
        const struct sighting *row = &base->links.nodes[n].sighting;
        if (is_probed(live, mac.bits, view->ports[row->port].switch_index))
            continue;
        live->found = alloc_grow(live->found, count, &live->found_capacity, sizeof *live->found);
        live->found[count++] = *row;
    }
    for (const struct world_heard *h = world_heard_of(view, mac.bits); h != NULL;
         h = world_heard_next(view, h)) {
        if (!h->present)
            continue;
        live->found = alloc_grow(live->found, count, &live->found_capacity, sizeof *live->found);
        live->found[count++] = world_heard_sighting(view, h);
    }
    sweep_order(live->found, count);
    *ret = live->found;
    return count;
}

/* The rows of the world beneath, whatever was probed since. */
static size_t find_rows(void *aux, struct mac mac, const struct sighting **ret)
{
    struct live *live = aux;
    const struct live_base *base = live->base;
    size_t count = 0;
    uint32_t number = row_links_find(&base->links, mac.bits);
    uint32_t n = number == WORLD_NONE ? WORLD_NONE : base->links.heads[number].first;
    for (; n != WORLD_NONE; n = base->links.nodes[n].next) {
        live->found = alloc_grow(live->found, count, &live->found_capacity, sizeof *live->found);
        live->found[count++] = base->links.nodes[n].sighting;
    }
    *ret = live->found;
    return count;
}

static bool is_seen(void *aux, struct mac mac)
{
    const struct sighting *sightings;
    return find_sightings(aux, mac, &sightings) > 0;
}

static void add_fact(struct live *live, const struct heard_fact *fact, struct live_out *out)
{
    struct heard_fact *kept = arena_alloc(out->arena, sizeof *kept);
    *kept = *fact;
    world_heard_add(&live->base->view, kept);
}

bool live_add_facts(struct live *live, uint64_t mac, struct live_out *out)
{
    struct presence_row rows[LIVE_SESSIONS_MAX];
    bool stopped = false;
    map_put(&live->base->view.heard_of_mac, mac, MAP_NO_VALUE);
    unsigned count = presence_find(live->presence, presence_mac((struct mac){mac}), true, rows,
                                   LIVE_SESSIONS_MAX);
    for (unsigned i = 0; i < count && i < LIVE_SESSIONS_MAX; i++) {
        if (rows[i].settled || rows[i].unstarted || rows[i].proof == EVENT_PROOF_HINT)
            continue;
        struct heard_fact fact = live_fact_of(live, &rows[i]);
        stopped = stopped || fact.end == HEARD_STOPPED;
        add_fact(live, &fact, out);
    }
    const struct heard_fact *gone = live_departed_find(live, mac);
    if (gone != NULL) {
        stopped = stopped || gone->end == HEARD_STOPPED;
        add_fact(live, gone, out);
    }
    uint32_t n = live->probed_live > 0 ? map_find(&live->probed_of, mac) : WORLD_NONE;
    for (; n != WORLD_NONE; n = live->probed[n].next)
        for (uint32_t i = 0; i < live->probed[n].fact_count; i++)
            add_fact(live, &live->probed[n].facts[i], out);
    return stopped;
}

static struct judge *begin(struct live *live, const struct sighting_source *source, struct wall now,
                           struct live_out *out)
{
    struct live_base *base = live->base;
    base->view.in.now = now;
    base->view.in.flushes = live->flushes;
    base->view.in.flush_count = live->flush_count;
    map_done(&base->view.windows);
    live->opened = (struct world_opened){opened_since, live};
    base->view.opened = &live->opened;
    struct judge *judge = judge_new(&base->view, now, source, out->list, base->hypervisors);
    for (uint32_t h = 0; h < base->moved_count; h++)
        judge_hypervisor_place(judge, base->moved[h]);
    return judge;
}

struct judge *live_judge_begin(struct live *live, struct wall now, struct live_out *out)
{
    live->source = (struct sighting_source){find_sightings, is_seen, live, find_rows};
    return begin(live, &live->source, now, out);
}

/* --- one subject --- */

static void judge_nic_guest(struct live *live, uint32_t nic, struct wall now, struct live_out *out)
{
    struct live_base *base = live->base;
    const struct sighting_source source = {find_sightings, is_seen, live, find_rows};
    bool stopped = false;
    size_t capacity = 0;
    uint32_t *nics = NULL;
    size_t count =
        world_guest_nics(base->world, world_nic_guest(base->world, nic), &nics, &capacity);
    struct judge *judge = begin(live, &source, now, out);
    for (size_t i = 0; i < count; i++) {
        struct mac mac = world_nic_mac(base->world, nics[i]);
        bool done = !mac_known(mac);
        for (size_t j = 0; j < i && !done; j++)
            done = mac_equal(world_nic_mac(base->world, nics[j]), mac);
        if (done)
            continue;
        stopped = live_add_facts(live, mac.bits, out) || stopped;
        if (!live_in_window(live, mac.bits, now))
            continue;
        live->window = live->windows[map_find(&live->window_of, mac.bits)].window;
        base->view.in.windows = &live->window;
        base->view.in.window_count = 1;
        map_put(&base->view.windows, mac.bits, 0);
    }
    live->key = live_guest_key(base->world, nic);
    size_t first = out->list->count;
    bool seen = judge_guest(judge, nic);
    if (!seen)
        judge_absent_guest(judge, nic, true);
    judge_free(judge);
    if (live->key != 0)
        live_compare(live, live->key, first, seen || stopped, now, out);
    if (map_find(&base->standing_of, live->key) == MAP_NO_VALUE)
        mark(base, nic, false);
    free(nics);
}

static void judge_stranger(struct live *live, struct mac mac, struct wall now, struct live_out *out)
{
    const struct sighting_source source = {find_sightings, is_seen, live, find_rows};
    struct judge *judge = begin(live, &source, now, out);
    bool stopped = live_add_facts(live, mac.bits, out);
    const struct sighting *sightings;
    bool seen = find_sightings(live, mac, &sightings) > 0;
    live->key = live_mac_key(mac.bits);
    size_t first = out->list->count;
    judge_unknown_mac(judge, mac);
    judge_free(judge);
    live_compare(live, live->key, first, stopped && !seen, now, out);
}

/* Whether what was said since change number `from` is worth a second look at once. */
static void wish_again(struct live *live, struct mac mac, const char *why, size_t from,
                       struct wall now, struct live_out *out)
{
    bool odd = false, record = false;
    for (size_t i = from; i < out->change_count; i++) {
        const struct live_change *change = &out->changes[i];
        odd = odd || change->kind != LIVE_GONE;
        record = record || (change->kind == LIVE_OPENED && !(change->verdict & LIVE_SAID) &&
                            out->list->verdicts[change->verdict].state == VERDICT_SUSPECTED);
    }
    if (!odd && strcmp(why, "departure") != 0)
        return;
    if (odd)
        live_wish_probe(live, mac, NULL, why, now, out);
    bool wished = false;
    for (size_t i = 0; i < out->wish_count; i++)
        wished = wished || out->wishes[i].kind == LIVE_WISH_RECORDS;
    if (record && !wished)
        live_wish(out, &(struct live_wish){.kind = LIVE_WISH_RECORDS, .mac = mac, .why = why});
}

void live_judge(struct live *live, struct mac mac, struct wall now, const char *why,
                struct live_out *out)
{
    const struct world *world = live->base->world;
    const struct mac_slot *slot = mac_index_find(&world->index, mac.bits);
    size_t from = out->change_count;
    live->counts.judged++;
    mac_list_add(&live->touched, mac.bits);
    if (slot == NULL) {
        judge_stranger(live, mac, now, out);
    } else if (!(slot->key >> 48 & (MAC_TAG_HYPERVISOR | MAC_TAG_INFRASTRUCTURE))) {
        const struct world_shared_mac *shared;
        size_t count = world_shared(world, mac, &shared);
        uint64_t last = 0;
        if (count == 0)
            judge_nic_guest(live, slot->nic, now, out);
        for (size_t i = 0; i < count; i++) {
            uint64_t key = live_guest_key(world, shared[i].nic);
            if (key != last)
                judge_nic_guest(live, shared[i].nic, now, out);
            last = key;
        }
    }
    if (why != NULL)
        wish_again(live, mac, why, from, now, out);
}

void live_judge_past(struct live *live, uint32_t nic, const struct heard_fact *fact,
                     struct wall now, struct live_out *out)
{
    struct live_base *base = live->base;
    uint64_t key = live_guest_key(base->world, nic);
    uint32_t n = map_find(&base->standing_of, key);
    for (; n != WORLD_NONE; n = base->standing[n].next)
        if (base->standing[n].kind == DISCREPANCY_OFF_BUT_SEEN)
            return; /* it was said while it was true */
    const struct sighting_source source = {find_sightings, is_seen, live, find_rows};
    struct judge *judge = begin(live, &source, now, out);
    uint32_t number = (uint32_t)out->list->count;
    uint32_t port = world_heard_add(&base->view, fact);
    if (judge_past(judge, nic, port)) {
        number = (uint32_t)out->list->count - 1;
        const struct verdict *verdict = &out->list->verdicts[number];
        struct live_change *change = add_change(out, LIVE_PAST, verdict->kind, number);
        change->identity = identity_of(&base->view, out->list, verdict->kind, verdict->subject_type,
                                       verdict->subject, verdict->domain, out->arena);
        change->observed = true;
        live->counts.past++;
    }
    judge_free(judge);
}

void live_out_render(const struct live_out *out, size_t number, struct arena *arena,
                     struct discrepancy *ret)
{
    CHECK(number < out->change_count && out->changes[number].kind != LIVE_GONE);
    uint32_t verdict = out->changes[number].verdict;
    if (verdict & LIVE_SAID) {
        live_mobile_render(out->live, &out->said[verdict & ~LIVE_SAID], arena, ret);
        return;
    }
    render_verdict(&out->live->base->view, out->list,
                   &out->list->verdicts[out->changes[number].verdict], arena, ret);
}
