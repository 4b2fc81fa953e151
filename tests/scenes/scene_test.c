/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "story.h"
#include "story_live.h"
#include "story_store.h"

/* Plays every *.scene file of a folder (their language: README.md beside them) and
 * says which line was not as told; with "stored", on the memory of a real store. */

enum { WORDS_MAX = 32, EXPECTED_MAX = 64 };

struct expectation {
    char kind[32], state[16], subject[64];
    int line;
    bool met;
};

struct play {
    struct story story;
    const char *file;
    int line, failures;
    bool round_open;
    double now;
    struct expectation expected[EXPECTED_MAX];
    size_t expected_count;
    char unobserved[EXPECTED_MAX][64];
    size_t unobserved_count;
    /* of the events at hand */
    struct told {
        char change[16], kind[32], state[16], subject[64];
        int line;
        bool met;
    } told[EXPECTED_MAX];
    size_t told_count;
    bool event_open, probed;
    double probed_at;
    double event_now;
};

static void fail(struct play *play, int line, const char *what, const char *detail)
{
    printf("%s:%d: %s %s\n", play->file, line, what, detail);
    play->failures++;
}

static double parse_time(const char *text)
{
    unsigned hours = 0, minutes = 0;
    double seconds = 0;
    if (sscanf(text, "%u:%u:%lf", &hours, &minutes, &seconds) < 2)
        abort();
    return hours * 3600.0 + minutes * 60.0 + seconds;
}

static void copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from);
}

/* key=value among the words; "" when it is not there. */
static const char *option(char *const *words, size_t count, const char *key)
{
    size_t length = strlen(key);
    for (size_t i = 0; i < count; i++)
        if (strncmp(words[i], key, length) == 0 && words[i][length] == '=')
            return words[i] + length + 1;
    return "";
}

static bool flag(char *const *words, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], key) == 0)
            return true;
    return false;
}

/* --- rounds --- */

static void check_discrepancy(struct play *play, const struct discrepancy *d)
{
    char subject[128], text[512];
    story_subject(d, subject, sizeof subject);
    for (size_t i = 0; i < play->expected_count; i++) {
        struct expectation *e = &play->expected[i];
        if (e->met || strcmp(e->kind, discrepancy_word(d->kind)) != 0 ||
            strcmp(e->state, verdict_state_word(d->state)) != 0 || strcmp(e->subject, subject) != 0)
            continue;
        e->met = true;
        return;
    }
    snprintf(text, sizeof text, "%s %s %s: %s", discrepancy_word(d->kind),
             verdict_state_word(d->state), subject, d->why);
    fail(play, play->line, "not expected:", text);
}

static void check_round(struct play *play)
{
    struct arena *arena = arena_new();
    for (size_t i = 0; i < sweep_count(play->story.sweep); i++) {
        struct discrepancy d;
        sweep_render(play->story.sweep, i, arena, &d);
        if (d.why[0] == '\0' || d.evidence_count == 0 || d.identity[0] == '\0' ||
            (d.state == VERDICT_SUSPECTED && d.would_prove[0] == '\0' && d.member_count == 0))
            fail(play, play->line, "without proof:", d.identity);
        check_discrepancy(play, &d);
    }
    for (size_t i = 0; i < play->expected_count; i++)
        if (!play->expected[i].met)
            fail(play, play->expected[i].line, "did not come:", play->expected[i].subject);
    size_t unobserved = sweep_unobserved_count(play->story.sweep);
    for (size_t i = 0; i < unobserved; i++) {
        struct not_observable one;
        sweep_unobserved(play->story.sweep, i, arena, &one);
        bool told = false;
        for (size_t u = 0; u < play->unobserved_count; u++)
            told = told || strcmp(play->unobserved[u], one.guest) == 0;
        if (!told)
            fail(play, play->line, "not expected as not observable:", one.guest);
    }
    if (unobserved != play->unobserved_count)
        fail(play, play->line, "not observable:", "another number than told");
    arena_free(arena);
}

static void end_round(struct play *play)
{
    if (!play->round_open)
        return;
    check_round(play);
    story_round_end(&play->story, play->now);
    play->round_open = false;
    play->expected_count = play->unobserved_count = 0;
    for (size_t i = 0; i < play->story.switch_count; i++)
        play->story.switches[i].started = play->story.switches[i].ended = -1;
    play->story.as_of = -1;
}

/* --- events --- */

static const char *const change_words[] = {"opened", "changed", "gone", "past"};

