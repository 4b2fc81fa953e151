/* SPDX-License-Identifier: Apache-2.0 */
/* Limit probe: how cheap the sweep's join can be at all on this machine.
 *
 * The same judgement as join.sql over the same generated data centre, as bare
 * arithmetic: one open-addressing table of 16-byte slots on huge pages, software
 * prefetch some rows ahead, a bitmap of who was seen. It keeps no evidence, knows
 * no VLAN, ageing or topology and is no product; it only shows what the memory of
 * this machine allows. Usage: hash_probe GUESTS SEED. */

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "peer_report.h"
#include "roster.h"

enum { AHEAD = 32, HUGE_PAGE = 2 << 20 };

static const uint64_t MULTIPLIER = UINT64_C(0x9e3779b97f4a7c15);

struct slot {
    uint64_t mac; /* 0: free */
    uint32_t guest, hypervisor_on;
};

struct table {
    struct slot *slots;
    uint64_t mask;
    unsigned shift;
};

struct places { /* a set of packed (hypervisor, switch, port) */
    uint64_t *keys;
    uint64_t mask;
    unsigned shift;
};

struct finding {
    uint64_t mac;
    uint32_t guest, kind, switch_number, port;
};

enum kind { UNKNOWN, WRONG, OFF_SEEN, SILENT, KIND_COUNT };

struct audit {
    struct roster roster;
    struct table table;
    struct places places;
    uint64_t *seen;
    struct finding *findings;
    uint64_t finding_count, counts[KIND_COUNT];
};

static void *take_memory(size_t size)
{
    size = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) {
        perror("hash_probe");
        exit(1);
    }
    madvise(block, size, MADV_HUGEPAGE);
    return block;
}

static unsigned bits_for(uint64_t count)
{
    unsigned bits = 4;
    while ((UINT64_C(1) << bits) * 2 < count * 3)
        bits++;
    return bits;
}

static uint64_t place_key(uint64_t hypervisor, uint64_t switch_number, uint64_t port)
{
    return (hypervisor + 1) << 40 | switch_number << 16 | port;
}

static void add_place(struct places *places, uint64_t key)
{
    uint64_t at = key * MULTIPLIER >> places->shift;
    while (places->keys[at])
        at = (at + 1) & places->mask;
    places->keys[at] = key;
}

static bool has_place(const struct places *places, uint64_t key)
{
    uint64_t at = key * MULTIPLIER >> places->shift;
    while (places->keys[at] && places->keys[at] != key)
        at = (at + 1) & places->mask;
    return places->keys[at] == key;
}

static uint64_t home(const struct table *table, uint64_t mac)
{
    return mac * MULTIPLIER >> table->shift;
}

static void build(struct audit *audit, const uint64_t *macs, const uint32_t *hypervisor_on)
{
    struct table *table = &audit->table;
    uint32_t guests = audit->roster.guests;
    for (uint32_t i = 0; i < guests; i++) {
        if (i + AHEAD < guests)
            __builtin_prefetch(&table->slots[home(table, macs[i + AHEAD])], 1);
        uint64_t at = home(table, macs[i]);
        while (table->slots[at].mac)
            at = (at + 1) & table->mask;
        table->slots[at] = (struct slot){macs[i], i, hypervisor_on[i]};
    }
    for (uint32_t i = 0; i < audit->roster.hypervisors * 2; i++) {
        struct roster_attachment at = roster_attachment(&audit->roster, i / 2, i % 2);
        add_place(&audit->places, place_key(at.hypervisor, at.switch_number, at.port));
    }
}

static void find(struct audit *audit, enum kind kind, uint64_t mac, uint32_t guest,
                 const struct roster_row *row)
{
    audit->counts[kind]++;
    audit->findings[audit->finding_count++] =
        (struct finding){mac, guest, kind, row ? row->switch_number : 0, row ? row->port : 0};
}

