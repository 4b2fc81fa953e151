/* SPDX-License-Identifier: Apache-2.0 */

/* The sources that sniff, fed from capture files: what reaches the feed. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"
#include "contract/feed_fake.h"
#include "io/loop.h"
#include "source/announce.h"
#include "source/mobile_ip.h"
#include "wire/ethernet.h"
#include "wire/frame_fixture.h"

enum { CLOCK_S = 1700000000, TURNS = 200 };

struct bench {
    const struct event_source_class *class;
    char path[64];
    FILE *capture;
    uint32_t at_us;
    struct env env;
    void *config, *state;
    struct event_feed *feed;
};

static struct wall fake_now(void *clock)
{
    (void)clock;
    return (struct wall){(int64_t)CLOCK_S * 1000000};
}

static void need_option(struct bench *bench, const char *key, const char *value)
{
    const struct config_option *option = options_find(bench->class->plug.options, key);
    const struct option_source where = {0};
    struct err err;
    bool exposed;
    assert_non_null(option);
    assert_int_equal(option_parse(option, key, &value, 1, &where, bench->config, &exposed, &err),
                     0);
}

static struct bench *bench_new(const struct event_source_class *class)
{
    static const uint32_t header[] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1};
    struct bench *bench = calloc(1, sizeof *bench);
    bench->class = class;
    strcpy(bench->path, "/tmp/muster-sniff-XXXXXX");
    int fd = mkstemp(bench->path);
    assert_true(fd >= 0);
    bench->capture = fdopen(fd, "w");
    assert_int_equal(fwrite(header, sizeof header, 1, bench->capture), 1);
    bench->env = (struct env){.loop = loop_new(), .now = fake_now};
    bench->config = calloc(1, class->plug.config_size);
    bench->state = calloc(1, class->plug.state_size);
    options_init_in(class->plug.options, "/tmp", bench->config);
    need_option(bench, "file", bench->path);
    bench->feed = feed_fake_new("span0", class->plug.type);
    return bench;
}

static void bench_free(struct bench *bench)
{
    bench->class->stop(bench->state);
    bench->class->plug.destruct(bench->state);
    options_done(bench->class->plug.options, bench->config);
    loop_free(bench->env.loop);
    feed_fake_free(bench->feed);
    unlink(bench->path);
    free(bench->config);
    free(bench->state);
    free(bench);
}

/* Adds a frame to the capture, `seconds` after the one before. */
static void capture(struct bench *bench, const struct frame *frame, unsigned seconds)
{
    bench->at_us += seconds;
    const uint32_t header[] = {CLOCK_S + bench->at_us, 0, (uint32_t)frame->length,
                               (uint32_t)frame->length};
    assert_int_equal(fwrite(header, sizeof header, 1, bench->capture), 1);
    assert_int_equal(fwrite(frame->bytes, frame->length, 1, bench->capture), 1);
}

static uint64_t counter(struct bench *bench, const char *name)
{
    struct source_status status;
    bench->class->status(bench->state, &status);
    for (size_t i = 0; i < status.count; i++) {
        if (strcmp(status.counters[i].name, name) == 0)
            return status.counters[i].value;
    }
    fail_msg("no counter %s", name);
    return 0;
}

static void start(struct bench *bench)
{
    struct err err;
    fclose(bench->capture);
    assert_int_equal(bench->class->plug.construct(bench->state, bench->config, &bench->env, &err),
                     0);
    assert_int_equal(bench->class->start(bench->state, bench->feed, &err), 0);
}

static void run(struct bench *bench)
{
    for (int turn = 0; turn < TURNS && counter(bench, "file_ended") == 0; turn++)
        loop_step(bench->env.loop);
}

static const struct event *told(struct bench *bench, size_t i)
{
    assert_true(i < feed_fake_count(bench->feed));
    return feed_fake_event(bench->feed, i);
}

