/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "random_world.h"
#include "story_live.h"
#include "story_store.h"

/* Random worlds that are heard of: what their switches have in their tables is told as sessions,
 * with losses, doubled, late and in any order, at places where they are not, by RADIUS and by
 * bridges, and with stops, announcements, resets and time between.
 *
 *   - After every burst, what stands by events is what a sweep over the same facts says: polling
 *     and events are one judge (DOMAIN F22).
 *   - The same burst in another order, and doubled, ends in the same verdicts.
 *   - With every switch unread, events alone find everybody of whom they hear and whom polling
 *     alone finds at a wrong place, without record, or talking while it is off; and of absence they
 *     say nothing.
 *   - Polling and events together find what polling finds, at least as sure.
 *
 *   - With "stored": each round judged again from a real store says the same.
 *
 * Usage: events_test [WORLDS [FIRST-SEED [stored]]]; MUSTER_SOAK_WORLDS goes before WORLDS. With
 * MUSTER_TRACE in the environment it prints what is read and heard. */

enum { EVENTS_MAX = 2048 };

struct told {
    struct event event;
    char sw[64], port[64], session[160];
};

struct burst {
    struct told items[EVENTS_MAX];
    size_t count;
};

static uint64_t draw(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static bool chance(uint64_t *state, unsigned percent)
{
    return draw(state) % 100 < percent;
}

/* Whether frames of guests come in at the port: not a link between switches. */
static bool is_access(const char *port)
{
    return port[0] == 'p' || port[0] == 'a' || port[0] == 'e';
}

static void add_event(struct burst *burst, enum event_kind kind, const struct story_switch *sw,
                      const struct story_row *row, double at)
{
    if (burst->count == EVENTS_MAX)
        return;
    struct told *told = &burst->items[burst->count++];
    told->event = event_of(kind);
    snprintf(told->sw, sizeof told->sw, "%s", sw->name);
    snprintf(told->port, sizeof told->port, "%s", row->port);
    snprintf(told->session, sizeof told->session, "%s/%s", row->mac, row->port);
    struct event *event = &told->event;
    if (mac_parse(row->mac, strlen(row->mac), &event->mac) != 0)
        abort();
    event->source = event->type = "radius";
    event->proof = EVENT_PROOF_TOLD;
    if (strchr(row->vlan, '|') == NULL) /* one FDB for several: no session says which */
        event->vlan = (uint16_t)atoi(row->vlan);
    event->at = event->heard = story_time(at);
    event->lifetime = span_seconds(3600);
    if (kind == EVENT_ANNOUNCE) {
        event->source = event->type = "announce";
        event->proof = EVENT_PROOF_HEARD;
    }
}

/* What the tables show at ports where guests are, as sessions; `held` percent of them without a
 * lifetime. */
static void tell_rows(const struct story *story, double at, unsigned lost, unsigned held,
                      uint64_t *state, struct burst *burst)
{
    for (size_t s = 0; s < story->switch_count; s++) {
        const struct story_switch *sw = &story->switches[s];
        for (size_t r = 0; r < sw->row_count; r++) {
            const struct story_row *row = &sw->rows[r];
            bool guest = strncmp(row->mac, "52:54:00:00", 11) == 0;
            if (!guest || row->status != FORWARD_LEARNED || !is_access(row->port) ||
                chance(state, lost))
                continue;
            add_event(burst, EVENT_START, sw, row, at);
            if (chance(state, held) && burst->count > 0)
                burst->items[burst->count - 1].event.lifetime = span_us(0);
        }
    }
}

static const struct story_switch *any_switch(const struct story *story, uint64_t *state)
{
    return &story->switches[draw(state) % story->switch_count];
}

/* Lets what was told last be true earlier, at another place, or by another kind of source. */
static void vary(const struct story *story, uint64_t *state, struct told *told)
{
    static const int lives[] = {3600, 3600, 60, 600, 0, 0};
    const struct story_switch *sw = any_switch(story, state);
    struct event *event = &told->event;
    if (chance(state, 20)) /* delivered late */
        event->at.us -= (int64_t)(draw(state) % 100) * 1000000;
    if (event->kind == EVENT_ANNOUNCE)
        return;
    event->lifetime = span_seconds(lives[draw(state) % ARRAY_COUNT(lives)]);
    if (chance(state,
               10)) { /* at a port that is anybody's, the way to another switch, or nobody's */
        snprintf(told->sw, sizeof told->sw, "%s", chance(state, 5) ? "10.0.0.9" : sw->name);
        snprintf(told->port, sizeof told->port, "%s",
                 sw->port_count > 0 && !chance(state, 10)
                     ? sw->ports[draw(state) % sw->port_count].name
                     : "nosuch");
    }
    if (chance(state, 5))
        event->vlan = (uint16_t)(10 * (1 + draw(state) % 3));
    if (chance(state, 10))
        event->source = event->type = "linux_bridge";
}

/* What else may be heard: ends, refreshes, frames of unknown place. */
static void tell_noise(const struct story *story, double at, uint64_t *state, struct burst *burst)
{
    static const enum event_kind kinds[] = {EVENT_STOP, EVENT_STOP, EVENT_UPDATE, EVENT_ANNOUNCE,
                                            EVENT_START};
    for (uint64_t i = draw(state) % 16; i > 0; i--) {
        const struct story_switch *sw = any_switch(story, state);
        if (sw->row_count == 0)
            continue;
        const struct story_row *row = &sw->rows[draw(state) % sw->row_count];
        size_t count = burst->count;
        if (strncmp(row->mac, "52:54:00:00", 11) == 0 && strcmp(row->port, "0") != 0)
            add_event(burst, kinds[draw(state) % ARRAY_COUNT(kinds)], sw, row, at);
        if (burst->count > count)
            vary(story, state, &burst->items[count]);
    }
}

/* Now and then: all sessions of a switch are over, or those of a port. */
static void tell_reset(const struct story *story, double at, uint64_t *state, struct burst *burst)
{
    const struct story_switch *sw = any_switch(story, state);
    if (burst->count == EVENTS_MAX || !chance(state, 15))
        return;
    struct told *told = &burst->items[burst->count++];
    told->event = event_of(EVENT_RESET);
    told->event.source = told->event.type = "radius";
    told->event.proof = EVENT_PROOF_TOLD;
    told->event.at = told->event.heard = story_time(at);
    snprintf(told->sw, sizeof told->sw, "%s", sw->name);
    snprintf(told->port, sizeof told->port, "%s",
             sw->port_count > 0 && chance(state, 50) ? sw->ports[draw(state) % sw->port_count].name
                                                     : "");
    told->session[0] = '\0';
}

/* Now and then: a switch has forgotten its table, or nobody knows which one. */
static void tell_flush(const struct story *story, double at, uint64_t *state, struct burst *burst)
{
    const struct story_switch *sw = any_switch(story, state);
    if (burst->count == EVENTS_MAX || !chance(state, 15))
        return;
    struct told *told = &burst->items[burst->count++];
    told->event = event_of(EVENT_HINT);
    told->event.source = told->event.type = "snmp_trap";
    told->event.proof = EVENT_PROOF_HINT;
    told->event.hint = chance(state, 50) ? EVENT_HINT_RESTART : EVENT_HINT_TOPOLOGY_CHANGE;
    told->event.at = told->event.heard = story_time(at);
    snprintf(told->sw, sizeof told->sw, "%s", chance(state, 5) ? "10.0.0.9" : sw->name);
    told->port[0] = told->session[0] = '\0';
}

static void shuffle(struct burst *burst, uint64_t *state)
{
    for (size_t i = burst->count; i > 1; i--) {
        size_t k = draw(state) % i;
        struct told one = burst->items[i - 1];
        burst->items[i - 1] = burst->items[k];
        burst->items[k] = one;
    }
}

/* With MUSTER_TRACE in the environment: what is told, to look at a world that differs. */
static void trace_event(const struct told *told, double now)
{
    const struct event *event = &told->event;
    char mac[MAC_TEXT_SIZE], at[CLOCK_TEXT_SIZE], heard[CLOCK_TEXT_SIZE];
    if (getenv("MUSTER_TRACE") == NULL)
        return;
    printf("%s %s %s at %s: %s %s %s vlan %u for %d s, session %s\n",
           wall_format(story_time(now), heard), event->type, event_kind_word(event->kind),
           wall_format(event->at, at), mac_format(event->mac, mac), told->sw, told->port,
           event->vlan, (int)(event->lifetime.us / 1000000), told->session);
}

static void trace_round(const struct story *story, unsigned number, double now)
{
    char heard[CLOCK_TEXT_SIZE], one[CLOCK_TEXT_SIZE], other[CLOCK_TEXT_SIZE];
    if (getenv("MUSTER_TRACE") == NULL)
        return;
    printf("round %u %s\n", number, wall_format(story_time(now), heard));
    for (size_t i = 0; i < story->guest_count; i++) {
        const struct story_guest *g = &story->guests[i];
        printf("guest %s %s %s %s since %s vlan %s wire %s\n", g->hypervisor, g->name, g->mac,
               g->state, g->since, g->vlan, g->wire);
    }
    for (size_t i = 0; i < story->switch_count; i++) {
        const struct story_switch *sw = &story->switches[i];
        printf("switch %s%s%s ageing %d read %s to %s\n", sw->name, sw->dead ? " dead" : "",
               sw->partial ? " partial" : "", sw->ageing, wall_format(story_time(sw->started), one),
               wall_format(story_time(sw->ended), other));
        for (size_t k = 0; k < sw->row_count; k++)
            printf("row %s %s %s vlan %s age %d\n", sw->name, sw->rows[k].port, sw->rows[k].mac,
                   sw->rows[k].vlan, sw->rows[k].age);
    }
}

static void hear(struct story *story, struct burst *burst, double now, uint64_t *state,
                 unsigned doubled)
{
    for (size_t i = 0; i < burst->count; i++) {
        struct told *told = &burst->items[i];
        bool frame = told->event.kind == EVENT_ANNOUNCE;
        told->event.switch_name = frame ? NULL : told->sw;
        told->event.port = frame ? NULL : told->port;
        told->event.nas = frame ? NULL : told->sw;
        told->event.session = frame ? NULL : told->session;
        trace_event(told, now);
        story_live_event(story, &told->event, now);
        if (chance(state, doubled))
            story_live_event(story, &told->event, now);
    }
    story_live_event(story, NULL, now);
    story_live_clear(story);
}

/* All that stands, as sorted lines, without bridge domain: a case keeps the name by which it was
 * opened, and that depends on what was heard first. */
static char *standing(struct story *story)
{
    struct arena *arena = arena_new();
    struct live_stand *list;
    struct text text = TEXT_EMPTY;
    size_t count = live_standing(story_live(story), arena, &list);
    for (size_t done = 0; done < count; done++) { /* by selection: few */
        size_t least = done;
        for (size_t i = done + 1; i < count; i++)
            if (strcmp(list[i].identity, list[least].identity) < 0)
                least = i;
        struct live_stand one = list[least];
        list[least] = list[done];
        list[done] = one;
        int length = (int)(strrchr(one.identity, ' ') - one.identity);
        text_printf(&text, "%.*s %s\n", length, one.identity, verdict_state_word(one.state));
    }
    arena_free(arena);
    return text_take(&text);
}

static unsigned differ(uint64_t seed, unsigned round, const char *what, const char *text)
{
    if (text[0] != '\0')
        printf("seed %" PRIu64 " round %u: %s\n%s", seed, round, what, text);
    return text[0] != '\0';
}

static struct random_world *begin(struct story *story, uint64_t seed)
{
    story_init(story);
    struct random_world *world = random_world_new(seed, story);
    story_live_start(story);
    return world;
}

static void end(struct story *story, struct random_world *world)
{
    random_world_free(world);
    story_live_done(story);
    story_done(story);
}

static void round_at(struct story *story, struct random_world *world, unsigned number, bool unread)
{
    random_world_step(world, number);
    for (size_t s = 0; unread && s < story->switch_count; s++)
        story->switches[s].dead = true;
    trace_round(story, number, random_world_time(world, number));
    story_round(story, random_world_time(world, number));
    story_round_end(story, random_world_time(world, number));
    story_live_clear(story);
}

/* Events between rounds, against a sweep over the same facts after each burst. */
static unsigned play_bursts(uint64_t seed, struct burst *burst)
{
    static const double steps[] = {0, 0, 1, 2, 2, 7, 31, 45, 95, 130, 330};
    struct story story;
    struct random_world *world = begin(&story, seed);
    uint64_t state = seed * 77 + 5;
    unsigned bad = 0;
    for (unsigned r = 0; r < random_world_rounds(world) && bad == 0; r++) {
        double now = random_world_time(world, r);
        round_at(&story, world, r, false);
        for (int b = 0; b < 5 && bad == 0; b++) {
            now += steps[draw(&state) % ARRAY_COUNT(steps)];
            if (r + 1 < random_world_rounds(world) && now >= random_world_time(world, r + 1))
                break;
            burst->count = 0;
            if (b == 0)
                tell_rows(&story, now, 30, 25, &state, burst);
            tell_noise(&story, now, &state, burst);
            tell_reset(&story, now, &state, burst);
            tell_flush(&story, now, &state, burst);
            shuffle(burst, &state);
            hear(&story, burst, now, &state, 20);
            AUTO_FREE char *differences = story_live_compare(&story, now);
            bad += differ(seed, r, "events and sweep differ", differences);
        }
    }
    end(&story, world);
    return bad;
}

/* Bursts between rounds on a real store, and each round judged again from it. */
static unsigned play_stored(uint64_t seed, struct burst *burst)
{
    static const double steps[] = {1, 1, 2, 7, 31, 45, 95}; /* never at once */
    struct story story;
    struct random_world *world = begin(&story, seed);
    uint64_t state = seed * 91 + 7;
    story_store_attach(&story);
    for (unsigned r = 0; r < random_world_rounds(world); r++) {
        double now = random_world_time(world, r);
        round_at(&story, world, r, false);
        for (int b = 0; b < 3; b++) {
            now += steps[draw(&state) % ARRAY_COUNT(steps)];
            if (r + 1 < random_world_rounds(world) && now >= random_world_time(world, r + 1))
                break;
            burst->count = 0;
            if (b == 0)
                tell_rows(&story, now, 60, 25, &state, burst);
            tell_noise(&story, now, &state, burst);
            tell_reset(&story, now, &state, burst);
            tell_flush(&story, now, &state, burst);
            shuffle(burst, &state);
            hear(&story, burst, now, &state, 20);
        }
    }
    int bad = story_store_detach(&story);
    if (bad > 0)
        printf("seed %" PRIu64 ": %d rounds are judged otherwise from the store\n", seed, bad);
    end(&story, world);
    return bad > 0;
}

/* Some of the sessions began a while ago, and some are over. */
static void tell_stops(struct burst *burst, uint64_t *state)
{
    for (size_t i = 0, count = burst->count; i < count && burst->count < EVENTS_MAX; i++) {
        struct told *told = &burst->items[i];
        if (!chance(state, 40))
            continue;
        told->event.at.us -= (int64_t)(10 + draw(state) % 10) * 1000000;
        if (chance(state, 50))
            continue;
        struct told *stop = &burst->items[burst->count++];
        *stop = *told;
        stop->event.kind = EVENT_STOP;
        stop->event.at.us = stop->event.heard.us - 5000000;
    }
}

/* One burst in two orders; and what has come of it when it has settled. */
static unsigned play_orders(uint64_t seed, struct burst *burst)
{
    char *texts[2];
    for (int pass = 0; pass < 2; pass++) {
        struct story story;
        struct random_world *world = begin(&story, seed);
        uint64_t state = seed + 3, order = seed * 31 + (unsigned)pass;
        double now = random_world_time(world, 0) + 1;
        round_at(&story, world, 0, false);
        burst->count = 0;
        tell_rows(&story, now, 20, 25, &state, burst);
        tell_stops(burst, &state);
        shuffle(burst, &order);
        hear(&story, burst, now, &order, pass == 0 ? 0 : 30);
        story_live_event(&story, NULL, now + 40);
        story_live_clear(&story);
        texts[pass] = standing(&story);
        end(&story, world);
    }
    unsigned bad = strcmp(texts[0], texts[1]) != 0;
    if (bad)
        printf("seed %" PRIu64 ": in order\n%sin another\n%s", seed, texts[0], texts[1]);
    free(texts[0]);
    free(texts[1]);
    return bad;
}

static bool is_presence(const char *line)
{
    static const char *const kinds[] = {"unknown_guest ", "wrong_location ", "off_but_seen ",
                                        "non_hypervisor_port "};
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++)
        if (strncmp(line, kinds[i], strlen(kinds[i])) == 0)
            return true;
    return false;
}

