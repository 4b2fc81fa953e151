/* SPDX-License-Identifier: Apache-2.0 */

/* A simulated agent: any datagram, to an agent with v2c contexts, a v3 user and,
 * by the first octet, faults of content. What it answers must decode. */

#include "base/check.h"
#include "sim/agent.h"
#include "sim/records.h"
#include "sim/switch_mib.h"

#include <stdlib.h>
#include <string.h>

struct fixture {
    struct datacentre *dc;
    struct switch_mib *mib;
    struct usm_crypto *crypto;
    struct usm_user user;
    struct sim_agent *agent;
};

static const struct wall start = {INT64_C(1795435200) * 1000000};

static const struct mib_view *view(void *state, const char *context, struct wall now,
                                   const struct sim_faults *faults, int64_t uptime_cs)
{
    struct fixture *f = state;
    switch_mib_set_uptime(f->mib, uptime_cs);
    return switch_mib_view(f->mib, context);
}

static const struct oid *forward(void *state)
{
    struct fixture *f = state;
    return switch_mib_forward_oid(f->mib);
}

static struct fixture *fixture(void)
{
    static struct fixture f;
    struct datacentre_shape shape;
    struct switch_mib_extra extra = {.rate = 1};
    const struct sim_credentials *c = &sim_default_credentials;
    if (f.agent)
        return &f;
    datacentre_shape_init(&shape);
    shape.start = start;
    shape.dialect = FABRIC_BRIDGE_CONTEXT;
    shape.dialects = false;
    f.dc = datacentre_new(&shape);
    f.mib = switch_mib_new(f.dc, 0, &extra);
    f.crypto = usm_crypto_new();
    int error =
        usm_user_init(&f.user, f.crypto, c->user, USM_AUTH_NONE, NULL, USM_PRIV_NONE, NULL, NULL);
    CHECK(error == 0);
    struct sim_source source = {.state = &f, .view = view, .forward = forward};
    struct sim_agent_config config = {
        .name = "sw", .users = &f.user, .user_count = 1, .number = 1, .booted = start};
    f.agent = sim_agent_new(&config, &source);
    return &f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fixture *f = fixture();
    if (size < 1 || size > 4096)
        return 0;
    *sim_agent_faults(f->agent) = (struct sim_faults){
        .unordered = (data[0] & 1) != 0,
        .loop_at = (data[0] & 2) != 0 ? 3 : 0,
        .cut_at = (data[0] & 4) != 0 ? 5 : 0,
        .stop_at = (data[0] & 8) != 0 ? 4 : 0,
        .one_row = (data[0] & 16) != 0,
        .too_big_above = (data[0] & 32) != 0 ? 10 : 0,
    };
    uint8_t *request = malloc(size), reply[4096];
    memcpy(request, data + 1, size - 1);
    size_t length =
        sim_agent_answer(f->agent, f->crypto, request, size - 1, start, reply, sizeof(reply));
    struct snmp_message answer;
    CHECK(length <= SIM_AGENT_MESSAGE_SIZE + SNMP_HEADROOM);
    if (length > 0) {
        int error = snmp_message_decode(reply, length, &answer);
        CHECK(error == 0);
    }
    free(request);
    return 0;
}
