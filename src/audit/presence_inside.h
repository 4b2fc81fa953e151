/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_AUDIT_PRESENCE_INSIDE_H
#define MUSTER_AUDIT_PRESENCE_INSIDE_H

#include "audit/presence.h"
#include "audit/segments.h"
#include "audit/tag_index.h"

/* What the files of presence.h share: the rows (presence.c), the places and NAS that rows
 * point to (presence_place.c), the passing of time (presence_wheel.c) and fetching ahead
 * (presence_expect.c). Nobody else includes this but their tests.
 *
 * A row is two records of one number. `hot` is what lookups and refreshes touch, half a
 * cache line; `cold` what only births, deaths and the wheel touch. A MAC is one key, its session
 * the other; an address fills both, and its session is the NAS of its stand. A stand is a pair of
 * NAS and place, counted so that neither can take more than its share; stands and NAS
 * without rows are given back. */

struct presence_hot {
    uint64_t key, extra; /* MAC and session; or the address */
    uint32_t stand;
    uint32_t heard;    /* steps: last refresh; of an ended row when it ended */
    uint32_t sequence; /* resets so far when it was last refreshed by its source */
    uint16_t lifetime; /* presence_lifetime_pack() */
    uint16_t flags;
};

struct presence_cold {
    uint32_t next, previous; /* of the list it hangs in; `next` also of free rows */
    uint32_t started;        /* steps */
    uint32_t generation;
};

/* A NAS at a place. */
struct presence_stand {
    uint32_t nas;        /* record number; `next` of free ones */
    uint32_t nas_number; /* the caller's */
    uint32_t place;      /* the caller's number */
    uint32_t rows;
    uint32_t reset; /* sequence of its last reset */
};

/* A place is one NAS's, as a rule, and numbers follow each other: so its stand is mostly found
 * without a lookup. Two places that are this many numbers apart, or as many as a small list may
 * have rows, take each other's hint. */
enum { STAND_HINTS_MOST = 64 * 1024 };

enum { NAS_SAMPLES = 4 };

/* A session by which the interval of a NAS is measured. */
struct presence_sample {
    uint64_t session;
    uint32_t last; /* steps */
    uint32_t gap;  /* steps; 0: heard once */
};

struct presence_nas {
    uint32_t number; /* the caller's; `next` of free ones */
    uint32_t rows;
    uint32_t reset, reset_at; /* sequence and step of its last reset, whole or of a place */
    uint32_t interval;        /* steps; 0: none was learnt */
    struct presence_sample samples[NAS_SAMPLES];
};

/* Bits of presence_hot.flags. */
enum {
    ROW_SOURCE = 0x000f,
    ROW_LIVE = 0x0010,
    ROW_ENDED = 0x0020, /* neither: free */
    ROW_ADDRESS = 0x0040,
    ROW_IMPLICIT = 0x0080,
    ROW_UNSTARTED = 0x0100,
    ROW_SETTLED = 0x0200,
    ROW_SEEN_SINCE = 0x0400,
    ROW_RESET = 0x0800,  /* of an ended one: by a reset */
    ROW_HELD = 0x0800,   /* of a live one: it has no date, and `lifetime` is until it is quiet */
    ROW_LINKED = 0x1000, /* hangs in the wheel */
    ROW_QUIET = 0x2000,  /* of one that a reset ended: it had been quiet */
    ROW_PROOF_SHIFT = 14
};

enum {
    STEPS_A_SECOND = 10,
    WHEEL_SLOTS = 4096,
    WHEEL_DUE = WHEEL_SLOTS, /* the list of the second that is being worked off */
    WHEEL_LISTS,             /* how many there are */
    EXPIRE_LOOKS = 4096,     /* rows of the wheel that one call looks at */
    PASS_SLICE = 64 * 1024   /* rows of the array that one call looks at */
};

/* Numbers from here on are heads of lists, not rows. */
#define WHEEL_HEADS (UINT32_MAX - WHEEL_LISTS)

struct wheel_head {
    uint32_t next, previous;
};

/* Records with a list of free ones. */
struct presence_pool {
    struct segments records;
    struct tag_index index;
    uint32_t high, free, count; /* numbers ever used, first free one, records in use */
};

struct presence {
    struct presence_options options;
    uint64_t grace, lifetime, hold, settle, remember, reorder; /* of the options, in steps */
    uint64_t seed;
    int64_t base; /* wall microseconds of step 0 */
    uint32_t now; /* steps: the latest instant that any call gave */
    uint32_t sequence;
    struct segments hot, cold;
    struct tag_index index;
    uint32_t high, free_first, free_last, count;
    uint32_t source_rows[PRESENCE_SOURCE_COUNT];
    struct presence_pool stands, nas;
    struct segments stand_hints;   /* by place: number of its latest stand, and 1; 0: none */
    uint32_t hint_mask, hint_high; /* numbers of hints; how many of them were used at most */
    uint32_t nas_idle;             /* NAS without rows that are remembered for their interval */
    struct wheel_head heads[WHEEL_LISTS];
    uint64_t filled[WHEEL_SLOTS / 64];
    uint32_t tick;                   /* first second whose list is not worked off */
    uint32_t pass_cursor, pass_left; /* rows that the pass has still to look at */
    struct presence_counts counts;
};

