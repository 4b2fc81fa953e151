/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/recording.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"

/* In the block: two octets length of the OID, the OID, one octet type, then
 * eight octets number, or four octets length and the octets. */
struct recording {
    uint8_t *block;
    size_t used, capacity;
    uint32_t *at; /* offsets, in the order of the OIDs once finished */
    size_t count, at_capacity;
    bool finished, disordered;
    uint64_t repeated;
};

struct recording *recording_new(void)
{
    return alloc_zeroed(1, sizeof(struct recording));
}

void recording_free(struct recording *recording)
{
    if (recording == NULL)
        return;
    free(recording->block);
    free(recording->at);
    free(recording);
}

static bool has_octets(enum snmp_type type)
{
    return type == SNMP_OCTETS || type == SNMP_OID || type == SNMP_IPADDRESS || type == SNMP_OPAQUE;
}

static void unpack(const uint8_t *at, struct recording_varbind *ret)
{
    uint16_t oid_length;
    memcpy(&oid_length, at, sizeof oid_length);
    at += sizeof oid_length;
    *ret = (struct recording_varbind){.oid = at, .oid_length = oid_length};
    at += oid_length;
    ret->value.type = (enum snmp_type) * at++;
    if (has_octets(ret->value.type)) {
        uint32_t length;
        memcpy(&length, at, sizeof length);
        ret->value.bytes = at + sizeof length;
        ret->value.length = length;
    } else {
        memcpy(&ret->value.number, at, sizeof ret->value.number);
    }
}

static void put(struct recording *recording, const void *bytes, size_t length)
{
    if (length > 0)
        memcpy(recording->block + recording->used, bytes, length);
    recording->used += length;
}

static int compare_places(const struct recording *recording, uint32_t a, uint32_t b)
{
    struct recording_varbind x, y;
    unpack(recording->block + a, &x);
    unpack(recording->block + b, &y);
    return oid_index_compare(x.oid, x.oid_length, y.oid, y.oid_length);
}

int recording_add(void *aux, const struct oid *oid, const struct snmp_value *value)
{
    struct recording *recording = aux;
    CHECK(!recording->finished);
    uint8_t octets[OID_BER_SIZE];
    uint16_t oid_length = (uint16_t)oid_encode(oid, octets);
    size_t most = sizeof oid_length + oid_length + 1 + sizeof(int64_t) + value->length;
    if (recording->used + most > RECORDING_BYTES_MAX)
        return ERR_LIMIT;
    while (recording->used + most > recording->capacity) {
        recording->capacity = recording->capacity == 0 ? 65536 : recording->capacity * 2;
        recording->block = alloc_resize(recording->block, recording->capacity, 1);
    }
    uint32_t at = (uint32_t)recording->used;
    uint8_t type = (uint8_t)value->type;
    put(recording, &oid_length, sizeof oid_length);
    put(recording, octets, oid_length);
    put(recording, &type, 1);
    if (has_octets(value->type)) {
        uint32_t length = (uint32_t)value->length;
        put(recording, &length, sizeof length);
        put(recording, value->bytes, length);
    } else {
        put(recording, &value->number, sizeof value->number);
    }
    recording->at =
        alloc_grow(recording->at, recording->count, &recording->at_capacity, sizeof *recording->at);
    recording->at[recording->count++] = at;
    if (recording->count > 1 && !recording->disordered &&
        compare_places(recording, recording->at[recording->count - 2], at) >= 0)
        recording->disordered = true;
    return 0;
}

static int compare_for_sort(const void *a, const void *b, void *aux)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    int order = compare_places(aux, x, y);
    return order != 0 ? order : (x > y) - (x < y);
}

void recording_finish(struct recording *recording)
{
    if (recording->finished)
        return;
    recording->finished = true;
    if (!recording->disordered)
        return;
    qsort_r(recording->at, recording->count, sizeof *recording->at, compare_for_sort, recording);
    size_t kept = 1;
    for (size_t i = 1; i < recording->count; i++) {
        bool again = compare_places(recording, recording->at[kept - 1], recording->at[i]) == 0;
        recording->repeated += again;
        recording->at[again ? kept - 1 : kept++] = recording->at[i];
    }
    recording->count = kept;
}

size_t recording_count(const struct recording *recording)
{
    return recording->count;
}

uint64_t recording_repeated(const struct recording *recording)
{
    return recording->repeated;
}

bool recording_disordered(const struct recording *recording)
{
    return recording->disordered;
}

void recording_get(const struct recording *recording, size_t position,
                   struct recording_varbind *ret)
{
    CHECK(position < recording->count);
    unpack(recording->block + recording->at[position], ret);
}

size_t recording_seek(const struct recording *recording, const struct oid *oid)
{
    CHECK(recording->finished);
    uint8_t octets[OID_BER_SIZE];
    size_t length = oid_encode(oid, octets);
    size_t low = 0, high = recording->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct recording_varbind varbind;
        recording_get(recording, middle, &varbind);
        if (oid_index_compare(varbind.oid, varbind.oid_length, octets, length) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool recording_find(const struct recording *recording, const struct oid *oid,
                    struct snmp_value *ret)
{
    uint8_t octets[OID_BER_SIZE];
    size_t length = oid_encode(oid, octets);
    size_t position = recording_seek(recording, oid);
    struct recording_varbind varbind;
    if (position == recording->count)
        return false;
    recording_get(recording, position, &varbind);
    if (oid_index_compare(varbind.oid, varbind.oid_length, octets, length) != 0)
        return false;
    *ret = varbind.value;
    return true;
}
