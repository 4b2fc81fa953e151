/* SPDX-License-Identifier: Apache-2.0 */
#include "source/csv_load.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "wire/csv.h"

/* Rows are taken from the reader BATCH at a time, so that what the first needs to
 * look up is on its way from memory while the others are scanned. */
enum { BATCH = 16 };

struct batch_row {
    size_t first, count; /* in reading.values */
    uint32_t line;
};

/* One reading under way. */
struct reading {
    const struct csv_load *load;
    struct csv_reader *reader;
    struct record_layout *layout; /* NULL until the header was read */
    size_t columns;
    uint64_t rows;
    struct batch_row batch[BATCH];
    size_t batch_count, value_count;
    struct record_value values[BATCH * LIMIT_COLUMNS];
};

static int place_error(const struct reading *r, uint32_t line, size_t column, struct err *err)
{
    if (column == 0)
        return err_prefix(err, "%s:%u", r->load->label, line);
    const char *name = r->layout != NULL ? record_layout_column(r->layout, column - 1) : "";
    if (name[0] == '\0')
        return err_prefix(err, "%s:%u: column %zu", r->load->label, line, column);
    return err_prefix(err, "%s:%u: column %zu \"%s\"", r->load->label, line, column, name);
}

static int take_header(struct reading *r, const struct csv_row *row, struct err *err)
{
    struct record_value columns[LIMIT_COLUMNS];
    for (size_t i = 0; i < row->count; i++)
        columns[i] = (struct record_value){row->fields[i].text, row->fields[i].length};
    int status = record_layout_new(r->load->table, columns, row->count, &r->layout, err);
    if (status != 0)
        return place_error(r, row->line, 0, err);
    r->columns = row->count;
    r->load->set->present[r->load->table] = true;
    return 0;
}

/* Puts a row into the batch; what stands right of the header's last column must
 * be empty and is dropped. */
static int batch_row(struct reading *r, const struct csv_row *row, struct err *err)
{
    struct batch_row *taken = &r->batch[r->batch_count];
    size_t count = row->count < r->columns ? row->count : r->columns;
    for (size_t i = count; i < row->count; i++) {
        if (row->fields[i].length > 0) {
            err_set(err, ERR_SYNTAX, "found a value, but the header has only %zu columns",
                    r->columns);
            return place_error(r, row->line, i + 1, err);
        }
    }
    *taken = (struct batch_row){r->value_count, count, row->line};
    struct record_value *values = &r->values[r->value_count];
    for (size_t i = 0; i < count; i++)
        values[i] = (struct record_value){row->fields[i].text, row->fields[i].length};
    record_expect_row(r->load->set, r->layout, values, count);
    r->value_count += count;
    r->batch_count++;
    return 0;
}

/* Adds the rows of the batch to the set. */
static int add_batch(struct reading *r, struct err *err)
{
    for (size_t i = 0; i < r->batch_count; i++) {
        const struct batch_row *row = &r->batch[i];
        size_t column = 0;
        int status = record_add_row(r->load->set, r->layout, r->load->words, &r->values[row->first],
                                    row->count, row->line, &column, err);
        if (status != 0)
            return place_error(r, row->line, column + 1, err);
    }
    r->rows += r->batch_count;
    r->batch_count = r->value_count = 0;
    return 0;
}

/* A row is bad: those before it come first, for one of them may be bad, too. */
static int end_with(struct reading *r, int status, struct err *err)
{
    struct err earlier;
    int earlier_status = r->layout != NULL ? add_batch(r, &earlier) : 0;
    if (earlier_status == 0)
        return status;
    *err = earlier;
    return earlier_status;
}

/* Takes all rows that the reader has. */
static int take_rows(struct reading *r, struct err *err)
{
    struct csv_row row;
    struct csv_place place;
    for (;;) {
        int status = csv_next(r->reader, &row, &place, err);
        if (status < 0)
            return end_with(r, place_error(r, place.line, place.column, err), err);
        if (status == 0)
            return r->layout != NULL ? add_batch(r, err) : 0;
        status = r->layout == NULL ? take_header(r, &row, err) : batch_row(r, &row, err);
        if (status != 0)
            return end_with(r, status, err);
        status = r->batch_count == BATCH ? add_batch(r, err) : 0;
        if (status != 0)
            return status;
    }
}

