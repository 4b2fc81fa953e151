/* SPDX-License-Identifier: Apache-2.0 */
#include "source/fdb_reader.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "contract/job.h"

struct fdb_reader {
    const struct observed_source_class *class;
    void *config, *state;
    struct observed_job *job; /* NULL: idle */
    fdb_reader_fn *done;
    void *aux;
    unsigned failures; /* in a row */
};

static int set_option(struct fdb_reader *reader, const struct fdb_reader_option *from,
                      struct err *err)
{
    const struct config_option *option = options_find(reader->class->plug.options, from->key);
    const struct option_source where = {0};
    bool exposed;
    CHECK(option != NULL);
    if (from->value != NULL)
        return option_parse(option, from->key, &from->value, 1, &where, reader->config, &exposed,
                            err);
    if (from->list == NULL || from->list->count == 0)
        return 0;
    return option_parse(option, from->key, (const char *const *)from->list->items,
                        from->list->count, &where, reader->config, &exposed, err);
}

int fdb_reader_new(struct env *env, const struct observed_source_class *class,
                   const struct fdb_reader_option *options, fdb_reader_fn *done, void *aux,
                   struct fdb_reader **ret, struct err *err)
{
    struct fdb_reader *reader = alloc_zeroed(1, sizeof(*reader));
    int code = 0;
    *reader = (struct fdb_reader){.class = class,
                                  .config = alloc_zeroed(1, class->plug.config_size),
                                  .done = done,
                                  .aux = aux};
    options_init(class->plug.options, reader->config);
    for (; code == 0 && options->key != NULL; options++)
        code = set_option(reader, options, err);
    if (code == 0) {
        reader->state = alloc_zeroed(1, class->plug.state_size);
        code = class->plug.construct(reader->state, reader->config, env, err);
    }
    if (code == 0) {
        *ret = reader;
        return 0;
    }
    options_done(class->plug.options, reader->config);
    free(reader->state);
    free(reader->config);
    free(reader);
    return code;
}

void fdb_reader_free(struct fdb_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->job != NULL) {
        reader->class->cancel(reader->state, reader->job);
        observed_job_free(reader->job);
    }
    reader->class->plug.destruct(reader->state);
    options_done(reader->class->plug.options, reader->config);
    free(reader->state);
    free(reader->config);
    free(reader);
}

static void ended(void *aux, struct forward_table *table, const struct err *err)
{
    struct fdb_reader *reader = aux;
    reader->job = NULL;
    reader->failures = table == NULL ? reader->failures + 1 : 0;
    reader->done(reader->aux, table, err);
}

void fdb_reader_read(struct fdb_reader *reader)
{
    struct err err;
    if (reader->job != NULL)
        return;
    reader->job = observed_job_new(reader->class->plug.type, ended, NULL, reader);
    if (reader->class->fetch(reader->state, reader->job, &err) == 0)
        return;
    observed_job_free(reader->job);
    ended(reader, NULL, &err);
}

bool fdb_reader_busy(const struct fdb_reader *reader)
{
    return reader->job != NULL;
}

bool fdb_reader_lost(const struct fdb_reader *reader)
{
    return reader->failures >= FDB_READER_FAILURES;
}
