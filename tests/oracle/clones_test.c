/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "random_world.h"
#include "story_live.h"

/* Clones in random worlds: guests whose address is at two ports, known to tables, to sessions, to
 * both or to one each. Words are lost, doubled, late and in any order. Held against a plain model
 * of what two places mean (DESIGN section 2, DOMAIN 2.3): one frame at each place is a move; a
 * place that is read or heard again after the other one was known is a second guest.
 *
 *   polling   rows at both ports, nothing heard
 *   unread    no switch answers: sessions alone
 *   unseen    switches answer and have the address nowhere: sessions alone beside tables
 *   mixed     a row at one port, a session at the other, and the row read again afterwards
 *   both      rows and sessions at both
 *
 * After the words, and after another round of the same tables, a clone is a duplicate_guest
 * wherever the model says so and nowhere else; an address without record stays an unknown_guest.
 *
 * And guests that wander: from round to round each stays, or goes to another of three places, and a
 * session tells of it before the round does. What events say of it then the round says, too, since
 * it knows no more: there and back is a duplicate_guest or a mac_flap for both.
 *
 * Usage: clones_test [WORLDS [FIRST-SEED]]; MUSTER_SOAK_WORLDS goes before WORLDS. */

enum { CLONES_MAX = 64, WORDS = 4, SKEW = 2, LIFE = 3600 };

enum way { WAY_POLLING, WAY_UNREAD, WAY_UNSEEN, WAY_MIXED, WAY_BOTH, WAY_COUNT };
static const char *const way_words[] = {"polling", "unread", "unseen", "mixed", "both"};

/* A port where guests are, and what is known of one there by ear. */
struct end {
    char sw[64], port[64], vlan[8], hypervisor[64], site[64];
    int ageing;                /* of the switch, seconds */
    bool bridge;               /* heard by a bridge: each word is a frame */
    bool started, kept;        /* the words that were not lost */
    double start, update;      /* when they were true */
    double first, frame, last; /* what follows; negative: nothing */
};

struct clone {
    char mac[24], guest[64]; /* guest "": no record has the address */
    bool migrating;
    struct wall off_since; /* WALL_UNKNOWN: it may talk, or nobody says since when not */
    struct end ends[2];
};

struct draft {
    uint64_t seed, state;
    double now; /* of the first round */
    struct clone clones[CLONES_MAX];
    size_t count;
};

static uint64_t draw(struct draft *draft)
{
    draft->state = draft->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return draft->state >> 33;
}

static bool chance(struct draft *draft, unsigned percent)
{
    return draw(draft) % 100 < percent;
}

/* --- drafting --- */

/* Whether the hypervisor's own address is heard at a port that is not recorded for it. */
static bool is_recabled(const struct story *story, const char *hypervisor)
{
    for (size_t a = 0; a < story->attachment_count; a++) {
        const struct story_attachment *at = &story->attachments[a];
        if (strcmp(at->hypervisor, hypervisor) != 0)
            continue;
        for (size_t s = 0; s < story->switch_count; s++)
            for (size_t r = 0; r < story->switches[s].row_count; r++)
                if (strncmp(story->switches[s].rows[r].mac, at->mac, 15) == 0 &&
                    strncmp(story->switches[s].rows[r].port, "acc", 3) == 0)
                    return true;
    }
    return false;
}

static const struct story_switch *find_switch(const struct story *story, const char *name)
{
    for (size_t s = 0; s < story->switch_count; s++)
        if (strcmp(story->switches[s].name, name) == 0)
            return &story->switches[s];
    return NULL;
}

static bool has_port(const struct story_switch *sw, const char *name)
{
    for (size_t i = 0; sw != NULL && i < sw->port_count; i++)
        if (strcmp(sw->ports[i].name, name) == 0)
            return true;
    return false;
}

