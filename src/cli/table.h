/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_CLI_TABLE_H
#define MUSTER_CLI_TABLE_H

#include <stddef.h>
#include <stdio.h>

#include "cli/terminal.h"

/* Tables for people: columns as wide as their content while the terminal has
 * room; where it has not, the widest flexible columns give way first and their
 * cells wrap at blanks (or inside a word that is too long), so that nothing is
 * cut off. A note below a row takes the whole width. The content is held until
 * table_print(), because widths depend on every row; long listings go out page by
 * page (table_page()). */

struct table_column {
    const char *header;
    unsigned least; /* narrowest useful width; 0: never narrower than its content */
};

struct table;

/* Returns an empty table with `count` columns; `columns` is borrowed. Yours to free. */
struct table *table_new(const struct table_column *columns, size_t count);
void table_free(struct table *table); /* NULL is allowed */

/* Adds one cell of the current row, cleaned; NULL is an empty cell. A row is
 * complete when it has a cell for each column. */
void table_cell(struct table *table, const char *text);
void table_cellf(struct table *table, const char *format, ...) PRINTF_LIKE(2, 3);

/* Colours the row that was completed last. */
void table_row_colour(struct table *table, enum colour colour);

/* Puts a note below the row that was completed last. */
void table_note(struct table *table, const char *text);

/* Prints `text` in lines of at most `width` columns: the first begins with
 * `prefix`, the others with as many blanks. `text` is cleaned; `prefix` is printed as
 * it is. */
void table_paragraph(FILE *to, const char *prefix, const char *text, unsigned width);

/* Returns how many rows are complete. */
size_t table_rows(const struct table *table);

/* Prints and forgets the rows once there are TABLE_PAGE of them: what a long listing
 * calls after each row, so that it is bounded; each page has a header and widths of
 * its own. */
enum { TABLE_PAGE = 10000 };
void table_page(struct table *table, FILE *to);

/* Prints header and rows for a terminal of `width` columns. */
void table_print(const struct table *table, FILE *to, unsigned width, bool colours);

#endif
