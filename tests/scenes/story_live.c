/* SPDX-License-Identifier: Apache-2.0 */
#include "story_live.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

/* A round that has been judged, for as long as events are judged over it. */
struct kept_round {
    struct record_set *record;
    struct forward_table **tables;
    size_t table_count;
    struct failed_source *failed;
    struct mlag_pair *pairs;
    struct world *world;
    struct sweep *sweep;
    struct seen_interval *intervals;
    struct off_since *offs;
    struct open_since *opens;
    struct live_facts facts;
    struct world_input input;
    struct memory memory;
};

struct story_live {
    struct live *live;
    struct live_out out;
    struct kept_round round, next;
    struct open_since *opened; /* by events since the last round; texts in the story's arena */
    size_t opened_count, opened_capacity;
};

void story_live_start(struct story *story)
{
    struct live_options options;
    live_options_init(&options);
    options.secret = 1;
    story->live = alloc_zeroed(1, sizeof *story->live);
    story->live->live = live_new(&options, story_time(0));
    live_out_init(&story->live->out, story->live->live);
}

void story_live_restart(struct story *story, double now)
{
    struct story_live *live = story->live;
    struct live *before = live->live;
    struct live_options options;
    struct presence_row row;
    uint32_t cursor = 0;
    live_options_init(&options);
    options.secret = 1;
    live_out_done(&live->out);
    live->live = live_new(&options, story_time(now));
    live_out_init(&live->out, live->live);
    while (presence_next(live_presence(before), &cursor, &row)) {
        const struct heard_origin *origin = live_origin(before, row.place);
        if (row.end == PRESENCE_LIVE && origin != NULL && origin->nas != NULL &&
            origin->nas[0] != '\0')
            live_restore(live->live, &row, origin, story_time(now));
    }
    live_free(before);
}

static void free_round(struct kept_round *round)
{
    sweep_free(round->sweep);
    world_free(round->world);
    record_set_free(round->record);
    for (size_t i = 0; i < round->table_count; i++)
        forward_table_free(round->tables[i]);
    free(round->tables);
    free(round->failed);
    free(round->pairs);
    free(round->intervals);
    free(round->offs);
    free(round->opens);
    live_facts_done(&round->facts);
    *round = (struct kept_round){0};
}

void story_live_done(struct story *story)
{
    struct story_live *live = story->live;
    if (live == NULL)
        return;
    live_out_done(&live->out);
    live_free(live->live);
    free_round(&live->round);
    free(live->opened);
    free(live);
    story->live = NULL;
}

struct live_out *story_live_out(struct story *story)
{
    return &story->live->out;
}

struct live *story_live(struct story *story)
{
    return story->live->live;
}

static void *copy_of(const void *from, size_t count, size_t size)
{
    void *copy = alloc_array(count + 1, size);
    if (count > 0)
        memcpy(copy, from, count * size);
    return copy;
}

static int by_identity(const void *a, const void *b)
{
    const struct open_since *x = a, *y = b;
    int order = strcmp(x->identity, y->identity);
    return order != 0 ? order : x->first.us < y->first.us ? -1 : x->first.us > y->first.us;
}

/* What stands since the last round and what events have opened, each once. */
static struct open_since *all_opens(const struct story *story, size_t *ret_count)
{
    const struct story_live *live = story->live;
    size_t count = 0, total = story->open_count + live->opened_count;
    struct open_since *opens = alloc_array(total + 1, sizeof *opens);
    memcpy(opens, story->opens != NULL ? story->opens : opens, story->open_count * sizeof *opens);
    for (size_t i = 0; i < live->opened_count; i++)
        opens[story->open_count + i] = live->opened[i];
    if (total > 0)
        qsort(opens, total, sizeof *opens, by_identity);
    for (size_t i = 0; i < total; i++)
        if (count == 0 || strcmp(opens[count - 1].identity, opens[i].identity) != 0)
            opens[count++] = opens[i];
    *ret_count = count;
    return opens;
}

