/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "audit/judge_view.h"

/* What the judge draws from earlier rounds: supersession of skewed reads, overlap,
 * A-B-A, and since when a discrepancy has stood. */

/* Whether a remembered VLAN text ("10", "10|20", "") can be one domain with `vlan`. */
static bool vlan_text_overlaps(const struct world *world, const char *text, uint16_t vlan)
{
    if (text == NULL || text[0] < '0' || text[0] > '9' || vlan == VLAN_SET_UNKNOWN ||
        vlan == VLAN_SET_TRUNK)
        return true;
    size_t count;
    const uint32_t *ids = vlan_pool_get(world->vlans, vlan, &count);
    for (const char *p = text; *p != '\0'; p += *p == '|') {
        char *end;
        unsigned long id = strtoul(p, &end, 10);
        if (end == p)
            return true;
        for (size_t i = 0; i < count; i++)
            if (ids[i] == id)
                return true;
        p = end;
    }
    return false;
}

/* Returns the edge port of an interval, WORLD_NONE when it is transit, of another
 * domain, or of this round. */
static uint32_t interval_edge(const struct judge *judge, const struct seen_interval *interval,
                              uint16_t vlan)
{
    const struct world *world = judge->world;
    uint32_t port = world_find_port(world, interval->switch_name, interval->port);
    if (port == WORLD_NONE || !vlan_text_overlaps(world, interval->vlan, vlan))
        return WORLD_NONE;
    enum port_class class = (enum port_class)world->ports[port].class;
    const struct world_switch *sw = &world->switches[world->ports[port].switch_index];
    if ((class != PORT_CLASS_HYPERVISOR && class != PORT_CLASS_EDGE) ||
        (sw->started_us != WALL_UNKNOWN.us && interval->first.us >= sw->started_us))
        return WORLD_NONE;
    return port;
}

static uint32_t site_of(const struct judge *judge, uint32_t port)
{
    return judge->world->switches[judge->world->ports[port].switch_index].site;
}

int64_t judge_first_on(const struct judge *judge, struct mac mac, uint32_t port)
{
    const struct world *world = judge->world;
    const struct world_heard *heard = world_heard_at(world, port);
    if (heard != NULL && heard->fact != NULL && !heard->fact->polled)
        return heard->fact->frame.us == WALL_UNKNOWN.us ? WALL_UNKNOWN.us : heard->fact->first.us;
    int64_t first, last;
    proof_read(world, port, &first, &last);
    last = WALL_UNKNOWN.us;
    size_t count;
    const struct seen_interval *intervals = memory_intervals(world->memory, mac, &count);
    for (size_t i = 0; i < count; i++) {
        uint32_t at = interval_edge(judge, &intervals[i], VLAN_SET_UNKNOWN);
        if (at == WORLD_NONE || !judge_same_place(judge, at, port) || intervals[i].last.us < last)
            continue;
        last = intervals[i].last.us;
        first = intervals[i].first.us;
    }
    return first;
}

/* Since when the address is known to be at the place of `kept`, by whatever shows it there. */
static int64_t first_at(const struct judge *judge, struct mac mac, const struct sighting *kept)
{
    int64_t first = judge_first_on(judge, mac, kept->port);
    for (size_t i = 0; i < judge->edge_count; i++) {
        int64_t one = judge_first_on(judge, mac, judge->edges[i].port);
        if (one != WALL_UNKNOWN.us && one < first &&
            judge_same_place(judge, judge->edges[i].port, kept->port))
            first = one;
    }
    return first;
}

/* Whether a session was kept open after the address came to another place: no frame, so that it
 * proves nothing, but the word of its keeper, so that it is not hidden either. */
static bool is_kept_open(const struct world *world, const struct sighting *older, int64_t newer)
{
    return proof_is_single(world, older) && proof_kept_after(world, older, newer) > 0;
}

bool judge_is_outdated(const struct judge *judge, const struct sighting *row,
                       const struct world_heard *ended)
{
    const struct world *world = judge->world;
    const struct heard_fact *fact = ended->fact;
    const struct world_heard *self = world_heard_at(world, row->port);
    if ((fact->end != HEARD_STOPPED && fact->end != HEARD_RESET) || fact->polled ||
        fact->proof != EVENT_PROOF_TOLD || (self != NULL && !self->fact->polled))
        return false;
    struct sighting last = {world_heard_port(world, ended), ended->vlan, FORWARD_AGE_UNKNOWN};
    int64_t read, read_end;
    proof_read(world, row->port, &read, &read_end);
    /* begun before the row was read: no move explains both */
    return fact->first.us >= read && proof_read_before(world, row->port, last.port) &&
           world->ports[last.port].class != PORT_CLASS_INTER_SWITCH &&
           !judge_same_place(judge, row->port, last.port) && judge_one_domain(judge, row, &last);
}

