/* SPDX-License-Identifier: Apache-2.0 */
#include "source/fdb_follow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/names.h"

enum {
    SLOTS_FIRST = 256,
    FLUSH_ROWS = 16,        /* fewer that go at once are no flush */
    FLUSH_US = 1000 * 1000, /* a kernel tells a flush row by row */
    AGED_SLACK_US = 3 * 1000 * 1000,
    LIFETIME_SLACK_S = 10,
    SESSION_SIZE = LIMIT_NAME_BYTES + 32
};

enum row_state {
    ROW_FREE,
    ROW_NEW,  /* there, and not told yet */
    ROW_TOLD, /* there, and its session was begun */
    ROW_GONE  /* taken out, and its stop is not told yet */
};

/* One address in one VLAN of one bridge. */
struct row {
    uint64_t key; /* MAC << 16 | VLAN */
    uint32_t bridge, port;
    int64_t heard_us; /* last frame */
    int64_t told_us;  /* last frame that was told of */
    uint32_t look;    /* in which it was last seen */
    uint8_t state;    /* enum row_state */
    bool uplink;
};

#define COUNTERS(COUNTER)                                                                          \
    COUNTER(LEARNT, "learnt", false)                                                               \
    COUNTER(REFRESHED, "refreshed", false)                                                         \
    COUNTER(MOVED, "moved", false)                                                                 \
    COUNTER(REMOVED, "removed", false)                                                             \
    COUNTER(AGED, "aged", false)                                                                   \
    COUNTER(FLUSHES, "flushes", false)                                                             \
    COUNTER(REFUSED, "not_stored", true)                                                           \
    COUNTER(OVER_LIMIT, "over_limit", true)

enum counter {
#define COUNTER(name, word, loss) COUNT_##name,
    COUNTERS(COUNTER)
#undef COUNTER
        COUNTER_COUNT
};

struct fdb_follow {
    struct event_feed *feed;
    char *switch_name;
    struct span refresh, lifetime, ageing;
    struct names *ports;
    uint64_t seed;
    struct row *slots;
    size_t mask, count;
    uint32_t look;
    size_t gone;   /* since the last end */
    size_t before; /* rows at the last end */
    bool told;     /* anything since the last end */
    struct {
        int64_t from_us;
        size_t rows, gone; /* at its begin, since then */
        bool said;
    } window; /* in which a flush is one */
    uint64_t counters[COUNTER_COUNT];
};

/* --- the rows --- */

static size_t home_of(const struct fdb_follow *follow, uint64_t key, uint32_t bridge)
{
    return hash_u64(key, follow->seed + bridge) & follow->mask;
}

/* Returns the slot of the row, or the free one where it would be. */
static struct row *find(struct fdb_follow *follow, uint64_t key, uint32_t bridge)
{
    size_t at = home_of(follow, key, bridge);
    while (follow->slots[at].state != ROW_FREE &&
           (follow->slots[at].key != key || follow->slots[at].bridge != bridge))
        at = (at + 1) & follow->mask;
    return &follow->slots[at];
}

static void grow(struct fdb_follow *follow)
{
    struct row *old = follow->slots;
    size_t old_size = follow->mask + 1;
    follow->mask = old_size * 2 - 1;
    follow->slots = alloc_zeroed(old_size * 2, sizeof(*follow->slots));
    for (size_t i = 0; i < old_size; i++)
        if (old[i].state != ROW_FREE)
            *find(follow, old[i].key, old[i].bridge) = old[i];
    free(old);
}

/* Returns a new row in state ROW_NEW, NULL when there are too many. */
static struct row *add(struct fdb_follow *follow, uint64_t key, uint32_t bridge)
{
    if (follow->count == LIMIT_FOLLOWED_ROWS) {
        follow->counters[COUNT_OVER_LIMIT]++;
        return NULL;
    }
    if ((follow->count + 1) * 2 > follow->mask + 1)
        grow(follow);
    struct row *row = find(follow, key, bridge);
    *row = (struct row){.key = key, .bridge = bridge, .state = ROW_NEW};
    follow->count++;
    return row;
}

/* Frees a slot and closes the gap behind it. */
static void discard(struct fdb_follow *follow, struct row *row)
{
    size_t hole = (size_t)(row - follow->slots);
    for (size_t at = (hole + 1) & follow->mask; follow->slots[at].state != ROW_FREE;
         at = (at + 1) & follow->mask) {
        size_t home = home_of(follow, follow->slots[at].key, follow->slots[at].bridge);
        if (((at - home) & follow->mask) < ((at - hole) & follow->mask))
            continue;
        follow->slots[hole] = follow->slots[at];
        hole = at;
    }
    follow->slots[hole].state = ROW_FREE;
    follow->count--;
}

/* --- events --- */

