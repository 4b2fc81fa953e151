/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/judging.h"

#include <stdlib.h>
#include <string.h>

#include "audit/live.h"
#include "audit/sweep.h"
#include "base/alloc.h"
#include "base/map.h"
#include "workflow/case.h"

/* What a collective discrepancy lists is found, and proved in later rounds, as if it
 * stood alone. */
static void add_members(struct judging *judging, size_t limit, struct arena *arena)
{
    struct discrepancy *members = NULL, member;
    size_t count = 0, capacity = 0;
    for (size_t i = 0; i < judging->count; i++) {
        for (size_t m = 0;
             count < limit && sweep_render_member(judging->sweep, i, m, arena, &member); m++) {
            members = alloc_grow(members, count, &capacity, sizeof *members);
            members[count++] = member;
        }
    }
    judging->members = arena_alloc(arena, (count + 1) * sizeof *members);
    judging->member_count = count;
    if (count > 0)
        memcpy(judging->members, members, count * sizeof *members);
    free(members);
}

struct span judging_horizon(const struct audit_options *options, struct span ageing)
{
    struct span horizon = span_us(2 * ageing.us);
    if (options->flap_window.us > horizon.us)
        horizon = options->flap_window;
    if (options->interleave_window.us > horizon.us)
        horizon = options->interleave_window;
    return horizon;
}

void judging_run(const struct world *world, struct wall now, struct arena *arena,
                 struct judging *ret)
{
    struct sweep *sweep = sweep_run(world, now);
    size_t count = sweep_count(sweep), hidden = sweep_unobserved_count(sweep);
    *ret = (struct judging){.now = now,
                            .sweep = sweep,
                            .count = count,
                            .not_observable =
                                arena_alloc(arena, hidden * sizeof(struct not_observable)),
                            .not_observable_count = hidden,
                            .exit = sweep_exit(sweep),
                            .collected = {.at = WALL_UNKNOWN}};
    for (size_t i = 0; i < hidden; i++)
        sweep_unobserved(sweep, i, arena, &ret->not_observable[i]);
}

void judging_done(struct judging *judging)
{
    sweep_free(judging->sweep);
    judging->sweep = NULL;
}

void judging_words(struct judging *judging, size_t member_limit, struct arena *arena)
{
    judging->discrepancies = arena_alloc(arena, judging->count * sizeof(struct discrepancy));
    for (size_t i = 0; i < judging->count; i++)
        sweep_render(judging->sweep, i, arena, &judging->discrepancies[i]);
    add_members(judging, member_limit, arena);
}

const struct discrepancy *judging_word(const struct judging *judging, size_t number,
                                       struct discrepancy *space, struct arena *scratch)
{
    if (judging->discrepancies != NULL)
        return &judging->discrepancies[number];
    sweep_render(judging->sweep, number, scratch, space);
    return space;
}

/* What is told of a round, while it is collected. */
struct telling {
    struct judging *judging;
    size_t capacity;
    struct map said; /* MAC of which something is said -> 1: it was heard of */
};

static void add_told(struct telling *telling, const struct told_fact *fact)
{
    struct judging *judging = telling->judging;
    judging->told =
        alloc_grow(judging->told, judging->told_count, &telling->capacity, sizeof *judging->told);
    judging->told[judging->told_count++] = *fact;
}

static void note_said(struct telling *telling, const struct discrepancy *discrepancy)
{
    for (size_t i = 0; i < discrepancy->mac_count; i++)
        map_put(&telling->said, discrepancy->macs[i].bits, 0);
    if (mac_known(discrepancy->subject.mac))
        map_put(&telling->said, discrepancy->subject.mac.bits, 0);
}

/* Of an address of which something is said and nothing was heard, that is kept, too. */
static void tell_silent(struct telling *telling, const struct discrepancy *discrepancy)
{
    for (size_t i = 0; i <= discrepancy->mac_count; i++) {
        struct mac mac =
            i < discrepancy->mac_count ? discrepancy->macs[i] : discrepancy->subject.mac;
        if (!mac_known(mac) || map_find(&telling->said, mac.bits) != 0)
            continue;
        map_put(&telling->said, mac.bits, 1);
        add_told(telling, &(struct told_fact){.fact = {.mac = mac}, .keep = HEARD_KEEP_NOTHING});
    }
}

static void each_said(struct telling *telling,
                      void (*each)(struct telling *, const struct discrepancy *))
{
    const struct judging *judging = telling->judging;
    for (size_t i = 0; i < judging->count; i++)
        each(telling, &judging->discrepancies[i]);
    for (size_t i = 0; i < judging->member_count; i++)
        each(telling, &judging->members[i]);
}

