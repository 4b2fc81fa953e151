/* SPDX-License-Identifier: Apache-2.0 */
/* The expiry list (audit/presence.h) alone: what a start, a refresh, a sighting and an
 * expiry cost at a given number of live sessions, how much memory one takes, and how long
 * the longest call holds its caller, while the list grows and while all of it expires in
 * one minute, each with a look-up of its recorded state as the judge makes it.
 * Times are CPU times of this thread; signs come in batches of 64, as datagrams do. Prints one
 * JSON line; ends with 1 when a count is wrong. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audit/mac_index.h"
#include "audit/presence.h"
#include "base/alloc.h"
#include "base/hash.h"

enum { BATCH = 64, ROWS_A_NAS = 4096, ROWS_A_PLACE = 48, REFRESHES = 4 * 1000 * 1000, DUES = 256 };

#define LIFETIME 1800

struct figures {
    double start_ns, refresh_ns, lone_refresh_ns, touch_ns, stop_ns, expire_s;
    double start_longest_ms, expire_longest_ms, bytes, resident_bytes;
};

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static struct wall at(double second)
{
    return (struct wall){(int64_t)((1.7e9 + second) * 1e6)};
}

static size_t resident(void)
{
    size_t total, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%zu %zu", &total, &pages) != 2)
        pages = 0;
    if (file != NULL)
        fclose(file);
    return pages * 4096;
}

/* MACs without order, each once: a bijection of the row's number. */
static struct mac mac_of(uint32_t row)
{
    return (struct mac){UINT64_C(0x020000000000) |
                        ((uint64_t)row * UINT64_C(2654435761) & UINT32_MAX)};
}

static struct presence_sign sign_of(uint32_t row, double second)
{
    return (struct presence_sign){.id = presence_mac(mac_of(row)),
                                  .source = PRESENCE_RADIUS,
                                  .nas = row / ROWS_A_NAS,
                                  .session = hash_u64(row, 1),
                                  .place = row / ROWS_A_PLACE,
                                  .proof = EVENT_PROOF_TOLD,
                                  .at = at(second),
                                  .lifetime = span_seconds(LIFETIME)};
}

/* Memory that a virtual machine never used costs its host's time when it is first
 * touched; what is measured is a machine that has been running for a while. */
static void warm_memory(uint32_t rows)
{
    size_t bytes = (size_t)rows * 128;
    alloc_huge_free(alloc_huge(bytes), bytes);
}

static void fill(struct presence *list, uint32_t rows, struct figures *figures)
{
    double begun = cpu_seconds(), before = begun;
    for (uint32_t row = 0; row < rows; row += BATCH) {
        for (uint32_t i = row; i < row + BATCH && i < rows; i++) {
            const struct presence_sign sign = sign_of(i, 1);
            (void)presence_start(list, &sign, at(1), NULL);
        }
        double now = cpu_seconds();
        if ((now - before) * 1e3 > figures->start_longest_ms)
            figures->start_longest_ms = (now - before) * 1e3;
        before = now;
    }
    figures->start_ns = (cpu_seconds() - begun) * 1e9 / rows;
}

/* Refreshes rows at random; the cost of choosing them is taken off. */
static double refresh(struct presence *list, uint32_t rows, bool batched, bool touch, double second)
{
    uint64_t sum = 0;
    double spent[2];
    for (unsigned real = 0; real < 2; real++) {
        double begun = cpu_seconds();
        for (uint32_t done = 0; done < REFRESHES; done += BATCH) {
            struct presence_sign signs[BATCH];
            for (uint32_t i = 0; i < BATCH; i++)
                signs[i] = sign_of((uint32_t)(hash_u64(done + i, 7) % rows), second);
            if (real && batched)
                presence_expect(list, signs, BATCH);
            for (uint32_t i = 0; i < BATCH; i++) {
                if (!real)
                    sum += signs[i].session + signs[i].id.mac.bits;
                else if (touch)
                    sum += presence_touch(list, signs[i].id, at(second));
                else
                    sum += presence_update(list, &signs[i], at(second), NULL);
            }
        }
        spent[real] = cpu_seconds() - begun;
    }
    if (sum == 0)
        abort();
    return (spent[1] - spent[0]) * 1e9 / REFRESHES;
}