static bool tell(struct fdb_follow *follow, const struct row *row, enum event_kind kind,
                 uint32_t port, int64_t at_us, const char *cause)
{
    char session[SESSION_SIZE];
    struct event event = event_of(kind);
    event.mac = (struct mac){row->key >> 16};
    event.vlan = (uint16_t)(row->key & 0xffff);
    event.switch_name = event.nas = follow->switch_name;
    event.port = names_get(follow->ports, port);
    event.proof = EVENT_PROOF_TOLD;
    event.at = (struct wall){at_us};
    event.cause = cause;
    if (kind != EVENT_STOP)
        event.lifetime = follow->lifetime;
    snprintf(session, sizeof(session), "vlan %u %s", event.vlan, event.port);
    event.session = session;
    if (event_feed_add(follow->feed, &event, EVENT_NO_TICKET) != 0) {
        follow->counters[COUNT_REFUSED]++;
        return false;
    }
    follow->told = true;
    return true;
}

static void tell_start(struct fdb_follow *follow, struct row *row)
{
    if (row->uplink || !tell(follow, row, EVENT_START, row->port, row->heard_us, NULL))
        return;
    row->state = ROW_TOLD;
    row->told_us = row->heard_us;
    follow->counters[COUNT_LEARNT]++;
}

/* Forgets a row whose session is over; keeps it while the stop cannot be told. */
static void tell_stop(struct fdb_follow *follow, struct row *row, int64_t now_us)
{
    if (row->state != ROW_NEW) {
        row->state = ROW_GONE;
        if (!tell(follow, row, EVENT_STOP, row->port, now_us, "removed"))
            return;
    }
    discard(follow, row);
}

/* --- what happened --- */

static void move(struct fdb_follow *follow, struct row *row, const struct fdb_place *place,
                 uint32_t port, int64_t heard_us)
{
    struct row was = *row;
    row->port = port;
    row->uplink = place->uplink;
    row->heard_us = heard_us;
    row->state = ROW_NEW;
    tell_start(follow, row);
    follow->counters[COUNT_MOVED]++;
    /* Where even this is refused, the old session runs out; the new one goes on. */
    if (was.state != ROW_NEW)
        (void)tell(follow, &was, EVENT_STOP, was.port, heard_us, "moved");
}

static void refresh(struct fdb_follow *follow, struct row *row, int64_t heard_us)
{
    if (heard_us > row->heard_us)
        row->heard_us = heard_us;
    if (row->state != ROW_TOLD) {
        /* Not told yet, or back before its stop was told: one session goes on. */
        bool begun = row->state == ROW_GONE;
        row->state = begun ? ROW_TOLD : ROW_NEW;
        if (!begun)
            tell_start(follow, row);
        return;
    }
    if (row->heard_us - row->told_us < follow->refresh.us ||
        !tell(follow, row, EVENT_UPDATE, row->port, row->heard_us, NULL))
        return;
    row->told_us = row->heard_us;
    follow->counters[COUNT_REFRESHED]++;
}

static uint64_t key_of(const struct fdb_place *place)
{
    return place->mac.bits << 16 | place->vlan;
}

void fdb_follow_seen(struct fdb_follow *follow, const struct fdb_place *place, struct wall heard)
{
    size_t length = strlen(place->port);
    if (length == 0 || length > LIMIT_NAME_BYTES || !mac_known(place->mac))
        return;
    uint32_t port = names_add(follow->ports, place->port, length);
    struct row *row = find(follow, key_of(place), place->bridge);
    if (row->state == ROW_FREE) {
        row = add(follow, key_of(place), place->bridge);
        if (row == NULL)
            return;
        row->port = port;
        row->uplink = place->uplink;
        row->heard_us = heard.us;
        tell_start(follow, row);
    } else if (row->port != port) {
        move(follow, row, place, port, heard.us);
    } else {
        refresh(follow, row, heard.us);
    }
    row->look = follow->look;
}

static void take_out(struct fdb_follow *follow, struct row *row, bool aged, int64_t now_us)
{
    follow->gone += !aged;
    follow->counters[aged ? COUNT_AGED : COUNT_REMOVED]++;
    if (aged)
        discard(follow, row);
    else
        tell_stop(follow, row, now_us);
}

void fdb_follow_gone(struct fdb_follow *follow, const struct fdb_place *place, bool aged,
                     struct wall now)
{
    struct row *row = find(follow, key_of(place), place->bridge);
    if (row->state == ROW_FREE || row->state == ROW_GONE ||
        strcmp(names_get(follow->ports, row->port), place->port) != 0)
        return;
    take_out(follow, row, aged, now.us);
}

/* --- whole tables --- */

static void set_ageing(struct fdb_follow *follow, struct span ageing)
{
    follow->ageing = ageing.us >= 0 ? ageing : FORWARD_DEFAULT_AGEING;
    follow->lifetime = follow->ageing.us > 0 ? span_us(follow->ageing.us + 2 * follow->refresh.us +
                                                       span_seconds(LIFETIME_SLACK_S).us)
                                             : span_us(0);
}

