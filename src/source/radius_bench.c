/* SPDX-License-Identifier: Apache-2.0 */
#include "source/radius_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"

static const struct event_source_class *const class = &event_radius;

static struct wall fake_now(void *clock)
{
    return *(struct wall *)clock;
}

static void pass(void *aux)
{
    (void)aux;
}

void radius_bench_set(struct radius_bench *bench, const char *key, const char *value)
{
    const struct config_option *option = options_find(class->plug.options, key);
    const struct option_source where = {0};
    struct err err;
    bool exposed;
    assert_non_null(option);
    assert_int_equal(option_parse(option, key, &value, 1, &where, bench->config, &exposed, &err),
                     0);
}

static void radius_bench_make(struct radius_bench *bench)
{
    *bench = (struct radius_bench){.clock = {RADIUS_BENCH_SECONDS * 1000000}, .fd = -1};
    snprintf(bench->secret_file, sizeof(bench->secret_file), "/tmp/radius_test_XXXXXX");
    int file = mkstemp(bench->secret_file);
    assert_int_equal(write(file, "testing123\n", 11), 11);
    close(file);
    bench->env = (struct env){.loop = loop_new(), .now = fake_now, .clock = &bench->clock};
    bench->tick = loop_timer_new(bench->env.loop, pass, NULL);
    bench->config = alloc_zeroed(1, class->plug.config_size);
    bench->state = alloc_zeroed(1, class->plug.state_size);
    bench->feed = feed_fake_new("radius", "radius");
    bench->crypto = radius_crypto_new();
    options_init(class->plug.options, bench->config);
    radius_bench_set(bench, "port", "0");
    radius_bench_set(bench, "listen", "127.0.0.1");
    radius_bench_set(bench, "client", "127.0.0.0/8");
    radius_bench_set(bench, "secret_file", bench->secret_file);
}

static void radius_bench_end(struct radius_bench *bench)
{
    class->stop(bench->state);
    class->plug.destruct(bench->state);
    options_done(class->plug.options, bench->config);
    feed_fake_free(bench->feed);
    radius_crypto_free(bench->crypto);
    loop_timer_free(bench->tick);
    loop_free(bench->env.loop);
    free(bench->config);
    free(bench->state);
    unlink(bench->secret_file);
    if (bench->fd >= 0)
        close(bench->fd);
}

uint64_t radius_bench_counter(const struct radius_bench *bench, const char *name)
{
    struct source_status status;
    class->status(bench->state, &status);
    for (size_t i = 0; i < status.count; i++) {
        if (strcmp(status.counters[i].name, name) == 0)
            return status.counters[i].value;
    }
    fail_msg("no counter %s", name);
    return 0;
}

int radius_bench_setup(void **state)
{
    struct radius_bench *bench = alloc_zeroed(1, sizeof(*bench));
    radius_bench_make(bench);
    *state = bench;
    return 0;
}

int radius_bench_teardown(void **state)
{
    radius_bench_end(*state);
    free(*state);
    return 0;
}