static bool is_absence(const char *line)
{
    return strncmp(line, "silent ", 7) == 0 || strncmp(line, "nic_silent ", 11) == 0 ||
           strncmp(line, "unexpected_stop ", 16) == 0 || strncmp(line, "session_expired ", 16) == 0;
}

/* "kind type:subject" of a line. */
static size_t name_length(const char *line)
{
    const char *subject = strchr(line, ' ') + 1;
    return (size_t)(strchr(subject, ' ') - line);
}

static bool has_subject(const char *lines, const char *line)
{
    size_t length = name_length(line);
    for (const char *at = lines; *at != '\0'; at = strchr(at, '\n') + 1)
        if (strncmp(at, line, length) == 0 && at[length] == ' ')
            return true;
    return false;
}

/* Whether polling finds the subject of the line at two places, which events tell apart by time. */
static bool has_duplicate(const char *lines, const char *line)
{
    const char *subject = strchr(line, ' ') + 1;
    size_t length = (size_t)(strchr(subject, ' ') - subject);
    for (const char *at = lines; *at != '\0'; at = strchr(at, '\n') + 1) {
        const char *other = strchr(at, ' ') + 1;
        if (strncmp(at, "duplicate_guest ", 16) == 0 && strncmp(other, subject, length) == 0)
            return true;
    }
    return false;
}