static void check_change(struct play *play, size_t number)
{
    const struct live_out *out = story_live_out(&play->story);
    const struct live_change *change = &out->changes[number];
    struct arena *arena = arena_new();
    struct discrepancy d = {.identity = change->identity};
    char subject[128] = "", text[512];
    const char *state = change->observed ? "observed" : "unobserved";
    if (change->kind != LIVE_GONE) {
        live_out_render(out, number, arena, &d);
        story_subject(&d, subject, sizeof subject);
        state = d.severity == SEVERITY_INFO && d.kind == DISCREPANCY_OFF_BUT_SEEN
                    ? "info"
                    : verdict_state_word(d.state);
        if (strcmp(d.identity, change->identity) != 0)
            fail(play, play->line, "another identity:", d.identity);
        if (d.why[0] == '\0' || (d.evidence_count == 0 && d.member_count == 0))
            fail(play, play->line, "without proof:", d.identity);
    } else { /* "kind type:site/name domain" */
        const char *at = strchr(change->identity, ':');
        snprintf(subject, sizeof subject, "%.*s", (int)strcspn(at + 1, " "), at + 1);
        if (strchr(subject, '/') != NULL)
            memmove(subject, strchr(subject, '/') + 1, strlen(strchr(subject, '/')));
    }
    bool met = false;
    for (size_t i = 0; i < play->told_count && !met; i++) {
        struct told *told = &play->told[i];
        met = !told->met && strcmp(told->change, change_words[change->kind]) == 0 &&
              strcmp(told->kind, discrepancy_word(change->what)) == 0 &&
              strcmp(told->state, state) == 0 && strcmp(told->subject, subject) == 0;
        told->met = told->met || met;
    }
    snprintf(text, sizeof text, "%s %s %s %s: %s", change_words[change->kind],
             discrepancy_word(change->what), state, subject,
             change->kind != LIVE_GONE ? d.why : d.identity);
    if (!met)
        fail(play, play->line, "told, not expected:", text);
    arena_free(arena);
}

/* "wish probe MAC", "wish poll SWITCH", "wish records -"; "wish none -" forbids probes and polls.
 */
static bool is_wished(struct play *play, const struct told *told)
{
    const struct live_out *out = story_live_out(&play->story);
    char mac[MAC_TEXT_SIZE];
    for (size_t i = 0; i < out->wish_count; i++) {
        const struct live_wish *wish = &out->wishes[i];
        if ((strcmp(told->kind, "probe") == 0 && wish->kind == LIVE_WISH_PROBE &&
             strcmp(told->subject, mac_format(wish->mac, mac)) == 0) ||
            (strcmp(told->kind, "poll") == 0 && wish->kind == LIVE_WISH_POLL &&
             wish->switch_count == 1 && strcmp(told->subject, wish->switches[0]) == 0) ||
            (strcmp(told->kind, "records") == 0 && wish->kind == LIVE_WISH_RECORDS))
            return true;
    }
    return strcmp(told->kind, "none") == 0 && out->wish_count == 0;
}

/* Checks what was told since the last check, and that a sweep would say the same. */
static void end_events(struct play *play)
{
    if (!play->event_open)
        return;
    play->event_open = false;
    struct live_out *out = story_live_out(&play->story);
    for (size_t i = 0; i < out->change_count; i++)
        check_change(play, i);
    for (size_t i = 0; i < play->told_count; i++) {
        struct told *told = &play->told[i];
        if (strcmp(told->change, "wish") == 0)
            told->met = is_wished(play, told);
        if (!told->met)
            fail(play, told->line, "was not told:", told->subject);
    }
    play->told_count = 0;
    story_live_clear(&play->story);
    if (play->probed) /* what probes read is not in the tables of the last round */
        return;
    AUTO_FREE char *differences = story_live_compare(&play->story, play->event_now);
    if (differences[0] != '\0')
        fail(play, play->line, "events and sweep differ:\n", differences);
}

static void line_told(struct play *play, char *const *words)
{
    struct told *told = &play->told[play->told_count++];
    bool wish = strcmp(words[0], "wish") == 0;
    *told = (struct told){.line = play->line};
    play->event_open = true; /* also where nothing happened: then this was not told */
    copy(told->change, sizeof told->change, wish ? "wish" : words[1]);
    copy(told->kind, sizeof told->kind, words[wish ? 1 : 2]);
    copy(told->state, sizeof told->state, wish ? "" : words[3]);
    copy(told->subject, sizeof told->subject, words[wish ? 2 : 4]);
}