/* All but a few expire within the same minute. */
static uint32_t expire(struct presence *list, const struct mac_index *states, double second,
                       struct figures *figures)
{
    static struct presence_due dues[DUES];
    uint32_t found = 0, on = 0;
    double begun = cpu_seconds();
    for (;;) {
        double before = cpu_seconds();
        size_t count = presence_expire(list, at(second), dues, DUES);
        double took = (cpu_seconds() - before) * 1e3;
        if (took > figures->expire_longest_ms)
            figures->expire_longest_ms = took;
        for (size_t i = 0; i < count; i++)
            mac_index_prefetch(states, dues[i].row.id.mac.bits);
        for (size_t i = 0; i < count; i++) {
            const struct mac_slot *slot = mac_index_find(states, dues[i].row.id.mac.bits);
            on += slot != NULL && slot->nic == 1 && dues[i].others == 0;
        }
        found += (uint32_t)count;
        struct wall next = presence_deadline(list);
        if (!wall_known(next) || next.us > at(second).us)
            break;
    }
    figures->expire_s = cpu_seconds() - begun;
    return on == found ? found : 0;
}

static double stop_some(struct presence *list, uint32_t rows, uint32_t count, double second)
{
    double begun = cpu_seconds();
    for (uint32_t done = 0; done < count; done += BATCH) {
        struct presence_sign signs[BATCH];
        for (uint32_t i = 0; i < BATCH; i++)
            signs[i] = sign_of((uint32_t)((uint64_t)(done + i) * 7919 % rows), second);
        presence_expect(list, signs, BATCH);
        for (uint32_t i = 0; i < BATCH; i++)
            (void)presence_stop(list, &signs[i], at(second), NULL);
    }
    return (cpu_seconds() - begun) * 1e9 / count;
}

int main(int argc, char **argv)
{
    uint32_t rows = argc >= 2 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
    if (rows < BATCH || rows > 15000000) {
        fprintf(stderr, "usage: presence_bench ROWS [ready] (64 to 15000000)\n");
        return 2;
    }
    struct figures figures = {0};
    struct presence_options options;
    presence_options_init(&options);
    options.source_rows = options.rows;
    options.ready = argc == 3 ? rows : 0; /* as a daemon that knows how many to expect */
    struct mac_index states;
    mac_index_init(&states, rows);
    for (uint32_t i = 0; i < rows; i++) {
        bool is_new;
        mac_index_put(&states, mac_of(i).bits, &is_new)->nic = 1;
    }
    warm_memory(rows);
    size_t before = resident();
    struct presence *list = presence_new(&options, at(0));
    fill(list, rows, &figures);
    figures.bytes = (double)presence_size(list) / rows;
    figures.resident_bytes = ((double)resident() - (double)before) / rows;
    figures.refresh_ns = refresh(list, rows, true, false, 60);
    figures.lone_refresh_ns = refresh(list, rows, false, false, 61);
    figures.touch_ns = refresh(list, rows, true, true, 62);
    uint32_t stops = rows / 10 / BATCH * BATCH;
    if (stops > 0)
        figures.stop_ns = stop_some(list, rows, stops, 100);
    struct presence_due due;
    while (presence_expire(list, at(600), &due, 1) > 0 ||
           (wall_known(presence_deadline(list)) && presence_deadline(list).us <= at(600).us))
        ; /* those that stopped */
    uint32_t expired = expire(list, &states, LIFETIME + 200, &figures);
    struct presence_counts counts = presence_counts(list);
    printf("{\"rows\": %" PRIu32 ", \"start_ns\": %.1f, \"refresh_ns\": %.1f, "
           "\"lone_refresh_ns\": %.1f, \"touch_ns\": %.1f, \"stop_ns\": %.1f, "
           "\"expired\": %" PRIu32 ", \"expire_s\": %.4f, \"expire_ns\": %.1f, "
           "\"start_longest_ms\": %.3f, \"expire_longest_ms\": %.3f, \"bytes\": %.1f, "
           "\"resident_bytes\": %.1f}\n",
           rows, figures.start_ns, figures.refresh_ns, figures.lone_refresh_ns, figures.touch_ns,
           figures.stop_ns, expired, figures.expire_s, figures.expire_s * 1e9 / rows,
           figures.start_longest_ms, figures.expire_longest_ms, figures.bytes,
           figures.resident_bytes);
    bool right = expired == rows - stops && counts.settled == stops && counts.live == 0;
    presence_free(list);
    mac_index_done(&states);
    return right ? 0 : 1;
}
