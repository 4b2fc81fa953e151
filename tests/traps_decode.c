/* SPDX-License-Identifier: Apache-2.0 */

/* Decodes the trap datagrams of a classic capture file of untagged Ethernet frames with
 * IPv4 to standard output, for traps_test.py:
 *     traps_decode FILE
 * Reads just enough of the capture format to test the decoder by itself. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "source/decode_trap.h"

enum {
    FILE_HEADER = 24,
    RECORD_HEADER = 16,
    ETHERNET = 14,
    UDP_HEADER = 8,
    UDP = 17,
    TRAP_PORT = 162,
    RECORD_MAX = 262144
};

static uint32_t number_at(const uint8_t *bytes, bool swapped)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return swapped ? __builtin_bswap32(value) : value;
}

static void decode_frame(const uint8_t *frame, size_t length, struct decode_trap_place *place)
{
    const uint8_t *ip = frame + ETHERNET;
    if (length < ETHERNET + 20 || frame[12] != 8 || frame[13] != 0 || ip[9] != UDP)
        return;
    size_t header = (size_t)(ip[0] & 15) * 4;
    const uint8_t *udp = ip + header;
    if (length < ETHERNET + header + UDP_HEADER || (udp[2] << 8 | udp[3]) != TRAP_PORT)
        return;
    size_t left = length - ETHERNET - header - UDP_HEADER;
    size_t claimed = (size_t)(udp[4] << 8 | udp[5]);
    if (claimed >= UDP_HEADER && claimed - UDP_HEADER < left)
        left = claimed - UDP_HEADER;
    place->source = ip_from_v4(ip + 12);
    decode_trap(udp + UDP_HEADER, left, place, stdout);
}

int main(int argc, char **argv)
{
    uint8_t header[FILE_HEADER], record[RECORD_HEADER];
    static uint8_t frame[RECORD_MAX];
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL || fread(header, sizeof header, 1, file) != 1) {
        fprintf(stderr, "usage: traps_decode FILE\n");
        return 2;
    }
    bool swapped = number_at(header, false) == 0xd4c3b2a1;
    struct decode_trap_place place = {0};
    while (fread(record, sizeof record, 1, file) == 1) {
        size_t length = number_at(record + 8, swapped);
        if (length > RECORD_MAX || fread(frame, 1, length, file) != length)
            break;
        place.frame++;
        place.time.us =
            (int64_t)number_at(record, swapped) * 1000000 + number_at(record + 4, swapped);
        decode_frame(frame, length, &place);
    }
    fclose(file);
    return 0;
}
