/* SPDX-License-Identifier: Apache-2.0 */
#include "source/binding_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"

enum { HOME = 9, AGENT = 1, PEER = 2, HERE = 33, THERE = 34 };

static struct binding_cache *cache;
static struct event event;
static int64_t now_us;

static struct ip address(unsigned n)
{
    struct ip ip = {{0x20, 0x01, 0x0d, 0xb8}};
    ip.octets[12] = (uint8_t)(n >> 24);
    ip.octets[13] = (uint8_t)(n >> 16);
    ip.octets[14] = (uint8_t)(n >> 8);
    ip.octets[15] = (uint8_t)n;
    return ip;
}

static int set_up(void **state)
{
    (void)state;
    cache = binding_cache_new(span_seconds(10));
    now_us = INT64_C(1700000000) * 1000000;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    binding_cache_free(cache);
    return 0;
}

static void pass(double seconds)
{
    now_us += (int64_t)(seconds * 1e6);
}

static struct binding message_of(enum mobility_type type, unsigned sequence, unsigned lifetime)
{
    return (struct binding){.message = {.type = (uint8_t)type,
                                        .sequenced = true,
                                        .timed = true,
                                        .sequence = (uint16_t)sequence,
                                        .lifetime_seconds = lifetime,
                                        .mac = MAC_NONE},
                            .home_address = address(HOME),
                            .home_agent = address(AGENT),
                            .peer = address(AGENT)};
}

/* Returns the kind that was told, EVENT_KIND_COUNT for nothing. */
static enum event_kind hear(const struct binding *binding)
{
    if (!binding_cache_hear(cache, binding, (struct wall){now_us}, &event))
        return EVENT_KIND_COUNT;
    binding_cache_told(cache);
    return event.kind;
}

static enum event_kind update(unsigned sequence, unsigned care_of, unsigned lifetime)
{
    struct binding binding = message_of(MOBILITY_UPDATE, sequence, lifetime);
    binding.care_of = address(care_of);
    binding.deregistration = lifetime == 0;
    return hear(&binding);
}

static enum event_kind ack(unsigned sequence, unsigned status, unsigned lifetime)
{
    struct binding binding = message_of(MOBILITY_ACK, sequence, lifetime);
    binding.home_agent = IP_NONE;
    binding.care_of = address(HERE);
    binding.message.status = (uint8_t)status;
    return hear(&binding);
}

static enum event_kind evidence(enum binding_kind kind, unsigned care_of, unsigned peer)
{
    struct binding binding = {.kind = kind,
                              .home_address = address(HOME),
                              .care_of = address(care_of),
                              .peer = address(peer),
                              .message = {.mac = MAC_NONE}};
    if (kind == BINDING_DATA)
        binding.correspondent = binding.peer;
    else
        binding.home_agent = binding.peer;
    return hear(&binding);
}

#define NOTHING EVENT_KIND_COUNT

static void assert_told_of(unsigned care_of, unsigned lifetime)
{
    struct ip home = address(HOME), there = address(care_of), agent = address(AGENT);
    assert_true(ip_equal(&event.address, &home));
    assert_true(ip_equal(&event.care_of, &there));
    assert_true(ip_equal(&event.agent, &agent));
    assert_string_equal(event.nas, "2001:db8::1");
    assert_int_equal(event.proof, EVENT_PROOF_HEARD);
    assert_int_equal(event.lifetime.us, (int64_t)lifetime * 1000000);
    assert_int_equal(event.at.us, now_us);
}

static void a_life_from_registration_to_home(void **state)
{
    (void)state;
    assert_int_equal(update(1, HERE, 400), EVENT_START);
    assert_told_of(HERE, 400);
    assert_int_equal(ack(1, 0, 400), EVENT_UPDATE); /* granted as asked: both ends say so */
    assert_int_equal(ack(1, 0, 400), NOTHING);
    pass(100);
    assert_int_equal(update(2, HERE, 400), EVENT_UPDATE);
    assert_int_equal(ack(2, 0, 120), EVENT_UPDATE); /* granted less */
    assert_told_of(HERE, 120);
    pass(60);
    assert_int_equal(update(3, HERE, 400), EVENT_UPDATE);
    assert_told_of(HERE, 120); /* what is granted holds until another one is */
    pass(60);
    assert_int_equal(update(4, THERE, 400), EVENT_START);
    assert_told_of(THERE, 400);
    assert_int_equal(update(5, THERE, 0), EVENT_STOP);
    assert_string_equal(event.cause, "deregistered");
    assert_int_equal(ack(5, 0, 0), NOTHING);
    pass(60);
    assert_int_equal(update(6, HERE, 400), EVENT_START);
    assert_int_equal(binding_cache_counters(cache)->live, 1);
}