/* bind|rebind|unbind TIME HOME CARE-OF AGENT */
static enum event_kind binding_kind(const char *word)
{
    return strcmp(word, "bind") == 0     ? EVENT_START
           : strcmp(word, "rebind") == 0 ? EVENT_UPDATE
           : strcmp(word, "unbind") == 0 ? EVENT_STOP
                                         : EVENT_KIND_COUNT;
}

static struct ip parse_ip(struct play *play, const char *text)
{
    struct ip ip = IP_NONE;
    if (strcmp(text, "-") != 0 && ip_parse(text, strlen(text), &ip) != 0)
        fail(play, play->line, "not an address:", text);
    return ip;
}

static bool is_event(const char *word)
{
    return binding_kind(word) != EVENT_KIND_COUNT || event_kind_parse(word) != EVENT_KIND_COUNT ||
           strcmp(word, "trap") == 0;
}

/* start|update|stop|announce TIME MAC SWITCH PORT, reset TIME NAS [SWITCH PORT],
 * hint TIME SWITCH WHAT, trap TIME MAC SWITCH PORT; "-": not said. */
static void line_event(struct play *play, char *const *words, size_t count)
{
    enum event_kind kind = event_kind_parse(words[0]);
    struct event event = event_of(kind == EVENT_KIND_COUNT ? EVENT_START : kind);
    double now = parse_time(words[1]);
    bool trap = strcmp(words[0], "trap") == 0 || kind == EVENT_HINT;
    const char *at = option(words, count, "at"), *life = option(words, count, "life");
    const char *nas = option(words, count, "nas"), *session = option(words, count, "session");
    const char *proof = option(words, count, "proof"), *vlan = option(words, count, "vlan");
    event.proof = trap                     ? EVENT_PROOF_HINT
                  : kind == EVENT_ANNOUNCE ? EVENT_PROOF_HEARD
                                           : EVENT_PROOF_TOLD;
    if (proof[0] != '\0')
        event.proof = event_proof_parse(proof);
    event.source = event.type = kind == EVENT_ANNOUNCE ? "announce" : trap ? "snmp_trap" : "radius";
    if (option(words, count, "type")[0] != '\0')
        event.source = event.type = option(words, count, "type");
    event.heard = story_time(now);
    event.at = at[0] != '\0' ? story_time(parse_time(at)) : event.heard;
    if (life[0] != '\0')
        event.lifetime = span_seconds(atoi(life));
    event.vlan = (uint16_t)atoi(vlan);
    if (binding_kind(words[0]) != EVENT_KIND_COUNT) {
        event.kind = binding_kind(words[0]);
        event.source = event.type = "mobile_ip";
        event.proof = EVENT_PROOF_HEARD;
        event.address = parse_ip(play, words[2]);
        event.care_of = parse_ip(play, words[3]);
        event.agent = parse_ip(play, words[4]);
        event.nas = nas[0] != '\0' ? nas : words[4];
        const char *mac = option(words, count, "mac");
        if (mac[0] != '\0' && mac_parse(mac, strlen(mac), &event.mac) != 0)
            fail(play, play->line, "not a MAC:", mac);
    } else if (kind == EVENT_HINT) {
        event.switch_name = words[2];
        event.hint = event_hint_parse(words[3]);
    } else if (kind == EVENT_RESET) {
        event.nas = words[2];
        event.switch_name = count > 4 ? words[3] : NULL;
        event.port = count > 4 ? words[4] : NULL;
    } else {
        if (mac_parse(words[2], strlen(words[2]), &event.mac) != 0)
            fail(play, play->line, "not a MAC:", words[2]);
        event.switch_name = count > 3 && strcmp(words[3], "-") != 0 ? words[3] : NULL;
        event.port = count > 4 && strchr(words[4], '=') == NULL && strcmp(words[4], "-") != 0
                         ? words[4]
                         : NULL;
        event.nas = nas[0] != '\0' ? nas : event.switch_name;
        event.session = session[0] != '\0' ? session : "s";
        if (kind == EVENT_ANNOUNCE)
            event.nas = event.session = NULL;
    }
    play->event_now = now;
    play->event_open = true;
    story_live_event(&play->story, &event, now);
}

/* Whether a table that the next round judges was read before `at`. */
static bool is_read_before(const struct play *play, double at)
{
    for (size_t i = 0; i < play->story.switch_count; i++)
        if (play->story.switches[i].started >= 0 && play->story.switches[i].started < at)
            return true;
    return false;
}

