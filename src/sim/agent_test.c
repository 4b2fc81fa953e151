/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/agent.h"
#include "sim/random.h"
#include "sim/records.h"
#include "sim/switch_mib.h"

/* The golden example's switch as an agent, asked by hand-made messages. */

static const struct wall noon = {INT64_C(1795435200) * 1000000};
static const struct oid fdb_port = {{1, 3, 6, 1, 2, 1, 17, 7, 1, 2, 2, 1, 2}, 13};
static const struct oid fdb_status = {{1, 3, 6, 1, 2, 1, 17, 7, 1, 2, 2, 1, 3}, 13};

enum { GOLDEN_ROWS = 7, BUFFER = 4096 };

struct bench {
    struct datacentre *dc;
    struct switch_mib *mib;
    uint64_t generated_rows;
    struct usm_crypto *crypto;
    struct usm_user user;
    struct usm_keys keys;
    struct sim_agent *agent;
    uint8_t reply[BUFFER], engine[SNMP_ENGINE_ID_SIZE];
    size_t engine_length;
    struct snmp_message answer;
    struct wall now;
};

static const struct mib_view *view(void *state, const char *context, struct wall now,
                                   const struct sim_faults *faults, int64_t uptime_cs)
{
    struct bench *b = state;
    if (!b->mib || b->generated_rows != faults->generated_rows) {
        switch_mib_free(b->mib);
        struct switch_mib_extra extra = {faults->generated_rows, 1};
        b->mib = switch_mib_new(b->dc, 0, &extra);
        b->generated_rows = faults->generated_rows;
    }
    switch_mib_set_uptime(b->mib, uptime_cs);
    return switch_mib_view(b->mib, context);
}

static const struct oid *forward(void *state)
{
    struct bench *b = state;
    return b->mib ? switch_mib_forward_oid(b->mib) : NULL;
}

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    const struct sim_credentials *c = &sim_default_credentials;
    b->dc = datacentre_new_golden(noon);
    b->crypto = usm_crypto_new();
    assert_int_equal(usm_user_init(&b->user, b->crypto, c->user, c->auth, c->auth_password, c->priv,
                                   c->priv_password, NULL),
                     0);
    struct sim_source source = {.state = b, .view = view, .forward = forward};
    struct sim_agent_config config = {
        .name = "sw1", .users = &b->user, .user_count = 1, .number = 7, .booted = noon};
    b->agent = sim_agent_new(&config, &source);
    b->now = wall_add(noon, span_seconds(5000));
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    sim_agent_free(b->agent);
    switch_mib_free(b->mib);
    datacentre_free(b->dc);
    usm_keys_done(&b->keys);
    usm_user_done(&b->user);
    usm_crypto_free(b->crypto);
    free(b);
    return 0;
}

static void fault(struct bench *b, const char *word)
{
    struct err err;
    assert_int_equal(sim_faults_apply(sim_agent_faults(b->agent), word, &err), 0);
}

static struct snmp_octets octets(const char *text)
{
    return (struct snmp_octets){(const uint8_t *)text, strlen(text)};
}

static void start(struct ber_writer *writer, uint8_t *buffer, const struct oid *oid)
{
    uint8_t content[OID_BER_SIZE];
    size_t length = oid_encode(oid, content);
    snmp_writer_init(writer, buffer, BUFFER);
    assert_true(snmp_writer_add(writer, content, length, NULL));
}

static bool send_bytes(struct bench *b, uint8_t *bytes, size_t length)
{
    size_t got = sim_agent_answer(b->agent, b->crypto, bytes, length, b->now, b->reply, BUFFER);
    if (got == 0)
        return false;
    assert_int_equal(snmp_message_decode(b->reply, got, &b->answer), 0);
    return true;
}

