/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_AUDIT_PRESENCE_H
#define MUSTER_AUDIT_PRESENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/ip.h"
#include "base/mac.h"
#include "model/event.h"

/* The expiry list (DOMAIN 1.7 points 52 to 55): who is on the wire, where, by whose
 * word, and until when that word holds. Pure: no I/O, no clock, no names; whoever owns
 * the list gives each call its `now` and keeps the names behind the numbers.
 *
 * A row is one session of one identity (MAC or IPv6 address) with one source, not one
 * identity (F9): a guest that moves starts at its new port before it stops at the old
 * one, and that stop must not end the new session. What makes a session is its key: for
 * a MAC the source and presence_session_hash() of NAS and session id; for an address
 * the source and the NAS, which is the home agent or correspondent that keeps the
 * binding. Texts stay in the log: the list has numbers and keyed hashes.
 *
 * Life of a row. A start or an update makes it live; each further word of its own source
 * and each sighting of its identity by any source refreshes it (F2). It ends by a stop,
 * by a reset of its NAS, or by its date passing. What ended by stop or reset stays for
 * a settle time and only then is handed out by presence_expire(), with the number of
 * other live sessions of the identity: so "stop after start elsewhere" needs no timer of
 * the caller's, and a NAS that restarts gives its guests time to come back. After that
 * the row stays silently as a grave stone, so that a start or update that is
 * delivered after the stop of its session does not raise the dead. A stop of a session never
 * heard of makes such a row too, marked `unstarted`.
 *
 * When a date is set: `lifetime` of the sign where its source knows one (a binding),
 * else three times the interim interval that was learnt of its NAS, plus grace; else
 * the configured lifetime; else never, and polling must find out (F2): of a MAC it is said once
 * when `hold` has passed since its last word, and the row stays. The interval is
 * the longest among those of four sampled sessions of the NAS that are still being
 * refreshed, so that a lost packet is forgotten after the next one and a session that
 * reports less often than another is not mourned.
 *
 * How. A row is 48 bytes in two arrays (32 that a refresh touches, 16 that it does not)
 * and about 8 in the index (tag_index.h). A refresh writes a stamp and moves nothing: the
 * row hangs in a wheel of 4096 seconds at the date it once had, is looked at when that
 * second comes, and hung anew at the date it has by then. Dates are never early
 * and at most a second late; those of one second come in the order in which rows were
 * hung. A reset is one number: rows older than it are dead at once, and a pass over
 * the array buries them a slice a call. No call does unbounded work: growth
 * is spread (segments.h, tag_index.h), presence_expire() hands out what the caller has room for.
 * Only the kernel may hold a call up, when it clears a huge page that was never used: a fifth of
 * a millisecond, several on a virtual machine that its host must give the memory first. Who
 * cannot have that says in `ready` how many rows are to be expected.
 * presence_expect() lets a batch of signs wait for memory together.
 *
 * Times: steps of a tenth of a second, from four years before the list was made to nine
 * years after; outside they saturate. Lifetimes are kept to 1/2048, rounded up, to 155 days.
 * `now` must come from a clock that does not jump forwards (wall clock at start plus
 * monotonic time since): whatever it skips has passed for every row. If it goes
 * backwards the list's own time stands still meanwhile: dates come late, never early. When
 * that clock is set, or the machine slept, presence_clock_set() says so: nobody listened, or
 * no time passed, and no session is over for that.
 * `at`, the time an event claims, only labels and orders the lives of one session; it
 * never moves a date, so a NAS with a wrong clock cannot make others expire.
 *
 * Attacks. All keys are hashed with the process's seed, so nobody chooses lines. The list
 * is bounded by LIMIT_PRESENCE_ROWS; one NAS, one place of a NAS, one identity and one
 * source have shares, and what a source only overheard (less than EVENT_PROOF_TOLD) has a
 * small one, because it may be forged and may claim to live for days: a NAS that invents sessions
 * or a mirror port with forged bindings fills its own share. What does not fit is refused and
 * counted, and those who are on the list stay. Resets are idempotent and cost nothing until the
 * pass. */

/* word (type of the event source), enumerator */
#define PRESENCE_SOURCES(SOURCE)                                                                   \
    SOURCE("other", PRESENCE_OTHER)                                                                \
    SOURCE("radius", PRESENCE_RADIUS)                                                              \
    SOURCE("mobile_ip", PRESENCE_MOBILE_IP)                                                        \
    SOURCE("snmp_trap", PRESENCE_SNMP_TRAP)                                                        \
    SOURCE("announce", PRESENCE_ANNOUNCE)                                                          \
    SOURCE("census", PRESENCE_CENSUS)                                                              \
    SOURCE("linux_bridge", PRESENCE_LINUX_BRIDGE)                                                  \
    SOURCE("ovs", PRESENCE_OVS)

enum presence_source {
#define SOURCE(word, name) name,
    PRESENCE_SOURCES(SOURCE)
#undef SOURCE
        PRESENCE_SOURCE_COUNT
};

/* Returns the word; never NULL. */
const char *presence_source_word(enum presence_source source);
/* Returns the source whose word is `type`, PRESENCE_OTHER when none. */
enum presence_source presence_source_parse(const char *type);