static inline struct presence_hot *row_hot(const struct presence *list, uint32_t row)
{
    return segments_at(&list->hot, row, sizeof(struct presence_hot));
}
static inline struct presence_cold *row_cold(const struct presence *list, uint32_t row)
{
    return segments_at(&list->cold, row, sizeof(struct presence_cold));
}
static inline struct presence_stand *stand_at(const struct presence *list, uint32_t stand)
{
    return segments_at(&list->stands.records, stand, sizeof(struct presence_stand));
}
static inline struct presence_nas *nas_at(const struct presence *list, uint32_t nas)
{
    return segments_at(&list->nas.records, nas, sizeof(struct presence_nas));
}

/* Whether a live row is older than the last reset of its NAS or place: dead, but not yet
 * buried by the pass. */
static inline bool row_is_reset(const struct presence *list, const struct presence_hot *hot)
{
    if (hot->sequence == list->sequence)
        return false; /* nearly always: no reset anywhere since */
    const struct presence_stand *stand = stand_at(list, hot->stand);
    return hot->sequence < stand->reset || hot->sequence < nas_at(list, stand->nas)->reset;
}
static inline bool row_is_live(const struct presence *list, const struct presence_hot *hot)
{
    return (hot->flags & ROW_LIVE) != 0 && !row_is_reset(list, hot);
}

/* Lifetimes in sixteen bits: twelve of value, four of exponent; 0 is never. */
static inline uint64_t presence_lifetime_unpack(uint16_t lifetime)
{
    return (uint64_t)(lifetime & 0xfff) << (lifetime >> 12);
}
uint16_t presence_lifetime_pack(uint64_t steps);

static inline uint64_t row_due(const struct presence_hot *hot)
{
    return hot->heard + presence_lifetime_unpack(hot->lifetime);
}

/* Whether a live row has no date; and whether it was handed out as quiet. */
static inline bool row_is_held(const struct presence_hot *hot)
{
    return (hot->flags & (ROW_LIVE | ROW_HELD)) == (ROW_LIVE | ROW_HELD);
}
static inline bool row_is_quiet(const struct presence_hot *hot)
{
    return row_is_held(hot) && (hot->flags & ROW_LINKED) == 0;
}

/* Whether a live row was quiet at step `at`, when its NAS was reset. */
static inline bool row_was_quiet(const struct presence_hot *hot, uint32_t at)
{
    return row_is_held(hot) && row_due(hot) <= at;
}

/* Instants as steps since the base, saturated, and back. */
uint32_t presence_step(const struct presence *list, struct wall at);
struct wall presence_wall(const struct presence *list, uint64_t step);
/* Lengths as steps, rounded up. */
uint64_t presence_steps(struct span span);
enum { PRESENCE_STEP_US = 1000000 / STEPS_A_SECOND };

/* Takes `now` over unless it is earlier than what the list has. */
void presence_clock(struct presence *list, struct wall now);

/* --- presence_place.c --- */
void presence_places_init(struct presence *list);
void presence_places_done(struct presence *list);

/* Returns the record of the caller's NAS `number`, or PRESENCE_NONE. */
uint32_t presence_nas_find(const struct presence *list, uint32_t number);

/* Returns the stand of `place` at the caller's NAS `nas`, made where there is none; it must
 * get a row, or be released. */
uint32_t presence_stand_take(struct presence *list, uint32_t nas, uint32_t place);
/* Returns probably the stand of `place`, another or PRESENCE_NONE where that is not known at once;
 * and fetches what tells. */
void presence_stand_expect(const struct presence *list, uint32_t place);
uint32_t presence_stand_guess(const struct presence *list, uint32_t place);
/* Counts a row in, or out; without rows the stand goes. */
void presence_stand_enter(struct presence *list, uint32_t stand);
void presence_stand_leave(struct presence *list, uint32_t stand);
/* Gives a stand back that got no row. */
void presence_stand_release(struct presence *list, uint32_t stand);

/* A session of the NAS was heard of by an update. */
void presence_nas_learn(struct presence *list, uint32_t nas, uint64_t session);

/* --- presence_wheel.c --- */
void presence_wheel_init(struct presence *list);
/* Hangs a row where its date says, or takes it off when it has none. */
void presence_wheel_hang(struct presence *list, uint32_t row);
void presence_wheel_unhang(struct presence *list, uint32_t row);

/* --- presence.c --- */
uint64_t presence_id_hash(const struct presence *list, const struct presence_id *id);
uint64_t presence_row_hash(const struct presence *list, const struct presence_hot *hot);
void presence_row_copy(const struct presence *list, uint32_t row, struct presence_row *ret);
/* Makes a row that a reset killed an ended one. */
void presence_row_bury(struct presence *list, uint32_t row);
/* Takes a row off the list. */
void presence_row_remove(struct presence *list, uint32_t row);
/* Returns the live rows of the identity of `row` besides itself. */
unsigned presence_row_others(const struct presence *list, uint32_t row);
/* Begins to count resets from 0 again: buries what they killed. For when they run out. */
void presence_renumber(struct presence *list);

#endif