/* The line of `lines` that speaks of the subject of `line`: of the same kind, else of any; NULL. */
static const char *find_line(const char *lines, const char *line)
{
    const char *subject = strchr(line, ' ') + 1, *found = NULL;
    size_t length = (size_t)(strchr(subject, ' ') - subject);
    for (const char *at = lines; *at != '\0'; at = strchr(at, '\n') + 1) {
        const char *other = strchr(at, ' ') + 1;
        if (strncmp(other, subject, length) != 0 || other[length] != ' ')
            continue;
        found = at;
        if (strncmp(at, line, name_length(line)) == 0)
            break;
    }
    return found;
}

/* Whether the guest that the line is of, or whose address, is spoken of by the other name: guest
 * "g7" has 52:54:00:00:07:xx. */
static bool has_alias(const char *lines, const char *line)
{
    char alias[64];
    const char *subject = strchr(line, ' ') + 1, *name = strstr(subject, "/g");
    if (strncmp(subject, "guest:", 6) == 0 && name != NULL)
        snprintf(alias, sizeof alias, " mac:52:54:00:00:%02x:", (unsigned)atoi(name + 2));
    else if (strncmp(subject, "mac:", 4) == 0)
        snprintf(alias, sizeof alias, "/g%lu ", strtoul(subject + 16, NULL, 16));
    else
        return false;
    return strstr(lines, alias) != NULL;
}

