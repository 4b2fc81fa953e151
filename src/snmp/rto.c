/* SPDX-License-Identifier: Apache-2.0 */
#include "snmp/rto.h"

enum { SAMPLE_MAX_US = 60 * 1000000 };

void rto_sample(struct rto *rto, struct span round_trip)
{
    int64_t sample = round_trip.us < 0 ? 0 : round_trip.us;
    if (sample > SAMPLE_MAX_US)
        sample = SAMPLE_MAX_US;
    if (!rto->measured) {
        *rto = (struct rto){(int32_t)sample, (int32_t)sample / 2, true};
        return;
    }
    int64_t error = sample - rto->srtt_us;
    int64_t size = error < 0 ? -error : error;
    rto->variation_us += (int32_t)((size - rto->variation_us) / 4);
    rto->srtt_us += (int32_t)(error / 8);
}

struct span rto_wait(const struct rto *rto, unsigned tries, struct span initial, struct span floor,
                     struct span cap)
{
    int64_t wait = rto->measured ? rto->srtt_us + 4 * (int64_t)rto->variation_us : initial.us;
    if (wait < floor.us)
        wait = floor.us;
    for (unsigned i = 1; i < tries && wait < cap.us; i++)
        wait *= 2;
    return span_us(wait < cap.us ? wait : cap.us);
}
