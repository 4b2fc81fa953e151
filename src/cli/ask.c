/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ask.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "capture/capture_file.h"
#include "cli/decode_csv.h"
#include "cli/forward_json.h"
#include "cli/session.h"
#include "io/file.h"
#include "source/bridge_forward.h"
#include "source/decode_capture.h"
#include "source/decode_radius.h"
#include "source/decode_recording.h"
#include "source/forward_csv.h"
#include "source/recording_file.h"

static bool named(const struct record_set *set, uint32_t guest, const char *name)
{
    char uuid[RECORD_UUID_SIZE];
    return strcmp(names_get(set->names, set->guests[guest].name), name) == 0 ||
           strcasecmp(record_guest_uuid(set, guest, uuid), name) == 0;
}

static bool contains(const struct mac *macs, size_t count, struct mac mac)
{
    for (size_t i = 0; i < count; i++) {
        if (mac_equal(macs[i], mac))
            return true;
    }
    return false;
}

size_t ask_macs(const struct view *view, const char *name, struct mac **ret_macs)
{
    struct mac *macs = NULL, spelled;
    size_t count = 0, capacity = 0;
    if (mac_parse(name, strlen(name), &spelled) == 0) {
        *ret_macs = alloc_array(1, sizeof spelled);
        **ret_macs = spelled;
        return 1;
    }
    for (size_t r = 0; r < view->record_count; r++) {
        const struct record_set *set = view->records[r];
        for (size_t n = 0; n < set->nics.count; n++) {
            struct mac mac = {set->nics.mac[n]};
            if (!mac_known(mac) || !named(set, set->nics.guest[n], name) ||
                contains(macs, count, mac))
                continue;
            macs = alloc_grow(macs, count, &capacity, sizeof *macs);
            macs[count++] = mac;
        }
    }
    *ret_macs = macs;
    return count;
}

/* --- recordings --- */

struct quirk_table *ask_quirks(const char *file, struct err *err)
{
    struct quirk_table *quirks = quirk_table_new();
    size_t length;
    const char *delivered = quirks_delivered(&length);
    AUTO_FREE char *bytes = NULL;
    int status = quirk_table_add(quirks, "quirks as delivered", delivered, length, err);
    if (status == 0 && file != NULL)
        status = file_read(file, LIMIT_CONFIG_BYTES, &bytes, &length, err);
    if (status == 0 && file != NULL)
        status = quirk_table_add(quirks, file, bytes, length, err);
    if (status == 0)
        return quirks;
    quirk_table_free(quirks);
    return NULL;
}

/* Decodes an opened recording into a forward table. */
static struct forward_table *forward_of(const struct recording_file *file,
                                        const struct quirk_table *quirks)
{
    struct bridge_table *bridge = recording_file_read(file, quirks);
    struct wall modified = recording_file_modified(file);
    struct bridge_forward_options options = {.fallback_name = file->stem,
                                             .site = "default",
                                             .type = "recording",
                                             .started = modified,
                                             .ended = modified,
                                             .ageing = span_us(-1)};
    struct forward_table *table = bridge_forward(bridge, &options);
    bridge_table_free(bridge);
    return table;
}

/* Whether the file begins like a forward table as CSV. */
static bool is_forward_csv(const char *path)
{
    char head[1024];
    FILE *file = fopen(path, "r");
    size_t length = file != NULL ? fread(head, 1, sizeof head, file) : 0;
    if (file != NULL)
        fclose(file);
    return forward_csv_is_one(head, length);
}

static int read_forward_csv(const char *path, struct forward_table **ret, struct err *err)
{
    struct forward_csv_options options = {
        .fallback_name = path, .site = "default", .read_at = WALL_UNKNOWN, .ageing = span_us(-1)};
    *ret = NULL;
    int status = forward_csv_read(path, &options, ret, err);
    if (status == 0 && *ret == NULL)
        return err_set(err, ERR_NOT_FOUND, "%s: no forward entry in it", path);
    return status;
}

int ask_recording(const char *path, struct forward_table **ret, struct err *err)
{
    if (is_forward_csv(path))
        return read_forward_csv(path, ret, err);
    struct quirk_table *quirks = ask_quirks(NULL, err);
    struct recording_file *file = NULL;
    if (quirks == NULL)
        return err->code;
    int status = recording_file_open(path, &file, err);
    if (status == 0)
        *ret = forward_of(file, quirks);
    recording_file_free(file);
    quirk_table_free(quirks);
    return status;
}

/* The regular files of a folder, sorted by name. */
static int list_files(const char *directory, char ***ret, size_t *ret_count, struct err *err)
{
    struct dirent **entries;
    int found = scandir(directory, &entries, NULL, alphasort);
    if (found < 0)
        return err_set_errno(err, errno, "cannot read the folder %s", directory);
    char **paths = alloc_zeroed((size_t)found, sizeof *paths);
    size_t count = 0;
    for (int i = 0; i < found; i++) {
        char *path = file_join(directory, entries[i]->d_name);
        struct stat about;
        if (entries[i]->d_name[0] != '.' && stat(path, &about) == 0 && S_ISREG(about.st_mode))
            paths[count++] = path;
        else
            free(path);
        free(entries[i]);
    }
    free(entries);
    *ret = paths;
    *ret_count = count;
    return 0;
}

