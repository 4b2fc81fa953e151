/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/oid.h"

#include <string.h>

#include "base/err.h"

/* Reads decimal digits at *at. Returns 0 or an error; *at is moved on success. */
static int parse_id(const char *text, size_t length, size_t *at, uint32_t *ret)
{
    uint64_t value = 0;
    size_t i = *at;
    for (; i < length && text[i] >= '0' && text[i] <= '9'; i++) {
        value = value * 10 + (uint64_t)(text[i] - '0');
        if (value > UINT32_MAX)
            return ERR_RANGE;
    }
    if (i == *at)
        return ERR_SYNTAX;
    *at = i;
    *ret = (uint32_t)value;
    return 0;
}

int oid_parse(const char *text, size_t length, struct oid *ret)
{
    struct oid oid;
    oid.length = 0;
    size_t at = 0;
    if (length > 0 && text[0] == '.')
        at = 1;
    if (length - at >= 3 && memcmp(text + at, "iso", 3) == 0) {
        oid.ids[oid.length++] = 1;
        at += 3;
        if (at == length) {
            *ret = oid;
            return 0;
        }
        if (text[at++] != '.')
            return ERR_SYNTAX;
    }
    for (;;) {
        if (oid.length == LIMIT_OID_LENGTH)
            return ERR_LIMIT;
        int result = parse_id(text, length, &at, &oid.ids[oid.length]);
        if (result != 0)
            return result;
        oid.length++;
        if (at == length)
            break;
        if (text[at++] != '.')
            return ERR_SYNTAX;
    }
    *ret = oid;
    return 0;
}

char *oid_format(const struct oid *oid, char buffer[static OID_TEXT_SIZE])
{
    char *to = buffer;
    for (uint32_t i = 0; i < oid->length; i++) {
        char digits[10];
        int count = 0;
        uint32_t id = oid->ids[i];
        do {
            digits[count++] = (char)('0' + id % 10);
            id /= 10;
        } while (id != 0);
        if (i != 0)
            *to++ = '.';
        while (count > 0)
            *to++ = digits[--count];
    }
    *to = '\0';
    return buffer;
}

int oid_compare(const struct oid *a, const struct oid *b)
{
    uint32_t common = a->length < b->length ? a->length : b->length;
    for (uint32_t i = 0; i < common; i++)
        if (a->ids[i] != b->ids[i])
            return a->ids[i] < b->ids[i] ? -1 : 1;
    return a->length == b->length ? 0 : a->length < b->length ? -1 : 1;
}

bool oid_has_prefix(const struct oid *oid, const struct oid *prefix)
{
    return oid->length >= prefix->length &&
           memcmp(oid->ids, prefix->ids, prefix->length * sizeof(prefix->ids[0])) == 0;
}

int oid_append(struct oid *oid, uint32_t id)
{
    if (oid->length >= LIMIT_OID_LENGTH)
        return ERR_LIMIT;
    oid->ids[oid->length++] = id;
    return 0;
}

/* Reads one base-128 number at *at, which must be before `length`. */
static int read_id(const uint8_t *bytes, size_t length, size_t *at, uint32_t *ret)
{
    uint64_t value = 0;
    while (*at < length) {
        uint8_t octet = bytes[(*at)++];
        value = value << 7 | (octet & 0x7f);
        if (value > UINT32_MAX)
            return ERR_RANGE;
        if ((octet & 0x80) == 0) {
            *ret = (uint32_t)value;
            return 0;
        }
    }
    return ERR_SYNTAX;
}

int oid_index_decode(const uint8_t *bytes, size_t length, uint32_t *ids, size_t capacity,
                     size_t *ret_count)
{
    size_t count = 0;
    for (size_t at = 0; at < length; count++) {
        if (count == capacity)
            return ERR_LIMIT;
        int result = read_id(bytes, length, &at, &ids[count]);
        if (result != 0)
            return result;
    }
    *ret_count = count;
    return 0;
}

int oid_decode(const uint8_t *bytes, size_t length, struct oid *ret)
{
    struct oid oid;
    uint32_t first = 0;
    size_t at = 0, rest = 0;
    if (length == 0) {
        *ret = OID(0, 0);
        return 0;
    }
    int result = read_id(bytes, length, &at, &first);
    if (result != 0)
        return result;
    oid.ids[0] = first < 80 ? first / 40 : 2;
    oid.ids[1] = first - oid.ids[0] * 40;
    result = oid_index_decode(bytes + at, length - at, oid.ids + 2, LIMIT_OID_LENGTH - 2, &rest);
    if (result != 0)
        return result;
    oid.length = (uint32_t)rest + 2;
    *ret = oid;
    return 0;
}

static size_t write_id(uint32_t id, uint8_t *bytes)
{
    size_t count = 1;
    for (uint32_t rest = id >> 7; rest != 0; rest >>= 7)
        count++;
    for (size_t i = count; i-- > 0; id >>= 7)
        bytes[i] = (uint8_t)((id & 0x7f) | (i + 1 < count ? 0x80 : 0));
    return count;
}

size_t oid_index_encode(const uint32_t *ids, size_t count, uint8_t *bytes)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++)
        used += write_id(ids[i], bytes + used);
    return used;
}

size_t oid_encode(const struct oid *oid, uint8_t bytes[static OID_BER_SIZE])
{
    uint32_t first = oid->length > 0 ? oid->ids[0] * 40 : 0;
    if (oid->length > 1)
        first += oid->ids[1];
    size_t used = write_id(first, bytes);
    if (oid->length > 2)
        used += oid_index_encode(oid->ids + 2, oid->length - 2, bytes + used);
    return used;
}

/* The value at *at as far as it goes; saturates, so that hostile octets still
 * have one order. */
static uint64_t read_any_id(const uint8_t *bytes, size_t length, size_t *at)
{
    uint64_t value = 0;
    while (*at < length) {
        uint8_t octet = bytes[(*at)++];
        value = value >> 56 != 0 ? UINT64_MAX : value << 7 | (octet & 0x7f);
        if ((octet & 0x80) == 0)
            break;
    }
    return value;
}

int oid_index_compare(const uint8_t *a, size_t a_length, const uint8_t *b, size_t b_length)
{
    size_t common = a_length < b_length ? a_length : b_length;
    size_t same = 0;
    while (same < common && a[same] == b[same])
        same++;
    if (same == a_length && same == b_length)
        return 0;
    /* Back to the beginning of the sub-identifier that differs. */
    while (same > 0 && (a[same - 1] & 0x80) != 0)
        same--;
    size_t a_at = same, b_at = same;
    while (a_at < a_length && b_at < b_length) {
        uint64_t x = read_any_id(a, a_length, &a_at);
        uint64_t y = read_any_id(b, b_length, &b_at);
        if (x != y)
            return x < y ? -1 : 1;
    }
    bool a_ended = a_at == a_length, b_ended = b_at == b_length;
    return a_ended == b_ended ? 0 : a_ended ? -1 : 1;
}
