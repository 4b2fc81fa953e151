/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/radius_accounting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A record as one writes it down: attributes one after the other. */
struct built {
    uint8_t bytes[RADIUS_PACKET_MAX];
    struct radius_writer writer;
    struct radius_packet packet;
    struct radius_accounting record;
};

static void begin_record(struct built *built)
{
    radius_writer_init(&built->writer, built->bytes, RADIUS_ACCOUNTING_REQUEST, 1);
}

static void add_text(struct built *built, uint8_t type, const char *text)
{
    radius_writer_add(&built->writer, type, text, strlen(text));
}

static const struct radius_accounting *read_record(struct built *built)
{
    built->bytes[2] = (uint8_t)(built->writer.length >> 8);
    built->bytes[3] = (uint8_t)built->writer.length;
    assert_int_equal(radius_packet_parse(built->bytes, built->writer.length, &built->packet),
                     RADIUS_SOUND);
    radius_accounting_read(&built->packet, &built->record);
    return &built->record;
}

static void every_spelling_of_a_mac_is_read(void **state)
{
    (void)state;
    static const char *const spellings[] = {"00-10-A4-23-19-C0",
                                            "00:10:a4:23:19:c0",
                                            "0010.a423.19c0",
                                            "0010a4-2319c0",
                                            "0010a42319c0",
                                            "0:10:a4:23:19:c0",
                                            " 0010A42319C0 ",
                                            "00-10-A4-23-19-C0:",
                                            "00-10-A4-23-19-C0:guest",
                                            "00:10:a4:23:19:c0:SSID-name",
                                            "0010-a423-19c0",
                                            "0010:a423:19c0",
                                            "00 10 a4 23 19 c0",
                                            "0010.a423.19c0:guest",
                                            "0010a4-2319c0:guest",
                                            "0010a42319c0:guest",
                                            "0010a42319c0:",
                                            "\"00-10-A4-23-19-C0\""};
    for (size_t i = 0; i < ARRAY_COUNT(spellings); i++) {
        struct mac mac = MAC_NONE;
        assert_int_equal(radius_station_parse(spellings[i], strlen(spellings[i]),
                                              RADIUS_PORT_TYPE_ETHERNET, &mac),
                         RADIUS_STATION_MAC);
        assert_int_equal(mac.bits, 0x0010a42319c0);
    }
}

static void what_is_no_mac_is_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum radius_station station;
    } cases[] = {{"", RADIUS_STATION_ABSENT},
                 {"  ", RADIUS_STATION_ABSENT},
                 {"192.0.2.17", RADIUS_STATION_IP},
                 {"192.168.100.200", RADIUS_STATION_IP},
                 {"2001:db8::1", RADIUS_STATION_IP},
                 {"fe80::10:a4ff:fe23:19c0", RADIUS_STATION_IP},
                 {"0123456789", RADIUS_STATION_TELEPHONE},
                 {"+49 30 123456", RADIUS_STATION_TELEPHONE},
                 {"+491701234567", RADIUS_STATION_TELEPHONE},
                 {"00:00:00:00:00:00", RADIUS_STATION_GROUP},
                 {"01-00-5e-00-00-01", RADIUS_STATION_GROUP},
                 {"00:00:5e:00:01:07", RADIUS_STATION_GROUP},
                 {"00-10-a4-ff-fe-23-19-c0", RADIUS_STATION_OTHER}, /* EUI-64 */
                 {"00:10:a4:ff:fe:23:19:c0", RADIUS_STATION_IP},    /* reads as IPv6 too */
                 {"00-10-a4-23-19-c0-11", RADIUS_STATION_OTHER},
                 {"00:10:a4:23:19:c0:ab", RADIUS_STATION_OTHER},
                 {"2001:0db8:0000::1", RADIUS_STATION_IP}, /* begin like a MAC in three groups */
                 {"2001:0db8:0000:abc::1", RADIUS_STATION_IP},
                 {"0010:a4ff:fe23:19c0", RADIUS_STATION_OTHER},
                 {"0010.a4ff.fe23.19c0", RADIUS_STATION_OTHER},
                 {"0010a4fffe2319c0", RADIUS_STATION_OTHER},
                 {"0010a42319c0:ab", RADIUS_STATION_OTHER},
                 {"\"", RADIUS_STATION_OTHER},
                 {"\"\"", RADIUS_STATION_ABSENT},
                 {"0010a42319c", RADIUS_STATION_OTHER},
                 {"0010a42319c00", RADIUS_STATION_OTHER},
                 {"LulaLivre", RADIUS_STATION_OTHER}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct mac mac = MAC_NONE;
        assert_int_equal(radius_station_parse(cases[i].text, strlen(cases[i].text),
                                              RADIUS_PORT_TYPE_UNKNOWN, &mac),
                         cases[i].station);
        assert_false(mac_known(mac));
        assert_true(*radius_station_word(cases[i].station) != '\0');
    }
}