/* Draws a port that is some hypervisor's, by record and in fact. */
static bool draw_end(struct draft *draft, const struct story *story, struct end *end)
{
    static const char *const vlans[] = {"", "10", "10", "20"};
    for (int tries = 0; tries < 20; tries++) {
        const struct story_attachment *a =
            &story->attachments[draw(draft) % story->attachment_count];
        const struct story_switch *sw = find_switch(story, a->sw);
        if (!has_port(sw, a->port) || sw->dead || is_recabled(story, a->hypervisor))
            continue;
        *end = (struct end){.first = -1};
        snprintf(end->sw, sizeof end->sw, "%s", a->sw);
        snprintf(end->site, sizeof end->site, "%s", sw->site);
        end->ageing = sw->ageing < 0 ? 300 : sw->ageing;
        snprintf(end->port, sizeof end->port, "%s", a->port);
        snprintf(end->hypervisor, sizeof end->hypervisor, "%s", a->hypervisor);
        snprintf(end->vlan, sizeof end->vlan, "%s", vlans[draw(draft) % 4]);
        return true;
    }
    return false;
}

/* Words of one end, some lost: a frame at `start`, and that it goes on at `update`. */
static void draw_words(struct draft *draft, struct end *end, double start, double update)
{
    end->bridge = chance(draft, 40);
    end->started = !chance(draft, 25);
    end->kept = !end->started || !chance(draft, 25);
    end->start = start;
    end->update = update;
    end->first = end->started ? start : update;
    end->last = end->kept ? update : start;
    end->frame = end->bridge ? end->last : end->started ? start : -1;
}

static bool is_off(const char *state)
{
    static const char *const words[] = {"off", "suspended", "paused", "hibernated", "crashed"};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++)
        if (strcmp(state, words[i]) == 0)
            return true;
    return false;
}

static void draft_clones(struct draft *draft, const struct story *story, double now)
{
    for (size_t i = 0; i < story->guest_count && draft->count < CLONES_MAX; i++) {
        const struct story_guest *g = &story->guests[i];
        struct clone *clone = &draft->clones[draft->count];
        *clone = (struct clone){.guest = ""};
        bool again = false;
        for (size_t k = 0; k < story->guest_count; k++)
            again = again || (k != i && strcmp(story->guests[k].name, g->name) == 0);
        if (g->mac[0] == '\0' || again || !chance(draft, 60) || story->attachment_count == 0 ||
            !draw_end(draft, story, &clone->ends[0]) || !draw_end(draft, story, &clone->ends[1]))
            continue;
        snprintf(clone->mac, sizeof clone->mac, "%s", g->mac);
        snprintf(clone->guest, sizeof clone->guest, "%s", g->name);
        clone->migrating = strcmp(g->state, "migrating") == 0;
        clone->off_since = WALL_UNKNOWN;
        if (is_off(g->state) && g->since[0] != '\0' &&
            wall_parse(g->since, strlen(g->since), &clone->off_since) != 0)
            abort();
        if (chance(draft, 10)) { /* an address that nobody has */
            snprintf(clone->mac, sizeof clone->mac, "52:54:00:77:00:%02x", (unsigned)i);
            clone->guest[0] = '\0';
        }
        if (strcmp(clone->ends[0].sw, clone->ends[1].sw) == 0 ||
            strcmp(clone->ends[0].hypervisor, clone->ends[1].hypervisor) == 0)
            continue;
        double gap = 1 + (double)(draw(draft) % 8);
        draw_words(draft, &clone->ends[0], now, now + gap + (double)(draw(draft) % 9));
        draw_words(draft, &clone->ends[1], now + gap, now + 20 + (double)(draw(draft) % 5));
        draft->count++;
    }
}

/* --- the model --- */

static bool one_domain(const struct clone *clone)
{
    const struct end *a = &clone->ends[0], *b = &clone->ends[1];
    return strcmp(a->site, b->site) == 0 &&
           (a->vlan[0] == '\0' || b->vlan[0] == '\0' || strcmp(a->vlan, b->vlan) == 0);
}

/* Whether what was heard at both ends is no move from one to the other. `known`: since when tables
 * show both, which a move before may explain; negative: they do not. */
