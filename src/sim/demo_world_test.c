/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "sim/demo_world.h"
#include "sim/site.h"

static const struct wall noon = {INT64_C(1795435200) * 1000000};

static struct wall round_start(int number)
{
    return wall_add(noon, span_seconds(number * SIM_DEMO_ROUND_SECONDS));
}

static bool holds(const struct sim_truth *t, struct wall at)
{
    return t->from.us <= at.us && (!wall_known(t->to) || t->to.us > at.us);
}

static void every_kind_is_true_in_the_last_round(void **state)
{
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct datacentre *dc = sim_demo_world(seed, noon);
        datacentre_advance(dc, round_start(SIM_DEMO_ROUNDS - 1));
        unsigned found[DISCREPANCY_KIND_COUNT] = {0};
        size_t count;
        const struct sim_truth *truths = datacentre_truth(dc, &count);
        for (size_t i = 0; i < count; i++)
            found[truths[i].kind] += holds(&truths[i], datacentre_now(dc));
        for (int kind = 0; kind < DISCREPANCY_KIND_COUNT; kind++)
            assert_int_equal(found[kind], discrepancy_polled((enum discrepancy_kind)kind));
        datacentre_free(dc);
    }
}

/* The hypervisors at whose ports the MAC is, in the order of their names. */
static void places(struct datacentre *dc, struct mac mac, struct text *to)
{
    const struct fabric *f = datacentre_fabric(dc);
    for (uint32_t s = 0; s < f->switch_count; s++) {
        size_t count;
        struct sim_forward_row *rows = datacentre_forward(dc, s, &count);
        for (size_t i = 0; i < count; i++)
            if (mac_equal(rows[i].mac, mac) && rows[i].port != FABRIC_NONE &&
                f->switches[s].ports[rows[i].port].hypervisor != FABRIC_NONE)
                text_printf(to, "%u ", f->switches[s].ports[rows[i].port].hypervisor);
        free(rows);
    }
}

static struct mac truth_mac(struct datacentre *dc, enum discrepancy_kind kind)
{
    size_t count;
    const struct sim_truth *truths = datacentre_truth(dc, &count);
    for (size_t i = 0; i < count; i++)
        if (truths[i].kind == kind)
            return truths[i].mac;
    fail();
    return MAC_NONE;
}

static void clone_and_flap_show_as_described(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct datacentre *later = sim_demo_world(seed, noon);
        datacentre_advance(later, round_start(SIM_DEMO_ROUNDS - 1));
        struct mac flap = truth_mac(later, DISCREPANCY_MAC_FLAP);
        struct mac clone = truth_mac(later, DISCREPANCY_DUPLICATE_GUEST);
        datacentre_free(later);
        struct datacentre *dc = sim_demo_world(seed, noon);
        struct text at[SIM_DEMO_ROUNDS] = {{0}};
        for (int r = 0; r < SIM_DEMO_ROUNDS; r++) {
            datacentre_advance(dc, round_start(r));
            places(dc, flap, &at[r]);
            AUTO_TEXT struct text both = TEXT_EMPTY;
            places(dc, clone, &both);
            assert_true(strchr(text_get(&both), ' ')[1] != 0);
        }
        assert_string_equal(text_get(&at[0]), text_get(&at[2]));
        assert_string_not_equal(text_get(&at[0]), text_get(&at[1]));
        assert_string_equal(text_get(&at[1]), text_get(&at[3]));
        for (int r = 0; r < SIM_DEMO_ROUNDS; r++)
            text_done(&at[r]);
        datacentre_free(dc);
    }
}

/* --- the records --- */

static char *read_file(const char *directory, const char *name, mode_t *ret_mode)
{
    char path[256], *content = calloc(1, 1 << 20);
    struct stat status;
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &status), 0);
    *ret_mode = status.st_mode & 0777;
    assert_true(fread(content, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    unlink(path);
    return content;
}

static unsigned lines_of(const char *text)
{
    unsigned lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

static void records_are_what_an_operator_would_keep(void **state)
{
    char directory[] = "/tmp/muster-sim-test-XXXXXX";
    assert_non_null(mkdtemp(directory));
    struct sim_site *site;
    struct sim_records records;
    struct err err = {0};
    assert_int_equal(sim_site_new(sim_demo_world(1, noon), &(struct sim_site_config){0}, NULL, noon,
                                  &site, &err),
                     0);
    sim_site_records(site, &records);
    assert_int_equal(sim_records_write(&records, directory, &err), 0);
    size_t nics, attachments;
    free(datacentre_recorded_nics(records.dc, &nics));
    free(datacentre_recorded_attachments(records.dc, &attachments));
    static const struct {
        const char *name, *contains;
    } files[] = {
        {"guests.csv", "hypervisor,guest,mac,run_state,state_since,vlan,wire_expected,uuid\n"},
        {"attachments.csv", "\nhv02,3c:ec:ef:00:00:10,acc2,Po"},
        {"switches.csv", "\ncore1,127.16.0.1,default,00:1c:73:00:10:00\n"},
        {"links.csv", "core1,Gi1/0/1,dist1a,Gi1/0/3\n"},
        {"lags.csv", "core1,Po1,Gi1/0/1\n"},
        {"muster.yaml", "- [\"dist1a:Gi1/0/3\", \"dist1b:Gi1/0/3\"]"},
        {"community", "public\n"},
        {"v3-auth", "simulated-authentication\n"},
        {"v3-priv", "simulated-privacy\n"},
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        mode_t mode;
        char *content = read_file(directory, files[i].name, &mode);
        assert_non_null(strstr(content, files[i].contains));
        assert_true(i < 6 || (mode & 077) == 0);
        if (i < 2)
            assert_int_equal(lines_of(content), 1 + (i == 0 ? nics : attachments));
        free(content);
    }
    assert_int_equal(rmdir(directory), 0);
    assert_int_equal(sim_records_write(&records, directory, &err), ERR_SYSTEM);
    assert_non_null(strstr(err.text, directory));
    sim_site_free(site);
}

static void times_follow_the_rate_of_the_clock(void **state)
{
    struct sim_site *site;
    struct sim_records records;
    struct sim_site_config config = {.rate = 60};
    assert_int_equal(sim_site_new(sim_demo_world(1, noon), &config, NULL, noon, &site, NULL), 0);
    struct wall later = wall_add(noon, span_seconds(5));
    assert_int_equal(wall_since(sim_site_time(site, later), noon).us, span_seconds(300).us);
    assert_int_equal(datacentre_now(sim_site_datacentre(site, later)).us,
                     wall_add(noon, span_seconds(300)).us);
    sim_site_records(site, &records);
    assert_true(records.rate == 60.0);
    sim_site_free(site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_true_in_the_last_round),
        cmocka_unit_test(clone_and_flap_show_as_described),
        cmocka_unit_test(records_are_what_an_operator_would_keep),
        cmocka_unit_test(times_follow_the_rate_of_the_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
