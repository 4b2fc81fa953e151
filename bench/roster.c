/* SPDX-License-Identifier: Apache-2.0 */
#include "roster.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/hash.h"

/* Which of every ROSTER_FAULT_STRIDE guests has which fault; none of these is
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

bool roster_init(struct roster *roster, uint32_t guests, uint64_t seed)
{
    if (guests == 0 || guests > ROSTER_GUESTS_MAX)
        return false;
    uint32_t hypervisors =
        (guests + ROSTER_GUESTS_PER_HYPERVISOR - 1) / ROSTER_GUESTS_PER_HYPERVISOR;
    uint32_t pairs = (hypervisors + ROSTER_HYPERVISORS_PER_PAIR - 1) / ROSTER_HYPERVISORS_PER_PAIR;
    if (pairs < 2) /* a wrong place needs another pair */
        pairs = 2;
    *roster = (struct roster){
        .guests = guests,
        .hypervisors = pairs * ROSTER_HYPERVISORS_PER_PAIR,
        .switches = pairs * 2,
        .unknown = count_at(guests, ROSTER_FAULT_STRIDE, UNKNOWN_AT),
        .wrong = count_at(guests, ROSTER_FAULT_STRIDE, WRONG_AT),
        .off_seen = count_at(guests, ROSTER_FAULT_STRIDE, OFF_SEEN_AT),
        .silent = count_at(guests, ROSTER_FAULT_STRIDE, SILENT_AT),
        .seed = seed,
    };
    uint32_t quiet = count_at(guests, QUIET_STRIDE, QUIET_AT);
    roster->rows = guests - quiet - roster->silent + roster->unknown + roster->hypervisors * 2;
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

static enum roster_fault fault_of(uint32_t number)
{
    if (number % QUIET_STRIDE == QUIET_AT)
        return ROSTER_QUIET;
    switch (number % ROSTER_FAULT_STRIDE) {
    case OFF_SEEN_AT:
        return ROSTER_OFF_SEEN;
    case WRONG_AT:
        return ROSTER_WRONG;
    case SILENT_AT:
        return ROSTER_SILENT;
    default:
        return ROSTER_RIGHT;
    }
}

static uint16_t vlan_of(uint32_t number)
{
    return (uint16_t)(10 + number % 8);
}

struct roster_guest roster_guest(const struct roster *roster, uint32_t number)
{
    enum roster_fault fault = fault_of(number);
    return (struct roster_guest){
        .mac = GUEST_PREFIX | scatter(number, roster->seed),
        .hypervisor = number / ROSTER_GUESTS_PER_HYPERVISOR,
        .vlan = vlan_of(number),
        .on = fault != ROSTER_QUIET && fault != ROSTER_OFF_SEEN,
        .fault = fault,
    };
}

struct roster_attachment roster_attachment(const struct roster *roster, uint32_t hypervisor,
                                           unsigned side)
{
    uint64_t nic = (uint64_t)hypervisor * 2 + side;
    return (struct roster_attachment){
        .nic_mac = NIC_PREFIX | scatter((uint32_t)nic, ~roster->seed),
        .hypervisor = hypervisor,
        .switch_number = hypervisor / ROSTER_HYPERVISORS_PER_PAIR * 2 + side,
        .port = (uint16_t)(1 + hypervisor % ROSTER_HYPERVISORS_PER_PAIR),
    };
}

/* The row of a station with `mac` behind one of the two ports of `hypervisor`. */
static struct roster_row row_behind(const struct roster *roster, uint64_t mac, uint32_t hypervisor,
                                    uint16_t vlan)
{
    unsigned side = hash_u64(mac, roster->seed) & 1;
    struct roster_attachment at = roster_attachment(roster, hypervisor, side);
    return (struct roster_row){mac, at.switch_number, at.port, vlan};
}

static uint32_t place_guest_rows(const struct roster *roster, struct roster_row *rows)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < roster->guests; i++) {
        struct roster_guest guest = roster_guest(roster, i);
        uint32_t behind = guest.hypervisor;
        if (guest.fault == ROSTER_WRONG)
            behind = (behind + ROSTER_HYPERVISORS_PER_PAIR) % roster->hypervisors;
        if (guest.fault != ROSTER_QUIET && guest.fault != ROSTER_SILENT)
            rows[count++] = row_behind(roster, guest.mac, behind, guest.vlan);
        if (i % ROSTER_FAULT_STRIDE == UNKNOWN_AT) {
            uint32_t beyond = roster->guests + i / ROSTER_FAULT_STRIDE;
            uint64_t mac = GUEST_PREFIX | scatter(beyond, roster->seed);
            rows[count++] = row_behind(roster, mac, guest.hypervisor, guest.vlan);
        }
    }
    return count;
}

static int compare_macs(const void *a, const void *b)
{
    const struct roster_row *left = a, *right = b;
    return left->mac < right->mac ? -1 : left->mac > right->mac;
}

/* Counting sort by switch, then by MAC inside each switch. */
static void group_by_switch(const struct roster *roster, const struct roster_row *rows,
                            struct roster_row *sorted)
{
    uint32_t *start = alloc_zeroed(roster->switches + 1, sizeof(*start));
    for (uint32_t i = 0; i < roster->rows; i++)
        start[rows[i].switch_number + 1]++;
    for (uint32_t s = 0; s < roster->switches; s++)
        start[s + 1] += start[s];
    uint32_t *next = alloc_array(roster->switches, sizeof(*next));
    memcpy(next, start, roster->switches * sizeof(*next));
    for (uint32_t i = 0; i < roster->rows; i++)
        sorted[next[rows[i].switch_number]++] = rows[i];
    for (uint32_t s = 0; s < roster->switches; s++)
        qsort(sorted + start[s], start[s + 1] - start[s], sizeof(*sorted), compare_macs);
    free(next);
    free(start);
}

struct roster_row *roster_rows(const struct roster *roster)
{
    struct roster_row *rows = alloc_array(roster->rows, sizeof(*rows));
    uint32_t count = place_guest_rows(roster, rows);
    for (uint32_t h = 0; h < roster->hypervisors; h++)
        for (unsigned side = 0; side < 2; side++) {
            struct roster_attachment at = roster_attachment(roster, h, side);
            rows[count++] = (struct roster_row){at.nic_mac, at.switch_number, at.port, 1};
        }
    CHECK(count == roster->rows);
    struct roster_row *sorted = alloc_array(roster->rows, sizeof(*sorted));
    group_by_switch(roster, rows, sorted);
    free(rows);
    return sorted;
}

char *roster_guest_name(uint32_t number, char buffer[static ROSTER_TEXT_SIZE])
{
    snprintf(buffer, ROSTER_TEXT_SIZE, "guest%08" PRIu32, number);
    return buffer;
}

char *roster_hypervisor_name(uint32_t number, char buffer[static ROSTER_TEXT_SIZE])
{
    snprintf(buffer, ROSTER_TEXT_SIZE, "hv%06" PRIu32, number);
    return buffer;
}

char *roster_switch_name(uint32_t number, char buffer[static ROSTER_TEXT_SIZE])
{
    snprintf(buffer, ROSTER_TEXT_SIZE, "sw%05" PRIu32, number);
    return buffer;
}

char *roster_port_name(uint16_t port, char buffer[static ROSTER_TEXT_SIZE])
{
    snprintf(buffer, ROSTER_TEXT_SIZE, "Gi1/0/%u", (unsigned)port);
    return buffer;
}
