/* SPDX-License-Identifier: Apache-2.0 */
#include "source/decode_radius.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "io/file.h"
#include "wire/radius_accounting.h"
#include "wire/radius_detail.h"

enum { HEAD_BYTES = 64 * 1024 };

struct decode_radius {
    struct radius_crypto *crypto;
    char **secrets;
    size_t count;
};

/* What the secrets say of a packet. */
enum validity { VALID_UNKNOWN, VALID_NO, VALID_YES };

/* One packet on its way to a line. */
struct reading {
    const struct decode_datagram *datagram; /* NULL: from a text */
    uint64_t frame;
    struct wall arrived;
    struct radius_packet packet;
    enum radius_fault fault;
    enum validity valid;
    enum radius_proof proof;
    struct radius_accounting record;
};

struct decode_radius *decode_radius_new(const char *const *secrets, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(secrets[i]);
        if (length == 0 || length > LIMIT_RADIUS_SECRET) {
            err_set(err, ERR_RANGE, "a RADIUS secret of %zu octets; expected 1 to %d", length,
                    LIMIT_RADIUS_SECRET);
            return NULL;
        }
    }
    struct radius_crypto *crypto = radius_crypto_new();
    if (crypto == NULL) {
        err_set(err, ERR_UNSUPPORTED, "libcrypto has no MD5, which RADIUS needs");
        return NULL;
    }
    struct decode_radius *decoder = alloc_zeroed(1, sizeof(*decoder));
    decoder->crypto = crypto;
    decoder->secrets = alloc_zeroed(count + 1, sizeof(*decoder->secrets));
    for (; decoder->count < count; decoder->count++)
        decoder->secrets[decoder->count] = alloc_text(secrets[decoder->count]);
    return decoder;
}

void decode_radius_free(struct decode_radius *decoder)
{
    if (decoder == NULL)
        return;
    for (size_t i = 0; i < decoder->count; i++)
        file_secret_free(decoder->secrets[i]);
    free(decoder->secrets);
    radius_crypto_free(decoder->crypto);
    free(decoder);
}

/* --- members --- */

static void add_view(struct text *line, const char *key, struct radius_text value)
{
    text_printf(line, ",\"%s\":", key);
    while (value.length > 0 && value.bytes[value.length - 1] == '\0')
        value.length--;
    if (value.bytes == NULL)
        text_add(line, "null");
    else
        text_add_json(line, value.bytes, value.length);
}

static void add_text(struct text *line, const char *key, const char *value)
{
    const bool known = value != NULL && value[0] != '\0';
    add_view(line, key, (struct radius_text){known ? value : NULL, known ? strlen(value) : 0});
}

static void add_number(struct text *line, const char *key, bool known, uint32_t value)
{
    if (known)
        text_printf(line, ",\"%s\":%" PRIu32, key, value);
    else
        text_printf(line, ",\"%s\":null", key);
}

static void add_ip(struct text *line, const char *key, const struct ip *ip)
{
    char buffer[IP_TEXT_SIZE];
    add_text(line, key, ip_known(ip) ? ip_format(ip, buffer) : NULL);
}

static void add_mac(struct text *line, struct mac mac)
{
    char buffer[MAC_TEXT_SIZE];
    add_text(line, "mac", mac_known(mac) ? mac_format(mac, buffer) : NULL);
}

static void add_valid(struct text *line, enum validity valid)
{
    static const char *const words[] = {"null", "false", "true"};
    text_printf(line, ",\"valid\":%s", words[valid]);
}

static void add_nas(struct text *line, const struct reading *reading)
{
    char buffer[RADIUS_TEXT_SIZE];
    const struct ip none = IP_NONE;
    /* Where it came from names a switch only if switches send such packets. */
    const struct decode_datagram *datagram =
        reading->packet.code == RADIUS_ACCOUNTING_REQUEST ? reading->datagram : NULL;
    const struct radius_accounting *record = &reading->record;
    const bool named = record->nas_identifier.length > 0 || ip_known(&record->nas_address) ||
                       ip_known(&record->nas_address6) || datagram != NULL;
    const struct ip *from = datagram != NULL ? &datagram->source : &none;
    add_text(line, "nas", named ? radius_nas_name(record, from, buffer) : NULL);
}