/* Sends one request; returns whether an answer came, which is in b->answer. */
static bool ask(struct bench *b, enum snmp_version version, const char *community,
                enum snmp_pdu pdu, const struct oid *oid, int32_t repetitions)
{
    uint8_t buffer[BUFFER];
    struct ber_writer writer;
    start(&writer, buffer, oid);
    struct snmp_message request = {.version = version,
                                   .community = octets(community),
                                   .pdu = pdu,
                                   .request_id = 77,
                                   .error_index = repetitions};
    assert_int_equal(snmp_message_wrap(&request, &writer), 0);
    return send_bytes(b, buffer + writer.begin, snmp_writer_length(&writer));
}

static bool bulk(struct bench *b, const struct oid *oid, int32_t repetitions)
{
    return ask(b, SNMP_V2C, "public", SNMP_GETBULK, oid, repetitions);
}

/* The OIDs and numbers of the answer. */
static size_t read_answer(const struct bench *b, struct oid *oids, struct snmp_value *values,
                          size_t capacity)
{
    struct ber_reader list = snmp_message_varbinds(&b->answer);
    struct snmp_varbind bind;
    size_t count = 0;
    int more;
    while ((more = snmp_varbind_next(&list, &bind)) > 0) {
        assert_true(count < capacity);
        assert_int_equal(oid_decode(bind.oid, bind.oid_length, &oids[count]), 0);
        values[count++] = bind.value;
    }
    assert_int_equal(more, 0);
    return count;
}

static size_t walk(struct bench *b, const struct oid *column, int32_t repetitions,
                   size_t *ret_requests)
{
    struct oid at = *column, oids[64], before = *column;
    struct snmp_value values[64];
    size_t rows = 0;
    for (*ret_requests = 1;; ++*ret_requests) {
        if (!bulk(b, &at, repetitions))
            return rows;
        size_t count = read_answer(b, oids, values, 64);
        for (size_t i = 0; i < count; i++) {
            if (!oid_has_prefix(&oids[i], column) || values[i].type == SNMP_END_OF_MIB_VIEW)
                return rows;
            assert_true(oid_compare(&oids[i], &before) > 0);
            before = at = oids[i];
            rows++;
        }
    }
}

static void a_walk_gives_the_whole_table_in_order(void **state)
{
    struct bench *b = *state;
    size_t requests;
    for (int32_t repetitions = 1; repetitions <= 50; repetitions += 7) {
        assert_int_equal(walk(b, &fdb_port, repetitions, &requests), GOLDEN_ROWS);
        assert_int_equal(walk(b, &fdb_status, repetitions, &requests), GOLDEN_ROWS);
    }
}

static void versions_answer_what_is_missing_in_their_way(void **state)
{
    struct bench *b = *state;
    struct oid oids[4], missing = OID(1, 3, 6, 1, 2, 1, 1, 5, 1), none = OID(1, 3, 7);
    struct snmp_value values[4];
    assert_true(ask(b, SNMP_V2C, "public", SNMP_GET, &missing, 0));
    assert_int_equal(read_answer(b, oids, values, 4), 1);
    assert_int_equal(values[0].type, SNMP_NO_SUCH_INSTANCE);
    assert_true(ask(b, SNMP_V2C, "public", SNMP_GET, &none, 0));
    assert_int_equal(read_answer(b, oids, values, 4), 1);
    assert_int_equal(values[0].type, SNMP_NO_SUCH_OBJECT);
    assert_true(ask(b, SNMP_V2C, "public", SNMP_GETNEXT, &none, 0));
    assert_int_equal(read_answer(b, oids, values, 4), 1);
    assert_int_equal(values[0].type, SNMP_END_OF_MIB_VIEW);
    assert_true(ask(b, SNMP_V1, "public", SNMP_GETNEXT, &none, 0));
    assert_int_equal(b->answer.error_status, SNMP_NO_SUCH_NAME);
    assert_int_equal(b->answer.error_index, 1);
    assert_false(ask(b, SNMP_V1, "public", SNMP_GETBULK, &none, 5));
    assert_true(ask(b, SNMP_V2C, "public", SNMP_SET, &missing, 0));
    assert_int_equal(b->answer.error_status, SNMP_NOT_WRITABLE);
}

