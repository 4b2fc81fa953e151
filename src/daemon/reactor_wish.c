/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "daemon/reactor_internal.h"
#include "daemon/table_moves.h"
#include "io/loop.h"

/* Addresses that are told to the judge in one turn. */
enum { TOLD_A_TURN = 64 };

/* --- probes --- */

/* Tells the judge what one table shows of `mac`; a table in part that does not show it says
 * nothing. */
static void tell_rows(struct reactor *reactor, struct mac mac, const struct forward_table *table,
                      const struct live_probe_row *rows, size_t count)
{
    struct live_probe probe = {.mac = mac,
                               .switch_name = table->switch_name,
                               .started = table->started,
                               .ended = table->ended,
                               .rows = rows,
                               .count = count};
    if (count > 0 || table->whole)
        live_probe_result(reactor->live, &probe, reactor_now(reactor), &reactor->out);
}

static void probed(void *aux, const struct probe_result *result)
{
    struct reactor *reactor = aux;
    if (result->err != NULL)
        log_say(reactor->parts.log, LOG_LEVEL_DEBUG, "probe", "%s", result->err->text);
    for (size_t i = 0; i < result->count; i++) {
        struct live_probe_row *rows = NULL;
        size_t count = table_moves_rows(result->tables[i], result->mac, &rows);
        reactor_keep_probe(reactor, result->mac, result->tables[i], rows, count);
        tell_rows(reactor, result->mac, result->tables[i], rows, count);
        free(rows);
    }
    reactor_carry_out(reactor);
}

static void probe(struct reactor *reactor, struct mac mac, struct poller *poller)
{
    struct err err;
    int status = poller_probe(poller, mac, probed, reactor, &err);
    if (status == 0) {
        reactor->counted.probes++;
    } else if (status == ERR_UNSUPPORTED) {
        reactor->counted.polls++;
        auditor_poll(reactor->parts.auditor, poller);
    } else {
        reactor->counted.probes_refused++;
        log_say(reactor->parts.log, LOG_LEVEL_DEBUG, "probe", "%s", err.text);
    }
}

static void probe_everywhere(struct reactor *reactor, struct mac mac)
{
    size_t count, asked = 0;
    struct poller *const *pollers = auditor_pollers(reactor->parts.auditor, &count);
    for (size_t i = 0; i < count; i++) {
        if (pollers[i]->is_recorded)
            continue;
        if (asked++ < REACTOR_PROBED_MOST)
            probe(reactor, mac, pollers[i]);
        else
            reactor->counted.probes_refused++;
    }
}

static void probe_some(struct reactor *reactor, const struct live_wish *wish)
{
    for (size_t i = 0; i < wish->switch_count; i++) {
        struct poller *poller = auditor_find(reactor->parts.auditor, wish->switches[i]);
        if (poller != NULL)
            probe(reactor, wish->mac, poller);
    }
}

/* --- polls out of turn --- */

static void poll_switches(struct reactor *reactor, const struct live_wish *wish)
{
    for (size_t i = 0; i < wish->switch_count; i++) {
        struct poller *poller = auditor_find(reactor->parts.auditor, wish->switches[i]);
        if (poller == NULL)
            continue;
        reactor->counted.polls++;
        auditor_poll(reactor->parts.auditor, poller);
    }
}

void reactor_grant_wishes(struct reactor *reactor)
{
    for (size_t i = 0; i < reactor->out.wish_count; i++) {
        const struct live_wish *wish = &reactor->out.wishes[i];
        if (wish->kind == LIVE_WISH_RECORDS)
            auditor_refresh(reactor->parts.auditor);
        else if (wish->kind == LIVE_WISH_POLL)
            poll_switches(reactor, wish);
        else if (wish->switch_count == 0)
            probe_everywhere(reactor, wish->mac);
        else
            probe_some(reactor, wish);
    }
}

/* --- what a poll out of turn has changed --- */

struct moves {
    struct moves *next;
    struct reactor *reactor; /* NULL: it has gone while a worker compared */
    struct holding *before, *after;
    struct table_move *items;
    size_t count, told;
};

static void moves_free(struct moves *moves)
{
    holding_drop(moves->before);
    holding_drop(moves->after);
    table_moves_free(moves->items, moves->count);
    free(moves);
}

void reactor_forget_moves(struct reactor *reactor)
{
    for (struct moves *moves = reactor->comparing; moves != NULL; moves = moves->next)
        moves->reactor = NULL;
    while (reactor->moves != NULL) {
        struct moves *moves = reactor->moves;
        reactor->moves = moves->next;
        moves_free(moves);
    }
}

static void tell_some(void *aux)
{
    struct reactor *reactor = aux;
    struct moves *moves = reactor->moves;
    if (moves == NULL)
        return;
    for (size_t i = 0; i < TOLD_A_TURN && moves->told < moves->count; i++) {
        const struct table_move *move = &moves->items[moves->told++];
        tell_rows(reactor, move->mac, move->table, move->rows, move->count);
    }
    if (moves->told == moves->count) {
        reactor->moves = moves->next;
        moves_free(moves);
    }
    if (reactor->moves != NULL)
        loop_timer_start(reactor->tell_moves, span_us(0));
    reactor_carry_out(reactor);
}

static void compare(void *aux)
{
    struct moves *moves = aux;
    moves->items = table_moves_find(
        moves->before != NULL ? (const struct forward_table *const *)moves->before->tables : NULL,
        moves->before != NULL ? moves->before->table_count : 0,
        (const struct forward_table *const *)moves->after->tables, moves->after->table_count,
        REACTOR_MOVES_MOST, &moves->count);
}

static void compared(void *aux)
{
    struct moves *moves = aux;
    struct reactor *reactor = moves->reactor;
    if (reactor == NULL) {
        moves_free(moves);
        return;
    }
    struct moves **at = &reactor->comparing, **last = &reactor->moves;
    while (*at != moves)
        at = &(*at)->next;
    *at = moves->next;
    moves->next = NULL;
    if (moves->count == 0) {
        moves_free(moves);
        return;
    }
    while (*last != NULL)
        last = &(*last)->next;
    *last = moves;
    if (reactor->tell_moves == NULL)
        reactor->tell_moves = loop_timer_new(reactor->parts.loop, tell_some, reactor);
    loop_timer_start(reactor->tell_moves, span_us(0));
}

void reactor_polled(struct reactor *reactor, const struct poller *poller, struct holding *before)
{
    if (!poller->fresh || poller->latest == NULL)
        return;
    struct moves *moves = alloc_zeroed(1, sizeof *moves);
    moves->reactor = reactor;
    moves->before = before != NULL ? holding_keep(before) : NULL;
    moves->after = holding_keep(poller->latest);
    moves->next = reactor->comparing;
    reactor->comparing = moves;
    loop_work_start(reactor->parts.loop, compare, compared, moves);
}
