/* SPDX-License-Identifier: Apache-2.0 */

/* RADIUS packets from anybody: parsed, verified, read as an accounting record, answered;
 * and the same octets as attributes of a packet by somebody who knows the secret, whose
 * request must verify, whose answer must verify, and whose record must be readable. */

#include <string.h>

#include "base/check.h"
#include "wire/radius_accounting.h"

static const struct radius_secret secret = {(const uint8_t *)"fuzz", 4};

static void read_record(const struct radius_packet *packet)
{
    struct radius_accounting record;
    char buffer[RADIUS_TEXT_SIZE];
    radius_accounting_read(packet, &record);
    CHECK(mac_known(record.mac) == (record.station == RADIUS_STATION_MAC));
    CHECK(strlen(radius_nas_name(&record, &IP_NONE, buffer)) < RADIUS_TEXT_SIZE);
    CHECK(strlen(radius_port_name(&record, buffer)) < RADIUS_TEXT_SIZE);
    CHECK(strlen(radius_text_copy(record.user, buffer)) < RADIUS_TEXT_SIZE);
    radius_accounting_time(&record, (struct wall){0});
}

static void answer(struct radius_crypto *crypto, const struct radius_packet *request)
{
    uint8_t bytes[RADIUS_PACKET_MAX];
    struct radius_packet response;
    size_t length = radius_response_write(crypto, request, secret, bytes);
    CHECK(length != 0); /* an answer holds no more than its request */
    CHECK(radius_packet_parse(bytes, length, &response) == RADIUS_SOUND);
    CHECK(radius_response_verify(crypto, &response, request, secret) == RADIUS_GENUINE);
}

/* Takes `data` as type, length, value triples, cut to what fits. */
static void seal_and_verify(struct radius_crypto *crypto, const uint8_t *data, size_t size)
{
    uint8_t bytes[RADIUS_PACKET_MAX];
    struct radius_writer writer;
    struct radius_packet packet;
    radius_writer_init(&writer, bytes, RADIUS_ACCOUNTING_REQUEST, data[0]);
    if (data[0] & 1)
        radius_writer_add_message_authenticator(&writer);
    for (size_t at = 1; at + 2 <= size;) {
        size_t length = data[at + 1] <= RADIUS_VALUE_MAX ? data[at + 1] : RADIUS_VALUE_MAX;
        if (length > size - at - 2)
            length = size - at - 2;
        if (data[at] != 0 && data[at] != RADIUS_MESSAGE_AUTHENTICATOR)
            radius_writer_add(&writer, data[at], data + at + 2, length);
        at += 2 + length;
    }
    size_t length = radius_request_seal(crypto, &writer, secret);
    if (length == 0)
        return;
    CHECK(radius_packet_parse(bytes, length, &packet) == RADIUS_SOUND);
    CHECK(radius_request_verify(crypto, &packet, secret, data[0] & 1) == RADIUS_GENUINE);
    read_record(&packet);
    answer(crypto, &packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct radius_crypto *crypto;
    if (crypto == NULL)
        crypto = radius_crypto_new();
    if (crypto == NULL || size < 1)
        return 0;
    struct radius_packet packet;
    enum radius_fault fault = radius_packet_parse(data, size, &packet);
    if (fault == RADIUS_SOUND || fault >= RADIUS_ATTRIBUTE_CUT)
        read_record(&packet);
    if (fault == RADIUS_SOUND) {
        radius_request_verify(crypto, &packet, secret, size & 1);
        answer(crypto, &packet);
    }
    seal_and_verify(crypto, data, size);
    return 0;
}
