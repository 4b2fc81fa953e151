/* SPDX-License-Identifier: Apache-2.0 */
#include "random_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { SWITCHES_MAX = 12, HYPERVISORS_MAX = 12, GUESTS_MAX = 40, ROUNDS_MAX = 3 };

enum vlan_mode { VLAN_LESS, VLAN_AWARE, VLAN_SHARED };

struct random_switch {
    char name[16];
    unsigned site;
    int parent; /* -1: the site's root */
    char up[16], down[SWITCHES_MAX][16];
    char access[16];
    enum vlan_mode vlans;
    bool partial;
    int skew; /* seconds by which its reads are late */
};

struct random_hypervisor {
    char name[16], mac[2][24];
    unsigned site;
    int sw[2];           /* -1: none */
    char port[2][16];    /* where frames come in */
    char written[2][16]; /* as the attachments name it */
    bool unattached, wrong_port, ghost, silent;
    int moved_to; /* switch, -1: not */
};

struct random_nic {
    char mac[24], vlan[8], wire[8], row_vlan[8];
    int sw[2], hypervisor[2]; /* where it is seen: hypervisor, or access port of sw */
    bool seen[2], access[2];
    unsigned from_round, until_round;
    int later;        /* hypervisor where it is from `from_round` on; -1: stays */
    unsigned skipped; /* switches that did not learn it, as bits */
    int age;
};

struct random_guest {
    char name[16];
    int hypervisor; /* -1: not recorded */
    const char *state;
    int since; /* seconds before the first round, -1 unknown */
    struct random_nic nics[2];
    unsigned nic_count;
    int second_claim;
    const char *second_state;
    unsigned record_follows; /* round from which the record has the later place */
    bool recorded, no_mac;
};

struct random_world {
    uint64_t state;
    struct story *story;
    struct random_switch switches[SWITCHES_MAX];
    struct random_hypervisor hypervisors[HYPERVISORS_MAX];
    struct random_guest guests[GUESTS_MAX];
    unsigned switch_count, hypervisor_count, guest_count, rounds, site_count;
    double times[ROUNDS_MAX];
    bool own_macs; /* links are known by the switches' own addresses, not recorded */
};

