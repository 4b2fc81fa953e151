/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "story.h"
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
    end_round(play);
    if (strcmp(word, "round") == 0) {
        play->now = parse_time(words[1]);
        story_round(&play->story, play->now);
        play->round_open = true;
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

static int play_file(const char *path, bool stored)
{
    struct play *play = alloc_zeroed(1, sizeof *play);
    play->file = path;
    story_init(&play->story);
    if (stored)
        story_store_attach(&play->story);
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
    int failures = play->failures + (stored ? story_store_detach(&play->story) : 0);
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
