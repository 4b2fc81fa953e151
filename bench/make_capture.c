/* SPDX-License-Identifier: Apache-2.0 */

/* usage: make_capture FRAMES SEED FILE       writes them as a capture file
 *        make_capture FRAMES SEED INTERFACE --send
 *
 * The frames of traffic.h. Sending goes round a pool of them until FRAMES were sent, as
 * fast as the interface takes them. The last line is a JSON object: frames, octets, what
 * of them is Mobile IPv6, the seconds and CPU seconds that sending took, and "undisturbed":
 * the frames a second that a tenth of all windows of WINDOW frames exceeds, which is the
 * rate while no other program has the processor. */

#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/alloc.h"
#include "traffic.h"

enum { POOL = 20000, BATCH = 64, WINDOW = 2000, FILE_BUFFER = 1 << 20 };

static void print_truth(const struct traffic *made, double seconds, double cpu, double undisturbed)
{
    printf("{\"frames\":%ju,\"octets\":%ju,\"messages\":%ju,\"updates\":%ju,\"drafts\":%ju,"
           "\"decoys\":%ju,\"seconds\":%.6f,\"cpu\":%.6f,\"undisturbed\":%.0f}\n",
           (uintmax_t)made->frames, (uintmax_t)made->octets, (uintmax_t)made->messages,
           (uintmax_t)made->updates, (uintmax_t)made->drafts, (uintmax_t)made->decoys, seconds, cpu,
           undisturbed);
}

static int fail(const char *what)
{
    fprintf(stderr, "make_capture: %s: %s\n", what, strerror(errno));
    return 1;
}

static int write_file(const char *path, uint64_t frames, uint64_t seed)
{
    static const uint32_t header[] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1};
    FILE *out = fopen(path, "w");
    if (out == NULL)
        return fail(path);
    setvbuf(out, NULL, _IOFBF, FILE_BUFFER);
    fwrite(header, sizeof header, 1, out);
    struct traffic made;
    traffic_begin(&made, seed);
    for (uint64_t n = 0; n < frames; n++) {
        uint8_t frame[TRAFFIC_FRAME_MAX];
        uint32_t length = (uint32_t)traffic_next(&made, frame);
        const uint32_t record[] = {1700000000 + (uint32_t)(n / 1000000), (uint32_t)(n % 1000000),
                                   length, length};
        fwrite(record, sizeof record, 1, out);
        fwrite(frame, length, 1, out);
    }
    if (fclose(out) != 0)
        return fail(path);
    print_truth(&made, 0, 0, 0);
    return 0;
}

static int open_interface(const char *name)
{
    int fd = socket(AF_PACKET, SOCK_RAW, 0), one = 1;
    struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                  .sll_ifindex = (int)if_nametoindex(name)};
    if (fd < 0 || address.sll_ifindex == 0 ||
        bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one) != 0)
        return -1;
    return fd;
}

static double now(clockid_t clock)
{
    struct timespec at;
    clock_gettime(clock, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* Sends frames [from, to) of the pool; the kernel may take them in parts. */
static int send_batch(int fd, struct mmsghdr *messages, unsigned count)
{
    for (unsigned sent = 0; sent < count;) {
        int got = sendmmsg(fd, messages + sent, count - sent, 0);
        if (got < 0 && errno != ENOBUFS && errno != EINTR)
            return -1;
        sent += got > 0 ? (unsigned)got : 0;
    }
    return 0;
}

static int compare_seconds(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* The length that a tenth of the windows stays below. */
static double tenth(double *windows, size_t count)
{
    qsort(windows, count, sizeof *windows, compare_seconds);
    return count == 0 ? 1 : windows[count / 10];
}

static int send_frames(const char *name, uint64_t frames, uint64_t seed)
{
    int fd = open_interface(name);
    if (fd < 0)
        return fail(name);
    uint8_t(*pool)[TRAFFIC_FRAME_MAX] = alloc_array(POOL, TRAFFIC_FRAME_MAX);
    struct iovec *parts = alloc_zeroed(POOL, sizeof *parts);
    struct mmsghdr *messages = alloc_zeroed(POOL, sizeof *messages);
    struct traffic *made = alloc_zeroed(POOL + 1, sizeof *made); /* the counts up to each */
    traffic_begin(&made[0], seed);
    for (size_t i = 0; i < POOL; i++) {
        made[i + 1] = made[i];
        parts[i] = (struct iovec){pool[i], traffic_next(&made[i + 1], pool[i])};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    double began = now(CLOCK_MONOTONIC), spent = now(CLOCK_PROCESS_CPUTIME_ID);
    double *windows = alloc_zeroed(frames / WINDOW + 1, sizeof *windows), window_began = began;
    size_t window_count = 0;
    for (uint64_t sent = 0; sent < frames;) {
        size_t at = sent % POOL;
        uint64_t count = frames - sent < BATCH ? frames - sent : BATCH;
        count = POOL - at < count ? POOL - at : count;
        if (send_batch(fd, messages + at, (unsigned)count) != 0)
            return fail(name);
        sent += count;
        if (sent / WINDOW > window_count) {
            double at_end = now(CLOCK_MONOTONIC);
            windows[window_count++] = at_end - window_began;
            window_began = at_end;
        }
    }
    double seconds = now(CLOCK_MONOTONIC) - began;
    double cpu = now(CLOCK_PROCESS_CPUTIME_ID) - spent;
    const struct traffic *round = &made[POOL], *rest = &made[frames % POOL];
    uint64_t rounds = frames / POOL;
    const struct traffic all = {.frames = frames,
                                .octets = rounds * round->octets + rest->octets,
                                .messages = rounds * round->messages + rest->messages,
                                .updates = rounds * round->updates + rest->updates,
                                .drafts = rounds * round->drafts + rest->drafts,
                                .decoys = rounds * round->decoys + rest->decoys};
    print_truth(&all, seconds, cpu, WINDOW / tenth(windows, window_count));
    free(windows);
    free(pool);
    free(parts);
    free(messages);
    free(made);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 4 && (argc != 5 || strcmp(argv[4], "--send") != 0)) {
        fprintf(stderr, "usage: make_capture FRAMES SEED FILE\n"
                        "       make_capture FRAMES SEED INTERFACE --send\n");
        return 2;
    }
    uint64_t frames = strtoull(argv[1], NULL, 10), seed = strtoull(argv[2], NULL, 10);
    return argc == 5 ? send_frames(argv[3], frames, seed) : write_file(argv[3], frames, seed);
}