static bool is_confirmed(const char *line)
{
    return strncmp(strchr(strchr(line, ' ') + 1, ' '), " confirmed\n", 11) == 0;
}

/* Whether a session of the line's address, or of its guest, is told. */
static bool is_told(const struct burst *burst, const char *line)
{
    const char *subject = strchr(line, ' ') + 1, *name = strstr(subject, "/g");
    bool guest = strncmp(subject, "guest:", 6) == 0 && name != NULL, told = false;
    for (size_t i = 0; i < burst->count; i++) {
        uint64_t mac = burst->items[i].event.mac.bits;
        char text[MAC_TEXT_SIZE];
        told = told || (guest ? (mac >> 8 & 0xff) == (uint64_t)atoi(name + 2)
                              : strncmp(subject + 4, mac_format((struct mac){mac}, text), 17) == 0);
    }
    return told;
}

/* Polling alone, and events alone about the same places. */
static unsigned play_alone(uint64_t seed, struct burst *burst, size_t *agreed)
{
    char *texts[2];
    unsigned bad = 0;
    for (int pass = 0; pass < 2; pass++) {
        struct story story;
        struct random_world *world = begin(&story, seed);
        uint64_t state = seed + 9;
        double now = random_world_time(world, 0);
        round_at(&story, world, 0, pass == 1);
        burst->count = 0;
        tell_rows(&story, now + 1, 0, 0, &state, burst);
        if (pass == 1)
            hear(&story, burst, now + 1, &state, 10);
        texts[pass] = standing(&story);
        end(&story, world);
    }
    for (const char *at = texts[1]; *at != '\0'; at = strchr(at, '\n') + 1) {
        int length = (int)strcspn(at, "\n");
        if (is_absence(at)) {
            printf("seed %" PRIu64 ": events alone claim absence: %.*s\n", seed, length, at);
            bad++;
        }
        if (!is_presence(at) || has_duplicate(texts[0], at))
            continue;
        *agreed += has_subject(texts[0], at);
    }
    for (const char *at = texts[0]; *at != '\0'; at = strchr(at, '\n') + 1)
        if (is_presence(at) && is_told(burst, at) && find_line(texts[1], at) == NULL &&
            !has_alias(texts[1], at))
            bad += differ(seed, 0, "events alone do not find", at);
    free(texts[0]);
    free(texts[1]);
    return bad;
}

