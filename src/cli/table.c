/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { GAP = 2 };

struct row {
    char **cells;
    char *note;
    enum colour colour;
};

struct table {
    const struct table_column *columns;
    size_t column_count;
    struct row *rows;
    size_t row_count, row_capacity; /* the last row may be incomplete */
    size_t next_cell;
};

struct table *table_new(const struct table_column *columns, size_t count)
{
    struct table *table = alloc_zeroed(1, sizeof *table);
    table->columns = columns;
    table->column_count = count;
    return table;
}

static void forget_rows(struct table *table)
{
    for (size_t i = 0; i < table->row_count; i++) {
        for (size_t c = 0; c < table->column_count; c++)
            free(table->rows[i].cells[c]);
        free(table->rows[i].cells);
        free(table->rows[i].note);
    }
    table->row_count = 0;
}

void table_free(struct table *table)
{
    if (table == NULL)
        return;
    forget_rows(table);
    free(table->rows);
    free(table);
}

static char *cleaned(const char *text)
{
    struct text clean = TEXT_EMPTY;
    terminal_clean(&clean, text, strlen(text));
    return text_take(&clean);
}

void table_cell(struct table *table, const char *text)
{
    if (table->next_cell == 0) {
        table->rows =
            alloc_grow(table->rows, table->row_count, &table->row_capacity, sizeof *table->rows);
        table->rows[table->row_count++] =
            (struct row){alloc_zeroed(table->column_count, sizeof(char *)), NULL, COLOUR_PLAIN};
    }
    table->rows[table->row_count - 1].cells[table->next_cell] = cleaned(text != NULL ? text : "");
    table->next_cell = (table->next_cell + 1) % table->column_count;
}

void table_cellf(struct table *table, const char *format, ...)
{
    AUTO_TEXT struct text text = TEXT_EMPTY;
    va_list args;
    va_start(args, format);
    text_vprintf(&text, format, args);
    va_end(args);
    table_cell(table, text_get(&text));
}

static struct row *last_complete(struct table *table)
{
    CHECK(table->row_count > 0 && table->next_cell == 0);
    return &table->rows[table->row_count - 1];
}

void table_row_colour(struct table *table, enum colour colour)
{
    last_complete(table)->colour = colour;
}

void table_note(struct table *table, const char *text)
{
    struct row *row = last_complete(table);
    free(row->note);
    row->note = cleaned(text);
}

size_t table_rows(const struct table *table)
{
    return table->row_count - (table->next_cell != 0);
}

/* Takes width from the widest flexible column until the row fits. */
static void fit_widths(const struct table *table, unsigned width, unsigned *widths)
{
    unsigned total = 0;
    for (size_t c = 0; c < table->column_count; c++) {
        widths[c] = terminal_text_width(table->columns[c].header, strlen(table->columns[c].header));
        for (size_t r = 0; r < table->row_count; r++) {
            const char *cell = table->rows[r].cells[c];
            unsigned needed = cell != NULL ? terminal_text_width(cell, strlen(cell)) : 0;
            if (needed > widths[c])
                widths[c] = needed;
        }
        total += widths[c] + (c > 0 ? GAP : 0);
    }
    while (total > width) {
        size_t widest = table->column_count;
        for (size_t c = 0; c < table->column_count; c++) {
            bool flexible = table->columns[c].least != 0 && widths[c] > table->columns[c].least;
            if (flexible && (widest == table->column_count || widths[c] > widths[widest]))
                widest = c;
        }
        if (widest == table->column_count)
            return;
        widths[widest]--;
        total--;
    }
}

/* Returns how many bytes of `text` go on a line of `width` columns; sets
 * *ret_skip to the blanks after them. */
static size_t line_break(const char *text, unsigned width, size_t *ret_skip)
{
    size_t length = strlen(text), best = 0, fits = 0;
    *ret_skip = 0;
    if (terminal_text_width(text, length) <= width)
        return length;
    for (size_t i = 1; i <= length; i++) {
        if (((unsigned char)text[i] & 0xc0) == 0x80)
            continue;
        if (terminal_text_width(text, i) > width)
            break;
        fits = i;
        if (text[i] == ' ')
            best = i;
    }
    if (best == 0)
        return fits != 0 ? fits : 1;
    while (text[best + *ret_skip] == ' ')
        ++*ret_skip;
    return best;
}

static void print_spaces(FILE *to, unsigned count)
{
    fprintf(to, "%*s", (int)count, "");
}

/* Prints one visual line of a row; returns whether some cell has text left. */
static bool print_line(const struct table *table, FILE *to, const unsigned *widths,
                       const char **left)
{
    bool more = false;
    unsigned owed = 0;
    for (size_t c = 0; c < table->column_count; c++) {
        size_t skip, bytes = line_break(left[c], widths[c], &skip);
        if (bytes > 0) {
            print_spaces(to, owed);
            fwrite(left[c], 1, bytes, to);
            owed = 0;
        }
        owed += widths[c] - terminal_text_width(left[c], bytes) + GAP;
        left[c] += bytes + skip;
        more = more || *left[c] != '\0';
    }
    fputc('\n', to);
    return more;
}

/* Prints clean `text` in lines, the first after `prefix`. */
static void print_lines(FILE *to, const char *prefix, const char *text, unsigned width)
{
    unsigned indent = terminal_text_width(prefix, strlen(prefix));
    unsigned room = width > indent + 10 ? width - indent : 10;
    fputs(prefix, to);
    for (bool first = true; *text != '\0' || first; first = false) {
        size_t skip, bytes = line_break(text, room, &skip);
        if (!first)
            print_spaces(to, indent);
        fwrite(text, 1, bytes, to);
        fputc('\n', to);
        text += bytes + skip;
    }
}

void table_paragraph(FILE *to, const char *prefix, const char *text, unsigned width)
{
    AUTO_FREE char *clean = cleaned(text);
    print_lines(to, prefix, clean, width);
}

static void print_coloured_start(FILE *to, bool colours, enum colour colour)
{
    if (colours && colour != COLOUR_PLAIN)
        fputs(terminal_colour_start(colour), to);
}

static void print_coloured_end(FILE *to, bool colours, enum colour colour)
{
    if (colours && colour != COLOUR_PLAIN)
        fputs(terminal_colour_end(), to);
}

void table_print(const struct table *table, FILE *to, unsigned width, bool colours)
{
    AUTO_FREE unsigned *widths = alloc_zeroed(table->column_count, sizeof *widths);
    AUTO_FREE const char **left = alloc_zeroed(table->column_count, sizeof *left);
    fit_widths(table, width, widths);
    for (size_t c = 0; c < table->column_count; c++)
        left[c] = table->columns[c].header;
    print_coloured_start(to, colours, COLOUR_BOLD);
    while (print_line(table, to, widths, left))
        ;
    print_coloured_end(to, colours, COLOUR_BOLD);
    for (size_t r = 0; r < table_rows(table); r++) {
        const struct row *row = &table->rows[r];
        for (size_t c = 0; c < table->column_count; c++)
            left[c] = row->cells[c];
        print_coloured_start(to, colours, row->colour);
        while (print_line(table, to, widths, left))
            ;
        print_coloured_end(to, colours, row->colour);
        if (row->note != NULL)
            print_lines(to, "    ", row->note, width);
    }
}

void table_page(struct table *table, FILE *to)
{
    if (table->next_cell != 0 || table->row_count < TABLE_PAGE)
        return;
    table_print(table, to, terminal_width(to), terminal_colours(to));
    forget_rows(table);
}
