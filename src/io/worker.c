/* SPDX-License-Identifier: Apache-2.0 */
#include "io/worker.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/thread.h"

struct job {
    struct job *next;
    worker_fn *work, *done;
    void *aux;
};

struct jobs {
    struct job *first, **last;
};

struct worker {
    pthread_t thread;
    enum worker_pace pace;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct jobs asked, finished; /* under the lock */
    bool ending;                 /* under the lock */
    size_t waiting;              /* the loop's */
    int fd;                      /* readable when something is finished */
    struct loop_watch *watch;
};

/* Calls of `done` in one turn of the loop at most. */
enum { DONE_BATCH = 32 };

static void jobs_init(struct jobs *jobs)
{
    jobs->first = NULL;
    jobs->last = &jobs->first;
}

static void jobs_put(struct jobs *jobs, struct job *job)
{
    job->next = NULL;
    *jobs->last = job;
    jobs->last = &job->next;
}

static struct job *jobs_take(struct jobs *jobs)
{
    struct job *job = jobs->first;
    if (job == NULL)
        return NULL;
    jobs->first = job->next;
    if (jobs->first == NULL)
        jobs->last = &jobs->first;
    return job;
}

static void wake_loop(const struct worker *worker)
{
    uint64_t one = 1;
    while (write(worker->fd, &one, sizeof one) < 0 && errno == EINTR)
        continue;
}

static void *run(void *aux)
{
    struct worker *worker = aux;
    if (worker->pace == WORKER_YIELDS)
        thread_yields();
    else
        thread_has_time();
    pthread_mutex_lock(&worker->lock);
    for (;;) {
        struct job *job = jobs_take(&worker->asked);
        if (job == NULL && worker->ending)
            break;
        if (job == NULL) {
            pthread_cond_wait(&worker->wake, &worker->lock);
            continue;
        }
        pthread_mutex_unlock(&worker->lock);
        job->work(job->aux);
        pthread_mutex_lock(&worker->lock);
        jobs_put(&worker->finished, job);
        /* The loop is not to wake up and wait for the lock of a thread that yields to it. */
        pthread_mutex_unlock(&worker->lock);
        wake_loop(worker);
        pthread_mutex_lock(&worker->lock);
    }
    pthread_mutex_unlock(&worker->lock);
    return NULL;
}

static struct job *take_finished(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    struct job *job = jobs_take(&worker->finished);
    pthread_mutex_unlock(&worker->lock);
    return job;
}

static void finish(struct worker *worker, struct job *job)
{
    worker->waiting--;
    if (job->done != NULL)
        job->done(job->aux);
    free(job);
}

static void on_finished(void *aux, int fd, unsigned events)
{
    struct worker *worker = aux;
    uint64_t count;
    (void)!read(fd, &count, sizeof count);
    for (int i = 0; i < DONE_BATCH; i++) {
        struct job *job = take_finished(worker);
        if (job == NULL)
            return;
        finish(worker, job);
    }
    wake_loop(worker);
}

/* Signals are the loop's: the thread is started with all of them blocked. */
static int start_thread(struct worker *worker, const char *name)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = pthread_create(&worker->thread, NULL, run, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status == 0)
        pthread_setname_np(worker->thread, name);
    return status;
}

int worker_new(struct loop *loop, const char *name, enum worker_pace pace, struct worker **ret,
               struct err *err)
{
    struct worker *worker = alloc_zeroed(1, sizeof *worker);
    worker->pace = pace;
    jobs_init(&worker->asked);
    jobs_init(&worker->finished);
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->wake, NULL);
    worker->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int status = worker->fd < 0 ? errno : 0;
    if (status == 0)
        worker->watch = loop_watch_new(loop, worker->fd, LOOP_READ, on_finished, worker, err);
    if (status == 0 && worker->watch != NULL)
        status = start_thread(worker, name);
    if (status == 0 && worker->watch != NULL) {
        *ret = worker;
        return 0;
    }
    loop_watch_free(worker->watch);
    if (worker->fd >= 0)
        close(worker->fd);
    free(worker);
    return status != 0 ? err_set_errno(err, status, "starting the thread \"%s\"", name)
                       : ERR_SYSTEM;
}

void worker_do(struct worker *worker, worker_fn *work, worker_fn *done, void *aux)
{
    struct job *job = alloc_zeroed(1, sizeof *job);
    *job = (struct job){.work = work, .done = done, .aux = aux};
    worker->waiting++;
    pthread_mutex_lock(&worker->lock);
    jobs_put(&worker->asked, job);
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->lock);
}

size_t worker_waiting(const struct worker *worker)
{
    return worker->waiting;
}

/* Waits for the next finished job without the loop. */
static void wait_finished(struct worker *worker)
{
    struct pollfd wait = {.fd = worker->fd, .events = POLLIN};
    struct job *job;
    while ((job = take_finished(worker)) == NULL) {
        uint64_t count;
        if (poll(&wait, 1, -1) > 0)
            (void)!read(worker->fd, &count, sizeof count);
    }
    finish(worker, job);
}

void worker_free(struct worker *worker)
{
    if (worker == NULL)
        return;
    while (worker->waiting > 0)
        wait_finished(worker);
    pthread_mutex_lock(&worker->lock);
    worker->ending = true;
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    loop_watch_free(worker->watch);
    close(worker->fd);
    pthread_cond_destroy(&worker->wake);
    pthread_mutex_destroy(&worker->lock);
    free(worker);
}
