/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/presence_inside.h"

#include "base/check.h"

/* Rows whose records are fetched together while a list is worked off. */
enum { WHEEL_BATCH = 32 };

void presence_wheel_init(struct presence *list)
{
    for (uint32_t i = 0; i < WHEEL_LISTS; i++)
        list->heads[i] = (struct wheel_head){WHEEL_HEADS + i, WHEEL_HEADS + i};
    list->tick = list->now / STEPS_A_SECOND;
}

static void set_next(struct presence *list, uint32_t at, uint32_t next)
{
    if (at >= WHEEL_HEADS)
        list->heads[at - WHEEL_HEADS].next = next;
    else
        row_cold(list, at)->next = next;
}

static void set_previous(struct presence *list, uint32_t at, uint32_t previous)
{
    if (at >= WHEEL_HEADS)
        list->heads[at - WHEEL_HEADS].previous = previous;
    else
        row_cold(list, at)->previous = previous;
}

void presence_wheel_unhang(struct presence *list, uint32_t row)
{
    struct presence_hot *hot = row_hot(list, row);
    if ((hot->flags & ROW_LINKED) == 0)
        return;
    const struct presence_cold *cold = row_cold(list, row);
    set_next(list, cold->previous, cold->next);
    set_previous(list, cold->next, cold->previous);
    hot->flags = (uint16_t)(hot->flags & ~ROW_LINKED);
}

void presence_wheel_hang(struct presence *list, uint32_t row)
{
    presence_wheel_unhang(list, row);
    struct presence_hot *hot = row_hot(list, row);
    if (hot->lifetime == 0)
        return;
    /* the second that ends not before the date: never early */
    uint64_t second = (row_due(hot) + STEPS_A_SECOND - 1) / STEPS_A_SECOND;
    if (second < list->tick)
        second = list->tick;
    uint32_t slot = (uint32_t)(second % WHEEL_SLOTS), head = WHEEL_HEADS + slot;
    struct presence_cold *cold = row_cold(list, row);
    cold->next = head;
    cold->previous = list->heads[slot].previous;
    set_next(list, cold->previous, row);
    list->heads[slot].previous = row;
    list->filled[slot / 64] |= UINT64_C(1) << slot % 64;
    hot->flags |= ROW_LINKED;
}

/* Returns the first second from `list->tick` on, within one turn, whose list may have
 * rows; UINT32_MAX when none has. */
static uint32_t next_filled(const struct presence *list)
{
    uint32_t from = list->tick % WHEEL_SLOTS;
    for (uint32_t i = 0; i <= WHEEL_SLOTS / 64; i++) {
        uint32_t word = (from / 64 + i) % (WHEEL_SLOTS / 64);
        uint64_t bits = list->filled[word];
        if (i == 0)
            bits &= UINT64_MAX << from % 64;
        else if (i == WHEEL_SLOTS / 64)
            bits &= ~(UINT64_MAX << from % 64);
        if (bits == 0)
            continue;
        uint32_t slot = word * 64 + (uint32_t)__builtin_ctzll(bits);
        return list->tick + (slot - from) % WHEEL_SLOTS;
    }
    return UINT32_MAX;
}

static bool due_is_empty(const struct presence *list)
{
    return list->heads[WHEEL_DUE].next == WHEEL_HEADS + WHEEL_DUE;
}

/* Makes the next second's rows the ones that are due. Returns false when no second with
 * rows has passed. */
static bool next_second(struct presence *list)
{
    uint32_t now = list->now / STEPS_A_SECOND;
    if (now >= WHEEL_SLOTS && list->tick < now - (WHEEL_SLOTS - 1))
        list->tick = now - (WHEEL_SLOTS - 1); /* a whole turn: each list once */
    uint32_t second = next_filled(list);
    if (second > now) {
        list->tick = list->tick > now ? list->tick : now + 1;
        return false;
    }
    uint32_t slot = second % WHEEL_SLOTS;
    struct wheel_head *from = &list->heads[slot], *to = &list->heads[WHEEL_DUE];
    list->filled[slot / 64] &= ~(UINT64_C(1) << slot % 64);
    list->tick = second + 1;
    if (from->next == WHEEL_HEADS + slot)
        return true; /* all were taken off meanwhile */
    *to = *from;
    set_previous(list, to->next, WHEEL_HEADS + WHEEL_DUE);
    set_next(list, to->previous, WHEEL_HEADS + WHEEL_DUE);
    *from = (struct wheel_head){WHEEL_HEADS + slot, WHEEL_HEADS + slot};
    return true;
}