/* probed TIME MAC SWITCH [PORT...] */
static void line_probed(struct play *play, char *const *words, size_t count)
{
    struct live_probe_row rows[WORDS_MAX];
    double now = parse_time(words[1]);
    struct live_probe probe = {.switch_name = words[3],
                               .started = story_time(now),
                               .ended = story_time(now),
                               .rows = rows,
                               .count = count - 4};
    for (size_t i = 4; i < count; i++)
        rows[i - 4] = (struct live_probe_row){words[i], 0, FORWARD_AGE_UNKNOWN};
    if (mac_parse(words[2], strlen(words[2]), &probe.mac) != 0)
        fail(play, play->line, "not a MAC:", words[2]);
    play->event_now = now;
    play->event_open = play->probed = true;
    play->probed_at = now;
    story_live_probe(&play->story, &probe, now);
}

/* --- lines that change the world --- */

static void line_guest(struct play *play, char *const *words, size_t count)
{
    const char *uuid = option(words, count, "uuid");
    struct story_guest *guest =
        story_guest(&play->story, strcmp(words[1], "-") == 0 ? "" : words[1], words[2],
                    strcmp(words[3], "-") == 0 ? "" : words[3]);
    copy(guest->state, sizeof guest->state, words[4]);
    copy(guest->vlan, sizeof guest->vlan, option(words, count, "vlan"));
    copy(guest->wire, sizeof guest->wire, option(words, count, "wire"));
    copy(guest->uuid, sizeof guest->uuid, uuid);
    guest->since[0] = '\0';
    const char *since = option(words, count, "since");
    if (since[0] != '\0') {
        char text[CLOCK_TEXT_SIZE];
        copy(guest->since, sizeof guest->since, wall_format(story_time(parse_time(since)), text));
    }
}

static void line_forget(struct play *play, char *const *words)
{
    struct story *story = &play->story;
    for (size_t i = 0; i < story->guest_count; i++)
        if (strcmp(story->guests[i].hypervisor, words[1]) == 0 &&
            strcmp(story->guests[i].name, words[2]) == 0)
            story->guests[i--] = story->guests[--story->guest_count];
}

static void line_attach(struct play *play, char *const *words, size_t count)
{
    struct story *story = &play->story;
    story->attachments = alloc_grow(story->attachments, story->attachment_count,
                                    &story->attachment_capacity, sizeof *story->attachments);
    struct story_attachment *a = &story->attachments[story->attachment_count++];
    *a = (struct story_attachment){.sw = ""};
    copy(a->hypervisor, sizeof a->hypervisor, words[1]);
    copy(a->mac, sizeof a->mac, strcmp(words[2], "-") == 0 ? "" : words[2]);
    copy(a->sw, sizeof a->sw, count > 3 ? words[3] : "");
    copy(a->port, sizeof a->port, count > 4 ? words[4] : "");
}

static void line_table(struct play *play, enum record_table table, char *const *words, size_t count)
{
    struct story *story = &play->story;
    story->lines =
        alloc_grow(story->lines, story->line_count, &story->line_capacity, sizeof *story->lines);
    struct story_line *line = &story->lines[story->line_count++];
    *line = (struct story_line){.table = table};
    for (size_t i = 1; i < count && i < 6; i++)
        copy(line->values[i - 1], sizeof line->values[0], words[i]);
}

static void line_switch(struct play *play, char *const *words, size_t count)
{
    struct story_switch *sw = story_switch(&play->story, words[1]);
    const char *ageing = option(words, count, "ageing"), *site = option(words, count, "site");
    if (ageing[0] != '\0')
        sw->ageing = atoi(ageing);
    if (site[0] != '\0')
        copy(sw->site, sizeof sw->site, site);
    copy(sw->own, sizeof sw->own, option(words, count, "own"));
    copy(sw->hypervisor, sizeof sw->hypervisor, option(words, count, "hypervisor"));
    sw->dead = flag(words, count, "dead");
    sw->partial = flag(words, count, "partial");
    sw->full = flag(words, count, "full");
}

static void line_row(struct play *play, char *const *words, size_t count)
{
    static const char *const statuses[] = {"unread", "other", "invalid", "learned", "self", "mgmt"};
    const char *status = option(words, count, "status"), *age = option(words, count, "age");
    int number = FORWARD_LEARNED;
    for (int i = 0; i < 6; i++)
        if (strcmp(status, statuses[i]) == 0)
            number = i;
    story_row(story_switch(&play->story, words[1]), words[2], words[3],
              option(words, count, "vlan"), number, age[0] != '\0' ? atoi(age) : -1);
}

