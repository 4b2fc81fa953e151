/* SPDX-License-Identifier: Apache-2.0 */
#include "event_subjects.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/text.h"
#include "io/file.h"
#include "source/announce.h"
#include "source/linux_bridge_events.h"
#include "source/mobile_ip.h"
#include "source/ovs_events.h"
#include "source/radius.h"
#include "source/snmp_trap.h"
#include "wire/ethernet.h"
#include "wire/frame_fixture.h"
#include "wire/radius.h"
#include "wire/trap_fixture.h"

enum { NOW = 1700000000, BATCH = 64, GUEST_FIRST = 0x100, USERS = 20 };

static const struct radius_secret secret = {(const uint8_t *)"testing123", 10};

/* --- the stage --- */

static struct wall fixed_time(void *clock)
{
    (void)clock;
    return (struct wall){INT64_C(1000000) * NOW};
}

static void pass(void *aux)
{
    (void)aux;
}

static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void put_file(const struct stage *stage, const char *name, const char *text, size_t length)
{
    struct err err;
    AUTO_FREE char *path = file_join(stage->directory, name);
    assert_int_equal(file_write(path, text, length, 0600, &err), 0);
}

/* Twenty users, none of whom shares a password with another. */
static void put_users(const struct stage *stage)
{
    AUTO_TEXT struct text text = TEXT_EMPTY;
    for (unsigned i = 0; i < USERS; i++)
        text_printf(&text, "user u%u sha512 authpass%04u aes256-cisco privpass%04u\n", i, i, i);
    put_file(stage, "users", text_get(&text), text.length);
}

void stage_open(struct stage *stage)
{
    *stage = (struct stage){.sender = -1, .blocker = -1, .listener = -1, .port = free_port()};
    strcpy(stage->directory, "/tmp/muster-events-XXXXXX");
    assert_non_null(mkdtemp(stage->directory));
    pthread_mutex_init(&stage->lock, NULL);
    stage->env = (struct env){.loop = loop_new(), .now = fixed_time};
    stage->tick = loop_timer_new(stage->env.loop, pass, NULL);
    put_file(stage, "secret", "testing123\n", 11);
    put_file(stage, "community", "public\n", 7);
    put_users(stage);
}

void stage_turn(struct stage *stage)
{
    loop_timer_start(stage->tick, span_ms(1));
    loop_step(stage->env.loop);
}

