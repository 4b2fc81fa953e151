/* SPDX-License-Identifier: Apache-2.0 */

/* A recording of any octets: parsed in two pieces, stored, sorted, read as a
 * bridge in every context and decoded to its end. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/check.h"
#include "source/bridge_forward.h"
#include "source/decode_recording.h"
#include "source/recording_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct recording_context parse(const char *text, size_t size, uint32_t vlan)
{
    struct recording_context context = {.vlan = vlan, .path = (char[]){"x"}};
    context.recording = recording_new();
    struct recording_parser *parser = recording_parser_new(recording_add, context.recording);
    size_t half = size / 2;
    CHECK(recording_parser_feed(parser, text, half) == 0);
    CHECK(recording_parser_feed(parser, text + half, size - half) == 0);
    CHECK(recording_parser_finish(parser, &context.summary) == 0);
    recording_parser_free(parser);
    recording_finish(context.recording);
    return context;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct quirk_table *quirks;
    struct err err;
    if (quirks == NULL) {
        size_t length;
        const char *delivered = quirks_delivered(&length);
        quirks = quirk_table_new();
        CHECK(quirk_table_add(quirks, "quirks", delivered, length, &err) == 0);
    }
    char path[] = "x";
    struct recording_context contexts[2] = {parse((const char *)data, size, 0),
                                            parse((const char *)data, size, 10)};
    contexts[0].path = contexts[1].path = path;
    struct recording_file file = {.stem = path, .contexts = contexts, .count = 2};
    struct bridge_table *table = recording_file_read(&file, quirks);
    FILE *out = fopen("/dev/null", "w");
    struct decode_counts counts = {0};
    decode_bridge_print(table, NULL, "x", out, &counts);
    fclose(out);
    struct bridge_forward_options options = {
        .fallback_name = "x", .site = "default", .type = "recording", .ageing = {-1}};
    options.started = options.ended = WALL_UNKNOWN;
    forward_table_free(bridge_forward(table, &options));
    bridge_table_free(table);
    recording_free(contexts[0].recording);
    recording_free(contexts[1].recording);
    return 0;
}
