/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as a capture file, through `muster decode`: it must end, and print whole
 * lines only. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "source/decode_capture.h"
#include "source/decode_radius.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = memfd_create("capture", MFD_CLOEXEC);
    CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length), *notes = fopen("/dev/null", "w");
    CHECK(out != NULL && notes != NULL);
    const char *const secret = "testing123";
    struct decode_capture_counts counts = {0};
    struct err err = {0};
    const struct decode_secrets secrets = {.radius = decode_radius_new(&secret, 1, &err)};
    CHECK(secrets.radius != NULL);
    int status = decode_capture(path, &secrets, out, notes, &counts, &err);
    CHECK(status == 0 || err.text[0] != '\0');
    fclose(out);
    fclose(notes);
    CHECK(length == 0 || text[length - 1] == '\n');
    decode_radius_free(secrets.radius);
    free(text);
    close(fd);
    return 0;
}
