/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "story_live.h"
#include "story_store.h"

/* Guests whose sessions end, beside frames that a mirror port overhears, tables that are read and
 * time that passes, in random order; held against a plain model of what an end means (DOMAIN E1,
 * F1, F9):
 *
 *   a guest that should communicate has stopped when none of its sessions goes on, the last end
 *   has settled, and neither a frame that was overheard nor a row is from after that end
 *
 * whatever was overheard before it, for how long that holds, and whether words come late. While a
 * frame of unknown place leaves a window for a migration open, nothing is said. And a sweep over
 * the same facts says what events say; with "stored", each round judged again from a real store as
 * well.
 *
 * Usage: departures_test [WORLDS [FIRST-SEED [stored]]]; MUSTER_SOAK_WORLDS goes before WORLDS. */

enum { GUESTS_MAX = 16, STEPS = 60, SESSIONS = 2, SKEW = 2, SETTLE = 30, WINDOW = 90, REST = 600 };

struct ending_guest {
    char mac[24], name[16];
    bool is_on, expected, row;
    bool home[2]; /* whether announcements, and the census, tell the port */
    bool open[SESSIONS];
    unsigned lives;           /* sessions begun so far: each has a name of its own */
    unsigned life[SESSIONS];  /* which of them is the open one */
    double started[SESSIONS]; /* of an open one */
    double ended, settled;    /* the last end, and when that has settled; negative: none */
    double frame;             /* the last frame that was overheard; negative: none */
    double window;            /* when the window that was opened last is over; negative */
};

struct ending_world {
    uint64_t seed, state;
    double now, read; /* of the last round's table; negative: it was not read */
    int ageing;
    struct ending_guest guests[GUESTS_MAX];
    size_t count, stopped;
};

static uint64_t draw(struct ending_world *world)
{
    world->state = world->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return world->state >> 33;
}

static bool chance(struct ending_world *world, unsigned percent)
{
    return draw(world) % 100 < percent;
}

/* --- the model --- */

static bool has_session(const struct ending_guest *guest)
{
    bool found = false;
    for (int i = 0; i < SESSIONS; i++)
        found = found || guest->open[i];
    return found;
}

static bool has_stopped(const struct ending_world *world, const struct ending_guest *guest)
{
    if (!guest->is_on || !guest->expected || has_session(guest) || guest->ended < 0 ||
        guest->settled > world->now || guest->window > world->now)
        return false;
    bool shown =
        guest->row && world->read >= 0 && world->read - SKEW - world->ageing > guest->ended;
    return !shown && guest->frame - SKEW <= guest->ended;
}

/* Whether the list, which counts in seconds, may be on either side of an instant. */
static bool is_near(const struct ending_world *world, double instant)
{
    return instant >= 0 && world->now > instant - 2 && world->now < instant + 2;
}

/* --- what happens --- */

static struct event word_of(const struct ending_guest *guest, enum event_kind kind, double at,
                            double now)
{
    struct event event = event_of(kind);
    if (mac_parse(guest->mac, strlen(guest->mac), &event.mac) != 0)
        abort();
    event.source = event.type = "radius";
    event.proof = EVENT_PROOF_TOLD;
    event.lifetime = span_seconds(100000);
    event.at = story_time(at);
    event.heard = story_time(now);
    return event;
}

/* With MUSTER_TRACE in the environment: what is told, to look at a world that differs. */
static void trace(const struct ending_world *world, const struct ending_guest *guest,
                  const struct event *event, double at)
{
    if (getenv("MUSTER_TRACE") != NULL)
        printf("%.0f %s %s %s at %.0f: session %s, port %s\n", world->now, guest->name, event->type,
               event_kind_word(event->kind), at, event->session != NULL ? event->session : "-",
               event->port != NULL ? event->port : "-");
}