/* Twelve decimal digits: what the line says decides. */
static void port_type_tells_a_number_from_a_mac(void **state)
{
    (void)state;
    struct mac mac = MAC_NONE;
    assert_int_equal(radius_station_parse("525400000002", 12, RADIUS_PORT_TYPE_UNKNOWN, &mac),
                     RADIUS_STATION_MAC);
    assert_int_equal(mac.bits, 0x525400000002);
    assert_int_equal(radius_station_parse("525400000002", 12, 2, &mac), RADIUS_STATION_TELEPHONE);
    assert_int_equal(radius_station_parse("52540000000a", 12, 2, &mac), RADIUS_STATION_MAC);
}

static void record_is_read_whole(void **state)
{
    (void)state;
    struct built built;
    begin_record(&built);
    radius_writer_add_integer(&built.writer, RADIUS_ACCT_STATUS_TYPE, 2);
    add_text(&built, RADIUS_CALLING_STATION_ID, "52-54-00-7C-A2-00");
    add_text(&built, RADIUS_CALLED_STATION_ID, "00-1B-54-AA-BB-CC");
    add_text(&built, RADIUS_NAS_IDENTIFIER, "sw1");
    radius_writer_add(&built.writer, RADIUS_NAS_IP_ADDRESS, "\xc0\0\2\x0a", 4);
    radius_writer_add_integer(&built.writer, RADIUS_NAS_PORT, 50112);
    add_text(&built, RADIUS_NAS_PORT_ID, "GigabitEthernet1/0/12");
    radius_writer_add_integer(&built.writer, RADIUS_NAS_PORT_TYPE, 15);
    add_text(&built, RADIUS_ACCT_SESSION_ID, "00000A01");
    radius_writer_add_integer(&built.writer, RADIUS_ACCT_TERMINATE_CAUSE, 2);
    radius_writer_add_integer(&built.writer, RADIUS_ACCT_INTERIM_INTERVAL, 600);
    radius_writer_add_integer(&built.writer, RADIUS_ACCT_DELAY_TIME, 12);
    radius_writer_add(&built.writer, RADIUS_TUNNEL_PRIVATE_GROUP_ID,
                      "\1"
                      "120",
                      4);
    const struct radius_accounting *record = read_record(&built);
    assert_int_equal(record->vlan, 120);
    char buffer[RADIUS_TEXT_SIZE];
    assert_int_equal(record->status, RADIUS_STATUS_STOP);
    assert_int_equal(record->mac.bits, 0x5254007ca200);
    assert_string_equal(radius_nas_name(record, &IP_NONE, buffer), "sw1");
    assert_string_equal(radius_port_name(record, buffer), "GigabitEthernet1/0/12");
    assert_string_equal(radius_text_copy(record->session, buffer), "00000A01");
    assert_string_equal(radius_cause_word(record->cause), "Lost-Carrier");
    assert_true(record->has_interim && record->interim_seconds == 600);
    assert_int_equal(record->port_type, RADIUS_PORT_TYPE_ETHERNET);
    const struct wall arrived = {INT64_C(1795392269670015)};
    assert_int_equal(radius_accounting_time(record, arrived).us, INT64_C(1795392257670015));
}

static void event_timestamp_comes_before_the_delay(void **state)
{
    (void)state;
    struct built built;
    begin_record(&built);
    radius_writer_add_integer(&built.writer, RADIUS_ACCT_DELAY_TIME, 12);
    radius_writer_add_integer(&built.writer, RADIUS_EVENT_TIMESTAMP, UINT32_MAX);
    const struct radius_accounting *record = read_record(&built);
    assert_int_equal(radius_accounting_time(record, (struct wall){5}).us,
                     INT64_C(4294967295000000));
    begin_record(&built);
    record = read_record(&built);
    assert_int_equal(radius_accounting_time(record, (struct wall){5}).us, 5);
    assert_false(wall_known(radius_accounting_time(record, WALL_UNKNOWN)));
}