static struct frame registration(unsigned flags, unsigned units, unsigned sequence)
{
    struct frame frame = {.length = 0};
    frame_ethernet(&frame, ETHER_VLAN);
    frame_u32(&frame, 0x000a86dd);
    frame_ipv6(&frame, 60);
    frame_home_option(&frame, 135, 9);
    frame_update(&frame, flags, units, 0);
    frame.bytes[frame.length - 9] = (uint8_t)sequence;
    frame_close(&frame, 18);
    return frame;
}

static struct frame gratuitous_arp(unsigned mac)
{
    struct frame frame = {.length = 0};
    frame_mac(&frame, 2);
    frame_mac(&frame, mac);
    frame_u32(&frame, 0x8100000a);
    frame_u16(&frame, ETHER_ARP);
    frame_u32(&frame, 0x00010800);
    frame_u32(&frame, 0x06040001);
    frame_mac(&frame, mac);
    frame_u32(&frame, 0xc0000200 | mac);
    frame_zeroes(&frame, 6);
    frame_u32(&frame, 0xc0000200 | mac);
    return frame;
}

static void bindings_of_a_capture_are_told(void **state)
{
    (void)state;
    struct bench *bench = bench_new(&event_mobile_ip);
    char text[IP_TEXT_SIZE];
    struct frame first = registration(0xc000, 100, 1), again = registration(0xc000, 100, 2);
    struct frame last = registration(0xc000, 0, 3), broken = registration(0xc000, 100, 4);
    broken.bytes[18 + 40 + 24 + 1] = 77; /* longer than the frame */
    capture(bench, &first, 0);
    capture(bench, &again, 60);
    capture(bench, &broken, 1);
    capture(bench, &last, 60);
    start(bench);
    run(bench);
    assert_int_equal(feed_fake_count(bench->feed), 3);
    assert_int_equal(feed_fake_unflushed(bench->feed), 0);
    const struct event *event = told(bench, 0);
    assert_int_equal(event->kind, EVENT_START);
    assert_string_equal(ip_format(&event->address, text), "2001:db8::9");
    assert_string_equal(ip_format(&event->care_of, text), "2001:db8::1");
    assert_string_equal(ip_format(&event->agent, text), "2001:db8::2");
    assert_int_equal(event->lifetime.us, 400 * 1000000);
    assert_int_equal(event->at.us, (int64_t)CLOCK_S * 1000000);
    assert_int_equal(told(bench, 1)->kind, EVENT_UPDATE);
    assert_int_equal(told(bench, 2)->kind, EVENT_STOP);
    assert_int_equal(told(bench, 2)->at.us, (int64_t)(CLOCK_S + 121) * 1000000);
    assert_int_equal(counter(bench, "malformed"), 1);
    assert_int_equal(counter(bench, "file_packets"), 4);
    bench_free(bench);
}

static void a_feed_that_is_full_loses_nothing_of_a_file(void **state)
{
    (void)state;
    struct bench *bench = bench_new(&event_mobile_ip);
    for (unsigned i = 1; i <= 5; i++) {
        struct frame frame = registration(0xc000, 100, i);
        capture(bench, &frame, 60);
    }
    start(bench);
    feed_fake_refuse_after(bench->feed, 2);
    loop_step(bench->env.loop);
    loop_step(bench->env.loop);
    assert_int_equal(feed_fake_count(bench->feed), 2);
    feed_fake_refuse_after(bench->feed, SIZE_MAX);
    run(bench);
    assert_int_equal(feed_fake_count(bench->feed), 5);
    assert_true(counter(bench, "events_refused") >= 1);
    bench_free(bench);
}