static void add_notes(struct text *line, const struct reading *reading)
{
    static const char *const proofs[] = {
        [RADIUS_GENUINE] = NULL,
        [RADIUS_WRONG_AUTHENTICATOR] = "has a wrong authenticator",
        [RADIUS_WRONG_MESSAGE_AUTHENTICATOR] = "has a wrong Message-Authenticator",
        [RADIUS_NO_MESSAGE_AUTHENTICATOR] = "lacks a Message-Authenticator",
        [RADIUS_NO_PROOF] = NULL,
    };
    const char *note = reading->fault != RADIUS_SOUND ? radius_fault_words(reading->fault)
                       : reading->valid == VALID_NO   ? proofs[reading->proof]
                                                      : NULL;
    text_add(line, ",\"notes\":[");
    if (note != NULL)
        text_add_json(line, note, strlen(note));
    text_add_char(line, ']');
}

static void add_addresses(struct text *line, const struct reading *reading)
{
    const struct ip none = IP_NONE;
    const struct decode_datagram *datagram = reading->datagram;
    add_ip(line, "source", datagram != NULL ? &datagram->source : &none);
    add_ip(line, "destination", datagram != NULL ? &datagram->destination : &none);
}

/* --- lines --- */

static void add_when_and_where(struct text *line, const struct reading *reading)
{
    const struct radius_accounting *record = &reading->record;
    char buffer[RADIUS_TEXT_SIZE], when[CLOCK_TEXT_SIZE];
    const struct wall time = radius_accounting_time(record, reading->arrived);
    add_mac(line, record->mac);
    add_nas(line, reading);
    add_text(line, "port", radius_port_name(record, buffer));
    add_view(line, "session", record->session);
    add_text(line, "time", wall_known(time) ? wall_format(time, when) : NULL);
}

static void print_session(struct text *line, const struct reading *reading)
{
    const struct radius_accounting *record = &reading->record;
    const struct ip *address =
        ip_known(&record->framed_address) ? &record->framed_address : &record->framed_address6;
    text_printf(line, "{\"type\":\"session\",\"frame\":%" PRIu64, reading->frame);
    add_text(line, "event",
             record->status != RADIUS_STATUS_NONE ? radius_status_word(record->status) : NULL);
    add_valid(line, reading->valid);
    add_when_and_where(line, reading);
    add_view(line, "station", record->calling);
    add_text(line, "station_is", radius_station_word(record->station));
    add_view(line, "called", record->called);
    add_view(line, "user", record->user);
    add_view(line, "multi_session", record->multi_session);
    add_number(line, "vlan", record->vlan != 0, record->vlan);
    add_ip(line, "address", address);
    add_addresses(line, reading);
    add_text(line, "cause", record->has_cause ? radius_cause_word(record->cause) : NULL);
    add_number(line, "delay_seconds", record->has_delay, record->delay_seconds);
    add_number(line, "interim_seconds", record->has_interim, record->interim_seconds);
    add_number(line, "port_number", record->has_port, record->port);
    add_number(line, "port_type", record->port_type != RADIUS_PORT_TYPE_UNKNOWN, record->port_type);
    add_notes(line, reading);
    text_add(line, "}\n");
}

static void print_other(struct text *line, const struct reading *reading)
{
    text_printf(line, "{\"type\":\"radius\",\"frame\":%" PRIu64, reading->frame);
    add_text(line, "code", radius_code_word(reading->packet.code));
    add_number(line, "identifier", true, reading->packet.identifier);
    add_valid(line, reading->valid);
    add_addresses(line, reading);
    add_view(line, "user", reading->record.user);
    add_mac(line, reading->record.mac);
    add_nas(line, reading);
    add_notes(line, reading);
    text_add(line, "}\n");
}

/* --- is it RADIUS, and is it true? --- */

bool decode_radius_is_port(uint16_t port)
{
    return port == 1812 || port == 1813 || port == 1645 || port == 1646 || port == 1700 ||
           port == 3799;
}

