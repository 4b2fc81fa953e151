/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "daemon/control_request.h"

/* A line that a client of the control socket sends. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct control_request request;
    struct err err = {0};
    if (control_request_parse((const char *)data, size, &request, &err) != 0) {
        CHECK(err.text[0] != '\0');
        return 0;
    }
    CHECK(request.kind <= CONTROL_ACCEPT_SHRUNK);
    CHECK(memchr(request.text, '\0', sizeof request.text) != NULL);
    CHECK(request.kind != CONTROL_CASE || request.case_number > 0);
    return 0;
}
