/* SPDX-License-Identifier: Apache-2.0 */
#include "source/recording_file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "io/file.h"

enum { READ_SIZE = 64 * 1024, VLAN_HIGHEST = 4094 };

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* Reads a VLAN from `text` that ends at a dot or the end; 0 when it is none. */
static uint32_t read_vlan(const char *text)
{
    uint32_t vlan = 0;
    const char *p = text;
    for (; isdigit((unsigned char)*p) && vlan <= VLAN_HIGHEST; p++)
        vlan = vlan * 10 + (uint32_t)(*p - '0');
    bool whole = p != text && (*p == '.' || *p == '\0');
    return whole && vlan <= VLAN_HIGHEST ? vlan : 0;
}

/* Drops what recordings are called by at the end of a name. */
static void drop_extensions(char *name)
{
    static const char *const words[] = {".snmprec", ".txt", ".properties", ".walk", ".snmpwalk",
                                        ".log",     ".mib", ".out",        ".csv",  ".dump"};
    for (bool again = true; again;) {
        again = false;
        char *dot = strrchr(name, '.');
        for (size_t i = 0; dot != NULL && dot != name && i < ARRAY_COUNT(words); i++)
            if (strcasecmp(dot, words[i]) == 0) {
                *dot = '\0';
                again = true;
                break;
            }
    }
}

char *recording_file_stem(const char *path, uint32_t *ret_vlan)
{
    char *name = alloc_text(last_part(path));
    *ret_vlan = 0;
    for (char *p = name + 1; name[0] != '\0' && *p != '\0'; p++) {
        size_t marker = *p == '@' ? 1 : strncasecmp(p, ".vlan", 5) == 0 ? 5 : 0;
        uint32_t vlan = marker == 0 ? 0 : read_vlan(p + marker);
        if (vlan == 0)
            continue;
        *ret_vlan = vlan;
        *p = '\0';
        return name;
    }
    drop_extensions(name);
    return name;
}

bool recording_file_same(const char *a, const char *b)
{
    uint32_t vlan_a, vlan_b;
    size_t directory_a = (size_t)(last_part(a) - a), directory_b = (size_t)(last_part(b) - b);
    if (directory_a != directory_b || memcmp(a, b, directory_a) != 0)
        return false;
    AUTO_FREE char *stem_a = recording_file_stem(a, &vlan_a);
    AUTO_FREE char *stem_b = recording_file_stem(b, &vlan_b);
    /* sw1.txt and sw1.snmprec are two recordings, not one with a context. */
    bool both_default = vlan_a == 0 && vlan_b == 0 && strcmp(a, b) != 0;
    return strcmp(stem_a, stem_b) == 0 && !both_default;
}

struct recording_file *recording_file_new(void)
{
    struct recording_file *file = alloc_zeroed(1, sizeof *file);
    file->stem = alloc_text("");
    return file;
}

void recording_file_free(struct recording_file *file)
{
    if (file == NULL)
        return;
    for (size_t i = 0; i < file->count; i++) {
        free(file->contexts[i].path);
        recording_free(file->contexts[i].recording);
    }
    free(file->contexts);
    free(file->stem);
    free(file);
}

/* --- reading one file --- */

static int parse_descriptor(int descriptor, const char *path, struct recording *recording,
                            struct recording_summary *ret, struct err *err)
{
    struct recording_parser *parser = recording_parser_new(recording_add, recording);
    AUTO_FREE char *bytes = alloc_array(READ_SIZE, 1);
    int code = 0;
    for (;;) {
        ssize_t got = read(descriptor, bytes, READ_SIZE);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            code = err_set_errno(err, errno, "%s: reading the recording", path);
        if (got <= 0)
            break;
        code = recording_parser_feed(parser, bytes, (size_t)got);
        if (code != 0)
            break;
    }
    int end = recording_parser_finish(parser, ret);
    recording_parser_free(parser);
    code = code != 0 ? code : end;
    if (code == ERR_LIMIT)
        return err_set(err, ERR_LIMIT, "%s: the recording holds more than %llu MiB", path,
                       (unsigned long long)(RECORDING_BYTES_MAX >> 20));
    return code;
}