static void close_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void stage_close(struct stage *stage)
{
    static const char *const names[] = {"users",       "secret",   "community",      "mirror.pcap",
                                        "radacct.csv", "ovs.sock", "snmp_trap.state"};
    close_one(&stage->sender);
    close_one(&stage->blocker);
    if (stage->listener >= 0) {
        shutdown(stage->listener, SHUT_RDWR);
        pthread_join(stage->thread, NULL);
        close_one(&stage->listener);
    }
    loop_timer_free(stage->tick);
    loop_free(stage->env.loop);
    pthread_mutex_destroy(&stage->lock);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        AUTO_FREE char *path = file_join(stage->directory, names[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(stage->directory), 0);
}

unsigned stage_answers(struct stage *stage)
{
    uint8_t bytes[RADIUS_PACKET_MAX];
    unsigned answers = 0;
    while (stage->sender >= 0 && recv(stage->sender, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        answers++;
    return answers;
}

/* --- datagrams --- */

static int to_port(struct stage *stage)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(stage->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (stage->sender < 0) {
        stage->sender = socket(AF_INET, SOCK_DGRAM, 0);
        assert_int_equal(connect(stage->sender, (struct sockaddr *)&address, sizeof address), 0);
    }
    return stage->sender;
}

static void take_port(struct stage *stage)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(stage->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    stage->blocker = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(stage->blocker, (struct sockaddr *)&address, sizeof address), 0);
}

static void give_port_back(struct stage *stage)
{
    close_one(&stage->blocker);
}

/* Sends in bites that a socket's buffer holds, and lets the source take each. A port at
 * which nobody listens answers with an error, which the next call would return. */
static void send_to_port(struct stage *stage, const void *bytes, size_t length)
{
    if (send(to_port(stage), bytes, length, 0) < 0)
        (void)send(to_port(stage), bytes, length, 0);
    if (stage->told % BATCH == 0)
        stage_turn(stage);
}

static void send_accounting(struct stage *stage, unsigned count)
{
    struct radius_crypto *crypto = radius_crypto_new();
    for (unsigned i = 0; i < count; i++) {
        uint8_t bytes[RADIUS_PACKET_MAX];
        char mac[18], session[16];
        struct radius_writer writer;
        unsigned guest = stage->told++;
        snprintf(mac, sizeof mac, "52-54-00-%02X-%02X-%02X", guest >> 16 & 0xff, guest >> 8 & 0xff,
                 guest & 0xff);
        snprintf(session, sizeof session, "%08x", guest);
        radius_writer_init(&writer, bytes, RADIUS_ACCOUNTING_REQUEST, (uint8_t)guest);
        radius_writer_add_integer(&writer, RADIUS_ACCT_STATUS_TYPE, 1);
        radius_writer_add(&writer, RADIUS_CALLING_STATION_ID, mac, 17);
        radius_writer_add(&writer, RADIUS_ACCT_SESSION_ID, session, 8);
        size_t length = radius_request_seal(crypto, &writer, secret);
        send_to_port(stage, bytes, length);
    }
    radius_crypto_free(crypto);
}

/* Informs, each of one port that came up. */
static void send_informs(struct stage *stage, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct trap_fixture fixture;
        char oid[40];
        unsigned guest = stage->told++;
        trap_fixture_begin_v2(&fixture, "1.3.6.1.6.3.1.1.5.4");
        snprintf(oid, sizeof oid, "1.3.6.1.2.1.2.2.1.1.%u", guest + 1);
        trap_fixture_number(&fixture, oid, guest + 1);
        struct snmp_octets bytes = trap_fixture_v2c(&fixture, SNMP_INFORM);
        send_to_port(stage, bytes.bytes, bytes.length);
    }
}

/* --- captures --- */

static void put_packet(FILE *file, const struct frame *frame, unsigned second)
{
    const uint32_t header[] = {NOW + second, 0, (uint32_t)frame->length, (uint32_t)frame->length};
    assert_int_equal(fwrite(header, sizeof header, 1, file), 1);
    assert_int_equal(fwrite(frame->bytes, frame->length, 1, file), 1);
}

static void announcement(struct frame *frame, unsigned guest)
{
    frame->length = 0;
    frame_mac(frame, 2);
    frame_mac(frame, guest);
    frame_u16(frame, ETHER_ARP);
    frame_u32(frame, 0x00010800);
    frame_u32(frame, 0x06040001);
    frame_mac(frame, guest);
    frame_u32(frame, 0x0a000000 | guest);
    frame_zeroes(frame, 6);
    frame_u32(frame, 0x0a000000 | guest);
}

static void registration(struct frame *frame, unsigned guest)
{
    frame->length = 0;
    frame_ethernet(frame, ETHER_IPV6);
    frame_ipv6(frame, 60);
    frame_home_option(frame, 135, guest);
    frame_update(frame, 0xc000, 100, 0);
    frame_close(frame, 14);
}

static void write_capture(struct stage *stage, unsigned count,
                          void (*make)(struct frame *frame, unsigned guest))
{
    static const uint32_t header[] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1};
    AUTO_FREE char *path = file_join(stage->directory, "mirror.pcap");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(header, sizeof header, 1, file), 1);
    for (unsigned i = 0; i < count; i++) {
        struct frame frame;
        make(&frame, GUEST_FIRST + stage->told++);
        put_packet(file, &frame, i / 8);
    }
    fclose(file);
}

static void capture_announcements(struct stage *stage, unsigned count)
{
    write_capture(stage, count, announcement);
}

static void capture_registrations(struct stage *stage, unsigned count)
{
    write_capture(stage, count, registration);
}

