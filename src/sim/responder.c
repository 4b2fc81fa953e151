/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/responder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "sim/site.h"
#include "sim/switch_mib.h"

enum {
    ROWS_MAX = 16 * 1000000,
    COLUMNS = 2, /* port and status */
    VARBIND_MAX = 48
};

struct sim_responder {
    uint32_t rows;
    bool vlans;
    struct datacentre *dc; /* one switch, for everything but the rows */
    struct switch_mib *mib;
    uint8_t prefix[OID_BER_SIZE]; /* of the port column; the status column is the next */
    size_t prefix_length;
    uint8_t *template; /* encoded varbinds of both columns; NULL when too many */
    uint32_t *offsets; /* of each varbind, and the end */
    uint64_t *keys;    /* FDB id and address of each row, rising */
    struct usm_crypto *crypto;
    struct usm_user user;
};

/* --- the ordinary way --- */

static const struct mib_view *responder_view(void *state, const char *context, struct wall now,
                                             const struct sim_faults *faults, int64_t uptime_cs)
{
    struct sim_responder *r = state;
    switch_mib_set_uptime(r->mib, uptime_cs);
    return switch_mib_view(r->mib, context);
}

/* --- the fast way --- */

/* The number that an index stands for: FDB id (0 without VLANs), then the address.
 * Missing octets count as 0. Returns false for what no row's index looks like. */
static bool index_key(const struct sim_responder *r, const uint32_t *ids, size_t count,
                      uint64_t *ret)
{
    size_t skip = r->vlans ? 1 : 0;
    uint64_t key = skip && count > 0 ? ids[0] : 0;
    if (count > 6 + skip || key > UINT16_MAX)
        return false;
    for (size_t i = skip; i < 6 + skip; i++) {
        if (i < count && ids[i] > 255)
            return false;
        key = key << 8 | (i < count ? ids[i] : 0);
    }
    *ret = key;
    return true;
}

/* Finds the first row after the index tail of a request's OID, `rows` when there is
 * none. */