static void tell_session(struct ending_world *world, struct story *story,
                         struct ending_guest *guest, int number)
{
    char session[32];
    bool stop = guest->open[number];
    double at = world->now;
    if (stop && !chance(world, 60)) { /* told late, and after whatever ended before */
        double least = guest->started[number] + 6;
        least = guest->ended + 1 > least ? guest->ended + 1 : least;
        at -= 3 + (double)(draw(world) % 20);
        at = at > least ? at : world->now;
    }
    if (!stop) {
        guest->life[number] = guest->lives++;
        guest->started[number] = at;
    }
    snprintf(session, sizeof session, "%s/%u", guest->name, guest->life[number]);
    struct event event = word_of(guest, stop ? EVENT_STOP : EVENT_START, at, world->now);
    event.switch_name = event.nas = "sw1";
    event.port = "p1";
    event.session = session;
    trace(world, guest, &event, at);
    story_live_event(story, &event, world->now);
    guest->open[number] = !stop;
    if (stop) {
        guest->ended = at;
        guest->settled = world->now + SETTLE;
    }
}

static void tell_frame(struct ending_world *world, struct story *story, struct ending_guest *guest)
{
    /* a word that comes late behind others says nothing of the place: so each kind has one */
    bool late = chance(world, 30), census = chance(world, 50), home = guest->home[census];
    double at = late ? world->now - 3 - (double)(draw(world) % 60) : world->now;
    struct event event = word_of(guest, EVENT_ANNOUNCE, at, world->now);
    event.source = event.type = census ? "census" : "announce";
    event.proof = EVENT_PROOF_HEARD;
    event.lifetime = span_us(0);
    event.switch_name = "sw1";
    event.port = home ? "p1" : NULL;
    trace(world, guest, &event, at);
    story_live_event(story, &event, world->now);
    if (at > guest->frame)
        guest->frame = at;
    if ((!home || !guest->is_on) && (guest->window < 0 || guest->window + REST <= world->now))
        guest->window = world->now + WINDOW;
}

static void tell_some(struct ending_world *world, struct story *story)
{
    for (uint64_t i = draw(world) % (2 * world->count); i > 0; i--) {
        struct ending_guest *guest = &world->guests[draw(world) % world->count];
        uint64_t what = draw(world) % 8;
        if (what < 2)
            tell_session(world, story, guest, (int)what);
        else if (what < 5)
            tell_frame(world, story, guest);
    }
    story_live_event(story, NULL, world->now);
    story_live_clear(story);
}

/* --- a world --- */

static void draft(struct ending_world *world, struct story *story)
{
    static const int ageings[] = {30, 300, 300};
    struct story_switch *sw = story_switch(story, "sw1");
    world->ageing = sw->ageing = ageings[draw(world) % ARRAY_COUNT(ageings)];
    sw->dead = chance(world, 20);
    story_port(sw, "p1");
    story_row(sw, "p1", "02:aa:00:00:00:01", "", FORWARD_LEARNED, -1);
    story->attachments = alloc_grow(story->attachments, story->attachment_count,
                                    &story->attachment_capacity, sizeof *story->attachments);
    story->attachments[story->attachment_count++] =
        (struct story_attachment){"hv1", "02:aa:00:00:00:01", "sw1", "p1"};
    world->count = 1 + draw(world) % GUESTS_MAX;
    for (size_t i = 0; i < world->count; i++) {
        struct ending_guest *guest = &world->guests[i];
        *guest = (struct ending_guest){.is_on = !chance(world, 10),
                                       .expected = !chance(world, 10),
                                       .row = chance(world, 50),
                                       .home = {chance(world, 40), chance(world, 40)},
                                       .ended = -1,
                                       .settled = -1,
                                       .frame = -1,
                                       .window = -1};
        snprintf(guest->mac, sizeof guest->mac, "52:54:00:00:%02x:00", (unsigned)i);
        snprintf(guest->name, sizeof guest->name, "g%u", (unsigned)i);
        struct story_guest *recorded = story_guest(story, "hv1", guest->name, guest->mac);
        snprintf(recorded->state, sizeof recorded->state, "%s", guest->is_on ? "on" : "off");
        snprintf(recorded->wire, sizeof recorded->wire, "%s", guest->expected ? "" : "no");
        if (guest->row)
            story_row(sw, "p1", guest->mac, "", FORWARD_LEARNED, -1);
    }
    story->options.storm_count = 1000000;
}