static void repetitions_tell_nothing_new(void **state)
{
    (void)state;
    assert_int_equal(update(1, HERE, 400), EVENT_START);
    assert_int_equal(update(1, HERE, 400), NOTHING); /* retransmitted */
    assert_int_equal(update(2, HERE, 400), NOTHING); /* a storm of refreshes */
    pass(1.1);
    assert_int_equal(update(3, HERE, 400), EVENT_UPDATE);
    assert_int_equal(update(4, HERE, 0), EVENT_STOP);
    assert_int_equal(update(4, HERE, 0), NOTHING);
    assert_int_equal(binding_cache_counters(cache)->suppressed, 2);
}

/* Replayed and reordered updates move nothing. */
static void what_is_late_moves_nothing(void **state)
{
    (void)state;
    assert_int_equal(update(65535, HERE, 400), EVENT_START);
    assert_int_equal(update(0, THERE, 400), EVENT_START); /* the number went round */
    assert_int_equal(update(65535, HERE, 400), NOTHING);
    assert_int_equal(update(0, HERE, 400), NOTHING); /* same number, other place */
    assert_int_equal(update(65534, HERE, 0), NOTHING);
    assert_int_equal(update(1, THERE, 0), EVENT_STOP);
    assert_int_equal(update(0, THERE, 400), NOTHING);
    pass(600);
    assert_int_equal(update(0, THERE, 400), EVENT_START); /* a node that began anew */
    assert_int_equal(binding_cache_counters(cache)->stale, 4);
}

static void a_refusal_takes_the_start_back(void **state)
{
    (void)state;
    assert_int_equal(update(1, HERE, 400), EVENT_START);
    assert_int_equal(ack(1, 129, 0), EVENT_STOP);
    assert_string_equal(event.cause, "refused");
    pass(60);
    assert_int_equal(update(2, HERE, 400), EVENT_START);
    assert_int_equal(ack(2, 0, 400), EVENT_UPDATE); /* both ends have said so */
    assert_int_equal(ack(2, 0, 400), NOTHING);
    assert_int_equal(update(3, THERE, 400), EVENT_START);
    assert_int_equal(ack(2, 132, 0), NOTHING); /* answers another one */
    assert_int_equal(ack(3, 132, 0), EVENT_START);
    assert_told_of(HERE, 400);
    assert_int_equal(ack(3, 132, 0), NOTHING);
}

static void an_acknowledgement_alone_is_a_start(void **state)
{
    (void)state;
    struct ip agent = address(AGENT);
    assert_true(binding_cache_agent(cache, &agent));
    assert_int_equal(ack(7, 0, 100), EVENT_START);
    assert_told_of(HERE, 100);
    struct binding error = message_of(MOBILITY_ERROR, 0, 0);
    error.message.status = 1;
    assert_int_equal(hear(&error), EVENT_STOP);
    assert_string_equal(event.cause, "no_binding");
}

static void user_data_refreshes_now_and_then(void **state)
{
    (void)state;
    assert_int_equal(evidence(BINDING_DATA, HERE, PEER), EVENT_START);
    struct ip peer = address(PEER);
    assert_true(ip_equal(&event.correspondent, &peer));
    assert_false(ip_known(&event.agent));
    for (int i = 0; i < 99; i++) {
        pass(0.1);
        assert_int_equal(evidence(BINDING_DATA, HERE, PEER), NOTHING);
    }
    pass(0.2);
    assert_int_equal(evidence(BINDING_DATA, HERE, PEER), EVENT_UPDATE);
    assert_int_equal(event.lifetime.us, 0);
    /* From elsewhere it would be dropped by whoever keeps the binding. */
    assert_int_equal(evidence(BINDING_DATA, THERE, PEER), NOTHING);
}