/* Looks at one row whose second has come. Returns whether *ret_due was filled. */
static bool look(struct presence *list, uint32_t row, struct presence_due *ret_due)
{
    struct presence_hot *hot = row_hot(list, row);
    if ((hot->flags & ROW_LIVE) != 0 && row_is_reset(list, hot)) {
        presence_row_bury(list, row);
        return false;
    }
    if (hot->lifetime == 0 || row_due(hot) > list->now) {
        presence_wheel_hang(list, row);
        return false;
    }
    if ((hot->flags & ROW_SETTLED) != 0) {
        presence_row_remove(list, row);
        return false;
    }
    presence_row_copy(list, row, &ret_due->row);
    ret_due->others = presence_row_others(list, row);
    ret_due->quiet = row_is_held(hot);
    if (ret_due->quiet) {
        presence_wheel_unhang(list, row);
    } else if ((hot->flags & ROW_ENDED) != 0) {
        hot->flags |= ROW_SETTLED;
        ret_due->row.settled = true;
        hot->lifetime = presence_lifetime_pack(list->now - hot->heard + list->remember);
        presence_wheel_hang(list, row);
        list->counts.settled++;
    } else {
        ret_due->row.end = PRESENCE_EXPIRED;
        presence_row_remove(list, row);
        list->counts.expired++;
    }
    return true;
}

/* Fetches the first rows of the due list and what taking them off will touch. */
static unsigned fetch_due(const struct presence *list, uint32_t rows[static WHEEL_BATCH])
{
    unsigned count = 0;
    uint32_t row = list->heads[WHEEL_DUE].next;
    for (; count < WHEEL_BATCH && row < WHEEL_HEADS; row = row_cold(list, row)->next) {
        rows[count++] = row;
        __builtin_prefetch(row_hot(list, row), 1);
    }
    for (unsigned i = 0; i < count; i++)
        tag_index_expect(&list->index, presence_row_hash(list, row_hot(list, rows[i])));
    return count;
}

static void pass(struct presence *list)
{
    uint32_t slice = list->pass_left < PASS_SLICE ? list->pass_left : PASS_SLICE;
    list->pass_left -= slice;
    for (; slice > 0; slice--) {
        if (list->pass_cursor >= list->high)
            list->pass_cursor = 0;
        uint32_t row = list->pass_cursor++;
        const struct presence_hot *hot = row_hot(list, row);
        if ((hot->flags & ROW_LIVE) != 0 && row_is_reset(list, hot))
            presence_row_bury(list, row);
    }
}

size_t presence_expire(struct presence *list, struct wall now, struct presence_due *ret_due,
                       size_t room)
{
    CHECK(room > 0);
    presence_clock(list, now);
    if (list->pass_left > 0)
        pass(list);
    size_t found = 0;
    for (unsigned looks = 0; looks < EXPIRE_LOOKS && found < room;) {
        if (due_is_empty(list)) {
            if (!next_second(list))
                break;
            looks++;
            continue;
        }
        uint32_t rows[WHEEL_BATCH];
        unsigned count = fetch_due(list, rows);
        for (unsigned i = 0; i < count && found < room; i++, looks++)
            found += look(list, rows[i], ret_due + found);
    }
    return found;
}

struct wall presence_deadline(const struct presence *list)
{
    if (list->pass_left > 0 || !due_is_empty(list))
        return presence_wall(list, list->now);
    uint32_t second = next_filled(list);
    if (second == UINT32_MAX)
        return WALL_UNKNOWN;
    return presence_wall(list, (uint64_t)second * STEPS_A_SECOND);
}

struct span presence_clock_set(struct presence *list, struct span by)
{
    const int64_t steps = by.us / PRESENCE_STEP_US;
    list->base += steps * PRESENCE_STEP_US;
    for (uint32_t row = 0; row < list->high; row++) {
        const struct presence_hot *hot = row_hot(list, row);
        struct presence_cold *cold = row_cold(list, row);
        if ((hot->flags & (ROW_LIVE | ROW_ENDED)) == 0)
            continue;
        const int64_t started = (int64_t)cold->started - steps;
        cold->started = started < 0 ? 0 : started > hot->heard ? hot->heard : (uint32_t)started;
    }
    return span_us(steps * PRESENCE_STEP_US);
}