static int no_varbinds(const char *path, const struct recording_summary *summary, struct err *err)
{
    if (summary->unknown_names > 0)
        return err_set(err, ERR_SYNTAX,
                       "%s: none of the %llu names can be turned into an OID: take the walk "
                       "again with snmpwalk -On",
                       path, (unsigned long long)summary->unknown_names);
    if (summary->bad_lines > 0)
        return err_set(err, ERR_SYNTAX, "%s:%llu: not a recording: expected %s", path,
                       (unsigned long long)summary->first_bad, summary->expected);
    if (summary->ended_by[0] != '\0')
        return err_set(err, ERR_NOT_FOUND, "%s: the recording is empty: %s", path,
                       summary->ended_by);
    return err_set(err, ERR_NOT_FOUND, "%s: the recording is empty", path);
}

static int load(const char *path, struct recording_context *ret, struct err *err)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return err_set_errno(err, errno, "%s: opening the recording", path);
    struct recording_context context = {
        .path = alloc_text(path),
        .recording = recording_new(),
        .modified = file_modified(path),
    };
    int code = parse_descriptor(descriptor, path, context.recording, &context.summary, err);
    close(descriptor);
    if (code == 0 && context.summary.varbinds == 0)
        code = no_varbinds(path, &context.summary, err);
    if (code != 0) {
        free(context.path);
        recording_free(context.recording);
        return code;
    }
    recording_finish(context.recording);
    *ret = context;
    return 0;
}

static bool has_context(const struct recording_file *file, uint32_t vlan)
{
    for (size_t i = 0; i < file->count; i++)
        if (file->contexts[i].vlan == vlan)
            return true;
    return false;
}

int recording_file_add(struct recording_file *file, const char *path, struct err *err)
{
    uint32_t vlan;
    AUTO_FREE char *stem = recording_file_stem(path, &vlan);
    if (has_context(file, vlan))
        return 0;
    if (file->count == RECORDING_CONTEXTS_MAX)
        return err_set(err, ERR_LIMIT, "%s: more than %d contexts of one switch", path,
                       RECORDING_CONTEXTS_MAX);
    struct recording_context context;
    int code = load(path, &context, err);
    if (code != 0)
        return code;
    context.vlan = vlan;
    if (file->count == 0) {
        free(file->stem);
        file->stem = alloc_text(stem);
    }
    file->contexts =
        alloc_grow(file->contexts, file->count, &file->capacity, sizeof *file->contexts);
    size_t at = file->count++;
    for (; at > 0 && file->contexts[at - 1].vlan > vlan; at--)
        file->contexts[at] = file->contexts[at - 1];
    file->contexts[at] = context;
    return 0;
}

/* --- contexts beside --- */

static bool is_recording_name(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot == NULL || (strcasecmp(dot, ".tsv") != 0 && strcasecmp(dot, ".json") != 0 &&
                           strcasecmp(dot, ".md") != 0 && strcasecmp(dot, ".yaml") != 0);
}

static int add_beside(struct recording_file *file, const char *path, struct err *err)
{
    AUTO_FREE char *directory = file_directory(path);
    DIR *listing = opendir(directory);
    if (listing == NULL)
        return err_set_errno(err, errno, "%s: reading the folder of %s", directory, path);
    int code = 0;
    for (struct dirent *entry = readdir(listing); entry != NULL && code == 0;
         entry = readdir(listing)) {
        uint32_t vlan;
        AUTO_FREE char *beside = strcmp(directory, ".") == 0 && strchr(path, '/') == NULL
                                     ? alloc_text(entry->d_name)
                                     : file_join(directory, entry->d_name);
        free(recording_file_stem(beside, &vlan));
        if (vlan != 0 && is_recording_name(entry->d_name) && recording_file_same(path, beside))
            code = recording_file_add(file, beside, err);
    }
    closedir(listing);
    return code;
}

int recording_file_open(const char *path, struct recording_file **ret, struct err *err)
{
    struct recording_file *file = recording_file_new();
    struct err first = {0};
    int code = recording_file_add(file, path, &first);
    int missing = code;
    if (code == 0 || access(path, F_OK) != 0)
        code = add_beside(file, path, err);
    if (missing != 0 && file->count == 0) {
        *err = first;
        code = missing;
    }
    if (code != 0) {
        recording_file_free(file);
        return code;
    }
    *ret = file;
    return 0;
}