static bool next_row(const struct sim_responder *r, const uint8_t *tail, size_t length,
                     uint32_t *ret)
{
    uint32_t ids[8];
    size_t count;
    uint64_t key;
    if (oid_index_decode(tail, length, ids, ARRAY_COUNT(ids), &count) != 0 ||
        !index_key(r, ids, count, &key))
        return false;
    key += count == (r->vlans ? 7u : 6u); /* a whole index was had already */
    uint32_t low = 0, high = r->rows;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (r->keys[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    *ret = low;
    return true;
}

/* Which of the two columns an OID is in, COLUMNS when in none. */
static uint32_t column_of(const struct sim_responder *r, const struct snmp_varbind *bind)
{
    size_t last = r->prefix_length - 1;
    if (bind->oid_length <= last || memcmp(bind->oid, r->prefix, last) != 0)
        return COLUMNS;
    uint32_t column = (uint32_t)bind->oid[last] - r->prefix[last];
    return column < COLUMNS ? column : COLUMNS;
}

static bool responder_bulk(void *state, const struct snmp_message *request, size_t budget,
                           struct ber_writer *writer)
{
    struct sim_responder *r = state;
    struct ber_reader list = snmp_message_varbinds(request);
    struct snmp_varbind bind, second;
    uint32_t row;
    if (!r->template || request->error_status > 0 || request->error_index < 1 ||
        snmp_varbind_next(&list, &bind) != 1 || snmp_varbind_next(&list, &second) != 0)
        return false;
    uint32_t column = column_of(r, &bind);
    if (column == COLUMNS ||
        !next_row(r, bind.oid + r->prefix_length, bind.oid_length - r->prefix_length, &row))
        return false;
    uint64_t from = (uint64_t)column * r->rows + row, all = (uint64_t)COLUMNS * r->rows;
    uint64_t to = from + (uint32_t)request->error_index;
    if (to > all)
        to = all;
    while (to > from && r->offsets[to] - r->offsets[from] > budget)
        to--;
    if (to == from)
        return false;
    ber_append(writer, r->template + r->offsets[from], r->offsets[to] - r->offsets[from]);
    return true;
}

/* --- building --- */

/* Encodes one instance of the ordinary agent's view, so that the fast way and the
 * ordinary one cannot differ; keeps the key of its index. */
static size_t put_varbind(struct sim_responder *r, const struct mib_view *view,
                          struct mib_cursor at, uint8_t *bytes)
{
    uint8_t content[OID_BER_SIZE], buffer[VARBIND_MAX];
    struct oid oid;
    struct mib_cell cell;
    struct ber_writer writer;
    mib_view_oid(view, at, &oid);
    mib_view_value(view, at, &cell);
    uint32_t prefix = view->columns[at.column].prefix.length;
    bool regular = index_key(r, oid.ids + prefix, oid.length - prefix, &r->keys[at.row]);
    CHECK(regular);
    size_t length = oid_encode(&oid, content);
    ber_writer_init(&writer, buffer, sizeof(buffer), 0);
    bool fits = snmp_writer_add(&writer, content, length, &cell.value);
    CHECK(fits);
    memcpy(bytes, buffer + writer.begin, writer.end - writer.begin);
    return writer.end - writer.begin;
}

static void build_template(struct sim_responder *r)
{
    const struct mib_view *view = switch_mib_view(r->mib, "");
    struct oid port = *switch_mib_forward_oid(r->mib);
    struct mib_cursor start;
    CHECK(oid_append(&port, 2) == 0);
    bool found = mib_view_after(view, &port, &start);
    CHECK(found && view->columns[start.column].rows == r->rows);
    r->prefix_length = oid_encode(&port, r->prefix);
    size_t entries = (size_t)COLUMNS * r->rows, used = 0;
    r->template = alloc_array(entries + 1, VARBIND_MAX);
    r->offsets = alloc_array(entries + 1, sizeof(r->offsets[0]));
    r->keys = alloc_array(r->rows, sizeof(r->keys[0]));
    for (size_t i = 0; i < entries; i++) {
        r->offsets[i] = (uint32_t)used;
        struct mib_cursor at = {start.column + i / r->rows, i % r->rows};
        used += put_varbind(r, view, at, r->template + used);
    }
    r->offsets[entries] = (uint32_t)used;
    r->template = alloc_resize(r->template, used, 1);
}

static int build(struct sim_responder *r, const struct sim_responder_config *config,
                 struct wall now, struct err *err)
{
    const struct sim_credentials *c =
        config->credentials ? config->credentials : &sim_default_credentials;
    struct datacentre_shape shape;
    datacentre_shape_init(&shape);
    shape.switches = 1;
    shape.hypervisors = 0;
    shape.stations = 40; /* as many ports, so that rows spread over them */
    shape.dialect = config->vlans ? FABRIC_Q_BRIDGE : FABRIC_BRIDGE;
    shape.dialects = false;
    shape.start = now;
    r->rows = config->rows;
    r->vlans = config->vlans;
    r->dc = datacentre_new(&shape);
    struct switch_mib_extra extra = {.generated_rows = config->rows, .rate = 1};
    r->mib = switch_mib_new(r->dc, 0, &extra);
    if (r->rows <= RESPONDER_TEMPLATE_ROWS)
        build_template(r);
    r->crypto = usm_crypto_new();
    return usm_user_init(&r->user, r->crypto, c->user, c->auth, c->auth_password, c->priv,
                         c->priv_password, err);
}

static int add_devices(struct sim_responder *r, const struct sim_responder_config *config,
                       struct sim_server *server, struct wall now, struct err *err)
{
    uint32_t first = config->first_address ? config->first_address : SIM_SITE_ADDRESS;
    uint16_t port = config->port ? config->port : SIM_SITE_PORT;
    for (uint32_t i = 0; i < config->devices; i++) {
        char name[32];
        snprintf(name, sizeof(name), "dev%u", i + 1);
        struct sim_agent_config agent = {
            .name = name,
            .community = config->credentials ? config->credentials->community : NULL,
            .users = &r->user,
            .user_count = 1,
            .number = first + i,
            .message_size = config->message_size,
            .booted = wall_add(now, span_seconds(-86400))};
        struct sim_source source = {.state = r, .view = responder_view, .bulk = responder_bulk};
        struct sim_agent *fresh = sim_agent_new(&agent, &source);
        sim_agent_faults(fresh)->delay = config->rtt;
        sim_agent_faults(fresh)->loss = config->loss;
        int error = sim_server_add(server, fresh, first + i, port, err);
        if (error)
            return error;
    }
    return 0;
}

int sim_responder_new(const struct sim_responder_config *config, struct sim_server *server,
                      struct wall now, struct sim_responder **ret, struct err *err)
{
    if (config->rows < 1 || config->rows > ROWS_MAX || config->devices > 1u << 22)
        return err_set(err, ERR_RANGE, "simulator: 1 to %d rows and at most %u devices", ROWS_MAX,
                       1u << 22);
    struct sim_responder *r = alloc_zeroed(1, sizeof(*r));
    int error = build(r, config, now, err);
    if (!error)
        error = add_devices(r, config, server, now, err);
    if (error) {
        sim_responder_free(r);
        return error;
    }
    *ret = r;
    return 0;
}

void sim_responder_free(struct sim_responder *r)
{
    if (!r)
        return;
    switch_mib_free(r->mib);
    datacentre_free(r->dc);
    usm_user_done(&r->user);
    usm_crypto_free(r->crypto);
    free(r->template);
    free(r->offsets);
    free(r->keys);
    free(r);
}
