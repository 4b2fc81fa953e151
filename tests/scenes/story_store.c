/* SPDX-License-Identifier: Apache-2.0 */
#include "story_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/query.h"
#include "store/verdict_text.h"

enum { ROUNDS_MAX = 256 };

struct story_store {
    struct store *store;
    struct arena *arena;
    char folder[64], path[96];
    char *verdicts[ROUNDS_MAX]; /* as judged, one line each */
    struct audit_options options[ROUNDS_MAX];
    size_t rounds;
};

static void give_up(const struct err *err)
{
    fprintf(stderr, "story_store: %s\n", err->text);
    exit(1);
}

/* The verdicts of `sweep` in words, with those that collective ones list. */
static char *print_verdicts(const struct sweep *sweep)
{
    struct text text = TEXT_EMPTY;
    struct arena *arena = arena_new();
    struct discrepancy d;
    for (size_t i = 0; i < sweep_count(sweep); i++) {
        sweep_render(sweep, i, arena, &d);
        verdict_text_print(&d, &text);
        text_add_char(&text, '\n');
        for (size_t m = 0; sweep_render_member(sweep, i, m, arena, &d); m++) {
            verdict_text_print(&d, &text);
            text_add_char(&text, '\n');
        }
    }
    for (size_t i = 0; i < sweep_unobserved_count(sweep); i++) {
        struct not_observable hidden;
        sweep_unobserved(sweep, i, arena, &hidden);
        text_printf(&text, "%s %s %s\n", hidden.guest, hidden.hypervisor, hidden.why);
    }
    arena_free(arena);
    return text_take(&text);
}

/* Long enough for every window of the judge. */
static const struct span horizon = {INT64_C(3600) * 1000000};

static void recall(struct story *story, double now)
{
    struct story_store *kept = story->context;
    const struct store_memory_query query = {.now = story_time(now),
                                             .horizon = horizon,
                                             .tables =
                                                 (const struct forward_table *const *)story->tables,
                                             .table_count = story->table_count};
    struct err err;
    if (store_load_memory(kept->store, &query, kept->arena, &story->memory, &err) != 0)
        give_up(&err);
}

struct identities {
    struct arena *arena;
    const char **items;
    size_t count, capacity;
};

static void add_identity(void *aux, const char *identity)
{
    struct identities *list = aux;
    list->items = alloc_grow(list->items, list->count, &list->capacity, sizeof *list->items);
    list->items[list->count++] = arena_text(list->arena, identity, strlen(identity));
}

static int store_offs(struct story *story, struct story_store *kept, struct err *err)
{
    struct identities offs = {.arena = kept->arena};
    sweep_off_guests(story->world, add_identity, &offs);
    int failed = store_round_offs(kept->store, offs.items, offs.count, NULL, 0, err);
    free(offs.items);
    return failed;
}

/* One case a verdict: what the store needs to know of what stands. */
static int store_verdicts(struct story *story, struct story_store *kept, double now,
                          struct err *err)
{
    size_t count = sweep_count(story->sweep);
    struct case_change *changes = arena_alloc(kept->arena, (count + 1) * sizeof *changes);
    struct discrepancy *verdicts = arena_alloc(kept->arena, (count + 1) * sizeof *verdicts);
    for (size_t i = 0; i < count; i++) {
        sweep_render(story->sweep, i, kept->arena, &verdicts[i]);
        changes[i] = (struct case_change){.record = {.number = kept->rounds * 1000 + i + 1,
                                                     .state_at = story_time(now),
                                                     .ended_at = WALL_UNKNOWN,
                                                     .discrepancy = &verdicts[i],
                                                     .first = story_time(now),
                                                     .last = story_time(now),
                                                     .reported_at = WALL_UNKNOWN,
                                                     .acknowledged_at = WALL_UNKNOWN},
                                          .judged = true};
        struct discrepancy member;
        for (size_t m = 0; sweep_render_member(story->sweep, i, m, kept->arena, &member); m++) {
            int failed = store_round_members(kept->store, &member, 1, err);
            if (failed != 0)
                return failed;
        }
    }
    return store_round_cases(kept->store, changes, count, err);
}

