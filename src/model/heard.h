/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_MODEL_HEARD_H
#define MUSTER_MODEL_HEARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/mac.h"
#include "model/event.h"
#include "model/forwarding.h"

/* What was heard rather than polled, as facts that the world takes beside the forward
 * tables (DOMAIN F22): one interval a session or announcement in which a MAC was heard at
 * one place. Nothing is said here of what it means: a session that ended is a fact like
 * one that goes on, and the judge compares both with the records and with what the tables
 * show. Polling and events thus end in one world, judged by one judge, and a sweep over
 * that world says what the events said when they came.
 *
 * The switch and the port stand as the source named them. A place that no table, record or
 * configuration has is "heard somewhere": it proves that the address is there, and not
 * where. Texts are borrowed for the world's life. */

/* How an interval came to its end. */
enum heard_end {
    HEARD_OPEN,    /* it goes on, as far as anyone said */
    HEARD_STOPPED, /* its own stop: Accounting-Stop, deregistration, MAC removed */
    HEARD_RESET,   /* every session of its NAS ended at once */
    HEARD_EXPIRED  /* its time passed without a renewal */
};

/* Whose word it is, and where it was said to be: shared by many facts. */
struct heard_origin {
    const char *source, *type;      /* configured name and type word of the source */
    const char *nas;                /* who keeps the session; NULL or "": nobody */
    const char *switch_name, *port; /* NULL or "": not said */
    uint16_t vlan;                  /* 0: not said */
};

/* Returns whether it is a session, whose keeper says when it ends: else a frame that was overheard,
 * by an announcement or a census, and nobody promised more of them. */
static inline bool heard_is_session(const struct heard_origin *origin)
{
    return origin->nas != NULL && origin->nas[0] != '\0';
}

struct heard_fact {
    struct mac mac;
    const struct heard_origin *origin;
    const char *cause;   /* of an end; NULL */
    const char *session; /* its number, for people; NULL: not kept */
    /* Heard there for the first and the last time. A session that is HEARD_RESET was heard until
     * `ended`, unless nothing had been heard of it for so long that it was no sighting any more:
     * then `last` is before that. */
    struct wall first, last;
    /* The last frame of its own that is proved to have come from there; WALL_UNKNOWN: none is.
     * That a session is kept open proves none: a switch reports on for a guest that is gone. */
    struct wall frame;
    struct wall expires; /* not there any more unless heard again; WALL_UNKNOWN: not said. Of
                            HEARD_STOPPED and HEARD_RESET: when that has settled, which counts from
                            when it was heard; WALL_UNKNOWN: it has */
    struct wall ended;   /* unless HEARD_OPEN: when */
    uint8_t proof;       /* enum event_proof; EVENT_PROOF_HINT never proves anything */
    uint8_t end;         /* enum heard_end */
    /* A row that was read alone, by a probe: it proves a frame only within the ageing time
     * before `first`, and `last` is the end of the read. */
    bool polled;
    uint16_t age; /* of such a row: as forward_row.age */
};

/* How the store keeps a fact that a round was told, to judge the round again (store/told.h). */
enum heard_keep {
    HEARD_KEEP_NOT,    /* an open session in order: its row in the store says so */
    HEARD_KEEP_STEADY, /* a frame heard in order: its place, and not its times */
    HEARD_KEEP_WHOLE,  /* as it is */
    HEARD_KEEP_NOTHING /* no fact: that nothing was heard of the address */
};

/* An announcement at another place than the recorded one: until `deadline` the address is
 * expected at two places, since inventories follow a migration by seconds or minutes
 * (DOMAIN 2.10 point 7). After it, it is judged. */
struct migration_window {
    struct mac mac;
    struct wall opened, deadline;
};

/* A switch forgot its table at `at`: it restarted, or the topology changed. For one
 * ageing time after it, that its table lacks something proves nothing. */
struct switch_flush {
    const char *switch_name;
    struct wall at;
    enum event_hint hint;
    const char *source; /* who said so */
};

#endif
