/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mac_census.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/limits.h"

enum { SET = 4, SETS = LIMIT_CENSUS_MACS / SET };

/* Sixteen octets, so a set is one line of the cache. */
struct member {
    uint64_t key;  /* MAC below the VLAN; 0: free */
    uint32_t told; /* seconds since the census began, of the last time it was told */
    uint32_t heard : 31;
    uint32_t again : 1; /* heard more than once */
};

_Static_assert(sizeof(struct member) * SET == 64, "a set is one line");

/* What is told is told for the first time or again; one flood does not use up the other's
 * share. */
enum telling { NEWS, AGAIN, TELLING_COUNT };

struct lane {
    int64_t second;
    uint32_t used[TELLING_COUNT];
};

/* What all lanes may draw from when their own share of the second is used up. */
struct store {
    int64_t second;
    uint32_t left[TELLING_COUNT];
};

static const uint32_t limits[TELLING_COUNT] = {LIMIT_CENSUS_NEWS, LIMIT_CENSUS_AGAIN};

_Static_assert(LIMIT_CENSUS_NEWS / 2 >= CENSUS_LANES && LIMIT_CENSUS_AGAIN / 2 >= CENSUS_LANES,
               "half of a limit is at least one for each lane");

struct mac_census {
    struct member *members;
    struct span again;
    uint32_t rate;
    struct wall began;
    struct lane lanes[CENSUS_LANES];
    struct store store;
    /* Of what was last judged to be told. */
    struct member *place; /* NULL: nothing, or it has been told */
    struct lane *lane;
    enum telling telling;
    struct member next;
    struct census_counters counters;
};

struct mac_census *mac_census_new(struct span again, uint32_t rate)
{
    struct mac_census *census = alloc_zeroed(1, sizeof *census);
    census->members = alloc_huge((size_t)LIMIT_CENSUS_MACS * sizeof *census->members);
    census->again = again;
    census->rate = rate;
    census->began = WALL_UNKNOWN;
    for (int i = 0; i < TELLING_COUNT; i++)
        census->store.left[i] = LIMIT_CENSUS_BURST;
    return census;
}

void mac_census_free(struct mac_census *census)
{
    if (census == NULL)
        return;
    alloc_huge_free(census->members, (size_t)LIMIT_CENSUS_MACS * sizeof *census->members);
    free(census);
}

const struct census_counters *mac_census_counters(const struct mac_census *census)
{
    return &census->counters;
}

static struct member *find(struct mac_census *census, uint64_t key)
{
    struct member *set = census->members + hash_u64(key, hash_seed()) % SETS * SET, *worst = set;
    for (int i = 0; i < SET; i++) {
        struct member *at = set + i;
        if (at->key == key || at->key == 0)
            return at;
        if (at->again < worst->again || (at->again == worst->again && at->heard < worst->heard))
            worst = at;
    }
    return worst;
}

/* --- how many may be told --- */

static uint32_t share(enum telling telling)
{
    return limits[telling] / 2 / CENSUS_LANES;
}

/* A clock that was set back gives a lane its share anew and fills up nothing. */
static void turn_to(struct mac_census *census, struct lane *lane, int64_t second)
{
    struct store *store = &census->store;
    if (lane->second != second)
        *lane = (struct lane){.second = second};
    if (store->second == second)
        return;
    int64_t gone = second > store->second ? second - store->second : 0;
    for (int i = 0; i < TELLING_COUNT; i++) {
        int64_t filled = gone < LIMIT_CENSUS_BURST ? store->left[i] + gone * (limits[i] / 2)
                                                   : LIMIT_CENSUS_BURST;
        store->left[i] = (uint32_t)(filled < LIMIT_CENSUS_BURST ? filled : LIMIT_CENSUS_BURST);
    }
    store->second = second;
}

/* Returns whether one more may be told, else where it is counted. */
static bool may_tell(struct mac_census *census, const struct lane *lane, enum telling telling,
                     uint64_t **ret_counter)
{
    bool in_rate = lane->used[telling] < census->rate;
    if (in_rate && (lane->used[telling] < share(telling) || census->store.left[telling] > 0))
        return true;
    *ret_counter = in_rate ? &census->counters.over_all : &census->counters.silenced;
    if (telling == AGAIN)
        *ret_counter = &census->counters.put_off;
    return false;
}

static enum census_verdict judge(struct mac_census *census, struct member *place,
                                 enum telling telling)
{
    uint64_t *counter;
    if (!may_tell(census, census->lane, telling, &counter)) {
        *counter += 1;
        return CENSUS_SILENCED;
    }
    census->place = place;
    census->telling = telling;
    return telling == NEWS ? CENSUS_NEW : CENSUS_AGAIN;
}

enum census_verdict mac_census_hear(struct mac_census *census, struct mac mac, uint16_t vlan,
                                    struct wall at)
{
    if (!wall_known(census->began))
        census->began = (struct wall){at.us - 1000000};
    int64_t second = at.us > census->began.us ? (at.us - census->began.us) / 1000000 : 1;
    uint64_t key = mac.bits | (uint64_t)vlan << 48;
    struct member *place = find(census, key);
    uint32_t now = (uint32_t)(second & INT32_MAX);
    census->place = NULL;
    census->lane = &census->lanes[vlan % CENSUS_LANES];
    if (place->key != key) {
        turn_to(census, census->lane, second);
        census->next = (struct member){.key = key, .told = now, .heard = now & INT32_MAX};
        return judge(census, place, NEWS);
    }
    place->again |= place->heard != now;
    place->heard = now;
    int64_t since = (int64_t)now - place->told; /* below 0: the clock was set back */
    if (since * 1000000 < census->again.us)
        return CENSUS_KNOWN;
    turn_to(census, census->lane, second);
    census->next = *place;
    census->next.told = now;
    return judge(census, place, AGAIN);
}

void mac_census_told(struct mac_census *census)
{
    struct member *place = census->place;
    if (place == NULL)
        return;
    uint32_t used = census->lane->used[census->telling]++;
    if (used >= share(census->telling))
        census->store.left[census->telling]--;
    if (census->telling == NEWS) {
        census->counters.evicted += place->key != 0 && place->again;
        census->counters.known += place->key == 0;
    }
    *place = census->next;
    census->place = NULL;
}