static void see_row(struct fdb_follow *follow, const struct forward_table *table,
                    const struct forward_row *row, struct wall now)
{
    size_t vlans;
    const uint32_t *vlan = vlan_pool_get(table->vlans, row->vlan, &vlans);
    if (forward_row_status(row) != FORWARD_LEARNED || row->port == FORWARD_NO_PORT)
        return;
    const struct forward_port *port = &table->ports[row->port];
    const struct fdb_place place = {.mac = forward_row_mac(row),
                                    .vlan = vlans > 0 ? (uint16_t)vlan[0] : 0,
                                    .bridge = port->bridge,
                                    .port = names_get(table->names, port->name),
                                    .uplink = port->uplink || port->tunnel};
    uint16_t age = row->age == FORWARD_AGE_UNKNOWN ? 0 : row->age;
    fdb_follow_seen(follow, &place, (struct wall){now.us - span_seconds(age).us});
}

/* Takes out what this look did not show. A row that was moved into its gap is looked at
 * too, since the slot is looked at again. */
static void sweep(struct fdb_follow *follow, struct wall now)
{
    for (size_t i = 0; i <= follow->mask;) {
        struct row *row = &follow->slots[i];
        size_t count = follow->count;
        if (row->state == ROW_GONE)
            tell_stop(follow, row, now.us);
        else if (row->state != ROW_FREE && row->look != follow->look)
            take_out(follow, row, now.us - row->heard_us >= follow->ageing.us - AGED_SLACK_US,
                     now.us);
        i += follow->count == count;
    }
}

void fdb_follow_table(struct fdb_follow *follow, const struct forward_table *table, struct wall now)
{
    follow->look++;
    set_ageing(follow, table->ageing);
    for (size_t i = 0; i < table->row_count; i++)
        see_row(follow, table, &table->rows[i], now);
    if (table->whole)
        sweep(follow, now);
    fdb_follow_end(follow, now);
}

static void tell_flush(struct fdb_follow *follow, struct wall now)
{
    struct event event = event_of(EVENT_HINT);
    event.hint = EVENT_HINT_TOPOLOGY_CHANGE;
    event.proof = EVENT_PROOF_TOLD;
    event.switch_name = event.nas = follow->switch_name;
    event.cause = "half of its forward table went at once";
    event.at = now;
    follow->counters[COUNT_FLUSHES]++;
    if (event_feed_add(follow->feed, &event, EVENT_NO_TICKET) == 0)
        follow->told = true;
    else
        follow->counters[COUNT_REFUSED]++;
}

/* Whether what went within a second is half of what there was, and was not said yet. */
static bool is_flush(struct fdb_follow *follow, struct wall now)
{
    int64_t passed = now.us - follow->window.from_us;
    if (passed >= FLUSH_US || passed < 0) {
        follow->window.from_us = now.us;
        follow->window.rows = follow->before;
        follow->window.gone = 0;
        follow->window.said = false;
    }
    follow->window.gone += follow->gone;
    return !follow->window.said && follow->window.gone >= FLUSH_ROWS &&
           follow->window.gone * 2 >= follow->window.rows;
}

void fdb_follow_end(struct fdb_follow *follow, struct wall now)
{
    if (is_flush(follow, now)) {
        follow->window.said = true;
        tell_flush(follow, now);
    }
    if (follow->told)
        event_feed_flush(follow->feed);
    follow->told = false;
    follow->gone = 0;
    follow->before = follow->count;
}

/* --- life --- */

struct fdb_follow *fdb_follow_new(const struct fdb_follow_settings *settings)
{
    struct fdb_follow *follow = alloc_zeroed(1, sizeof(*follow));
    follow->feed = settings->feed;
    follow->switch_name = alloc_text(settings->switch_name);
    follow->refresh = settings->refresh;
    follow->ports = names_new();
    follow->seed = hash_seed();
    follow->slots = alloc_zeroed(SLOTS_FIRST, sizeof(*follow->slots));
    follow->mask = SLOTS_FIRST - 1;
    set_ageing(follow, FORWARD_DEFAULT_AGEING);
    return follow;
}

void fdb_follow_free(struct fdb_follow *follow)
{
    if (follow == NULL)
        return;
    names_free(follow->ports);
    free(follow->slots);
    free(follow->switch_name);
    free(follow);
}

void fdb_follow_status(const struct fdb_follow *follow, struct source_status *ret)
{
    static const struct {
        const char *name;
        bool loss;
    } words[] = {
#define COUNTER(name, word, loss) {word, loss},
        COUNTERS(COUNTER)
#undef COUNTER
    };
    for (size_t i = 0; i < COUNTER_COUNT; i++) {
        CHECK(ret->count < SOURCE_COUNTER_MAX);
        ret->counters[ret->count++] =
            (struct source_counter){words[i].name, follow->counters[i], words[i].loss};
    }
    CHECK(ret->count < SOURCE_COUNTER_MAX);
    ret->counters[ret->count++] = (struct source_counter){"followed", follow->count, false};
}