static void wrong_communities_and_contexts_get_no_answer(void **state)
{
    struct bench *b = *state;
    assert_false(ask(b, SNMP_V2C, "private", SNMP_GETNEXT, &fdb_port, 0));
    assert_false(ask(b, SNMP_V2C, "publi", SNMP_GETNEXT, &fdb_port, 0));
    assert_false(ask(b, SNMP_V2C, "public@10", SNMP_GETNEXT, &fdb_port, 0));
    assert_false(ask(b, SNMP_V2C, "publicX", SNMP_GETNEXT, &fdb_port, 0));
    assert_true(ask(b, SNMP_V2C, "public", SNMP_GETNEXT, &fdb_port, 0));
}

static void faults_of_content_show(void **state)
{
    struct bench *b = *state;
    size_t requests;
    fault(b, "tail=3");
    assert_int_equal(walk(b, &fdb_port, 5, &requests), 3);
    fault(b, "clear");
    fault(b, "partial=4");
    assert_int_equal(walk(b, &fdb_port, 2, &requests), 4);
    struct oid last = fdb_port;
    assert_true(bulk(b, &last, 50)); /* what came before the gap is still sent */
    fault(b, "clear");
    fault(b, "toobig=10");
    assert_true(bulk(b, &fdb_port, 11));
    assert_int_equal(b->answer.error_status, SNMP_TOO_BIG);
    assert_int_equal(b->answer.varbinds.length, 0);
    assert_int_equal(walk(b, &fdb_port, 10, &requests), GOLDEN_ROWS);
    fault(b, "clear");
    fault(b, "last-moment=900ms");
    assert_int_equal(sim_agent_faults(b->agent)->delay.us, 900000);
    assert_int_equal(walk(b, &fdb_port, 50, &requests), GOLDEN_ROWS);
    assert_int_equal(requests, GOLDEN_ROWS + 1);
    fault(b, "clear");
    fault(b, "wrong-id");
    assert_true(bulk(b, &fdb_port, 1));
    assert_int_equal(b->answer.request_id, 78);
    fault(b, "dead");
    assert_false(bulk(b, &fdb_port, 1));
}

static void a_looping_table_never_ends(void **state)
{
    struct bench *b = *state;
    struct oid at = fdb_port, oids[8];
    struct snmp_value values[8];
    unsigned back = 0;
    fault(b, "looping=4");
    for (int i = 0; i < 100; i++) {
        assert_true(bulk(b, &at, 1));
        assert_int_equal(read_answer(b, oids, values, 8), 1);
        assert_true(oid_has_prefix(&oids[0], &fdb_port));
        back += oid_compare(&oids[0], &at) <= 0;
        at = oids[0];
    }
    assert_int_equal(back, 24);
}

static void an_unordered_table_shows_every_row_once(void **state)
{
    struct bench *b = *state;
    struct oid at = fdb_port, oids[8], seen[32];
    struct snmp_value values[8];
    size_t rows = 0;
    unsigned back = 0;
    fault(b, "unordered");
    for (;;) {
        assert_true(bulk(b, &at, 1));
        assert_int_equal(read_answer(b, oids, values, 8), 1);
        if (!oid_has_prefix(&oids[0], &fdb_port))
            break;
        assert_true(rows < 32);
        for (size_t i = 0; i < rows; i++)
            assert_int_not_equal(oid_compare(&oids[0], &seen[i]), 0);
        back += oid_compare(&oids[0], &at) < 0;
        seen[rows++] = at = oids[0];
    }
    assert_int_equal(rows, GOLDEN_ROWS);
    assert_int_equal(back, GOLDEN_ROWS / 2);
}

static void ten_million_rows_cost_nothing(void **state)
{
    struct bench *b = *state;
    struct oid at = fdb_port, oids[64];
    struct snmp_value values[64];
    fault(b, "rows=10000000");
    static const uint32_t late[7] = {10,   0xfa, 0x16, 0x3e,
                                     0x13, 0x12, 0xcd}; /* third from the end */
    memcpy(at.ids + at.length, late, sizeof(late));
    at.length += 7;
    assert_true(bulk(b, &at, 25));
    assert_true(read_answer(b, oids, values, 64) > 2);
    assert_true(oid_has_prefix(&oids[1], &fdb_port));
    assert_int_equal(oids[1].ids[oids[1].length - 1], 0xcf); /* 10,000,000 / 8 - 1 */
    assert_false(oid_has_prefix(&oids[2], &fdb_port));
}

