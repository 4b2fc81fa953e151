/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/audit_output.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/report.h"
#include "cli/terminal.h"
#include "model/json_out.h"

struct totals {
    size_t switches, switches_whole;
    uint64_t rows, guests, nics;
};

static struct totals count_totals(const struct view *view)
{
    struct totals totals = {0};
    totals.switches = view->table_count;
    for (size_t i = 0; i < view->failed_count; i++)
        totals.switches += view->failed[i].switch_name != NULL;
    for (size_t i = 0; i < view->table_count; i++) {
        totals.switches_whole += view->tables[i]->whole;
        totals.rows += view->tables[i]->row_count;
    }
    for (size_t i = 0; i < view->record_count; i++) {
        totals.guests += view->records[i]->guest_count;
        totals.nics += view->records[i]->nics.count;
    }
    return totals;
}

static void element(struct text *to, size_t index)
{
    if (index > 0)
        text_add_char(to, ',');
}

static void flush(struct text *out)
{
    fwrite(text_get(out), 1, out->length, stdout);
    text_clear(out);
}

static void number(struct text *to, const char *key, uint64_t value)
{
    json_key(to, key);
    text_printf(to, "%" PRIu64, value);
}

static void print_round_json(const struct audit_output *o, struct text *out)
{
    struct totals totals = count_totals(o->view);
    text_add(out, "{\"round\":{");
    json_key(out, "id");
    if (o->judging->round != 0)
        text_printf(out, "%" PRIu64, o->judging->round);
    else
        text_add(out, "null");
    json_key(out, "started");
    json_wall(out, o->view->started);
    json_key(out, "ended");
    json_wall(out, o->view->read_at);
    json_key(out, "judged");
    json_wall(out, o->judging->now);
    number(out, "switches", totals.switches);
    number(out, "switches_whole", totals.switches_whole);
    number(out, "forward_rows", totals.rows);
    number(out, "guests", totals.guests);
    number(out, "nics", totals.nics);
    text_add_char(out, '}');
}

static void print_receipts_json(const struct audit_output *o, struct text *out)
{
    const struct round *round = o->view->round;
    size_t printed = 0;
    json_key(out, "receipts");
    text_add_char(out, '[');
    for (size_t i = 0; i < o->stored_receipt_count; i++) {
        element(out, printed++);
        json_receipt(out, &o->stored_receipts[i], NULL);
    }
    for (size_t i = 0; round != NULL && i < round->record_count; i++) {
        if (round->record_is_old[i])
            continue;
        element(out, printed++);
        json_receipt(out, &round->record_receipts[i], NULL);
    }
    for (size_t i = 0; round != NULL && i < round->failed_count; i++) {
        element(out, printed++);
        json_receipt(out, &round->failed_receipts[i], round->failed[i].switch_name);
    }
    for (size_t i = 0; round != NULL && i < round->table_count; i++) {
        const struct forward_table *table = round->tables[i];
        for (size_t k = 0; k < table->receipt_count; k++) {
            element(out, printed++);
            json_receipt(out, &table->receipts[k], table->switch_name);
        }
    }
    text_add_char(out, ']');
}

static void print_discrepancies_json(const struct audit_output *o, struct text *out)
{
    const struct judging *j = o->judging;
    char id[CASE_ID_SIZE];
    struct discrepancy space;
    struct arena *scratch = arena_new();
    json_key(out, "discrepancies");
    text_add_char(out, '[');
    for (size_t i = 0; i < j->count; i++) {
        const struct case_record *record = j->cases != NULL ? &j->cases[i] : NULL;
        element(out, i);
        text_add_char(out, '{');
        json_key(out, "id");
        json_text(out, record != NULL ? case_id_format(record->number, id) : NULL);
        json_discrepancy(out, judging_word(j, i, &space, scratch));
        json_key(out, "first");
        json_wall(out, record != NULL ? record->first : j->now);
        json_key(out, "last");
        json_wall(out, record != NULL ? record->last : j->now);
        number(out, "count", record != NULL ? record->count : 1);
        if (record != NULL) {
            json_key(out, "case_state");
            json_text(out, case_state_word(record->state));
        }
        text_add_char(out, '}');
        flush(out);
        arena_clear(scratch);
    }
    arena_free(scratch);
    text_add_char(out, ']');
}