/* Whether hearing takes away what polling finds, weakens it, or adds an absence. A guest with a
 * second place may have been heard there in between, so that what stood began anew; and hearing one
 * NIC of a guest makes another one's silence its own. */
static unsigned hearing_loses(uint64_t seed, const char *polled, const char *both)
{
    unsigned bad = 0;
    for (const char *at = polled; *at != '\0'; at = strchr(at, '\n') + 1) {
        const char *other = find_line(both, at);
        bool same = other != NULL && strncmp(at, other, name_length(at)) == 0;
        bool moves = strncmp(at, "wrong_vlan ", 11) == 0 || has_duplicate(both, at);
        if ((other == NULL && !has_alias(both, at)) ||
            (same && !moves && is_confirmed(at) && !is_confirmed(other)))
            bad += differ(seed, 0, "hearing loses", at);
    }
    for (const char *at = both; *at != '\0'; at = strchr(at, '\n') + 1) {
        const char *other = find_line(polled, at);
        if (is_absence(at) && strncmp(at, "nic_silent ", 11) != 0 &&
            (other == NULL || !is_absence(other)))
            bad += differ(seed, 0, "hearing adds", at);
    }
    return bad;
}

/* Polling alone, and polling with sessions that say what the tables say, some lost, doubled and in
 * any order: after another round of the same tables all that polling finds is found by both, at
 * least as sure. A subject may be known by more: a second place, a frame while it is off. */