static void a_restart_sets_the_uptime_back(void **state)
{
    struct bench *b = *state;
    struct oid oids[1], uptime = OID(1, 3, 6, 1, 2, 1, 1, 3, 0);
    struct snmp_value values[1];
    assert_true(ask(b, SNMP_V2C, "public", SNMP_GET, &uptime, 0));
    read_answer(b, oids, values, 1);
    assert_int_equal(values[0].number, 500000);
    fault(b, "reboot");
    assert_true(ask(b, SNMP_V2C, "public", SNMP_GET, &uptime, 0));
    read_answer(b, oids, values, 1);
    assert_int_equal(values[0].number, 0);
}

static void answers_keep_within_the_message_size(void **state)
{
    struct bench *b = *state;
    fault(b, "rows=1000");
    assert_true(bulk(b, &fdb_port, 10000));
    assert_true(b->answer.length <= SIM_AGENT_MESSAGE_SIZE);
    assert_true(b->answer.length > SIM_AGENT_MESSAGE_SIZE - 80);
}

/* --- v3 --- */

static void v3_request(struct bench *b, struct snmp_message *request, uint8_t flags)
{
    *request = (struct snmp_message){.version = SNMP_V3,
                                     .v3 = {.message_id = 5,
                                            .max_size = 65507,
                                            .flags = flags | SNMP_FLAG_REPORTABLE,
                                            .security_model = SNMP_SECURITY_USM,
                                            .engine_id = {b->engine, b->engine_length},
                                            .engine_boots = 1,
                                            .engine_time = 5000,
                                            .user = octets(sim_default_credentials.user),
                                            .context_engine_id = {b->engine, b->engine_length}},
                                     .pdu = SNMP_GETBULK,
                                     .request_id = 9,
                                     .error_index = 5};
}

static bool ask_v3(struct bench *b, const struct snmp_message *request)
{
    uint8_t buffer[BUFFER];
    struct ber_writer writer;
    start(&writer, buffer, &fdb_port);
    assert_int_equal(usm_seal(b->crypto, &b->keys, request, &writer), 0);
    return send_bytes(b, buffer + writer.begin, snmp_writer_length(&writer));
}

static enum usm_report report_of(struct bench *b)
{
    struct ber_reader list = snmp_message_varbinds(&b->answer);
    struct snmp_varbind bind;
    assert_int_equal(b->answer.pdu, SNMP_REPORT);
    assert_int_equal(snmp_varbind_next(&list, &bind), 1);
    return usm_report_find(bind.oid, bind.oid_length);
}

static void discover(struct bench *b)
{
    struct snmp_message request;
    v3_request(b, &request, 0);
    request.v3.user = octets("");
    assert_true(ask_v3(b, &request));
    assert_int_equal(report_of(b), USM_REPORT_UNKNOWN_ENGINE);
    b->engine_length = b->answer.v3.engine_id.length;
    memcpy(b->engine, b->answer.v3.engine_id.bytes, b->engine_length);
    usm_keys_init(&b->keys, b->crypto, &b->user, (struct snmp_octets){b->engine, b->engine_length});
}