static void judge_row(struct audit *audit, const struct roster_row *row)
{
    const struct table *table = &audit->table;
    if (row->mac >> 24 != 0x525400)
        return;
    uint64_t at = home(table, row->mac);
    while (table->slots[at].mac && table->slots[at].mac != row->mac)
        at = (at + 1) & table->mask;
    const struct slot *slot = &table->slots[at];
    if (!slot->mac) {
        find(audit, UNKNOWN, row->mac, UINT32_MAX, row);
        return;
    }
    audit->seen[slot->guest / 64] |= UINT64_C(1) << slot->guest % 64;
    if (!has_place(&audit->places,
                   place_key(slot->hypervisor_on >> 1, row->switch_number, row->port)))
        find(audit, WRONG, row->mac, slot->guest, row);
    else if (!(slot->hypervisor_on & 1))
        find(audit, OFF_SEEN, row->mac, slot->guest, row);
}

static void join(struct audit *audit, const struct roster_row *rows, const uint64_t *macs,
                 const uint32_t *hypervisor_on)
{
    for (uint32_t i = 0; i < audit->roster.rows; i++) {
        if (i + AHEAD < audit->roster.rows)
            __builtin_prefetch(&audit->table.slots[home(&audit->table, rows[i + AHEAD].mac)]);
        judge_row(audit, &rows[i]);
    }
    for (uint32_t i = 0; i < audit->roster.guests; i++)
        if ((hypervisor_on[i] & 1) && !(audit->seen[i / 64] >> i % 64 & 1))
            find(audit, SILENT, macs[i], i, NULL);
}

int main(int argc, char **argv)
{
    struct audit audit = {0};
    if (argc != 3 || !roster_init(&audit.roster, (uint32_t)strtoul(argv[1], NULL, 10),
                                  strtoull(argv[2], NULL, 10))) {
        fprintf(stderr, "usage: hash_probe GUESTS SEED\n");
        return 2;
    }
    uint32_t guests = audit.roster.guests;
    struct roster_row *rows = roster_rows(&audit.roster);
    uint64_t *macs = take_memory(guests * sizeof(*macs));
    uint32_t *hypervisor_on = take_memory(guests * sizeof(*hypervisor_on));
    for (uint32_t i = 0; i < guests; i++) {
        struct roster_guest guest = roster_guest(&audit.roster, i);
        macs[i] = guest.mac;
        hypervisor_on[i] = guest.hypervisor << 1 | guest.on;
    }

    double cpu = peer_cpu(), started = peer_now();
    unsigned bits = bits_for(guests), place_bits = bits_for(audit.roster.hypervisors * 2);
    audit.table = (struct table){take_memory(sizeof(struct slot) << bits),
                                 (UINT64_C(1) << bits) - 1, 64 - bits};
    audit.places = (struct places){take_memory(sizeof(uint64_t) << place_bits),
                                   (UINT64_C(1) << place_bits) - 1, 64 - place_bits};
    audit.seen = take_memory(guests / 8 + 8);
    audit.findings = take_memory((audit.roster.unknown + audit.roster.wrong +
                                  audit.roster.off_seen + (uint64_t)audit.roster.silent + 1) *
                                 sizeof(struct finding));
    build(&audit, macs, hypervisor_on);
    join(&audit, rows, macs, hypervisor_on);
    double wall = peer_now() - started, used = peer_cpu() - cpu;

    printf("{\"rows\":%" PRIu32 ",\"counts\":{\"unknown\":%" PRIu64 ",\"wrong\":%" PRIu64
           ",\"off_seen\":%" PRIu64 ",\"silent\":%" PRIu64
           "},\"wall\":%.6f,\"cpu\":%.6f,\"memory\":%" PRIu64 "}\n",
           audit.roster.rows, audit.counts[UNKNOWN], audit.counts[WRONG], audit.counts[OFF_SEEN],
           audit.counts[SILENT], wall, used, peer_memory());
    free(rows);
    return 0;
}
