/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/csv.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/alloc.h"
#include "base/limits.h"
#include "base/text.h"

enum {
    BLOCK = 32,                                   /* octets looked at a step */
    ROOM = 256 * 1024,                            /* of input at a time */
    CAPACITY = LIMIT_LINE_BYTES + ROOM + 4 * 1024 /* a whole row and the next input */
};

struct csv_reader {
    char *buffer; /* BLOCK octets more than its capacity */
    size_t capacity;
    size_t start, end; /* what is not taken yet */
    bool ended, begun, failed;
    bool any_octets; /* also such as are not UTF-8 */
    char separator;
    bool mark_looked_for; /* the byte order mark */
    uint32_t line;

    /* The scan: the block it is in, what is left of its marks, and whether the
     * block holds octets above 127. */
    size_t block;
    uint32_t marks;
    bool block_is_high, row_is_high;

    struct csv_field fields[LIMIT_COLUMNS];
    bool doubled[LIMIT_COLUMNS]; /* the field holds doubled quotes */
    size_t count;
};

/* What became of a row. */
enum found { FOUND_ROW = 1, FOUND_NOTHING = 0 };

struct csv_reader *csv_new(void)
{
    struct csv_reader *reader = alloc_zeroed(1, sizeof *reader);
    reader->line = 1;
    reader->capacity = ROOM + 4 * 1024;
    reader->buffer = alloc_zeroed(reader->capacity + BLOCK, 1);
    return reader;
}

void csv_take_any_octets(struct csv_reader *reader)
{
    reader->any_octets = true;
}

void csv_free(struct csv_reader *reader)
{
    if (reader == NULL)
        return;
    free(reader->buffer);
    free(reader);
}

char csv_separator(const struct csv_reader *reader)
{
    return reader->separator;
}

/* What is left of the last row moves to the front; the buffer grows only while a
 * single row fills it. */
char *csv_space(struct csv_reader *reader, size_t *ret_room)
{
    size_t left = reader->end - reader->start;
    memmove(reader->buffer, reader->buffer + reader->start, left);
    reader->start = 0;
    reader->end = left;
    if (reader->capacity - left < ROOM / 4 && reader->capacity < CAPACITY) {
        reader->capacity =
            reader->capacity * 2 < CAPACITY ? reader->capacity * 2 : (size_t)CAPACITY;
        reader->buffer = alloc_resize(reader->buffer, reader->capacity + BLOCK, 1);
    }
    *ret_room = reader->capacity - left;
    if (*ret_room == 0) { /* after an error nobody takes rows any more */
        reader->end = 0;
        *ret_room = reader->capacity;
    }
    return reader->buffer + reader->end;
}

void csv_filled(struct csv_reader *reader, size_t length)
{
    CHECK(length <= reader->capacity - reader->end);
    reader->end += length;
    reader->ended = length == 0;
    memset(reader->buffer + reader->end, 0, BLOCK);
}

static int fail(struct csv_reader *reader, struct csv_place *place, size_t column)
{
    reader->failed = true;
    *place = (struct csv_place){reader->line, column};
    return 0;
}

/* --- finding the octets that mean something --- */

#ifdef __SSE2__
static inline uint32_t block_marks(const char *block, char separator, bool *ret_high)
{
    const __m128i separators = _mm_set1_epi8(separator), quotes = _mm_set1_epi8('"'),
                  feeds = _mm_set1_epi8('\n'), returns = _mm_set1_epi8('\r'),
                  zeros = _mm_setzero_si128();
    uint32_t marks = 0, high = 0;
    for (int half = 0; half < 2; half++) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(block + 16 * half));
        __m128i hits = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(bytes, separators), _mm_cmpeq_epi8(bytes, quotes)),
            _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, feeds), _mm_cmpeq_epi8(bytes, returns)),
                         _mm_cmpeq_epi8(bytes, zeros)));
        marks |= (uint32_t)_mm_movemask_epi8(hits) << (16 * half);
        high |= (uint32_t)_mm_movemask_epi8(bytes);
    }
    *ret_high = high != 0;
    return marks;
}
#else
static inline uint32_t block_marks(const char *block, char separator, bool *ret_high)
{
    uint32_t marks = 0;
    unsigned char high = 0;
    for (int i = 0; i < BLOCK; i++) {
        char c = block[i];
        high |= (unsigned char)c;
        if (c == separator || c == '"' || c == '\n' || c == '\r' || c == '\0')
            marks |= UINT32_C(1) << i;
    }
    *ret_high = high >= 0x80;
    return marks;
}
#endif