void story_live_memory(struct story *story)
{
    struct kept_round *next = &story->live->next;
    next->intervals = copy_of(story->intervals, story->interval_count, sizeof *next->intervals);
    next->offs = copy_of(story->offs, story->off_count, sizeof *next->offs);
    size_t open_count;
    next->opens = all_opens(story, &open_count);
    story->memory = (struct memory){next->intervals,  story->interval_count, next->offs,
                                    story->off_count, next->opens,           open_count};
}

static void give_facts(struct story *story, struct live_facts *facts, struct world_input *input,
                       double now)
{
    live_export_begin(story->live->live, story_time(now), facts);
    while (live_export_step(story->live->live, facts, 3))
        ;
    input->heard = facts->heard;
    input->heard_count = facts->heard_count;
    input->windows = facts->windows;
    input->window_count = facts->window_count;
    input->flushes = facts->flushes;
    input->flush_count = facts->flush_count;
    input->now = story_time(now);
}

void story_live_facts(struct story *story, double now)
{
    story_live_event(story, NULL, now);
    give_facts(story, &story->live->next.facts, &story->input, now);
}

void story_live_world(struct story *story, double now)
{
    struct story_live *live = story->live;
    struct live_base *base = live_base_new(story->world, story->sweep);
    if (story->passing)
        live_base_leave(base, &live->next.facts);
    if (story->keep != NULL)
        story->keep(story, base);
    live_base_free(live_set_world(live->live, base, story_time(now), &live->out));
    while (wall_known(live_next(live->live)) && live_next(live->live).us <= story_time(now).us)
        live_tick(live->live, story_time(now), &live->out);
    free_round(&live->round);
    live->opened_count = 0;
}

void story_live_keep(struct story *story)
{
    struct kept_round *next = &story->live->next;
    next->record = story->record;
    next->tables = story->tables;
    next->table_count = story->table_count;
    next->failed = story->failed;
    next->pairs = story->pairs;
    next->world = story->world;
    next->sweep = story->sweep;
    next->input = story->input;
    next->memory = story->memory;
    story->live->round = *next;
    *next = (struct kept_round){0};
}

/* What events opened or ended, for the memory of the next round. */
static void remember(struct story *story, size_t from, size_t first_note, double now)
{
    struct story_live *live = story->live;
    if (story->follow != NULL)
        story->follow(story, from, first_note, now);
    for (size_t i = from; i < live->out.change_count; i++) {
        const struct live_change *change = &live->out.changes[i];
        if (change->kind == LIVE_OPENED) {
            live->opened = alloc_grow(live->opened, live->opened_count, &live->opened_capacity,
                                      sizeof *live->opened);
            live->opened[live->opened_count++] = (struct open_since){
                arena_text(story->arena, change->identity, strlen(change->identity)),
                story_time(now)};
        } else if (change->kind == LIVE_GONE) {
            for (size_t k = 0; k < live->opened_count; k++)
                if (strcmp(live->opened[k].identity, change->identity) == 0)
                    live->opened[k--] = live->opened[--live->opened_count];
            for (size_t k = 0; k < story->open_count; k++)
                if (strcmp(story->opens[k].identity, change->identity) == 0) {
                    memmove(&story->opens[k], &story->opens[k + 1],
                            (story->open_count - k - 1) * sizeof *story->opens);
                    story->open_count--;
                    k--;
                }
        }
    }
}

void story_live_event(struct story *story, const struct event *event, double now)
{
    struct story_live *live = story->live;
    struct wall at = story_time(now), next;
    size_t from = live->out.change_count, first_note = live->out.note_count;
    if (event != NULL && story->hear != NULL)
        story->hear(story, event);
    for (next = live_next(live->live); wall_known(next) && next.us <= at.us;
         next = live_next(live->live))
        live_tick(live->live, next.us > at.us - 1000000 ? at : next, &live->out);
    live_tick(live->live, at, &live->out);
    if (event != NULL)
        live_event(live->live, event, at, &live->out);
    remember(story, from, first_note, now);
}

void story_live_probe(struct story *story, const struct live_probe *probe, double now)
{
    story_live_event(story, NULL, now);
    size_t from = story->live->out.change_count, first_note = story->live->out.note_count;
    live_probe_result(story->live->live, probe, story_time(now), &story->live->out);
    remember(story, from, first_note, now);
}

