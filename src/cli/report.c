/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/table.h"

enum colour report_severity_colour(enum severity severity)
{
    switch (severity) {
    case SEVERITY_INFO:
    case SEVERITY_LOW:
        return COLOUR_DIM;
    case SEVERITY_MEDIUM:
        return COLOUR_PLAIN;
    case SEVERITY_HIGH:
        return COLOUR_YELLOW;
    case SEVERITY_CRITICAL:
        return COLOUR_RED;
    }
    UNREACHABLE();
}

static void add_word(struct text *to, const char *word)
{
    if (word == NULL || *word == '\0')
        return;
    if (to->length > 0)
        text_add_char(to, ' ');
    text_add(to, word);
}

void report_subject(struct text *to, const struct discrepancy *d)
{
    char mac[MAC_TEXT_SIZE];
    const struct subject *s = &d->subject;
    add_word(to, s->guest);
    if (s->guest == NULL && s->hypervisor != NULL)
        add_word(to, "hypervisor");
    if (s->guest == NULL)
        add_word(to, s->hypervisor);
    if (s->switch_name != NULL)
        add_word(to, "switch");
    add_word(to, s->switch_name);
    if (s->switch_name != NULL && s->port != NULL)
        add_word(to, "port");
    add_word(to, s->port);
    if (s->switch_name == NULL && s->source != NULL)
        add_word(to, "source");
    if (s->switch_name == NULL)
        add_word(to, s->source);
    char address[IP_TEXT_SIZE];
    if (ip_known(&s->address))
        add_word(to, ip_format(&s->address, address));
    if (mac_known(s->mac))
        add_word(to, mac_format(s->mac, mac));
    else if (d->mac_count == 1)
        add_word(to, mac_format(d->macs[0], mac));
    if (d->member_count > 0)
        text_printf(to, " (%zu)", d->member_count);
}

static void print_place(struct text *to, const struct named_place *place)
{
    if (to->length > 0)
        text_add(to, ", ");
    text_add(to, place->switch_name != NULL ? place->switch_name : "");
    if (place->port != NULL && *place->port != '\0') {
        text_add_char(to, ' ');
        text_add(to, place->port);
    }
}

enum { PLACES_SHOWN = 4 };

static void print_expected(struct text *to, const struct discrepancy *d)
{
    for (size_t i = 0; i < d->expected_count && i < PLACES_SHOWN; i++)
        print_place(to, &d->expected[i]);
    if (d->expected_count > PLACES_SHOWN)
        text_printf(to, ", and %zu more", d->expected_count - PLACES_SHOWN);
    if (d->expected_count == 0 && d->expected_hypervisor_count > 0)
        text_add(to, d->expected_hypervisors[0]);
}

static void print_observed(struct text *to, const struct discrepancy *d)
{
    for (size_t i = 0; i < d->observed_count && i < PLACES_SHOWN; i++) {
        print_place(to, &d->observed[i].place);
        if (d->observed[i].vlan != NULL && *d->observed[i].vlan != '\0') {
            text_add(to, " vlan ");
            text_add(to, d->observed[i].vlan);
        }
    }
    if (d->observed_count > PLACES_SHOWN)
        text_printf(to, ", and %zu more", d->observed_count - PLACES_SHOWN);
    if (d->observed_count == 0)
        text_add(to, "-");
}

/* An order of the items, the gravest first, otherwise as they came. */
static size_t *order_by_severity(const struct discrepancy *const *items, size_t count)
{
    size_t *order = alloc_array(count, sizeof *order), next = 0;
    for (int severity = SEVERITY_CRITICAL; severity >= SEVERITY_INFO; severity--) {
        for (size_t i = 0; i < count; i++) {
            if ((int)items[i]->severity == severity)
                order[next++] = i;
        }
    }
    CHECK(next == count);
    return order;
}