static void hide_capture(struct stage *stage)
{
    AUTO_FREE char *path = file_join(stage->directory, "mirror.pcap");
    unlink(path);
}

/* --- a table of FreeRADIUS --- */

static void write_radacct(struct stage *stage, unsigned count)
{
    AUTO_TEXT struct text text = TEXT_EMPTY;
    text_add(&text, "callingstationid,acctstarttime,acctuniqueid,nasipaddress\n");
    for (unsigned i = 0; i < count; i++) {
        unsigned guest = stage->told++;
        text_printf(&text, "52:54:00:%02x:%02x:%02x,2023-11-14 22:00:00,u%u,127.0.0.1\n",
                    guest >> 16 & 0xff, guest >> 8 & 0xff, guest & 0xff, guest);
    }
    put_file(stage, "radacct.csv", text_get(&text), text.length);
}

static void hide_radacct(struct stage *stage)
{
    AUTO_FREE char *path = file_join(stage->directory, "radacct.csv");
    unlink(path);
}

/* --- frames --- */

static bool ran(const char *command)
{
    return system(command) == 0;
}

static void write_to(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (write(fd, text, strlen(text)) < 0) /* the system says so when it is needed */
        fd = fd + 0;
    close(fd);
}

static bool make_mirror(void)
{
    return ran("ip link add span0 type veth peer name span1 && "
               "ip link set span0 addrgenmode none up && ip link set span1 addrgenmode none up");
}

static bool make_bridge(void)
{
    return ran("ip link add br0 type bridge && ip link set br0 addrgenmode none up && "
               "ip link set port0 master br0");
}

bool stage_network(void)
{
    char map[32];
    unsigned uid = geteuid();
    if (unshare(uid == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return false;
    if (uid != 0) {
        snprintf(map, sizeof map, "0 %u 1", uid);
        write_to("/proc/self/uid_map", map);
    }
    return ran("ip link set lo up && ip link add port0 type veth peer name guest0 && "
               "ip link set port0 addrgenmode none up && ip link set guest0 addrgenmode none up") &&
           make_mirror() && make_bridge();
}

static void send_frames(struct stage *stage, unsigned count, const char *interface)
{
    struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                  .sll_ifindex = (int)if_nametoindex(interface)};
    close_one(&stage->sender); /* its interface may be a new one */
    stage->sender = socket(AF_PACKET, SOCK_RAW, 0);
    assert_int_equal(bind(stage->sender, (struct sockaddr *)&address, sizeof address), 0);
    for (unsigned i = 0; i < count; i++) {
        struct frame frame;
        announcement(&frame, GUEST_FIRST + stage->told++);
        assert_int_equal(send(stage->sender, frame.bytes, frame.length, 0), frame.length);
        if (stage->told % BATCH == 0)
            stage_turn(stage);
    }
    close_one(&stage->sender);
}

static void send_to_mirror(struct stage *stage, unsigned count)
{
    send_frames(stage, count, "span1");
}

static void send_to_bridge(struct stage *stage, unsigned count)
{
    send_frames(stage, count, "guest0");
}

static void pull_mirror(struct stage *stage)
{
    (void)stage;
    assert_true(ran("ip link del span0"));
}

static void plug_mirror(struct stage *stage)
{
    (void)stage;
    assert_true(make_mirror());
}

static void take_bridge(struct stage *stage)
{
    (void)stage;
    assert_true(ran("ip link del br0"));
}

static void put_bridge(struct stage *stage)
{
    (void)stage;
    assert_true(make_bridge());
}

/* --- a virtual switch --- */

static void answer(struct stage *stage, const char *question, struct text *to)
{
    text_add(to, "{\"id\":1,\"error\":null,\"result\":\"");
    if (strstr(question, "ofproto/list") != NULL) {
        text_add(to, "br0\\n");
    } else if (strstr(question, "fdb/show") != NULL) {
        pthread_mutex_lock(&stage->lock);
        text_add(to, " port  VLAN  MAC                Age\\n");
        for (unsigned i = 0; i < stage->guests; i++)
            text_printf(to, "    1     0  52:54:00:%02x:%02x:%02x    0\\n", i >> 16, i >> 8 & 0xff,
                        i & 0xff);
        pthread_mutex_unlock(&stage->lock);
    } else if (strstr(question, "fdb/stats-show") != NULL) {
        text_add(to, "  Current/maximum MAC entries in the table: 5/8192\\n");
    } else if (strstr(question, "dpif/show") != NULL) {
        text_add(to, "netdev@ovs-netdev: hit:1 missed:2\\n  br0:\\n    br0 65534/1: (tap)\\n"
                     "    vnet0 1/2: (system)\\n");
    } else {
        text_add(to, "bond\\ttype\\trecircID\\tmembers\\n");
    }
    text_add(to, "\"}");
}

static void set_serving(struct stage *stage, bool serving)
{
    pthread_mutex_lock(&stage->lock);
    stage->serving = serving;
    pthread_mutex_unlock(&stage->lock);
}

bool stage_is_serving(struct stage *stage)
{
    pthread_mutex_lock(&stage->lock);
    bool serving = stage->serving;
    pthread_mutex_unlock(&stage->lock);
    return serving;
}

static void *serve(void *aux)
{
    struct stage *stage = aux;
    char question[4096];
    for (int fd; (fd = accept(stage->listener, NULL, NULL)) >= 0;) {
        set_serving(stage, true);
        for (ssize_t got; (got = recv(fd, question, sizeof question - 1, 0)) > 0;) {
            AUTO_TEXT struct text text = TEXT_EMPTY;
            question[got] = '\0';
            answer(stage, question, &text);
            if (send(fd, text_get(&text), text.length, MSG_NOSIGNAL) < 0)
                break;
        }
        close(fd);
        set_serving(stage, false);
    }
    return NULL;
}

static void serve_switch(struct stage *stage)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/ovs.sock", stage->directory);
    stage->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(stage->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(stage->listener, 4), 0);
    assert_int_equal(pthread_create(&stage->thread, NULL, serve, stage), 0);
}

