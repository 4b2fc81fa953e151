/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_HEARD_WORD_H
#define MUSTER_STORE_HEARD_WORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/limits.h"
#include "store/store_internal.h"

/* The last word of a session that had come by an instant (store/heard.h), found by going back
 * along the chain of the session's events, from the latest on (store/event_log.h has how they are
 * chained). At most 64 words are looked at one by one and then 64 that are no updates, a point
 * query each; where single updates are gone or too many, a session that went on counts as heard one
 * interval before the instant. Attacks considered: a chain that does not go backwards is
 * damage, so no circle is walked; names are cut at LIMIT_NAME_BYTES. */

struct heard_word {
    bool known;        /* the session had been heard of; else nothing below is set */
    bool gone_back;    /* place, heard, last and lifetime are set; else the row's own hold */
    bool stopped;      /* its own stop had come */
    bool stop_later;   /* came after the instant */
    struct wall heard; /* when the last word came */
    struct wall at;    /* what it claims */
    struct span lifetime;
    uint64_t later; /* updates that came after the instant */
    uint16_t vlan;  /* 0: not said */
    char switch_name[LIMIT_NAME_BYTES + 1], port[LIMIT_NAME_BYTES + 1]; /* "": not said */
};

/* What of a session's row is needed. */
struct heard_chain {
    int64_t session, last_event, kept_event;
    struct wall started, heard;
    struct span interval;
    bool ended;
};

/* An instant: what was heard by `now`, and where `sequence` is not 0, no event after that number.
 */
struct heard_instant {
    struct wall now;
    uint64_t next;
};

/* Whether something of the session came after the instant. */
static inline bool heard_word_later(const struct heard_chain *chain,
                                    const struct heard_instant *instant)
{
    return instant->next > 0 ? (uint64_t)chain->last_event >= instant->next
                             : chain->heard.us > instant->now.us;
}

/* Finds the session's last word that had come by then. */
int heard_word_find(struct store *store, const struct heard_chain *chain,
                    const struct heard_instant *instant, struct heard_word *ret,
                    struct err *err) MUST_USE;

#endif