static void status_types_are_told_apart(void **state)
{
    (void)state;
    static const enum radius_status expected[] = {
        [0] = RADIUS_STATUS_OTHER,   [1] = RADIUS_STATUS_START,   [2] = RADIUS_STATUS_STOP,
        [3] = RADIUS_STATUS_INTERIM, [7] = RADIUS_STATUS_ON,      [8] = RADIUS_STATUS_OFF,
        [9] = RADIUS_STATUS_OTHER,   [15] = RADIUS_STATUS_FAILED, [16] = RADIUS_STATUS_OTHER};
    for (uint32_t i = 0; i < ARRAY_COUNT(expected); i++) {
        if (expected[i] == RADIUS_STATUS_NONE)
            continue;
        struct built built;
        begin_record(&built);
        radius_writer_add_integer(&built.writer, RADIUS_ACCT_STATUS_TYPE, i);
        assert_int_equal(read_record(&built)->status, expected[i]);
    }
    assert_string_equal(radius_status_word(RADIUS_STATUS_ON), "on");
}

static void broken_and_repeated_values_do_not_count(void **state)
{
    (void)state;
    struct built built;
    begin_record(&built);
    radius_writer_add(&built.writer, RADIUS_ACCT_STATUS_TYPE, "\0\0\1", 3);
    radius_writer_add_integer(&built.writer, RADIUS_ACCT_STATUS_TYPE, 1);
    radius_writer_add_integer(&built.writer, RADIUS_ACCT_STATUS_TYPE, 2);
    radius_writer_add(&built.writer, RADIUS_NAS_IP_ADDRESS, "12345", 5);
    radius_writer_add(&built.writer, RADIUS_NAS_IPV6_ADDRESS,
                      "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    radius_writer_add_integer(&built.writer, RADIUS_NAS_PORT, 7);
    radius_writer_add_integer(&built.writer, RADIUS_NAS_PORT, 8);
    const struct radius_accounting *record = read_record(&built);
    char buffer[RADIUS_TEXT_SIZE];
    assert_int_equal(record->status, RADIUS_STATUS_START);
    assert_string_equal(radius_port_name(record, buffer), "7");
    assert_string_equal(radius_nas_name(record, &IP_NONE, buffer), "2001:db8::1");
    assert_int_equal(record->station, RADIUS_STATION_ABSENT);
    assert_null(record->session.bytes);
}

static void sender_is_named_by_its_address_at_last(void **state)
{
    (void)state;
    struct built built;
    begin_record(&built);
    char buffer[RADIUS_TEXT_SIZE];
    const struct ip from = ip_from_v4((const uint8_t[4]){127, 0, 0, 9});
    const struct radius_accounting *record = read_record(&built);
    assert_string_equal(radius_nas_name(record, &from, buffer), "127.0.0.9");
    assert_string_equal(radius_port_name(record, buffer), "");
}

static void texts_are_made_printable(void **state)
{
    (void)state;
    char buffer[RADIUS_TEXT_SIZE];
    assert_string_equal(radius_text_copy((struct radius_text){"ge-0/0/1 \0\0", 11}, buffer),
                        "ge-0/0/1");
    assert_string_equal(radius_text_copy((struct radius_text){"a\x1b[31m\xff", 7}, buffer),
                        "a?[31m?");
    assert_string_equal(radius_text_copy((struct radius_text){"gr\xc3\xbcn", 5}, buffer),
                        "gr\xc3\xbcn");
    assert_string_equal(radius_text_copy((struct radius_text){"a\0b", 3}, buffer), "a?b");
    assert_string_equal(radius_text_copy((struct radius_text){NULL, 0}, buffer), "");
    assert_null(radius_cause_word(0));
    assert_null(radius_cause_word(4000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_spelling_of_a_mac_is_read),
        cmocka_unit_test(what_is_no_mac_is_told_apart),
        cmocka_unit_test(port_type_tells_a_number_from_a_mac),
        cmocka_unit_test(record_is_read_whole),
        cmocka_unit_test(event_timestamp_comes_before_the_delay),
        cmocka_unit_test(status_types_are_told_apart),
        cmocka_unit_test(broken_and_repeated_values_do_not_count),
        cmocka_unit_test(sender_is_named_by_its_address_at_last),
        cmocka_unit_test(texts_are_made_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