static void line_norow(struct play *play, char *const *words)
{
    struct story_switch *sw = story_switch(&play->story, words[1]);
    for (size_t i = 0; i < sw->row_count; i++)
        if (strcmp(words[2], "*") == 0 || strcmp(sw->rows[i].mac, words[2]) == 0)
            sw->rows[i--] = sw->rows[--sw->row_count];
}

static void line_port(struct play *play, char *const *words, size_t count)
{
    struct story_port *port = story_port(story_switch(&play->story, words[1]), words[2]);
    port->uplink = flag(words, count, "uplink");
    port->tunnel = flag(words, count, "tunnel");
    copy(port->aggregate, sizeof port->aggregate, option(words, count, "aggregate"));
}

static void line_neighbour(struct play *play, char *const *words, size_t count)
{
    struct story_switch *sw = story_switch(&play->story, words[1]);
    story_port(sw, words[2]);
    size_t n = sw->neighbour_count++;
    copy(sw->neighbours[n].port, sizeof sw->neighbours[n].port, words[2]);
    copy(sw->neighbours[n].system, sizeof sw->neighbours[n].system, option(words, count, "system"));
    copy(sw->neighbours[n].chassis, sizeof sw->neighbours[n].chassis,
         option(words, count, "chassis"));
}

static void line_mlag(struct play *play, char *const *words)
{
    struct story *story = &play->story;
    story->mlags =
        alloc_grow(story->mlags, story->mlag_count, &story->mlag_capacity, sizeof *story->mlags);
    struct story_mlag *mlag = &story->mlags[story->mlag_count++];
    copy(mlag->a, sizeof mlag->a, words[1]);
    copy(mlag->port_a, sizeof mlag->port_a, words[2]);
    copy(mlag->b, sizeof mlag->b, words[3]);
    copy(mlag->port_b, sizeof mlag->port_b, words[4]);
}

static void line_read(struct play *play, char *const *words, size_t count)
{
    struct story_switch *sw = story_switch(&play->story, words[1]);
    sw->started = parse_time(words[2]);
    sw->ended = count > 3 ? parse_time(words[3]) : sw->started;
}

static void line_options(struct play *play, char *const *words, size_t count)
{
    struct audit_options *options = &play->story.options;
    if (option(words, count, "prefix")[0] != '\0')
        options->prefix_mode = strcmp(option(words, count, "prefix"), "yes") == 0;
    if (option(words, count, "port")[0] != '\0')
        options->port_mode = strcmp(option(words, count, "port"), "yes") == 0;
    if (option(words, count, "storm")[0] != '\0')
        options->storm_count = (unsigned)atoi(option(words, count, "storm"));
    if (option(words, count, "lag")[0] != '\0')
        options->inventory_lag = span_seconds(atoi(option(words, count, "lag")));
    if (option(words, count, "gap_rounds")[0] != '\0')
        options->gap_rounds = (unsigned)atoi(option(words, count, "gap_rounds"));
}

static void line_expect(struct play *play, char *const *words)
{
    struct expectation *e = &play->expected[play->expected_count++];
    *e = (struct expectation){.line = play->line};
    copy(e->kind, sizeof e->kind, words[1]);
    copy(e->state, sizeof e->state, words[2]);
    copy(e->subject, sizeof e->subject, words[3]);
}