void story_live_clear(struct story *story)
{
    live_out_clear(&story->live->out);
}

/* --- the same facts, swept --- */

struct lines {
    char **items;
    size_t count, capacity;
};

static void add_line(struct lines *lines, const struct discrepancy *d)
{
    AUTO_TEXT struct text text = TEXT_EMPTY;
    text_printf(&text, "%s %s", d->identity, verdict_state_word(d->state));
    lines->items = alloc_grow(lines->items, lines->count, &lines->capacity, sizeof *lines->items);
    lines->items[lines->count++] = text_take(&text);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_compared(enum discrepancy_kind kind)
{
    return kind != DISCREPANCY_RECORDED_GAP && kind != DISCREPANCY_AUDIT_GAP &&
           kind != DISCREPANCY_HYPERVISOR_MOVED;
}

static void sweep_lines(struct story *story, double now, struct lines *lines)
{
    struct live_facts facts;
    struct audit_options options = story->options;
    struct world_input input = story->live->round.input;
    size_t open_count;
    struct open_since *opens = all_opens(story, &open_count);
    const struct kept_round *round = &story->live->round;
    struct memory memory = round->memory;
    memory.opens = opens;
    memory.open_count = open_count;
    input.memory = &memory;
    input.options = &options;
    options.storm_count = 0;
    give_facts(story, &facts, &input, now);
    struct world *world = world_new(&input);
    struct sweep *sweep = sweep_run(world, story_time(now));
    struct arena *arena = arena_new();
    for (size_t i = 0; i < sweep_count(sweep); i++) {
        struct discrepancy d;
        sweep_render(sweep, i, arena, &d);
        if (is_compared(d.kind))
            add_line(lines, &d);
    }
    arena_free(arena);
    sweep_free(sweep);
    world_free(world);
    live_facts_done(&facts);
    free(opens);
}

/* A, B, A that a round suspects is confirmed when a second look finds the case open: a sweep
 * is such a look, and an event that never came is none. */
static bool is_second_look(const char *line, const struct lines *in)
{
    static const char first[] = " suspected", second[] = " confirmed";
    size_t length = strlen(line) - (sizeof first - 1);
    const char *end = line + length;
    if (strncmp(line, "duplicate_guest ", 16) != 0 && strncmp(line, "mac_flap ", 9) != 0)
        return false;
    for (size_t i = 0; i < in->count; i++)
        if (strncmp(in->items[i], line, length) == 0 &&
            strcmp(in->items[i] + length, strcmp(end, first) == 0 ? second : first) == 0)
            return true;
    return false;
}

static void print_missing(const struct lines *from, const struct lines *in, const char *who,
                          struct text *to)
{
    for (size_t i = 0; i < from->count; i++)
        if ((in->count == 0 || bsearch(&from->items[i], in->items, in->count, sizeof *in->items,
                                       compare_texts) == NULL) &&
            !is_second_look(from->items[i], in))
            text_printf(to, "only the %s: %s\n", who, from->items[i]);
}

char *story_live_compare(struct story *story, double now)
{
    struct lines swept = {0}, stands = {0};
    struct text text = TEXT_EMPTY;
    struct arena *arena = arena_new();
    struct live_stand *list;
    if (story->live->round.world == NULL) {
        arena_free(arena);
        return text_take(&text);
    }
    sweep_lines(story, now, &swept);
    size_t count = live_standing(story->live->live, arena, &list);
    for (size_t i = 0; i < count; i++)
        add_line(&stands,
                 &(struct discrepancy){.identity = list[i].identity, .state = list[i].state});
    if (swept.count > 0)
        qsort(swept.items, swept.count, sizeof *swept.items, compare_texts);
    if (stands.count > 0)
        qsort(stands.items, stands.count, sizeof *stands.items, compare_texts);
    print_missing(&swept, &stands, "sweep", &text);
    print_missing(&stands, &swept, "events", &text);
    for (size_t i = 0; i < swept.count; i++)
        free(swept.items[i]);
    for (size_t i = 0; i < stands.count; i++)
        free(stands.items[i]);
    free(swept.items);
    free(stands.items);
    arena_free(arena);
    return text_take(&text);
}
