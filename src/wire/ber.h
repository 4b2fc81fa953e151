/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_BER_H
#define MUSTER_WIRE_BER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The part of BER (X.690) that SNMP uses: definite lengths, one-octet tags.
 *
 * Reading is a walk over borrowed octets; every step is checked against the end,
 * and a false result means that the message is malformed and nothing more should
 * be read from it. Indefinite lengths, tags of several octets and lengths above
 * four octets are malformed here: RFC 3417 section 8 forbids the first, and no
 * datagram needs the others. Over-long but correct lengths and integers are
 * accepted, since agents send them. The readers are inline: a forward table is
 * millions of these steps.
 *
 * Writing goes from both ends of one buffer: a list of varbinds grows forward
 * from a headroom, and the headers are pushed in front of it once their lengths
 * are known, so that nothing is ever moved. A full writer stays full (sticky)
 * and is asked once at the end. */

enum {
    BER_INTEGER = 0x02,
    BER_OCTETS = 0x04,
    BER_NULL = 0x05,
    BER_OID = 0x06,
    BER_SEQUENCE = 0x30
};

struct ber_reader {
    const uint8_t *at, *end;
};

struct ber_item {
    uint8_t tag;
    const uint8_t *bytes; /* content */
    size_t length;
};

/* Reads one element and moves behind it. Returns false when it is malformed or
 * goes beyond the end. */
static inline bool ber_read(struct ber_reader *reader, struct ber_item *ret)
{
    const uint8_t *at = reader->at;
    if (reader->end - at < 2 || (at[0] & 0x1f) == 0x1f)
        return false;
    ret->tag = at[0];
    size_t length = at[1];
    at += 2;
    if (length >= 0x80) {
        size_t octets = length & 0x7f;
        if (octets == 0 || octets > 4 || (size_t)(reader->end - at) < octets)
            return false;
        length = 0;
        for (size_t i = 0; i < octets; i++)
            length = length << 8 | *at++;
    }
    if ((size_t)(reader->end - at) < length)
        return false;
    ret->bytes = at;
    ret->length = length;
    reader->at = at + length;
    return true;
}

/* Reads one element that must have `tag`. */
static inline bool ber_read_tag(struct ber_reader *reader, uint8_t tag, struct ber_item *ret)
{
    return ber_read(reader, ret) && ret->tag == tag;
}

/* Reads an element with `tag` and sets *ret to read its content. */
static inline bool ber_enter(struct ber_reader *reader, uint8_t tag, struct ber_reader *ret)
{
    struct ber_item item;
    if (!ber_read_tag(reader, tag, &item))
        return false;
    *ret = (struct ber_reader){item.bytes, item.bytes + item.length};
    return true;
}

/* Reads a two's complement number of 1 to 8 octets from the content of `item`. */
static inline bool ber_signed(const struct ber_item *item, int64_t *ret)
{
    if (item->length == 0 || item->length > 8)
        return false;
    uint64_t value = (item->bytes[0] & 0x80) != 0 ? UINT64_MAX : 0;
    for (size_t i = 0; i < item->length; i++)
        value = value << 8 | item->bytes[i];
    *ret = (int64_t)value;
    return true;
}

/* Reads an unsigned number of at most `octets` significant octets. Agents leave
 * out the leading 0 of values with the highest bit set; they mean the positive
 * number. */
static inline bool ber_unsigned(const struct ber_item *item, size_t octets, uint64_t *ret)
{
    const uint8_t *bytes = item->bytes;
    size_t length = item->length;
    if (length == 0)
        return false;
    while (length > 1 && bytes[0] == 0) {
        bytes++;
        length--;
    }
    if (length > octets)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++)
        value = value << 8 | bytes[i];
    *ret = value;
    return true;
}

/* Reads an INTEGER of 32 bits. */
static inline bool ber_read_int32(struct ber_reader *reader, int32_t *ret)
{
    struct ber_item item;
    int64_t value;
    if (!ber_read_tag(reader, BER_INTEGER, &item) || !ber_signed(&item, &value) ||
        value < INT32_MIN || value > INT32_MAX)
        return false;
    *ret = (int32_t)value;
    return true;
}

/* A message under construction in the caller's `buffer`: octets [begin, end). */
struct ber_writer {
    uint8_t *buffer;
    size_t size;
    size_t begin, end;
    bool full;
};

/* Starts an empty message with `headroom` octets in front. */
static inline void ber_writer_init(struct ber_writer *writer, uint8_t *buffer, size_t size,
                                   size_t headroom)
{
    bool fits = headroom <= size;
    *writer = (struct ber_writer){buffer, size, fits ? headroom : 0, fits ? headroom : 0, !fits};
}

/* Appends octets at the end. */
void ber_append(struct ber_writer *writer, const void *bytes, size_t length);

/* Appends a tag and the length of the content that the caller appends next. */
void ber_append_header(struct ber_writer *writer, uint8_t tag, size_t length);

/* Puts octets in front. */
void ber_push(struct ber_writer *writer, const void *bytes, size_t length);

/* Puts a tag and a length in front. */
void ber_push_header(struct ber_writer *writer, uint8_t tag, size_t length);

/* Puts a header in front that encloses everything from `begin` to `end_before`
 * octets before the present end of the message. */
static inline void ber_push_around(struct ber_writer *writer, uint8_t tag, size_t end_before)
{
    ber_push_header(writer, tag, writer->end - end_before - writer->begin);
}

/* Puts an INTEGER, or another `tag` with a signed content, in front. */
void ber_push_signed(struct ber_writer *writer, uint8_t tag, int64_t value);

/* Puts a whole element in front. */
void ber_push_item(struct ber_writer *writer, uint8_t tag, const void *bytes, size_t length);

enum { BER_NUMBER_SIZE = 9 };

/* Writes the minimal content octets of a number and returns how many. */
size_t ber_signed_content(int64_t value, uint8_t bytes[static BER_NUMBER_SIZE]);
size_t ber_unsigned_content(uint64_t value, uint8_t bytes[static BER_NUMBER_SIZE]);

/* Returns how many octets a header for `length` octets of content takes. */
static inline size_t ber_header_size(size_t length)
{
    return length < 0x80 ? 2 : length < 0x100 ? 3 : length < 0x10000 ? 4 : 5;
}

#endif
