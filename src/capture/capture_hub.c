/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/capture_hub.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "base/alloc.h"
#include "io/loop.h"

enum { FRAMES_A_STEP = 256 };

struct capture_tap {
    struct interface *interface;
    struct capture_tap *next;
    unsigned wants;
    bool closed;                 /* waits for the end of the turn to be freed */
    struct capture_stats before; /* the interface's counters when it was opened */
    struct capture_listener listener;
};

/* One open interface. */
struct interface {
    struct capture_hub *hub;
    struct interface *next;
    char *name;
    pcap_t *pcap;
    enum link_type link;
    unsigned short hardware; /* ARPHRD_… */
    unsigned filtered;       /* what the attached filter is for */
    bool busy;               /* within a turn: taps are freed at its end */
    bool failed;
    uint64_t packets;
    struct pcap_stat last; /* libpcap's counters wrap */
    struct capture_stats stats;
    struct loop_watch *watch;
    struct loop_timer *again;
    struct capture_tap *taps;
};

struct capture_hub {
    struct loop *loop;
    struct interface *interfaces;
};

struct capture_hub *capture_hub_new(struct loop *loop)
{
    struct capture_hub *hub = alloc_zeroed(1, sizeof *hub);
    hub->loop = loop;
    return hub;
}

static void interface_free(struct interface *interface)
{
    struct interface **at = &interface->hub->interfaces;
    while (*at != NULL && *at != interface)
        at = &(*at)->next;
    if (*at == interface)
        *at = interface->next;
    loop_watch_free(interface->watch);
    loop_timer_free(interface->again);
    if (interface->pcap != NULL)
        pcap_close(interface->pcap);
    free(interface->name);
    free(interface);
}

void capture_hub_free(struct capture_hub *hub)
{
    if (hub == NULL)
        return;
    while (hub->interfaces != NULL) {
        CHECK(hub->interfaces->taps == NULL);
        interface_free(hub->interfaces);
    }
    free(hub);
}

static size_t count_idle(const struct capture_hub *hub)
{
    size_t count = 0;
    for (const struct interface *at = hub->interfaces; at != NULL; at = at->next)
        count += at->taps == NULL;
    return count;
}

/* --- the filter --- */

static unsigned wants_of_all(const struct interface *interface)
{
    unsigned wants = 0;
    for (const struct capture_tap *tap = interface->taps; tap != NULL; tap = tap->next)
        wants |= tap->closed ? 0 : tap->wants;
    return wants;
}

/* Attaches the filter for what all taps want. It goes to the kernel directly: libpcap
 * would set the length of accepted frames to its own maximum. */
static int attach_filter(struct interface *interface, struct err *err)
{
    struct bpf_insn program[FILTER_ROOM] = {{.code = BPF_RET | BPF_K, .k = 0}};
    unsigned wants = wants_of_all(interface);
    if (wants == interface->filtered)
        return 0;
    if (interface->link != LINK_ETHERNET) /* no program for it: all or nothing */
        program[0].k = wants != 0 ? CAPTURE_SNAP : 0;
    struct {
        unsigned short length;
        struct bpf_insn *program;
    } filter = {.length = 1, .program = program};
    if (wants != 0 && interface->link == LINK_ETHERNET)
        filter.length = (unsigned short)capture_filter_program(wants, CAPTURE_SNAP, program);
    int fd = pcap_fileno(interface->pcap);
    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0)
        return err_set_errno(err, errno, "cannot attach the filter to %s", interface->name);
    interface->filtered = wants;
    return 0;
}

/* --- frames --- */

static void free_closed(struct interface *interface)
{
    for (struct capture_tap **at = &interface->taps; *at != NULL;) {
        struct capture_tap *tap = *at;
        if (tap->closed) {
            *at = tap->next;
            free(tap);
        } else {
            at = &tap->next;
        }
    }
    if (interface->taps == NULL && count_idle(interface->hub) > CAPTURE_IDLE_MAX)
        interface_free(interface);
}

static void take_frame(u_char *aux, const struct pcap_pkthdr *header, const u_char *bytes)
{
    struct interface *interface = (struct interface *)(void *)aux;
    const struct capture_packet packet = {
        .bytes = bytes,
        .captured = header->caplen,
        .sent = header->len,
        .at = {(int64_t)header->ts.tv_sec * 1000000 + header->ts.tv_usec},
        .number = ++interface->packets};
    unsigned matched = capture_filter_match(interface->link, bytes, header->caplen);
    matched |= CAPTURE_CENSUS;
    for (struct capture_tap *tap = interface->taps; tap != NULL; tap = tap->next) {
        if (!tap->closed && (tap->wants & matched) != 0)
            tap->listener.packet(tap->listener.aux, interface->link, &packet, matched);
    }
}

