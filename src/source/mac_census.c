/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mac_census.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/limits.h"
#include "source/fair_rate.h"

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

struct mac_census {
    struct member *members;
    struct span again;
    struct wall began;
    struct fair_rate rates[TELLING_COUNT];
    /* Of what was last judged to be told. */
    struct member *place; /* NULL: nothing, or it has been told */
    uint16_t vlan;
    enum telling telling;
    struct member next;
    struct census_counters counters;
};

struct mac_census *mac_census_new(struct span again, uint32_t rate)
{
    struct mac_census *census = alloc_zeroed(1, sizeof *census);
    census->members = alloc_huge_lazy((size_t)LIMIT_CENSUS_MACS * sizeof *census->members);
    census->again = again;
    census->began = WALL_UNKNOWN;
    fair_rate_init(&census->rates[NEWS],
                   &(struct fair_settings){rate, LIMIT_CENSUS_NEWS, LIMIT_CENSUS_BURST});
    fair_rate_init(&census->rates[AGAIN],
                   &(struct fair_settings){rate, LIMIT_CENSUS_AGAIN, LIMIT_CENSUS_BURST});
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

/* Judges what would be told; counts what is not. */
static enum census_verdict judge(struct mac_census *census, struct member *place,
                                 enum telling telling, int64_t second)
{
    switch (fair_rate_ask(&census->rates[telling], census->vlan, second)) {
    case FAIR_PASS:
        census->place = place;
        census->telling = telling;
        return telling == NEWS ? CENSUS_NEW : CENSUS_AGAIN;
    case FAIR_LANE_FULL:
        *(telling == NEWS ? &census->counters.silenced : &census->counters.put_off) += 1;
        return CENSUS_SILENCED;
    case FAIR_OVER_ALL:
        *(telling == NEWS ? &census->counters.over_all : &census->counters.put_off) += 1;
        return CENSUS_SILENCED;
    }
    UNREACHABLE();
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
    census->vlan = vlan;
    if (place->key != key) {
        census->next = (struct member){.key = key, .told = now, .heard = now & INT32_MAX};
        return judge(census, place, NEWS, second);
    }
    place->again |= place->heard != now;
    place->heard = now;
    int64_t since = (int64_t)now - place->told; /* below 0: the clock was set back */
    if (since * 1000000 < census->again.us)
        return CENSUS_KNOWN;
    census->next = *place;
    census->next.told = now;
    return judge(census, place, AGAIN, second);
}

void mac_census_told(struct mac_census *census)
{
    struct member *place = census->place;
    if (place == NULL)
        return;
    fair_rate_take(&census->rates[census->telling], census->vlan);
    if (census->telling == NEWS) {
        census->counters.evicted += place->key != 0 && place->again;
        census->counters.known += place->key == 0;
    }
    *place = census->next;
    census->place = NULL;
}
