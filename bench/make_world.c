/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a generated data centre (roster.h) for the programs that cannot
 * link the generator: numbers alone as a database would hold them, the true
 * counts of discrepancies, and with the word `csv` also the spreadsheets that an
 * operator would have (guests, attachments, the switches' forward tables).
 * Usage: make_world GUESTS SEED DIRECTORY [csv]. */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mac.h"
#include "roster.h"

static FILE *create(const char *directory, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    if (!file) {
        fprintf(stderr, "make_world: creating %s: %s\n", path, strerror(errno));
        exit(1);
    }
    return file;
}

static void finish(FILE *file, const char *name)
{
    bool failed = ferror(file);
    if (fclose(file) != 0 || failed) {
        fprintf(stderr, "make_world: writing %s: %s\n", name, strerror(errno));
        exit(1);
    }
}

/* mac|guest|hypervisor|on */
static void write_guest_numbers(const struct roster *roster, const char *directory)
{
    FILE *out = create(directory, "guest.num");
    for (uint32_t i = 0; i < roster->guests; i++) {
        struct roster_guest guest = roster_guest(roster, i);
        fprintf(out, "%" PRIu64 "|%" PRIu32 "|%" PRIu32 "|%d\n", guest.mac, i, guest.hypervisor,
                guest.on);
    }
    finish(out, "guest.num");
}

static void write_guests(const struct roster *roster, const char *directory)
{
    FILE *out = create(directory, "guests.csv");
    fputs("hypervisor,guest,mac,run_state,state_since,vlan\n", out);
    for (uint32_t i = 0; i < roster->guests; i++) {
        struct roster_guest guest = roster_guest(roster, i);
        char hypervisor[ROSTER_TEXT_SIZE], name[ROSTER_TEXT_SIZE], mac[MAC_TEXT_SIZE];
        fprintf(out, "%s,%s,%s,%s,2026-01-01T00:00:00Z,%u\n",
                roster_hypervisor_name(guest.hypervisor, hypervisor), roster_guest_name(i, name),
                mac_format((struct mac){guest.mac}, mac), guest.on ? "on" : "off",
                (unsigned)guest.vlan);
    }
    finish(out, "guests.csv");
}

/* hypervisor|nic_mac|switch|port */
static void write_attachment_numbers(const struct roster *roster, const char *directory)
{
    FILE *out = create(directory, "attachment.num");
    for (uint32_t i = 0; i < roster->hypervisors * 2; i++) {
        struct roster_attachment at = roster_attachment(roster, i / 2, i % 2);
        fprintf(out, "%" PRIu32 "|%" PRIu64 "|%" PRIu32 "|%u\n", at.hypervisor, at.nic_mac,
                at.switch_number, (unsigned)at.port);
    }
    finish(out, "attachment.num");
}

static void write_attachments(const struct roster *roster, const char *directory)
{
    FILE *out = create(directory, "attachments.csv");
    fputs("hypervisor,nic_mac,switch,port\n", out);
    for (uint32_t i = 0; i < roster->hypervisors * 2; i++) {
        struct roster_attachment at = roster_attachment(roster, i / 2, i % 2);
        char hypervisor[ROSTER_TEXT_SIZE], port[ROSTER_TEXT_SIZE], switch_name[ROSTER_TEXT_SIZE],
            mac[MAC_TEXT_SIZE];
        fprintf(out, "%s,%s,%s,%s\n", roster_hypervisor_name(at.hypervisor, hypervisor),
                mac_format((struct mac){at.nic_mac}, mac),
                roster_switch_name(at.switch_number, switch_name), roster_port_name(at.port, port));
    }
    finish(out, "attachments.csv");
}

/* switch|port|mac */
static void write_row_numbers(const struct roster *roster, const struct roster_row *rows,
                              const char *directory)
{
    FILE *out = create(directory, "forward.num");
    for (uint32_t i = 0; i < roster->rows; i++)
        fprintf(out, "%" PRIu32 "|%u|%" PRIu64 "\n", rows[i].switch_number, (unsigned)rows[i].port,
                rows[i].mac);
    finish(out, "forward.num");
}

static void write_rows(const struct roster *roster, const struct roster_row *rows,
                       const char *directory)
{
    FILE *out = create(directory, "forward.csv");
    fputs("switch,port,vlan,mac,status,read_at\n", out);
    for (uint32_t i = 0; i < roster->rows; i++) {
        char switch_name[ROSTER_TEXT_SIZE], port[ROSTER_TEXT_SIZE], mac[MAC_TEXT_SIZE];
        fprintf(out, "%s,%s,%u,%s,learned,2026-01-02T00:00:00Z\n",
                roster_switch_name(rows[i].switch_number, switch_name),
                roster_port_name(rows[i].port, port), (unsigned)rows[i].vlan,
                mac_format((struct mac){rows[i].mac}, mac));
    }
    finish(out, "forward.csv");
}

/* The true counts, for the runner. */
static void write_truth(const struct roster *roster, const char *directory)
{
    FILE *json = create(directory, "truth.json");
    fprintf(json,
            "{\"guests\":%" PRIu32 ",\"rows\":%" PRIu32 ",\"hypervisors\":%" PRIu32
            ",\"switches\":%" PRIu32 ",\"unknown\":%" PRIu32 ",\"wrong\":%" PRIu32
            ",\"off_seen\":%" PRIu32 ",\"silent\":%" PRIu32 "}\n",
            roster->guests, roster->rows, roster->hypervisors, roster->switches, roster->unknown,
            roster->wrong, roster->off_seen, roster->silent);
    finish(json, "truth.json");
}

int main(int argc, char **argv)
{
    struct roster roster;
    bool csv = argc == 5 && strcmp(argv[4], "csv") == 0;
    if ((argc != 4 && !csv) ||
        !roster_init(&roster, (uint32_t)strtoul(argv[1], NULL, 10), strtoull(argv[2], NULL, 10))) {
        fprintf(stderr, "usage: make_world GUESTS SEED DIRECTORY [csv]  (1 to %d guests)\n",
                ROSTER_GUESTS_MAX);
        return 2;
    }
    struct roster_row *rows = roster_rows(&roster);
    write_guest_numbers(&roster, argv[3]);
    write_attachment_numbers(&roster, argv[3]);
    write_row_numbers(&roster, rows, argv[3]);
    if (csv) {
        write_guests(&roster, argv[3]);
        write_attachments(&roster, argv[3]);
        write_rows(&roster, rows, argv[3]);
    }
    free(rows);
    write_truth(&roster, argv[3]);
    return 0;
}