#define PRESENCE_NONE UINT32_MAX /* no NAS, no place, no row */

/* Who: a MAC, or, where `mac` is MAC_NONE, an address. */
struct presence_id {
    struct mac mac;
    struct ip address;
};

static inline struct presence_id presence_mac(struct mac mac)
{
    return (struct presence_id){mac, IP_NONE};
}
static inline struct presence_id presence_address(struct ip address)
{
    return (struct presence_id){MAC_NONE, address};
}

/* Returns the keyed hash that names a session. `secret` must be the same for as long as
 * rows live, so across a restart too. Texts may be NULL = "". */
uint64_t presence_session_hash(uint64_t secret, enum presence_source source, const char *nas,
                               const char *session);

/* One word of a source about one session. */
struct presence_sign {
    struct presence_id id;
    enum presence_source source;
    uint32_t nas;     /* the caller's number of who keeps the session; PRESENCE_NONE: nobody */
    uint64_t session; /* presence_session_hash(); ignored for addresses */
    uint32_t place;   /* the caller's number of port or care-of address; PRESENCE_NONE: not said */
    enum event_proof proof;
    struct wall at;       /* when it happened as its source says; WALL_UNKNOWN: now */
    struct span lifetime; /* gone unless heard again within; 0: not known */
};

/* How a session ended. */
enum presence_end {
    PRESENCE_LIVE,
    PRESENCE_STOPPED, /* its own stop */
    PRESENCE_RESET,   /* its NAS, or its place of the NAS, ended all */
    PRESENCE_EXPIRED  /* nothing was heard until its date; only from presence_expire() */
};

/* One row, by value: as found, as it ended, and as it is kept across a restart. */
struct presence_row {
    struct presence_id id;
    enum presence_source source;
    uint32_t nas, place;
    uint64_t session;     /* 0 for addresses */
    struct wall started;  /* `at` of the sign that began this life */
    struct wall heard;    /* live: last refreshed, by anyone; ended: when it ended */
    struct span lifetime; /* ended: until it settles, then until it is forgotten */
    struct wall expires;  /* heard + lifetime; WALL_UNKNOWN: never by itself */
    struct wall held;     /* live, never by itself: `hold` after its last word; WALL_UNKNOWN */
    enum presence_end end;
    enum event_proof proof;      /* the best of its signs in this life */
    bool implicit;               /* began with an update: its start was not heard */
    bool unstarted;              /* only its stop was heard */
    bool settled;                /* its end was handed out: a grave stone */
    bool seen_since;             /* ended, and its identity was touched afterwards */
    bool quiet;                  /* RESET: nothing had been heard of it for `hold` by then */
    uint32_t number, generation; /* for presence_get() */
};

enum presence_outcome {
    PRESENCE_STARTED,   /* a new life began */
    PRESENCE_REFRESHED, /* known, same place */
    PRESENCE_MOVED,     /* known, another place than before */
    PRESENCE_BEGUN,     /* known by an update that came before its start: this one */
    PRESENCE_ENDED,     /* a stop, or the first sign of a session whose stop came before it: will
                           be handed out when it has settled */
    PRESENCE_RESUMED,   /* as REFRESHED, when presence_expire() had said that it was quiet */
    PRESENCE_LATE,      /* about a life that is over, or over before this one: no effect */
    PRESENCE_REFUSED    /* no room in one of the shares: not kept, counted */
};

struct presence_options {
    uint32_t rows, nas_rows, place_rows, id_rows; /* shares; LIMIT_PRESENCE_* */
    uint32_t source_rows;                         /* of one source: 3/4 of `rows` */
    uint32_t heard_rows;  /* of one source, when it only overheard what it says */
    uint32_t ready;       /* rows for which memory is taken at once rather than as they come: 0 */
    unsigned interims;    /* missed before a row expires: 3 */
    struct span grace;    /* added to every lifetime: 30 s */
    struct span lifetime; /* where nothing else is known: 0, never */
    struct span hold;     /* after it a MAC without a date is handed out as quiet; 0: it is not */
    struct span settle;   /* 30 s, DOMAIN F9 */
    struct span remember; /* grave stones: 300 s after settling */
    struct span reorder;  /* a start that claims to be this much after its stop still
                             belongs before it: 5 s */
};

/* Sets the values as delivered. */
void presence_options_init(struct presence_options *options);

/* Returns how long a session holds without a word: `told` where its source knows that, else
 * by `interval` (between two words), else 0: nobody knows. */
struct span presence_hold(const struct presence_options *options, struct span told,
                          struct span interval);

/* Rounds the times of a row as a list keeps them, to tenths of a second; sets `expires`. */
void presence_row_round(struct presence_row *row);

/* What happened so far, and what there is. */
struct presence_counts {
    uint64_t started, refreshed, moved, touched, stopped, reset, expired, settled, late;
    uint64_t refused_full, refused_source, refused_nas, refused_place, refused_id;
    uint32_t live, ended;       /* rows; rows of a reset NAS are live until the pass */
    uint32_t nas_count, places; /* known now */
};

struct presence;

