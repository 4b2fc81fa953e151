/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a generated data centre (datacentre.h) for the programs that cannot
 * link the generator: CSV as an operator would have it (guests, attachments,
 * switches' forward tables), numbers alone as a database would hold it, and the
 * true counts of discrepancies. Usage: make_world GUESTS SEED DIRECTORY. */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mac.h"
#include "datacentre.h"

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

/* guests.csv for people, guest.num for databases: mac|guest|hypervisor|on */
static void write_guests(const struct datacentre *centre, const char *directory)
{
    FILE *csv = create(directory, "guests.csv");
    FILE *num = create(directory, "guest.num");
    fputs("hypervisor,guest,mac,run_state,state_since,vlan\n", csv);
    for (uint32_t i = 0; i < centre->guests; i++) {
        struct datacentre_guest guest = datacentre_guest(centre, i);
        char hypervisor[DATACENTRE_TEXT_SIZE], name[DATACENTRE_TEXT_SIZE], mac[MAC_TEXT_SIZE];
        fprintf(csv, "%s,%s,%s,%s,2026-01-01T00:00:00Z,%u\n",
                datacentre_hypervisor_name(guest.hypervisor, hypervisor),
                datacentre_guest_name(i, name), mac_format((struct mac){guest.mac}, mac),
                guest.on ? "on" : "off", (unsigned)guest.vlan);
        fprintf(num, "%" PRIu64 "|%" PRIu32 "|%" PRIu32 "|%d\n", guest.mac, i, guest.hypervisor,
                guest.on);
    }
    finish(csv, "guests.csv");
    finish(num, "guest.num");
}

/* attachments.csv; attachment.num: hypervisor|nic_mac|switch|port */
static void write_attachments(const struct datacentre *centre, const char *directory)
{
    FILE *csv = create(directory, "attachments.csv");
    FILE *num = create(directory, "attachment.num");
    fputs("hypervisor,nic_mac,switch,port\n", csv);
    for (uint32_t i = 0; i < centre->hypervisors * 2; i++) {
        struct datacentre_attachment at = datacentre_attachment(centre, i / 2, i % 2);
        char hypervisor[DATACENTRE_TEXT_SIZE], port[DATACENTRE_TEXT_SIZE],
            switch_name[DATACENTRE_TEXT_SIZE], mac[MAC_TEXT_SIZE];
        fprintf(csv, "%s,%s,%s,%s\n", datacentre_hypervisor_name(at.hypervisor, hypervisor),
                mac_format((struct mac){at.nic_mac}, mac),
                datacentre_switch_name(at.switch_number, switch_name),
                datacentre_port_name(at.port, port));
        fprintf(num, "%" PRIu32 "|%" PRIu64 "|%" PRIu32 "|%u\n", at.hypervisor, at.nic_mac,
                at.switch_number, (unsigned)at.port);
    }
    finish(csv, "attachments.csv");
    finish(num, "attachment.num");
}

/* forward.csv; forward.num: switch|port|mac */
static void write_rows(const struct datacentre *centre, const char *directory)
{
    FILE *csv = create(directory, "forward.csv");
    FILE *num = create(directory, "forward.num");
    struct datacentre_row *rows = datacentre_rows(centre);
    fputs("switch,port,vlan,mac,status,read_at\n", csv);
    for (uint32_t i = 0; i < centre->rows; i++) {
        char switch_name[DATACENTRE_TEXT_SIZE], port[DATACENTRE_TEXT_SIZE], mac[MAC_TEXT_SIZE];
        fprintf(csv, "%s,%s,%u,%s,learned,2026-01-02T00:00:00Z\n",
                datacentre_switch_name(rows[i].switch_number, switch_name),
                datacentre_port_name(rows[i].port, port), (unsigned)rows[i].vlan,
                mac_format((struct mac){rows[i].mac}, mac));
        fprintf(num, "%" PRIu32 "|%u|%" PRIu64 "\n", rows[i].switch_number, (unsigned)rows[i].port,
                rows[i].mac);
    }
    free(rows);
    finish(csv, "forward.csv");
    finish(num, "forward.num");
}

/* The true counts, for the runner. */
static void write_truth(const struct datacentre *centre, const char *directory)
{
    FILE *json = create(directory, "truth.json");
    fprintf(json,
            "{\"guests\":%" PRIu32 ",\"rows\":%" PRIu32 ",\"hypervisors\":%" PRIu32
            ",\"switches\":%" PRIu32 ",\"unknown\":%" PRIu32 ",\"wrong\":%" PRIu32
            ",\"off_seen\":%" PRIu32 ",\"silent\":%" PRIu32 "}\n",
            centre->guests, centre->rows, centre->hypervisors, centre->switches, centre->unknown,
            centre->wrong, centre->off_seen, centre->silent);
    finish(json, "truth.json");
}

int main(int argc, char **argv)
{
    struct datacentre centre;
    if (argc != 4 || !datacentre_init(&centre, (uint32_t)strtoul(argv[1], NULL, 10),
                                      strtoull(argv[2], NULL, 10))) {
        fprintf(stderr, "usage: make_world GUESTS SEED DIRECTORY  (1 to %d guests)\n",
                DATACENTRE_GUESTS_MAX);
        return 2;
    }
    write_guests(&centre, argv[3]);
    write_attachments(&centre, argv[3]);
    write_rows(&centre, argv[3]);
    write_truth(&centre, argv[3]);
    return 0;
}
