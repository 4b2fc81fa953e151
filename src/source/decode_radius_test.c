/* SPDX-License-Identifier: Apache-2.0 */

/* decode of datagrams and detail files: what the lines say, and what is no RADIUS. */

#include "source/decode_radius.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "wire/radius.h"

static const struct radius_secret secret = {(const uint8_t *)"testing123", 10};

/* Prints by the decoder with `secrets` and gives the lines as JSON objects. */
struct printed {
    struct text lines;
    struct decode_secrets secrets;
    json_t *first;
};

static void begin_print(struct printed *printed, size_t secrets)
{
    static const char *const known[] = {"wrong", "testing123"};
    struct err err;
    *printed = (struct printed){0};
    printed->secrets.radius = decode_radius_new(known, secrets, &err);
    assert_non_null(printed->secrets.radius);
}

static json_t *first_line(struct printed *printed)
{
    printed->first = json_loads(text_get(&printed->lines), JSON_DISABLE_EOF_CHECK, NULL);
    assert_non_null(printed->first);
    return printed->first;
}

static void end_print(struct printed *printed)
{
    json_decref(printed->first);
    text_done(&printed->lines);
    decode_radius_free(printed->secrets.radius);
}

/* Whether the datagram made a line; *ret_error: whether it is said to be unreadable. */
static bool decodes(struct printed *printed, const struct decode_datagram *datagram,
                    bool *ret_error)
{
    const size_t before = printed->lines.length;
    const char *why = NULL;
    *ret_error = decode_radius_datagram(datagram, &printed->secrets, &printed->lines, &why) != 0;
    assert_true(!*ret_error || (why != NULL && *why != '\0'));
    return printed->lines.length > before;
}

static const char *member(const json_t *line, const char *key)
{
    return json_string_value(json_object_get(line, key));
}

static size_t make_start(struct radius_crypto *crypto, uint8_t bytes[static RADIUS_PACKET_MAX])
{
    struct radius_writer writer;
    radius_writer_init(&writer, bytes, RADIUS_ACCOUNTING_REQUEST, 1);
    radius_writer_add_integer(&writer, RADIUS_ACCT_STATUS_TYPE, 1);
    radius_writer_add(&writer, RADIUS_ACCT_SESSION_ID, "00000A01", 8);
    radius_writer_add(&writer, RADIUS_CALLING_STATION_ID, "5254.007c.a200", 14);
    radius_writer_add(&writer, RADIUS_NAS_PORT_ID, "Gi1/0/12", 8);
    radius_writer_add_integer(&writer, RADIUS_ACCT_DELAY_TIME, 9);
    return radius_request_seal(crypto, &writer, secret);
}

static struct decode_datagram datagram_of(const uint8_t *bytes, size_t length, uint16_t port)
{
    return (struct decode_datagram){.frame = 3,
                                    .at = {INT64_C(1700000009000000)},
                                    .source = ip_from_v4((const uint8_t[4]){192, 0, 2, 1}),
                                    .destination = ip_from_v4((const uint8_t[4]){192, 0, 2, 9}),
                                    .source_port = 50000,
                                    .destination_port = port,
                                    .bytes = bytes,
                                    .length = length};
}

static void start_is_shown(void **state)
{
    uint8_t bytes[RADIUS_PACKET_MAX];
    size_t length = make_start(*state, bytes);
    const struct decode_datagram datagram = datagram_of(bytes, length, 1813);
    struct printed printed;
    bool error;
    begin_print(&printed, 2);
    assert_true(decodes(&printed, &datagram, &error));
    json_t *line = first_line(&printed);
    assert_string_equal(member(line, "type"), "session");
    assert_int_equal(json_integer_value(json_object_get(line, "frame")), 3);
    assert_string_equal(member(line, "event"), "start");
    assert_true(json_is_true(json_object_get(line, "valid")));
    assert_string_equal(member(line, "mac"), "52:54:00:7c:a2:00");
    assert_string_equal(member(line, "nas"), "192.0.2.1");
    assert_string_equal(member(line, "port"), "Gi1/0/12");
    assert_string_equal(member(line, "session"), "00000A01");
    assert_string_equal(member(line, "time"), "2023-11-14T22:13:20Z");
    end_print(&printed);
}

static void validity_says_what_the_secrets_say(void **state)
{
    uint8_t bytes[RADIUS_PACKET_MAX];
    size_t length = make_start(*state, bytes);
    const struct decode_datagram datagram = datagram_of(bytes, length, 11813);
    struct printed printed;
    bool error;
    begin_print(&printed, 1);
    assert_true(decodes(&printed, &datagram, &error));
    json_t *line = first_line(&printed);
    assert_true(json_is_false(json_object_get(line, "valid")));
    assert_int_equal(json_array_size(json_object_get(line, "notes")), 1);
    end_print(&printed);
    begin_print(&printed, 0);
    assert_true(decodes(&printed, &datagram, &error));
    line = first_line(&printed);
    assert_true(json_is_null(json_object_get(line, "valid")));
    end_print(&printed);
}

