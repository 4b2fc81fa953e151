/* SPDX-License-Identifier: Apache-2.0 */
#include "datacentre.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/hash.h"

/* Which of every DATACENTRE_FAULT_STRIDE guests has which fault; none of these is
 * QUIET_AT modulo QUIET_STRIDE. */
enum {
    QUIET_STRIDE = 20,
    QUIET_AT = 7,
    OFF_SEEN_AT = 11,
    WRONG_AT = 57,
    SILENT_AT = 103,
    UNKNOWN_AT = 151
};

static const uint64_t GUEST_PREFIX = UINT64_C(0x525400) << 24;
static const uint64_t NIC_PREFIX = UINT64_C(0x3cecef) << 24; /* a server maker's */

static uint32_t count_at(uint32_t guests, uint32_t stride, uint32_t at)
{
    return guests / stride + (guests % stride > at ? 1 : 0);
}

bool datacentre_init(struct datacentre *centre, uint32_t guests, uint64_t seed)
{
    if (guests == 0 || guests > DATACENTRE_GUESTS_MAX)
        return false;
    uint32_t hypervisors =
        (guests + DATACENTRE_GUESTS_PER_HYPERVISOR - 1) / DATACENTRE_GUESTS_PER_HYPERVISOR;
    uint32_t pairs =
        (hypervisors + DATACENTRE_HYPERVISORS_PER_PAIR - 1) / DATACENTRE_HYPERVISORS_PER_PAIR;
    if (pairs < 2) /* a wrong place needs another pair */
        pairs = 2;
    *centre = (struct datacentre){
        .guests = guests,
        .hypervisors = pairs * DATACENTRE_HYPERVISORS_PER_PAIR,
        .switches = pairs * 2,
        .unknown = count_at(guests, DATACENTRE_FAULT_STRIDE, UNKNOWN_AT),
        .wrong = count_at(guests, DATACENTRE_FAULT_STRIDE, WRONG_AT),
        .off_seen = count_at(guests, DATACENTRE_FAULT_STRIDE, OFF_SEEN_AT),
        .silent = count_at(guests, DATACENTRE_FAULT_STRIDE, SILENT_AT),
        .seed = seed,
    };
    uint32_t quiet = count_at(guests, QUIET_STRIDE, QUIET_AT);
    centre->rows = guests - quiet - centre->silent + centre->unknown + centre->hypervisors * 2;
    return true;
}

/* A Feistel network over 24 bits: a permutation, so that no MAC comes twice. */
static uint64_t scatter(uint32_t number, uint64_t seed)
{
    uint32_t left = number >> 12 & 0xfff, right = number & 0xfff;
    for (unsigned round = 0; round < 4; round++) {
        uint32_t mixed = (uint32_t)hash_u64((uint64_t)round << 32 | right, seed) & 0xfff;
        uint32_t next = left ^ mixed;
        left = right;
        right = next;
    }
    return (uint64_t)left << 12 | right;
}

static enum datacentre_fault fault_of(uint32_t number)
{
    if (number % QUIET_STRIDE == QUIET_AT)
        return DATACENTRE_QUIET;
    switch (number % DATACENTRE_FAULT_STRIDE) {
    case OFF_SEEN_AT:
        return DATACENTRE_OFF_SEEN;
    case WRONG_AT:
        return DATACENTRE_WRONG;
    case SILENT_AT:
        return DATACENTRE_SILENT;
    default:
        return DATACENTRE_RIGHT;
    }
}

static uint16_t vlan_of(uint32_t number)
{
    return (uint16_t)(10 + number % 8);
}

struct datacentre_guest datacentre_guest(const struct datacentre *centre, uint32_t number)
{
    enum datacentre_fault fault = fault_of(number);
    return (struct datacentre_guest){
        .mac = GUEST_PREFIX | scatter(number, centre->seed),
        .hypervisor = number / DATACENTRE_GUESTS_PER_HYPERVISOR,
        .vlan = vlan_of(number),
        .on = fault != DATACENTRE_QUIET && fault != DATACENTRE_OFF_SEEN,
        .fault = fault,
    };
}

struct datacentre_attachment datacentre_attachment(const struct datacentre *centre,
                                                   uint32_t hypervisor, unsigned side)
{
    uint64_t nic = (uint64_t)hypervisor * 2 + side;
    return (struct datacentre_attachment){
        .nic_mac = NIC_PREFIX | scatter((uint32_t)nic, ~centre->seed),
        .hypervisor = hypervisor,
        .switch_number = hypervisor / DATACENTRE_HYPERVISORS_PER_PAIR * 2 + side,
        .port = (uint16_t)(1 + hypervisor % DATACENTRE_HYPERVISORS_PER_PAIR),
    };
}