void judging_keep(struct judging *judging, const struct live_base *base,
                  const struct heard_fact *heard, size_t count, const struct told_mark *mark,
                  struct arena *arena)
{
    struct telling telling = {.judging = judging};
    uint8_t *keep = alloc_zeroed(count + 1, sizeof *keep);
    live_base_keep(base, keep);
    if (count > 0)
        each_said(&telling, note_said);
    for (size_t i = 0; i < count; i++) {
        if (telling.said.count > 0 && map_find(&telling.said, heard[i].mac.bits) == 0)
            map_put(&telling.said, heard[i].mac.bits, 1);
        if (keep[i] != HEARD_KEEP_NOT)
            add_told(&telling, &(struct told_fact){heard[i], keep[i]});
    }
    if (telling.said.count > 0)
        each_said(&telling, tell_silent);
    struct told_fact *kept = arena_alloc(arena, (judging->told_count + 1) * sizeof *kept);
    if (judging->told_count > 0)
        memcpy(kept, judging->told, judging->told_count * sizeof *kept);
    free(judging->told);
    judging->told = kept;
    judging->collected = *mark;
    map_done(&telling.said);
    free(keep);
}

static int store_facts(struct store *store, const struct round *round, struct err *err)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < round->record_count; i++) {
        if (round->record_is_old[i])
            status = store_round_kept(store, round->records[i]->source, err);
        else
            status = store_round_records(store, round->records[i], &round->record_receipts[i], err);
    }
    for (size_t i = 0; status == 0 && i < round->table_count; i++)
        status = store_round_table(store, round->tables[i], err);
    for (size_t i = 0; status == 0 && i < round->failed_count; i++)
        status = store_round_failed(store, &round->failed[i], &round->failed_receipts[i], err);
    return status;
}

/* Identities of guests, for the store. */
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

static int store_offs(struct store *store, const struct world *world, struct arena *arena,
                      struct err *err)
{
    struct identities offs = {.arena = arena}, unknown = {.arena = arena};
    sweep_off_guests(world, add_identity, &offs);
    sweep_unsure_guests(world, add_identity, &unknown);
    int status = store_round_offs(store, offs.items, offs.count, unknown.items, unknown.count, err);
    free(offs.items);
    free(unknown.items);
    return status;
}

/* Whether the addresses of known cases were seen this round: 1 seen, 0 not. */
static bool was_seen(void *context, struct mac mac)
{
    return map_find(context, mac.bits) == 1;
}

static void find_case_macs(const struct round *round, const struct case_record *cases, size_t count,
                           struct map *ret)
{
    for (size_t i = 0; i < count; i++) {
        const struct discrepancy *d = cases[i].discrepancy;
        if (mac_known(d->subject.mac))
            map_put(ret, d->subject.mac.bits, 0);
        for (size_t k = 0; k < d->mac_count; k++)
            map_put(ret, d->macs[k].bits, 0);
    }
    for (size_t t = 0; ret->count > 0 && t < round->table_count; t++) {
        const struct forward_table *table = round->tables[t];
        for (size_t r = 0; r < table->row_count; r++) {
            uint64_t bits = forward_row_mac(&table->rows[r]).bits;
            if (map_find(ret, bits) != MAP_NO_VALUE)
                map_put(ret, bits, 1);
        }
    }
}

/* The site of a switch that gave nothing: its source's, the record's, the default. */
static const char *failed_site(const struct round *round, const struct failed_source *failed)
{
    if (failed->site != NULL)
        return failed->site;
    for (size_t r = 0; r < round->record_count; r++) {
        const struct record_set *set = round->records[r];
        for (size_t i = 0; i < set->switch_count; i++) {
            if (set->switches[i].site != NAME_NONE &&
                strcmp(names_get(set->names, set->switches[i].name), failed->switch_name) == 0)
                return names_get(set->names, set->switches[i].site);
        }
    }
    return "default";
}

/* Whether a snapshot of `source`, this round's or a last good one, was judged by. */
static bool has_records_of(const struct round *round, const char *source)
{
    for (size_t i = 0; i < round->record_count; i++) {
        if (strcmp(round->records[i]->source, source) == 0)
            return true;
    }
    return false;
}

