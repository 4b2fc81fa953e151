/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/decode_csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "io/clock.h"
#include "model/json_out.h"
#include "model/record.h"
#include "wire/csv.h"

bool decode_csv_is(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot != NULL && (strcasecmp(dot, ".csv") == 0 || strcasecmp(dot, ".tsv") == 0);
}

struct reading {
    const char *path;
    struct record_set *set;
    struct record_layout *layout;
    struct run_state_words *words;
    struct record_value *values;
    size_t value_capacity;
};

static const struct record_value *values_of(struct reading *r, const struct csv_row *row)
{
    if (row->count > r->value_capacity) {
        r->values = alloc_resize(r->values, row->count, sizeof *r->values);
        r->value_capacity = row->count;
    }
    for (size_t i = 0; i < row->count; i++)
        r->values[i] = (struct record_value){row->fields[i].text, row->fields[i].length};
    return r->values;
}

static int take_row(struct reading *r, const struct csv_row *row, struct err *err)
{
    const struct record_value *values = values_of(r, row);
    size_t column = 0;
    int status;
    if (r->layout == NULL)
        status = record_layout_new(RECORD_GUESTS, values, row->count, &r->layout, err);
    else
        status = record_add_row(r->set, r->layout, r->words, values, row->count, row->line, &column,
                                err);
    if (status != 0)
        err_prefix(err, "%s:%u:%zu", r->path, row->line, column + 1);
    return status;
}

static int read_rows(struct reading *r, FILE *file, struct err *err)
{
    struct csv_reader *reader = csv_new();
    int status = 0;
    for (bool ended = false; status == 0;) {
        struct csv_row row;
        struct csv_place place;
        int got = csv_next(reader, &row, &place, err);
        if (got == 1) {
            status = take_row(r, &row, err);
        } else if (got < 0) {
            status = err_prefix(err, "%s:%u:%zu", r->path, place.line, place.column);
        } else if (ended) {
            break;
        } else {
            size_t room, length;
            char *space = csv_space(reader, &room);
            length = fread(space, 1, room, file);
            ended = length == 0;
            csv_filled(reader, length);
        }
    }
    if (status == 0 && ferror(file))
        status = err_set_errno(err, errno, "cannot read %s", r->path);
    csv_free(reader);
    return status;
}

static void print_nic(const struct record_set *set, size_t n, struct text *line, FILE *out)
{
    const struct record_guest *guest = &set->guests[set->nics.guest[n]];
    struct record_details details = record_guest_details(set, set->nics.guest[n]);
    const char *extra = record_extra_find(set, RECORD_GUESTS, n);
    char uuid[RECORD_UUID_SIZE];
    AUTO_TEXT struct text vlan = TEXT_EMPTY;
    vlan_set_print(set->vlans, set->nics.vlan[n], &vlan);
    text_clear(line);
    text_add_char(line, '{');
    json_key(line, "type");
    json_text(line, "guest_nic");
    json_key(line, "hypervisor");
    json_text_or_null(line, names_get(set->names, set->nics.hypervisor[n]));
    json_key(line, "guest");
    json_text_or_null(line, names_get(set->names, guest->name));
    json_key(line, "uuid");
    json_text_or_null(line, record_guest_uuid(set, set->nics.guest[n], uuid));
    json_key(line, "mac");
    json_mac(line, (struct mac){set->nics.mac[n]});
    json_key(line, "run_state");
    json_text(line, run_state_word((enum run_state)set->nics.run_state[n]));
    json_key(line, "state_since");
    json_wall(line, (struct wall){set->nics.state_since[n]});
    json_key(line, "vlan");
    json_vlan_value(line, text_get(&vlan));
    json_key(line, "wire_expected");
    json_text(line, tristate_word((enum tristate)set->nics.wire[n]));
    json_key(line, "ip");
    json_text_or_null(line, names_get(set->names, details.ip));
    json_key(line, "tags");
    json_text_or_null(line, names_get(set->names, details.tags));
    json_key(line, "extra");
    text_add(line, extra != NULL ? extra : "null");
    text_add(line, "}\n");
    fwrite(line->data, 1, line->length, out);
}

int decode_csv_print(const char *path, FILE *out, struct err *err)
{
    struct reading r = {
        .path = path, .set = record_set_new(path, clock_wall()), .words = run_state_words_new()};
    AUTO_TEXT struct text line = TEXT_EMPTY;
    FILE *file = fopen(path, "r");
    int status =
        file != NULL ? read_rows(&r, file, err) : err_set_errno(err, errno, "cannot read %s", path);
    record_set_finish(r.set);
    for (size_t n = 0; n < r.set->nics.count; n++)
        print_nic(r.set, n, &line, out);
    if (file != NULL)
        fclose(file);
    free(r.values);
    record_layout_free(r.layout);
    run_state_words_free(r.words);
    record_set_free(r.set);
    return status;
}
