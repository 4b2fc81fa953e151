/* SPDX-License-Identifier: Apache-2.0 */
#include "store/event_record.h"

#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "store/octets.h"

enum {
    MARK = 0xe5,
    AT_LENGTH = 8,
    AT_FIELDS = 10,
    AT_START = 12,
    AT_MARK = 15,
    AT_SEQUENCE = 16,
    AT_WHEN = 24,
    AT_HEARD = 32,
    AT_KIND = 40,
    AT_WORTH = 41,
    PROOF_SHIFT = 4,
    HINT_MASK = (1 << PROOF_SHIFT) - 1,
    V4_OFFSET = 12 /* of the octets of an IPv4 address in its mapped form */
};

enum field {
    FIELD_MAC,
    FIELD_VLAN,
    FIELD_LIFETIME,
    FIELD_ADDRESS,
    FIELD_CARE_OF,
    FIELD_AGENT,
    FIELD_CORRESPONDENT,
    FIELD_SOURCE,
    FIELD_TYPE,
    FIELD_SWITCH,
    FIELD_PORT,
    FIELD_NODE,
    FIELD_NAS,
    FIELD_SESSION,
    FIELD_CAUSE,
    FIELD_ORIGIN,
    FIELD_COUNT
};

/* --- writing --- */

/* The end of what is written so far, and which fields that is. */
struct writer {
    uint8_t *end;
    unsigned fields;
    bool too_long;
};

static void write_address(struct writer *writer, enum field field, const struct ip *ip)
{
    if (!ip_known(ip))
        return;
    size_t skipped = ip_is_v4(ip) ? V4_OFFSET : 0;
    size_t length = sizeof ip->octets - skipped;
    *writer->end++ = (uint8_t)length;
    memcpy(writer->end, ip->octets + skipped, length);
    writer->end += length;
    writer->fields |= 1U << field;
}

static void write_text(struct writer *writer, enum field field, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return;
    size_t length = strlen(text);
    if (length > EVENT_TEXT_MAX) {
        writer->too_long = true;
        return;
    }
    *writer->end++ = (uint8_t)length;
    memcpy(writer->end, text, length + 1);
    writer->end += length + 1;
    writer->fields |= 1U << field;
}

static void write_numbers(struct writer *writer, const struct event *event)
{
    if (mac_known(event->mac)) {
        mac_to_octets(event->mac, writer->end);
        writer->end += 6;
        writer->fields |= 1U << FIELD_MAC;
    }
    if (event->vlan != 0) {
        octets_put_16(writer->end, event->vlan);
        writer->end += 2;
        writer->fields |= 1U << FIELD_VLAN;
    }
    if (event->lifetime.us != 0) {
        octets_put_64(writer->end, (uint64_t)event->lifetime.us);
        writer->end += 8;
        writer->fields |= 1U << FIELD_LIFETIME;
    }
}

static void write_origin(struct writer *writer, const struct event *event)
{
    if (event->origin == 0)
        return;
    octets_put_64(writer->end, event->origin);
    writer->end += 8;
    writer->fields |= 1U << FIELD_ORIGIN;
}

size_t event_record_write(uint8_t *to, uint64_t sequence, const struct event *event)
{
    struct writer writer = {.end = to + EVENT_RECORD_HEAD};
    write_numbers(&writer, event);
    write_address(&writer, FIELD_ADDRESS, &event->address);
    write_address(&writer, FIELD_CARE_OF, &event->care_of);
    write_address(&writer, FIELD_AGENT, &event->agent);
    write_address(&writer, FIELD_CORRESPONDENT, &event->correspondent);
    write_text(&writer, FIELD_SOURCE, event->source);
    write_text(&writer, FIELD_TYPE, event->type);
    write_text(&writer, FIELD_SWITCH, event->switch_name);
    write_text(&writer, FIELD_PORT, event->port);
    write_text(&writer, FIELD_NODE, event->node);
    write_text(&writer, FIELD_NAS, event->nas);
    write_text(&writer, FIELD_SESSION, event->session);
    write_text(&writer, FIELD_CAUSE, event->cause);
    write_origin(&writer, event);
    if (writer.too_long)
        return 0;
    while ((size_t)(writer.end - to) % EVENT_RECORD_ALIGN != 0)
        *writer.end++ = 0;
    size_t length = (size_t)(writer.end - to);
    octets_put_16(to + AT_LENGTH, (uint16_t)length);
    octets_put_16(to + AT_FIELDS, (uint16_t)writer.fields);
    to[AT_KIND] = (uint8_t)event->kind;
    to[AT_WORTH] = (uint8_t)((unsigned)event->hint | (unsigned)event->proof << PROOF_SHIFT);
    octets_put_64(to + AT_SEQUENCE, sequence);
    octets_put_64(to + AT_WHEN, (uint64_t)event->at.us);
    octets_put_64(to + AT_HEARD, (uint64_t)event->heard.us);
    return length;
}

size_t event_record_seal(uint8_t *record, size_t start, uint64_t key)
{
    size_t length = octets_get_16(record + AT_LENGTH);
    size_t eights = start / EVENT_RECORD_ALIGN;
    for (int i = AT_START; i < AT_MARK; i++, eights >>= 8)
        record[i] = (uint8_t)eights;
    record[AT_MARK] = MARK;
    octets_put_64(record, hash_bytes(record + AT_LENGTH, length - AT_LENGTH, key));
    return length;
}