static void protected_registrations_are_told_without_lifetime(void **state)
{
    (void)state;
    assert_int_equal(evidence(BINDING_PROTECTED_UPDATE, HERE, AGENT), EVENT_START);
    assert_told_of(HERE, 0);
    assert_int_equal(evidence(BINDING_PROTECTED_ACK, HERE, AGENT), NOTHING);
    pass(1);
    assert_int_equal(evidence(BINDING_PROTECTED_UPDATE, THERE, AGENT), EVENT_START);
    assert_int_equal(evidence(BINDING_PROTECTED_ACK, HERE, AGENT), NOTHING); /* was under way */
    pass(6);
    assert_int_equal(evidence(BINDING_PROTECTED_UPDATE, HERE, AGENT), EVENT_START);
}

static void late_data_does_not_undo_a_deregistration(void **state)
{
    (void)state;
    assert_int_equal(update(1, HERE, 400), EVENT_START);
    assert_int_equal(update(2, HERE, 0), EVENT_STOP);
    assert_int_equal(evidence(BINDING_PROTECTED_UPDATE, HERE, AGENT), NOTHING);
    pass(6);
    assert_int_equal(evidence(BINDING_PROTECTED_UPDATE, HERE, AGENT), EVENT_START);
}

static void a_proxied_node_is_its_prefix_and_its_mac(void **state)
{
    (void)state;
    struct binding binding = message_of(MOBILITY_UPDATE, 1, 300);
    binding.home_address = IP_NONE;
    binding.care_of = address(HERE);
    binding.message.flags = MOBILITY_FLAG_PROXY;
    assert_int_equal(hear(&binding), NOTHING);
    assert_int_equal(binding_cache_counters(cache)->unidentified, 1);
    binding.message.mac = (struct mac){0x525400000005};
    binding.message.node_id = (const uint8_t *)"web1";
    binding.message.node_id_length = 4;
    assert_int_equal(hear(&binding), EVENT_START);
    assert_false(ip_known(&event.address));
    assert_int_equal(event.mac.bits, 0x525400000005);
    assert_string_equal(event.node, "web1");
    struct ip prefix = address(0);
    binding.message.home_prefix = ip_prefix_of(&prefix, 64);
    binding.message.sequence = 900; /* gateways count each for itself */
    assert_int_equal(hear(&binding), EVENT_START);
    assert_true(ip_equal(&event.address, &prefix));
    binding.message.sequence = 3;
    binding.care_of = address(THERE);
    assert_int_equal(hear(&binding), EVENT_START);
}

static void what_was_not_taken_is_told_again(void **state)
{
    (void)state;
    struct binding binding = message_of(MOBILITY_UPDATE, 1, 300);
    binding.care_of = address(HERE);
    assert_true(binding_cache_hear(cache, &binding, (struct wall){now_us}, &event));
    assert_true(binding_cache_hear(cache, &binding, (struct wall){now_us}, &event));
    assert_int_equal(event.kind, EVENT_START);
    binding_cache_told(cache);
    assert_false(binding_cache_hear(cache, &binding, (struct wall){now_us}, &event));
}

static void a_flood_stays_within_its_memory(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 4 * LIMIT_BINDINGS; n++) {
        struct binding binding = message_of(MOBILITY_UPDATE, 1, 300);
        binding.home_address = address(1000 + n);
        binding.care_of = address(HERE);
        assert_int_equal(hear(&binding), EVENT_START);
    }
    const struct binding_counters *counters = binding_cache_counters(cache);
    assert_true(counters->live <= LIMIT_BINDINGS);
    assert_int_equal(counters->live + counters->evicted, 4 * LIMIT_BINDINGS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_life_from_registration_to_home),
        TEST(repetitions_tell_nothing_new),
        TEST(what_is_late_moves_nothing),
        TEST(a_refusal_takes_the_start_back),
        TEST(an_acknowledgement_alone_is_a_start),
        TEST(user_data_refreshes_now_and_then),
        TEST(protected_registrations_are_told_without_lifetime),
        TEST(late_data_does_not_undo_a_deregistration),
        TEST(a_proxied_node_is_its_prefix_and_its_mac),
        TEST(what_was_not_taken_is_told_again),
        TEST(a_flood_stays_within_its_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