static bool is_heard_twice(const struct clone *clone, double known)
{
    const struct end *a = &clone->ends[0], *b = &clone->ends[1];
    if (a->frame < 0 || b->frame < 0)
        return true; /* nobody knows which came first */
    const struct end *newer = a->frame > b->frame ? a : b, *older = newer == a ? b : a;
    return newer->frame - older->frame <= SKEW || /* clocks do not tell */
           newer->first < older->frame ||         /* there before, and there still */
           (!older->bridge &&                     /* its keeper says so */
            older->last - SKEW > (known >= 0 ? known : newer->first));
}

/* Whether tables of the end's whole site, all read long after the session's only frame, would show
 * its guest if it were there still: a bridge's words are the table's own. */
static bool is_outlasted(const struct story *story, const struct end *end, double read)
{
    for (size_t a = 0; a < story->attachment_count; a++) /* a switch that nobody reads */
        if (strcmp(story->attachments[a].sw, "ghost") == 0 && strcmp(end->site, "default") == 0)
            return false;
    for (size_t s = 0; s < story->switch_count; s++) {
        const struct story_switch *sw = &story->switches[s];
        double oldest = read - SKEW - (sw->ageing < 0 ? 300 : sw->ageing);
        if (strcmp(sw->site, end->site) == 0 &&
            (sw->dead || sw->partial || sw->full || sw->row_count == 0 || oldest <= end->first))
            return false;
    }
    return !end->bridge;
}

/* Whether rows that are read at `read` say of a guest that is off no more than that they have not
 * aged yet. */
static bool is_ageing(const struct clone *clone, double read)
{
    for (int e = 0; e < 2 && wall_known(clone->off_since); e++) {
        double frame = read - SKEW - clone->ends[e].ageing;
        if (story_time(frame).us > clone->off_since.us)
            return false;
    }
    return wall_known(clone->off_since);
}

/* --- telling --- */

struct word {
    const struct clone *clone;
    const struct end *end;
    enum event_kind kind;
};

static void tell(struct story *story, const struct word *word, double now)
{
    const struct end *end = word->end;
    char session[128];
    struct event event = event_of(word->kind);
    if (mac_parse(word->clone->mac, strlen(word->clone->mac), &event.mac) != 0)
        abort();
    snprintf(session, sizeof session, "%s/%s", word->clone->mac, end->port);
    event.source = event.type = end->bridge ? "linux_bridge" : "radius";
    event.proof = EVENT_PROOF_TOLD;
    event.vlan = (uint16_t)atoi(end->vlan);
    event.switch_name = event.nas = end->sw;
    event.port = end->port;
    event.session = session;
    event.at = story_time(word->kind == EVENT_START ? end->start : end->update);
    event.heard = story_time(now);
    event.lifetime = span_seconds(LIFE);
    story_live_event(story, &event, now);
}

/* All words in any order, some twice; of mixed worlds those of the second end. */
static void tell_all(struct draft *draft, struct story *story, enum way way, double now)
{
    struct word words[CLONES_MAX * WORDS];
    size_t count = 0;
    if (way == WAY_POLLING)
        return;
    for (size_t i = 0; i < draft->count; i++)
        for (int e = way == WAY_MIXED ? 1 : 0; e < 2; e++) {
            const struct end *end = &draft->clones[i].ends[e];
            if (end->started)
                words[count++] = (struct word){&draft->clones[i], end, EVENT_START};
            if (end->kept)
                words[count++] = (struct word){&draft->clones[i], end, EVENT_UPDATE};
        }
    for (size_t i = count; i > 1; i--) {
        size_t k = draw(draft) % i;
        struct word one = words[i - 1];
        words[i - 1] = words[k];
        words[k] = one;
    }
    for (size_t i = 0; i < count; i++) {
        tell(story, &words[i], now);
        if (chance(draft, 20))
            tell(story, &words[i], now);
    }
}

/* --- tables --- */

static void drop_rows(struct story *story, const char *mac)
{
    for (size_t s = 0; s < story->switch_count; s++) {
        struct story_switch *sw = &story->switches[s];
        for (size_t r = 0; r < sw->row_count;) {
            if (strcmp(sw->rows[r].mac, mac) == 0)
                sw->rows[r] = sw->rows[--sw->row_count];
            else
                r++;
        }
    }
}

