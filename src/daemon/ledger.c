/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/ledger.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/text.h"
#include "io/clock.h"

enum { SLICE_LEAST = 16, SLICE_MOST = 1024, SLICE_LAST = 4096 };
#define RETRY_AFTER  span_seconds(5)
#define SETTLE_AFTER span_ms(250) /* even when events never end */
#define BEHIND_AFTER span_seconds(1)

struct ledger {
    struct keeper *keeper;
    struct log *log;
    struct journal *journal;
    struct loop_timer *wait; /* for more events, or before another attempt */
    bool waiting;            /* it runs */
    bool folding;            /* an errand is on its way */
    bool failing, ending;
    size_t pending; /* events heard and not taken, about */
    bool durable;   /* else the journal holds at most what an earlier run has left */
    bool empty;     /* and no longer even that */
    struct span retention;
    size_t slice;            /* events worth a transaction; it may have half as many more */
    bool unsettled;          /* some were taken that the disk may not have */
    struct mono taken_since; /* the first of them */
    struct mono busy_since;  /* slice follows slice */
    struct event_fold fold;  /* of the errand, */
    struct span took;        /* and its time */
};

static int take(void *aux, struct store *store, struct err *err)
{
    struct ledger *ledger = aux;
    struct mono begun = clock_mono();
    int status = store_events_take(store, ledger->journal, ledger->slice + ledger->slice / 2,
                                   clock_wall(), ledger->retention, &ledger->fold, err);
    ledger->took = mono_since(clock_mono(), begun);
    return status;
}

static int settle(void *aux, struct store *store, struct err *err)
{
    return store_events_settle(store, ((struct ledger *)aux)->journal, err);
}

static int take_last(void *aux, struct store *store, struct err *err)
{
    int status = take(aux, store, err);
    return status == 0 ? settle(aux, store, err) : status;
}

static void last_taken(void *aux, int status, const struct err *err)
{
    struct ledger *ledger = aux;
    ledger->folding = false;
    if (status != 0 && !ledger->failing)
        log_say(ledger->log, LOG_LEVEL_ERROR, "store", "%s; events stay in the journal", err->text);
}

/* As many events as fit into the time, by what the last ones took; never less than half or
 * more than twice as many at a time, since one slow page says little. */
static void fit_slice(struct ledger *ledger)
{
    bool behind = mono_since(clock_mono(), ledger->busy_since).us > BEHIND_AFTER.us;
    struct span target = behind ? LEDGER_SLICE_BEHIND : LEDGER_SLICE;
    size_t slice = ledger->slice, fits = 2 * slice;
    if (ledger->fold.events == 0 || (ledger->fold.events < slice && ledger->took.us < target.us))
        return; /* too few to tell */
    if (ledger->took.us > 0)
        fits = (size_t)((int64_t)ledger->fold.events * target.us / ledger->took.us);
    slice = fits > 2 * slice ? 2 * slice : fits < slice / 2 ? slice / 2 : fits;
    ledger->slice = slice < SLICE_LEAST ? SLICE_LEAST : slice > SLICE_MOST ? SLICE_MOST : slice;
}

static void wait_for(struct ledger *ledger, struct span span)
{
    if (ledger->ending)
        return;
    ledger->waiting = true;
    loop_timer_start(ledger->wait, span);
}

static void failed(struct ledger *ledger, const struct err *err)
{
    if (!ledger->failing)
        log_say(ledger->log, LOG_LEVEL_ERROR, "store",
                "%s; events stay in the journal and are tried again", err->text);
    ledger->failing = true;
    ledger->folding = false;
    wait_for(ledger, RETRY_AFTER);
}

static void settled(void *aux, int status, const struct err *err);
static void taken(void *aux, int status, const struct err *err);

static void give(struct ledger *ledger, errand_fn *errand, errand_end_fn *end)
{
    ledger->folding = true;
    keeper_do(ledger->keeper, errand, end, ledger);
}

static void begin(struct ledger *ledger)
{
    ledger->waiting = false;
    loop_timer_stop(ledger->wait);
    ledger->busy_since = clock_mono();
    give(ledger, take, taken);
}

