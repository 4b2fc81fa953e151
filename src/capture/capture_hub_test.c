/* SPDX-License-Identifier: Apache-2.0 */

/* The hub on the loopback of a network namespace of the test's own; where none
 * can be made, what needs one is skipped. */

#include "capture/capture_hub.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>

#include "io/loop.h"
#include "wire/frame_fixture.h"

enum { TURNS = 100 };

struct ear {
    unsigned packets, pauses, failures;
    unsigned matched; /* of all together */
    uint32_t captured;
    struct capture_tap *close_on_packet;
};

static bool in_namespace;

/* A namespace whose loopback is up. */
static bool enter_namespace(void)
{
    struct ifreq request = {.ifr_name = "lo"};
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0 && unshare(CLONE_NEWNET) != 0)
        return false;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    request.ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK;
    bool up = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    close(fd);
    int probe = socket(AF_PACKET, SOCK_RAW, 0);
    bool raw = probe >= 0;
    close(probe);
    return up && raw;
}

static void on_packet(void *aux, enum link_type link, const struct capture_packet *packet,
                      unsigned matched)
{
    struct ear *ear = aux;
    assert_int_equal(link, LINK_ETHERNET);
    ear->packets++;
    ear->matched |= matched;
    ear->captured = packet->captured;
    capture_tap_close(ear->close_on_packet);
    ear->close_on_packet = NULL;
}

static void on_pause(void *aux)
{
    ((struct ear *)aux)->pauses++;
}

static void on_failed(void *aux, const struct err *err)
{
    ((struct ear *)aux)->failures++;
}

static struct capture_tap *open_tap(struct capture_hub *hub, unsigned wants, struct ear *ear)
{
    const struct capture_listener listener = {on_packet, on_pause, on_failed, ear};
    struct capture_tap *tap = NULL;
    struct err err = {0};
    if (capture_tap_open(hub, "lo", wants, &listener, &tap, &err) != 0)
        fail_msg("%s", err.text);
    return tap;
}

static void send_frame(const struct frame *frame)
{
    struct sockaddr_ll lo = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex("lo")};
    int fd = socket(AF_PACKET, SOCK_RAW, 0);
    assert_true(fd >= 0);
    assert_int_equal(sendto(fd, frame->bytes, frame->length, 0, (struct sockaddr *)&lo, sizeof lo),
                     frame->length);
    close(fd);
}

static void send_all(void)
{
    struct frame rarp = {.length = 0}, mobile = {.length = 0}, tcp = {.length = 0};
    frame_ethernet(&rarp, ETHER_RARP);
    frame_zeroes(&rarp, 46);
    frame_ethernet(&mobile, ETHER_IPV6);
    frame_ipv6(&mobile, 135);
    frame_update(&mobile, 0, 1, 0);
    frame_ethernet(&tcp, ETHER_IPV4);
    frame_ipv4(&tcp, 6);
    frame_zeroes(&tcp, 1000);
    send_frame(&rarp);
    send_frame(&mobile);
    send_frame(&tcp);
}

static void run_until(struct loop *loop, const struct ear *ear, unsigned packets)
{
    for (int turn = 0; turn < TURNS && ear->packets < packets; turn++)
        loop_step(loop);
}

static void taps_share_an_interface_and_get_what_they_want(void **state)
{
    (void)state;
    if (!in_namespace)
        skip();
    struct loop *loop = loop_new();
    struct capture_hub *hub = capture_hub_new(loop);
    struct ear mobile = {0}, announce = {0}, census = {0};
    struct capture_tap *first = open_tap(hub, CAPTURE_MOBILE, &mobile);
    struct capture_tap *second = open_tap(hub, CAPTURE_ANNOUNCEMENT, &announce);
    struct capture_tap *third = open_tap(hub, CAPTURE_CENSUS, &census);
    send_all();
    run_until(loop, &census, 3);
    assert_int_equal(mobile.packets, 1);
    assert_int_equal(announce.packets, 2); /* what may be behind a header it looks at itself */
    assert_int_equal(census.packets, 3);
    assert_int_equal(census.captured, FILTER_CENSUS_OCTETS); /* the last one, cut by the kernel */
    assert_true(census.pauses >= 1);
    struct capture_stats before, after;
    capture_tap_stats(third, &before); /* a loopback shows the kernel each frame twice */
    assert_int_equal(before.received, 2 * 3);
    assert_int_equal(before.dropped, 0);
    capture_tap_close(third);
    send_all();
    run_until(loop, &announce, 4);
    assert_int_equal(census.packets, 3);
    capture_tap_stats(second, &after);
    assert_int_equal(after.received - before.received, 2 * 2); /* it kept the third out */
    capture_tap_close(first);
    capture_tap_close(second);
    capture_hub_free(hub);
    loop_free(loop);
}

