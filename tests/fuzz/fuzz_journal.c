/* SPDX-License-Identifier: Apache-2.0 */

/* The journal's files as a damaged disk or a prepared folder could hold them. 'r': the
 * rest is a record whose checksum is made true, so that its content is reached: what is
 * read must be written to a record that reads the same. 'w': the rest is what follows a
 * true head, as it is. 'f': the rest is a whole file. Nothing may crash, and what a
 * scan counts must be what can be found one by one. */

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/ip.h"
#include "store/event_record.h"
#include "store/journal.h"
#include "store/segment.h"

static const uint64_t key = 42;

static void same_text(const char *a, const char *b)
{
    CHECK((a == NULL || *a == '\0') == (b == NULL || *b == '\0'));
    CHECK(a == NULL || *a == '\0' || strcmp(a, b) == 0);
}

static void same_event(const struct event *a, const struct event *b)
{
    CHECK(a->kind == b->kind && a->hint == b->hint && a->proof == b->proof);
    CHECK(a->mac.bits == b->mac.bits && a->vlan == b->vlan && a->at.us == b->at.us);
    CHECK(a->heard.us == b->heard.us && a->lifetime.us == b->lifetime.us);
    CHECK(ip_equal(&a->address, &b->address) && ip_equal(&a->care_of, &b->care_of));
    CHECK(ip_equal(&a->agent, &b->agent) && ip_equal(&a->correspondent, &b->correspondent));
    same_text(a->source, b->source);
    same_text(a->type, b->type);
    same_text(a->switch_name, b->switch_name);
    same_text(a->port, b->port);
    same_text(a->node, b->node);
    same_text(a->nas, b->nas);
    same_text(a->session, b->session);
    same_text(a->cause, b->cause);
}

static void try_record(const uint8_t *data, size_t size)
{
    size_t length = size / EVENT_RECORD_ALIGN * EVENT_RECORD_ALIGN;
    if (length < EVENT_RECORD_HEAD || length > EVENT_RECORD_MAX)
        return;
    uint8_t *record = alloc_array(length, 1);
    memcpy(record, data, length);
    record[8] = (uint8_t)length;
    record[9] = (uint8_t)(length >> 8);
    event_record_seal(record, SEGMENT_HEAD, key);
    CHECK(event_record_check(record, length, key) == length);
    struct event event, again;
    if (event_record_read(record, &event) == 0) {
        uint8_t copy[EVENT_RECORD_MAX];
        size_t written = event_record_write(copy, event_record_sequence(record), &event);
        CHECK(written != 0 && event_record_seal(copy, 0, key) == written);
        CHECK(event_record_read(copy, &again) == 0);
        same_event(&event, &again);
    }
    free(record);
}

static void try_records(const uint8_t *data, size_t size)
{
    struct segment segment = {.head = {.key = key}};
    size_t rest = size / EVENT_RECORD_ALIGN * EVENT_RECORD_ALIGN;
    uint8_t *bytes = alloc_zeroed(1, SEGMENT_HEAD + rest + 1);
    memcpy(bytes + SEGMENT_HEAD, data, rest);
    for (size_t at = SEGMENT_HEAD; at + EVENT_RECORD_HEAD < SEGMENT_HEAD + rest;) {
        size_t length = (size_t)bytes[at + 8] | (size_t)bytes[at + 9] << 8;
        if (length < EVENT_RECORD_HEAD || length % EVENT_RECORD_ALIGN != 0 ||
            at + length > SEGMENT_HEAD + rest)
            break;
        at += event_record_seal(bytes + at, SEGMENT_HEAD, key);
    }
    segment.size = SEGMENT_HEAD + rest;
    segment.name = (char[]){"fuzz"};
    segment.fd = memfd_create("fuzz", MFD_CLOEXEC);
    CHECK(segment.fd >= 0 && write(segment.fd, bytes, segment.size) == (ssize_t)segment.size);
    uint64_t counted = 0, found = 0, last = 0;
    struct err err;
    CHECK(segment_scan(&segment, 0, &counted, &err) == 0);
    size_t at = SEGMENT_HEAD;
    for (size_t length; (length = segment_next(&segment, bytes, segment.size, last, &at)) != 0;
         at += length) {
        last = event_record_sequence(bytes + at);
        found++;
    }
    CHECK(found == counted && last == segment.last);
    close(segment.fd);
    free(bytes);
}

static void try_file(const uint8_t *data, size_t size)
{
    char folder[] = "/tmp/muster-fuzz-journal-XXXXXX";
    CHECK(mkdtemp(folder) != NULL);
    int at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = openat(at, "000001.segment", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(write(fd, data, size) == (ssize_t)size);
    close(fd);
    struct segment *segment = NULL;
    struct err err;
    uint64_t count;
    if (segment_open(at, "000001.segment", &segment, &err) == 0) {
        CHECK(segment_scan(segment, 0, &count, &err) == 0);
        segment_free(segment);
    }
    unlinkat(at, "000001.segment", 0);
    close(at);
    rmdir(folder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    if (data[0] == 'r')
        try_record(data + 1, size - 1);
    else if (data[0] == 'w')
        try_records(data + 1, size - 1);
    else if (data[0] == 'f')
        try_file(data + 1, size - 1);
    return 0;
}