static void set_tables(struct draft *draft, struct story *story, enum way way)
{
    for (size_t i = 0; i < draft->count; i++) {
        const struct clone *clone = &draft->clones[i];
        drop_rows(story, clone->mac);
        for (int e = 0; e < 2; e++) {
            bool shown = way == WAY_POLLING || way == WAY_BOTH || (way == WAY_MIXED && e == 0);
            if (shown)
                story_row(story_switch(story, clone->ends[e].sw), clone->ends[e].port, clone->mac,
                          clone->ends[e].vlan, FORWARD_LEARNED, -1);
        }
    }
    for (size_t s = 0; s < story->switch_count; s++)
        story->switches[s].dead = way == WAY_UNREAD || story->switches[s].dead;
}

static void round_at(struct story *story, double now)
{
    for (size_t s = 0; s < story->switch_count; s++)
        story->switches[s].started = story->switches[s].ended = now - 1;
    story->as_of = now - 1;
    story_round(story, now);
    story_round_end(story, now);
    story_live_clear(story);
}

/* --- holding --- */

/* Whether a verdict of the kind stands of "mac:..." or, in whatever site, of "/guest". */
static bool stands(struct story *story, const char *kind, const char *subject)
{
    struct arena *arena = arena_new();
    struct live_stand *list;
    char text[96];
    size_t count = live_standing(story_live(story), arena, &list);
    bool found = false;
    snprintf(text, sizeof text, "%s ", subject);
    for (size_t i = 0; i < count; i++)
        found = found || (strncmp(list[i].identity, kind, strlen(kind)) == 0 &&
                          strstr(list[i].identity, text) != NULL);
    arena_free(arena);
    return found;
}

static unsigned differ(const struct draft *draft, enum way way, const char *when,
                       const struct clone *clone, const char *what)
{
    printf("seed %" PRIu64 ", %s, %s: %s %s: %s\n", draft->seed, way_words[way], when, clone->mac,
           clone->guest, what);
    for (int e = 0; e < 2; e++) {
        const struct end *end = &clone->ends[e];
        printf("  %s %s %s vlan %s%s:%s%s %g to %g\n", end->hypervisor, end->sw, end->port,
               end->vlan, end->bridge ? ", a bridge" : "", end->started ? " start" : "",
               end->kept ? " update" : "", end->first, end->last);
    }
    return 1;
}

/* What stands of each clone. */
static unsigned hold(struct draft *draft, struct story *story, enum way way, bool again,
                     size_t *held)
{
    unsigned bad = 0;
    const char *when = again ? "next round" : "heard";
    for (size_t i = 0; i < draft->count; i++) {
        const struct clone *clone = &draft->clones[i];
        char subject[96];
        snprintf(subject, sizeof subject, "mac:%s", clone->mac);
        bool gone[2], heard = way == WAY_UNREAD || way == WAY_UNSEEN;
        for (int e = 0; e < 2; e++) /* the first is a row in the mixed worlds */
            gone[e] = again && (heard || (way == WAY_MIXED && e == 1)) &&
                      is_outlasted(story, &clone->ends[e], draft->now + 59);
        if (clone->guest[0] == '\0') {
            if (stands(story, "unknown_guest", subject) == (gone[0] && gone[1]))
                bad += differ(draft, way, when, clone, "an unknown_guest");
            continue;
        }
        if (way == WAY_MIXED && !again)
            continue; /* the row is older: a move, as far as that tells */
        bool two = way == WAY_POLLING || (again && !heard) ||
                   is_heard_twice(clone, way == WAY_BOTH ? draft->now - 1 : -1);
        two = two && one_domain(clone) && !clone->migrating && !gone[0] && !gone[1];
        if (is_ageing(clone, (again ? draft->now + 60 : draft->now) - 1) && !heard) {
            if (way == WAY_POLLING && stands(story, "duplicate_guest", subject))
                bad += differ(draft, way, when, clone, "a duplicate though it is off");
            continue;
        }
        snprintf(subject, sizeof subject, "/%s", clone->guest);
        if (stands(story, "duplicate_guest", subject) != two)
            bad += differ(draft, way, when, clone, two ? "no duplicate" : "a duplicate");
        (*held)++;
    }
    return bad;
}