/* Tries every secret; the first that fits decides. */
static void verify(struct decode_radius *decoder, struct reading *reading)
{
    reading->valid = VALID_UNKNOWN;
    if (reading->fault != RADIUS_SOUND) {
        reading->valid = VALID_NO;
        return;
    }
    for (size_t i = 0; i < decoder->count; i++) {
        const struct radius_secret secret = {(const uint8_t *)decoder->secrets[i],
                                             strlen(decoder->secrets[i])};
        reading->proof = radius_request_verify(decoder->crypto, &reading->packet, secret, false);
        if (reading->proof == RADIUS_NO_PROOF)
            return;
        reading->valid = reading->proof == RADIUS_GENUINE ? VALID_YES : VALID_NO;
        if (reading->valid == VALID_YES)
            return;
    }
}

static bool looks_like_radius(const struct reading *reading)
{
    const struct decode_datagram *datagram = reading->datagram;
    const struct radius_packet *packet = &reading->packet;
    if (radius_code_word(packet->code) == NULL)
        return false;
    if (reading->valid == VALID_YES)
        return true;
    if (decode_radius_is_port(datagram->source_port) ||
        decode_radius_is_port(datagram->destination_port))
        return reading->fault == RADIUS_SOUND || packet->attributes_end > RADIUS_HEADER;
    return reading->fault == RADIUS_SOUND && packet->code == RADIUS_ACCOUNTING_REQUEST &&
           reading->record.status != RADIUS_STATUS_NONE && reading->record.session.length > 0;
}

int decode_radius_datagram(const struct decode_datagram *datagram,
                           const struct decode_secrets *secrets, struct text *lines,
                           const char **ret_why)
{
    struct reading reading = {
        .datagram = datagram, .frame = datagram->frame, .arrived = datagram->at};
    reading.fault = radius_packet_parse(datagram->bytes, datagram->length, &reading.packet);
    bool headed = reading.fault == RADIUS_SOUND || reading.fault >= RADIUS_ATTRIBUTE_CUT;
    if (headed) {
        verify(secrets->radius, &reading);
        radius_accounting_read(&reading.packet, &reading.record);
    }
    if (!headed || !looks_like_radius(&reading)) {
        *ret_why = headed ? "has a code that is not assigned" : radius_fault_words(reading.fault);
        return decode_radius_is_port(datagram->source_port) ||
                       decode_radius_is_port(datagram->destination_port)
                   ? -1
                   : 0;
    }
    if (reading.packet.code == RADIUS_ACCOUNTING_REQUEST)
        print_session(lines, &reading);
    else
        print_other(lines, &reading);
    return 0;
}

static void flush(struct text *lines, FILE *out)
{
    fwrite(text_get(lines), 1, lines->length, out);
    text_clear(lines);
}

uint64_t decode_radius_text(const char *text, size_t length, FILE *out)
{
    struct radius_detail detail = {.text = text, .length = length};
    struct reading reading = {.valid = VALID_UNKNOWN, .fault = RADIUS_SOUND};
    AUTO_TEXT struct text lines = TEXT_EMPTY;
    uint8_t bytes[RADIUS_PACKET_MAX];
    uint64_t printed = 0;
    while (radius_detail_next(&detail, bytes, &reading.packet, &reading.arrived)) {
        radius_accounting_read(&reading.packet, &reading.record);
        if (reading.record.status == RADIUS_STATUS_NONE)
            continue;
        reading.frame = ++printed;
        print_session(&lines, &reading);
        flush(&lines, out);
    }
    return printed;
}

bool decode_radius_is_file(const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    char *head = alloc_array(HEAD_BYTES, 1);
    size_t length = fread(head, 1, HEAD_BYTES, file);
    fclose(file);
    bool is = radius_detail_is(head, length);
    free(head);
    return is;
}

int decode_radius_file(const char *path, FILE *out, struct err *err)
{
    AUTO_FREE char *text = NULL;
    size_t length;
    if (file_read(path, (size_t)LIMIT_DETAIL_MIB << 20, &text, &length, err) != 0)
        return err->code;
    decode_radius_text(text, length, out);
    return 0;
}
