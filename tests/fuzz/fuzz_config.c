/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "daemon/config.h"

/* Any bytes as muster.yaml: it is taken, or refused with at least one message that
 * begins with the file's name; whatever was half built is freed. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *config = NULL;
    struct config_report report;
    int status = config_parse("f", (const char *)data, size, &config, &report);
    CHECK((status == 0) == (config != NULL));
    CHECK((status == 0) == (report.error_count == 0));
    CHECK(status == 0 || text_get(&report.errors)[0] == 'f');
    CHECK(status != 0 || config->recorded_count + config->observed_count + config->event_count > 0);
    config_free(config);
    config_report_done(&report);
    return 0;
}