/* --- reading --- */

size_t event_record_check(const uint8_t *at, size_t room, uint64_t key)
{
    if (room < EVENT_RECORD_HEAD || at[AT_MARK] != MARK)
        return 0;
    size_t length = octets_get_16(at + AT_LENGTH);
    if (length < EVENT_RECORD_HEAD || length > EVENT_RECORD_MAX || length > room ||
        length % EVENT_RECORD_ALIGN != 0)
        return 0;
    return octets_get_64(at) == hash_bytes(at + AT_LENGTH, length - AT_LENGTH, key) ? length : 0;
}

uint64_t event_record_sequence(const uint8_t *record)
{
    return octets_get_64(record + AT_SEQUENCE);
}

size_t event_record_start(const uint8_t *record)
{
    size_t eights = 0;
    for (int i = AT_MARK - 1; i >= AT_START; i--)
        eights = eights << 8 | record[i];
    return eights * EVENT_RECORD_ALIGN;
}

struct reader {
    const uint8_t *at, *end;
    unsigned fields;
    bool broken;
};

/* Returns where `size` octets of `field` lie; NULL when the field is not there, or
 * the record is broken. */
static const uint8_t *take(struct reader *reader, enum field field, size_t size)
{
    if ((reader->fields & 1U << field) == 0 || reader->broken)
        return NULL;
    if ((size_t)(reader->end - reader->at) < size) {
        reader->broken = true;
        return NULL;
    }
    const uint8_t *taken = reader->at;
    reader->at += size;
    return taken;
}

static struct ip read_address(struct reader *reader, enum field field)
{
    const uint8_t *length = take(reader, field, 1);
    if (length == NULL)
        return IP_NONE;
    reader->broken = *length != 4 && *length != 16;
    const uint8_t *octets = take(reader, field, *length);
    if (octets == NULL)
        return IP_NONE;
    return *length == 4 ? ip_from_v4(octets) : ip_from_v6(octets);
}

static const char *read_text(struct reader *reader, enum field field)
{
    const uint8_t *length = take(reader, field, 1);
    if (length == NULL)
        return NULL;
    const uint8_t *text = take(reader, field, (size_t)*length + 1);
    if (text == NULL)
        return NULL;
    reader->broken = memchr(text, 0, (size_t)*length + 1) != text + *length;
    return (const char *)text;
}

static void read_numbers(struct reader *reader, struct event *ret)
{
    const uint8_t *mac = take(reader, FIELD_MAC, 6);
    const uint8_t *vlan = take(reader, FIELD_VLAN, 2);
    const uint8_t *lifetime = take(reader, FIELD_LIFETIME, 8);
    if (mac != NULL)
        ret->mac = mac_from_octets(mac);
    if (vlan != NULL)
        ret->vlan = octets_get_16(vlan);
    if (lifetime != NULL)
        ret->lifetime = span_us((int64_t)octets_get_64(lifetime));
}

int event_record_read(const uint8_t *record, struct event *ret)
{
    unsigned kind = record[AT_KIND];
    unsigned hint = record[AT_WORTH] & HINT_MASK, proof = record[AT_WORTH] >> PROOF_SHIFT;
    struct reader reader = {.at = record + EVENT_RECORD_HEAD,
                            .end = record + octets_get_16(record + AT_LENGTH),
                            .fields = octets_get_16(record + AT_FIELDS)};
    if (kind >= EVENT_KIND_COUNT || hint >= EVENT_HINT_COUNT || proof >= EVENT_PROOF_COUNT ||
        reader.fields >> FIELD_COUNT != 0)
        return ERR_CORRUPT;
    *ret = event_of((enum event_kind)kind);
    ret->hint = (enum event_hint)hint;
    ret->proof = (enum event_proof)proof;
    ret->at.us = (int64_t)octets_get_64(record + AT_WHEN);
    ret->heard.us = (int64_t)octets_get_64(record + AT_HEARD);
    read_numbers(&reader, ret);
    ret->address = read_address(&reader, FIELD_ADDRESS);
    ret->care_of = read_address(&reader, FIELD_CARE_OF);
    ret->agent = read_address(&reader, FIELD_AGENT);
    ret->correspondent = read_address(&reader, FIELD_CORRESPONDENT);
    ret->source = read_text(&reader, FIELD_SOURCE);
    ret->type = read_text(&reader, FIELD_TYPE);
    ret->switch_name = read_text(&reader, FIELD_SWITCH);
    ret->port = read_text(&reader, FIELD_PORT);
    ret->node = read_text(&reader, FIELD_NODE);
    ret->nas = read_text(&reader, FIELD_NAS);
    ret->session = read_text(&reader, FIELD_SESSION);
    ret->cause = read_text(&reader, FIELD_CAUSE);
    const uint8_t *origin = take(&reader, FIELD_ORIGIN, 8);
    if (origin != NULL)
        ret->origin = octets_get_64(origin);
    return reader.broken ? ERR_CORRUPT : 0;
}
