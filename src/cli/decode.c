/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "model/discrepancy.h"
#include "source/decode_recording.h"

/* `muster decode`: what Muster reads out of any file that it understands. */

int command_decode(int argc, char **argv)
{
    static const struct option options[] = {{"quirks", required_argument, NULL, 256},
                                            {"radius-secret", required_argument, NULL, 257},
                                            {NULL, 0, NULL, 0}};
    struct common_options common = {.config = "muster.yaml"};
    const char *quirks_file = NULL, *radius_secret = NULL;
    for (int option; (option = command_options(argc, argv, "decode", options, &common)) != -1;) {
        if (option == 256)
            quirks_file = optarg;
        else if (option == 257)
            radius_secret = optarg;
        else
            return EXIT_USAGE;
    }
    if (optind == argc)
        return command_fail("decode", EXIT_USAGE, "expected at least one file");
    struct err err;
    if (ask_decode((const char *const *)argv + optind, (size_t)(argc - optind), quirks_file,
                   radius_secret, stdout, &err) != 0)
        return command_fail("decode", EXIT_USAGE, "%s", err.text);
    return EXIT_CLEAN;
}
