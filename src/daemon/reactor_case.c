/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "daemon/reactor_internal.h"
#include "workflow/case.h"

/* One change of a verdict, in words: what the errand works on. */
struct case_item {
    const char *identity;
    struct discrepancy *verdict; /* NULL: it is gone */
    bool observed, past;
    struct wall at;
};

struct case_batch {
    struct reactor *reactor;
    struct arena *arena;
    struct case_item *items;
    size_t count, capacity;
    struct case_change *changes; /* what came of them */
    size_t change_count, change_capacity;
    uint64_t next_number;
};

static void batch_free(struct case_batch *batch)
{
    if (batch == NULL)
        return;
    arena_free(batch->arena);
    free(batch->items);
    free(batch->changes);
    free(batch);
}

void reactor_forget_cases(struct reactor *reactor)
{
    batch_free(reactor->filling);
    reactor->filling = NULL;
}

/* --- the errand --- */

static void add_change(struct case_batch *batch, const struct case_change *change)
{
    batch->changes = alloc_grow(batch->changes, batch->change_count, &batch->change_capacity,
                                sizeof *batch->changes);
    batch->changes[batch->change_count++] = *change;
    if (change->record.number == batch->next_number)
        batch->next_number++;
}

/* The case as it is now: as this batch has left it, else as the store has it. Returns 0,
 * also with *ret_known false: it never had one. */
static int find_previous(struct case_batch *batch, struct store *store, const char *identity,
                         struct case_record *ret, bool *ret_known, struct err *err)
{
    *ret_known = true;
    for (size_t i = batch->change_count; i-- > 0;) {
        if (strcmp(batch->changes[i].record.discrepancy->identity, identity) == 0) {
            *ret = batch->changes[i].record;
            return 0;
        }
    }
    int status = store_find_case_of(store, identity, batch->arena, ret, err);
    *ret_known = status == 0;
    return status == ERR_NOT_FOUND ? 0 : status;
}

static int apply(struct case_batch *batch, struct store *store, const struct case_item *item,
                 struct err *err)
{
    struct case_record previous;
    bool known;
    int status = find_previous(batch, store, item->identity, &previous, &known, err);
    if (status != 0)
        return status;
    if (item->verdict == NULL) {
        if (!known || !case_state_open(previous.state))
            return 0;
        struct case_change gone = case_advance(&previous, NULL, item->observed, 0, 0, item->at);
        add_change(batch, &gone);
        return 0;
    }
    struct case_change seen = case_advance(known ? &previous : NULL, item->verdict, true,
                                           batch->next_number, 0, item->at);
    add_change(batch, &seen);
    if (item->past) {
        struct case_change over = case_advance(&seen.record, NULL, true, 0, 0, item->at);
        add_change(batch, &over);
    }
    return 0;
}

static int write_cases(void *aux, struct store *store, struct err *err)
{
    struct case_batch *batch = aux;
    int status = store_next_case(store, &batch->next_number, err);
    for (size_t i = 0; status == 0 && i < batch->count; i++)
        status = apply(batch, store, &batch->items[i], err);
    return status == 0 ? store_case_changes(store, batch->changes, batch->change_count, err)
                       : status;
}

static void send(struct reactor *reactor);

static void written(void *aux, int status, const struct err *err)
{
    struct case_batch *batch = aux;
    struct reactor *reactor = batch->reactor;
    reactor->writing = false;
    if (status == 0) {
        reactor->counted.case_changes += batch->change_count;
        reactor->parts.cases(reactor->parts.context, batch->changes, batch->change_count);
    } else {
        reactor->counted.cases_not_kept += batch->count;
        log_say(reactor->parts.log, LOG_LEVEL_ERROR, "store",
                "%s; what events found is not kept, the next round finds it again", err->text);
    }
    batch_free(batch);
    send(reactor);
}

static void send(struct reactor *reactor)
{
    struct case_batch *batch = reactor->filling;
    if (reactor->writing || batch == NULL)
        return;
    reactor->filling = NULL;
    reactor->writing = true;
    reactor->counted.cases_waiting = 0;
    keeper_do(reactor->parts.keeper, write_cases, written, batch);
}

/* --- filling --- */

static struct case_batch *batch_of(struct reactor *reactor)
{
    if (reactor->filling == NULL) {
        reactor->filling = alloc_zeroed(1, sizeof *reactor->filling);
        reactor->filling->reactor = reactor;
        reactor->filling->arena = arena_new();
    }
    return reactor->filling;
}

void reactor_keep_cases(struct reactor *reactor)
{
    struct case_batch *batch = batch_of(reactor);
    struct wall now = reactor_now(reactor);
    struct arena *scratch = arena_new();
    for (size_t i = 0; i < reactor->out.change_count; i++) {
        const struct live_change *change = &reactor->out.changes[i];
        struct case_item item = {
            .identity = arena_text(batch->arena, change->identity, strlen(change->identity)),
            .observed = change->observed,
            .past = change->kind == LIVE_PAST,
            .at = now};
        if (change->kind != LIVE_GONE) {
            /* The words borrow from the world, which may be gone before the store's thread has
             * written them. */
            item.verdict = arena_alloc(batch->arena, sizeof *item.verdict);
            live_out_render(&reactor->out, i, scratch, item.verdict);
            discrepancy_copy(item.verdict, batch->arena, item.verdict);
        }
        batch->items =
            alloc_grow(batch->items, batch->count, &batch->capacity, sizeof *batch->items);
        batch->items[batch->count++] = item;
    }
    arena_free(scratch);
    reactor->counted.cases_waiting = batch->count;
    send(reactor);
}