/* What the round could see, for cases that it does not find any more. */
static void fill_coverage(const struct judging *judging, const struct round *round,
                          struct map *seen, struct arena *arena, struct case_coverage *ret)
{
    size_t most = round->table_count + round->failed_count + 1;
    struct named_switch *whole = arena_alloc(arena, most * sizeof *whole);
    struct named_switch *missing = arena_alloc(arena, most * sizeof *missing);
    const char **records = arena_alloc(arena, most * sizeof *records);
    *ret = (struct case_coverage){.not_observable = judging->not_observable,
                                  .not_observable_count = judging->not_observable_count,
                                  .whole = whole,
                                  .missing = missing,
                                  .records_failed = records,
                                  .seen = was_seen,
                                  .context = seen};
    for (size_t i = 0; i < round->table_count; i++) {
        const struct forward_table *table = round->tables[i];
        struct named_switch name = {table->site, table->switch_name};
        if (table->whole)
            whole[ret->whole_count++] = name;
        else
            missing[ret->missing_count++] = name;
    }
    for (size_t i = 0; i < round->failed_count; i++) {
        const struct failed_source *failed = &round->failed[i];
        if (failed->hears)
            continue; /* that nothing was heard hides nothing that is recorded or read */
        if (failed->switch_name != NULL) {
            missing[ret->missing_count++] =
                (struct named_switch){failed_site(round, failed), failed->switch_name};
            continue;
        }
        records[ret->records_failed_count++] = failed->source;
        ret->records_unread = ret->records_unread || !has_records_of(round, failed->source);
    }
}

static bool is_judged(const struct judging *judging, const char *identity)
{
    for (size_t i = 0; i < judging->count; i++) {
        if (strcmp(judging->discrepancies[i].identity, identity) == 0)
            return true;
    }
    return false;
}

/* Leaves out the cases that events have found since the instant of this round: that it does
 * not find them says nothing. */
static size_t leave_out_later(const struct judging *judging, const struct case_record **cases,
                              size_t count, struct arena *arena)
{
    struct case_record *kept = arena_alloc(arena, (count + 1) * sizeof *kept);
    size_t kept_count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct case_record *record = &(*cases)[i];
        if (record->last.us <= judging->now.us || is_judged(judging, record->discrepancy->identity))
            kept[kept_count++] = *record;
    }
    *cases = kept;
    return kept_count;
}

static bool is_left(const struct live_base *base, const struct discrepancy *verdict)
{
    bool left = live_base_leaves(base, verdict->subject.mac);
    for (size_t i = 0; i < verdict->mac_count && !left; i++)
        left = live_base_leaves(base, verdict->macs[i]);
    return left;
}

static bool is_open(const struct case_record *cases, size_t count, const char *identity)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(cases[i].discrepancy->identity, identity) == 0)
            return case_state_open(cases[i].state);
    }
    return false;
}

/* Leaves to the events what probes have read since the tables of this round: it neither opens
 * cases of those addresses nor ends them. What is open and found goes on. */
static void leave_to_events(const struct judging *judging, const struct live_base *base,
                            struct case_round *input, struct arena *arena)
{
    struct discrepancy *verdicts = arena_alloc(arena, (judging->count + 1) * sizeof *verdicts);
    struct case_record *kept = arena_alloc(arena, (input->previous_count + 1) * sizeof *kept);
    size_t count = 0, kept_count = 0;
    for (size_t i = 0; i < judging->count; i++) {
        const struct discrepancy *verdict = &judging->discrepancies[i];
        if (!is_left(base, verdict) ||
            is_open(input->previous, input->previous_count, verdict->identity))
            verdicts[count++] = *verdict;
    }
    for (size_t i = 0; i < input->previous_count; i++) {
        const struct case_record *record = &input->previous[i];
        if (!is_left(base, record->discrepancy) ||
            is_judged(judging, record->discrepancy->identity))
            kept[kept_count++] = *record;
    }
    input->verdicts = verdicts;
    input->verdict_count = count;
    input->previous = kept;
    input->previous_count = kept_count;
}

static int store_cases(struct judging *judging, const struct round *round,
                       const struct live_base *base, struct store *store, struct arena *arena,
                       struct err *err)
{
    struct case_coverage coverage;
    struct case_round input = {.verdicts = judging->discrepancies,
                               .verdict_count = judging->count,
                               .coverage = &coverage,
                               .round = judging->round,
                               .now = judging->now};
    int status = store_load_cases(store, judging->now, CASE_GRACE, arena, &input.previous,
                                  &input.previous_count, &input.next_number, err);
    if (status != 0)
        return status;
    input.previous_count = leave_out_later(judging, &input.previous, input.previous_count, arena);
    if (base != NULL)
        leave_to_events(judging, base, &input, arena);
    struct map seen = MAP_EMPTY;
    find_case_macs(round, input.previous, input.previous_count, &seen);
    fill_coverage(judging, round, &seen, arena, &coverage);
    struct case_changes changes = case_merge_round(&input, arena);
    map_done(&seen);
    status = store_round_members(store, judging->members, judging->member_count, err);
    if (status == 0)
        status = store_round_cases(store, changes.items, changes.count, err);
    judging->changes = changes.items;
    judging->change_count = changes.count;
    if (input.verdict_count < judging->count)
        return status; /* not every verdict has a case */
    judging->cases = arena_alloc(arena, judging->count * sizeof *judging->cases);
    for (size_t i = 0; i < judging->count; i++)
        judging->cases[i] = changes.items[i].record;
    return status;
}

