/* SPDX-License-Identifier: Apache-2.0 */
#include "source/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/limits.h"
#include "io/file.h"
#include "io/loop.h"
#include "source/bridge_forward.h"
#include "source/forward_csv.h"
#include "source/recording_file.h"

enum { PEEK_SIZE = 4096 };

struct recording_config {
    char *switch_name, *file, *site, *hypervisor;
    struct wall read_at;
    struct span ageing;
};

static const struct config_option options[] = {
    {.name = "switch",
     .type = OPTION_TEXT,
     .offset = offsetof(struct recording_config, switch_name),
     .help = "Name of the switch in reports and records; without it the recording's sysName, else "
             "the file's name. Of a CSV file with several switches only this one is read."},
    {.name = "file",
     .type = OPTION_PATH,
     .offset = offsetof(struct recording_config, file),
     .required = true,
     .help =
         "An .snmprec file, the output of snmpwalk -On, or a CSV file with the columns switch, "
         "port, vlan, mac; contexts of other VLANs stand beside it as NAME.vlanN.* or NAME@N.*"},
    {.name = "site",
     .type = OPTION_TEXT,
     .offset = offsetof(struct recording_config, site),
     .default_text = "default",
     .help = "Site of the bridge domain."},
    {.name = "hypervisor",
     .type = OPTION_TEXT,
     .offset = offsetof(struct recording_config, hypervisor),
     .help = "The hypervisor whose own bridge was recorded."},
    {.name = "read_at",
     .type = OPTION_INSTANT,
     .offset = offsetof(struct recording_config, read_at),
     .help = "When the recording was taken; without it the file's modification time."},
    {.name = "ageing",
     .type = OPTION_SPAN,
     .offset = offsetof(struct recording_config, ageing),
     .low = 1000000,
     .high = INT64_C(1000000000000),
     .help = "The switch's ageing time, where the recording does not have dot1dTpAgingTime."},
    {.name = NULL},
};

struct recording_state {
    const struct recording_config *config;
    struct env *env;
    struct reading *reading; /* NULL: idle */
};

/* A reading under way; it goes on to its end when it is cancelled or its source
 * is gone, and then nobody hears of it. */
struct reading {
    struct recording_state *state; /* NULL: cancelled */
    struct observed_job *job;
    struct recording_config config; /* own copies of the texts */
    char *quirks_file;
    struct forward_table *table;
    struct err err;
    int code;
};

/* --- reading --- */

int recording_quirks(const char *user_file, struct quirk_table **ret, struct err *err)
{
    struct quirk_table *quirks = quirk_table_new();
    size_t length;
    const char *delivered = quirks_delivered(&length);
    int code = quirk_table_add(quirks, "etc/quirks.conf", delivered, length, err);
    AUTO_FREE char *text = NULL;
    if (code == 0 && user_file != NULL)
        code = file_read(user_file, LIMIT_CONFIG_BYTES, &text, &length, err);
    if (code == 0 && user_file != NULL)
        code = quirk_table_add(quirks, user_file, text, length, err);
    if (code == 0)
        *ret = quirks;
    else
        quirk_table_free(quirks);
    return code;
}

/* Whether the file begins like a forward table in CSV. What cannot be opened is
 * left to the reader that will say so. */
static bool is_csv(const char *path)
{
    char bytes[PEEK_SIZE];
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return false;
    ssize_t length = read(descriptor, bytes, sizeof bytes);
    close(descriptor);
    return length > 0 && forward_csv_is_one(bytes, (size_t)length);
}

static int read_csv(const struct recording_options *from, struct forward_table **ret,
                    struct err *err)
{
    uint32_t vlan;
    AUTO_FREE char *stem = recording_file_stem(from->path, &vlan);
    const struct forward_csv_options csv = {
        .switch_name = from->switch_name,
        .fallback_name = stem,
        .site = from->site,
        .hypervisor = from->hypervisor,
        .source = from->source,
        .read_at = from->read_at,
        .ageing = from->ageing.us > 0 ? from->ageing : span_us(-1),
    };
    struct forward_table *table = NULL;
    int code = forward_csv_read(from->path, &csv, &table, err);
    if (code == 0 && table == NULL)
        return err_set(err, ERR_NOT_FOUND, "%s: no forward entry%s%s", from->path,
                       from->switch_name == NULL ? "" : " of ",
                       from->switch_name == NULL ? "" : from->switch_name);
    if (code == 0)
        *ret = table;
    return code;
}