static void malformed_packet_is_not_valid(void **state)
{
    uint8_t bytes[RADIUS_PACKET_MAX];
    size_t length = make_start(*state, bytes);
    bytes[RADIUS_HEADER + 7] = 200; /* the second attribute reaches past the end */
    struct decode_datagram datagram = datagram_of(bytes, length, 1813);
    struct printed printed;
    bool error;
    begin_print(&printed, 2);
    assert_true(decodes(&printed, &datagram, &error));
    json_t *line = first_line(&printed);
    assert_true(json_is_false(json_object_get(line, "valid")));
    assert_string_equal(member(line, "event"), "start");
    assert_null(member(line, "session"));
    datagram.destination_port = 53; /* elsewhere it is not taken for RADIUS */
    assert_false(decodes(&printed, &datagram, &error));
    end_print(&printed);
}

static void other_protocols_are_left_alone(void **state)
{
    (void)state;
    const uint8_t dns[40] = {4, 1, 1, 0, 0, 1}, header[20] = {99, 0, 0, 20};
    struct printed printed;
    bool error;
    begin_print(&printed, 2);
    struct decode_datagram datagram = datagram_of(dns, sizeof(dns), 1813);
    assert_false(decodes(&printed, &datagram, &error));
    assert_true(error);
    datagram.destination_port = 53;
    assert_false(decodes(&printed, &datagram, &error));
    assert_false(error);
    datagram = datagram_of(header, sizeof(header), 1813);
    assert_false(decodes(&printed, &datagram, &error));
    datagram = datagram_of(header, 0, 1813);
    assert_false(decodes(&printed, &datagram, &error));
    end_print(&printed);
}

static void status_server_is_shown_for_people(void **state)
{
    uint8_t bytes[RADIUS_PACKET_MAX];
    struct radius_writer writer;
    radius_writer_init(&writer, bytes, RADIUS_STATUS_SERVER, 1);
    radius_writer_add_message_authenticator(&writer);
    size_t length = radius_request_seal(*state, &writer, secret);
    const struct decode_datagram datagram = datagram_of(bytes, length, 1813);
    struct printed printed;
    bool error;
    begin_print(&printed, 2);
    assert_true(decodes(&printed, &datagram, &error));
    json_t *line = first_line(&printed);
    assert_string_equal(member(line, "type"), "radius");
    assert_string_equal(member(line, "code"), "Status-Server");
    assert_true(json_is_true(json_object_get(line, "valid")));
    end_print(&printed);
}

static void detail_file_is_read(void **state)
{
    (void)state;
    static const char text[] = "Tue Nov 24 10:00:00 2026\n"
                               "\tAcct-Status-Type = Stop\n"
                               "\tAcct-Session-Id = \"a\\\"b\\101\"\n"
                               "\tCalling-Station-Id = \"52-54-00-7C-A2-00\"\n"
                               "\tNAS-IP-Address = 192.0.2.10\n"
                               "\tNAS-Port = 7\n"
                               "\tAcct-Terminate-Cause = Lost-Carrier\n"
                               "\tAcct-Delay-Time = 9\n"
                               "\tTimestamp = 1700000009\n"
                               "\n"
                               "# radclient's form\n"
                               "Acct-Status-Type=::Start, Calling-Station-Id='525400000002'\n"
                               "Event-Timestamp = 'Feb  1 2015 08:28:58 UTC'\n"
                               "User-Name == 'compared'\n";
    struct printed printed;
    begin_print(&printed, 0);
    char *out_text;
    size_t out_length;
    FILE *out = open_memstream(&out_text, &out_length);
    assert_int_equal(decode_radius_text(text, strlen(text), out), 2);
    fclose(out);
    text_add(&printed.lines, out_text);
    free(out_text);
    json_t *line = first_line(&printed);
    assert_string_equal(member(line, "event"), "stop");
    assert_string_equal(member(line, "session"), "a\"bA");
    assert_string_equal(member(line, "nas"), "192.0.2.10");
    assert_string_equal(member(line, "port"), "7");
    assert_string_equal(member(line, "cause"), "Lost-Carrier");
    assert_string_equal(member(line, "time"), "2023-11-14T22:13:20Z");
    assert_true(json_is_null(json_object_get(line, "valid")));
    const char *lines = text_get(&printed.lines);
    assert_non_null(strstr(lines, "\"frame\":2,\"event\":\"start\",\"valid\":null,"
                                  "\"mac\":\"52:54:00:00:00:02\",\"nas\":null"));
    assert_non_null(strstr(lines, "2015-02-01T08:28:58Z"));
    assert_null(strstr(lines, "compared"));
    end_print(&printed);
}

static void secrets_are_checked(void **state)
{
    (void)state;
    struct err err;
    char longest[LIMIT_RADIUS_SECRET + 2];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    const char *const bad[] = {longest}, *const empty[] = {""};
    assert_null(decode_radius_new(bad, 1, &err));
    assert_int_equal(err.code, ERR_RANGE);
    assert_null(decode_radius_new(empty, 1, &err));
}

static int begin(void **state)
{
    *state = radius_crypto_new();
    return *state == NULL ? -1 : 0;
}

static int end(void **state)
{
    radius_crypto_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start_is_shown),
        cmocka_unit_test(validity_says_what_the_secrets_say),
        cmocka_unit_test(malformed_packet_is_not_valid),
        cmocka_unit_test(other_protocols_are_left_alone),
        cmocka_unit_test(status_server_is_shown_for_people),
        cmocka_unit_test(detail_file_is_read),
        cmocka_unit_test(secrets_are_checked),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