static void round_now(struct ending_world *world, struct story *story)
{
    struct story_switch *sw = story_switch(story, "sw1");
    sw->started = world->now - 2 - (double)(draw(world) % 40);
    sw->ended = sw->started + 1;
    story->as_of = world->now - 1;
    world->read = sw->dead ? -1 : sw->started;
    if (getenv("MUSTER_TRACE") != NULL)
        printf("%.0f round, read %.0f, ageing %d\n", world->now, world->read, world->ageing);
    story_round(story, world->now);
    story_round_end(story, world->now);
    story_live_clear(story);
}

static unsigned compare(struct ending_world *world, struct story *story)
{
    struct live_stand *list;
    struct arena *arena = arena_new();
    AUTO_FREE char *differences = story_live_compare(story, world->now);
    unsigned bad = 0;
    size_t count = live_standing(story_live(story), arena, &list);
    if (differences[0] != '\0')
        bad += (unsigned)printf("seed %" PRIu64 ": events and sweep differ\n%s", world->seed,
                                differences) > 0;
    for (size_t i = 0; i < world->count; i++) {
        const struct ending_guest *guest = &world->guests[i];
        char identity[64];
        bool said = false, expected = has_stopped(world, guest);
        snprintf(identity, sizeof identity, "unexpected_stop guest:default/%s ", guest->name);
        for (size_t k = 0; k < count; k++)
            said = said || strncmp(list[k].identity, identity, strlen(identity)) == 0;
        world->stopped += said;
        if (said != expected && !is_near(world, guest->settled) && !is_near(world, guest->window))
            bad += (unsigned)printf("seed %" PRIu64 ": %s at %.0f: ended %.0f, frame %.0f, row %d "
                                    "of %.0f, window until %.0f: %s\n",
                                    world->seed, guest->name, world->now, guest->ended,
                                    guest->frame, guest->row, world->read, guest->window,
                                    said ? "said" : "not said") > 0;
    }
    arena_free(arena);
    return bad;
}

static unsigned play(uint64_t seed, bool stored, size_t *stopped)
{
    static const double steps[] = {1, 2, 7, 20, 31, 45, 95, 130, 330};
    struct ending_world *world = alloc_zeroed(1, sizeof *world);
    struct story story;
    unsigned bad = 0;
    world->seed = seed;
    world->state = seed * 113 + 41;
    world->now = 43200;
    story_init(&story);
    story_live_start(&story);
    if (stored)
        story_store_attach(&story);
    draft(world, &story);
    round_now(world, &story);
    for (int i = 0; i < STEPS && bad == 0; i++) {
        world->now += steps[draw(world) % ARRAY_COUNT(steps)];
        if (chance(world, 15))
            round_now(world, &story);
        else
            tell_some(world, &story);
        bad += compare(world, &story);
    }
    if (stored && story_store_detach(&story) > 0)
        bad += (unsigned)printf("seed %" PRIu64 ": judged otherwise from the store\n", seed) > 0;
    *stopped += world->stopped;
    story_live_done(&story);
    story_done(&story);
    free(world);
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
    bool stored = argc > 3 && strcmp(argv[3], "stored") == 0;
    unsigned bad = 0;
    size_t stopped = 0;
    for (uint64_t seed = first; seed < first + worlds && bad < 10; seed++)
        bad += play(seed, stored, &stopped);
    printf("%" PRIu64 " worlds from seed %" PRIu64 ", %zu times a guest had stopped, %u differ\n",
           worlds, first, stopped, bad);
    return bad == 0 && (stopped > 0 || worlds < 10) ? 0 : 1;
}
