/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/job.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"

struct recorded_job {
    char *source;
    struct last_good last;
    bool accept_shrunk, ended;
    recorded_end_fn *end;
    void *aux;
};

struct observed_job {
    char *source;
    bool ended;
    observed_end_fn *end;
    observed_progress_fn *progress;
    void *aux;
};

int last_good_check(const struct last_good *last, const struct record_set *set,
                    int64_t max_shrink_percent, struct err *err)
{
    for (int table = 0; last->known && table < RECORD_TABLE_COUNT; table++) {
        uint64_t before = last->rows[table];
        uint64_t now = record_set_rows(set, (enum record_table)table);
        if (now >= before || (before - now) * 100 <= before * (uint64_t)max_shrink_percent)
            continue;
        char when[CLOCK_TEXT_SIZE];
        return err_set(err, ERR_SHRUNK,
                       "%s shrank from %" PRIu64 " rows (%s) to %" PRIu64 ", by %" PRIu64
                       " %%; at most %" PRId64 " %% is believed (max_shrink), "
                       "--accept-shrunk takes it once",
                       record_table_word((enum record_table)table), before,
                       wall_format(last->when, when), now, (before - now) * 100 / before,
                       max_shrink_percent);
    }
    return 0;
}

struct recorded_job *recorded_job_new(const char *source, const struct last_good *last,
                                      bool accept_shrunk, recorded_end_fn *end, void *aux)
{
    struct recorded_job *job = alloc_zeroed(1, sizeof *job);
    job->source = alloc_text(source);
    if (last != NULL)
        job->last = *last;
    job->accept_shrunk = accept_shrunk;
    job->end = end;
    job->aux = aux;
    return job;
}

void recorded_job_free(struct recorded_job *job)
{
    if (job == NULL)
        return;
    free(job->source);
    free(job);
}

const char *recorded_job_source(const struct recorded_job *job)
{
    return job->source;
}

const struct last_good *recorded_job_last_good(const struct recorded_job *job)
{
    return &job->last;
}

bool recorded_job_accept_shrunk(const struct recorded_job *job)
{
    return job->accept_shrunk;
}

void recorded_job_done(struct recorded_job *job, struct record_set **take, struct receipt *receipt,
                       const struct err *err)
{
    CHECK(!job->ended);
    CHECK((err != NULL) != (take != NULL && *take != NULL));
    job->ended = true;
    struct record_set *set = NULL;
    if (take != NULL) {
        set = *take;
        *take = NULL;
    }
    job->end(job->aux, set, receipt, err);
    receipt_done(receipt);
    recorded_job_free(job);
}

struct observed_job *observed_job_new(const char *source, observed_end_fn *end,
                                      observed_progress_fn *progress, void *aux)
{
    struct observed_job *job = alloc_zeroed(1, sizeof *job);
    job->source = alloc_text(source);
    job->end = end;
    job->progress = progress;
    job->aux = aux;
    return job;
}

void observed_job_free(struct observed_job *job)
{
    if (job == NULL)
        return;
    free(job->source);
    free(job);
}

const char *observed_job_source(const struct observed_job *job)
{
    return job->source;
}

void observed_job_done(struct observed_job *job, struct forward_table **take, const struct err *err)
{
    CHECK(!job->ended);
    job->ended = true;
    struct forward_table *table = NULL;
    if (take != NULL) {
        table = *take;
        *take = NULL;
    }
    CHECK(table != NULL || err != NULL);
    job->end(job->aux, table, err);
    observed_job_free(job);
}

void observed_job_progress(struct observed_job *job, uint64_t rows)
{
    CHECK(!job->ended);
    if (job->progress != NULL)
        job->progress(job->aux, rows);
}