/* After an errand: a slice that is full goes at once, fewer events wait for company. */
static void go_on(struct ledger *ledger)
{
    ledger->folding = false;
    if (ledger->ending) {
        ledger->slice = SLICE_LAST;
        give(ledger, take_last, last_taken);
    } else if (ledger->fold.more) {
        give(ledger, take, taken);
    } else if (ledger->pending >= ledger->slice) {
        begin(ledger);
    } else if (ledger->pending > 0 || ledger->unsettled) {
        wait_for(ledger, LEDGER_PACE);
    }
}

static void count_taken(struct ledger *ledger)
{
    size_t taken = ledger->fold.events;
    /* What the disk did not take was heard and is never taken. */
    ledger->pending = ledger->fold.more && ledger->pending > taken ? ledger->pending - taken : 0;
    if (!ledger->unsettled && taken > 0) {
        ledger->unsettled = true;
        ledger->taken_since = clock_mono();
    }
}

static void taken(void *aux, int status, const struct err *err)
{
    struct ledger *ledger = aux;
    if (status != 0) {
        failed(ledger, err);
        return;
    }
    if (ledger->failing)
        log_say(ledger->log, LOG_LEVEL_INFO, "store", "events are in the store again");
    ledger->failing = false;
    ledger->empty = !ledger->durable && !ledger->fold.more;
    count_taken(ledger);
    fit_slice(ledger);
    bool late = mono_since(clock_mono(), ledger->taken_since).us > SETTLE_AFTER.us;
    if (ledger->unsettled && (late || ledger->fold.events == 0))
        give(ledger, settle, settled);
    else
        go_on(ledger);
}

static void settled(void *aux, int status, const struct err *err)
{
    struct ledger *ledger = aux;
    if (status != 0) {
        failed(ledger, err);
        return;
    }
    ledger->unsettled = false;
    go_on(ledger);
}

static void waited(void *aux)
{
    begin(aux);
}

void ledger_fold(struct ledger *ledger, size_t count, struct span retention)
{
    ledger->retention = retention;
    ledger->pending += count;
    if (ledger->folding || ledger->failing || ledger->ending || ledger->empty)
        return;
    if (ledger->pending >= ledger->slice)
        begin(ledger);
    else if (!ledger->waiting)
        wait_for(ledger, LEDGER_PACE);
}

void ledger_stop(struct ledger *ledger)
{
    ledger->ending = true;
    loop_timer_stop(ledger->wait);
    if (ledger->waiting && !ledger->failing)
        go_on(ledger);
    ledger->waiting = false;
}

int ledger_new(struct loop *loop, struct keeper *keeper, struct log *log, bool durable,
               struct ledger **ret, struct err *err)
{
    struct event_position position = keeper_position(keeper);
    const struct journal_options options = {
        .identity = position.identity, .folded = position.folded, .unsafe = !durable};
    struct journal_recovery recovery;
    AUTO_TEXT struct text path = TEXT_EMPTY;
    struct ledger *ledger = alloc_zeroed(1, sizeof *ledger);
    ledger->keeper = keeper;
    ledger->log = log;
    ledger->durable = durable;
    text_printf(&path, "%s.journal", keeper_path(keeper));
    int status = journal_open(text_get(&path), &options, &ledger->journal, &recovery, err);
    if (status != 0) {
        free(ledger);
        return status;
    }
    if (!durable)
        log_say(log, LOG_LEVEL_WARNING, "store",
                "daemon.durable is no: what is heard is answered and judged, and not kept");
    if (recovery.damaged_places > 0)
        log_say(
            log, LOG_LEVEL_ERROR, "store",
            "%s: %llu damaged places, the first in %s; what is whole is used, and the file kept",
            text_get(&path), (unsigned long long)recovery.damaged_places, recovery.damaged_file);
    ledger->slice = SLICE_LEAST;
    ledger->wait = loop_timer_new(loop, waited, ledger);
    *ret = ledger;
    return 0;
}

struct journal *ledger_journal(struct ledger *ledger)
{
    return ledger->journal;
}

void ledger_free(struct ledger *ledger)
{
    if (ledger == NULL)
        return;
    loop_timer_free(ledger->wait);
    journal_close(ledger->journal);
    free(ledger);
}
