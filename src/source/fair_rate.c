/* SPDX-License-Identifier: Apache-2.0 */
#include "source/fair_rate.h"

#include <string.h>

#include "base/check.h"

static uint32_t share(const struct fair_rate *rate)
{
    return rate->settings.all / 2 / FAIR_LANES;
}

void fair_rate_init(struct fair_rate *rate, const struct fair_settings *settings)
{
    CHECK(settings->all >= 2 * FAIR_LANES); /* half of it is at least one for each lane */
    memset(rate, 0, sizeof *rate);
    rate->settings = *settings;
    rate->left = settings->burst;
}

static void turn_to(struct fair_rate *rate, struct fair_lane *lane, int64_t second)
{
    const int64_t burst = rate->settings.burst;
    if (lane->second != second)
        *lane = (struct fair_lane){.second = second};
    if (rate->second == second)
        return;
    int64_t gone = second > rate->second ? second - rate->second : 0;
    int64_t filled =
        gone < burst ? rate->left + gone * (rate->settings.all / 2) : burst; /* 2^31 * 2^31 fits */
    rate->left = (uint32_t)(filled < burst ? filled : burst);
    rate->second = second;
}

enum fair_verdict fair_rate_ask(struct fair_rate *rate, uint64_t lane, int64_t second)
{
    struct fair_lane *at = &rate->lanes[lane % FAIR_LANES];
    turn_to(rate, at, second);
    if (at->used >= rate->settings.lane)
        return FAIR_LANE_FULL;
    return at->used < share(rate) || rate->left > 0 ? FAIR_PASS : FAIR_OVER_ALL;
}

void fair_rate_take(struct fair_rate *rate, uint64_t lane)
{
    uint32_t used = rate->lanes[lane % FAIR_LANES].used++;
    if (used >= share(rate))
        rate->left--;
}
