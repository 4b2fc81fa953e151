/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_RADIUS_BENCH_H
#define MUSTER_SOURCE_RADIUS_BENCH_H

#include <stdint.h>

#include "base/clock.h"
#include "contract/feed_fake.h"
#include "io/loop.h"
#include "source/radius.h"
#include "wire/radius.h"

/* What the tests of the RADIUS source share: the source as the daemon has it, with a real
 * loop, options as an operator writes them, a clock that stands still and a feed that
 * remembers (contract/feed_fake.h).
 *
 * A test sets options, then constructs and starts the source; the bench's end stops and
 * frees whatever was made. Options at first: port 0 of 127.0.0.1, client 127.0.0.0/8 with
 * the secret "testing123". */

#define RADIUS_BENCH_SECONDS INT64_C(1700000000)

struct radius_bench {
    char secret_file[64];
    struct wall clock;
    struct env env;
    struct loop_timer *tick;
    void *config, *state;
    struct event_feed *feed;
    struct radius_crypto *crypto;
    int fd; /* of the switch that sends */
    uint8_t request[RADIUS_PACKET_MAX], response[RADIUS_PACKET_MAX];
    size_t request_length, response_length;
    struct radius_writer writer;
};

/* Parses `value` into the source's option `key`; it must be right. */
void radius_bench_set(struct radius_bench *bench, const char *key, const char *value);

/* Returns the source's counter `name`, which it must have. */
uint64_t radius_bench_counter(const struct radius_bench *bench, const char *name);

/* Setup and teardown of a cmocka test whose state is a struct radius_bench. */
int radius_bench_setup(void **state);
int radius_bench_teardown(void **state);

#endif
