/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/ledger.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/text.h"

struct ledger {
    struct keeper *keeper;
    struct log *log;
    struct journal *journal;
};

int ledger_new(struct loop *loop, struct keeper *keeper, struct log *log, struct ledger **ret,
               struct err *err)
{
    const struct journal_options options = {0};
    struct journal_recovery recovery;
    AUTO_TEXT struct text path = TEXT_EMPTY;
    struct ledger *ledger = alloc_zeroed(1, sizeof *ledger);
    ledger->keeper = keeper;
    ledger->log = log;
    text_printf(&path, "%s.journal", keeper_path(keeper));
    int status = journal_open(text_get(&path), &options, &ledger->journal, &recovery, err);
    if (status != 0) {
        free(ledger);
        return status;
    }
    if (recovery.damaged_places > 0)
        log_say(
            log, LOG_LEVEL_ERROR, "store",
            "%s: %llu damaged places, the first in %s; what is whole is used, and the file kept",
            text_get(&path), (unsigned long long)recovery.damaged_places, recovery.damaged_file);
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
    journal_close(ledger->journal);
    free(ledger);
}
