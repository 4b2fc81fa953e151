/* SPDX-License-Identifier: Apache-2.0 */
#include "source/snmp.h"

#include <netdb.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "io/loop.h"
#include "snmp/engine.h"
#include "source/bridge_forward.h"
#include "source/recording.h"
#include "source/snmp_read.h"
#include "wire/bridge_facts.h"

enum {
    HOST_SIZE = 256,
    RESTART_SLACK_S = 10,
    AGAIN_S = 1,         /* facts that were not answered for are asked for again after this, */
    AGAIN_DOUBLINGS = 20 /* and each time twice as long, up to their interval */
};

struct snmp_config {
    char *switch_name, *address, *community, *user, *auth_protocol, *auth_password, *priv_protocol,
        *priv_password, *context_prefix, *site, *hypervisor;
    int version;
    int64_t port, tries, max_repetitions, in_flight;
    struct span timeout, min_interval, ageing, facts_interval;
};

static const char *const versions[] = {"1", "2c", "3", NULL};

#define FIELD(name) .offset = offsetof(struct snmp_config, name)

static const struct config_option options[] = {
    {.name = "switch",
     .type = OPTION_TEXT,
     FIELD(switch_name),
     .required = true,
     .help = "Name of the switch in reports and records."},
    {.name = "address",
     .type = OPTION_TEXT,
     FIELD(address),
     .required = true,
     .help = "IPv4 or IPv6 address or host name of its agent, with a port where it is not 161: "
             "192.0.2.1, 192.0.2.1:1161, [2001:db8::1]:1161, sw1.example."},
    {.name = "port",
     .type = OPTION_INTEGER,
     FIELD(port),
     .default_text = "161",
     .low = 1,
     .high = 65535,
     .help = "UDP port of its agent, where the address names none."},
    {.name = "version",
     .type = OPTION_CHOICE,
     FIELD(version),
     .default_text = "2c",
     .choices = versions,
     .help = "SNMP version."},
    {.name = "community_file",
     .type = OPTION_SECRET_FILE,
     FIELD(community),
     .help = "File whose first line is the community (versions 1 and 2c)."},
    {.name = "user", .type = OPTION_TEXT, FIELD(user), .help = "User (version 3)."},
    {.name = "auth_protocol",
     .type = OPTION_TEXT,
     FIELD(auth_protocol),
     .default_text = "none",
     .help = "Authentication: none, md5, sha, sha224, sha256, sha384 or sha512."},
    {.name = "auth_password_file",
     .type = OPTION_SECRET_FILE,
     FIELD(auth_password),
     .help = "File whose first line is the authentication password."},
    {.name = "priv_protocol",
     .type = OPTION_TEXT,
     FIELD(priv_protocol),
     .default_text = "none",
     .help = "Privacy: none, des, aes, aes192, aes256, or aes192-cisco and aes256-cisco for agents "
             "that lengthen keys in Cisco's way."},
    {.name = "priv_password_file",
     .type = OPTION_SECRET_FILE,
     FIELD(priv_password),
     .help = "File whose first line is the privacy password."},
    {.name = "context_prefix",
     .type = OPTION_TEXT,
     FIELD(context_prefix),
     .help = "Version 3 context of a VLAN on devices with one table a VLAN, less the VLAN; without "
             "it, what the device's quirks say (\"vlan-\")."},
    {.name = "timeout",
     .type = OPTION_SPAN,
     FIELD(timeout),
     .default_text = "5s",
     .low = 100000,
     .high = 300000000,
     .help = "Patience with one request, all tries together; the waits between tries follow the "
             "measured round trip."},
    {.name = "tries",
     .type = OPTION_INTEGER,
     FIELD(tries),
     .default_text = "8",
     .low = 1,
     .high = 10,
     .help = "How often one request is sent at most."},
    {.name = "max_repetitions",
     .type = OPTION_INTEGER,
     FIELD(max_repetitions),
     .default_text = "50",
     .low = 1,
     .high = 1000,
     .help = "Rows asked for in one request at most; Muster begins with 25 and adapts."},
    {.name = "in_flight",
     .type = OPTION_INTEGER,
     FIELD(in_flight),
     .default_text = "2",
     .low = 1,
     .high = 16,
     .help = "Requests at once to this switch; with three or more its table is read in parts at "
             "the same time."},
    {.name = "min_interval",
     .type = OPTION_SPAN,
     FIELD(min_interval),
     .default_text = "0s",
     .low = 0,
     .high = 10000000,
     .help = "Least time between two requests to this switch."},
    {.name = "facts_interval",
     .type = OPTION_SPAN,
     FIELD(facts_interval),
     .default_text = "10min",
     .low = 0,
     .high = INT64_C(86400000000),
     .help = "How long port names, VLAN maps and neighbours hold before they are read again; a "
             "restart of the switch ends it."},
    {.name = "ageing",
     .type = OPTION_SPAN,
     FIELD(ageing),
     .low = 1000000,
     .high = INT64_C(1000000000000),
     .help = "Ageing time of its table; without it, what the switch says."},
    {.name = "site",
     .type = OPTION_TEXT,
     FIELD(site),
     .default_text = "default",
     .help = "Site of the bridge domain."},
    {.name = "hypervisor",
     .type = OPTION_TEXT,
     FIELD(hypervisor),
     .help = "The hypervisor whose own virtual switch this is."},
    {.name = NULL},
};

