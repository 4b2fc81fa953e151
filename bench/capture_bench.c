/* SPDX-License-Identifier: Apache-2.0 */

/* usage: capture_bench FILE                 replays it to its end
 *        capture_bench INTERFACE --live     listens until it is sent SIGTERM
 *
 * The event source "mobile_ip" as the daemon runs it, with a feed that counts. Prints
 * "ready" when it listens; the last line is a JSON object: events told, every counter of
 * the source, CPU seconds and resident memory in KiB. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "contract/plugin.h"
#include "io/clock.h"
#include "io/loop.h"
#include "source/mobile_ip.h"

static const struct event_source_class *const class = &event_mobile_ip;

/* --- the feed --- */

struct event_feed {
    uint64_t events, flushes;
    struct loop *loop;
    bool failed;
};

int event_feed_add(struct event_feed *feed, const struct event *event, uint64_t ticket)
{
    feed->events++;
    return 0;
}

void event_feed_flush(struct event_feed *feed)
{
    feed->flushes++;
}

size_t event_feed_waiting(const struct event_feed *feed)
{
    return 0;
}

const char *event_feed_switch(const struct event_feed *feed, const struct ip *address,
                              const char *name)
{
    return NULL;
}

void event_feed_failed(struct event_feed *feed, const struct err *err)
{
    fprintf(stderr, "capture_bench: %s\n", err->text);
    feed->failed = true;
    loop_stop(feed->loop);
}

/* --- the run --- */

static int set_option(void *config, const char *key, const char *value)
{
    const struct config_option *option = options_find(class->plug.options, key);
    const struct option_source where = {0};
    struct err err;
    bool exposed;
    if (option_parse(option, key, &value, 1, &where, config, &exposed, &err) == 0)
        return 0;
    fprintf(stderr, "capture_bench: %s\n", err.text);
    return -1;
}

static void on_signal(void *aux, int signal_number)
{
    loop_stop(aux);
}

static uint64_t counter(const struct source_status *status, const char *name)
{
    for (size_t i = 0; i < status->count; i++) {
        if (strcmp(status->counters[i].name, name) == 0)
            return status->counters[i].value;
    }
    return 0;
}

/* The most memory that was resident since this program began, in KiB: what getrusage()
 * says includes the program that started it. */
static long resident_peak(void)
{
    char line[256];
    long peak = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0)
            peak = strtol(line + 6, NULL, 10);
    }
    if (status != NULL)
        fclose(status);
    return peak;
}

static void print_result(const struct event_feed *feed, const struct source_status *status)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("{\"events\":%ju,\"cpu\":%.6f,\"memory\":%ld", (uintmax_t)feed->events, cpu,
           resident_peak());
    for (size_t i = 0; i < status->count; i++)
        printf(",\"%s\":%ju", status->counters[i].name, (uintmax_t)status->counters[i].value);
    printf("}\n");
}

static int run(void *state, struct env *env, struct event_feed *feed, bool live)
{
    struct source_status status;
    struct err err;
    struct loop_signal *end = loop_signal_new(env->loop, SIGTERM, on_signal, env->loop, &err);
    if (end == NULL || class->start(state, feed, &err) != 0) {
        fprintf(stderr, "capture_bench: %s\n", err.text);
        return 1;
    }
    puts("ready");
    fflush(stdout);
    if (live) {
        loop_run(env->loop);
    } else {
        do {
            loop_step(env->loop);
            class->status(state, &status);
        } while (!feed->failed && counter(&status, "file_ended") == 0);
    }
    class->status(state, &status);
    print_result(feed, &status);
    class->stop(state);
    loop_signal_free(end);
    return feed->failed;
}

int main(int argc, char **argv)
{
    bool live = argc == 3 && strcmp(argv[2], "--live") == 0;
    if (argc != 2 && !live) {
        fprintf(stderr, "usage: capture_bench FILE | INTERFACE --live\n");
        return 2;
    }
    struct env env = {.loop = loop_new(), .now = clock_env_now};
    struct event_feed feed = {.loop = env.loop};
    AUTO_FREE void *config = alloc_zeroed(1, class->plug.config_size);
    AUTO_FREE void *state = alloc_zeroed(1, class->plug.state_size);
    struct err err;
    options_init(class->plug.options, config);
    int status = set_option(config, live ? "interface" : "file", argv[1]);
    status = status == 0 ? set_option(config, "legacy_draft", "yes") : status;
    if (status == 0 && class->plug.construct(state, config, &env, &err) == 0)
        status = run(state, &env, &feed, live);
    class->plug.destruct(state);
    options_done(class->plug.options, config);
    loop_free(env.loop);
    return status;
}