void report_table(FILE *to, const struct discrepancy *const *items, const char *const *ids,
                  size_t count)
{
    static const struct table_column with_ids[] = {
        {"CASE", 0}, {"KIND", 0}, {"STATE", 0}, {"SUBJECT", 17}, {"EXPECTED", 9}, {"OBSERVED", 9}};
    const struct table_column *columns = ids != NULL ? with_ids : with_ids + 1;
    struct table *table = table_new(columns, ARRAY_COUNT(with_ids) - (ids == NULL));
    AUTO_FREE size_t *order = order_by_severity(items, count);
    AUTO_TEXT struct text cell = TEXT_EMPTY;
    for (size_t k = 0; k < count; k++) {
        const struct discrepancy *d = items[order[k]];
        if (ids != NULL)
            table_cell(table, ids[order[k]]);
        table_cell(table, discrepancy_word(d->kind));
        table_cell(table, verdict_state_word(d->state));
        text_clear(&cell);
        report_subject(&cell, d);
        table_cell(table, text_get(&cell));
        text_clear(&cell);
        print_expected(&cell, d);
        table_cell(table, text_get(&cell));
        text_clear(&cell);
        print_observed(&cell, d);
        table_cell(table, text_get(&cell));
        table_row_colour(table, report_severity_colour(d->severity));
        text_clear(&cell);
        text_add(&cell, d->why != NULL ? d->why : "");
        if (d->would_prove != NULL && *d->would_prove != '\0')
            text_printf(&cell, ". To prove: %s", d->would_prove);
        table_note(table, text_get(&cell));
    }
    table_print(table, to, terminal_width(to), terminal_colours(to));
    table_free(table);
}

static void add_csv_field(struct text *to, const char *text)
{
    if (text == NULL)
        return;
    /* A leading = + - @ would make a spreadsheet run what a device sent as a
     * formula; quoting keeps the characters and a blank disarms them. */
    bool formula = text[0] != '\0' && strchr("=+-@", text[0]) != NULL;
    if (strpbrk(text, ",\"\r\n") == NULL && !formula) {
        text_add(to, text);
        return;
    }
    text_add(to, formula ? "\" " : "\"");
    for (; *text != '\0'; text++) {
        if (*text == '"')
            text_add_char(to, '"');
        text_add_char(to, *text);
    }
    text_add_char(to, '"');
}

void report_csv_field(FILE *to, const char *text)
{
    AUTO_TEXT struct text field = TEXT_EMPTY;
    add_csv_field(&field, text);
    fputs(text_get(&field), to);
}

void report_csv_header(struct text *to)
{
    text_add(to, "case,kind,state,severity,domain,guest,mac,hypervisor,switch,source,expected,"
                 "observed,why\r\n");
}

void report_csv_row(struct text *to, const struct discrepancy *d, const char *id)
{
    char mac[MAC_TEXT_SIZE];
    AUTO_TEXT struct text cell = TEXT_EMPTY;
    struct mac subject_mac = mac_known(d->subject.mac) ? d->subject.mac
                             : d->mac_count > 0        ? d->macs[0]
                                                       : MAC_NONE;
    const char *fields[] = {id,
                            discrepancy_word(d->kind),
                            verdict_state_word(d->state),
                            severity_word(d->severity),
                            d->domain,
                            d->subject.guest,
                            mac_known(subject_mac) ? mac_format(subject_mac, mac) : NULL,
                            d->subject.hypervisor,
                            d->subject.switch_name,
                            d->subject.source};
    for (size_t f = 0; f < ARRAY_COUNT(fields); f++) {
        add_csv_field(to, fields[f]);
        text_add_char(to, ',');
    }
    print_expected(&cell, d);
    add_csv_field(to, text_get(&cell));
    text_add_char(to, ',');
    text_clear(&cell);
    print_observed(&cell, d);
    add_csv_field(to, text_get(&cell));
    text_add_char(to, ',');
    add_csv_field(to, d->why);
    text_add(to, "\r\n");
}

void report_evidence(FILE *to, const struct evidence *evidence, size_t count)
{
    static const struct table_column columns[] = {{"#", 0}, {"WHAT", 0}, {"FROM", 8}, {"SAYS", 30}};
    struct table *table = table_new(columns, ARRAY_COUNT(columns));
    char at[CLOCK_TEXT_SIZE];
    for (size_t i = 0; i < count; i++) {
        table_cellf(table, "%zu", i + 1);
        table_cell(table, evidence[i].what);
        table_cell(table, evidence[i].source);
        if (wall_known(evidence[i].at))
            table_cellf(table, "%s [%s]", evidence[i].text, wall_format_ms(evidence[i].at, at));
        else
            table_cell(table, evidence[i].text);
    }
    table_print(table, to, terminal_width(to), terminal_colours(to));
    table_free(table);
}