static inline void load_block(struct csv_reader *reader)
{
    reader->marks =
        block_marks(reader->buffer + reader->block, reader->separator, &reader->block_is_high);
    reader->row_is_high |= reader->block_is_high;
}

/* Begins to scan at `at`. */
static void scan_from(struct csv_reader *reader, size_t at)
{
    reader->block = at;
    reader->row_is_high = false;
    load_block(reader);
}

/* Returns where the next mark is, the end of the input when there is none. */
static inline size_t next_mark(struct csv_reader *reader)
{
    while (reader->marks == 0) {
        reader->block += BLOCK;
        if (reader->block >= reader->end)
            return reader->end;
        load_block(reader);
    }
    size_t at = reader->block + (unsigned)__builtin_ctz(reader->marks);
    reader->marks &= reader->marks - 1;
    return at < reader->end ? at : reader->end;
}

/* --- one row --- */

static inline void add_field(struct csv_reader *reader, size_t from, size_t to, bool doubled)
{
    reader->fields[reader->count] = (struct csv_field){reader->buffer + from, to - from};
    reader->doubled[reader->count++] = doubled;
}

/* Finds the end of the quoted field whose text begins at `from`. Returns 1 with
 * the closing quote in *ret_close, 0 when more input is needed, or an error. */
static int scan_quoted(struct csv_reader *reader, size_t from, size_t *ret_close, bool *ret_doubled,
                       uint32_t *ret_lines, struct err *err)
{
    for (;;) {
        size_t at = next_mark(reader);
        if (at == reader->end) {
            if (!reader->ended)
                return FOUND_NOTHING;
            return err_set(err, ERR_SYNTAX,
                           "a quote is opened and never closed, expected \" before the end");
        }
        char c = reader->buffer[at];
        *ret_lines += c == '\n';
        if (c == '\0')
            return err_set(err, ERR_SYNTAX, "found a NUL octet, expected text");
        if (c != '"')
            continue;
        if (at + 1 == reader->end && !reader->ended)
            return FOUND_NOTHING;
        if (at + 1 == reader->end || reader->buffer[at + 1] != '"') {
            *ret_close = at;
            return FOUND_ROW;
        }
        *ret_doubled = true;
        next_mark(reader); /* the second of the two */
    }
}

/* The octet behind a field: what ends it. */
enum field_end { END_OF_FIELD, END_OF_ROW, END_UNKNOWN };

/* Decides what the mark at `at` ends and sets *ret_next to what follows it. */
static inline enum field_end end_at(struct csv_reader *reader, size_t at, size_t *ret_next)
{
    *ret_next = at + 1;
    if (at == reader->end) {
        *ret_next = at;
        return reader->ended ? END_OF_ROW : END_UNKNOWN;
    }
    char c = reader->buffer[at];
    if (c == reader->separator)
        return END_OF_FIELD;
    if (c == '\n')
        return END_OF_ROW;
    /* CR: of a CRLF, or alone */
    if (at + 1 == reader->end && !reader->ended)
        return END_UNKNOWN;
    if (at + 1 < reader->end && reader->buffer[at + 1] == '\n') {
        next_mark(reader);
        *ret_next = at + 2;
    }
    return END_OF_ROW;
}

/* Scans the field at `from`, adds it, and sets what ends it. Returns 1, 0 when
 * more input is needed, or an error. */
