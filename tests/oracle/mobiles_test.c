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

/* Mobile nodes in random worlds (DOMAIN 2.8): registrations, refreshes, changes of the care-of
 * address and of the home agent, deregistrations and new registrations, bindings with
 * correspondents and by proxy with the guest's MAC, of guests that are recorded, or not, or off, in
 * their subnets and elsewhere. Words are lost, doubled and in any order; then bindings settle,
 * expire, and rounds come between.
 *
 * What stands is held against a plain model: the words in the order of their own times, and a look
 * through all rows. It says nothing where the words that were not lost do not suffice: of a place
 * that only one packet speaks of, which anyone can forge. With "stored" the rounds are judged again
 * from a real store, and must say the same.
 *
 * Usage: mobiles_test [WORLDS [FIRST-SEED [stored]]]; MUSTER_SOAK_WORLDS goes before WORLDS. With
 * MUSTER_TRACE in the environment it prints what is recorded and heard. */

enum { NODES_MAX = 24, WORDS_MAX = 12, ROWS_MAX = 64, OPEN_MAX = 512, LIFE_SHORT = 100 };
enum { KNOWN_AGENTS = 3, AGENTS = 5 };

/* A row of the CMDB, as the model looks it up. */
struct row {
    char guest[16], state[16], subnets[2][48], address[48];
};

struct word {
    enum event_kind kind;
    double at;
    int agent;        /* of its sender or receiver; -1: a correspondent's */
    char care_of[48]; /* of a stop: none */
    bool lost;
};

struct node {
    char home[48], mac[24];
    struct word words[WORDS_MAX];
    size_t count;
    int life;
};

