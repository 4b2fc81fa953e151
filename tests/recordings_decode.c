/* SPDX-License-Identifier: Apache-2.0 */

/* Decodes the recordings of one switch to standard output, for recordings_test.py:
 *     recordings_decode FILE...
 * prints the JSON lines of `muster decode`;
 *     recordings_decode --whole|--live FILE
 * prints the rows of the forward table, read with everything there is or as a
 * live device is read: the columns that are needed, and no more. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "source/bridge_forward.h"
#include "source/decode_recording.h"
#include "source/recording_file.h"

static struct quirk_table *delivered_quirks(void)
{
    struct quirk_table *quirks = quirk_table_new();
    struct err err = {0};
    size_t length;
    const char *text = quirks_delivered(&length);
    CHECK(quirk_table_add(quirks, "etc/quirks.conf", text, length, &err) == 0);
    return quirks;
}

static struct bridge_table *read_live(const struct recording_file *file,
                                      const struct quirk_table *quirks)
{
    struct bridge_reader_options options = {.quirks = quirks};
    struct bridge_reader *reader = bridge_reader_new(&options);
    recording_file_answer(file, reader);
    struct bridge_table *table = bridge_reader_take(reader);
    bridge_reader_free(reader);
    return table;
}

static void print_row(const struct forward_table *table, const struct forward_row *row)
{
    char mac[MAC_TEXT_SIZE];
    AUTO_TEXT struct text vlan = TEXT_EMPTY;
    vlan_set_print(table->vlans, row->vlan, &vlan);
    const char *port = "";
    if (row->port != FORWARD_NO_PORT)
        port = names_get(table->names, table->ports[table->ports[row->port].aggregate].name);
    printf("row\t%s\t%s\t%s\n", mac_format(forward_row_mac(row), mac), text_get(&vlan), port);
}

static int print_table(const char *path, bool live, const struct quirk_table *quirks,
                       struct err *err)
{
    struct recording_file *file = NULL;
    int code = recording_file_open(path, &file, err);
    if (code != 0)
        return code;
    struct bridge_table *bridge =
        live ? read_live(file, quirks) : recording_file_read(file, quirks);
    struct bridge_forward_options options = {
        .fallback_name = file->stem,
        .site = "default",
        .type = "recording",
        .started = WALL_UNKNOWN,
        .ended = WALL_UNKNOWN,
        .ageing = {-1},
    };
    struct forward_table *table = bridge_forward(bridge, &options);
    for (size_t i = 0; i < table->row_count; i++)
        print_row(table, &table->rows[i]);
    for (size_t i = 0; i < table->receipt_count; i++)
        if (!table->receipts[i].whole)
            printf("partial\t%s\n", table->receipts[i].why_not);
    forward_table_free(table);
    bridge_table_free(bridge);
    recording_file_free(file);
    return 0;
}

int main(int argc, char **argv)
{
    struct quirk_table *quirks = delivered_quirks();
    struct err err = {0};
    struct decode_counts counts = {0};
    int code;
    bool live = argc == 3 && strcmp(argv[1], "--live") == 0;
    if (live || (argc == 3 && strcmp(argv[1], "--whole") == 0))
        code = print_table(argv[2], live, quirks, &err);
    else
        code = decode_recording((const char *const *)argv + 1, (size_t)argc - 1, quirks, stdout,
                                &counts, &err);
    quirk_table_free(quirks);
    if (code != 0)
        fprintf(stderr, "%s\n", err.text);
    return code == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