static struct reading *start(const struct csv_load *load)
{
    struct reading *r = alloc_zeroed(1, sizeof *r);
    r->load = load;
    r->reader = csv_new();
    return r;
}

/* Frees the reading. */
static int finish(struct reading *r, int status, uint64_t *ret_rows, struct err *err)
{
    if (status == 0 && r->layout == NULL)
        status = err_set(err, ERR_SYNTAX,
                         "%s:1: the file is empty, expected a header with the columns of %s",
                         r->load->label, record_table_word(r->load->table));
    if (status == 0)
        *ret_rows = r->rows;
    record_layout_free(r->layout);
    csv_free(r->reader);
    free(r);
    return status;
}

int csv_load_bytes(const struct csv_load *load, const char *bytes, size_t length,
                   uint64_t *ret_rows, struct err *err)
{
    struct reading *r = start(load);
    int status = 0;
    for (bool ended = false; status == 0 && !ended;) {
        size_t room;
        char *space = csv_space(r->reader, &room);
        size_t part = length < room ? length : room;
        memcpy(space, bytes, part);
        csv_filled(r->reader, part);
        ended = part == 0;
        bytes += part;
        length -= part;
        status = take_rows(r, err);
    }
    return finish(r, status, ret_rows, err);
}

/* Waits until `fd` has something to read. Returns 0, ERR_TIMEOUT, ERR_CANCELLED. */
static int wait_for_input(const struct csv_load *load, int fd, struct err *err)
{
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    for (int64_t waited = 0;; waited += CSV_LOAD_LOOK.us) {
        if (load->stop != NULL && atomic_load(load->stop))
            return err_set(err, ERR_CANCELLED, "reading %s: stopped", load->label);
        if (load->silence.us > 0 && waited >= load->silence.us)
            return err_set(err, ERR_TIMEOUT, "reading %s: nothing came for %lld s", load->label,
                           (long long)(waited / 1000000));
        if (poll(&poller, 1, (int)(CSV_LOAD_LOOK.us / 1000)) != 0)
            return 0;
    }
}

/* Puts the next bytes of `fd` into the reader. Sets *ret_ended at the end. */
static int read_some(struct reading *r, int fd, bool *ret_ended, struct err *err)
{
    size_t room;
    char *space = csv_space(r->reader, &room);
    for (;;) {
        int status = wait_for_input(r->load, fd, err);
        if (status != 0)
            return status;
        ssize_t got = read(fd, space, room);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got < 0)
            return err_set_errno(err, errno, "reading %s", r->load->label);
        csv_filled(r->reader, (size_t)got);
        *ret_ended = got == 0;
        return 0;
    }
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int read_all(struct reading *r, int fd, struct err *err)
{
    struct stat before, after;
    bool ended = false;
    if (fstat(fd, &before) != 0)
        return err_set_errno(err, errno, "reading %s", r->load->label);
    if (S_ISDIR(before.st_mode))
        return err_set_errno(err, EISDIR, "reading %s", r->load->label);
    while (!ended) {
        int status = read_some(r, fd, &ended, err);
        if (status == 0)
            status = take_rows(r, err);
        if (status != 0)
            return status;
    }
    if (S_ISREG(before.st_mode) && (fstat(fd, &after) != 0 || !same_file(&before, &after)))
        return err_set(err, ERR_SYSTEM, "reading %s: it was changed while it was read",
                       r->load->label);
    return 0;
}

int csv_load_file(const struct csv_load *load, const char *path, uint64_t *ret_rows,
                  struct err *err)
{
    /* Not blocking: a fifo without writer must not hold the opener. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return err_set(err, ERR_NOT_FOUND, "reading %s: no such file", load->label);
    if (fd < 0)
        return err_set_errno(err, errno, "reading %s", load->label);
    struct reading *r = start(load);
    int status = read_all(r, fd, err);
    close(fd);
    return finish(r, status, ret_rows, err);
}