struct draft {
    uint64_t seed, state;
    struct row rows[ROWS_MAX];
    size_t row_count;
    struct node nodes[NODES_MAX];
    size_t node_count;
    char *open[OPEN_MAX]; /* identities that stand, as the changes say */
    size_t open_count;
    double now;
    int known_agents; /* so many are recorded, or configured */
    bool stored, restarts;
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

static const char *subnet_text(char *text, size_t size, unsigned number)
{
    snprintf(text, size, "2001:db8:0:%x::", number);
    return text;
}

/* A CMDB row in the model and in the story. */
static struct row *add_row(struct draft *draft, struct story *story, const char *guest,
                           const char *state, const char *address, const char *subnet,
                           const char *other)
{
    struct row *row = &draft->rows[draft->row_count++];
    *row = (struct row){.guest = ""};
    snprintf(row->guest, sizeof row->guest, "%s", guest);
    snprintf(row->state, sizeof row->state, "%s", state);
    snprintf(row->address, sizeof row->address, "%s", address);
    snprintf(row->subnets[0], sizeof row->subnets[0], "%s", subnet);
    snprintf(row->subnets[1], sizeof row->subnets[1], "%s", other);
    story->lines =
        alloc_grow(story->lines, story->line_count, &story->line_capacity, sizeof *story->lines);
    struct story_line *line = &story->lines[story->line_count++];
    *line = (struct story_line){.table = RECORD_CMDB};
    snprintf(line->values[0], sizeof line->values[0], "%s", guest);
    snprintf(line->values[2], sizeof line->values[2], "%s", state);
    snprintf(line->values[3], sizeof line->values[3], "%s", address);
    snprintf(line->values[4], sizeof line->values[4], "%s%s%s%s", subnet,
             subnet[0] != '\0' ? "/64" : "", other[0] != '\0' ? "|" : "", other);
    if (other[0] != '\0')
        strncat(line->values[4], "/64", sizeof line->values[4] - strlen(line->values[4]) - 1);
    return row;
}

static void draft_records(struct draft *draft, struct story *story)
{
    static const char *const states[] = {"", "", "on", "on", "off", "suspended", "unknown"};
    char address[48], subnet[48], other[48];
    for (int i = 0; i < KNOWN_AGENTS - 1; i++) {
        snprintf(address, sizeof address, "2001:db8:ff::%x", i + 1);
        add_row(draft, story, "", "", address, "", "");
    }
    for (size_t i = 0; i < 10; i++) {
        char guest[16];
        snprintf(guest, sizeof guest, "g%u", (unsigned)(draw(draft) % 14));
        snprintf(address, sizeof address, "2001:db8:0:1::%x", 16 + (unsigned)(draw(draft) % 12));
        subnet_text(subnet, sizeof subnet, 1 + (unsigned)(draw(draft) % 4));
        subnet_text(other, sizeof other, 1 + (unsigned)(draw(draft) % 4));
        if (chance(draft, 10))
            subnet[0] = '\0';
        if (subnet[0] == '\0' || chance(draft, 75))
            other[0] = '\0';
        add_row(draft, story, guest, states[draw(draft) % ARRAY_COUNT(states)], address, subnet,
                other);
    }
}

static void add_word(struct node *node, enum event_kind kind, double at, int agent,
                     const char *care_of, bool lost)
{
    if (node->count < WORDS_MAX)
        node->words[node->count] = (struct word){.kind = kind, .at = at, .agent = agent};
    if (node->count < WORDS_MAX && care_of != NULL)
        snprintf(node->words[node->count].care_of, sizeof node->words->care_of, "%s", care_of);
    if (node->count < WORDS_MAX)
        node->words[node->count++].lost = lost;
}

/* One node's way: it registers, is acknowledged, refreshes, moves, changes its agent, goes. */
static void draft_node(struct draft *draft, struct node *node, unsigned number, double from)
{
    char care_of[48];
    int agent = (int)(draw(draft) % AGENTS);
    double at = from;
    *node = (struct node){.life = chance(draft, 30) ? LIFE_SHORT : 100000};
    snprintf(node->home, sizeof node->home, "2001:db8:0:1::%x", 16 + number);
    if (chance(draft, 25)) /* by proxy, which tells the guest's MAC */
        snprintf(node->mac, sizeof node->mac, "52:54:00:00:%02x:00", (unsigned)(draw(draft) % 14));
    unsigned legs = 1 + (unsigned)(draw(draft) % 3);
    for (unsigned leg = 0; leg < legs; leg++) {
        unsigned subnet = 1 + (unsigned)(draw(draft) % 5);
        snprintf(care_of, sizeof care_of, "2001:db8:0:%x::%x", subnet, 0x100 + number * 16 + leg);
        if (chance(draft, 20))
            agent = (int)(draw(draft) % AGENTS);
        unsigned words = 2 + (unsigned)(draw(draft) % 2);
        for (unsigned i = 0; i < words; i++, at += 1 + (double)(draw(draft) % 4))
            add_word(node, i == 0 ? EVENT_START : EVENT_UPDATE, at,
                     i > 1 && chance(draft, 40) ? -1 : agent, care_of, chance(draft, 12));
        if (chance(draft, 35)) {
            add_word(node, EVENT_STOP, at, agent, NULL, chance(draft, 12));
            at += 1 + (double)(draw(draft) % 9);
        }
    }
}

/* --- the model --- */

/* What the words that came say of a node: the last place, and who keeps it. */
struct known {
    const struct word *last; /* by its own time; NULL: nothing came */
    char care_of[48];
    int agent;      /* the last that was named; -1: none */
    unsigned signs; /* of the place, since it was taken */
    bool stopped;   /* the last word is the end */
    bool others;    /* it has a binding with somebody else */
    bool any_start; /* something else than an end came */
};

static struct known know(const struct node *node)
{
    struct known known = {.agent = -1};
    int keeper = -2;
    for (size_t i = 0; i < node->count; i++) {
        const struct word *word = &node->words[i];
        if (word->lost)
            continue;
        known.last = word;
        known.stopped = word->kind == EVENT_STOP;
        if (word->agent >= 0)
            known.agent = word->agent;
        if (keeper != -2 && keeper != word->agent)
            known.others = true;
        keeper = word->agent;
        if (known.stopped) {
            known.signs = 0;
            continue;
        }
        known.any_start = true;
        known.signs = strcmp(known.care_of, word->care_of) == 0 ? known.signs + 1 : 1;
        snprintf(known.care_of, sizeof known.care_of, "%s", word->care_of);
    }
    return known;
}

static bool in_subnet(const char *care_of, const char *subnet)
{
    return subnet[0] != '\0' && strncmp(care_of, subnet, strlen(subnet)) == 0;
}

static bool in_subnets_of(const struct draft *draft, const char *guest, const char *care_of)
{
    for (size_t i = 0; i < draft->row_count; i++)
        for (int k = 0; k < 2; k++)
            if (strcmp(draft->rows[i].guest, guest) == 0 &&
                in_subnet(care_of, draft->rows[i].subnets[k]))
                return true;
    return false;
}

static bool has_subnets(const struct draft *draft, const char *guest)
{
    for (size_t i = 0; i < draft->row_count; i++)
        if (strcmp(draft->rows[i].guest, guest) == 0 && draft->rows[i].subnets[0][0] != '\0')
            return true;
    return false;
}

/* 1 it should communicate, 0 it should not, -1 nobody says or they contradict each other. */
static int add_says(int says, bool *known, const char *state)
{
    static const char *const off[] = {"off", "suspended", "paused", "hibernated", "crashed"};
    int one = strcmp(state, "on") == 0 ? 1 : -1;
    for (size_t i = 0; i < ARRAY_COUNT(off); i++)
        one = strcmp(state, off[i]) == 0 ? 0 : one;
    if (one < 0)
        return says;
    bool first = !*known;
    *known = true;
    return first || says == one ? one : -1;
}

static int communicates(const struct draft *draft, const struct story *story, const char *guest)
{
    int says = -1;
    bool known = false;
    for (size_t i = 0; i < draft->row_count; i++)
        if (strcmp(draft->rows[i].guest, guest) == 0)
            says = add_says(says, &known, draft->rows[i].state);
    for (size_t i = 0, planned = known; !planned && i < story->guest_count; i++)
        if (strcmp(story->guests[i].name, guest) == 0)
            says = add_says(says, &known, story->guests[i].state);
    return says;
}

/* The guest that the node is, by its address or its MAC; NULL: in no record. */
static const char *guest_of(const struct draft *draft, const struct story *story,
                            const struct node *node, const char *care_of)
{
    const char *found = NULL;
    for (size_t i = 0; i < draft->row_count; i++) {
        const struct row *row = &draft->rows[i];
        if (strcmp(row->address, node->home) != 0)
            continue;
        if (care_of[0] != '\0' && in_subnets_of(draft, row->guest, care_of))
            return row->guest;
        found = found == NULL ? row->guest : found;
    }
    for (size_t i = 0; found == NULL && node->mac[0] != '\0' && i < story->guest_count; i++)
        if (strcmp(story->guests[i].mac, node->mac) == 0)
            found = story->guests[i].name;
    return found;
}

/* --- what stands, by the changes --- */

static void set_open(struct draft *draft, const char *identity, bool open)
{
    for (size_t i = 0; i < draft->open_count; i++)
        if (strcmp(draft->open[i], identity) == 0) {
            if (!open) {
                free(draft->open[i]);
                draft->open[i] = draft->open[--draft->open_count];
            }
            return;
        }
    if (open && draft->open_count < OPEN_MAX)
        draft->open[draft->open_count++] = alloc_text(identity);
}

static void take_changes(struct draft *draft, struct story *story)
{
    struct live_out *out = story_live_out(story);
    for (size_t i = 0; i < out->change_count; i++) {
        const struct live_change *change = &out->changes[i];
        if (strstr(change->identity, " address:") != NULL)
            set_open(draft, change->identity, change->kind != LIVE_GONE);
        if (getenv("MUSTER_TRACE") != NULL && strstr(change->identity, " address:") != NULL)
            printf("    %s %s\n", change->kind == LIVE_GONE ? "gone" : "told", change->identity);
    }
    story_live_clear(story);
}

static bool stands(const struct draft *draft, const char *kind, const char *address)
{
    char identity[128];
    snprintf(identity, sizeof identity, "%s address:%s default", kind, address);
    for (size_t i = 0; i < draft->open_count; i++)
        if (strcmp(draft->open[i], identity) == 0)
            return true;
    return false;
}

/* --- telling --- */

static struct ip ip_of(const char *text)
{
    struct ip ip = IP_NONE;
    if (ip_parse(text, strlen(text), &ip) != 0)
        abort();
    return ip;
}

static const char *agent_text(char *text, size_t size, int agent)
{
    snprintf(text, size, agent < 0 ? "2001:db8:ee::1" : "2001:db8:ff::%x", agent + 1);
    return text;
}

static void tell(struct draft *draft, struct story *story, const struct node *node,
                 const struct word *word, double now)
{
    char keeper[48];
    struct event event = event_of(word->kind);
    event.source = event.type = "mobile_ip";
    event.proof = EVENT_PROOF_HEARD;
    event.address = ip_of(node->home);
    if (word->care_of[0] != '\0')
        event.care_of = ip_of(word->care_of);
    if (node->mac[0] != '\0' && mac_parse(node->mac, strlen(node->mac), &event.mac) != 0)
        abort();
    event.nas = agent_text(keeper, sizeof keeper, word->agent);
    if (word->agent >= 0)
        event.agent = ip_of(keeper);
    else
        event.correspondent = ip_of(keeper);
    event.at = story_time(word->at);
    event.heard = story_time(now);
    event.lifetime = span_seconds(word->kind == EVENT_STOP ? 0 : node->life);
    if (getenv("MUSTER_TRACE") != NULL)
        printf("  %s %s at %g: care-of %s by %s mac %s for %d s\n", node->home,
               event_kind_word(word->kind), word->at, word->care_of, keeper, node->mac, node->life);
    story_live_event(story, &event, now);
    take_changes(draft, story);
}

/* All words, in order or in any, some twice. */
static void tell_all(struct draft *draft, struct story *story, bool shuffled, double now)
{
    struct {
        const struct node *node;
        const struct word *word;
    } all[NODES_MAX * WORDS_MAX], one;
    size_t count = 0;
    for (size_t n = 0; n < draft->node_count; n++)
        for (size_t i = 0; i < draft->nodes[n].count; i++) {
            if (draft->nodes[n].words[i].lost)
                continue;
            all[count].node = &draft->nodes[n];
            all[count++].word = &draft->nodes[n].words[i];
        }
    for (size_t i = count; shuffled && i > 1; i--) {
        size_t k = draw(draft) % i;
        one = all[i - 1];
        all[i - 1] = all[k];
        all[k] = one;
    }
    for (size_t i = 0; i < count; i++)
        for (int twice = chance(draft, 20); twice >= 0; twice--)
            tell(draft, story, all[i].node, all[i].word, now);
}

/* --- holding --- */

static unsigned hold(const struct draft *draft, const char *when, const char *kind,
                     const char *address, bool expected)
{
    if (stands(draft, kind, address) == expected)
        return 0;
    printf("seed %" PRIu64 ", %s: %s of %s %s\n", draft->seed, when, kind, address,
           expected ? "is missing" : "stands");
    return 1;
}

/* What is said of the place of those that are bound. */
static unsigned hold_places(const struct draft *draft, const struct story *story, const char *when,
                            size_t *held)
{
    bool used[AGENTS] = {false}, unclear[AGENTS] = {false};
    unsigned bad = 0;
    for (size_t n = 0; n < draft->node_count; n++) {
        const struct node *node = &draft->nodes[n];
        struct known known = know(node);
        bool clear = known.signs >= 2 || (known.stopped && !known.others);
        if (known.agent >= 0 && !known.stopped && known.signs >= 2)
            used[known.agent] = true;
        for (int a = 0; a < AGENTS && !clear; a++)
            unclear[a] = true;
        if (known.last == NULL || !clear)
            continue;
        const char *guest = guest_of(draft, story, node, known.care_of);
        bool bound = !known.stopped, named = guest != NULL && guest[0] != '\0';
        bool gap = bound && named && !has_subnets(draft, guest);
        bool wrong = bound && named && !gap && !in_subnets_of(draft, guest, known.care_of);
        bool off = bound && named && !wrong && communicates(draft, story, guest) == 0;
        bad += hold(draft, when, "unknown_mobile", node->home, bound && guest == NULL);
        bad += hold(draft, when, "recorded_gap", node->home, gap);
        bad += hold(draft, when, "wrong_subnet", node->home, wrong);
        bad += hold(draft, when, "off_but_seen", node->home, off);
        ++*held;
    }
    for (int a = 0; a < AGENTS; a++) {
        char text[48];
        if (!unclear[a])
            bad += hold(draft, when, "unknown_agent", agent_text(text, sizeof text, a),
                        used[a] && a >= draft->known_agents);
    }
    return bad;
}

/* What is said of those that are gone: by their own word, or because nothing was heard in time. */
static unsigned hold_ends(const struct draft *draft, const struct story *story, const char *when,
                          bool expired, size_t *held)
{
    unsigned bad = 0;
    for (size_t n = 0; n < draft->node_count; n++) {
        const struct node *node = &draft->nodes[n];
        struct known known = know(node);
        if (known.last == NULL || known.others || !known.any_start)
            continue;
        const char *guest = guest_of(draft, story, node, known.care_of);
        bool should = guest != NULL && communicates(draft, story, guest) == 1;
        bool over = expired && node->life == LIFE_SHORT && !known.stopped;
        bad += hold(draft, when, "unexpected_stop", node->home, should && known.stopped);
        bad += hold(draft, when, "session_expired", node->home, should && over);
        if (over)
            bad += hold(draft, when, "wrong_subnet", node->home, false) +
                   hold(draft, when, "unknown_mobile", node->home, false);
        ++*held;
    }
    return bad;
}

/* Of those that were bound when the daemon was killed, and were not heard again. */
static unsigned hold_expired(const struct draft *draft, const struct story *story, size_t *held)
{
    unsigned bad = 0;
    for (size_t n = 0; n < draft->node_count; n++) {
        const struct node *node = &draft->nodes[n];
        struct known known = know(node);
        if (known.last == NULL || known.others || known.stopped || node->life != LIFE_SHORT)
            continue;
        const char *guest = guest_of(draft, story, node, known.care_of);
        bool should = guest != NULL && communicates(draft, story, guest) == 1;
        bad += hold(draft, "killed, expired", "session_expired", node->home, should);
        bad += hold(draft, "killed, expired", "wrong_subnet", node->home, false);
        bad += hold(draft, "killed, expired", "unknown_mobile", node->home, false);
        ++*held;
    }
    return bad;
}

/* A guest that is bound is not silent (DOMAIN F20). */
static unsigned hold_guests(const struct draft *draft, struct story *story, const char *when)
{
    struct arena *arena = arena_new();
    struct live_stand *list;
    size_t count = live_standing(story_live(story), arena, &list);
    unsigned bad = 0;
    for (size_t n = 0; n < draft->node_count; n++) {
        struct known known = know(&draft->nodes[n]);
        const char *guest = guest_of(draft, story, &draft->nodes[n], known.care_of);
        if (known.stopped || known.signs < 2 || guest == NULL || guest[0] == '\0' ||
            communicates(draft, story, guest) != 1)
            continue;
        char text[64];
        bool others = false; /* the NIC that is heard is another guest's */
        for (size_t i = 0; i < story->guest_count; i++)
            others = others || (strcmp(story->guests[i].mac, draft->nodes[n].mac) == 0 &&
                                strcmp(story->guests[i].name, guest) != 0);
        if (others)
            continue;
        snprintf(text, sizeof text, "/%s ", guest);
        for (size_t i = 0; i < count; i++)
            if (strncmp(list[i].identity, "silent ", 7) == 0 &&
                strstr(list[i].identity, text) != NULL) {
                printf("seed %" PRIu64 ", %s: %s is silent, and bound as %s\n", draft->seed, when,
                       guest, draft->nodes[n].home);
                bad++;
            }
    }
    arena_free(arena);
    return bad;
}

static void round_at(struct draft *draft, struct story *story, double now)
{
    for (size_t s = 0; s < story->switch_count; s++)
        story->switches[s].started = story->switches[s].ended = now - 1;
    story->as_of = now - 1;
    story_round(story, now);
    story_round_end(story, now);
    take_changes(draft, story);
}

static void pass(struct draft *draft, struct story *story, double now)
{
    story_live_event(story, NULL, now);
    take_changes(draft, story);
}

static unsigned compare(const struct draft *draft, struct story *story, const char *when,
                        double now)
{
    AUTO_FREE char *differences = story_live_compare(story, now);
    if (differences[0] == '\0')
        return 0;
    printf("seed %" PRIu64 ", %s: events and sweep differ\n%s", draft->seed, when, differences);
    return 1;
}

/* As the store has it of each session: its last word, and where that was. */
static void restore_bindings(const struct draft *draft, struct story *story)
{
    for (size_t n = 0; n < draft->node_count; n++)
        for (int keeper = -1; keeper < AGENTS; keeper++) {
            const struct node *node = &draft->nodes[n];
            const struct word *last = NULL;
            bool borne_out = false;
            for (size_t i = 0; i < node->count; i++) {
                const struct word *word = &node->words[i];
                if (word->lost || word->agent != keeper)
                    continue;
                last = word->kind == EVENT_STOP ? NULL : word;
                borne_out = (borne_out && word->kind != EVENT_START) || word->kind == EVENT_UPDATE;
            }
            if (last == NULL)
                continue;
            char peer[48];
            struct live_binding binding = {.home = ip_of(node->home),
                                           .care_of = ip_of(last->care_of),
                                           .mac = MAC_NONE,
                                           .peer = agent_text(peer, sizeof peer, keeper),
                                           .said = story_time(last->at),
                                           .last = story_time(draft->now + 100),
                                           .borne_out = borne_out};
            const struct heard_origin origin = {
                .source = "mobile_ip", .type = "mobile_ip", .nas = peer};
            if (node->mac[0] != '\0' && mac_parse(node->mac, strlen(node->mac), &binding.mac) != 0)
                abort();
            live_restore_binding(story_live(story), &binding, &origin);
        }
}

/* Meanwhile the records were put right here and there: what stood holds no more. */
static void change_records(struct draft *draft, struct story *story)
{
    for (size_t i = 0, line = 0; i < draft->row_count; i++, line++) {
        while (story->lines[line].table != RECORD_CMDB)
            line++;
        if (draft->rows[i].subnets[0][0] == '\0' || !chance(draft, 40))
            continue;
        subnet_text(draft->rows[i].subnets[0], sizeof draft->rows[i].subnets[0],
                    1 + (unsigned)(draw(draft) % 5));
        draft->rows[i].subnets[1][0] = '\0';
        snprintf(story->lines[line].values[4], sizeof story->lines[line].values[4], "%s/64",
                 draft->rows[i].subnets[0]);
    }
    if (chance(draft, 50)) {
        draft->known_agents++;
        add_row(draft, story, "", "", "2001:db8:ff::4", "", "");
    }
}

/* The daemon is killed, and begins again with what the store has. */
static void restart(struct draft *draft, struct story *story, double now)
{
    static const char before[] = " address:";
    story_live_restart(story, now);
    const struct ip agent = ip_of("2001:db8:ff::3");
    live_set_agents(story_live(story), &agent, 1);
    for (size_t i = 0; i < draft->open_count; i++) {
        char kind[32], address[64];
        const char *at = strstr(draft->open[i], before);
        snprintf(kind, sizeof kind, "%.*s", (int)(at - draft->open[i]), draft->open[i]);
        snprintf(address, sizeof address, "%s", at + strlen(before));
        address[strcspn(address, " ")] = '\0';
        const struct ip ip = ip_of(address);
        live_restore_stood(story_live(story), discrepancy_parse(kind), &ip, false);
    }
    restore_bindings(draft, story);
}

static unsigned play_on(struct draft *draft, struct story *story, bool shuffled, size_t *held)
{
    double now = draft->now;
    unsigned bad = 0;
    round_at(draft, story, now);
    tell_all(draft, story, shuffled, now + 100);
    bad += hold_places(draft, story, "heard", held);
    bad += hold_guests(draft, story, "heard") + compare(draft, story, "heard", now + 100);
    if (draft->restarts)
        restart(draft, story, now + 105);
    if (draft->restarts && chance(draft, 50))
        change_records(draft, story);
    round_at(draft, story, now + 110);
    bad += hold_places(draft, story, draft->restarts ? "killed" : "next round", held);
    if (draft->restarts) { /* what was bound is known; that it had settled, or when, is not */
        pass(draft, story, now + 300);
        return bad + hold_expired(draft, story, held);
    }
    bad += hold_guests(draft, story, "next round");
    pass(draft, story, now + 140);
    bad += hold_ends(draft, story, "settled", false, held);
    bad += compare(draft, story, "settled", now + 140);
    round_at(draft, story, now + 150);
    bad += hold_ends(draft, story, "settled, next round", false, held);
    pass(draft, story, now + 100 + LIFE_SHORT + 40);
    bad += hold_ends(draft, story, "expired", true, held);
    round_at(draft, story, now + 400);
    bad += hold_ends(draft, story, "expired, next round", true, held);
    return bad;
}

static unsigned play(uint64_t seed, bool shuffled, bool stored, bool restarts, size_t *held)
{
    struct draft *draft = alloc_zeroed(1, sizeof *draft);
    struct story story;
    draft->seed = seed;
    draft->state = seed * 173 + 29;
    draft->stored = stored;
    draft->restarts = restarts;
    draft->known_agents = KNOWN_AGENTS;
    story_init(&story);
    struct random_world *world = random_world_new(seed, &story);
    draft->now = random_world_time(world, 0);
    draft_records(draft, &story);
    random_world_step(world, 0);
    story_live_start(&story);
    const struct ip agent = ip_of("2001:db8:ff::3");
    live_set_agents(story_live(&story), &agent, 1);
    draft->node_count = 4 + draw(draft) % 9;
    for (size_t n = 0; n < draft->node_count; n++)
        draft_node(draft, &draft->nodes[n], (unsigned)n, draft->now + 10);
    if (stored)
        story_store_attach(&story);
    unsigned bad = play_on(draft, &story, shuffled, held);
    if (stored) {
        int differ = story_store_detach(&story);
        if (differ > 0)
            printf("seed %" PRIu64 ": %d rounds are judged otherwise from the store\n", seed,
                   differ);
        bad += differ > 0;
    }
    for (size_t i = 0; i < draft->open_count; i++)
        free(draft->open[i]);
    random_world_free(world);
    story_live_done(&story);
    story_done(&story);
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
    bool stored = argc > 3 && strcmp(argv[3], "stored") == 0;
    unsigned bad = 0;
    size_t held = 0;
    for (uint64_t seed = first; seed < first + worlds && bad < 20; seed++) {
        if (!stored)
            bad += play(seed, false, false, false, &held) + play(seed, true, false, true, &held);
        bad += play(seed, true, stored, false, &held);
    }
    printf("%" PRIu64 " worlds from seed %" PRIu64 ", %zu times a mobile node held, %u differ\n",
           worlds, first, held, bad);
    return bad == 0 ? 0 : 1;
}