/* A file can wait, a switch that sends accounting cannot. */
static void a_file_waits_while_others_are_many(void **state)
{
    (void)state;
    struct bench *bench = bench_new(&event_mobile_ip);
    struct frame frame = registration(0xc000, 100, 1);
    capture(bench, &frame, 60);
    start(bench);
    feed_fake_wait(bench->feed, EVENT_FEED_MANY + 1);
    loop_step(bench->env.loop);
    loop_step(bench->env.loop);
    assert_int_equal(counter(bench, "file_packets"), 0);
    feed_fake_wait(bench->feed, EVENT_FEED_MANY);
    run(bench);
    assert_int_equal(feed_fake_count(bench->feed), 1);
    assert_int_equal(counter(bench, "events_refused"), 0);
    bench_free(bench);
}

/* A data frame of IEEE 802.11 from MAC 1, up to its EtherType. */
static struct frame wireless(unsigned type)
{
    struct frame frame = {.length = 0};
    frame_u32(&frame, 0x08010000);
    frame_mac(&frame, 3);
    frame_mac(&frame, 1);
    frame_mac(&frame, 2);
    frame_u16(&frame, 0);
    frame_u32(&frame, 0xaaaa0300);
    frame_u16(&frame, 0);
    frame_u16(&frame, type);
    return frame;
}

static void captures_of_the_air_are_heard(void **state)
{
    (void)state;
    static const uint32_t number = 105;
    struct bench *mobile = bench_new(&event_mobile_ip), *announce = bench_new(&event_announce);
    struct frame update = wireless(ETHER_IPV6), arp = wireless(ETHER_ARP);
    size_t ip = frame_ipv6(&update, 60);
    frame_home_option(&update, 135, 9);
    frame_update(&update, 0x4000, 10, 0); /* H */
    frame_close(&update, ip);
    frame_u32(&arp, 0x00010800);
    frame_u32(&arp, 0x06040001);
    frame_mac(&arp, 1);
    frame_u32(&arp, 0xc0000207);
    frame_zeroes(&arp, 6);
    frame_u32(&arp, 0xc0000207);
    struct bench *benches[] = {mobile, announce};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(fseek(benches[i]->capture, 20, SEEK_SET), 0);
        assert_int_equal(fwrite(&number, sizeof number, 1, benches[i]->capture), 1);
        capture(benches[i], &update, 0);
        capture(benches[i], &arp, 1);
        start(benches[i]);
        run(benches[i]);
        assert_int_equal(feed_fake_count(benches[i]->feed), 1);
        assert_int_equal(counter(benches[i], "malformed"), 0);
    }
    assert_int_equal(told(mobile, 0)->lifetime.us, 40 * 1000000);
    assert_int_equal(told(announce, 0)->mac.bits, 0x525400000001);
    bench_free(mobile);
    bench_free(announce);
}

static void options_of_the_drafts_need_their_flag(void **state)
{
    (void)state;
    for (int flag = 0; flag <= 1; flag++) {
        struct bench *bench = bench_new(&event_mobile_ip);
        struct frame frame = {.length = 0};
        need_option(bench, "legacy_draft", flag != 0 ? "yes" : "no");
        frame_ethernet(&frame, ETHER_IPV6);
        frame_ipv6(&frame, 60);
        frame_u16(&frame, 0x3b03);
        frame_u16(&frame, 0xc910);
        frame_address(&frame, 9);
        frame_u16(&frame, 0xc608);
        frame_u32(&frame, 0xc0000005);
        frame_u32(&frame, 600);
        frame_u16(&frame, 0x0100);
        frame_close(&frame, 14);
        capture(bench, &frame, 0);
        start(bench);
        run(bench);
        assert_int_equal(told(bench, 0)->lifetime.us, flag != 0 ? 600 * 1000000 : 0);
        bench_free(bench);
    }
}