static unsigned play(uint64_t seed, enum way way, size_t *held)
{
    struct draft *draft = alloc_zeroed(1, sizeof *draft);
    struct story story;
    unsigned bad = 0;
    draft->seed = seed;
    draft->state = seed * 131 + 17; /* the same clones whatever the way */
    story_init(&story);
    struct random_world *world = random_world_new(seed, &story);
    double now = random_world_time(world, 0);
    draft->now = now;
    story_live_start(&story);
    random_world_step(world, 0);
    draft_clones(draft, &story, now + 10);
    set_tables(draft, &story, way);
    round_at(&story, now);
    tell_all(draft, &story, way, now + 40);
    story_live_clear(&story);
    bad += hold(draft, &story, way, false, held);
    AUTO_FREE char *differences = story_live_compare(&story, now + 40);
    if (differences[0] != '\0') {
        printf("seed %" PRIu64 ", %s: events and sweep differ\n%s", seed, way_words[way],
               differences);
        bad++;
    }
    round_at(&story, now + 60);
    bad += hold(draft, &story, way, true, held);
    random_world_free(world);
    story_live_done(&story);
    story_done(&story);
    free(draft);
    return bad;
}

/* --- guests that wander --- */

enum { PLACES = 3, WANDER_ROUNDS = 6, WANDER_STEP = 10 };

struct wanderer {
    char mac[24], guest[64];
    struct end places[PLACES];
    unsigned at;
};

static void draft_wanderers(struct draft *draft, const struct story *story,
                            struct wanderer *wanderers, size_t *ret_count)
{
    *ret_count = 0;
    for (size_t i = 0; i < draft->count; i++) {
        const struct clone *clone = &draft->clones[i];
        struct wanderer *one = &wanderers[*ret_count];
        if (clone->guest[0] == '\0' || !one_domain(clone) || wall_known(clone->off_since))
            continue;
        *one = (struct wanderer){.places = {clone->ends[0], clone->ends[1], clone->ends[0]}};
        if (chance(draft, 50) && (!draw_end(draft, story, &one->places[2]) ||
                                  strcmp(one->places[2].site, one->places[0].site) != 0))
            one->places[2] = one->places[0];
        for (int p = 0; p < PLACES; p++)
            one->places[p].vlan[0] = '\0';
        snprintf(one->mac, sizeof one->mac, "%s", clone->mac);
        snprintf(one->guest, sizeof one->guest, "%s", clone->guest);
        ++*ret_count;
    }
}

static void tell_place(struct story *story, const struct wanderer *one, enum event_kind kind,
                       double now)
{
    const struct end *end = &one->places[one->at];
    char session[160];
    struct event event = event_of(kind);
    if (mac_parse(one->mac, strlen(one->mac), &event.mac) != 0)
        abort();
    snprintf(session, sizeof session, "%s/%s/%s", one->mac, end->sw, end->port);
    event.source = event.type = "radius";
    event.proof = EVENT_PROOF_TOLD;
    event.switch_name = event.nas = end->sw;
    event.port = end->port;
    event.session = session;
    event.at = event.heard = story_time(now);
    event.lifetime = span_seconds(LIFE);
    story_live_event(story, &event, now);
}

static const char *const place_kinds[] = {"duplicate_guest", "mac_flap", "wrong_location",
                                          "non_hypervisor_port"};

/* What stands of the guest's place, as bits. */
static unsigned place_of(struct story *story, const struct wanderer *one)
{
    char guest[96], mac[96];
    unsigned found = 0;
    snprintf(guest, sizeof guest, "/%s", one->guest);
    snprintf(mac, sizeof mac, "mac:%s", one->mac);
    for (unsigned k = 0; k < ARRAY_COUNT(place_kinds); k++)
        if (stands(story, place_kinds[k], guest) || stands(story, place_kinds[k], mac))
            found |= 1u << k;
    return found;
}