struct snmp_source {
    const struct snmp_config *config;
    struct env *env;
    struct usm_user user;
    struct quirk_table *quirks;
    struct snmp_device *device; /* NULL: the address is not resolved */
    struct snmp_address address;
    bool is_name; /* the address is a host name */
    struct bridge_facts *facts;
    struct wall facts_at;
    unsigned facts_misses; /* reads in a row in which walks for facts got no answer */
    uint32_t *fdb_ids;     /* that had rows or VLANs at the last read */
    size_t fdb_count;
    struct fetch *fetch; /* NULL: idle */
};

/* One fetch or probe. A worker may outlive its source: then nobody hears of it. */
struct fetch {
    struct snmp_source *source; /* NULL: cancelled */
    struct observed_job *job;
    struct mac probe;
    struct snmp_read *read;
    struct wall started, ended;
    bool facts_reused, facts_before, working;
    /* For workers: copies, and what they make. */
    char *switch_name, *site, *hypervisor, *host;
    struct span ageing;
    uint16_t port;
    uint64_t asked, answered;
    struct snmp_address resolved;
    struct bridge_table *bridge;
    struct forward_table *table;
    struct err err;
    int code;
};

/* --- life --- */

static int make_user(struct snmp_source *source, struct err *err)
{
    const struct snmp_config *config = source->config;
    enum usm_auth auth;
    enum usm_priv priv;
    if (config->user == NULL)
        return err_set(err, ERR_SYNTAX, "%s: version 3 needs \"user\"", config->switch_name);
    if (usm_auth_parse(config->auth_protocol, &auth) != 0)
        return err_set(err, ERR_SYNTAX,
                       "%s: auth_protocol \"%s\" is not known, expected none, md5, sha, sha224, "
                       "sha256, sha384 or sha512",
                       config->switch_name, config->auth_protocol);
    if (usm_priv_parse(config->priv_protocol, &priv) != 0)
        return err_set(err, ERR_SYNTAX,
                       "%s: priv_protocol \"%s\" is not known, expected none, des, aes, aes192, "
                       "aes256, aes192-cisco or aes256-cisco",
                       config->switch_name, config->priv_protocol);
    if (usm_user_init(&source->user, snmp_engine_crypto(source->env->snmp), config->user, auth,
                      config->auth_password, priv, config->priv_password, err) != 0)
        return err_prefix(err, "%s", config->switch_name);
    return 0;
}

static int check_credentials(struct snmp_source *source, struct err *err)
{
    const struct snmp_config *config = source->config;
    if (strcmp(versions[config->version], "3") == 0)
        return make_user(source, err);
    if (config->community == NULL)
        return err_set(err, ERR_SYNTAX, "%s: version %s needs \"community_file\"",
                       config->switch_name, versions[config->version]);
    return 0;
}

static enum snmp_version version_of(const struct snmp_config *config)
{
    static const enum snmp_version values[] = {SNMP_V1, SNMP_V2C, SNMP_V3};
    return values[config->version];
}

static int make_device(struct snmp_source *source, struct err *err)
{
    const struct snmp_config *config = source->config;
    struct snmp_target target = {.name = config->switch_name,
                                 .address = source->address,
                                 .version = version_of(config),
                                 .community = config->community,
                                 .user = &source->user};
    snmp_limits_init(&target.limits);
    target.limits.timeout = config->timeout;
    target.limits.tries = (unsigned)config->tries;
    target.limits.repetitions_cap = (unsigned)config->max_repetitions;
    if (target.limits.repetitions > target.limits.repetitions_cap)
        target.limits.repetitions = target.limits.repetitions_cap;
    target.limits.in_flight = (unsigned)config->in_flight;
    target.limits.min_interval = config->min_interval;
    return snmp_device_new(source->env->snmp, &target, &source->device, err);
}