/* Drops rows that a session elsewhere has outdated, which is over now: it had left them. */
static void drop_outdated(struct judge *judge, struct mac mac)
{
    for (const struct world_heard *h = world_heard_of(judge->world, mac.bits); h != NULL;
         h = world_heard_next(judge->world, h))
        for (size_t i = 0; i < judge->edge_count;) {
            if (judge_is_outdated(judge, &judge->edges[i], h))
                judge->edges[i] = judge->edges[--judge->edge_count];
            else
                i++;
        }
}

void judge_supersede(struct judge *judge, struct mac mac)
{
    drop_outdated(judge, mac);
    if (judge->edge_count < 2)
        return;
    size_t newest = 0;
    int64_t newest_read = WALL_UNKNOWN.us;
    for (size_t i = 0; i < judge->edge_count; i++) {
        int64_t read, ended;
        proof_read(judge->world, judge->edges[i].port, &read, &ended);
        if (read == WALL_UNKNOWN.us) /* a session that no frame bears out supersedes nothing */
            continue;
        if (newest_read == WALL_UNKNOWN.us ||
            proof_read_before(judge->world, judge->edges[newest].port, judge->edges[i].port)) {
            newest = i;
            newest_read = read;
        }
    }
    struct sighting kept = judge->edges[newest];
    int64_t newest_first = judge_first_on(judge, mac, kept.port);
    int64_t came = first_at(judge, mac, &kept);
    for (size_t i = 0; i < judge->edge_count;) {
        struct sighting *edge = &judge->edges[i];
        int64_t read, ended;
        proof_read(judge->world, edge->port, &read, &ended);
        /* seen on the newer edge before the older one was read: no move explains both */
        if (judge_same_place(judge, edge->port, kept.port) ||
            !judge_one_domain(judge, edge, &kept) || newest_first < read ||
            is_kept_open(judge->world, edge, came) ||
            !proof_read_before(judge->world, edge->port, kept.port)) {
            i++;
            continue;
        }
        *edge = judge->edges[--judge->edge_count];
    }
}

enum { HISTORY_MAX = 256 };

/* One step of the MAC's way: an edge and the reads that showed it. */
struct step {
    uint32_t port;
    int64_t first, last;
};