/* A daemon that has no privileges any more must be able to listen again. */
static void an_idle_interface_is_taken_again(void **state)
{
    (void)state;
    if (!in_namespace)
        skip();
    struct loop *loop = loop_new();
    struct capture_hub *hub = capture_hub_new(loop);
    struct ear ear = {0};
    struct capture_tap *tap = open_tap(hub, CAPTURE_ANNOUNCEMENT, &ear);
    capture_tap_close(tap);
    send_all();
    tap = open_tap(hub, CAPTURE_ANNOUNCEMENT, &ear);
    send_all();
    run_until(loop, &ear, 1);
    assert_int_equal(ear.packets, 1); /* and nothing of what came in between */
    struct capture_stats stats;
    capture_tap_stats(tap, &stats);
    assert_int_equal(stats.received, 2 * 1);
    capture_tap_close(tap);
    capture_hub_free(hub);
    loop_free(loop);
}

static void a_tap_may_be_closed_while_it_listens(void **state)
{
    (void)state;
    if (!in_namespace)
        skip();
    struct loop *loop = loop_new();
    struct capture_hub *hub = capture_hub_new(loop);
    struct ear census = {0}, other = {0};
    census.close_on_packet = open_tap(hub, CAPTURE_CENSUS, &census);
    struct capture_tap *tap = open_tap(hub, CAPTURE_MOBILE, &other);
    send_all();
    run_until(loop, &other, 1);
    assert_int_equal(census.packets, 1);
    assert_int_equal(other.packets, 1);
    capture_tap_close(tap);
    capture_hub_free(hub);
    loop_free(loop);
}

/* An Ethernet interface that goes away with its descriptor; -1 where there are none. */
static int make_interface(const char *name)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK), control = socket(AF_INET, SOCK_DGRAM, 0);
    strcpy(request.ifr_name, name);
    bool made = fd >= 0 && ioctl(fd, TUNSETIFF, &request) == 0;
    request.ifr_flags = IFF_UP;
    made = made && ioctl(control, SIOCSIFFLAGS, &request) == 0;
    close(control);
    if (!made && fd >= 0)
        close(fd);
    return made ? fd : -1;
}

/* Takes CAP_NET_RAW out of what holds, or puts it in again. */
static void allow_raw(bool allowed)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2] = {0};
    assert_int_equal(syscall(SYS_capget, &header, sets), 0);
    if (allowed)
        sets[0].effective |= 1U << CAP_NET_RAW;
    else
        sets[0].effective &= ~(1U << CAP_NET_RAW);
    assert_int_equal(syscall(SYS_capset, &header, sets), 0);
}

static void run_until_failed(struct loop *loop, const struct ear *ear)
{
    for (int turn = 0; turn < TURNS && ear->failures == 0; turn++)
        loop_step(loop);
    assert_int_equal(ear->failures, 1);
}

/* A daemon that has no privileges any more hears a mirror whose interface was made anew. */
static void an_interface_that_came_back_is_heard_again(void **state)
{
    (void)state;
    int wire = in_namespace ? make_interface("mirror9") : -1;
    if (wire < 0)
        skip();
    struct loop *loop = loop_new();
    struct capture_hub *hub = capture_hub_new(loop);
    struct frame frame = {.length = 0};
    frame_ethernet(&frame, ETHER_RARP);
    frame_zeroes(&frame, 46);
    for (int round = 0; round < 3; round++) {
        struct ear ear = {0};
        const struct capture_listener listener = {on_packet, on_pause, on_failed, &ear};
        struct capture_tap *tap = NULL;
        struct err err = {0};
        if (capture_tap_open(hub, "mirror9", CAPTURE_ANNOUNCEMENT, &listener, &tap, &err) != 0)
            fail_msg("%s", err.text);
        assert_int_equal(write(wire, frame.bytes, frame.length), frame.length);
        run_until(loop, &ear, 1);
        close(wire);
        run_until_failed(loop, &ear);
        capture_tap_close(tap);
        allow_raw(false);
        assert_int_equal(
            capture_tap_open(hub, "mirror9", CAPTURE_ANNOUNCEMENT, &listener, &tap, &err),
            ERR_NOT_FOUND);
        wire = make_interface("mirror9");
    }
    allow_raw(true);
    close(wire);
    capture_hub_free(hub);
    loop_free(loop);
}

static void what_cannot_be_opened_is_named(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct capture_hub *hub = capture_hub_new(loop);
    const struct capture_listener listener = {on_packet, on_pause, on_failed, NULL};
    struct capture_tap *tap;
    struct err err = {0};
    int status = capture_tap_open(hub, "nowhere9", CAPTURE_MOBILE, &listener, &tap, &err);
    assert_true(status == ERR_NOT_FOUND || status == ERR_DENIED);
    assert_non_null(strstr(err.text, "nowhere9"));
    capture_hub_free(hub);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taps_share_an_interface_and_get_what_they_want),
        cmocka_unit_test(an_idle_interface_is_taken_again),
        cmocka_unit_test(a_tap_may_be_closed_while_it_listens),
        cmocka_unit_test(an_interface_that_came_back_is_heard_again),
        cmocka_unit_test(what_cannot_be_opened_is_named),
    };
    in_namespace = enter_namespace();
    if (!in_namespace)
        printf("skipped: no network namespace of its own here\n");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
