/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "daemon/reactor_internal.h"
#include "io/loop.h"
#include "store/followed.h"

/* Notes in one transaction, so that a round that waits for its turn waits for no more; and the rest
 * between two of them, since a million sessions may expire at once while peers wait for the same
 * disk. */
enum { NOTES_AT_ONCE = 1024, EXPIRIES_MOST = 4 * 1000000, NOTES_MOST = 256 * 1024 };
#define NOTES_PAUSE span_ms(10)

/* A session of a MAC that expired: the only note that may come by the million. */
struct expiry {
    struct mac mac;
    struct wall at;
    uint64_t session;
    const char *type, *nas; /* the judge's own */
};

/* What followed, on its way into the store; texts in the arena. What is beyond the limits is
 * counted: a session that expired is then found by the next start, and why an address was probed is
 * not told. */
struct note_batch {
    struct reactor *reactor;
    struct arena *arena;
    struct followed *items;
    struct expiry *expiries;
    size_t count, capacity, expiry_count, expiry_capacity;
    size_t written; /* of the items, then of the expiries */
};

static void batch_free(struct note_batch *batch)
{
    if (batch == NULL)
        return;
    arena_free(batch->arena);
    free(batch->items);
    free(batch->expiries);
    free(batch);
}

void reactor_forget_notes(struct reactor *reactor)
{
    batch_free(reactor->noting);
    batch_free(reactor->pausing);
    loop_timer_free(reactor->note_pause);
    reactor->noting = reactor->pausing = NULL;
    reactor->note_pause = NULL;
}

/* --- the errand --- */

static size_t turn_of(const struct note_batch *batch)
{
    size_t left = batch->count + batch->expiry_count - batch->written;
    return left < NOTES_AT_ONCE ? left : NOTES_AT_ONCE;
}

static struct followed note_at(const struct note_batch *batch, size_t number)
{
    if (number < batch->count)
        return batch->items[number];
    const struct expiry *expiry = &batch->expiries[number - batch->count];
    return (struct followed){.kind = FOLLOWED_EXPIRY,
                             .mac = expiry->mac,
                             .at = expiry->at,
                             .until = WALL_UNKNOWN,
                             .type = expiry->type,
                             .nas = expiry->nas,
                             .session = expiry->session};
}

static int write_notes(void *aux, struct store *store, struct err *err)
{
    struct note_batch *batch = aux;
    size_t count = turn_of(batch);
    AUTO_FREE struct followed *items = alloc_array(count + 1, sizeof *items);
    for (size_t i = 0; i < count; i++)
        items[i] = note_at(batch, batch->written + i);
    return store_add_followed(store, items, count, batch->reactor->secret, err);
}

static void send(struct reactor *reactor);
static void written(void *aux, int status, const struct err *err);

static void go_on(void *aux)
{
    struct reactor *reactor = aux;
    struct note_batch *batch = reactor->pausing;
    reactor->pausing = NULL;
    if (batch != NULL)
        keeper_do(reactor->parts.keeper, write_notes, written, batch);
}

static void written(void *aux, int status, const struct err *err)
{
    struct note_batch *batch = aux;
    struct reactor *reactor = batch->reactor;
    size_t count = turn_of(batch);
    batch->written += count;
    if (status == 0) {
        reactor->counted.notes += count;
    } else {
        reactor->counted.notes_not_kept += count;
        log_say(reactor->parts.log, LOG_LEVEL_ERROR, "store",
                "%s; what followed from events is not kept, and unknown after a restart",
                err->text);
    }
    if (turn_of(batch) == 0) {
        reactor->noted = false;
        batch_free(batch);
        send(reactor);
        return;
    }
    reactor->pausing = batch;
    if (reactor->ending)
        go_on(reactor);
    else
        loop_timer_start(reactor->note_pause, NOTES_PAUSE);
}

static void send(struct reactor *reactor)
{
    struct note_batch *batch = reactor->noting;
    if (reactor->noted || batch == NULL || turn_of(batch) == 0)
        return;
    if (reactor->note_pause == NULL)
        reactor->note_pause = loop_timer_new(reactor->parts.loop, go_on, reactor);
    reactor->noting = NULL;
    reactor->noted = true;
    keeper_do(reactor->parts.keeper, write_notes, written, batch);
}

