/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "contract/job.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/loop.h"
#include "source/exec.h"

/* The shipped example examples/muster-virsh, run by the exec source against
 * libvirt's own test driver. Skipped where virsh is not installed. */

static const char node[] =
    "<node>"
    "<network><name>nat</name><forward mode='nat'/><bridge name='virbr0'/>"
    "<ip address='192.168.122.1' netmask='255.255.255.0'/></network>"
    "<network><name>lan</name><forward mode='bridge'/><bridge name='br0'/>"
    "<portgroup name='db'><vlan><tag id='30'/></vlan></portgroup></network>"
    "<domain type='test'><name>web one</name>"
    "<uuid>00000000-0000-4000-8000-000000000001</uuid><memory>1000</memory><vcpu>1</vcpu>"
    "<os><type>hvm</type></os><devices>"
    "<interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/>"
    "<vlan trunk='yes'><tag id='10'/><tag id='20'/></vlan></interface>"
    "<interface type='network'><mac address='52:54:00:00:00:02'/><source network='nat'/>"
    "</interface>"
    "<interface type='user'><mac address='52:54:00:00:00:03'/></interface>"
    "<interface type='network'><mac address='52:54:00:00:00:04'/>"
    "<source network='lan' portgroup='db'/></interface>"
    "<interface type='bridge'><mac address='52:54:00:00:00:05'/><source bridge='br0'/>"
    "<link state='down'/></interface>"
    "</devices></domain>"
    "<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>"
    "<name>off</name><uuid>00000000-0000-4000-8000-000000000002</uuid><memory>1000</memory>"
    "<vcpu>1</vcpu><os><type>hvm</type></os><test:runstate>5</test:runstate></domain>"
    "</node>";

struct outcome {
    struct record_set *set;
    struct err err;
};

static void take_end(void *aux, struct record_set *set, const struct receipt *receipt,
                     const struct err *err)
{
    struct outcome *outcome = aux;
    outcome->set = set;
    if (err != NULL)
        outcome->err = *err;
}

/* Runs the example with these arguments through the exec source. */
static void run_example(const char *const *arguments, size_t count, struct outcome *outcome)
{
    const struct plug_class *plug = &recorded_exec.plug;
    struct run_state_words *words = run_state_words_new();
    struct loop *loop = loop_new();
    struct env env = {.loop = loop, .run_states = words, .now = clock_env_now};
    AUTO_FREE void *config = alloc_zeroed(1, plug->config_size);
    AUTO_FREE void *state = alloc_zeroed(1, plug->state_size);
    const struct option_source source = {"muster.yaml", 1, NULL};
    const char *argv[8] = {MUSTER_VIRSH};
    bool exposed;
    memcpy(argv + 1, arguments, count * sizeof *arguments);
    options_init(plug->options, config);
    assert_int_equal(option_parse(options_find(plug->options, "command"), "command", argv,
                                  count + 1, &source, config, &exposed, &outcome->err),
                     0);
    assert_int_equal(plug->construct(state, config, &env, &outcome->err), 0);
    struct recorded_job *job = recorded_job_new("kvm", NULL, false, take_end, outcome);
    assert_int_equal(recorded_exec.fetch(state, job, &outcome->err), 0);
    loop_run(loop);
    plug->destruct(state);
    options_done(plug->options, config);
    loop_free(loop);
    run_state_words_free(words);
}

static bool has_virsh(void)
{
    return system("virsh -q -c test:///default hostname >/dev/null 2>&1") == 0;
}

static void test_the_test_driver_as_delivered(void **unused)
{
    const char *const arguments[] = {"--connect", "test:///default", "--name", "hv1"};
    struct outcome outcome = {0};
    if (!has_virsh()) {
        print_message("skipped: virsh with libvirt's test driver is not installed\n");
        skip();
    }
    run_example(arguments, 4, &outcome);
    if (outcome.set == NULL)
        fail_msg("%s", outcome.err.text);
    const struct record_set *set = outcome.set;
    char uuid[RECORD_UUID_SIZE];
    assert_int_equal(set->nics.count, 1);
    assert_string_equal(names_get(set->names, set->guests[0].name), "test");
    assert_string_equal(record_guest_uuid(set, 0, uuid), "6695eb01-f6a4-8304-79aa-97f2502e193f");
    assert_int_equal(set->nics.mac[0], UINT64_C(0xaabbccddeeff));
    assert_int_equal(set->nics.run_state[0], RUN_STATE_ON);
    assert_int_equal(set->nics.wire[0], NO); /* its network is NAT */
    record_set_free(outcome.set);
}

static void test_every_kind_of_interface(void **unused)
{
    char path[] = "/tmp/muster-node-XXXXXX", uri[64];
    struct outcome outcome = {0};
    struct err err;
    if (!has_virsh()) {
        print_message("skipped: virsh with libvirt's test driver is not installed\n");
        skip();
    }
    close(mkstemp(path));
    assert_int_equal(file_write(path, node, sizeof node - 1, 0600, &err), 0);
    snprintf(uri, sizeof uri, "test://%s", path);
    const char *const arguments[] = {"-c", uri, "--name", "hv1"};
    run_example(arguments, 4, &outcome);
    unlink(path);
    if (outcome.set == NULL)
        fail_msg("%s", outcome.err.text);
    static const enum tristate wire[] = {YES, NO, NO, YES, NO, YES};
    static const char *const vlans[] = {"10|20", "", "", "30", "", ""};
    const struct record_set *set = outcome.set;
    assert_int_equal(set->nics.count, 6);
    assert_int_equal(set->guest_count, 2);
    for (size_t i = 0; i < 6; i++) {
        AUTO_TEXT struct text vlan = TEXT_EMPTY;
        vlan_set_print(set->vlans, set->nics.vlan[i], &vlan);
        assert_string_equal(text_get(&vlan), vlans[i]);
        assert_int_equal(set->nics.wire[i], wire[i]);
    }
    assert_string_equal(names_get(set->names, set->guests[0].name), "web one");
    assert_int_equal(set->nics.run_state[5], RUN_STATE_OFF);
    assert_false(mac_known((struct mac){set->nics.mac[5]}));
    assert_non_null(strstr(record_extra_find(set, RECORD_GUESTS, 0), "\"source\":\"br0\""));
    record_set_free(outcome.set);
}

static void test_what_virsh_says_is_shown(void **unused)
{
    const char *const nowhere[] = {"--connect", "nowhere:///x"};
    const char *const missing[] = {"--virsh", "/nonexistent/virsh"};
    struct outcome outcome = {0};
    run_example(missing, 2, &outcome);
    assert_null(outcome.set);
    assert_non_null(strstr(outcome.err.text, "/nonexistent/virsh is not installed"));
    if (!has_virsh())
        return;
    run_example(nowhere, 2, &outcome);
    assert_null(outcome.set);
    assert_non_null(strstr(outcome.err.text, "exit status 1"));
    assert_non_null(strstr(outcome.err.text, "failed to connect"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_test_driver_as_delivered),
        cmocka_unit_test(test_every_kind_of_interface),
        cmocka_unit_test(test_what_virsh_says_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