static void tell_failed(struct interface *interface)
{
    struct err err;
    err_set(&err, ERR_SYSTEM, "cannot hear %s any more: %s", interface->name,
            pcap_geterr(interface->pcap));
    interface->failed = true;
    loop_watch_set(interface->watch, 0);
    for (struct capture_tap *tap = interface->taps; tap != NULL; tap = tap->next) {
        if (!tap->closed)
            tap->listener.failed(tap->listener.aux, &err);
    }
}

/* Takes frames until there are none or the turn is over. */
static void take_turn(struct interface *interface)
{
    struct mono until = mono_add(loop_now(interface->hub->loop), span_us(CAPTURE_TURN_US));
    int taken;
    interface->busy = true;
    do {
        taken = pcap_dispatch(interface->pcap, FRAMES_A_STEP, take_frame, (u_char *)interface);
    } while (taken >= FRAMES_A_STEP && loop_now(interface->hub->loop).us < until.us);
    for (struct capture_tap *tap = interface->taps; tap != NULL; tap = tap->next) {
        if (!tap->closed && tap->listener.pause != NULL)
            tap->listener.pause(tap->listener.aux);
    }
    if (taken < 0 && taken != PCAP_ERROR_BREAK)
        tell_failed(interface);
    else
        /* A link that went down is an error of the socket, after which the loop no longer
         * waits for it; libpcap has fetched it, and when the link is back frames come. */
        loop_watch_set(interface->watch, LOOP_READ);
    if (taken >= FRAMES_A_STEP) /* a block that was begun does not wake us again */
        loop_timer_start(interface->again, span_us(0));
    interface->busy = false;
    free_closed(interface);
}

static void on_ready(void *aux, int fd, unsigned events)
{
    (void)fd, (void)events;
    take_turn(aux);
}

static void on_again(void *aux)
{
    take_turn(aux);
}

/* --- opening --- */

static int activate(struct interface *interface, struct err *err)
{
    pcap_t *pcap = interface->pcap;
    bool set = pcap_set_snaplen(pcap, CAPTURE_SNAP) == 0 && pcap_set_promisc(pcap, 1) == 0 &&
               pcap_set_timeout(pcap, CAPTURE_BLOCK_MS) == 0 &&
               pcap_set_immediate_mode(pcap, 0) == 0 &&
               pcap_set_buffer_size(pcap, CAPTURE_RING_BYTES) == 0;
    CHECK(set); /* it only fails on a handle that is active */
    int status = pcap_activate(pcap);
    if (status >= 0)
        return 0;
    enum err_code code = status == PCAP_ERROR_PERM_DENIED      ? ERR_DENIED
                         : status == PCAP_ERROR_NO_SUCH_DEVICE ? ERR_NOT_FOUND
                                                               : ERR_SYSTEM;
    if (code == ERR_DENIED)
        return err_set(
            err, code,
            "cannot capture on %s: that takes CAP_NET_RAW, which a daemon has only while "
            "it starts: restart it",
            interface->name);
    const char *detail = pcap_geterr(pcap);
    return err_set(err, code, "cannot capture on %s: %s", interface->name,
                   detail[0] != '\0' ? detail : pcap_statustostr(status));
}

/* The kind of hardware that `name` is at present, 0 when it is none. */
static unsigned short hardware_of(const struct interface *interface, const char *name)
{
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    if (ioctl(pcap_fileno(interface->pcap), SIOCGIFHWADDR, &request) != 0)
        return 0;
    return request.ifr_hwaddr.sa_family;
}

/* Binds the socket of an interface that went away to the one that has its name now: that takes
 * no privilege. Filter and ring are the socket's and stay. */
static int take_back(struct interface *interface, struct err *err)
{
    int fd = pcap_fileno(interface->pcap), error = 0;
    socklen_t size = sizeof error;
    struct sockaddr_ll to = {.sll_family = AF_PACKET,
                             .sll_protocol = htons(ETH_P_ALL),
                             .sll_ifindex = (int)if_nametoindex(interface->name)};
    const struct packet_mreq all = {.mr_ifindex = to.sll_ifindex, .mr_type = PACKET_MR_PROMISC};
    if (to.sll_ifindex == 0)
        return err_set(err, ERR_NOT_FOUND, "cannot capture on %s: there is no such interface",
                       interface->name);
    if (hardware_of(interface, interface->name) != interface->hardware)
        return err_set(err, ERR_UNSUPPORTED,
                       "cannot capture on %s: it came back as another kind of interface: restart "
                       "the daemon",
                       interface->name);
    if (bind(fd, (const struct sockaddr *)&to, sizeof to) != 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) != 0)
        return err_set_errno(err, errno, "cannot capture on %s again", interface->name);
    (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size); /* that it was away is known */
    interface->failed = false;
    loop_watch_set(interface->watch, LOOP_READ);
    return 0;
}