static int scan_field(struct csv_reader *reader, size_t from, size_t *ret_next,
                      enum field_end *ret_end, uint32_t *ret_lines, struct err *err)
{
    bool doubled = false;
    if (from < reader->end && reader->buffer[from] == '"') {
        size_t close = from;
        next_mark(reader); /* the opening quote */
        int status = scan_quoted(reader, from + 1, &close, &doubled, ret_lines, err);
        if (status != FOUND_ROW)
            return status;
        char behind = close + 1 < reader->end ? reader->buffer[close + 1] : '\n';
        if (behind != reader->separator && behind != '\n' && behind != '\r')
            return err_set(err, ERR_SYNTAX,
                           "text follows a closing quote, expected the separator '%c' or the end "
                           "of the line (a quote inside a field is written twice)",
                           reader->separator);
        size_t at = close + 1 < reader->end ? next_mark(reader) : reader->end;
        *ret_end = end_at(reader, at, ret_next);
        add_field(reader, from + 1, close, doubled);
        return *ret_end == END_UNKNOWN ? FOUND_NOTHING : FOUND_ROW;
    }
    size_t at = next_mark(reader);
    while (at < reader->end && reader->buffer[at] == '"') /* a quote inside stands for itself */
        at = next_mark(reader);
    if (at < reader->end && reader->buffer[at] == '\0')
        return err_set(err, ERR_SYNTAX, "found a NUL octet, expected text%s",
                       reader->line == 1 ? " (UTF-16? save the file as UTF-8)" : "");
    *ret_end = end_at(reader, at, ret_next);
    add_field(reader, from, at, false);
    return *ret_end == END_UNKNOWN ? FOUND_NOTHING : FOUND_ROW;
}

/* Drops one of each two quotes, in place. */
static void resolve_quotes(struct csv_field *field)
{
    char *text = (char *)(uintptr_t)field->text; /* it lies in our own buffer */
    size_t kept = 0;
    for (size_t i = 0; i < field->length; i++) {
        text[kept++] = text[i];
        if (text[i] == '"')
            i++;
    }
    field->length = kept;
}

/* Looks at each field of a complete row. Returns 0 or an error. */
static int check_fields(struct csv_reader *reader, struct csv_place *place, struct err *err)
{
    for (size_t i = 0; i < reader->count; i++) {
        struct csv_field *field = &reader->fields[i];
        if (reader->doubled[i])
            resolve_quotes(field);
        if (field->length > LIMIT_FIELD_BYTES) {
            fail(reader, place, i + 1);
            return err_set(err, ERR_LIMIT, "the field has %zu bytes, at most %d are read",
                           field->length, LIMIT_FIELD_BYTES);
        }
        if (reader->row_is_high && !reader->any_octets &&
            !text_is_utf8(field->text, field->length)) {
            fail(reader, place, i + 1);
            return err_set(err, ERR_SYNTAX,
                           "found octets that are not UTF-8, expected UTF-8 (save the file as "
                           "\"CSV UTF-8\")");
        }
    }
    return 0;
}

static bool is_blank(const struct csv_reader *reader)
{
    for (size_t i = 0; i < reader->count; i++) {
        if (reader->fields[i].length > 0)
            return false;
    }
    return true;
}

/* --- the beginning --- */

/* Counts the separators outside quotes in the first line and takes the most
 * frequent. Returns 1, or 0 when the line is not complete yet. */
static int detect_separator(struct csv_reader *reader)
{
    static const char candidates[] = {',', ';', '\t'};
    size_t counts[sizeof candidates] = {0}, best = 0;
    bool quoted = false, complete = reader->ended;
    const char *text = reader->buffer + reader->start;
    size_t length = reader->end - reader->start;
    for (size_t i = 0; i < length && i <= LIMIT_LINE_BYTES; i++) {
        quoted ^= text[i] == '"';
        if (!quoted && (text[i] == '\n' || text[i] == '\r')) {
            complete = true;
            break;
        }
        for (size_t k = 0; !quoted && k < sizeof candidates; k++)
            counts[k] += text[i] == candidates[k];
    }
    if (!complete && length <= LIMIT_LINE_BYTES)
        return FOUND_NOTHING;
    for (size_t k = 1; k < sizeof candidates; k++)
        best = counts[k] > counts[best] ? k : best;
    reader->separator = candidates[best];
    return FOUND_ROW;
}

/* Skips the byte order mark and a spreadsheet's "sep=;" line. */
static int begin(struct csv_reader *reader)
{
    size_t length = reader->end - reader->start;
    const char *text = reader->buffer + reader->start;
    if (length < 7 && !reader->ended)
        return FOUND_NOTHING;
    /* Once only: this is asked again while the first line is not complete, and what stands
     * behind the mark may look like another. */
    if (!reader->mark_looked_for && length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        reader->start += 3;
        text += 3;
        length -= 3;
    }
    reader->mark_looked_for = true;
    if (length >= 6 && strncasecmp(text, "sep=", 4) == 0 && (text[5] == '\n' || text[5] == '\r') &&
        text[4] != '"' && text[4] != '\n' && text[4] != '\r' && text[4] != '\0') {
        reader->separator = text[4];
        reader->start += 5;
        return FOUND_ROW;
    }
    return detect_separator(reader);
}