/* The row of a station with `mac` behind one of the two ports of `hypervisor`. */
static struct datacentre_row row_behind(const struct datacentre *centre, uint64_t mac,
                                        uint32_t hypervisor, uint16_t vlan)
{
    unsigned side = hash_u64(mac, centre->seed) & 1;
    struct datacentre_attachment at = datacentre_attachment(centre, hypervisor, side);
    return (struct datacentre_row){mac, at.switch_number, at.port, vlan};
}

static uint32_t place_guest_rows(const struct datacentre *centre, struct datacentre_row *rows)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < centre->guests; i++) {
        struct datacentre_guest guest = datacentre_guest(centre, i);
        uint32_t behind = guest.hypervisor;
        if (guest.fault == DATACENTRE_WRONG)
            behind = (behind + DATACENTRE_HYPERVISORS_PER_PAIR) % centre->hypervisors;
        if (guest.fault != DATACENTRE_QUIET && guest.fault != DATACENTRE_SILENT)
            rows[count++] = row_behind(centre, guest.mac, behind, guest.vlan);
        if (i % DATACENTRE_FAULT_STRIDE == UNKNOWN_AT) {
            uint32_t beyond = centre->guests + i / DATACENTRE_FAULT_STRIDE;
            uint64_t mac = GUEST_PREFIX | scatter(beyond, centre->seed);
            rows[count++] = row_behind(centre, mac, guest.hypervisor, guest.vlan);
        }
    }
    return count;
}

static int compare_macs(const void *a, const void *b)
{
    const struct datacentre_row *left = a, *right = b;
    return left->mac < right->mac ? -1 : left->mac > right->mac;
}

/* Counting sort by switch, then by MAC inside each switch. */
static void group_by_switch(const struct datacentre *centre, const struct datacentre_row *rows,
                            struct datacentre_row *sorted)
{
    uint32_t *start = alloc_zeroed(centre->switches + 1, sizeof(*start));
    for (uint32_t i = 0; i < centre->rows; i++)
        start[rows[i].switch_number + 1]++;
    for (uint32_t s = 0; s < centre->switches; s++)
        start[s + 1] += start[s];
    uint32_t *next = alloc_array(centre->switches, sizeof(*next));
    memcpy(next, start, centre->switches * sizeof(*next));
    for (uint32_t i = 0; i < centre->rows; i++)
        sorted[next[rows[i].switch_number]++] = rows[i];
    for (uint32_t s = 0; s < centre->switches; s++)
        qsort(sorted + start[s], start[s + 1] - start[s], sizeof(*sorted), compare_macs);
    free(next);
    free(start);
}

struct datacentre_row *datacentre_rows(const struct datacentre *centre)
{
    struct datacentre_row *rows = alloc_array(centre->rows, sizeof(*rows));
    uint32_t count = place_guest_rows(centre, rows);
    for (uint32_t h = 0; h < centre->hypervisors; h++)
        for (unsigned side = 0; side < 2; side++) {
            struct datacentre_attachment at = datacentre_attachment(centre, h, side);
            rows[count++] = (struct datacentre_row){at.nic_mac, at.switch_number, at.port, 1};
        }
    CHECK(count == centre->rows);
    struct datacentre_row *sorted = alloc_array(centre->rows, sizeof(*sorted));
    group_by_switch(centre, rows, sorted);
    free(rows);
    return sorted;
}

char *datacentre_guest_name(uint32_t number, char buffer[static DATACENTRE_TEXT_SIZE])
{
    snprintf(buffer, DATACENTRE_TEXT_SIZE, "guest%08" PRIu32, number);
    return buffer;
}

char *datacentre_hypervisor_name(uint32_t number, char buffer[static DATACENTRE_TEXT_SIZE])
{
    snprintf(buffer, DATACENTRE_TEXT_SIZE, "hv%06" PRIu32, number);
    return buffer;
}

char *datacentre_switch_name(uint32_t number, char buffer[static DATACENTRE_TEXT_SIZE])
{
    snprintf(buffer, DATACENTRE_TEXT_SIZE, "sw%05" PRIu32, number);
    return buffer;
}

char *datacentre_port_name(uint16_t port, char buffer[static DATACENTRE_TEXT_SIZE])
{
    snprintf(buffer, DATACENTRE_TEXT_SIZE, "Gi1/0/%u", (unsigned)port);
    return buffer;
}
