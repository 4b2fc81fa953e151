/* SPDX-License-Identifier: Apache-2.0 */

/* Runs a fuzz target as an ordinary test, without libFuzzer: on an empty input,
 * on every seed of the folder named on the command line, on every prefix of a
 * small seed, and on a fixed sequence of damaged copies of each seed. So gcc
 * builds and the sanitizer run exercise the decoders on hostile input too, the
 * same way on every machine. A file NAME.hex holds hexadecimal digits, blanks
 * and comments that start with '#'. */

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

enum { DAMAGED_COPIES = 400, MAX_SEED_BYTES = 1 << 20, MAX_PREFIXES = 300 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
    uint8_t *data;
    size_t size;
};

/* Each input gets a block of exactly its size, so that a read past its end is
 * seen by the address sanitizer. */
static void run_input(const uint8_t *data, size_t size)
{
    AUTO_FREE uint8_t *copy = alloc_array(size, 1);
    if (size > 0)
        memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void damage(struct bytes *copy, uint64_t *random)
{
    static const uint8_t interesting[] = {0x00, 0x01, 0x7f, 0x80, 0xff, '"', ',', '\n', '-', '9'};
    size_t at = next_random(random) % copy->size;
    switch (next_random(random) % 5) {
    case 0:
        copy->data[at] ^= (uint8_t)(1u << (next_random(random) % 8));
        break;
    case 1:
        copy->data[at] = interesting[next_random(random) % sizeof interesting];
        break;
    case 2: /* remove a run */
        memmove(copy->data + at, copy->data + at + 1, copy->size - at - 1);
        copy->size -= copy->size > 1;
        break;
    case 3: /* repeat a stretch over its neighbour */
        memmove(copy->data + at, copy->data, copy->size - at < at ? copy->size - at : at);
        break;
    case 4:
        copy->size = at > 0 ? at : 1;
        break;
    }
}

static void run_seed(const struct bytes *seed)
{
    run_input(seed->data, seed->size);
    for (size_t length = 0; length < seed->size && length < MAX_PREFIXES; length++)
        run_input(seed->data, length);
    uint64_t random = UINT64_C(0x9e3779b97f4a7c15) + seed->size;
    for (int i = 0; i < DAMAGED_COPIES && seed->size > 0; i++) {
        struct bytes copy = {alloc_array(seed->size, 1), seed->size};
        memcpy(copy.data, seed->data, seed->size);
        for (uint64_t hits = 1 + next_random(&random) % 4; hits > 0; hits--)
            damage(&copy, &random);
        run_input(copy.data, copy.size);
        free(copy.data);
    }
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *found = c != '\0' ? strchr(digits, c | 0x20) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

static void decode_hex(struct bytes *seed)
{
    size_t wrote = 0;
    int high = -1;
    bool comment = false;
    for (size_t i = 0; i < seed->size; i++) {
        char c = (char)seed->data[i];
        comment = c == '#' || (comment && c != '\n');
        int digit = comment || c == ' ' || c == '\n' ? -1 : hex_digit(c);
        if (digit < 0)
            continue;
        if (high < 0) {
            high = digit;
        } else {
            seed->data[wrote++] = (uint8_t)(high << 4 | digit);
            high = -1;
        }
    }
    seed->size = wrote;
}

static bool read_seed(const char *path, struct bytes *seed)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    seed->data = alloc_array(MAX_SEED_BYTES, 1);
    seed->size = fread(seed->data, 1, MAX_SEED_BYTES, file);
    fclose(file);
    size_t length = strlen(path);
    if (length > 4 && strcmp(path + length - 4, ".hex") == 0)
        decode_hex(seed);
    return true;
}

int main(int argc, char **argv)
{
    int seeds = 0;
    run_input((const uint8_t *)"", 0);
    DIR *folder = argc > 1 ? opendir(argv[1]) : NULL;
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        AUTO_TEXT struct text path = TEXT_EMPTY;
        text_printf(&path, "%s/%s", argv[1], entry->d_name);
        struct bytes seed;
        if (!read_seed(text_get(&path), &seed))
            continue;
        run_seed(&seed);
        free(seed.data);
        seeds++;
    }
    if (folder != NULL)
        closedir(folder);
    printf("%d seeds replayed\n", seeds);
    if (seeds == 0)
        fprintf(stderr, "no seeds in %s\n", argc > 1 ? argv[1] : "(no folder named)");
    return seeds == 0;
}