static void v3_engine_keeps_to_its_protocol(void **state)
{
    struct bench *b = *state;
    struct snmp_message request;
    uint8_t both = SNMP_FLAG_AUTH | SNMP_FLAG_PRIV;
    discover(b);
    v3_request(b, &request, both);
    assert_true(ask_v3(b, &request));
    assert_int_equal(usm_open(b->crypto, &b->keys, &b->answer, b->reply), USM_OK);
    assert_int_equal(b->answer.pdu, SNMP_RESPONSE);
    assert_int_equal(b->answer.request_id, 9);
    request.v3.engine_time = 1000;
    assert_true(ask_v3(b, &request));
    assert_int_equal(usm_open(b->crypto, &b->keys, &b->answer, b->reply), USM_OK);
    assert_int_equal(report_of(b), USM_REPORT_NOT_IN_TIME_WINDOW);
    v3_request(b, &request, SNMP_FLAG_AUTH);
    assert_true(ask_v3(b, &request));
    assert_int_equal(usm_open(b->crypto, &b->keys, &b->answer, b->reply), USM_OK);
    assert_int_equal(b->answer.error_status, SNMP_AUTHORIZATION_ERROR);
    v3_request(b, &request, both);
    request.v3.user = octets("nobody");
    assert_true(ask_v3(b, &request));
    assert_int_equal(report_of(b), USM_REPORT_UNKNOWN_USER);
    v3_request(b, &request, both);
    request.v3.context = octets("vlan-99");
    assert_true(ask_v3(b, &request));
    assert_int_equal(usm_open(b->crypto, &b->keys, &b->answer, b->reply), USM_OK);
    assert_int_equal(report_of(b), USM_REPORT_UNKNOWN_CONTEXT);
    b->keys.auth_key[3] ^= 1;
    v3_request(b, &request, both);
    assert_true(ask_v3(b, &request));
    assert_int_equal(report_of(b), USM_REPORT_WRONG_DIGEST);
}

/* --- hostile input --- */

static void mangled_requests_do_no_harm(void **state)
{
    struct bench *b = *state;
    struct sim_random random = sim_random_start(11);
    discover(b);
    for (int round = 0; round < 20000; round++) {
        uint8_t buffer[BUFFER];
        struct ber_writer writer;
        struct snmp_message request;
        v3_request(b, &request, 0);
        request.version = round % 2 ? SNMP_V2C : SNMP_V3;
        request.community = octets("public");
        request.error_index = 3;
        start(&writer, buffer, &fdb_port);
        assert_int_equal(snmp_message_wrap(&request, &writer), 0);
        size_t length = snmp_writer_length(&writer);
        for (unsigned i = sim_random_below(&random, 4); i < 4; i++)
            buffer[writer.begin + sim_random_below(&random, (uint32_t)length)] =
                (uint8_t)sim_random_next(&random);
        size_t cut = sim_random_below(&random, 4) ? length : sim_random_below(&random, 60);
        sim_agent_answer(b->agent, b->crypto, buffer + writer.begin, cut, b->now, b->reply, BUFFER);
    }
}

static void bad_faults_are_refused(void **state)
{
    struct sim_faults faults = {.cut_at = 5};
    static const char *const words[] = {"",        "explode", "slow",      "slow=x",   "slow=9h",
                                        "dead=1",  "tail=",   "tail=-1",   "tail=0",   "lossy=101",
                                        "rows=1x", "toobig",  "rows=9e18", "dead dead"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct err err = {0};
        assert_true(sim_faults_apply(&faults, words[i], &err) < 0);
        assert_true(err.text[0] != 0);
    }
    AUTO_TEXT struct text text = TEXT_EMPTY;
    sim_faults_print(&faults, &text);
    assert_string_equal(text_get(&text), "tail=5");
    text_clear(&text);
    sim_faults_print(&(struct sim_faults){0}, &text);
    assert_string_equal(text_get(&text), "none");
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(a_walk_gives_the_whole_table_in_order),
        SCENE(versions_answer_what_is_missing_in_their_way),
        SCENE(wrong_communities_and_contexts_get_no_answer),
        SCENE(faults_of_content_show),
        SCENE(a_looping_table_never_ends),
        SCENE(an_unordered_table_shows_every_row_once),
        SCENE(ten_million_rows_cost_nothing),
        SCENE(a_restart_sets_the_uptime_back),
        SCENE(answers_keep_within_the_message_size),
        SCENE(v3_engine_keeps_to_its_protocol),
        SCENE(mangled_requests_do_no_harm),
        cmocka_unit_test(bad_faults_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
