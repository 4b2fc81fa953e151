/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/registry.h"

#include <string.h>

#include "base/check.h"
#include "source/announce.h"
#include "source/csv.h"
#include "source/exec.h"
#include "source/linux_bridge.h"
#include "source/linux_bridge_events.h"
#include "source/mobile_ip.h"
#include "source/ovs.h"
#include "source/ovs_events.h"
#include "source/radius.h"
#include "source/recording.h"
#include "source/snmp.h"
#include "source/snmp_trap.h"

static const struct recorded_source_class *const recorded[] = {
    &recorded_csv,
    &recorded_exec,
};

static const struct observed_source_class *const observed[] = {
    &observed_linux_bridge,
    &observed_ovs,
    &observed_recording,
    &observed_snmp,
};

/* Ends with NULL. */
static const struct event_source_class *const events[] = {
    &event_announce,
    &event_linux_bridge,
    &event_mobile_ip,
    &event_ovs,
    &event_radius,
    &event_snmp_trap,
    NULL,
};

const struct recorded_source_class *const *registry_recorded(size_t *ret_count)
{
    *ret_count = ARRAY_COUNT(recorded);
    return recorded;
}

const struct observed_source_class *const *registry_observed(size_t *ret_count)
{
    *ret_count = ARRAY_COUNT(observed);
    return observed;
}

const struct event_source_class *const *registry_event(size_t *ret_count)
{
    *ret_count = ARRAY_COUNT(events) - 1;
    return events;
}

const struct recorded_source_class *registry_find_recorded(const char *type)
{
    for (size_t i = 0; i < ARRAY_COUNT(recorded); i++) {
        if (strcmp(recorded[i]->plug.type, type) == 0)
            return recorded[i];
    }
    return NULL;
}

const struct observed_source_class *registry_find_observed(const char *type)
{
    for (size_t i = 0; i < ARRAY_COUNT(observed); i++) {
        if (strcmp(observed[i]->plug.type, type) == 0)
            return observed[i];
    }
    return NULL;
}

const struct event_source_class *registry_find_event(const char *type)
{
    for (size_t i = 0; events[i] != NULL; i++) {
        if (strcmp(events[i]->plug.type, type) == 0)
            return events[i];
    }
    return NULL;
}

void registry_recorded_types(struct text *to)
{
    for (size_t i = 0; i < ARRAY_COUNT(recorded); i++)
        text_printf(to, "%s%s", i > 0 ? ", " : "", recorded[i]->plug.type);
}

void registry_observed_types(struct text *to)
{
    for (size_t i = 0; i < ARRAY_COUNT(observed); i++)
        text_printf(to, "%s%s", i > 0 ? ", " : "", observed[i]->plug.type);
}

void registry_event_types(struct text *to)
{
    for (size_t i = 0; events[i] != NULL; i++)
        text_printf(to, "%s%s", i > 0 ? ", " : "", events[i]->plug.type);
}
