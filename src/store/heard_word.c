/* SPDX-License-Identifier: Apache-2.0 */
#include "store/heard_word.h"

#include <stdio.h>
#include <string.h>

#include "model/event.h"

/* Words that are gone back one by one, and then those of them that are no updates. */
enum { WORDS_BACK = 64, KEPT_BACK = 64 };

/* Where in a chain the search is. */
struct place {
    int64_t number;  /* of the event to look at; 0: the beginning */
    int64_t instead; /* where to go on when it is deleted */
    bool lost;       /* an event was deleted */
};

enum look {
    LOOK_ON,    /* a later word, or a deleted one */
    LOOK_FOUND, /* the last word that had come */
    LOOK_BEGUN  /* before the session's first one */
};

static void keep_name(char to[static LIMIT_NAME_BYTES + 1], const struct cell *cell)
{
    if (to[0] == '\0' && cell->type == CELL_TEXT)
        snprintf(to, LIMIT_NAME_BYTES + 1, "%s", (const char *)cell->bytes);
}

static void take_place(struct heard_word *word, const struct cell *row)
{
    keep_name(word->switch_name, &row[4]);
    keep_name(word->port, &row[5]);
    if (word->vlan == 0)
        word->vlan = (uint16_t)row[6].integer;
}

static enum look take_word(struct heard_word *word, const struct cell *row, int64_t number,
                           const struct heard_instant *instant)
{
    enum event_kind kind = event_kind_parse(row[1].bytes);
    bool later =
        instant->next > 0 ? (uint64_t)number >= instant->next : row[8].integer > instant->now.us;
    if (later) {
        word->later += kind == EVENT_UPDATE;
        word->stop_later |= kind == EVENT_STOP;
        return LOOK_ON;
    }
    word->known = true;
    word->stopped = kind == EVENT_STOP;
    word->at = (struct wall){row[7].integer};
    word->heard = (struct wall){row[8].integer};
    word->lifetime = span_us(row[9].integer);
    take_place(word, row);
    return LOOK_FOUND;
}

/* Looks at the event at hand and goes on to the one before it: with `kept_only` to the one
 * before it that is no update. Returns enum look, or a negative error. */
static int step(struct store *store, const struct heard_chain *chain, struct place *at,
                bool kept_only, const struct heard_instant *instant, struct heard_word *word,
                struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    int64_t number = at->number;
    const struct cell key[] = {cell_integer(number)};
    int result = store_one(store, SQL_SESSION_WORD, key, 1, row, err);
    int look = result;
    if (result == 1 && (row[0].type != CELL_INTEGER || row[0].integer != chain->session)) {
        look = LOOK_BEGUN;
    } else if (result == 1) {
        look = take_word(word, row, number, instant);
        at->number = kept_only ? row[3].integer : row[2].integer;
        at->instead = row[3].integer;
    } else if (result == 0) {
        look = LOOK_ON;
        at->number = at->instead;
        at->instead = 0;
        at->lost = true;
    }
    store_stop(store, SQL_SESSION_WORD);
    if (look >= 0 && look != LOOK_BEGUN && at->number >= number)
        return store_damaged(store, err, "the chain of event %lld", (long long)number);
    return look;
}

/* Single words are too many, or gone: a session that goes on was heard an interval ago. */
static void assume_refreshed(const struct heard_chain *chain, struct wall now,
                             struct heard_word *word)
{
    struct wall least = word->known ? word->heard : chain->started;
    struct wall refreshed = wall_add(now, span_us(-chain->interval.us));
    bool later = chain->interval.us > 0 && refreshed.us > least.us;
    word->known = true;
    word->heard = word->at = later ? refreshed : least;
}

/* Whether the session's latest event that is no update is a stop. */
static int find_stop(struct store *store, const struct heard_chain *chain, struct heard_word *word,
                     struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell key[] = {cell_integer(chain->kept_event)};
    int result = store_one(store, SQL_SESSION_WORD, key, 1, row, err);
    word->stopped = result == 1 && row[0].type == CELL_INTEGER &&
                    row[0].integer == chain->session &&
                    event_kind_parse(row[1].bytes) == EVENT_STOP;
    store_stop(store, SQL_SESSION_WORD);
    return result < 0 ? result : 0;
}

static int go_back(struct store *store, const struct heard_chain *chain,
                   const struct heard_instant *instant, struct heard_word *word, struct err *err)
{
    struct place at = {.number = chain->last_event,
                       .instead = chain->kept_event < chain->last_event ? chain->kept_event : 0};
    int look = LOOK_ON, steps = 0;
    for (; look == LOOK_ON && at.number > 0 && steps < WORDS_BACK + KEPT_BACK; steps++)
        look = step(store, chain, &at, steps >= WORDS_BACK, instant, word, err);
    if (look < 0)
        return look;
    bool skipped = at.lost || steps > WORDS_BACK;
    if (skipped && !word->stopped && (word->known || chain->started.us <= instant->now.us))
        assume_refreshed(chain, instant->now, word);
    /* a word that does not say where it was: the ones before it do */
    for (; look == LOOK_FOUND && at.number > 0 && word->port[0] == '\0' && steps < WORDS_BACK;
         steps++) {
        struct heard_word before = {0};
        look = step(store, chain, &at, false, instant, &before, err);
        if (look < 0)
            return look;
        if (word->switch_name[0] == '\0')
            memcpy(word->switch_name, before.switch_name, sizeof word->switch_name);
        memcpy(word->port, before.port, sizeof word->port);
    }
    return 0;
}

int heard_word_find(struct store *store, const struct heard_chain *chain,
                    const struct heard_instant *instant, struct heard_word *ret, struct err *err)
{
    ret->known = ret->gone_back = ret->stopped = ret->stop_later = false;
    ret->later = 0;
    ret->vlan = 0;
    ret->switch_name[0] = ret->port[0] = '\0';
    if (heard_word_later(chain, instant)) {
        ret->gone_back = true;
        return go_back(store, chain, instant, ret, err);
    }
    ret->known = true;
    return chain->ended && chain->kept_event > 0 ? find_stop(store, chain, ret, err) : 0;
}
