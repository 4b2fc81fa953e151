/* SPDX-License-Identifier: Apache-2.0 */
#include "source/radius_event.h"

enum {
    INTERIM_FLOOR = 60, /* RFC 2869 section 2.1 */
    INTERIMS_MISSED = 3 /* DOMAIN F2 */
};

enum event_kind radius_event_kind(enum radius_status status)
{
    switch (status) {
    case RADIUS_STATUS_START:
        return EVENT_START;
    case RADIUS_STATUS_INTERIM:
        return EVENT_UPDATE;
    case RADIUS_STATUS_STOP:
        return EVENT_STOP;
    case RADIUS_STATUS_ON:
    case RADIUS_STATUS_OFF:
        return EVENT_RESET;
    case RADIUS_STATUS_NONE:
    case RADIUS_STATUS_FAILED:
    case RADIUS_STATUS_OTHER:
    case RADIUS_STATUS_COUNT:
        break;
    }
    return EVENT_KIND_COUNT;
}

const char *radius_event_cause(const struct radius_accounting *record)
{
    switch (record->status) {
    case RADIUS_STATUS_STOP:
        return record->has_cause ? radius_cause_word(record->cause) : NULL;
    case RADIUS_STATUS_ON:
        return "Accounting-On";
    case RADIUS_STATUS_OFF:
        return "Accounting-Off";
    default:
        return NULL;
    }
}

struct span radius_event_lifetime(const struct radius_accounting *record)
{
    if (!record->has_interim || record->interim_seconds < INTERIM_FLOOR ||
        (record->status != RADIUS_STATUS_START && record->status != RADIUS_STATUS_INTERIM))
        return span_us(0);
    return span_seconds((int64_t)record->interim_seconds * INTERIMS_MISSED);
}

bool radius_event_nobodys(const struct ip *address)
{
    static const struct ip loopback = {.octets = {[15] = 1}};
    return ip_is_v4(address) ? address->octets[12] == 0 || address->octets[12] == 127
                             : ip_equal(address, &loopback);
}