static void free_paths(char **paths, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(paths[i]);
    free(paths);
}

/* Reads the recordings of the switch that `paths[first]` belongs to into *ret, unless an
 * earlier path did; files that are no recording leave it NULL. */
static void read_group(char *const *paths, size_t count, size_t first, struct recording_file **ret)
{
    struct err err;
    *ret = NULL;
    for (size_t i = 0; i < first; i++) {
        if (recording_file_same(paths[i], paths[first]))
            return;
    }
    struct recording_file *file = recording_file_new();
    size_t added = 0;
    for (size_t i = first; i < count; i++) {
        if (recording_file_same(paths[i], paths[first]) &&
            recording_file_add(file, paths[i], &err) == 0)
            added++;
    }
    if (added > 0)
        *ret = file;
    else
        recording_file_free(file);
}

int ask_recordings(const char *directory, struct forward_table ***ret, size_t *ret_count,
                   struct err *err)
{
    struct quirk_table *quirks = ask_quirks(NULL, err);
    char **paths = NULL;
    size_t count = 0;
    if (quirks == NULL)
        return err->code;
    int status = list_files(directory, &paths, &count, err);
    if (status != 0) {
        quirk_table_free(quirks);
        return status;
    }
    *ret = alloc_zeroed(count, sizeof **ret);
    *ret_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct recording_file *file;
        read_group(paths, count, i, &file);
        if (file == NULL)
            continue;
        (*ret)[(*ret_count)++] = forward_of(file, quirks);
        recording_file_free(file);
    }
    free_paths(paths, count);
    quirk_table_free(quirks);
    if (*ret_count > 0)
        return 0;
    free(*ret);
    return err_set(err, ERR_NOT_FOUND, "there is no recording in %s", directory);
}

static int decode_forward_csv(const char *path, FILE *out, struct err *err)
{
    struct forward_table *tables;
    int status = read_forward_csv(path, &tables, err);
    if (status != 0)
        return status;
    for (const struct forward_table *table = tables; table != NULL; table = table->next)
        forward_json_print(table, out);
    forward_table_free(tables);
    return 0;
}

static int decode_group(const char *const *paths, size_t count, size_t first,
                        const struct quirk_table *quirks, FILE *out, struct err *err)
{
    struct decode_counts counts = {0};
    AUTO_FREE const char **group = alloc_zeroed(count, sizeof *group);
    size_t grouped = 0;
    for (size_t i = 0; i < count; i++) {
        bool same = !capture_file_is(paths[i]) && !decode_csv_is(paths[i]) &&
                    recording_file_same(paths[i], paths[first]);
        if (same && i < first)
            return 0;
        if (same)
            group[grouped++] = paths[i];
    }
    int status = decode_recording(group, grouped, quirks, out, &counts, err);
    if (status == ERR_SYNTAX && counts.files == 0)
        err_consequence(err, "nor is it a capture (pcap, pcapng), a table with a header line or a "
                             "FreeRADIUS detail file");
    return status;
}

/* What no decoder could make sense of is said once, for all of them. */
static int check_file(const char *path, struct err *err)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return err_set_errno(err, errno, "cannot open %s", path);
    if (S_ISDIR(status.st_mode))
        return err_set(err, ERR_SYNTAX, "%s is a folder: name the files in it", path);
    if (status.st_size == 0)
        return err_set(err, ERR_SYNTAX, "%s is empty", path);
    return 0;
}

static int decode_one(const char *const *paths, size_t count, size_t at,
                      const struct quirk_table *quirks, const struct decode_secrets *secrets,
                      FILE *out, struct err *err)
{
    struct decode_capture_counts counts = {0};
    if (capture_file_is(paths[at])) /* first, since what is piped can be read only once */
        return decode_capture(paths[at], secrets, out, stderr, &counts, err);
    int status = check_file(paths[at], err);
    if (status != 0)
        return status;
    if (is_forward_csv(paths[at]))
        return decode_forward_csv(paths[at], out, err);
    if (decode_csv_is(paths[at]))
        return decode_csv_print(paths[at], out, err);
    if (decode_radius_is_file(paths[at]))
        return decode_radius_file(paths[at], out, err);
    return decode_group(paths, count, at, quirks, out, err);
}

int ask_decode(const char *const *paths, size_t count, const struct decode_question *question,
               FILE *out, struct err *err)
{
    struct quirk_table *quirks = ask_quirks(question->quirks_file, err);
    if (quirks == NULL)
        return err->code;
    struct decode_secrets secrets = {
        .radius = decode_radius_new(question->radius_secrets, question->radius_secret_count, err)};
    int status = secrets.radius == NULL ? (int)err->code : 0;
    for (size_t i = 0; status == 0 && i < count; i++)
        status = decode_one(paths, count, i, quirks, &secrets, out, err);
    decode_radius_free(secrets.radius);
    quirk_table_free(quirks);
    return status;
}