/* Returns an empty list; `options` are copied. Yours to free. */
struct presence *presence_new(const struct presence_options *options, struct wall now);
void presence_free(struct presence *list); /* NULL is allowed */

/* A session began (start, binding registered). `ret_row`, which may be NULL, is set to the row as
 * it is afterwards, and untouched when refused. Returns STARTED, REFRESHED, MOVED, LATE, REFUSED,
 * or ENDED where it gave its beginning to a session that is known by its stop alone. */
enum presence_outcome presence_start(struct presence *list, const struct presence_sign *sign,
                                     struct wall now, struct presence_row *ret_row);

/* A session is still there (interim, binding refreshed); an unknown one begins, marked
 * implicit. A sign without lifetime teaches the interval of its NAS. As presence_start(). */
enum presence_outcome presence_update(struct presence *list, const struct presence_sign *sign,
                                      struct wall now, struct presence_row *ret_row);

/* A session ended; only this one. Returns ENDED (also where the session was not known: the
 * row is then `unstarted`), LATE (it had ended, or this life is younger) or REFUSED. */
enum presence_outcome presence_stop(struct presence *list, const struct presence_sign *sign,
                                    struct wall now, struct presence_row *ret_row);

/* Every session of `nas` ended, at `place` only unless that is PRESENCE_NONE (DOMAIN
 * 2.7 point 2). Costs the same however many there are. Returns how many rows that concerns
 * at most. They are handed out, each, when they have settled and did not come back. */
uint32_t presence_reset(struct presence *list, uint32_t nas, uint32_t place, struct wall now);

/* The identity was seen, by whatever source: refreshes every live session of it. Returns
 * how many there are. */
unsigned presence_touch(struct presence *list, struct presence_id id, struct wall now);

/* Fetches what the next calls with these signs will read, all at once. Only speed depends on
 * it. Best with 16 to 64. */
void presence_expect(const struct presence *list, const struct presence_sign *signs, size_t count);

/* Says that the clock which gives `now` was set and shows `by` more (less, where negative) than it
 * would have: from then on every date is that much later, and no row nearer to its end. When a
 * session began is its source's word, and stays. A pass over all rows. Returns by how much the
 * dates moved: `by` in whole steps. */
struct span presence_clock_set(struct presence *list, struct span by);

/* Says how many rows there may come to be: the index then grows to that size at once, while
 * there is little to carry over. Takes no memory before. */
void presence_reserve(struct presence *list, uint32_t rows);

/* Copies the rows of an identity, live ones only or with those that ended, in order of
 * their number. Returns how many there are; `rows` gets as many as `room`. */
unsigned presence_find(const struct presence *list, struct presence_id id, bool with_ended,
                       struct presence_row *rows, unsigned room);

/* Copies row `number` if it is still of `generation` (F10), that is, if it has neither
 * ended nor moved nor begun anew since it was copied. Returns whether it is. */
bool presence_get(const struct presence *list, uint32_t number, uint32_t generation,
                  struct presence_row *ret_row);

/* A session whose end, or silence, is due for judging. */
struct presence_due {
    struct presence_row row;
    unsigned others; /* other live sessions of the identity, at this moment */
    bool quiet;      /* it goes on, and `hold` has passed since its last word */
};

/* Lets time pass until `now` and hands out, in the order of their dates, sessions that
 * expired, ended sessions that have settled, and those that are quiet: at most `room` (>= 1), and
 * after a bounded amount of looking (about a millisecond) even if there are none. Expired ones are
 * off the list; quiet ones stay on it and are handed out again only after another word. Call again
 * while presence_deadline() is not after `now`. Returns how many. */
size_t presence_expire(struct presence *list, struct wall now, struct presence_due *ret_due,
                       size_t room);

/* Returns when presence_expire() has something to do: now, or the first second at which a
 * row must be looked at; WALL_UNKNOWN when there is none. */
struct wall presence_deadline(const struct presence *list);

/* Walks over the rows, ended ones too: begin with *cursor 0; returns false after the last.
 * The list may change between calls; each row that stays is met once. */
bool presence_next(const struct presence *list, uint32_t *cursor, struct presence_row *ret_row);

/* Puts back a row of an earlier run, numbers of NAS and place being this run's. Nobody
 * listened meanwhile, so it gets its whole lifetime again from `now`, and its whole settle
 * time when it had ended. Returns STARTED or ENDED, REFRESHED when the key was there
 * already (nothing changed), or REFUSED. */
enum presence_outcome presence_load(struct presence *list, const struct presence_row *row,
                                    struct wall now);

/* Sets options.hold for the words to come. */
void presence_hold_set(struct presence *list, struct span hold);

/* Returns the interval that was learnt of `nas`; 0: none. */
struct span presence_interval(const struct presence *list, uint32_t nas);

/* Sets it, as learnt by an earlier run, until its sessions teach it anew. */
void presence_interval_set(struct presence *list, uint32_t nas, struct span interval,
                           struct wall now);

/* Returns what happened so far and what there is now. */
struct presence_counts presence_counts(const struct presence *list);

/* Returns the bytes that the list holds. */
size_t presence_size(const struct presence *list);

#endif