static int construct(void *state, const void *config, struct env *env, struct err *err)
{
    struct snmp_source *source = state;
    *source = (struct snmp_source){.config = config, .env = env};
    char host[HOST_SIZE];
    uint16_t port;
    if (env->snmp == NULL)
        return err_set(err, ERR_UNSUPPORTED, "%s: there is no SNMP engine here",
                       source->config->switch_name);
    int code = check_credentials(source, err);
    if (code == 0)
        code =
            snmp_address_split(source->config->address, SNMP_PORT, host, sizeof(host), &port, err);
    if (code == 0)
        code = recording_quirks(env->quirks_file, &source->quirks, err);
    if (code != 0) {
        OPENSSL_cleanse(&source->user, sizeof(source->user));
        return code;
    }
    source->is_name = snmp_address_parse(source->config->address, (uint16_t)source->config->port,
                                         &source->address, NULL) != 0;
    return 0;
}

static void fetch_free(struct fetch *fetch)
{
    snmp_read_cancel(fetch->read);
    if (fetch->bridge != NULL)
        bridge_table_free(fetch->bridge);
    forward_table_free(fetch->table);
    free(fetch->switch_name);
    free(fetch->site);
    free(fetch->hypervisor);
    free(fetch->host);
    free(fetch);
}

/* Forgets the fetch under way; what a worker still has is freed when it is done. */
static void drop(struct snmp_source *source)
{
    struct fetch *fetch = source->fetch;
    if (fetch == NULL)
        return;
    source->fetch = NULL;
    fetch->source = NULL;
    snmp_read_cancel(fetch->read);
    fetch->read = NULL;
    if (!fetch->working)
        fetch_free(fetch);
}

static void destruct(void *state)
{
    struct snmp_source *source = state;
    drop(source);
    snmp_device_free(source->device);
    quirk_table_free(source->quirks);
    bridge_facts_free(source->facts);
    free(source->fdb_ids);
    OPENSSL_cleanse(&source->user, sizeof(source->user));
}

/* --- the end --- */

static void end(struct fetch *fetch, const struct err *cause)
{
    struct observed_job *job = fetch->job;
    struct forward_table *table = fetch->table;
    struct err err;
    if (cause != NULL)
        err = *cause;
    fetch->table = NULL;
    fetch->source->fetch = NULL;
    fetch_free(fetch);
    observed_job_done(job, cause == NULL ? &table : NULL, cause != NULL ? &err : NULL);
}

/* Keeps what the next read can use: facts, and the FDB ids for probes. */
static void keep_facts(struct snmp_source *source, struct fetch *fetch)
{
    struct bridge_table *bridge = fetch->bridge;
    size_t count = 0;
    bridge_facts_free(source->facts);
    source->facts = bridge->facts;
    bridge->facts = NULL;
    if (!fetch->facts_reused)
        source->facts_at = fetch->started;
    if (mac_known(fetch->probe))
        return;
    if (!fetch->facts_reused)
        source->facts_misses = source->facts->broken ? source->facts_misses + 1 : 0;
    free(source->fdb_ids);
    source->fdb_ids =
        alloc_array(bridge->group_count + source->facts->vlan_count, sizeof(uint32_t));
    for (size_t i = 0; i < bridge->group_count; i++)
        if (bridge->groups[i].fdb_known && bridge->groups[i].family != BRIDGE_VENDOR)
            source->fdb_ids[count++] = bridge->groups[i].fdb_id;
    for (size_t i = 0; i < source->facts->vlan_count; i++)
        source->fdb_ids[count++] = source->facts->vlans[i].fdb_id;
    source->fdb_count = count;
}