int judging_remember(struct judging *judging, const struct round *round, const struct world *world,
                     const struct live_base *base, struct store *store, struct span retention,
                     struct arena *arena, struct err *err)
{
    struct wall started = round->offline ? judging->now : round->started;
    int status = store_round_begin(store, started, &judging->round, err);
    if (status == 0 && round->gap_rounds > 0)
        status = store_round_gaps(store, round->gap_rounds, err);
    if (status == 0)
        status = store_facts(store, round, err);
    if (status == 0 && wall_known(judging->collected.at))
        status =
            store_round_told(store, &judging->collected, judging->told, judging->told_count, err);
    if (status == 0)
        status = store_offs(store, world, arena, err);
    if (status == 0)
        status = store_cases(judging, round, base, store, arena, err);
    if (status == 0)
        status = store_round_commit(store, judging->now, round->ended, err);
    if (status != 0) {
        store_round_abort(store);
        return status;
    }
    return store_trim(store, judging->now, retention, err);
}

/* Whether the case learns something by the verdict. */
static bool is_news(const struct case_record *previous, const struct discrepancy *verdict,
                    struct wall now)
{
    if (case_state_open(previous->state))
        return previous->state == CASE_SUSPECTED && verdict->state == VERDICT_CONFIRMED;
    return previous->state_at.us <= now.us; /* else events have seen it end since */
}

int judging_note(struct judging *judging, const struct live_base *base, struct store *store,
                 struct arena *arena, struct err *err)
{
    struct case_change *changes = arena_alloc(arena, (judging->count + 1) * sizeof *changes);
    uint64_t number;
    size_t count = 0;
    int status = store_next_case(store, &number, err);
    for (size_t i = 0; status == 0 && i < judging->count; i++) {
        const struct discrepancy *verdict = &judging->discrepancies[i];
        struct case_record previous;
        if (is_left(base, verdict))
            continue;
        status = store_find_case_of(store, verdict->identity, arena, &previous, err);
        bool known = status == 0;
        if (status == ERR_NOT_FOUND)
            status = 0;
        if (status != 0 || (known && !is_news(&previous, verdict, judging->now)))
            continue;
        struct wall at = judging->now;
        if (known && previous.last.us > at.us)
            at = previous.last; /* events have judged it meanwhile: it does not go back */
        changes[count] = case_advance(known ? &previous : NULL, verdict, true, number, 0, at);
        number += changes[count++].record.number == number;
    }
    if (status == 0 && count > 0)
        status = store_case_changes(store, changes, count, err);
    if (status != 0)
        return status;
    judging->changes = changes;
    judging->change_count = count;
    return 0;
}

static int compare_identity(const void *identity, const void *then)
{
    return strcmp(identity, ((const struct case_then *)then)->identity);
}

int judging_recall(struct judging *judging, struct store *store, const struct store_round *round,
                   struct arena *arena, struct err *err)
{
    const struct case_then *then = NULL;
    size_t count = 0;
    int status = store_load_cases_then(store, round, arena, &then, &count, err);
    if (status != 0)
        return status;
    judging->round = round->number;
    struct case_record *cases = arena_alloc(arena, (judging->count + 1) * sizeof *cases);
    for (size_t i = 0; i < judging->count; i++) {
        const struct discrepancy *d = &judging->discrepancies[i];
        const struct case_then *found =
            bsearch(d->identity, then, count, sizeof *then, compare_identity);
        if (found == NULL)
            return 0; /* the configuration has changed since: other verdicts */
        cases[i] = (struct case_record){.number = found->number,
                                        .state = found->state,
                                        .discrepancy = d,
                                        .first = found->first,
                                        .last = found->last,
                                        .count = found->count,
                                        .ended_at = WALL_UNKNOWN,
                                        .reported_at = WALL_UNKNOWN,
                                        .acknowledged_at = WALL_UNKNOWN};
    }
    judging->cases = cases;
    return 0;
}