static int by_first(const void *a, const void *b)
{
    const struct step *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* Whether the row is none of the places at hand: it was left since. */
static bool is_left(const struct judge *judge, const struct sighting *row)
{
    for (size_t i = 0; i < judge->edge_count; i++)
        if (judge->edges[i].port == row->port && judge->edges[i].vlan == row->vlan)
            return false;
    return true;
}

/* Adds a row as memory will have it: as one more read of a step that no read of its switch was
 * without since, else as a step. */
static size_t add_read(const struct world *world, uint32_t port, int64_t read, int64_t ended,
                       struct step *steps, size_t step_count)
{
    const struct world_switch *sw = &world->switches[world->ports[port].switch_index];
    int64_t last = ended >= read ? ended : read;
    for (size_t i = 0; i < step_count; i++)
        if (steps[i].port == port && steps[i].last >= sw->last_read_us) {
            steps[i].last = last > steps[i].last ? last : steps[i].last;
            return step_count;
        }
    steps[step_count] = (struct step){port, read, last};
    return step_count + 1;
}

/* Adds what the tables of the round show that the address has left since, or where it came back
 * to: memory has it only from the next round on, which is to say the same. Sets *ret_here to when
 * the place of `here` was read with it, WALL_UNKNOWN.us where it was not. */
static size_t add_round(const struct judge *judge, struct mac mac, uint32_t here,
                        struct step *steps, size_t step_count, int64_t *ret_here)
{
    const struct world *world = judge->world;
    const struct sighting_source *source = judge->source;
    const struct sighting *rows;
    size_t count = (source->rows != NULL ? source->rows : source->find)(source->aux, mac, &rows);
    *ret_here = WALL_UNKNOWN.us;
    for (size_t i = 0; i < count && step_count < HISTORY_MAX - 1; i++) {
        uint32_t port = rows[i].port;
        int64_t read, ended;
        proof_read(world, port, &read, &ended);
        enum port_class class = (enum port_class)world->ports[port].class;
        if (world_heard_at(world, port) != NULL || read == WALL_UNKNOWN.us ||
            (class != PORT_CLASS_HYPERVISOR && class != PORT_CLASS_EDGE) ||
            !judge_one_domain(judge, &rows[i], &judge->edges[0]))
            continue;
        bool same = world_heard_at(world, here) != NULL && judge_same_place(judge, port, here);
        if (same && read > *ret_here)
            *ret_here = read;
        if (same || is_left(judge, &rows[i]))
            step_count = add_read(world, port, read, ended, steps, step_count);
    }
    return step_count;
}

/* Fills `steps` with where rounds have read the address, in order; returns how many. */
static size_t find_steps(const struct judge *judge, struct mac mac, struct step *steps,
                         int64_t *ret_here)
{
    size_t count, step_count = 0;
    uint32_t here = judge->edges[0].port;
    const struct seen_interval *intervals = memory_intervals(judge->world->memory, mac, &count);
    for (size_t i = count > HISTORY_MAX / 2 ? count - HISTORY_MAX / 2 : 0; i < count; i++) {
        uint32_t port = interval_edge(judge, &intervals[i], judge->edges[0].vlan);
        if (port != WORLD_NONE && site_of(judge, port) == site_of(judge, here))
            steps[step_count++] = (struct step){port, intervals[i].first.us, intervals[i].last.us};
    }
    step_count = add_round(judge, mac, here, steps, step_count, ret_here);
    if (step_count > 0)
        qsort(steps, step_count, sizeof *steps, by_first);
    return step_count;
}

/* Whether the read of the switch showed anybody: else it is no word of who is not there. */
static bool has_rows(const struct world_switch *sw)
{
    for (size_t i = 0; sw->table != NULL && i < sw->table->row_count; i++)
        if (world_row_counts(&sw->table->rows[i]))
            return true;
    return false;
}

/* Whether a read of the step's switch was without the address after the step: the read before
 * this round's or, where it is only heard there now, this one. */
static bool was_missed(const struct world *world, const struct step *step, uint32_t here,
                       int64_t read_here)
{
    const struct world_switch *sw = &world->switches[world->ports[step->port].switch_index];
    bool heard = world_heard_at(world, here) != NULL && read_here == WALL_UNKNOWN.us;
    return step->last < sw->last_read_us || (heard && step->last < sw->started_us && has_rows(sw));
}

struct history judge_history(const struct judge *judge, struct mac mac)
{
    struct step steps[HISTORY_MAX];
    struct history history = {.other = WORLD_NONE};
    int64_t now, ended, read_here;
    size_t step_count = find_steps(judge, mac, steps, &read_here);
    if (step_count < 2)
        return history;
    const struct world *world = judge->world;
    uint32_t here = judge->edges[0].port;
    proof_read(world, here, &now, &ended);
    if (now < read_here)
        now = read_here;
    if (world_heard_at(world, here) != NULL &&
        (now == WALL_UNKNOWN.us || now < steps[step_count - 1].first))
        return history; /* a session that is kept open: nobody came back by it */
    if (now == WALL_UNKNOWN.us)
        now = judge->now.us;
    steps[step_count++] = (struct step){here, now, now};
    size_t from = 0; /* the last step that began on another edge than its successor */
    for (size_t i = 1; i < step_count; i++) {
        if (judge_same_place(judge, steps[i].port, steps[from].port)) {
            if (steps[i].last > steps[from].last)
                steps[from].last = steps[i].last;
            continue;
        }
        if (now - steps[i].first <= world->options.flap_window.us)
            history.moves++;
        if (now - steps[i].first <= world->options.interleave_window.us)
            history.wanderings++;
        steps[++from] = steps[i];
    }
    /* ... A, B, here, where here is A again and a read of A's switch was without it */
    const struct step *before = from >= 2 ? &steps[from - 2] : NULL;
    if (before != NULL && judge_same_place(judge, before->port, here) &&
        now - before->last <= world->options.interleave_window.us &&
        before->last <= steps[from - 1].first && was_missed(world, before, here, read_here)) {
        history.interleaved = true;
        history.other = steps[from - 1].port;
    }
    return history;
}

/* --- identity --- */

void judge_domain(const struct world *world, uint32_t domain, struct text *to)
{
    text_add(to, world_site_name(world, domain >> 16));
    uint16_t vlan = domain & 0xffff;
    if (vlan == VLAN_SET_UNKNOWN)
        return;
    text_add_char(to, '/');
    vlan_set_print(world->vlans, vlan, to);
}

static void subject_text(const struct world *world, const struct verdict_list *list,
                         enum verdict_subject type, uint32_t subject, struct text *to)
{
    char mac[MAC_TEXT_SIZE];
    switch (type) {
    case SUBJECT_GUEST:
        text_add(to, "guest:");
        view_identity(world, subject, to);
        return;
    case SUBJECT_MAC:
        text_printf(to, "mac:%s", mac_format((struct mac){list->macs[subject]}, mac));
        return;
    case SUBJECT_HYPERVISOR:
        text_printf(to, "hypervisor:%s", world->hypervisors[subject].name);
        return;
    case SUBJECT_SWITCH:
        text_printf(to, "switch:%s", world->switches[subject].name);
        return;
    case SUBJECT_SOURCE:
        text_printf(to, "source:%s", world->in.failed[subject].source);
        return;
    case SUBJECT_PORT:
        text_printf(to, "port:%s:%s", world->switches[world->ports[subject].switch_index].name,
                    world_port_name(world, subject));
        return;
    }
    UNREACHABLE();
}

void judge_identity(const struct world *world, const struct verdict_list *list,
                    enum discrepancy_kind kind, enum verdict_subject type, uint32_t subject,
                    uint32_t domain, struct text *to)
{
    text_printf(to, "%s ", discrepancy_word(kind));
    subject_text(world, list, type, subject, to);
    text_add_char(to, ' ');
    judge_domain(world, domain, to);
}

int64_t judge_open_since(const struct judge *judge, enum discrepancy_kind kind,
                         enum verdict_subject type, uint32_t subject, uint32_t domain)
{
    const struct world_opened *opened = judge->world->opened;
    int64_t first = WALL_UNKNOWN.us;
    bool broken = false;
    if (opened != NULL)
        first = opened->since(opened->aux, judge->world, (uint8_t)kind, (uint8_t)type, subject,
                              type == SUBJECT_MAC ? judge->out->macs[subject] : 0, domain, &broken);
    if (broken || judge->world->memory->open_count == 0)
        return first;
    /* any name of the bridge domain: which switches were read can change how many VLANs
     * it is known by */
    AUTO_TEXT struct text prefix = TEXT_EMPTY;
    judge_identity(judge->world, judge->out, kind, type, subject, domain & ~UINT32_C(0xffff),
                   &prefix);
    size_t count;
    const struct open_since *opens = memory_opens(judge->world->memory, text_get(&prefix), &count);
    for (size_t i = 0; i < count; i++) {
        const char *rest = opens[i].identity + prefix.length;
        bool same = rest[0] == '\0' ||
                    (rest[0] == '/' && vlan_text_overlaps(judge->world, rest + 1, domain & 0xffff));
        if (same && (first == WALL_UNKNOWN.us || opens[i].first.us < first))
            first = opens[i].first.us;
    }
    return first;
}

/* The set of the world that prints as `text`; VLAN_SET_UNKNOWN. */
static uint16_t find_vlans(const struct world *world, const char *text)
{
    AUTO_TEXT struct text printed = TEXT_EMPTY;
    for (size_t set = 1; set < vlan_pool_count(world->vlans); set++) {
        text_clear(&printed);
        vlan_set_print(world->vlans, (vlan_set)set, &printed);
        if (strcmp(text_get(&printed), text) == 0)
            return (uint16_t)set;
    }
    return VLAN_SET_UNKNOWN;
}

uint32_t judge_standing_domain(const struct judge *judge, enum discrepancy_kind kind,
                               enum verdict_subject type, uint32_t subject, uint32_t domain)
{
    const struct world *world = judge->world;
    if (world->memory->open_count == 0 || (type != SUBJECT_GUEST && type != SUBJECT_MAC))
        return domain;
    AUTO_TEXT struct text name = TEXT_EMPTY;
    judge_identity(world, judge->out, kind, type, subject, domain, &name);
    if (wall_known(memory_open_first(world->memory, text_get(&name))))
        return domain;
    text_clear(&name);
    judge_identity(world, judge->out, kind, type, subject, domain & ~UINT32_C(0xffff), &name);
    size_t count;
    const struct open_since *opens = memory_opens(world->memory, text_get(&name), &count);
    for (size_t i = 0; i < count; i++) {
        const char *rest = opens[i].identity + name.length;
        if (rest[0] == '\0')
            return domain & ~UINT32_C(0xffff);
        uint16_t vlan = rest[0] == '/' && vlan_text_overlaps(world, rest + 1, domain & 0xffff)
                            ? find_vlans(world, rest + 1)
                            : VLAN_SET_UNKNOWN;
        if (vlan != VLAN_SET_UNKNOWN)
            return (domain & ~UINT32_C(0xffff)) | vlan;
    }
    return domain;
}
