/* SPDX-License-Identifier: Apache-2.0 */

/* Names from devices go into JSON output: whatever their bytes, an independent
 * parser must accept the result. */

#include <jansson.h>
#include <stdint.h>

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_TEXT struct text text = TEXT_EMPTY;
    text_add_json(&text, (const char *)data, size);
    json_t *value =
        json_loadb(text_get(&text), text.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    CHECK(json_is_string(value));
    json_decref(value);
    return 0;
}
