/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/sweep_state.h"
#include "base/alloc.h"
#include "random_world.h"

/* A re-audit after changed rows says what a full sweep over the changed tables says: on
 * random worlds, with random rows that go and come, several times in a row. */

struct changes {
    struct row_change *items;
    size_t count, capacity;
};

static uint64_t draw(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static bool may_change(const struct forward_row *row)
{
    uint64_t prefix = row->mac_status >> 40;
    return prefix == 0x525400 || prefix == 0x02aa00;
}

static void take_row(struct story *story, struct changes *changes, uint32_t t, uint64_t *state)
{
    struct forward_table *table = story->tables[t];
    size_t at = draw(state) % table->row_count;
    if (!may_change(&table->rows[at]))
        return;
    changes->items =
        alloc_grow(changes->items, changes->count, &changes->capacity, sizeof *changes->items);
    changes->items[changes->count++] = (struct row_change){t, true, table->rows[at]};
    table->rows[at] = table->rows[--table->row_count];
}

/* A row of any table, on any port and in any VLAN of this one. */
static void give_row(struct story *story, struct changes *changes, uint32_t t, uint64_t *state)
{
    struct forward_table *table = story->tables[t];
    const struct forward_table *other = story->tables[draw(state) % story->table_count];
    if (other->row_count == 0)
        return;
    struct forward_row row = other->rows[draw(state) % other->row_count];
    if (!may_change(&row))
        return;
    row.port = (uint32_t)(draw(state) % table->port_count);
    row.vlan = (vlan_set)(draw(state) % vlan_pool_count(table->vlans));
    row.age = draw(state) % 4 == 0 ? (uint16_t)(draw(state) % 400) : FORWARD_AGE_UNKNOWN;
    changes->items =
        alloc_grow(changes->items, changes->count, &changes->capacity, sizeof *changes->items);
    changes->items[changes->count++] = (struct row_change){t, false, row};
    struct forward_row *rows = alloc_array(table->row_count + 1, sizeof *rows);
    memcpy(rows, table->rows, table->row_count * sizeof *rows);
    rows[table->row_count++] = row;
    free(table->rows);
    table->rows = rows;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All that a sweep says, as sorted lines. */
static char *lines_of(const struct sweep *sweep)
{
    struct arena *arena = arena_new();
    size_t count = sweep_count(sweep) + sweep_unobserved_count(sweep);
    char **lines = alloc_zeroed(count + 1, sizeof *lines);
    size_t at = 0;
    for (size_t i = 0; i < sweep_count(sweep); i++) {
        struct discrepancy d;
        sweep_render(sweep, i, arena, &d);
        lines[at++] =
            arena_printf(arena, "%s %s %zu observed, %zu members: %s", d.identity,
                         verdict_state_word(d.state), d.observed_count, d.member_count, d.why);
    }
    for (size_t i = 0; i < sweep_unobserved_count(sweep); i++) {
        struct not_observable one;
        sweep_unobserved(sweep, i, arena, &one);
        lines[at++] = arena_printf(arena, "not observable %s", one.guest);
    }
    if (at > 0)
        qsort(lines, at, sizeof *lines, compare_texts);
    struct text text = TEXT_EMPTY;
    for (size_t i = 0; i < at; i++)
        text_printf(&text, "%s\n", lines[i]);
    free(lines);
    arena_free(arena);
    return text_take(&text);
}

static bool compare(const struct story *story, struct sweep_state *state, double now, uint64_t seed,
                    int step)
{
    struct world *world = world_new(&story->input);
    struct sweep *sweep = sweep_run(world, story_time(now));
    AUTO_FREE char *full = lines_of(sweep);
    AUTO_FREE char *kept = lines_of(sweep_state_verdicts(state));
    bool same = strcmp(full, kept) == 0;
    if (!same)
        printf("seed %" PRIu64 " step %d\nfull sweep:\n%s\nre-audit:\n%s\n", seed, step, full,
               kept);
    sweep_free(sweep);
    world_free(world);
    return same;
}

static bool play(uint64_t seed)
{
    /* few worlds go on until most of the verdicts that were ever given are replaced */
    enum { STEPS = 4, LONG_STEPS = 4000, LONG_WORLDS = 100, LONG_LOOKS = 100 };
    bool is_long = seed % LONG_WORLDS == 0;
    struct story story;
    story_init(&story);
    struct random_world *world = random_world_new(seed, &story);
    double now = random_world_time(world, 0);
    uint64_t state = seed;
    random_world_step(world, 0);
    story.options.storm_count = seed % 3 == 0 ? 3 : 1000;
    story_round(&story, now);
    struct sweep_state *kept = sweep_state_new(story.world, story_time(now));
    struct changes changes = {0};
    bool same = compare(&story, kept, now, seed, 0);
    for (int step = 1; same && step <= (is_long ? LONG_STEPS : STEPS) && story.table_count > 0;
         step++) {
        changes.count = 0;
        for (uint64_t i = 0; i < 1 + draw(&state) % 8; i++) {
            uint32_t t = (uint32_t)(draw(&state) % story.table_count);
            if (story.tables[t]->row_count == 0)
                continue;
            if (draw(&state) % 2 == 0)
                take_row(&story, &changes, t, &state);
            else
                give_row(&story, &changes, t, &state);
        }
        sweep_state_apply(kept, changes.items, changes.count, story_time(now));
        if (!is_long || step % LONG_LOOKS == 0)
            same = compare(&story, kept, now, seed, step);
    }
    free(changes.items);
    sweep_state_free(kept);
    story_round_end(&story, now);
    random_world_free(world);
    story_done(&story);
    return same;
}

int main(int argc, char **argv)
{
    uint64_t worlds = argc > 1 ? strtoull(argv[1], NULL, 10) : 200;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    unsigned bad = 0;
    for (uint64_t seed = first; seed < first + worlds && bad < 5; seed++)
        bad += !play(seed);
    printf("%" PRIu64 " worlds from seed %" PRIu64 ", %u differ\n", worlds, first, bad);
    return bad == 0 ? 0 : 1;
}