static void remember(struct story *story, double now)
{
    struct story_store *kept = story->context;
    struct err err = {0};
    uint64_t round;
    int failed = store_round_begin(kept->store, story_time(now), &round, &err);
    if (failed == 0)
        failed = store_round_records(kept->store, story->record, NULL, &err);
    for (size_t i = 0; failed == 0 && i < story->table_count; i++)
        failed = store_round_table(kept->store, story->tables[i], &err);
    for (size_t i = 0; failed == 0 && i < story->failed_count; i++)
        failed = store_round_failed(kept->store, &story->failed[i], NULL, &err);
    if (failed == 0)
        failed = store_offs(story, kept, &err);
    if (failed == 0)
        failed = store_verdicts(story, kept, now, &err);
    if (failed == 0)
        failed = store_round_commit(kept->store, story_time(now), story_time(now), &err);
    if (failed != 0 || kept->rounds == ROUNDS_MAX)
        give_up(&err);
    kept->options[kept->rounds] = story->options;
    kept->verdicts[kept->rounds++] = print_verdicts(story->sweep);
}

void story_store_attach(struct story *story)
{
    struct story_store *kept = alloc_zeroed(1, sizeof *kept);
    struct err err;
    kept->arena = arena_new();
    snprintf(kept->folder, sizeof kept->folder, "%s/muster-story-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(kept->folder) == NULL)
        abort();
    snprintf(kept->path, sizeof kept->path, "%s/muster.db", kept->folder);
    if (store_open(kept->path, STORE_WRITE, &kept->store, &err) != 0)
        give_up(&err);
    story->context = kept;
    story->recall = recall;
    story->remember = remember;
}

/* Returns whether round `number` is judged as it was. */
static bool replay(const struct story *story, struct story_store *kept, size_t number)
{
    struct store_world *stored;
    struct err err;
    const struct store_memory_query query = {.horizon = horizon};
    if (store_world_load(kept->store, number, STORE_TABLES_OF_ROUND, &query, &stored, &err) != 0)
        give_up(&err);
    struct mlag_pair *pairs = arena_alloc(kept->arena, (story->mlag_count + 1) * sizeof *pairs);
    for (size_t i = 0; i < story->mlag_count; i++)
        pairs[i] = (struct mlag_pair){story->mlags[i].a, story->mlags[i].port_a, story->mlags[i].b,
                                      story->mlags[i].port_b};
    struct world_input input = {.records = (const struct record_set *const *)stored->records,
                                .record_count = stored->record_count,
                                .tables = (const struct forward_table *const *)stored->tables,
                                .table_count = stored->table_count,
                                .failed = stored->failed,
                                .failed_count = stored->failed_count,
                                .mlags = pairs,
                                .mlag_count = story->mlag_count,
                                .memory = &stored->memory,
                                .options = &kept->options[number - 1]};
    struct world *world = world_new(&input);
    struct sweep *sweep = sweep_run(world, stored->round.judged);
    char *again = print_verdicts(sweep);
    bool same = strcmp(again, kept->verdicts[number - 1]) == 0;
    if (!same)
        printf("round %zu, judged:\n%sround %zu, judged again:\n%s", number,
               kept->verdicts[number - 1], number, again);
    free(again);
    sweep_free(sweep);
    world_free(world);
    store_world_free(stored);
    return same;
}

int story_store_detach(struct story *story)
{
    struct story_store *kept = story->context;
    int differences = 0;
    for (size_t i = 1; i <= kept->rounds; i++)
        differences += !replay(story, kept, i);
    for (size_t i = 0; i < kept->rounds; i++)
        free(kept->verdicts[i]);
    store_close(kept->store);
    static const char *const ends[] = {"", ".lock", "-wal", "-shm"};
    for (size_t i = 0; i < ARRAY_COUNT(ends); i++) {
        char path[128];
        snprintf(path, sizeof path, "%s%s", kept->path, ends[i]);
        unlink(path);
    }
    rmdir(kept->folder);
    arena_free(kept->arena);
    free(kept);
    story->context = NULL;
    return differences;
}