static int compare_ids(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void sort_fdb_ids(struct snmp_source *source)
{
    size_t kept = 0;
    qsort(source->fdb_ids, source->fdb_count, sizeof(uint32_t), compare_ids);
    for (size_t i = 0; i < source->fdb_count; i++)
        if (i == 0 || source->fdb_ids[i] != source->fdb_ids[i - 1])
            source->fdb_ids[kept++] = source->fdb_ids[i];
    source->fdb_count = kept;
}

static void convert(void *aux)
{
    struct fetch *fetch = aux;
    const struct bridge_forward_options forward = {.switch_name = fetch->switch_name,
                                                   .site = fetch->site,
                                                   .hypervisor = fetch->hypervisor,
                                                   .source = fetch->switch_name,
                                                   .type = "snmp",
                                                   .started = fetch->started,
                                                   .ended = fetch->ended,
                                                   .ageing = fetch->ageing.us > 0 ? fetch->ageing
                                                                                  : span_us(-1),
                                                   .asked = fetch->asked,
                                                   .answered = fetch->answered};
    fetch->table = bridge_forward(fetch->bridge, &forward);
}

static void convert_done(void *aux)
{
    struct fetch *fetch = aux;
    fetch->working = false;
    if (fetch->source == NULL) {
        fetch_free(fetch);
        return;
    }
    keep_facts(fetch->source, fetch);
    if (!mac_known(fetch->probe))
        sort_fdb_ids(fetch->source);
    end(fetch, NULL);
}

/* --- reading --- */

static void start_read(struct fetch *fetch, bool facts_fresh);

/* Keeps the facts of a table that is of no other use, and ends the fetch. */
static void end_without_table(struct fetch *fetch, struct bridge_table *table,
                              const struct err *cause)
{
    if (!fetch->facts_before)
        fetch->source->facts_at = fetch->started;
    fetch->bridge = NULL;
    fetch->source->facts = table->facts;
    table->facts = NULL;
    bridge_table_free(table);
    end(fetch, cause);
}

/* Whether the device restarted after the facts were read. */
static bool restarted(const struct snmp_source *source, const struct fetch *fetch)
{
    int64_t uptime = fetch->bridge->sys_uptime_cs;
    return uptime >= 0 && uptime / 100 + RESTART_SLACK_S <
                              wall_since(fetch->started, source->facts_at).us / 1000000;
}

static void read_ended(void *aux, struct bridge_table *table, uint64_t asked, uint64_t answered,
                       const struct err *err)
{
    struct fetch *fetch = aux;
    struct snmp_source *source = fetch->source;
    fetch->read = NULL;
    fetch->asked += asked;
    fetch->answered += answered;
    if (err != NULL) {
        /* A name may have come to mean another address. */
        if (source->is_name) {
            snmp_device_free(source->device);
            source->device = NULL;
        }
        end_without_table(fetch, table, err);
        return;
    }
    fetch->bridge = table;
    fetch->ended = source->env->now(source->env->clock);
    /* facts of before it restarted may be of other ports, also those in a walk's place */
    if (fetch->facts_before && (fetch->facts_reused || table->facts->broken) &&
        restarted(source, fetch)) {
        bridge_table_free(table);
        fetch->bridge = NULL;
        start_read(fetch, false);
        return;
    }
    if (!bridge_facts_placed(table->facts)) {
        struct err unplaced;
        err_set(&unplaced, ERR_TIMEOUT, "%s: its rows cannot be understood: %s",
                source->config->switch_name,
                table->facts->why_unread != NULL ? table->facts->why_unread
                                                 : "what its numbers mean was never read");
        end_without_table(fetch, table, &unplaced);
        return;
    }
    bool whole = true;
    for (size_t i = 0; i < table->context_count; i++)
        whole = whole && table->contexts[i].whole;
    if (table->row_count == 0 && whole && !mac_known(fetch->probe)) {
        struct err empty;
        err_set(&empty, ERR_NOT_FOUND,
                "%s: the agent answers, but has no forward table: no dot1qTpFdbPort, "
                "dot1dTpFdbPort or vendor's own within the view of these credentials",
                snmp_device_label(source->device));
        end(fetch, &empty);
        return;
    }
    fetch->working = true;
    loop_work_start(source->env->loop, convert, convert_done, fetch);
}

static void read_progress(void *aux, uint64_t rows)
{
    const struct fetch *fetch = aux;
    observed_job_progress(fetch->job, rows);
}

static void start_read(struct fetch *fetch, bool facts_fresh)
{
    struct snmp_source *source = fetch->source;
    const struct snmp_config *config = source->config;
    bool probing = mac_known(fetch->probe);
    fetch->facts_before = source->facts != NULL;
    fetch->facts_reused = facts_fresh && fetch->facts_before;
    fetch->started = source->env->now(source->env->clock);
    const struct snmp_read_options read = {
        .device = source->device,
        .version = version_of(config),
        .community = config->community,
        .context_prefix = config->context_prefix,
        .timeout = config->timeout,
        .in_flight = (unsigned)config->in_flight,
        .reader = {.quirks = source->quirks,
                   .take_facts = &source->facts,
                   .facts_fresh = fetch->facts_reused,
                   .no_neighbours = probing},
        .probe = fetch->probe,
        .fdb_ids = source->fdb_ids,
        .fdb_count = probing ? source->fdb_count : 0,
    };
    fetch->read = snmp_read_start(&read, read_ended, read_progress, fetch);
}

/* How long facts hold; shorter when walks got no answer, so that they are old in part or lack
 * something. */
static struct span facts_hold(const struct snmp_source *source)
{
    struct span interval = source->config->facts_interval;
    unsigned misses = source->facts_misses;
    if (misses == 0)
        return interval;
    if (misses > AGAIN_DOUBLINGS)
        misses = AGAIN_DOUBLINGS;
    struct span again = span_seconds((int64_t)AGAIN_S << (misses - 1));
    return again.us < interval.us ? again : interval;
}

/* Facts hold for a while; in a probe as long as there are any. */
static bool facts_are_fresh(const struct snmp_source *source, const struct fetch *fetch)
{
    if (source->facts == NULL || !bridge_facts_placed(source->facts))
        return false;
    if (mac_known(fetch->probe))
        return true;
    if (source->facts->unread != 0 && source->facts_misses == 0)
        return false; /* of a probe, which reads no neighbours */
    struct wall now = source->env->now(source->env->clock);
    return wall_since(now, source->facts_at).us < facts_hold(source).us;
}

/* --- host names --- */

static void resolve(void *aux)
{
    struct fetch *fetch = aux;
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG}, *found = NULL;
    int result = getaddrinfo(fetch->host, NULL, &hints, &found);
    fetch->code = 0;
    if (result != 0) {
        fetch->code = err_set(&fetch->err, ERR_NOT_FOUND, "%s: resolving %s: %s",
                              fetch->switch_name, fetch->host, gai_strerror(result));
        return;
    }
    memset(&fetch->resolved, 0, sizeof(fetch->resolved));
    if (found->ai_family == AF_INET) {
        memcpy(&fetch->resolved.v4, found->ai_addr, sizeof(fetch->resolved.v4));
        fetch->resolved.v4.sin_port = htons(fetch->port);
    } else {
        memcpy(&fetch->resolved.v6, found->ai_addr, sizeof(fetch->resolved.v6));
        fetch->resolved.v6.sin6_port = htons(fetch->port);
    }
    freeaddrinfo(found);
}

