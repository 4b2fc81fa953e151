/* SPDX-License-Identifier: Apache-2.0 */

/* Decodes the recordings of one switch to standard output, for recordings_test.py:
 *     recordings_decode FILE...
 * With --table, prints instead how many rows and ports the forward table has. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
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

static int print_table(const char *path, const struct quirk_table *quirks, struct err *err)
{
    struct recording_file *file = NULL;
    int code = recording_file_open(path, &file, err);
    if (code != 0)
        return code;
    struct bridge_table *bridge = recording_file_read(file, quirks);
    struct bridge_forward_options options = {
        .fallback_name = file->stem,
        .site = "default",
        .type = "recording",
        .ageing = {-1},
    };
    struct forward_table *table = bridge_forward(bridge, &options);
    printf("%s: %zu rows, %zu ports, %zu neighbours, %s\n", table->switch_name, table->row_count,
           table->port_count, table->neighbour_count, table->whole ? "whole" : "partial");
    for (size_t i = 0; i < table->receipt_count; i++)
        if (!table->receipts[i].whole)
            printf("  %s\n", table->receipts[i].why_not);
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
    if (argc == 3 && strcmp(argv[1], "--table") == 0)
        code = print_table(argv[2], quirks, &err);
    else
        code = decode_recording((const char *const *)argv + 1, (size_t)argc - 1, quirks, stdout,
                                &counts, &err);
    quirk_table_free(quirks);
    if (code != 0)
        fprintf(stderr, "%s\n", err.text);
    return code == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