/* --- being asked --- */

static const struct recording_context *context_find(const struct recording_file *file,
                                                    uint32_t vlan)
{
    for (size_t i = 0; i < file->count; i++)
        if (file->contexts[i].vlan == vlan)
            return &file->contexts[i];
    return NULL;
}

static void answer_get(struct bridge_reader *reader, const struct bridge_want *want,
                       const struct recording *recording)
{
    for (size_t i = 0; i < want->oid_count; i++) {
        struct snmp_value value;
        if (recording_find(recording, &want->oids[i], &value))
            (void)bridge_reader_row(reader, want->id, i, NULL, 0, &value);
    }
}

static void answer_walk(struct bridge_reader *reader, const struct bridge_want *want,
                        const struct recording *recording)
{
    uint8_t column[OID_BER_SIZE];
    size_t length = oid_encode(&want->oids[0], column);
    for (size_t at = recording_seek(recording, &want->oids[0]); at < recording_count(recording);
         at++) {
        struct recording_varbind varbind;
        recording_get(recording, at, &varbind);
        if (varbind.oid_length < length || memcmp(varbind.oid, column, length) != 0)
            return;
        if (varbind.oid_length == length)
            continue;
        if (bridge_reader_row(reader, want->id, 0, varbind.oid + length,
                              varbind.oid_length - length, &varbind.value) == BRIDGE_STOP)
            return;
    }
}

/* Why a context's file is not all that the device had; "" when nothing says so. */
static void say_damage(const struct recording_context *context, struct text *why)
{
    const struct recording_summary *summary = &context->summary;
    text_clear(why);
    if (summary->ended_by[0] != '\0')
        text_printf(why, "%s: the walk ended early: %s", context->path, summary->ended_by);
    else if (summary->unknown_names > 0)
        text_printf(why,
                    "%s: %llu names cannot be turned into OIDs: take the walk again with "
                    "snmpwalk -On",
                    context->path, (unsigned long long)summary->unknown_names);
    else if (summary->bad_lines > 0)
        text_printf(why, "%s:%llu: expected %s (%llu such lines are passed over)", context->path,
                    (unsigned long long)summary->first_bad, summary->expected,
                    (unsigned long long)summary->bad_lines);
}

static void answer(struct bridge_reader *reader, const struct recording_file *file,
                   const struct bridge_want *want)
{
    const struct recording_context *context = context_find(file, want->context);
    AUTO_TEXT struct text why = TEXT_EMPTY;
    if (context != NULL) {
        if (want->kind == BRIDGE_GET)
            answer_get(reader, want, context->recording);
        else
            answer_walk(reader, want, context->recording);
        say_damage(context, &why);
    }
    /* A damaged file still answers who it is: only walks are not whole by it. */
    bool damaged = want->kind == BRIDGE_WALK && why.length > 0;
    bridge_reader_end(reader, want->id, damaged ? text_get(&why) : NULL);
}

void recording_file_answer(const struct recording_file *file, struct bridge_reader *reader)
{
    struct bridge_want want;
    while (bridge_reader_next(reader, &want))
        answer(reader, file, &want);
}

struct bridge_table *recording_file_read(const struct recording_file *file,
                                         const struct quirk_table *quirks)
{
    AUTO_FREE uint32_t *contexts = alloc_array(file->count + 1, sizeof *contexts);
    size_t count = 0;
    for (size_t i = 0; i < file->count && count < BRIDGE_CONTEXTS_MAX; i++)
        if (file->contexts[i].vlan != 0)
            contexts[count++] = file->contexts[i].vlan;
    struct bridge_reader_options options = {
        .quirks = quirks,
        .everything = true,
        .contexts = contexts,
        .context_count = count,
    };
    struct bridge_reader *reader = bridge_reader_new(&options);
    recording_file_answer(file, reader);
    struct bridge_table *table = bridge_reader_take(reader);
    bridge_reader_free(reader);
    return table;
}

struct wall recording_file_modified(const struct recording_file *file)
{
    struct wall oldest = WALL_UNKNOWN;
    for (size_t i = 0; i < file->count; i++) {
        struct wall at = file->contexts[i].modified;
        if (wall_known(at) && (!wall_known(oldest) || at.us < oldest.us))
            oldest = at;
    }
    return oldest;
}
