/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/records.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"

const struct sim_credentials sim_default_credentials = {
    .community = "public",
    .user = "muster",
    .auth = USM_AUTH_SHA256,
    .auth_password = "simulated-authentication",
    .priv = USM_PRIV_AES128,
    .priv_password = "simulated-privacy",
};

/* --- one file --- */

static int write_all(int fd, const struct text *content)
{
    const char *at = text_get(content);
    for (size_t left = content->length; left > 0;) {
        ssize_t done = write(fd, at, left);
        if (done < 0 && errno != EINTR)
            return -1;
        if (done > 0) {
            at += done;
            left -= (size_t)done;
        }
    }
    return 0;
}

static int put_file(const char *directory, const char *name, const struct text *content,
                    mode_t mode, struct err *err)
{
    AUTO_TEXT struct text path = TEXT_EMPTY, fresh = TEXT_EMPTY;
    text_printf(&path, "%s/%s", directory, name);
    text_printf(&fresh, "%s/.%s.new", directory, name);
    int fd = open(text_get(&fresh), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return err_set_errno(err, errno, "writing %s", text_get(&fresh));
    int failed = write_all(fd, content), saved = errno;
    if (close(fd) != 0 && !failed) {
        failed = -1;
        saved = errno;
    }
    if (!failed && rename(text_get(&fresh), text_get(&path)) != 0) {
        failed = -1;
        saved = errno;
    }
    return failed ? err_set_errno(err, saved, "writing %s", text_get(&path)) : 0;
}

/* --- the tables --- */

static struct wall real_time(const struct sim_records *records, struct wall sim)
{
    double passed = (double)wall_since(sim, records->sim_start).us / records->rate;
    return wall_add(records->real_start, span_us((int64_t)passed));
}

static void print_guests(const struct sim_records *records, struct text *to)
{
    size_t count;
    struct sim_recorded_nic *nics = datacentre_recorded_nics(records->dc, &count);
    text_add(to, "hypervisor,guest,mac,run_state,state_since,vlan,wire_expected,uuid\n");
    for (size_t i = 0; i < count; i++) {
        char mac[MAC_TEXT_SIZE], since[CLOCK_TEXT_SIZE];
        text_printf(to, "%s,%s,%s,%s,%s,%u,%s,%s\n", nics[i].hypervisor, nics[i].guest,
                    mac_format(nics[i].mac, mac), run_state_word(nics[i].run_state),
                    wall_format(real_time(records, nics[i].state_since), since), nics[i].vlan,
                    nics[i].wire_expected ? "yes" : "no", nics[i].uuid);
    }
    free(nics);
}

static void print_attachments(const struct sim_records *records, struct text *to)
{
    size_t count;
    const struct fabric *f = datacentre_fabric(records->dc);
    struct sim_recorded_attachment *rows = datacentre_recorded_attachments(records->dc, &count);
    text_add(to, "hypervisor,nic_mac,switch,port\n");
    for (size_t i = 0; i < count; i++) {
        char mac[MAC_TEXT_SIZE];
        const struct fabric_switch *s = &f->switches[rows[i].place.switch_index];
        text_printf(to, "%s,%s,%s,%s\n", rows[i].hypervisor, mac_format(rows[i].nic_mac, mac),
                    s->name, s->ports[rows[i].place.port].name);
    }
    free(rows);
}

static const char *address_text(const struct sim_records *records, uint32_t switch_index,
                                char buffer[static INET_ADDRSTRLEN])
{
    struct in_addr address = {htonl(records->first_address + switch_index)};
    inet_ntop(AF_INET, &address, buffer, INET_ADDRSTRLEN);
    return buffer;
}

static void print_switches(const struct sim_records *records, struct text *to)
{
    const struct fabric *f = datacentre_fabric(records->dc);
    text_add(to, "switch,address,site,chassis\n");
    for (uint32_t i = 0; i < f->switch_count; i++) {
        char address[INET_ADDRSTRLEN], mac[MAC_TEXT_SIZE];
        text_printf(to, "%s,%s,default,%s\n", f->switches[i].name,
                    address_text(records, i, address), mac_format(f->switches[i].mac, mac));
    }
}

static void print_links(const struct sim_records *records, struct text *to)
{
    const struct fabric *f = datacentre_fabric(records->dc);
    text_add(to, "switch_a,port_a,switch_b,port_b\n");
    for (uint32_t i = 0; i < f->switch_count; i++) {
        for (size_t p = 0; p < f->switches[i].port_count; p++) {
            const struct fabric_port *port = &f->switches[i].ports[p];
            if (port->far.switch_index == FABRIC_NONE || port->far.switch_index < i)
                continue; /* each cable once */
            const struct fabric_switch *far = &f->switches[port->far.switch_index];
            text_printf(to, "%s,%s,%s,%s\n", f->switches[i].name, port->name, far->name,
                        far->ports[port->far.port].name);
        }
    }
}

static void print_lags(const struct sim_records *records, struct text *to)
{
    const struct fabric *f = datacentre_fabric(records->dc);
    text_add(to, "switch,aggregate,member\n");
    for (uint32_t i = 0; i < f->switch_count; i++) {
        const struct fabric_switch *s = &f->switches[i];
        for (size_t p = 0; p < s->port_count; p++)
            if (s->ports[p].aggregate != FABRIC_NONE)
                text_printf(to, "%s,%s,%s\n", s->name, s->ports[s->ports[p].aggregate].name,
                            s->ports[p].name);
    }
}

/* --- the configuration --- */

static void print_mlags(const struct sim_records *records, struct text *to)
{
    const struct fabric *f = datacentre_fabric(records->dc);
    bool any = false;
    for (uint32_t i = 0; i < f->switch_count; i++) {
        const struct fabric_switch *s = &f->switches[i];
        for (size_t p = 0; p < s->port_count; p++) {
            if (s->ports[p].mlag_port == FABRIC_NONE || s->partner < i)
                continue;
            const struct fabric_switch *far = &f->switches[s->partner];
            text_printf(to, "%s    - [\"%s:%s\", \"%s:%s\"]\n", any ? "" : "topology:\n  mlag:\n",
                        s->name, s->ports[p].name, far->name,
                        far->ports[s->ports[p].mlag_port].name);
            any = true;
        }
    }
}

static bool asked_by_v3(uint32_t switch_index)
{
    return switch_index % 3 == 2;
}

static void print_switch(const struct sim_records *records, uint32_t index, struct text *to)
{
    const struct sim_credentials *c = records->credentials;
    char address[INET_ADDRSTRLEN];
    text_printf(to, "  - {type: snmp, switch: %s, address: %s, port: %u, timeout: 1s, ",
                datacentre_fabric(records->dc)->switches[index].name,
                address_text(records, index, address), records->port);
    if (asked_by_v3(index))
        text_printf(to,
                    "version: 3, user: %s, auth_protocol: %s, auth_password_file: v3-auth, "
                    "priv_protocol: %s, priv_password_file: v3-priv}\n",
                    c->user, usm_auth_word(c->auth), usm_priv_word(c->priv));
    else
        text_add(to, "version: 2c, community_file: community}\n");
}

static void print_configuration(const struct sim_records *records, struct text *to)
{
    text_add(to, "# A simulated data centre: every address is on this machine.\n"
                 "recorded:\n"
                 "  - {type: csv, guests: guests.csv, attachments: attachments.csv,\n"
                 "     switches: switches.csv, links: links.csv, lags: lags.csv}\n"
                 "observed:\n");
    for (uint32_t i = 0; i < datacentre_fabric(records->dc)->switch_count; i++)
        print_switch(records, i, to);
    print_mlags(records, to);
}

/* --- all of them --- */

struct file {
    const char *name;
    void (*print)(const struct sim_records *records, struct text *to);
};

static int write_files(const struct sim_records *records, const char *directory,
                       const struct file *files, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        AUTO_TEXT struct text content = TEXT_EMPTY;
        files[i].print(records, &content);
        int error = put_file(directory, files[i].name, &content, 0644, err);
        if (error)
            return error;
    }
    return 0;
}

static int write_secret(const char *directory, const char *name, const char *secret,
                        struct err *err)
{
    AUTO_TEXT struct text content = TEXT_EMPTY;
    text_printf(&content, "%s\n", secret);
    return put_file(directory, name, &content, 0600, err);
}

int sim_records_update(const struct sim_records *records, const char *directory, struct err *err)
{
    static const struct file files[] = {{"guests.csv", print_guests},
                                        {"attachments.csv", print_attachments}};
    return write_files(records, directory, files, ARRAY_COUNT(files), err);
}

int sim_records_write(const struct sim_records *records, const char *directory, struct err *err)
{
    static const struct file files[] = {{"switches.csv", print_switches},
                                        {"links.csv", print_links},
                                        {"lags.csv", print_lags},
                                        {"muster.yaml", print_configuration}};
    const struct sim_credentials *c = records->credentials;
    int error = sim_records_update(records, directory, err);
    if (!error)
        error = write_files(records, directory, files, ARRAY_COUNT(files), err);
    if (!error)
        error = write_secret(directory, "community", c->community, err);
    if (!error)
        error = write_secret(directory, "v3-auth", c->auth_password, err);
    if (!error)
        error = write_secret(directory, "v3-priv", c->priv_password, err);
    return error;
}