void reactor_finish_notes(struct reactor *reactor)
{
    if (reactor->pausing == NULL)
        return;
    loop_timer_stop(reactor->note_pause);
    go_on(reactor);
}

/* --- filling --- */

static struct note_batch *batch_of(struct reactor *reactor)
{
    if (reactor->noting == NULL) {
        reactor->noting = alloc_zeroed(1, sizeof *reactor->noting);
        reactor->noting->reactor = reactor;
        reactor->noting->arena = arena_new();
    }
    return reactor->noting;
}

static void add(struct reactor *reactor, const struct followed *item)
{
    struct note_batch *batch = batch_of(reactor);
    if (batch->count >= NOTES_MOST) {
        reactor->counted.notes_not_kept++;
        return;
    }
    batch->items = alloc_grow(batch->items, batch->count, &batch->capacity, sizeof *batch->items);
    batch->items[batch->count++] = *item;
}

static void add_expiry(struct reactor *reactor, const struct live_note *note)
{
    struct note_batch *batch = batch_of(reactor);
    if (batch->expiry_count >= EXPIRIES_MOST) {
        reactor->counted.notes_not_kept++;
        return;
    }
    batch->expiries = alloc_grow(batch->expiries, batch->expiry_count, &batch->expiry_capacity,
                                 sizeof *batch->expiries);
    batch->expiries[batch->expiry_count++] =
        (struct expiry){note->id.mac, note->at, note->session, note->type, note->nas};
}

void reactor_keep_notes(struct reactor *reactor)
{
    static const enum followed_kind kinds[] = {[LIVE_NOTE_WINDOW] = FOLLOWED_WINDOW,
                                               [LIVE_NOTE_FLUSH] = FOLLOWED_FLUSH,
                                               [LIVE_NOTE_EXPIRED] = FOLLOWED_EXPIRY};
    if (reactor->parts.next_event == 0)
        return; /* without durability: what it would be about is not kept either */
    for (size_t i = 0; i < reactor->out.note_count; i++) {
        const struct live_note *note = &reactor->out.notes[i];
        if (note->kind == LIVE_NOTE_EXPIRED && mac_known(note->id.mac)) {
            add_expiry(reactor, note);
            continue;
        }
        add(reactor, &(struct followed){.kind = kinds[note->kind],
                                        .mac = note->id.mac,
                                        .address = note->id.address,
                                        .switch_name = note->switch_name,
                                        .at = note->at,
                                        .until = note->until,
                                        .hint = note->hint,
                                        .text = note->source,
                                        .type = note->type,
                                        .nas = note->nas,
                                        .session = note->session});
    }
    send(reactor);
}

void reactor_keep_probe(struct reactor *reactor, struct mac mac, const struct forward_table *table,
                        const struct live_probe_row *rows, size_t count)
{
    enum { ROWS_SAID = 8 };
    AUTO_TEXT struct text text = TEXT_EMPTY;
    if (reactor->parts.next_event == 0 || (count == 0 && !table->whole))
        return; /* it says nothing */
    struct arena *arena = batch_of(reactor)->arena;
    for (size_t i = 0; i < count && i < ROWS_SAID; i++) {
        text_printf(&text, "%sport %s", i > 0 ? ", " : "", rows[i].port);
        if (rows[i].vlan != 0)
            text_printf(&text, " vlan %u", rows[i].vlan);
    }
    if (count > ROWS_SAID)
        text_printf(&text, " and %zu more", count - ROWS_SAID);
    add(reactor, &(struct followed){.kind = FOLLOWED_PROBE,
                                    .mac = mac,
                                    .switch_name = arena_text(arena, table->switch_name,
                                                              strlen(table->switch_name)),
                                    .at = table->started,
                                    .until = table->ended,
                                    .text = arena_text(arena, text_get(&text), text.length)});
    send(reactor);
}
