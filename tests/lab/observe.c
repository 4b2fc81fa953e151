/* SPDX-License-Identifier: Apache-2.0 */

/* usage: observe linux_bridge|ovs [probe=MAC] KEY=VALUE...
 *
 * Reads one observed source of this host once, with the options given, and
 * prints its ports, rows and receipts as JSON lines, so that the lab can compare
 * them with what it did to a real bridge. A key may be repeated for a list. Status
 * 1 with the error on stderr when the source gave nothing. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "contract/job.h"
#include "io/clock.h"
#include "io/loop.h"
#include "source/linux_bridge.h"
#include "source/ovs.h"

enum { MAX_VALUES = 64 };

struct outcome {
    struct loop *loop;
    struct forward_table *table;
    struct err err;
};

static void on_end(void *aux, struct forward_table *table, const struct err *err)
{
    struct outcome *outcome = aux;
    outcome->table = table;
    if (err != NULL)
        outcome->err = *err;
    loop_stop(outcome->loop);
}

static void add_text(struct text *line, const char *key, const char *value)
{
    text_printf(line, ",\"%s\":", key);
    text_add_json(line, value, strlen(value));
}

static void print_ports(const struct forward_table *table)
{
    for (size_t i = 0; i < table->port_count; i++) {
        const struct forward_port *port = &table->ports[i];
        AUTO_TEXT struct text line = TEXT_EMPTY;
        text_add(&line, "{\"type\":\"port\"");
        add_text(&line, "name", names_get(table->names, port->name));
        add_text(&line, "aggregate", names_get(table->names, table->ports[port->aggregate].name));
        printf("%s,\"uplink\":%s,\"tunnel\":%s}\n", text_get(&line),
               port->uplink ? "true" : "false", port->tunnel ? "true" : "false");
    }
}

static void print_rows(const struct forward_table *table)
{
    for (size_t i = 0; i < table->row_count; i++) {
        const struct forward_row *row = &table->rows[i];
        AUTO_TEXT struct text line = TEXT_EMPTY, vlan = TEXT_EMPTY;
        char mac[MAC_TEXT_SIZE];
        vlan_set_print(table->vlans, row->vlan, &vlan);
        text_add(&line, "{\"type\":\"row\"");
        add_text(&line, "mac", mac_format(forward_row_mac(row), mac));
        add_text(&line, "port",
                 row->port != FORWARD_NO_PORT
                     ? names_get(table->names, table->ports[row->port].name)
                     : "");
        add_text(&line, "vlan", text_get(&vlan));
        printf("%s,\"status\":%d,\"age\":%u}\n", text_get(&line), (int)forward_row_status(row),
               row->age);
    }
}

static void print_receipts(const struct forward_table *table)
{
    for (size_t i = 0; i < table->receipt_count; i++) {
        const struct receipt *receipt = &table->receipts[i];
        AUTO_TEXT struct text line = TEXT_EMPTY;
        text_add(&line, "{\"type\":\"receipt\"");
        add_text(&line, "context", receipt->context);
        add_text(&line, "why_not", receipt->why_not);
        printf("%s,\"whole\":%s,\"rows\":%" PRIu64 ",\"ageing_seconds\":%g}\n", text_get(&line),
               receipt->whole ? "true" : "false", receipt->rows, span_as_seconds(receipt->ageing));
    }
}

/* Sets every KEY=VALUE; values of one key are gathered first. */
static int set_options(const struct plug_class *plug, void *config, char **words, int count,
                       struct mac *probe, struct err *err)
{
    const struct option_source source = {0};
    for (int i = 0; i < count; i++) {
        char *value = strchr(words[i], '=');
        if (value == NULL)
            return err_set(err, ERR_SYNTAX, "%s is not KEY=VALUE", words[i]);
        size_t length = (size_t)(value - words[i]);
        AUTO_TEXT struct text key = TEXT_EMPTY;
        text_add_bytes(&key, words[i], length);
        if (strcmp(text_get(&key), "probe") == 0) {
            if (mac_parse(value + 1, strlen(value + 1), probe) != 0)
                return err_set(err, ERR_SYNTAX, "%s is no MAC", value + 1);
            continue;
        }
        const char *values[MAX_VALUES];
        size_t value_count = 0;
        for (int k = 0; k < count && value_count < MAX_VALUES; k++) {
            if (strncmp(words[k], words[i], length + 1) == 0)
                values[value_count++] = words[k] + length + 1;
        }
        const struct config_option *option = options_find(plug->options, text_get(&key));
        bool exposed;
        if (option == NULL)
            return err_set(err, ERR_NOT_FOUND, "no option %s", text_get(&key));
        int code = option_parse(option, text_get(&key), values, value_count, &source, config,
                                &exposed, err);
        if (code != 0)
            return code;
    }
    return 0;
}

static int observe(const struct observed_source_class *class, void *config, struct mac probe,
                   struct outcome *outcome)
{
    struct env env = {.loop = loop_new(), .now = clock_env_now};
    AUTO_FREE void *state = alloc_zeroed(1, class->plug.state_size);
    outcome->loop = env.loop;
    int code = class->plug.construct(state, config, &env, &outcome->err);
    if (code == 0) {
        struct observed_job *job = observed_job_new("lab", on_end, NULL, outcome);
        code = mac_known(probe) ? class->probe(state, probe, job, &outcome->err)
                                : class->fetch(state, job, &outcome->err);
        if (code == 0)
            loop_run(env.loop);
        else
            observed_job_free(job);
    }
    class->plug.destruct(state);
    loop_free(env.loop);
    return code;
}

int main(int argc, char **argv)
{
    const struct observed_source_class *class = NULL;
    if (argc > 1 && strcmp(argv[1], "linux_bridge") == 0)
        class = &observed_linux_bridge;
    else if (argc > 1 && strcmp(argv[1], "ovs") == 0)
        class = &observed_ovs;
    if (class == NULL) {
        fprintf(stderr, "usage: observe linux_bridge|ovs [probe=MAC] KEY=VALUE...\n");
        return 2;
    }
    struct outcome outcome = {0};
    struct mac probe = MAC_NONE;
    AUTO_FREE void *config = alloc_zeroed(1, class->plug.config_size);
    options_init(class->plug.options, config);
    if (set_options(&class->plug, config, argv + 2, argc - 2, &probe, &outcome.err) == 0)
        (void)observe(class, config, probe, &outcome);
    if (outcome.table == NULL) {
        fprintf(stderr, "%s\n", outcome.err.text);
    } else {
        print_ports(outcome.table);
        print_rows(outcome.table);
        print_receipts(outcome.table);
    }
    int status = outcome.table == NULL;
    forward_table_free(outcome.table);
    options_done(class->plug.options, config);
    return status;
}