static void resolve_done(void *aux)
{
    struct fetch *fetch = aux;
    fetch->working = false;
    if (fetch->source == NULL) {
        fetch_free(fetch);
        return;
    }
    if (fetch->code == 0) {
        fetch->source->address = fetch->resolved;
        fetch->code = make_device(fetch->source, &fetch->err);
    }
    if (fetch->code != 0)
        end(fetch, &fetch->err);
    else
        start_read(fetch, facts_are_fresh(fetch->source, fetch));
}

/* --- jobs --- */

static char *copy(const char *text)
{
    return text != NULL ? alloc_text(text) : NULL;
}

static int begin(struct snmp_source *source, struct mac probe, struct observed_job *job,
                 struct err *err)
{
    const struct snmp_config *config = source->config;
    if (source->fetch != NULL)
        return err_set(err, ERR_UNSUPPORTED, "%s is still being read", config->switch_name);
    if (source->device == NULL && !source->is_name) {
        int code = make_device(source, err);
        if (code != 0)
            return code;
    }
    struct fetch *fetch = alloc_zeroed(1, sizeof(*fetch));
    char host[HOST_SIZE] = "";
    *fetch = (struct fetch){.source = source,
                            .job = job,
                            .probe = probe,
                            .switch_name = copy(config->switch_name),
                            .site = copy(config->site),
                            .hypervisor = copy(config->hypervisor),
                            .ageing = config->ageing};
    source->fetch = fetch;
    if (source->device != NULL) {
        start_read(fetch, facts_are_fresh(source, fetch));
        return 0;
    }
    (void)!snmp_address_split(config->address, (uint16_t)config->port, host, sizeof(host),
                              &fetch->port, NULL);
    fetch->host = alloc_text(host);
    fetch->working = true;
    loop_work_start(source->env->loop, resolve, resolve_done, fetch);
    return 0;
}

static int fetch_start(void *state, struct observed_job *job, struct err *err)
{
    return begin(state, MAC_NONE, job, err);
}

static int probe(void *state, struct mac mac, struct observed_job *job, struct err *err)
{
    return begin(state, mac, job, err);
}

static void cancel(void *state, struct observed_job *job)
{
    struct snmp_source *source = state;
    if (source->fetch != NULL && source->fetch->job == job)
        drop(source);
}

const struct observed_source_class observed_snmp = {
    .plug = {.type = "snmp",
             .summary = "Forward tables of managed switches by SNMP v1, v2c and v3.",
             .options = options,
             .state_size = sizeof(struct snmp_source),
             .config_size = sizeof(struct snmp_config),
             .construct = construct,
             .destruct = destruct},
    .fetch = fetch_start,
    .cancel = cancel,
    .probe = probe,
};