static void print_json(const struct audit_output *o)
{
    const struct judging *j = o->judging;
    AUTO_TEXT struct text out = TEXT_EMPTY;
    print_round_json(o, &out);
    print_receipts_json(o, &out);
    flush(&out);
    text_add_char(&out, ',');
    flush(&out);
    print_discrepancies_json(o, &out);
    text_add(&out, ",\"not_observable\":[");
    for (size_t i = 0; i < j->not_observable_count; i++) {
        element(&out, i);
        text_add_char(&out, '{');
        json_key(&out, "guest");
        json_text(&out, j->not_observable[i].guest);
        json_key(&out, "hypervisor");
        json_text(&out, j->not_observable[i].hypervisor);
        json_key(&out, "why");
        json_text(&out, j->not_observable[i].why);
        text_add_char(&out, '}');
        flush(&out);
    }
    text_add(&out, "]}\n");
    flush(&out);
}

enum { NOT_OBSERVABLE_SHOWN = 5 };

static void print_not_observable(const struct session *session, const struct judging *j)
{
    if (j->not_observable_count == 0)
        return;
    session_note(session, "of %zu guest%s no absence can be observed:", j->not_observable_count,
                 j->not_observable_count == 1 ? "" : "s");
    for (size_t i = 0; i < j->not_observable_count && i < NOT_OBSERVABLE_SHOWN; i++)
        session_note(session, "  %s: %s", j->not_observable[i].guest, j->not_observable[i].why);
    if (j->not_observable_count > NOT_OBSERVABLE_SHOWN)
        session_note(session, "  and %zu more (--format json lists them)",
                     j->not_observable_count - NOT_OBSERVABLE_SHOWN);
}

static void print_summary(const struct session *session, const struct audit_output *o)
{
    struct totals totals = count_totals(o->view);
    const struct judging *j = o->judging;
    size_t confirmed = 0;
    char took[CLOCK_TEXT_SIZE];
    for (size_t i = 0; i < j->count; i++)
        confirmed += j->discrepancies[i].state == VERDICT_CONFIRMED;
    print_not_observable(session, j);
    session_note(session,
                 "%" PRIu64 " guests; %zu of %zu switches read whole, %" PRIu64
                 " forward entries in %s: %zu confirmed, %zu suspected",
                 totals.guests, totals.switches_whole, totals.switches, totals.rows,
                 span_format(wall_since(o->view->read_at, o->view->started), took), confirmed,
                 j->count - confirmed);
}

static void print_csv(const struct judging *j)
{
    AUTO_TEXT struct text row = TEXT_EMPTY;
    char id[CASE_ID_SIZE];
    struct discrepancy space;
    struct arena *scratch = arena_new();
    report_csv_header(&row);
    for (size_t i = 0; i < j->count; i++) {
        report_csv_row(&row, judging_word(j, i, &space, scratch),
                       j->cases != NULL ? case_id_format(j->cases[i].number, id) : NULL);
        flush(&row);
        arena_clear(scratch);
    }
    flush(&row);
    arena_free(scratch);
}

/* Parallel arrays for the report, in `session`'s arena. */
static void print_table(struct session *session, const struct judging *j)
{
    const struct discrepancy **items = arena_alloc(session->arena, (j->count + 1) * sizeof *items);
    const char **ids = arena_alloc(session->arena, (j->count + 1) * sizeof *ids);
    for (size_t i = 0; i < j->count; i++) {
        char id[CASE_ID_SIZE];
        items[i] = &j->discrepancies[i];
        if (j->cases != NULL)
            ids[i] = arena_printf(session->arena, "%s", case_id_format(j->cases[i].number, id));
    }
    if (j->count > 0)
        report_table(stdout, items, j->cases != NULL ? ids : NULL, j->count);
    else
        puts("Nothing differs.");
}

int audit_output_print(struct session *session, const struct audit_output *o,
                       enum output_format format)
{
    switch (format) {
    case FORMAT_JSON:
        print_json(o);
        break;
    case FORMAT_CSV:
        print_csv(o->judging);
        break;
    case FORMAT_TABLE:
        print_table(session, o->judging);
        break;
    }
    fflush(stdout);
    if (format == FORMAT_TABLE)
        print_summary(session, o);
    return (int)o->judging->exit;
}
