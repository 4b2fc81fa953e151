/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_CLI_TERMINAL_H
#define MUSTER_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/text.h"

/* What the person's terminal can show, and safe text for it.
 *
 * Colours and progress appear only on a terminal; NO_COLOR and TERM=dumb are
 * obeyed. Names come from devices and records, so an attacker may have put
 * escape sequences into them: every cell goes through terminal_clean() before
 * it is printed. */

/* Returns the columns of the terminal behind `stream`; $COLUMNS where it is not a
 * terminal, else 80. Never less than 40. */
unsigned terminal_width(FILE *stream);

/* Whether colours may be used on `stream`. */
bool terminal_colours(FILE *stream);

enum colour { COLOUR_PLAIN, COLOUR_BOLD, COLOUR_DIM, COLOUR_RED, COLOUR_YELLOW, COLOUR_GREEN };

/* Returns the escape sequence that starts `colour`. */
const char *terminal_colour_start(enum colour colour);
/* Returns the sequence that ends any colour. */
const char *terminal_colour_end(void);

/* Appends `bytes` with control characters and invalid UTF-8 replaced by '?', so
 * that nothing in it can move the cursor or change colours. */
void terminal_clean(struct text *to, const char *bytes, size_t length);

/* Returns how many columns the UTF-8 `bytes` take; combining marks take none. */
unsigned terminal_text_width(const char *bytes, size_t length);

#endif
