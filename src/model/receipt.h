/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_MODEL_RECEIPT_H
#define MUSTER_MODEL_RECEIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/* The proof of what one source was asked and what it answered. Absence may be
 * concluded only from receipts that are whole and fresh (DESIGN section 2), so a
 * reader that is not sure says why not rather than "whole": a false receipt would
 * make a false alarm. */

struct receipt {
    char *source;   /* configured name: "sw1", "csv guests.csv" */
    char *type;     /* the source's type word: "snmp", "csv" ... */
    char *context;  /* SNMP context or community suffix, "" when there is one only */
    uint64_t asked; /* requests sent, files opened */
    uint64_t answered;
    uint64_t rows;
    bool whole;              /* end seen, nothing refused, nothing moved under the read */
    char *why_not;           /* "" when whole, else one sentence with the cause */
    struct span ageing;      /* dot1dTpAgingTime; -1 us when not read */
    int64_t sys_uptime_cs;   /* sysUpTime in centiseconds at the start; -1 unknown */
    uint64_t learn_discards; /* rise of dot1dTpLearnedEntryDiscards during the read */
    struct wall started, ended;
};

/* Sets every field to "nothing known"; texts to "". */
void receipt_init(struct receipt *receipt);
void receipt_done(struct receipt *receipt);
/* Replaces `*field` (one of the texts above) by a copy of the formatted text. */
void receipt_text(char **field, const char *format, ...) __attribute__((format(printf, 2, 3)));
void receipt_copy(struct receipt *to, const struct receipt *from);

#endif