static void learn_at_switch(struct stage *stage, unsigned count)
{
    if (stage->listener < 0)
        serve_switch(stage);
    pthread_mutex_lock(&stage->lock);
    stage->guests += count;
    pthread_mutex_unlock(&stage->lock);
}

static void stop_switch(struct stage *stage)
{
    AUTO_FREE char *path = file_join(stage->directory, "ovs.sock");
    if (stage->listener < 0)
        return;
    shutdown(stage->listener, SHUT_RDWR);
    pthread_join(stage->thread, NULL);
    close_one(&stage->listener);
    unlink(path);
}

static void start_switch(struct stage *stage)
{
    serve_switch(stage);
}

/* --- the subjects --- */

#define RADIUS_BAD                                                                                 \
    {                                                                                              \
        {{"client", {"192.0.2.0/99"}}, "192.0.2.0/99"}, {{"listen", {"nowhere"}}, "nowhere"},      \
            {{"ports", {"(=>{n}"}}, "\"(\""},                                                      \
    }

const struct event_subject event_subjects[] = {
    {.name = "radius by packets",
     .class = &event_radius,
     .provoke = send_accounting,
     .obstruct = take_port,
     .cure = give_port_back,
     .cause = "in use",
     .answers = true,
     .settings = {{"listen", {"127.0.0.1"}},
                  {"port", {"{port}"}},
                  {"client", {"127.0.0.0/8"}},
                  {"secret_file", {"{dir}/secret"}}},
     .bad = RADIUS_BAD,
     .levels = {"pending"}},
    {.name = "radius by a table",
     .class = &event_radius,
     .prepare = write_radacct,
     .provoke = write_radacct,
     .obstruct = hide_radacct,
     .cause = "radacct",
     .comes_again = true,
     .settings = {{"radacct", {"cat", "{dir}/radacct.csv"}}, {"radacct_interval", {"10ms"}}},
     .bad = {{{"radacct_interval", {"1ms"}}, "1ms"}, {{"ports", {"(=>{n}"}}, "\"(\""}}},
    {.name = "mobile_ip from a file",
     .class = &event_mobile_ip,
     .prepare = capture_registrations,
     .obstruct = hide_capture,
     .cause = "mirror.pcap",
     .comes_again = true,
     .settings = {{"file", {"{dir}/mirror.pcap"}}},
     .bad = {{{"home_agents", {"nobody"}}, "nobody"}, {{"interface", {"span0"}}, "both"}},
     .levels = {"bindings", "file_ended"}},
    {.name = "announce from a file",
     .class = &event_announce,
     .prepare = capture_announcements,
     .obstruct = hide_capture,
     .cause = "mirror.pcap",
     .comes_again = true,
     .settings = {{"file", {"{dir}/mirror.pcap"}}, {"rate", {"1000000"}}},
     .bad = {{{"port", {"Gi0/1"}}, "Gi0/1"}, {{"mirror_vlan", {"5000"}}, "5000"}},
     .levels = {"addresses", "file_ended"}},
    {.name = "announce from an interface",
     .class = &event_announce,
     .wants_network = true,
     .provoke = send_to_mirror,
     .obstruct = pull_mirror,
     .cure = plug_mirror,
     .cause = "span0",
     .settings = {{"interface", {"span0"}}, {"rate", {"1000000"}}},
     .bad = {{{"file", {"x.pcap"}}, "both"}}},
    {.name = "snmp_trap",
     .class = &event_snmp_trap,
     .provoke = send_informs,
     .obstruct = take_port,
     .cure = give_port_back,
     .cause = "in use",
     .answers = true,
     .settings = {{"listen", {"127.0.0.1:{port}"}},
                  {"community_file", {"{dir}/community"}},
                  {"devices", {"127.0.0.1=sw1"}},
                  {"rate", {"100000"}},
                  {"burst", {"1000000"}}},
     .bad = {{{"listen", {"nowhere:x"}}, "\"x\""},
             {{"devices", {"sw1"}}, "ADDRESS=SWITCH"},
             {{"engines", {"zz=sw1"}}, "zz=sw1"}}},
    {.name = "snmp_trap with many users",
     .class = &event_snmp_trap,
     .provoke = send_informs,
     .obstruct = take_port,
     .cure = give_port_back,
     .cause = "in use",
     .answers = true,
     .settings = {{"listen", {"127.0.0.1:{port}"}},
                  {"community_file", {"{dir}/community"}},
                  {"credentials", {"{dir}/users"}},
                  {"devices", {"127.0.0.1=sw1"}},
                  {"rate", {"100000"}},
                  {"burst", {"1000000"}}},
     .bad = {{{"engine_id", {"8000"}}, "8000"}}},
    {.name = "linux_bridge",
     .class = &event_linux_bridge,
     .wants_network = true,
     .provoke = send_to_bridge,
     .obstruct = take_bridge,
     .cure = put_bridge,
     .cause = "br0",
     .comes_again = true,
     .slow_to_fail = true,
     .settings = {{"switch", {"hv1"}}, {"bridge", {"br0"}}, {"refresh", {"1s"}}},
     .bad = {{{"refresh", {"1ms"}}, "1ms"}}},
    {.name = "ovs",
     .class = &event_ovs,
     .prepare = learn_at_switch,
     .provoke = learn_at_switch,
     .obstruct = stop_switch,
     .cure = start_switch,
     .cause = "ovs.sock",
     .comes_again = true,
     .settings = {{"switch", {"hv1"}},
                  {"socket", {"{dir}/ovs.sock"}},
                  {"database", {"{dir}/db.sock"}},
                  {"interval", {"100ms"}}},
     .bad = {{{"interval", {"1ms"}}, "1ms"}}},
};

const size_t event_subject_count = ARRAY_COUNT(event_subjects);