static int read_snmp(const struct recording_options *from, struct forward_table **ret,
                     struct err *err)
{
    struct recording_file *file;
    int code = recording_file_open(from->path, &file, err);
    if (code != 0)
        return code;
    struct bridge_table *bridge = recording_file_read(file, from->quirks);
    struct wall when = wall_known(from->read_at) ? from->read_at : recording_file_modified(file);
    if (bridge->row_count == 0) {
        code =
            err_set(err, ERR_NOT_FOUND, "%s: the recording has no forward table: no %s", from->path,
                    bridge->rejected > 0 ? "row whose index could be read"
                                         : "dot1dTpFdbPort, dot1qTpFdbPort or vendor's own");
    } else {
        const struct bridge_forward_options forward = {
            .switch_name = from->switch_name,
            .fallback_name = file->stem,
            .site = from->site,
            .hypervisor = from->hypervisor,
            .source = from->source,
            .type = "recording",
            .started = when,
            .ended = when,
            .ageing = from->ageing.us > 0 ? from->ageing : span_us(-1),
            .asked = file->count,
            .answered = file->count,
        };
        *ret = bridge_forward(bridge, &forward);
    }
    bridge_table_free(bridge);
    recording_file_free(file);
    return code;
}

int recording_read(const struct recording_options *from, struct forward_table **ret,
                   struct err *err)
{
    return is_csv(from->path) ? read_csv(from, ret, err) : read_snmp(from, ret, err);
}

/* --- the source --- */

/* The quirks are read once here to say what is wrong with them at the start;
 * each reading reads them for itself, as it may outlive this source. */
static int construct(void *aux, const void *config, struct env *env, struct err *err)
{
    struct recording_state *state = aux;
    struct quirk_table *quirks = NULL;
    *state = (struct recording_state){.config = config, .env = env};
    int code = recording_quirks(env->quirks_file, &quirks, err);
    quirk_table_free(quirks);
    return code;
}

static void detach(struct recording_state *state)
{
    if (state->reading != NULL)
        state->reading->state = NULL;
    state->reading = NULL;
}

static void destruct(void *aux)
{
    detach(aux);
}

static void reading_free(struct reading *reading)
{
    free(reading->config.switch_name);
    free(reading->config.file);
    free(reading->config.site);
    free(reading->config.hypervisor);
    free(reading->quirks_file);
    forward_table_free(reading->table);
    free(reading);
}

static char *copy(const char *text)
{
    return text == NULL ? NULL : alloc_text(text);
}

/* In a worker thread: touches nothing but the reading. */
static void work(void *aux)
{
    struct reading *reading = aux;
    struct quirk_table *quirks = NULL;
    reading->code = recording_quirks(reading->quirks_file, &quirks, &reading->err);
    if (reading->code != 0)
        return;
    const struct recording_options from = {
        .switch_name = reading->config.switch_name,
        .path = reading->config.file,
        .site = reading->config.site,
        .hypervisor = reading->config.hypervisor,
        .source = reading->config.switch_name,
        .read_at = reading->config.read_at,
        .ageing = reading->config.ageing,
        .quirks = quirks,
    };
    reading->code = recording_read(&from, &reading->table, &reading->err);
    quirk_table_free(quirks);
}

static void work_done(void *aux)
{
    struct reading *reading = aux;
    if (reading->state != NULL) {
        reading->state->reading = NULL;
        observed_job_done(reading->job, &reading->table, reading->code == 0 ? NULL : &reading->err);
    }
    reading_free(reading);
}

static int fetch(void *aux, struct observed_job *job, struct err *err)
{
    struct recording_state *state = aux;
    if (state->reading != NULL)
        return err_set(err, ERR_UNSUPPORTED, "%s is still being read", state->config->file);
    struct reading *reading = alloc_zeroed(1, sizeof *reading);
    *reading = (struct reading){
        .state = state,
        .job = job,
        .config = *state->config,
        .quirks_file = copy(state->env->quirks_file),
    };
    reading->config.switch_name = copy(state->config->switch_name);
    reading->config.file = copy(state->config->file);
    reading->config.site = copy(state->config->site);
    reading->config.hypervisor = copy(state->config->hypervisor);
    state->reading = reading;
    loop_work_start(state->env->loop, work, work_done, reading);
    return 0;
}

static void cancel(void *aux, struct observed_job *job)
{
    struct recording_state *state = aux;
    if (state->reading != NULL && state->reading->job == job)
        detach(state);
}

const struct observed_source_class observed_recording = {
    .plug = {.type = "recording",
             .summary = "Forward tables out of files: snmpsim and snmpwalk recordings, CSV.",
             .options = options,
             .state_size = sizeof(struct recording_state),
             .config_size = sizeof(struct recording_config),
             .construct = construct,
             .destruct = destruct},
    .offline = true,
    .fetch = fetch,
    .cancel = cancel,
};
