/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "daemon/reactor_internal.h"
#include "store/followed.h"

/* Notes in one transaction: a round that waits for its turn waits for no more. And those that
 * may wait; what is beyond is counted: a session that expired is then found by the next start, and
 * why an address was probed is not told. */
enum { NOTES_AT_ONCE = 1024, NOTES_MOST = 4 * 1000000 };

/* What followed, on its way into the store; texts in the arena. */
struct note_batch {
    struct reactor *reactor;
    struct arena *arena;
    struct followed *items;
    size_t count, capacity, written;
};

static void batch_free(struct note_batch *batch)
{
    if (batch == NULL)
        return;
    arena_free(batch->arena);
    free(batch->items);
    free(batch);
}

void reactor_forget_notes(struct reactor *reactor)
{
    batch_free(reactor->noting);
    reactor->noting = NULL;
}

/* --- the errand --- */

static size_t turn_of(const struct note_batch *batch)
{
    size_t left = batch->count - batch->written;
    return left < NOTES_AT_ONCE ? left : NOTES_AT_ONCE;
}

static int write_notes(void *aux, struct store *store, struct err *err)
{
    struct note_batch *batch = aux;
    return store_add_followed(store, batch->items + batch->written, turn_of(batch),
                              batch->reactor->secret, err);
}

static void send(struct reactor *reactor);

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
    if (batch->written < batch->count) {
        keeper_do(reactor->parts.keeper, write_notes, written, batch);
        return;
    }
    reactor->noted = false;
    batch_free(batch);
    send(reactor);
}

static void send(struct reactor *reactor)
{
    struct note_batch *batch = reactor->noting;
    if (reactor->noted || batch == NULL)
        return;
    reactor->noting = NULL;
    reactor->noted = true;
    keeper_do(reactor->parts.keeper, write_notes, written, batch);
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

void reactor_keep_notes(struct reactor *reactor)
{
    static const enum followed_kind kinds[] = {[LIVE_NOTE_WINDOW] = FOLLOWED_WINDOW,
                                               [LIVE_NOTE_FLUSH] = FOLLOWED_FLUSH,
                                               [LIVE_NOTE_EXPIRED] = FOLLOWED_EXPIRY};
    for (size_t i = 0; i < reactor->out.note_count; i++) {
        const struct live_note *note = &reactor->out.notes[i];
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
    if (count == 0 && !table->whole)
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