static void announcements_of_a_capture_are_told_once(void **state)
{
    (void)state;
    struct bench *bench = bench_new(&event_announce);
    char text[IP_TEXT_SIZE];
    need_option(bench, "switch", "sw1");
    need_option(bench, "port", "Gi0/3");
    struct frame own = gratuitous_arp(5), other = gratuitous_arp(6);
    other.bytes[11] = 1; /* sent by somebody else */
    capture(bench, &own, 0);
    capture(bench, &own, 0);
    capture(bench, &own, 0);
    capture(bench, &own, 2);
    capture(bench, &other, 0);
    start(bench);
    run(bench);
    assert_int_equal(feed_fake_count(bench->feed), 3);
    const struct event *event = told(bench, 0);
    assert_int_equal(event->kind, EVENT_ANNOUNCE);
    assert_int_equal(event->proof, EVENT_PROOF_HEARD);
    assert_int_equal(event->mac.bits, 0x525400000005);
    assert_int_equal(event->vlan, 10);
    assert_string_equal(ip_format(&event->address, text), "192.0.2.5");
    assert_string_equal(event->cause, "gratuitous_arp");
    assert_string_equal(event->switch_name, "sw1");
    assert_string_equal(event->port, "Gi0/3");
    assert_int_equal(told(bench, 2)->proof, EVENT_PROOF_HINT);
    assert_int_equal(counter(bench, "repeated"), 2);
    bench_free(bench);
}

static void the_tag_of_a_mirror_is_no_vlan(void **state)
{
    (void)state;
    struct bench *bench = bench_new(&event_announce);
    need_option(bench, "mirror_vlan", "10");
    struct frame remote = gratuitous_arp(5), both = gratuitous_arp(6);
    memmove(both.bytes + 18, both.bytes + 14, both.length - 14);
    memcpy(both.bytes + 12, "\x81\x00\x00\x0a\x81\x00\x00\x14", 8); /* 10, then 20 */
    memcpy(both.bytes + 20, "\x08\x06", 2);
    both.length += 4;
    capture(bench, &remote, 0);
    capture(bench, &both, 0);
    start(bench);
    run(bench);
    assert_int_equal(told(bench, 0)->vlan, 0);
    assert_int_equal(told(bench, 1)->vlan, 20);
    bench_free(bench);
}

static void a_census_tells_of_every_source(void **state)
{
    (void)state;
    struct bench *bench = bench_new(&event_announce);
    need_option(bench, "census", "yes");
    need_option(bench, "again", "30s");
    struct frame tcp = {.length = 0}, group = {.length = 0}, arp = gratuitous_arp(7);
    frame_ethernet(&tcp, ETHER_IPV4);
    frame_ipv4(&tcp, 6);
    frame_ethernet(&group, ETHER_IPV4);
    group.bytes[6] = 0x01; /* no station */
    capture(bench, &tcp, 0);
    capture(bench, &group, 0);
    capture(bench, &tcp, 1);
    capture(bench, &arp, 1);
    capture(bench, &tcp, 40);
    start(bench);
    run(bench);
    assert_int_equal(feed_fake_count(bench->feed), 4);
    assert_int_equal(told(bench, 0)->kind, EVENT_UPDATE);
    assert_int_equal(told(bench, 0)->mac.bits, 0x525400000001);
    assert_string_equal(told(bench, 0)->cause, "first_frame");
    assert_int_equal(told(bench, 1)->mac.bits, 0x525400000007);
    assert_int_equal(told(bench, 2)->kind, EVENT_ANNOUNCE);
    assert_string_equal(told(bench, 3)->cause, "frame");
    assert_int_equal(counter(bench, "addresses"), 2);
    bench_free(bench);
}

