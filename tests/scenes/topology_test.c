/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/edge.h"
#include "base/alloc.h"
#include "base/map.h"

/* Edge decision on real forward tables, from the ground truth beside recordings (tables
 * only: no LLDP, no record): every MAC's edge must agree with the links. Without the
 * folder of recordings the test is skipped. */

enum { SKIPPED = 77, COLUMNS = 9 };

struct columns {
    char *text[COLUMNS];
    size_t count;
};

static void split(char *line, struct columns *to)
{
    to->count = 0;
    line[strcspn(line, "\r\n")] = '\0';
    for (char *p = line; p != NULL && to->count < COLUMNS;)
        to->text[to->count++] = strsep(&p, "\t");
}

static uint32_t port_of(struct forward_table *table, const char *name)
{
    for (uint32_t i = 0; i < table->port_count; i++)
        if (strcmp(names_get(table->names, table->ports[i].name), name) == 0)
            return i;
    uint32_t index = (uint32_t)table->port_count;
    return forward_table_add_port(
        table, &(struct forward_port){.name = names_add(table->names, name, strlen(name)),
                                      .descr = NAME_NONE,
                                      .alias = NAME_NONE,
                                      .aggregate = index});
}

static struct forward_table *load(const char *folder, const char *file)
{
    char path[1024], line[512];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *stream = fopen(path, "r");
    if (stream == NULL)
        return NULL;
    struct forward_table *table = forward_table_new(file, "default");
    struct columns c;
    for (bool header = true; fgets(line, sizeof line, stream) != NULL; header = false) {
        split(line, &c);
        struct mac mac;
        if (header || c.count < 8 || mac_parse(c.text[3], strlen(c.text[3]), &mac) != 0 ||
            strcmp(c.text[4], "0") == 0 || c.text[4][0] == '\0')
            continue;
        enum forward_status status = strcmp(c.text[7], "learned") == 0 ? FORWARD_LEARNED
                                     : c.text[7][0] == '\0'            ? FORWARD_UNREAD
                                                                       : FORWARD_SELF;
        vlan_set vlan = VLAN_SET_UNKNOWN;
        if (vlan_set_parse(table->vlans, c.text[1], strlen(c.text[1]), &vlan) != 0)
            vlan = VLAN_SET_UNKNOWN;
        const char *port = c.text[6][0] != '\0' ? c.text[6] : c.text[4];
        forward_table_add_row(table, (struct forward_row){forward_row_key(mac, status),
                                                          port_of(table, port), vlan,
                                                          FORWARD_AGE_UNKNOWN});
    }
    fclose(stream);
    struct receipt receipt;
    receipt_init(&receipt);
    receipt.whole = true;
    forward_table_add_receipt(table, &receipt);
    forward_table_finish(table);
    return table;
}

struct tally {
    const char *folder;
    unsigned answers, unknown, inter;
    struct edge_answer watched;
    bool print;
};

static void show_port(void *aux, const struct edge_port *port)
{
    struct tally *tally = aux;
    if (port->class != PORT_CLASS_INTER_SWITCH)
        return;
    tally->inter++;
    if (tally->print)
        printf("  %s port %s: %s (%s)\n", port->place.switch_name, port->place.port,
               port_class_word(port->class), port->reason);
}

static void count_answer(void *aux, const struct edge_answer *answer)
{
    struct tally *tally = aux;
    tally->answers++;
    tally->unknown += answer->confidence == EDGE_UNKNOWN;
}

static struct world *load_world(const char *root, const char *set, struct world_input *input)
{
    char folder[512];
    struct dirent **entries;
    snprintf(folder, sizeof folder, "%s/topology/%s", root, set);
    int count = scandir(folder, &entries, NULL, alphasort);
    if (count < 0)
        return NULL;
    struct forward_table **tables = alloc_zeroed((size_t)count + 1, sizeof *tables);
    *input = (struct world_input){.tables = (const struct forward_table *const *)tables};
    for (int i = 0; i < count; i++) {
        size_t length = strlen(entries[i]->d_name);
        if (length > 8 && strcmp(entries[i]->d_name + length - 8, ".fdb.tsv") == 0)
            tables[input->table_count++] = load(folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return world_new(input);
}

static void unload(struct world *world, struct world_input *input)
{
    world_free(world);
    for (size_t i = 0; i < input->table_count; i++) {
        struct forward_table *table;
        memcpy(&table, &input->tables[i], sizeof table);
        forward_table_free(table);
    }
    void *tables;
    memcpy(&tables, &input->tables, sizeof tables);
    free(tables);
}

/* Two switches of one segment, whose link is known from their tables only. */
static int check_segment(const char *root)
{
    struct world_input input;
    struct world *world = load_world(root, "nms4930", &input);
    char path[512], line[256];
    snprintf(path, sizeof path, "%s/topology/nms4930/EXPECTED-backbone-macs.tsv", root);
    FILE *expected = fopen(path, "r");
    struct arena *arena = arena_new();
    int failures = 0, checked = 0;
    while (world != NULL && expected != NULL && fgets(line, sizeof line, expected) != NULL) {
        struct columns c;
        struct mac mac;
        split(line, &c);
        if (mac_parse(c.text[0], strlen(c.text[0]), &mac) != 0)
            continue;
        struct edge_answer *answers;
        size_t count = edge_decide(world, mac, arena, &answers);
        checked++;
        for (size_t i = 0; i < count; i++)
            if (answers[i].place.switch_name != NULL &&
                ((strcmp(answers[i].place.port, "24") == 0 &&
                  strstr(answers[i].place.switch_name, "3026") != NULL) ||
                 (strcmp(answers[i].place.port, "10") == 0 &&
                  strstr(answers[i].place.switch_name, "3612") != NULL)))
                failures++;
    }
    printf("nms4930: %d MACs of the segment checked, %d said to be on the link\n", checked,
           failures);
    arena_free(arena);
    if (expected != NULL)
        fclose(expected);
    unload(world, &input);
    return failures + (checked == 0);
}

int main(int argc, char **argv)
{
    const char *root = getenv("MUSTER_DATA") != NULL ? getenv("MUSTER_DATA")
                       : argc > 1                    ? argv[1]
                                                     : "";
    static const char *const sets[] = {
        "nms0002ciscoalcatel2", "nms003", "nms17216", "nms4930", "nms7467", "nms8000"};
    int failures = 0, loaded = 0;
    for (size_t i = 0; i < ARRAY_COUNT(sets); i++) {
        struct world_input input;
        struct world *world = load_world(root, sets[i], &input);
        if (world == NULL)
            continue;
        loaded++;
        struct tally tally = {.print = true};
        printf("%s:\n", sets[i]);
        edge_ports(world, show_port, &tally);
        edge_decide_all(world, count_answer, &tally);
        printf("  %u answers, %u without edge, %u inter-switch ports\n", tally.answers,
               tally.unknown, tally.inter);
        failures += tally.answers == 0;
        unload(world, &input);
    }
    if (loaded == 0) {
        printf("skipped: no recordings in '%s' (set MUSTER_DATA)\n", root);
        return SKIPPED;
    }
    failures += check_segment(root);
    return failures > 0;
}