/* Scans one whole row. Returns 1, 0 when more input is needed, or an error. */
static int scan_row(struct csv_reader *reader, size_t *ret_next, uint32_t *ret_lines,
                    struct csv_place *place, struct err *err)
{
    size_t at = reader->start;
    enum field_end end = END_OF_FIELD;
    reader->count = 0;
    scan_from(reader, at);
    while (end == END_OF_FIELD) {
        if (reader->count == LIMIT_COLUMNS) {
            fail(reader, place, LIMIT_COLUMNS + 1);
            return err_set(err, ERR_LIMIT, "the row has more than %d columns", LIMIT_COLUMNS);
        }
        int status = scan_field(reader, at, &at, &end, ret_lines, err);
        if (status < 0)
            fail(reader, place, reader->count + 1);
        if (status != FOUND_ROW)
            return status;
    }
    *ret_next = at;
    return FOUND_ROW;
}

/* Scans a row of plain fields, as nearly all are: no quote, no NUL octet, within
 * the buffer, fields too short to reach a limit, all octets below 128. Returns
 * FOUND_ROW, or FOUND_NOTHING when the row must be looked at closely. */
static int scan_plain_row(struct csv_reader *reader, size_t *ret_next)
{
    const char *const buffer = reader->buffer;
    const char separator = reader->separator;
    const size_t end = reader->end;
    size_t from = reader->start, block = from, count = 0;
    bool high = false, any_high = false;
    uint32_t marks = block_marks(buffer + block, separator, &any_high);
    for (;;) {
        while (marks == 0) {
            block += BLOCK;
            if (block >= end)
                return FOUND_NOTHING;
            marks = block_marks(buffer + block, separator, &high);
            any_high |= high;
        }
        size_t at = block + (unsigned)__builtin_ctz(marks);
        char c = buffer[at];
        marks &= marks - 1;
        if (at >= end || count == LIMIT_COLUMNS)
            return FOUND_NOTHING;
        if (c != separator && c != '\n' && (c != '\r' || at + 1 == end || buffer[at + 1] != '\n'))
            return FOUND_NOTHING;
        reader->fields[count].text = buffer + from;
        reader->fields[count++].length = at - from;
        from = at + 1;
        if (c == separator)
            continue;
        reader->count = count;
        *ret_next = c == '\n' ? from : from + 1;
        return any_high || from - reader->start > LIMIT_FIELD_BYTES ? FOUND_NOTHING : FOUND_ROW;
    }
}

/* Scans and checks a row of any kind. Results as csv_next(). */
static int scan_any_row(struct csv_reader *reader, size_t *ret_next, uint32_t *ret_lines,
                        struct csv_place *place, struct err *err)
{
    int status = scan_row(reader, ret_next, ret_lines, place, err);
    if (status < 0)
        return status;
    size_t length = (status == FOUND_ROW ? *ret_next : reader->end) - reader->start;
    if (length > LIMIT_LINE_BYTES) {
        fail(reader, place, 0);
        return err_set(err, ERR_LIMIT,
                       "the row is longer than %d bytes, expected a line break before that (a "
                       "quote that is not closed, or not CSV?)",
                       LIMIT_LINE_BYTES);
    }
    if (status == FOUND_NOTHING)
        return FOUND_NOTHING;
    status = check_fields(reader, place, err);
    return status < 0 ? status : FOUND_ROW;
}

int csv_next(struct csv_reader *reader, struct csv_row *ret_row, struct csv_place *ret_place,
             struct err *err)
{
    if (reader->failed)
        return FOUND_NOTHING;
    if (!reader->begun && begin(reader) == FOUND_NOTHING)
        return FOUND_NOTHING;
    reader->begun = true;
    while (reader->start < reader->end) {
        size_t next = reader->start;
        uint32_t lines = 0;
        if (scan_plain_row(reader, &next) != FOUND_ROW) {
            int status = scan_any_row(reader, &next, &lines, ret_place, err);
            if (status != FOUND_ROW)
                return status;
        }
        *ret_row = (struct csv_row){reader->fields, reader->count, reader->line};
        reader->start = next;
        reader->line += lines + 1;
        if (!is_blank(reader))
            return FOUND_ROW;
    }
    return FOUND_NOTHING;
}