static unsigned compare_place(const struct draft *draft, int round, const struct wanderer *one,
                              unsigned heard, unsigned polled)
{
    if (heard == polled)
        return 0;
    printf("seed %" PRIu64 ": %s %s, at %s %s before round %d:", draft->seed, one->mac, one->guest,
           one->places[one->at].sw, one->places[one->at].port, round);
    for (unsigned k = 0; k < ARRAY_COUNT(place_kinds); k++)
        if ((heard ^ polled) >> k & 1)
            printf(" %s only %s", place_kinds[k], heard >> k & 1 ? "heard" : "by the round");
    printf("\n");
    return 1;
}

static unsigned wander(struct draft *draft, struct story *story, struct wanderer *wanderers,
                       size_t count, size_t *held)
{
    unsigned bad = 0, heard[CLONES_MAX] = {0};
    for (int round = 0; round < WANDER_ROUNDS; round++) {
        double now = draft->now + round * WANDER_STEP;
        for (size_t i = 0; i < count; i++) {
            const struct end *at = &wanderers[i].places[wanderers[i].at];
            drop_rows(story, wanderers[i].mac);
            story_row(story_switch(story, at->sw), at->port, wanderers[i].mac, "", FORWARD_LEARNED,
                      -1);
        }
        round_at(story, now);
        for (size_t i = 0; i < count; i++) {
            unsigned before = wanderers[i].at;
            if (round > 0)
                bad += compare_place(draft, round, &wanderers[i], heard[i],
                                     place_of(story, &wanderers[i]));
            *held += round > 0;
            struct wanderer left = wanderers[i];
            wanderers[i].at = (unsigned)(draw(draft) % PLACES);
            if (strcmp(left.places[before].sw, left.places[wanderers[i].at].sw) == 0)
                wanderers[i].at = before; /* it stays */
            tell_place(story, &wanderers[i], EVENT_START, now + 5);
            if (wanderers[i].at != before)
                tell_place(story, &left, EVENT_STOP, now + 6);
        }
        story_live_clear(story);
        AUTO_FREE char *differences = story_live_compare(story, now + 6);
        if (differences[0] != '\0')
            bad += (unsigned)printf("seed %" PRIu64 ", round %d: events and sweep differ\n%s",
                                    draft->seed, round, differences) > 0;
        for (size_t i = 0; i < count; i++)
            heard[i] = place_of(story, &wanderers[i]);
    }
    return bad;
}

static unsigned play_wandering(uint64_t seed, size_t *held)
{
    struct draft *draft = alloc_zeroed(1, sizeof *draft);
    struct wanderer *wanderers = alloc_zeroed(CLONES_MAX, sizeof *wanderers);
    struct story story;
    size_t count;
    draft->seed = seed;
    draft->state = seed * 137 + 19;
    story_init(&story);
    struct random_world *world = random_world_new(seed, &story);
    draft->now = random_world_time(world, 0);
    story_live_start(&story);
    random_world_step(world, 0);
    draft_clones(draft, &story, draft->now);
    draft_wanderers(draft, &story, wanderers, &count);
    unsigned bad = wander(draft, &story, wanderers, count, held);
    random_world_free(world);
    story_live_done(&story);
    story_done(&story);
    free(wanderers);
    free(draft);
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
    unsigned bad = 0;
    size_t held = 0, wandered = 0;
    for (uint64_t seed = first; seed < first + worlds && bad < 20; seed++) {
        for (int way = 0; way < WAY_COUNT; way++)
            bad += play(seed, (enum way)way, &held);
        bad += play_wandering(seed, &wandered);
    }
    printf("%" PRIu64 " worlds from seed %" PRIu64
           ", %zu times two places held, %zu a next one, %u differ\n",
           worlds, first, held, wandered, bad);
    return bad == 0 ? 0 : 1;
}
