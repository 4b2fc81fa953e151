/* SPDX-License-Identifier: Apache-2.0 */
#include "story_store.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/live.h"
#include "base/alloc.h"
#include "base/map.h"
#include "store/event_log.h"
#include "store/followed.h"
#include "store/heard.h"
#include "store/query.h"
#include "store/told.h"
#include "store/verdict_text.h"
#include "story_live.h"
#include "workflow/case.h"

enum { ROUNDS_MAX = 256, SECRET = 1 /* story_live.c's */ };

struct story_store {
    struct store *store;
    struct arena *arena;
    char folder[64], path[96];
    char *verdicts[ROUNDS_MAX]; /* as judged, one line each */
    struct audit_options options[ROUNDS_MAX];
    size_t rounds;
    struct journal *journal;
    uint64_t heard;         /* events */
    struct told_fact *told; /* of the round at hand */
    size_t told_count;
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

/* --- events --- */

static void ignore_settled(void *aux, uint64_t group, bool stored, const struct err *err)
{
    if (!stored)
        give_up(err);
}

static void hear(struct story *story, const struct event *event)
{
    struct story_store *kept = story->context;
    struct event_fold fold;
    struct err err;
    if (journal_add(kept->journal, event, NULL) != 0)
        abort();
    kept->heard++;
    journal_flush(kept->journal);
    journal_wait(kept->journal);
    journal_settle(kept->journal, ignore_settled, NULL);
    if (store_events_fold(kept->store, kept->journal, 16, event->heard, STORE_RETENTION, &fold,
                          &err) != 0)
        give_up(&err);
}

/* As the daemon's reactor does it. */
static void store_note(struct story_store *kept, const struct live_note *note)
{
    static const enum followed_kind kinds[] = {[LIVE_NOTE_WINDOW] = FOLLOWED_WINDOW,
                                               [LIVE_NOTE_FLUSH] = FOLLOWED_FLUSH,
                                               [LIVE_NOTE_EXPIRED] = FOLLOWED_EXPIRY};
    const struct followed item = {.kind = kinds[note->kind],
                                  .mac = note->id.mac,
                                  .address = note->id.address,
                                  .switch_name = note->switch_name,
                                  .at = note->at,
                                  .until = note->until,
                                  .hint = note->hint,
                                  .text = note->source,
                                  .type = note->type,
                                  .nas = note->nas,
                                  .session = note->session};
    struct err err;
    if (store_add_followed(kept->store, &item, 1, SECRET, &err) != 0)
        give_up(&err);
}

static void store_change(struct story *story, size_t number, double now)
{
    struct story_store *kept = story->context;
    const struct live_out *out = story_live_out(story);
    const struct live_change *change = &out->changes[number];
    struct case_record previous;
    struct discrepancy d;
    struct err err;
    uint64_t next;
    int status = store_next_case(kept->store, &next, &err);
    if (status == 0)
        status = store_find_case_of(kept->store, change->identity, kept->arena, &previous, &err);
    bool known = status == 0;
    if (status != 0 && status != ERR_NOT_FOUND)
        give_up(&err);
    if (change->kind == LIVE_GONE && (!known || !case_state_open(previous.state)))
        return;
    if (change->kind != LIVE_GONE)
        live_out_render(out, number, kept->arena, &d);
    struct case_change changes[2];
    size_t count = 1;
    changes[0] =
        case_advance(known ? &previous : NULL, change->kind != LIVE_GONE ? &d : NULL,
                     change->kind != LIVE_GONE || change->observed, next, 0, story_time(now));
    if (change->kind == LIVE_PAST)
        changes[count++] = case_advance(&changes[0].record, NULL, true, 0, 0, story_time(now));
    if (store_case_changes(kept->store, changes, count, &err) != 0)
        give_up(&err);
}

static void follow(struct story *story, size_t first_change, size_t first_note, double now)
{
    const struct live_out *out = story_live_out(story);
    for (size_t i = first_note; i < out->note_count; i++)
        store_note(story->context, &out->notes[i]);
    for (size_t i = first_change; i < out->change_count; i++)
        store_change(story, i, now);
}

static void add_told(struct story_store *kept, const struct told_fact *fact)
{
    size_t capacity = kept->told_count;
    kept->told = alloc_grow(kept->told, kept->told_count, &capacity, sizeof *kept->told);
    kept->told[kept->told_count++] = *fact;
}

static void add_silent(struct story_store *kept, struct map *known, const struct discrepancy *d)
{
    for (size_t k = 0; k <= d->mac_count; k++) {
        struct mac mac = k < d->mac_count ? d->macs[k] : d->subject.mac;
        if (!mac_known(mac) || map_find(known, mac.bits) != MAP_NO_VALUE)
            continue;
        map_put(known, mac.bits, 1);
        add_told(kept, &(struct told_fact){.fact = {.mac = mac}, .keep = HEARD_KEEP_NOTHING});
    }
}

static void keep(struct story *story, const struct live_base *base)
{
    struct story_store *kept = story->context;
    const struct world_input *input = &story->input;
    AUTO_FREE uint8_t *how = alloc_zeroed(input->heard_count + 1, sizeof *how);
    struct map known = MAP_EMPTY;
    kept->told_count = 0;
    live_base_keep(base, how);
    for (size_t i = 0; i < input->heard_count; i++) {
        map_put(&known, input->heard[i].mac.bits, 1);
        if (how[i] != HEARD_KEEP_NOT)
            add_told(kept, &(struct told_fact){input->heard[i], how[i]});
    }
    for (size_t i = 0; known.count > 0 && i < sweep_count(story->sweep); i++) {
        struct discrepancy d;
        sweep_render(story->sweep, i, kept->arena, &d);
        add_silent(kept, &known, &d);
        for (size_t m = 0; sweep_render_member(story->sweep, i, m, kept->arena, &d); m++)
            add_silent(kept, &known, &d);
    }
    map_done(&known);
}

static void open_journal(struct story_store *kept)
{
    struct err err;
    char folder[128];
    struct event_position position;
    if (store_events_position(kept->store, &position, &err) != 0)
        give_up(&err);
    const struct journal_options options = {.identity = position.identity,
                                            .folded = position.folded,
                                            .segment_bytes = JOURNAL_SEGMENT_BYTES_MIN,
                                            .lanes = 1,
                                            .unsafe = true};
    snprintf(folder, sizeof folder, "%s.journal", kept->path);
    if (journal_open(folder, &options, &kept->journal, NULL, &err) != 0)
        give_up(&err);
}

static void remove_journal(const struct story_store *kept)
{
    char folder[128], path[512];
    snprintf(folder, sizeof folder, "%s.journal", kept->path);
    DIR *files = opendir(folder);
    if (files == NULL)
        return;
    for (const struct dirent *file = readdir(files); file != NULL; file = readdir(files)) {
        snprintf(path, sizeof path, "%s/%s", folder, file->d_name);
        unlink(path);
    }
    closedir(files);
    rmdir(folder);
}

/* --- rounds --- */

static void remember(struct story *story, double now)
{
    struct story_store *kept = story->context;
    struct err err = {0};
    uint64_t round;
    const struct told_mark mark = {story_time(now), kept->heard + 1};
    int failed = store_round_begin(kept->store, story_time(now), &round, &err);
    if (failed == 0)
        failed = store_round_records(kept->store, story->record, NULL, &err);
    for (size_t i = 0; failed == 0 && i < story->table_count; i++)
        failed = store_round_table(kept->store, story->tables[i], &err);
    for (size_t i = 0; failed == 0 && i < story->failed_count; i++)
        failed = store_round_failed(kept->store, &story->failed[i], NULL, &err);
    if (failed == 0 && story->live != NULL)
        failed = store_round_told(kept->store, &mark, kept->told, kept->told_count, &err);
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
    story->hear = hear;
    story->follow = follow;
    story->keep = keep;
    open_journal(kept);
}

/* Returns whether round `number` is judged as it was. */
static bool replay(const struct story *story, struct story_store *kept, size_t number)
{
    struct store_world *stored;
    struct store_heard heard = {0};
    struct live_options live;
    struct err err;
    const struct store_memory_query query = {.horizon = horizon};
    live_options_init(&live);
    if (store_world_load(kept->store, number, STORE_TABLES_OF_ROUND, &query, &stored, &err) != 0)
        give_up(&err);
    const struct audit_options *options = &kept->options[number - 1];
    const struct store_heard_query about = {.now = stored->round.judged,
                                            .round = stored->round.number,
                                            .told = stored->round.told,
                                            .next = stored->round.told_next,
                                            .concluded = true,
                                            .settle = options->settle,
                                            .departed_for = live.departed_for};
    if (stored->round.heard &&
        store_load_heard(kept->store, &about, kept->arena, &heard, &err) != 0)
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
                                .options = options,
                                .heard = heard.facts,
                                .heard_count = heard.count,
                                .windows = heard.windows,
                                .window_count = heard.window_count,
                                .flushes = heard.flushes,
                                .flush_count = heard.flush_count,
                                .now = stored->round.judged};
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
    store_heard_done(&heard);
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
    journal_close(kept->journal);
    remove_journal(kept);
    store_close(kept->store);
    free(kept->told);
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
