/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SNMP_RTO_H
#define MUSTER_SNMP_RTO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/* How long to wait for a device's answer before asking again: the estimator of
 * RFC 6298 (smoothed round trip + 4 x its variation), with a floor far below
 * TCP's second, since a lost request must not cost a walk more than it must. The
 * engine begins with a low floor and doubles it for each device that answers a try
 * after the next one was sent, so that a busy device is asked twice a few times only.
 *
 * Every try has its own request id, so each answer tells which try it answers and
 * every answer is a sample: Karn's problem does not arise. A sudden slow spell
 * raises the estimate with its first answer. */

struct rto {
    int32_t srtt_us, variation_us;
    bool measured;
};

/* Takes one round trip. */
void rto_sample(struct rto *rto, struct span round_trip);

/* Returns the time to wait after the `tries`-th try (1 for the first): doubled
 * with each, at least `floor`, at most `cap`; `initial` (doubled likewise) while
 * nothing was measured. */
struct span rto_wait(const struct rto *rto, unsigned tries, struct span initial, struct span floor,
                     struct span cap);

#endif
