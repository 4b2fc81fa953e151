/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/ledger.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/text.h"
#include "io/clock.h"

/* Events in one transaction: a round that waits for its turn waits for no more. */
enum { FOLDED_AT_ONCE = 1024 };
#define RETRY_AFTER span_seconds(5)

struct ledger {
    struct keeper *keeper;
    struct log *log;
    struct journal *journal;
    struct loop_timer *retry;
    bool folding, again, failing, ending;
    bool durable; /* else the journal holds at most what an earlier run has left */
    bool empty;   /* and no longer even that */
    struct span retention;
    struct event_fold fold; /* of the errand */
};

static int fold(void *aux, struct store *store, struct err *err)
{
    struct ledger *ledger = aux;
    return store_events_fold(store, ledger->journal, FOLDED_AT_ONCE, clock_wall(),
                             ledger->retention, &ledger->fold, err);
}

static void folded(void *aux, int status, const struct err *err)
{
    struct ledger *ledger = aux;
    ledger->folding = false;
    if (status != 0) {
        if (!ledger->failing)
            log_say(ledger->log, LOG_LEVEL_ERROR, "store",
                    "%s; events stay in the journal and are tried again", err->text);
        ledger->failing = true;
        if (!ledger->ending)
            loop_timer_start(ledger->retry, RETRY_AFTER);
        return;
    }
    if (ledger->failing)
        log_say(ledger->log, LOG_LEVEL_INFO, "store", "events are in the store again");
    ledger->failing = false;
    ledger->empty = !ledger->durable && !ledger->fold.more;
    if (ledger->fold.more || ledger->again)
        ledger_fold(ledger, ledger->retention);
}

void ledger_fold(struct ledger *ledger, struct span retention)
{
    ledger->retention = retention;
    ledger->again = ledger->folding;
    if (ledger->folding || ledger->ending || ledger->empty)
        return;
    ledger->folding = true;
    keeper_do(ledger->keeper, fold, folded, ledger);
}

static void retry(void *aux)
{
    struct ledger *ledger = aux;
    ledger_fold(ledger, ledger->retention);
}

void ledger_stop(struct ledger *ledger)
{
    ledger->ending = true;
    loop_timer_stop(ledger->retry);
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
    ledger->retry = loop_timer_new(loop, retry, ledger);
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
    loop_timer_free(ledger->retry);
    journal_close(ledger->journal);
    free(ledger);
}
