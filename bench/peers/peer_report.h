/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_BENCH_PEER_REPORT_H
#define MUSTER_BENCH_PEER_REPORT_H

#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

/* What every measured C program tells bench/run: one JSON line with the units of
 * work done, whether all of it was done, and what it cost. CPU seconds are user
 * and system time of the whole process, start-up included, because wall time on
 * a shared machine swings twofold and CPU time by a tenth. */

static inline double peer_seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* Returns a monotonic instant in seconds. */
static inline double peer_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Returns the CPU seconds that this process has used. */
static inline double peer_cpu(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return peer_seconds(usage.ru_utime) + peer_seconds(usage.ru_stime);
}

/* Returns the largest resident size so far in bytes, 0 when it is not known. Not
 * ru_maxrss, which counts what the program that started this one had resident. */
static inline uint64_t peer_memory(void)
{
    char line[128];
    unsigned long long kilobytes = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof(line), status))
        if (sscanf(line, "VmHWM: %llu", &kilobytes) == 1)
            break;
    if (status)
        fclose(status);
    return kilobytes * 1024;
}

/* Prints the line of a walk over many agents. `started` is peer_now()'s. */
static inline void peer_report_walk(uint64_t agents, uint64_t whole, uint64_t rows,
                                    uint64_t requests, double started)
{
    printf("{\"agents\":%llu,\"whole\":%llu,\"rows\":%llu,\"requests\":%llu,\"wall\":%.6f,"
           "\"cpu\":%.6f,\"memory\":%llu}\n",
           (unsigned long long)agents, (unsigned long long)whole, (unsigned long long)rows,
           (unsigned long long)requests, peer_now() - started, peer_cpu(),
           (unsigned long long)peer_memory());
}

#endif