static int open_interface(struct capture_hub *hub, const char *name, struct interface **ret,
                          struct err *err)
{
    char why[PCAP_ERRBUF_SIZE] = "";
    struct interface *interface = alloc_zeroed(1, sizeof *interface);
    interface->hub = hub;
    interface->name = alloc_text(name);
    interface->pcap = pcap_create(name, why);
    int status = interface->pcap == NULL
                     ? err_set(err, ERR_SYSTEM, "cannot capture on %s: %s", name, why)
                     : activate(interface, err);
    if (status == 0) {
        interface->link = link_type_of((uint32_t)pcap_datalink(interface->pcap));
        if (interface->link == LINK_UNKNOWN)
            status = err_set(err, ERR_UNSUPPORTED, "link type %s of %s is not read",
                             pcap_datalink_val_to_name(pcap_datalink(interface->pcap)), name);
        else if (pcap_setnonblock(interface->pcap, 1, why) != 0)
            status = err_set(err, ERR_SYSTEM, "cannot capture on %s: %s", name, why);
    }
    if (status == 0) {
        interface->watch = loop_watch_new(hub->loop, pcap_get_selectable_fd(interface->pcap),
                                          LOOP_READ, on_ready, interface, err);
        status = interface->watch != NULL ? 0 : (int)err->code;
    }
    if (status != 0) {
        interface_free(interface);
        return status;
    }
    interface->again = loop_timer_new(hub->loop, on_again, interface);
    interface->hardware = hardware_of(interface, name);
    interface->next = hub->interfaces;
    hub->interfaces = interface;
    *ret = interface;
    return 0;
}

/* The open interface; one that failed once its last tap is closed. */
static struct interface *find_interface(const struct capture_hub *hub, const char *name)
{
    struct interface *at = hub->interfaces;
    while (at != NULL && ((at->failed && at->taps != NULL) || strcmp(at->name, name) != 0))
        at = at->next;
    return at;
}

static struct capture_stats read_stats(struct interface *interface)
{
    struct pcap_stat now;
    struct capture_stats *stats = &interface->stats;
    if (!interface->failed && pcap_stats(interface->pcap, &now) == 0) {
        stats->received += now.ps_recv - interface->last.ps_recv;
        stats->dropped += now.ps_drop - interface->last.ps_drop;
        stats->missed += now.ps_ifdrop - interface->last.ps_ifdrop;
        interface->last = now;
    }
    return *stats;
}

int capture_tap_open(struct capture_hub *hub, const char *interface, unsigned wants,
                     const struct capture_listener *listener, struct capture_tap **ret,
                     struct err *err)
{
    struct interface *found = find_interface(hub, interface);
    int status = 0;
    if (found == NULL)
        status = open_interface(hub, interface, &found, err);
    else if (found->failed)
        status = take_back(found, err);
    if (status != 0)
        return status;
    struct capture_tap *tap = alloc_zeroed(1, sizeof *tap);
    tap->interface = found;
    tap->wants = wants;
    tap->listener = *listener;
    tap->next = found->taps;
    tap->before = read_stats(found);
    found->taps = tap;
    status = attach_filter(found, err);
    if (status != 0) {
        capture_tap_close(tap);
        return status;
    }
    *ret = tap;
    return 0;
}

void capture_tap_close(struct capture_tap *tap)
{
    if (tap == NULL)
        return;
    struct interface *interface = tap->interface;
    struct err err;
    tap->closed = true;
    /* A filter that is wider than needed loses nothing, so a failure here is none. */
    if (!interface->failed)
        (void)!attach_filter(interface, &err);
    if (!interface->busy)
        free_closed(interface);
}

void capture_tap_stats(struct capture_tap *tap, struct capture_stats *ret)
{
    struct capture_stats now = read_stats(tap->interface);
    ret->received = now.received - tap->before.received;
    ret->dropped = now.dropped - tap->before.dropped;
    ret->missed = now.missed - tap->before.missed;
}
