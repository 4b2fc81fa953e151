/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "sim/switch_mib.h"

/* How long a computed table serves, in real time: a second, or so long that
 * computing all that are in use takes a quarter of the time (half a microsecond a
 * row and switch). */
enum { SNAPSHOT_US = 1000000, SNAPSHOT_US_PER_ROW = 2 };

struct site_switch {
    struct sim_site *site;
    uint32_t index;
    struct switch_mib *mib; /* NULL: nobody asked yet, or something changed */
    struct wall taken;      /* real time */
    uint64_t changes;       /* of the site, when it was taken */
    uint64_t generated_rows;
};

struct sim_site {
    struct datacentre *dc;
    double rate;
    struct wall real_start, sim_start; /* advanced by jumps */
    struct wall first;                 /* the simulated start, before any jump */
    uint32_t first_address;
    uint16_t port;
    const struct sim_credentials *credentials;
    struct usm_crypto *crypto;
    struct usm_user user;
    struct site_switch *switches;
    uint64_t changes;
    uint64_t kept_rows;    /* of all snapshots */
    char *directory;       /* of the records that are kept; NULL */
    uint64_t kept_changes; /* of the data centre's records, as written */
};

struct wall sim_site_time(const struct sim_site *site, struct wall now)
{
    double passed = (double)wall_since(now, site->real_start).us * site->rate;
    return wall_add(site->sim_start, span_us((int64_t)passed));
}

struct datacentre *sim_site_datacentre(struct sim_site *site, struct wall now)
{
    datacentre_advance(site->dc, sim_site_time(site, now));
    return site->dc;
}

void sim_site_records(struct sim_site *site, struct sim_records *ret)
{
    *ret = (struct sim_records){.dc = site->dc,
                                .first_address = site->first_address,
                                .port = site->port,
                                .credentials = site->credentials,
                                .sim_start = site->first,
                                .real_start = site->real_start,
                                .rate = site->rate};
}

/* --- one switch as an agent's source --- */

/* The data centre is shared: tables borrow it, so every snapshot is dropped
 * before it changes shape by an event. */
static void drop_snapshot(struct site_switch *s)
{
    if (s->mib)
        s->site->kept_rows -= switch_mib_rows(s->mib);
    switch_mib_free(s->mib);
    s->mib = NULL;
}

static void drop_snapshots(struct sim_site *site)
{
    size_t count = datacentre_fabric(site->dc)->switch_count;
    for (size_t i = 0; i < count; i++)
        drop_snapshot(&site->switches[i]);
    site->changes++;
}

static bool is_fresh(const struct site_switch *s, struct wall now, uint64_t generated_rows)
{
    int64_t age = wall_since(now, s->taken).us;
    int64_t patience = (int64_t)(s->site->kept_rows * SNAPSHOT_US_PER_ROW);
    return s->mib && age >= 0 && age < (patience > SNAPSHOT_US ? patience : SNAPSHOT_US) &&
           s->changes == s->site->changes && s->generated_rows == generated_rows;
}

static int64_t switch_uptime_cs(struct sim_site *site, uint32_t index, struct wall now)
{
    struct wall booted = datacentre_switch_booted(site->dc, index);
    return (int64_t)((double)wall_since(sim_site_time(site, now), booted).us / site->rate / 10000);
}

static const struct mib_view *switch_view(void *state, const char *context, struct wall now,
                                          const struct sim_faults *faults, int64_t uptime_cs)
{
    struct site_switch *s = state;
    struct sim_site *site = s->site;
    if (!is_fresh(s, now, faults->generated_rows)) {
        drop_snapshot(s);
        struct datacentre *dc = sim_site_datacentre(site, now);
        struct switch_mib_extra extra = {.generated_rows = faults->generated_rows,
                                         .rate = site->rate};
        s->mib = switch_mib_new(dc, s->index, &extra);
        site->kept_rows += switch_mib_rows(s->mib);
        s->taken = now;
        s->changes = site->changes;
        s->generated_rows = faults->generated_rows;
    }
    int64_t own_uptime = switch_uptime_cs(site, s->index, now);
    switch_mib_set_uptime(s->mib, uptime_cs < own_uptime ? uptime_cs : own_uptime);
    return switch_mib_view(s->mib, context);
}

static const struct oid *switch_forward(void *state)
{
    struct site_switch *s = state;
    return s->mib ? switch_mib_forward_oid(s->mib) : NULL;
}

static bool switch_alive(void *state, struct wall now)
{
    struct site_switch *s = state;
    return datacentre_switch_alive(sim_site_datacentre(s->site, now), s->index);
}

/* --- commands --- */

static struct wall real_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (struct wall){(int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000};
}

static int command_event(struct sim_site *site, char *rest, struct wall now, struct err *err)
{
    struct sim_event event;
    int error = sim_event_parse(rest, sim_site_time(site, now), &event, err);
    if (error)
        return error;
    error = datacentre_schedule(sim_site_datacentre(site, now), &event, err);
    if (error)
        return error;
    drop_snapshots(site);
    datacentre_advance(site->dc, event.at);
    return 0;
}