static unsigned play_both(uint64_t seed, struct burst *burst)
{
    char *texts[2];
    for (int pass = 0; pass < 2; pass++) {
        struct story story;
        struct random_world *world = begin(&story, seed);
        uint64_t state = seed + 21;
        double now = random_world_time(world, 0);
        round_at(&story, world, 0, false);
        burst->count = 0;
        tell_rows(&story, now + 1, 30, 0, &state, burst);
        shuffle(burst, &state);
        if (pass == 1)
            hear(&story, burst, now + 1, &state, 30);
        for (size_t s = 0; s < story.switch_count; s++)
            story.switches[s].started = story.switches[s].ended = now + 599;
        story.as_of = now + 599;
        story_round(&story, now + 600);
        story_round_end(&story, now + 600);
        story_live_clear(&story);
        texts[pass] = standing(&story);
        end(&story, world);
    }
    if (getenv("DBG2"))
        printf("POLL\n%sBOTH\n%s", texts[0], texts[1]);
    unsigned bad = hearing_loses(seed, texts[0], texts[1]);
    free(texts[0]);
    free(texts[1]);
    return bad;
}

int main(int argc, char **argv)
{
    const char *text = getenv("MUSTER_SOAK_WORLDS") != NULL && argc > 2
                           ? getenv("MUSTER_SOAK_WORLDS")
                       : argc > 1 ? argv[1]
                                  : "100";
    uint64_t worlds = strtoull(text, NULL, 10);
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    struct burst *burst = alloc_zeroed(1, sizeof *burst);
    unsigned bad = 0;
    size_t agreed = 0;
    bool stored = argc > 3 && strcmp(argv[3], "stored") == 0;
    for (uint64_t seed = first; seed < first + worlds && bad < 10; seed++) {
        if (stored) {
            bad += play_stored(seed, burst);
            continue;
        }
        bad += play_bursts(seed, burst);
        bad += play_orders(seed, burst);
        bad += play_both(seed, burst);
        bad += play_alone(seed, burst, &agreed);
    }
    printf("%" PRIu64 " worlds from seed %" PRIu64
           ", %zu verdicts by polling and events alone alike, "
           "%u worlds differ\n",
           worlds, first, agreed, bad);
    free(burst);
    return bad == 0 ? 0 : 1;
}
