/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/demo_world.h"

#include "base/check.h"

/* What happens, in seconds from the first round. Hypervisors and switches first:
 * the guests that chance takes for the rest are then not theirs. */
static const struct {
    int at;
    enum sim_action action;
    const char *subject, *target;
    int lag; /* seconds; -1: the records never follow */
} script[] = {
    {-60, SIM_SWITCH_DIES, "acc3", NULL, -1}, {-60, SIM_DIE, "hv01", NULL, -1},
    {-60, SIM_RECABLE, "hv02", NULL, -1},     {-60, SIM_NO_ATTACHMENT, "hv03", NULL, -1},
    {-60, SIM_FAILOVER, "hv04", NULL, -1},    {-60, SIM_UNKNOWN, "hv05", NULL, -1},
    {-60, SIM_NIC_CRASH, NULL, NULL, -1},     {-3600, SIM_ZOMBIE, NULL, NULL, -1},
    {-60, SIM_CLONE, NULL, NULL, -1},         {-60, SIM_MIGRATE, NULL, NULL, -1},
    {-60, SIM_MIGRATE, NULL, NULL, 20},       {-60, SIM_CRASH, NULL, NULL, -1},
    {-60, SIM_WRONG_VLAN, NULL, NULL, -1},    {-60, SIM_ACCESS_PORT, NULL, NULL, -1},
    {-60, SIM_CONFLICT, NULL, NULL, -1},      {-3, SIM_POWER_OFF, NULL, NULL, 0},
    {-3, SIM_SILENT_MOVE, NULL, NULL, 0},
};

static bool schedule(struct datacentre *dc, int at, enum sim_action action, const char *subject,
                     const char *target, int lag)
{
    struct sim_event event = {
        .at = wall_add(datacentre_now(dc), span_seconds(at)),
        .action = action,
        .subject = subject,
        .target = target,
        .lag = lag < 0 ? SIM_NEVER : span_seconds(lag),
    };
    return datacentre_schedule(dc, &event, NULL) == 0;
}

/* To another port or back in each pause. */
static bool schedule_flap(struct datacentre *dc)
{
    const char *guest = NULL;
    for (int pause = 0; pause + 1 < SIM_DEMO_ROUNDS; pause++) {
        int at = pause * SIM_DEMO_ROUND_SECONDS + SIM_DEMO_ROUND_SECONDS / 2 + 1;
        if (!schedule(dc, at, SIM_FLAP, guest, NULL, -1))
            return false;
        guest = datacentre_last_scheduled(dc);
    }
    return true;
}

static struct datacentre *try_seed(uint64_t seed, struct wall start)
{
    struct datacentre_shape shape;
    datacentre_shape_init(&shape);
    shape.seed = seed;
    shape.hypervisors = 10;
    shape.guests = 60;
    shape.ageing = span_seconds(SIM_DEMO_AGEING_SECONDS);
    shape.start = start;
    struct datacentre *dc = datacentre_new(&shape);
    bool complete = true;
    for (size_t i = 0; i < ARRAY_COUNT(script) && complete; i++)
        complete = schedule(dc, script[i].at, script[i].action, script[i].subject, script[i].target,
                            script[i].lag);
    if (complete && schedule_flap(dc)) {
        datacentre_advance(dc, start);
        return dc;
    }
    datacentre_free(dc);
    return NULL;
}

/* A seed whose guests do not suffice (none that is left has two NICs) gives way
 * to the next one. */
struct datacentre *sim_demo_world(uint64_t seed, struct wall start)
{
    for (unsigned tries = 0; tries < 1000; tries++) {
        struct datacentre *dc = try_seed(seed + tries, start);
        if (dc)
            return dc;
    }
    UNREACHABLE();
}