static int command_advance(struct sim_site *site, const char *rest, struct err *err)
{
    struct span jump;
    if (span_parse(rest, &jump) != 0 || jump.us < 0)
        return err_set(err, ERR_SYNTAX, "advance: a time such as 20s was expected, not \"%.40s\"",
                       rest);
    site->sim_start = wall_add(site->sim_start, jump);
    drop_snapshots(site);
    return 0;
}

static void command_truth(struct sim_site *site, struct wall now, struct text *reply)
{
    size_t count;
    struct wall at = sim_site_time(site, now);
    const struct sim_truth *truths = datacentre_truth(sim_site_datacentre(site, now), &count);
    for (size_t i = 0; i < count; i++) {
        const struct sim_truth *t = &truths[i];
        char mac[MAC_TEXT_SIZE];
        if (t->from.us > at.us || (wall_known(t->to) && t->to.us <= at.us))
            continue;
        text_printf(reply, "%s %s %s\n", discrepancy_word(t->kind),
                    t->subject[0] ? t->subject : "-", mac_format(t->mac, mac));
    }
}

static int site_command(void *state, char *line, struct text *reply, struct err *err)
{
    struct sim_site *site = state;
    struct wall now = real_now();
    if (strncmp(line, "event ", 6) == 0)
        return command_event(site, line + 6, now, err);
    if (strncmp(line, "advance ", 8) == 0)
        return command_advance(site, line + 8, err);
    if (strcmp(line, "time") == 0) {
        char text[CLOCK_TEXT_SIZE];
        text_add(reply, wall_format(sim_site_time(site, now), text));
        return 0;
    }
    if (strcmp(line, "truth") == 0) {
        command_truth(site, now, reply);
        return 0;
    }
    return err_set(err, ERR_SYNTAX, "no command is called \"%.40s\"", line);
}

/* --- records that follow --- */

static void keep_records(void *state)
{
    struct sim_site *site = state;
    struct datacentre *dc = sim_site_datacentre(site, real_now());
    struct sim_records records;
    struct err err = {0};
    if (datacentre_record_changes(dc) == site->kept_changes)
        return;
    site->kept_changes = datacentre_record_changes(dc);
    sim_site_records(site, &records);
    if (sim_records_update(&records, site->directory, &err) != 0)
        fprintf(stderr, "simulator: %s; the records there are old now\n", err.text);
}

void sim_site_keep_records(struct sim_site *site, struct sim_server *server, const char *directory)
{
    free(site->directory);
    site->directory = alloc_text(directory);
    site->kept_changes = datacentre_record_changes(site->dc);
    sim_server_tick(server, span_seconds(1), keep_records, site);
}

/* --- life --- */

static int add_agent(struct sim_site *site, struct sim_server *server, uint32_t index,
                     struct wall now, struct err *err)
{
    struct site_switch *s = &site->switches[index];
    *s = (struct site_switch){.site = site, .index = index};
    struct sim_source source = {
        .state = s, .view = switch_view, .forward = switch_forward, .alive = switch_alive};
    uint32_t address = site->first_address + index;
    struct sim_agent_config agent = {
        .name = datacentre_fabric(site->dc)->switches[index].name,
        .community = site->credentials->community,
        .users = &site->user,
        .user_count = 1,
        .number = address,
        .booted = wall_add(now, span_us(-switch_uptime_cs(site, index, now) * 10000)),
    };
    return sim_server_add(server, sim_agent_new(&agent, &source), address, site->port, err);
}

static int add_agents(struct sim_site *site, struct sim_server *server, struct wall now,
                      struct err *err)
{
    const struct sim_credentials *c = site->credentials;
    int error = usm_user_init(&site->user, site->crypto, c->user, c->auth, c->auth_password,
                              c->priv, c->priv_password, err);
    size_t count = datacentre_fabric(site->dc)->switch_count;
    for (uint32_t i = 0; i < count && !error; i++)
        error = add_agent(site, server, i, now, err);
    if (!error)
        sim_server_hook(server, site_command, site);
    return error;
}

int sim_site_new(struct datacentre *take, const struct sim_site_config *config,
                 struct sim_server *server, struct wall now, struct sim_site **ret, struct err *err)
{
    struct sim_site *site = alloc_zeroed(1, sizeof(*site));
    site->dc = take;
    site->rate = config->rate > 0 ? config->rate : 1;
    site->real_start = now;
    site->sim_start = site->first = datacentre_now(take);
    site->first_address = config->first_address ? config->first_address : SIM_SITE_ADDRESS;
    site->port = config->port ? config->port : SIM_SITE_PORT;
    site->credentials = config->credentials ? config->credentials : &sim_default_credentials;
    site->crypto = usm_crypto_new();
    site->switches = alloc_zeroed(datacentre_fabric(take)->switch_count, sizeof(site->switches[0]));
    int error = server ? add_agents(site, server, now, err) : 0;
    if (error) {
        sim_site_free(site);
        return error;
    }
    *ret = site;
    return 0;
}

void sim_site_free(struct sim_site *site)
{
    if (!site)
        return;
    drop_snapshots(site);
    datacentre_free(site->dc);
    usm_user_done(&site->user);
    usm_crypto_free(site->crypto);
    free(site->switches);
    free(site->directory);
    free(site);
}