/* A source in each of 4,094 VLANs, behind two tags of which both change. */
static void invented_vlans_do_not_flood_the_journal(void **state)
{
    (void)state;
    enum { VLANS = 4094, ROUNDS = 6 };
    struct bench *bench = bench_new(&event_announce);
    need_option(bench, "census", "yes");
    for (unsigned i = 0; i < ROUNDS * VLANS; i++) {
        struct frame frame = {.length = 0};
        unsigned vlan = 1 + i % VLANS;
        frame_mac(&frame, 2);
        frame_mac(&frame, 0x100000 + i);
        frame_u32(&frame, 0x88a80000 | (VLANS - i % VLANS));
        frame_u32(&frame, 0x81000000 | vlan);
        frame_u16(&frame, 0x88b5);
        frame_zeroes(&frame, 46);
        capture(bench, &frame, i % VLANS == 0 ? 1 : 0);
    }
    start(bench);
    run(bench);
    size_t told = feed_fake_count(bench->feed);
    assert_true(told <= LIMIT_CENSUS_BURST + ROUNDS * LIMIT_CENSUS_NEWS);
    assert_int_equal(counter(bench, "first_frames"), told);
    assert_int_equal(counter(bench, "addresses_over_limit"), ROUNDS * VLANS - told);
    assert_true(counter(bench, "addresses_over_limit") > 1000);
    assert_int_equal(counter(bench, "addresses_silenced"), 0);
    bool heard[VLANS + 1] = {false};
    for (size_t i = 0; i < told; i++)
        heard[feed_fake_event(bench->feed, i)->vlan] = true;
    for (unsigned vlan = 1; vlan <= VLANS; vlan++)
        assert_true(heard[vlan]);
    bench_free(bench);
}

/* Invented nodes of invented home networks: bounded, and a real one is heard meanwhile. */
static void invented_bindings_do_not_flood_the_journal(void **state)
{
    (void)state;
    enum { SECONDS = 4, A_SECOND = 8000 };
    struct bench *bench = bench_new(&event_mobile_ip);
    unsigned invented = 0;
    for (unsigned second = 0; second < SECONDS; second++) {
        for (unsigned i = 0; i < A_SECOND; i++, invented++) {
            struct frame frame = registration(0xc000, 100, 1);
            uint8_t *home = frame.bytes + 18 + 40 + 8; /* first address of its option */
            memcpy(home + 4, &invented, sizeof invented);
            memcpy(home + 12, &invented, sizeof invented);
            capture(bench, &frame, i == 0 ? 1 : 0);
        }
    }
    start(bench);
    run(bench);
    size_t told = feed_fake_count(bench->feed);
    assert_true(told > LIMIT_BINDING_BURST);
    assert_true(told <= LIMIT_BINDING_BURST + SECONDS * LIMIT_BINDING_EVENTS);
    assert_int_equal(counter(bench, "events_over_limit"), invented - told);
    bench_free(bench);
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    static const struct event_source_class *const classes[] = {&event_mobile_ip, &event_announce};
    for (int i = 0; i < 2; i++) {
        struct bench *bench = bench_new(classes[i]);
        struct err err;
        need_option(bench, "interface", "span0");
        assert_int_equal(classes[i]->plug.construct(bench->state, bench->config, &bench->env, &err),
                         ERR_SYNTAX);
        assert_non_null(strstr(err.text, "interface and file"));
        fclose(bench->capture);
        bench_free(bench);
    }
}

static void what_cannot_be_opened_is_said(void **state)
{
    (void)state;
    struct bench *bench = bench_new(&event_announce);
    struct err err;
    fclose(bench->capture);
    unlink(bench->path);
    assert_int_equal(bench->class->plug.construct(bench->state, bench->config, &bench->env, &err),
                     0);
    assert_int_not_equal(bench->class->start(bench->state, bench->feed, &err), 0);
    assert_non_null(strstr(err.text, bench->path));
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bindings_of_a_capture_are_told),
        cmocka_unit_test(a_feed_that_is_full_loses_nothing_of_a_file),
        cmocka_unit_test(a_file_waits_while_others_are_many),
        cmocka_unit_test(captures_of_the_air_are_heard),
        cmocka_unit_test(options_of_the_drafts_need_their_flag),
        cmocka_unit_test(announcements_of_a_capture_are_told_once),
        cmocka_unit_test(the_tag_of_a_mirror_is_no_vlan),
        cmocka_unit_test(a_census_tells_of_every_source),
        cmocka_unit_test(invented_vlans_do_not_flood_the_journal),
        cmocka_unit_test(invented_bindings_do_not_flood_the_journal),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(what_cannot_be_opened_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
