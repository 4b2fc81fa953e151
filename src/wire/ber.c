/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/ber.h"

#include "base/check.h"

void ber_append(struct ber_writer *writer, const void *bytes, size_t length)
{
    if (writer->full || writer->size - writer->end < length) {
        writer->full = true;
        return;
    }
    if (length > 0)
        memcpy(writer->buffer + writer->end, bytes, length);
    writer->end += length;
}

void ber_push(struct ber_writer *writer, const void *bytes, size_t length)
{
    if (writer->full || writer->begin < length) {
        writer->full = true;
        return;
    }
    writer->begin -= length;
    if (length > 0)
        memcpy(writer->buffer + writer->begin, bytes, length);
}

static size_t header_content(uint8_t tag, size_t length, uint8_t bytes[static 5])
{
    size_t size = ber_header_size(length);
    CHECK(length < 1 << 24);
    bytes[0] = tag;
    if (size == 2) {
        bytes[1] = (uint8_t)length;
        return size;
    }
    bytes[1] = (uint8_t)(0x80 | (size - 2));
    for (size_t i = size; i > 2; i--, length >>= 8)
        bytes[i - 1] = (uint8_t)length;
    return size;
}

void ber_append_header(struct ber_writer *writer, uint8_t tag, size_t length)
{
    uint8_t bytes[5];
    ber_append(writer, bytes, header_content(tag, length, bytes));
}

void ber_push_header(struct ber_writer *writer, uint8_t tag, size_t length)
{
    uint8_t bytes[5];
    ber_push(writer, bytes, header_content(tag, length, bytes));
}

size_t ber_signed_content(int64_t value, uint8_t bytes[static BER_NUMBER_SIZE])
{
    size_t length = 8;
    while (length > 1) {
        int64_t rest = value >> (8 * (length - 1) - 1);
        if (rest != 0 && rest != -1)
            break;
        length--;
    }
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)((uint64_t)value >> (8 * (length - 1 - i)));
    return length;
}

size_t ber_unsigned_content(uint64_t value, uint8_t bytes[static BER_NUMBER_SIZE])
{
    if (value <= INT64_MAX)
        return ber_signed_content((int64_t)value, bytes);
    bytes[0] = 0;
    for (size_t i = 0; i < 8; i++)
        bytes[i + 1] = (uint8_t)(value >> (56 - 8 * i));
    return 9;
}

void ber_push_signed(struct ber_writer *writer, uint8_t tag, int64_t value)
{
    uint8_t bytes[BER_NUMBER_SIZE];
    size_t length = ber_signed_content(value, bytes);
    ber_push_item(writer, tag, bytes, length);
}

void ber_push_item(struct ber_writer *writer, uint8_t tag, const void *bytes, size_t length)
{
    ber_push(writer, bytes, length);
    ber_push_header(writer, tag, length);
}
