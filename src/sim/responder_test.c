/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/responder.h"

/* The fast way must say what the ordinary agent says, row by row. */

static const struct wall noon = {INT64_C(1795435200) * 1000000};

enum { ROWS = 1003, BUFFER = 8192, PORTS = 20000 };

struct bench {
    struct sim_server *server;
    struct sim_responder *responder;
    struct usm_crypto *crypto;
    uint8_t reply[BUFFER];
};

static int start(struct bench *b, bool vlans)
{
    struct sim_responder_config config = {.devices = 2,
                                          .rows = ROWS,
                                          .first_address = 0x7f110001,
                                          .port = (uint16_t)(PORTS + getpid() % PORTS),
                                          .vlans = vlans};
    struct err err = {0};
    b->server = sim_server_new();
    b->crypto = usm_crypto_new();
    return sim_responder_new(&config, b->server, noon, &b->responder, &err);
}

static void stop(struct bench *b)
{
    sim_server_free(b->server);
    sim_responder_free(b->responder);
    usm_crypto_free(b->crypto);
}

/* Asks for the next instances after each of `count` OIDs; returns the varbinds. */
static struct ber_reader bulk(struct bench *b, const struct oid *oids, size_t count,
                              int32_t repetitions, struct snmp_message *answer)
{
    uint8_t buffer[2048], content[OID_BER_SIZE];
    struct ber_writer writer;
    snmp_writer_init(&writer, buffer, sizeof(buffer));
    for (size_t i = 0; i < count; i++)
        assert_true(snmp_writer_add(&writer, content, oid_encode(&oids[i], content), NULL));
    struct snmp_message request = {.version = SNMP_V2C,
                                   .community = {(const uint8_t *)"public", 6},
                                   .pdu = SNMP_GETBULK,
                                   .error_index = repetitions};
    assert_int_equal(snmp_message_wrap(&request, &writer), 0);
    size_t length =
        sim_agent_answer(sim_server_find(b->server, "dev2"), b->crypto, buffer + writer.begin,
                         snmp_writer_length(&writer), noon, b->reply, BUFFER);
    assert_true(length > 0);
    assert_true(length <= SIM_AGENT_MESSAGE_SIZE);
    assert_int_equal(snmp_message_decode(b->reply, length, answer), 0);
    return snmp_message_varbinds(answer);
}

struct instance {
    struct oid oid;
    int64_t number;
};

/* Walks everything after `entry`, one column at a time (`singly`, the fast way) or
 * two at once, which the template does not serve. */
static size_t walk(struct bench *b, const struct oid *column, const struct oid *other,
                   struct instance *found)
{
    struct oid at[2] = {*column, *other};
    size_t rows = 0, asked = oid_compare(column, other) == 0 ? 1 : 2;
    for (;;) {
        struct snmp_message answer;
        struct ber_reader list = bulk(b, at, asked, 20, &answer);
        struct snmp_varbind bind;
        for (size_t n = 0; snmp_varbind_next(&list, &bind) > 0; n++) {
            struct oid oid;
            assert_int_equal(oid_decode(bind.oid, bind.oid_length, &oid), 0);
            if (n % asked == 1) {
                at[1] = oid;
                continue;
            }
            if (!oid_has_prefix(&oid, column))
                return rows;
            assert_true(oid_compare(&oid, &at[0]) > 0);
            at[0] = oid;
            if (rows < ROWS)
                found[rows] = (struct instance){oid, bind.value.number};
            rows++;
        }
    }
}

static void both_ways_agree(bool vlans)
{
    struct bench b = {0};
    assert_int_equal(start(&b, vlans), 0);
    struct oid entry =
        vlans ? OID(1, 3, 6, 1, 2, 1, 17, 7, 1, 2, 2, 1) : OID(1, 3, 6, 1, 2, 1, 17, 4, 3, 1);
    struct instance *fast = calloc(ROWS, sizeof(*fast)), *ordinary = calloc(ROWS, sizeof(*fast));
    for (uint32_t n = 2; n <= 3; n++) {
        struct oid column = entry, other = OID(1, 3, 6, 1, 2, 1, 1);
        assert_int_equal(oid_append(&column, n), 0);
        assert_int_equal(walk(&b, &column, &column, fast), ROWS);
        assert_int_equal(walk(&b, &column, &other, ordinary), ROWS);
        for (size_t i = 0; i < ROWS; i++) {
            assert_int_equal(oid_compare(&fast[i].oid, &ordinary[i].oid), 0);
            assert_int_equal(fast[i].number, ordinary[i].number);
        }
    }
    free(fast);
    free(ordinary);
    stop(&b);
}

static void fast_way_agrees_for_bridge_mib(void **state)
{
    both_ways_agree(false);
}

static void fast_way_agrees_for_q_bridge(void **state)
{
    both_ways_agree(true);
}

static void partial_indices_start_at_the_first_row_behind(void **state)
{
    struct bench b = {0};
    assert_int_equal(start(&b, false), 0);
    static const struct {
        uint32_t tail[8];
        uint32_t length, first_octet;
    } cases[] = {{{0}, 0, 0x00},
                 {{0x52}, 1, 0x52},
                 {{0x52, 0x54, 0xff}, 3, 0xbc},
                 {{0xbc, 0x24, 0x11, 0, 0, 0}, 6, 0xbc},
                 {{0x08, 0, 0x27, 0, 0, 0, 7}, 7, 0x08},
                 {{0x53, 0x100}, 2, 0xbc}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct oid column = OID(1, 3, 6, 1, 2, 1, 17, 4, 3, 1, 2), at;
        for (uint32_t n = 0; n < cases[i].length; n++)
            assert_int_equal(oid_append(&column, cases[i].tail[n]), 0);
        struct snmp_message answer;
        struct snmp_varbind bind;
        struct ber_reader list = bulk(&b, &column, 1, 1, &answer);
        assert_int_equal(snmp_varbind_next(&list, &bind), 1);
        assert_int_equal(oid_decode(bind.oid, bind.oid_length, &at), 0);
        assert_true(oid_compare(&at, &column) > 0);
        assert_int_equal(at.ids[11], cases[i].first_octet);
    }
    stop(&b);
}

static void bad_sizes_are_refused(void **state)
{
    struct sim_server *server = sim_server_new();
    struct sim_responder *responder;
    static const struct sim_responder_config cases[] = {
        {.devices = 1, .rows = 0},
        {.devices = 1, .rows = 20000000},
        {.devices = 1, .rows = 5, .first_address = 0x7fffffff, .port = 1},
        {.devices = 1, .rows = 5, .first_address = 0x0a000001},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = {0};
        if (i == 2 && geteuid() == 0)
            continue; /* may use low ports */
        assert_true(sim_responder_new(&cases[i], server, noon, &responder, &err) < 0);
        assert_true(err.text[0] != 0);
    }
    sim_server_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fast_way_agrees_for_bridge_mib),
        cmocka_unit_test(fast_way_agrees_for_q_bridge),
        cmocka_unit_test(partial_indices_start_at_the_first_row_behind),
        cmocka_unit_test(bad_sizes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