static uint64_t draw(struct random_world *w)
{
    w->state ^= w->state << 13;
    w->state ^= w->state >> 7;
    w->state ^= w->state << 17;
    return w->state * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

static unsigned below(struct random_world *w, unsigned limit)
{
    return limit == 0 ? 0 : (unsigned)(draw(w) % limit);
}

static bool chance(struct random_world *w, unsigned percent)
{
    return below(w, 100) < percent;
}

/* --- the network --- */

static void make_switches(struct random_world *w)
{
    static const int ageings[] = {300, 300, 30, 1800, -1};
    w->site_count = chance(w, 25) ? 2 : 1;
    w->switch_count = w->site_count + below(w, 6);
    w->own_macs = chance(w, 20);
    for (unsigned i = 0; i < w->switch_count; i++) {
        struct random_switch *s = &w->switches[i];
        snprintf(s->name, sizeof s->name, "sw%u", i);
        s->site = i < w->site_count ? i : below(w, w->site_count);
        s->parent = -1;
        s->vlans = (enum vlan_mode)below(w, 3);
        s->partial = chance(w, 6);
        s->skew = chance(w, 10) ? (int)below(w, 12) : 0;
        snprintf(s->access, sizeof s->access, "acc%u", below(w, 3));
        unsigned candidates[SWITCHES_MAX], count = 0;
        for (unsigned p = 0; p < i; p++)
            if (w->switches[p].site == s->site)
                candidates[count++] = p;
        if (count > 0) {
            s->parent = (int)candidates[below(w, count)];
            snprintf(s->up, sizeof s->up, "up%u", i);
            snprintf(w->switches[s->parent].down[i], 16, "down%u", i);
        }
        struct story_switch *story = story_switch(w->story, s->name);
        snprintf(story->site, sizeof story->site, "%s", s->site == 0 ? "default" : "west");
        story->ageing = ageings[below(w, 5)];
        snprintf(story->own, sizeof story->own, "00:11:22:33:00:%02x", i);
        story_port(story, s->access);
        if (s->parent < 0)
            continue;
        story_port(story, s->up);
        story_port(story_switch(w->story, w->switches[s->parent].name),
                   w->switches[s->parent].down[i]);
    }
}

static void add_line(struct random_world *w, enum record_table table, const char *a, const char *b,
                     const char *c, const char *d)
{
    struct story *story = w->story;
    story->lines =
        alloc_grow(story->lines, story->line_count, &story->line_capacity, sizeof *story->lines);
    struct story_line *line = &story->lines[story->line_count++];
    *line = (struct story_line){.table = table};
    const char *values[] = {a, b, c, d};
    for (int i = 0; i < 4; i++)
        snprintf(line->values[i], sizeof line->values[i], "%s", values[i]);
}

static void make_links(struct random_world *w)
{
    for (unsigned i = 0; i < w->switch_count; i++) {
        struct random_switch *s = &w->switches[i];
        if (s->parent < 0 || w->own_macs)
            continue;
        const struct random_switch *parent = &w->switches[s->parent];
        if (chance(w, 20)) { /* the uplink is a LAG and the link names a member */
            char member[24];
            snprintf(member, sizeof member, "m%s", s->up);
            story_port(story_switch(w->story, s->name), member);
            add_line(w, RECORD_LAGS, s->name, s->up, member, "");
            add_line(w, RECORD_LINKS, s->name, member, parent->name, parent->down[i]);
        } else {
            add_line(w, RECORD_LINKS, s->name, s->up, parent->name, parent->down[i]);
        }
    }
}

static void attach(struct random_world *w, const char *hypervisor, const char *mac, const char *sw,
                   const char *port)
{
    struct story *story = w->story;
    story->attachments = alloc_grow(story->attachments, story->attachment_count,
                                    &story->attachment_capacity, sizeof *story->attachments);
    struct story_attachment *a = &story->attachments[story->attachment_count++];
    *a = (struct story_attachment){.sw = ""};
    snprintf(a->hypervisor, sizeof a->hypervisor, "%s", hypervisor);
    snprintf(a->mac, sizeof a->mac, "%s", mac);
    snprintf(a->sw, sizeof a->sw, "%s", sw);
    snprintf(a->port, sizeof a->port, "%s", port);
}

/* Returns a switch of `site` other than `not`, -1 when there is none. */
static int switch_of_site(struct random_world *w, unsigned site, int not )
{
    for (int tries = 0; tries < 20; tries++) {
        int s = (int)below(w, w->switch_count);
        if (w->switches[s].site == site && s != not )
            return s;
    }
    return -1;
}

static void add_mlag(struct random_world *w, const struct random_hypervisor *h)
{
    struct story *story = w->story;
    story->mlags =
        alloc_grow(story->mlags, story->mlag_count, &story->mlag_capacity, sizeof *story->mlags);
    struct story_mlag *mlag = &story->mlags[story->mlag_count++];
    snprintf(mlag->a, sizeof mlag->a, "%s", w->switches[h->sw[0]].name);
    snprintf(mlag->b, sizeof mlag->b, "%s", w->switches[h->sw[1]].name);
    snprintf(mlag->port_a, sizeof mlag->port_a, "%s", h->port[0]);
    snprintf(mlag->port_b, sizeof mlag->port_b, "%s", h->port[1]);
}

static void attach_hypervisor(struct random_world *w, struct random_hypervisor *h, unsigned i)
{
    for (unsigned k = 0; k < 2; k++)
        snprintf(h->mac[k], sizeof h->mac[k], "02:aa:00:00:%02x:%02x", i, k);
    h->sw[0] = switch_of_site(w, h->site, -1);
    h->sw[1] = chance(w, 35) ? switch_of_site(w, h->site, h->sw[0]) : -1;
    for (int k = 0; k < 2 && h->sw[k] >= 0; k++) {
        struct story_switch *sw = story_switch(w->story, w->switches[h->sw[k]].name);
        snprintf(h->port[k], sizeof h->port[k], "p%u.%d", i, k);
        memcpy(h->written[k], h->port[k], sizeof h->written[k]);
        story_port(sw, h->port[k]);
        if (k == 0 && h->sw[1] < 0 && chance(w, 20)) { /* a LAG named by its member */
            snprintf(h->written[k], sizeof h->written[k], "e%u", i);
            story_port(sw, h->written[k]);
            add_line(w, RECORD_LAGS, sw->name, h->port[k], h->written[k], "");
        }
    }
    bool mlag = h->sw[1] >= 0 && chance(w, 40);
    if (mlag)
        add_mlag(w, h);
    if (h->unattached) {
        attach(w, h->name, h->mac[0], "", "");
        return;
    }
    for (int k = 0; k < 2 && h->sw[k] >= 0 && (k == 0 || !mlag); k++)
        attach(w, h->name, h->mac[k], w->switches[h->sw[k]].name,
               h->wrong_port && k == 0 ? "nosuch" : h->written[k]);
    if (h->ghost)
        attach(w, h->name, h->mac[0], "ghost", "p1");
}

static void make_hypervisors(struct random_world *w)
{
    w->hypervisor_count = 2 + below(w, 6);
    for (unsigned i = 0; i < w->hypervisor_count; i++) {
        struct random_hypervisor *h = &w->hypervisors[i];
        *h = (struct random_hypervisor){.sw = {-1, -1}, .moved_to = -1};
        snprintf(h->name, sizeof h->name, "hv%u", i);
        h->site = w->switches[below(w, w->switch_count)].site;
        h->unattached = h->site == 0 && chance(w, 3);
        h->wrong_port = chance(w, 3);
        h->ghost = !w->own_macs && chance(w, 3);
        h->silent = chance(w, 4);
        attach_hypervisor(w, h, i);
        if (chance(w, 6) && !h->unattached)
            h->moved_to = switch_of_site(w, h->site, -1);
    }
}

/* --- guests --- */

static int hypervisor_of_site(struct random_world *w, unsigned site, int not )
{
    for (int tries = 0; tries < 20; tries++) {
        int h = (int)below(w, w->hypervisor_count);
        if (w->hypervisors[h].site == site && h != not )
            return h;
    }
    return -1;
}

static void make_nic(struct random_world *w, struct random_guest *g, unsigned number, unsigned k)
{
    static const char *const vlans[] = {"", "10", "20", "trunk", "10"};
    struct random_nic *nic = &g->nics[k];
    const struct random_hypervisor *home = &w->hypervisors[g->hypervisor];
    *nic = (struct random_nic){.later = -1, .until_round = ROUNDS_MAX, .age = -1};
    snprintf(nic->mac, sizeof nic->mac, "52:54:00:00:%02x:%02x", number & 0xff, k & 0xff);
    snprintf(nic->vlan, sizeof nic->vlan, "%s", vlans[below(w, 5)]);
    snprintf(nic->wire, sizeof nic->wire, "%s",
             chance(w, 8)   ? "no"
             : chance(w, 5) ? "unknown"
                            : "");
    snprintf(nic->row_vlan, sizeof nic->row_vlan, "%s",
             nic->vlan[0] >= '1' && nic->vlan[0] <= '9' ? nic->vlan
             : chance(w, 50)                            ? "10"
                                                        : "20");
    if (chance(w, 6))
        snprintf(nic->row_vlan, sizeof nic->row_vlan, "30");
    nic->skipped = chance(w, 30) ? below(w, 1u << w->switch_count) : 0;
    nic->age = chance(w, 8) ? (int)below(w, 400) : -1;
    bool on = strcmp(g->state, "on") == 0;
    nic->seen[0] = on ? !chance(w, 10) : chance(w, 25);
    nic->hypervisor[0] = g->hypervisor;
    unsigned fault = below(w, 100);
    if (fault < 8) { /* elsewhere */
        int other = hypervisor_of_site(w, home->site, g->hypervisor);
        nic->hypervisor[0] = other >= 0 ? other : g->hypervisor;
        nic->seen[0] = true;
    } else if (fault < 12) { /* on an access port */
        nic->access[0] = nic->seen[0] = true;
        nic->sw[0] = switch_of_site(w, home->site, -1);
    } else if (fault < 18) { /* two places */
        int other = hypervisor_of_site(w, home->site, g->hypervisor);
        nic->seen[0] = true;
        nic->seen[1] = other >= 0;
        nic->hypervisor[1] = other;
    } else if (fault < 24) { /* it goes elsewhere in a later round */
        nic->later = hypervisor_of_site(w, home->site, g->hypervisor);
        nic->from_round = 1 + below(w, 2);
    } else if (fault < 28) {
        nic->until_round = 1 + below(w, 2);
    }
}

static void make_guests(struct random_world *w)
{
    static const char *const states[] = {"on",      "on",       "on",        "on",     "on",
                                         "off",     "off",      "suspended", "paused", "hibernated",
                                         "crashed", "starting", "migrating", "unknown"};
    static const int sinces[] = {-1, -1, 10000, 400, 250, 100, 5, 33};
    w->guest_count = 3 + below(w, 30);
    for (unsigned i = 0; i < w->guest_count; i++) {
        struct random_guest *g = &w->guests[i];
        *g = (struct random_guest){.second_claim = -1, .recorded = !chance(w, 5)};
        snprintf(g->name, sizeof g->name, "g%u", i);
        g->hypervisor = (int)below(w, w->hypervisor_count);
        g->state = states[below(w, ARRAY_COUNT(states))];
        g->since = sinces[below(w, ARRAY_COUNT(sinces))];
        g->nic_count = 1 + chance(w, 20);
        g->no_mac = chance(w, 2);
        g->record_follows = 1 + below(w, 3);
        if (chance(w, 6)) {
            g->second_claim =
                hypervisor_of_site(w, w->hypervisors[g->hypervisor].site, g->hypervisor);
            g->second_state = chance(w, 50) ? "on" : states[below(w, ARRAY_COUNT(states))];
        }
        for (unsigned k = 0; k < g->nic_count; k++)
            make_nic(w, g, i, k);
    }
}

struct random_world *random_world_new(uint64_t seed, struct story *story)
{
    static const unsigned steps[] = {10, 70, 310, 400, 2000};
    struct random_world *w = alloc_zeroed(1, sizeof *w);
    w->state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    w->story = story;
    for (int i = 0; i < 8; i++)
        draw(w);
    make_switches(w);
    make_links(w);
    make_hypervisors(w);
    make_guests(w);
    w->rounds = 1 + below(w, ROUNDS_MAX);
    double now = 43200;
    for (unsigned r = 0; r < w->rounds; r++, now += steps[below(w, 5)])
        w->times[r] = now;
    story->options.storm_count = 1000000;
    return w;
}

void random_world_free(struct random_world *world)
{
    free(world);
}

unsigned random_world_rounds(const struct random_world *world)
{
    return world->rounds;
}

double random_world_time(const struct random_world *world, unsigned number)
{
    return world->times[number];
}

/* --- rows --- */

/* Returns the port of `at` that leads towards `to`. */
static const char *towards(const struct random_world *w, int at, int to)
{
    int child = to;
    while (child >= 0 && w->switches[child].parent != at)
        child = w->switches[child].parent;
    return child >= 0 ? w->switches[at].down[child] : w->switches[at].up;
}

static const char *row_vlan(const struct random_world *w, int sw, const char *vlan)
{
    if (w->switches[sw].vlans == VLAN_LESS || vlan[0] == '\0')
        return "";
    if (w->switches[sw].vlans == VLAN_SHARED && strcmp(vlan, "30") != 0)
        return "10|20";
    return vlan;
}

/* A MAC at one edge, and on the way at every other switch of the site. A switch that
 * has it on an edge already keeps that row: one FDB has a MAC once. */
static void emit(struct random_world *w, const char *mac, const char *vlan, int sw,
                 const char *port, unsigned skipped, int age, bool edge_only)
{
    for (unsigned s = 0; s < w->switch_count; s++) {
        if (w->switches[s].site != w->switches[sw].site || ((int)s != sw && skipped >> s & 1) ||
            (edge_only && (int)s != sw))
            continue;
        struct story_switch *story = story_switch(w->story, w->switches[s].name);
        const char *on = (int)s == sw ? port : towards(w, (int)s, sw);
        bool taken = false;
        for (size_t r = 0; r < story->row_count; r++)
            taken = taken || (strcmp(story->rows[r].mac, mac) == 0 &&
                              strcmp(story->rows[r].vlan, row_vlan(w, (int)s, vlan)) == 0);
        if (w->switches[s].partial && (mac[strlen(mac) - 1] & 1))
            continue; /* the walk broke off before it */
        if (!taken)
            story_row(story, on, mac, row_vlan(w, (int)s, vlan), FORWARD_LEARNED,
                      (int)s == sw ? age : -1);
    }
}

/* Where frames of a hypervisor come in: its port, or the one it was recabled to. */
static const char *port_of(struct random_world *w, int hypervisor, unsigned pick, int *ret_sw)
{
    const struct random_hypervisor *h = &w->hypervisors[hypervisor];
    if (h->moved_to >= 0) {
        *ret_sw = h->moved_to;
        return w->switches[h->moved_to].access;
    }
    int k = h->sw[1] >= 0 && pick % 2 ? 1 : 0;
    *ret_sw = h->sw[k];
    return h->port[k];
}

static void emit_nic(struct random_world *w, const struct random_guest *g, unsigned k,
                     unsigned round)
{
    const struct random_nic *nic = &g->nics[k];
    for (int p = 1; p >= 0; p--) {
        int sw = nic->sw[p], hypervisor = nic->hypervisor[p];
        if (!nic->seen[p] || round >= nic->until_round)
            continue;
        if (p == 0 && nic->later >= 0 && round >= nic->from_round)
            hypervisor = nic->later;
        if (!nic->access[p] && (hypervisor < 0 || w->hypervisors[hypervisor].silent))
            continue;
        const char *port = nic->access[p] && sw >= 0 ? w->switches[sw].access : "";
        if (!nic->access[p])
            port = port_of(w, hypervisor, (unsigned)nic->mac[16], &sw);
        if (sw < 0)
            continue;
        emit(w, nic->mac, nic->row_vlan, sw, port, nic->skipped, nic->age, p == 1);
    }
}

static void emit_noise(struct random_world *w)
{
    for (unsigned s = 0; s < w->switch_count; s++) {
        struct story_switch *sw = story_switch(w->story, w->switches[s].name);
        story_row(sw, w->switches[s].access, "01:00:5e:00:00:01", "", FORWARD_LEARNED, -1);
        story_row(sw, w->switches[s].access, "00:00:5e:00:01:0a", "", FORWARD_LEARNED, -1);
        story_row(sw, w->switches[s].access, "fe:54:00:00:00:00", "", FORWARD_LEARNED, -1);
        story_row(sw, w->switches[s].access, "02:99:00:00:00:01", "", FORWARD_LEARNED, -1);
        story_row(sw, "0", "52:54:00:00:01:00", "", FORWARD_LEARNED, -1);
        story_row(sw, w->switches[s].access, "52:54:00:00:02:00", "", FORWARD_MGMT, -1);
        story_row(sw, w->switches[s].access, "52:54:00:ff:00:02", "", FORWARD_INVALID, -1);
        for (unsigned o = 0; o < w->switch_count; o++) {
            char own[24];
            snprintf(own, sizeof own, "00:11:22:33:00:%02x", o);
            if (o != s && w->switches[o].site == w->switches[s].site)
                story_row(sw, towards(w, (int)s, (int)o), own, "", FORWARD_LEARNED, -1);
        }
    }
}

static void emit_hypervisors(struct random_world *w)
{
    for (unsigned i = 0; i < w->hypervisor_count; i++) {
        const struct random_hypervisor *h = &w->hypervisors[i];
        for (unsigned k = 0; k < 2 && !h->silent && h->sw[k] >= 0; k++) {
            int sw = h->sw[k];
            const char *port = h->port[k];
            if (h->moved_to >= 0)
                port = port_of(w, (int)i, k, &sw);
            emit(w, h->mac[k], "10", sw, port, 0, -1, false);
        }
    }
}

/* --- records --- */

static void record_row(struct random_world *w, const struct random_guest *g, unsigned k,
                       int hypervisor, const char *state)
{
    struct story *story = w->story;
    story->guests = alloc_grow(story->guests, story->guest_count, &story->guest_capacity,
                               sizeof *story->guests);
    struct story_guest *row = &story->guests[story->guest_count++];
    *row = (struct story_guest){.name = ""};
    snprintf(row->hypervisor, sizeof row->hypervisor, "%s",
             hypervisor >= 0 ? w->hypervisors[hypervisor].name : "");
    snprintf(row->name, sizeof row->name, "%s", g->name);
    if (!g->no_mac)
        snprintf(row->mac, sizeof row->mac, "%s", g->nics[k].mac);
    snprintf(row->state, sizeof row->state, "%s", state);
    snprintf(row->vlan, sizeof row->vlan, "%s", g->nics[k].vlan);
    snprintf(row->wire, sizeof row->wire, "%s", g->nics[k].wire);
    char text[CLOCK_TEXT_SIZE];
    if (g->since >= 0)
        snprintf(row->since, sizeof row->since, "%s",
                 wall_format(story_time(w->times[0] - g->since), text));
}

static void record_guests(struct random_world *w, unsigned round)
{
    w->story->guest_count = 0;
    for (unsigned i = 0; i < w->guest_count; i++) {
        const struct random_guest *g = &w->guests[i];
        for (unsigned k = 0; g->recorded && k < g->nic_count; k++) {
            int hypervisor = g->hypervisor;
            if (g->nics[0].later >= 0 && round >= g->record_follows)
                hypervisor = g->nics[0].later;
            record_row(w, g, k, hypervisor, g->state);
            if (g->second_claim >= 0 && g->second_claim != hypervisor)
                record_row(w, g, k, g->second_claim, g->second_state);
        }
    }
}

void random_world_step(struct random_world *w, unsigned number)
{
    record_guests(w, number);
    for (unsigned s = 0; s < w->switch_count; s++) {
        struct story_switch *sw = story_switch(w->story, w->switches[s].name);
        sw->row_count = 0;
        sw->partial = w->switches[s].partial;
        sw->dead = chance(w, 5) && !w->own_macs;
        sw->full = chance(w, 2);
        sw->started = w->times[number] - 30 + w->switches[s].skew;
        sw->ended = sw->started + below(w, 3);
    }
    w->story->as_of = w->times[number] - (chance(w, 30) ? 120 : 1);
    emit_noise(w);
    emit_hypervisors(w);
    for (unsigned i = 0; i < w->guest_count; i++)
        for (unsigned k = 0; k < w->guests[i].nic_count; k++)
            emit_nic(w, &w->guests[i], k, number);
    for (unsigned s = 0; s < w->switch_count; s++)
        if (!w->own_macs && chance(w, 2)) /* answers, with nothing */
            story_switch(w->story, w->switches[s].name)->row_count = 0;
}
