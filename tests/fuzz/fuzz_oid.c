/* SPDX-License-Identifier: Apache-2.0 */

/* Object identifiers as text, as octets and as index tails: the forms must agree. */

#include "wire/oid.h"

static void check_text(const char *text, size_t length)
{
    struct oid oid, again;
    char printed[OID_TEXT_SIZE];
    if (oid_parse(text, length, &oid) != 0)
        return;
    oid_format(&oid, printed);
    CHECK(oid_parse(printed, strlen(printed), &again) == 0 && oid_compare(&oid, &again) == 0);
}

static void check_octets(const uint8_t *data, size_t size)
{
    struct oid oid, again;
    uint8_t encoded[OID_BER_SIZE];
    if (oid_decode(data, size, &oid) != 0)
        return;
    size_t length = oid_encode(&oid, encoded);
    CHECK(length <= OID_BER_SIZE);
    CHECK(oid_decode(encoded, length, &again) == 0 && oid_compare(&oid, &again) == 0);
    if (size > 0) /* no octets at all stand for 0.0 */
        CHECK(oid_index_compare(data, size, encoded, length) == 0);
}

static void check_index(const uint8_t *data, size_t size)
{
    uint32_t ids[LIMIT_OID_LENGTH], again[LIMIT_OID_LENGTH];
    uint8_t encoded[OID_BER_SIZE];
    size_t count, count_again;
    if (oid_index_decode(data, size, ids, LIMIT_OID_LENGTH, &count) != 0)
        return;
    size_t length = oid_index_encode(ids, count, encoded);
    CHECK(oid_index_decode(encoded, length, again, LIMIT_OID_LENGTH, &count_again) == 0);
    CHECK(count == count_again && memcmp(ids, again, count * sizeof *ids) == 0);
    size_t half = size / 2;
    int order = oid_index_compare(data, half, data + half, size - half);
    int reverse = oid_index_compare(data + half, size - half, data, half);
    CHECK((order < 0) == (reverse > 0) && (order == 0) == (reverse == 0));
    size_t same = oid_common_octets(data, data + half, half);
    CHECK(oid_index_before(data, half, data + half, size - half, same) == (order < 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_text((const char *)data, size);
    check_octets(data, size);
    check_index(data, size);
    return 0;
}
