/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "io/file.h"
#include "model/discrepancy.h"
#include "source/decode_recording.h"

/* `muster decode`: what Muster reads out of any file that it understands. */

enum { OPTION_QUIRKS = 256, OPTION_SECRET, OPTION_SECRET_FILE, SECRETS_MAX = 64 };

/* The secrets as given, each copied, so that all are wiped alike. */
struct secrets {
    char *items[SECRETS_MAX];
    size_t count;
};

static void secrets_done(struct secrets *secrets)
{
    for (size_t i = 0; i < secrets->count; i++)
        file_secret_free(secrets->items[i]);
}

static int add_secret(struct secrets *secrets, int option, const char *value, struct err *err)
{
    bool exposed;
    if (secrets->count == SECRETS_MAX)
        return err_set(err, ERR_LIMIT, "more than %d RADIUS secrets", SECRETS_MAX);
    if (option == OPTION_SECRET)
        secrets->items[secrets->count] = alloc_text(value);
    else if (file_read_secret(value, &secrets->items[secrets->count], &exposed, err) != 0)
        return err->code;
    secrets->count++;
    return 0;
}

static int run_decode(int argc, char **argv, struct secrets *secrets)
{
    static const struct option options[] = {
        {"quirks", required_argument, NULL, OPTION_QUIRKS},
        {"radius-secret", required_argument, NULL, OPTION_SECRET},
        {"radius-secret-file", required_argument, NULL, OPTION_SECRET_FILE},
        {NULL, 0, NULL, 0}};
    struct common_options common = {.config = "muster.yaml"};
    struct decode_question question = {0};
    struct err err;
    for (int option; (option = command_options(argc, argv, "decode", options, &common)) != -1;) {
        if (option == OPTION_QUIRKS)
            question.quirks_file = optarg;
        else if (option != OPTION_SECRET && option != OPTION_SECRET_FILE)
            return EXIT_USAGE;
        else if (add_secret(secrets, option, optarg, &err) != 0)
            return command_fail("decode", EXIT_USAGE, "%s", err.text);
    }
    if (optind == argc)
        return command_fail("decode", EXIT_USAGE, "expected at least one file");
    question.radius_secrets = (const char *const *)secrets->items;
    question.radius_secret_count = secrets->count;
    if (ask_decode((const char *const *)argv + optind, (size_t)(argc - optind), &question, stdout,
                   &err) != 0)
        return command_fail("decode", EXIT_USAGE, "%s", err.text);
    return EXIT_CLEAN;
}

int command_decode(int argc, char **argv)
{
    struct secrets secrets = {.count = 0};
    int status = run_decode(argc, argv, &secrets);
    secrets_done(&secrets);
    return status;
}
