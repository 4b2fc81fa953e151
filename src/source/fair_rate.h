/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_FAIR_RATE_H
#define MUSTER_SOURCE_FAIR_RATE_H

#include <stdint.h>

/* How many events a second may be made of what anybody can invent, and whose.
 *
 * What is told belongs to a lane: that of its VLAN, of its home network. A lane has its
 * rate, so one that floods has no more; and there is a limit over all lanes, since lanes
 * are invented as easily as what is in them. The limit is shared in two halves. One
 * belongs to the lanes, each its equal part, which nobody else can use up; the other is a
 * common store that any lane may draw from up to its rate, and which saves up to `burst`
 * of what quiet seconds leave, so that much that is true may come at once.
 *
 * Time is in whole seconds and the caller's. A clock that was set back gives a lane its
 * share anew and fills nothing up; one that jumps ahead fills the store once. Whoever is
 * left out is counted by the caller. */

enum { FAIR_LANES = 256 };

enum fair_verdict {
    FAIR_PASS,
    FAIR_LANE_FULL, /* its lane had its rate in this second */
    FAIR_OVER_ALL   /* all lanes together had the limit */
};

struct fair_settings {
    uint32_t lane;  /* a second, of one lane */
    uint32_t all;   /* a second, of all; at least twice FAIR_LANES */
    uint32_t burst; /* that the store holds */
};

struct fair_lane {
    int64_t second;
    uint32_t used;
};

struct fair_rate {
    struct fair_settings settings;
    int64_t second;
    uint32_t left; /* in the store */
    struct fair_lane lanes[FAIR_LANES];
};

/* Begins with a full store. */
void fair_rate_init(struct fair_rate *rate, const struct fair_settings *settings);

/* Returns whether one more of `lane` (any number) may be told in `second`. */
enum fair_verdict fair_rate_ask(struct fair_rate *rate, uint64_t lane, int64_t second);

/* Says that it was told, after FAIR_PASS for the same lane. */
void fair_rate_take(struct fair_rate *rate, uint64_t lane);

#endif
