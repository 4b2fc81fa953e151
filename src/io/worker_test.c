/* SPDX-License-Identifier: Apache-2.0 */
#include "io/worker.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Jobs that note the order they ran and ended in, and in which thread. */
struct tale {
    struct loop *loop;
    struct worker *worker;
    pthread_t home;
    int worked[200], done[200];
    int work_count, done_count, most, follow;
    bool at_home, away;
};

struct part {
    struct tale *tale;
    int number;
};

static void work(void *aux)
{
    struct part *part = aux;
    struct tale *tale = part->tale;
    tale->away = tale->away && !pthread_equal(pthread_self(), tale->home);
    tale->worked[tale->work_count++] = part->number;
}

static void done(void *aux)
{
    struct part *part = aux;
    struct tale *tale = part->tale;
    tale->at_home = tale->at_home && pthread_equal(pthread_self(), tale->home);
    tale->done[tale->done_count++] = part->number;
    if (tale->follow > 0) {
        tale->follow--;
        worker_do(tale->worker, work, done, part);
    }
    if (tale->done_count == tale->most)
        loop_stop(tale->loop);
}

static void tale_begin(struct tale *tale)
{
    struct err err;
    *tale =
        (struct tale){.loop = loop_new(), .home = pthread_self(), .at_home = true, .away = true};
    assert_int_equal(worker_new(tale->loop, "test", WORKER_YIELDS, &tale->worker, &err), 0);
}

static void test_jobs_run_in_order_elsewhere_and_end_here(void **unused)
{
    struct tale tale;
    struct part parts[100];
    tale_begin(&tale);
    tale.most = 100;
    for (int i = 0; i < 100; i++) {
        parts[i] = (struct part){&tale, i};
        worker_do(tale.worker, work, done, &parts[i]);
    }
    assert_int_equal(tale.done_count, 0);
    assert_int_equal(worker_waiting(tale.worker), 100);
    loop_run(tale.loop);
    assert_int_equal(worker_waiting(tale.worker), 0);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(tale.worked[i], i);
        assert_int_equal(tale.done[i], i);
    }
    assert_true(tale.at_home && tale.away);
    worker_free(tale.worker);
    loop_free(tale.loop);
}

static void test_freeing_ends_every_job_and_what_follows_from_it(void **unused)
{
    struct tale tale;
    struct part parts[10];
    tale_begin(&tale);
    tale.most = -1;
    tale.follow = 5;
    for (int i = 0; i < 10; i++) {
        parts[i] = (struct part){&tale, i};
        worker_do(tale.worker, work, done, &parts[i]);
    }
    worker_free(tale.worker);
    assert_int_equal(tale.done_count, 15);
    assert_true(tale.at_home && tale.away);
    loop_free(tale.loop);
}

static void test_a_job_without_an_end(void **unused)
{
    struct tale tale;
    tale_begin(&tale);
    struct part part = {&tale, 7};
    worker_do(tale.worker, work, NULL, &part);
    worker_free(tale.worker);
    assert_int_equal(tale.work_count, 1);
    assert_int_equal(tale.worked[0], 7);
    worker_free(NULL);
    loop_free(tale.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jobs_run_in_order_elsewhere_and_end_here),
        cmocka_unit_test(test_freeing_ends_every_job_and_what_follows_from_it),
        cmocka_unit_test(test_a_job_without_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
