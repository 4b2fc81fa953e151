/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_MODEL_CASE_RECORD_H
#define MUSTER_MODEL_CASE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/clock.h"
#include "model/discrepancy.h"

/* A case: the life of one discrepancy (DESIGN section 1 point 5, DOMAIN 3.1).
 *
 * Its identity is the discrepancy's: kind, subject and bridge domain, never the
 * port, so that a guest that wanders stays one case. Its number is given once
 * and never again, and people know it as "C12". What moves a case from state to
 * state is workflow/case.h; the store keeps cases and their events. */

/* word, enumerator, is it open: does it still stand as far as anyone knows? */
#define CASE_STATES(STATE)                                                                         \
    STATE("suspected", CASE_SUSPECTED, true)                                                       \
    STATE("confirmed", CASE_CONFIRMED, true)                                                       \
    STATE("reported", CASE_REPORTED, true)                                                         \
    STATE("acknowledged", CASE_ACKNOWLEDGED, true)                                                 \
    STATE("suppressed", CASE_SUPPRESSED, true)                                                     \
    STATE("cleared", CASE_CLEARED, false)                                                          \
    STATE("closed", CASE_CLOSED, false)

enum case_state {
#define STATE(word, name, open) name,
    CASE_STATES(STATE)
#undef STATE
        CASE_STATE_COUNT
};

/* What happened to a case. word, enumerator */
#define CASE_EVENTS(EVENT)                                                                         \
    EVENT("opened", CASE_EVENT_OPENED)                                                             \
    EVENT("confirmed", CASE_EVENT_CONFIRMED)                                                       \
    EVENT("reported", CASE_EVENT_REPORTED)                                                         \
    EVENT("acknowledged", CASE_EVENT_ACKNOWLEDGED)                                                 \
    EVENT("suppressed", CASE_EVENT_SUPPRESSED)                                                     \
    EVENT("released", CASE_EVENT_RELEASED)                                                         \
    EVENT("cleared", CASE_EVENT_CLEARED)                                                           \
    EVENT("closed", CASE_EVENT_CLOSED)                                                             \
    EVENT("reopened", CASE_EVENT_REOPENED)                                                         \
    EVENT("changed", CASE_EVENT_CHANGED)                                                           \
    EVENT("note", CASE_EVENT_NOTE)

enum case_event_kind {
#define EVENT(word, name) name,
    CASE_EVENTS(EVENT)
#undef EVENT
        CASE_EVENT_COUNT
};

struct case_record {
    uint64_t number;                       /* from 1; 0 is no case */
    enum case_state state;                 /* where its life stands */
    struct wall state_at;                  /* since when */
    enum case_state before;                /* the open state that it ended from */
    struct wall ended_at;                  /* cleared, or closed while open; WALL_UNKNOWN */
    const struct discrepancy *discrepancy; /* as last judged; borrowed */
    struct wall first, last;               /* judged so for the first and the last time */
    uint32_t count;                        /* rounds that judged so */
    uint32_t reopened;                     /* times it came back within the time of grace */
    struct wall reported_at;               /* WALL_UNKNOWN: no report was sent */
    const char *acknowledged_by;           /* NULL: nobody */
    const char *acknowledged_text;         /* why; NULL */
    struct wall acknowledged_at;           /* WALL_UNKNOWN */
};

struct case_event {
    uint64_t case_number;
    uint64_t round; /* 0: outside a round, by a person */
    struct wall at;
    enum case_event_kind kind;
    enum case_state from, to;
    const char *who;  /* person or program; "" for Muster itself */
    const char *text; /* one sentence; "" */
};

/* A case as it is now, and what made it so. */
struct case_change {
    struct case_record record;
    bool judged;    /* this round's verdicts have it */
    bool has_event; /* false: seen once more, nothing else */
    struct case_event event;
};

enum { CASE_ID_SIZE = 24 };

/* Returns the word of `state` ("suspected" ...), of `kind` ("opened" ...). */
const char *case_state_word(enum case_state state);
const char *case_event_word(enum case_event_kind kind);

/* Returns the state or kind that `word` names, CASE_STATE_COUNT or
 * CASE_EVENT_COUNT when none. */
enum case_state case_state_parse(const char *word);
enum case_event_kind case_event_parse(const char *word);

/* Whether a case in `state` still stands: everything but cleared and closed. */
bool case_state_open(enum case_state state);

/* Writes "C12" and returns `buffer`. */
char *case_id_format(uint64_t number, char buffer[static CASE_ID_SIZE]);

/* Reads "C12", "c12" or "12". Returns 0, or ERR_SYNTAX with *ret untouched. */
int case_id_parse(const char *text, uint64_t *ret) MUST_USE;

#endif