static void play_line(struct play *play, char **words, size_t count)
{
    const char *word = words[0];
    if (strcmp(word, "expect") == 0) {
        line_expect(play, words);
        return;
    }
    if (strcmp(word, "unobserved") == 0) {
        copy(play->unobserved[play->unobserved_count++], 64, words[1]);
        return;
    }
    if (strcmp(word, "tell") == 0 || strcmp(word, "wish") == 0) {
        line_told(play, words);
        return;
    }
    end_round(play);
    end_events(play);
    if (strcmp(word, "round") == 0 || strcmp(word, "refresh") == 0) {
        play->story.passing = word[1] == 'e';
        play->now = play->event_now = parse_time(words[1]);
        bool older = is_read_before(play, play->probed_at);
        story_round(&play->story, play->now);
        play->round_open = true;
        play->event_open = story_live_out(&play->story)->change_count > 0;
        play->probed = play->probed && older; /* probes that are younger count on */
    } else if (is_event(word)) {
        line_event(play, words, count);
    } else if (strcmp(word, "probed") == 0) {
        line_probed(play, words, count);
    } else if (strcmp(word, "time") == 0) {
        play->event_now = parse_time(words[1]);
        play->event_open = true;
        story_live_event(&play->story, NULL, play->event_now);
    } else if (strcmp(word, "guest") == 0) {
        line_guest(play, words, count);
    } else if (strcmp(word, "forget") == 0) {
        line_forget(play, words);
    } else if (strcmp(word, "attach") == 0) {
        line_attach(play, words, count);
    } else if (strcmp(word, "switch") == 0) {
        line_switch(play, words, count);
    } else if (strcmp(word, "port") == 0) {
        line_port(play, words, count);
    } else if (strcmp(word, "row") == 0) {
        line_row(play, words, count);
    } else if (strcmp(word, "norow") == 0) {
        line_norow(play, words);
    } else if (strcmp(word, "neighbour") == 0) {
        line_neighbour(play, words, count);
    } else if (strcmp(word, "link") == 0) {
        line_table(play, RECORD_LINKS, words, count);
    } else if (strcmp(word, "lag") == 0) {
        line_table(play, RECORD_LAGS, words, count);
    } else if (strcmp(word, "role") == 0) {
        line_table(play, RECORD_PORTS, words, count);
    } else if (strcmp(word, "dcm") == 0) {
        line_table(play, RECORD_DCM, words, count);
    } else if (strcmp(word, "cmdb") == 0) {
        line_table(play, RECORD_CMDB, words, count);
    } else if (strcmp(word, "mlag") == 0) {
        line_mlag(play, words);
    } else if (strcmp(word, "read") == 0) {
        line_read(play, words, count);
    } else if (strcmp(word, "as_of") == 0) {
        play->story.as_of = parse_time(words[1]);
    } else if (strcmp(word, "option") == 0) {
        line_options(play, words, count);
    } else {
        fail(play, play->line, "unknown word", word);
    }
}

/* Rounds that the scene does not tell: what its events left is told to them, and they are judged
 * again with the others. */
static void play_on(struct play *play)
{
    static const double later[] = {5, 60, 400};
    double last = play->event_now > play->now ? play->event_now : play->now;
    for (size_t i = 0; i < ARRAY_COUNT(later); i++) {
        story_round(&play->story, last + later[i]);
        story_round_end(&play->story, last + later[i]);
        story_live_clear(&play->story);
    }
}

static int play_file(const char *path, bool stored)
{
    struct play *play = alloc_zeroed(1, sizeof *play);
    play->file = path;
    story_init(&play->story);
    if (stored)
        story_store_attach(&play->story);
    story_live_start(&play->story);
    FILE *file = fopen(path, "r");
    char line[512];
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        play->line++;
        line[strcspn(line, "#\n")] = '\0';
        char *words[WORDS_MAX], *rest = NULL;
        size_t count = 0;
        for (char *word = strtok_r(line, " \t", &rest); word != NULL && count < WORDS_MAX;
             word = strtok_r(NULL, " \t", &rest))
            words[count++] = word;
        if (count > 0)
            play_line(play, words, count);
    }
    if (file == NULL || play->line == 0)
        fail(play, 0, "cannot be read:", path);
    else
        fclose(file);
    end_round(play);
    end_events(play);
    if (stored)
        play_on(play);
    int failures = play->failures + (stored ? story_store_detach(&play->story) : 0);
    story_live_done(&play->story);
    story_done(&play->story);
    printf("%s %s\n", failures == 0 ? "ok    " : "FAILED", path);
    free(play);
    return failures;
}

static int is_scene(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 6 && strcmp(entry->d_name + length - 6, ".scene") == 0;
}

int main(int argc, char **argv)
{
    struct dirent **entries;
    int failures = 0;
    bool stored = argc == 3 && strcmp(argv[2], "stored") == 0;
    int count = argc == 2 || stored ? scandir(argv[1], &entries, is_scene, alphasort) : -1;
    if (count <= 0) {
        fprintf(stderr, "usage: scene_test FOLDER [stored] (a folder with *.scene files)\n");
        return 2;
    }
    for (int i = 0; i < count; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", argv[1], entries[i]->d_name);
        failures += play_file(path, stored);
        free(entries[i]);
    }
    free(entries);
    return failures == 0 ? 0 : 1;
}
