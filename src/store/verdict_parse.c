/* SPDX-License-Identifier: Apache-2.0 */
/* The second half of verdict_text.h: JSON (RFC 8259) back into a discrepancy.
 *
 * Each kind of object is a table of its members, so that one function reads them
 * all: it looks a key up, lets the member's function read the value into place, and
 * at the end knows whether one was missing. The first octet that does not fit makes
 * everything after it end at once. */

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/verdict_text.h"

struct reading {
    struct arena *arena;
    const char *at, *end;
    bool bad;
};

/* --- the grammar --- */

static void skip_blanks(struct reading *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
}

/* Takes `c` if it is next, blanks before it included. */
static bool take_char(struct reading *r, char c)
{
    skip_blanks(r);
    bool is_next = !r->bad && r->at < r->end && *r->at == c;
    r->at += is_next;
    return is_next;
}

static void expect(struct reading *r, char c)
{
    if (!take_char(r, c))
        r->bad = true;
}

static bool take_word(struct reading *r, const char *word)
{
    size_t length = strlen(word);
    skip_blanks(r);
    bool is_next =
        !r->bad && (size_t)(r->end - r->at) >= length && memcmp(r->at, word, length) == 0;
    if (is_next)
        r->at += length;
    return is_next;
}

/* Ends a string: here a blank is no blank. */
static void expect_quote(struct reading *r)
{
    if (r->bad || r->at == r->end || *r->at != '"')
        r->bad = true;
    else
        r->at++;
}

/* Begins the next element of an array or object that `close` ends; false at its end. */
static bool next_element(struct reading *r, char close, bool *first)
{
    if (take_char(r, close))
        return false;
    if (!*first)
        expect(r, ',');
    *first = false;
    return !r->bad;
}

static uint32_t take_hex(struct reading *r)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = r->at < r->end ? *r->at++ : '\0', low = (char)(c | 0x20);
        if (c >= '0' && c <= '9')
            value = value << 4 | (uint32_t)(c - '0');
        else if (low >= 'a' && low <= 'f')
            value = value << 4 | (uint32_t)(low - 'a' + 10);
        else
            r->bad = true;
    }
    return value;
}

static void add_utf8(struct text *to, uint32_t code)
{
    if (code < 0x80) {
        text_add_char(to, (char)code);
        return;
    }
    int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint8_t leads[] = {0, 0xc0, 0xe0, 0xf0};
    text_add_char(to, (char)(leads[more] | code >> (6 * more)));
    while (more-- > 0)
        text_add_char(to, (char)(0x80 | (code >> (6 * more) & 0x3f)));
}

/* A \u escape, of which two make one character beyond U+FFFF. */
static void take_unicode(struct reading *r, struct text *to)
{
    uint32_t code = take_hex(r);
    if (code >= 0xd800 && code < 0xdc00) {
        bool pair = r->end - r->at >= 2 && r->at[0] == '\\' && r->at[1] == 'u';
        r->at += pair ? 2 : 0;
        uint32_t low = pair ? take_hex(r) : 0;
        if (low < 0xdc00 || low > 0xdfff)
            r->bad = true;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code < 0xe000) {
        r->bad = true;
    }
    if (!r->bad)
        add_utf8(to, code);
}

static void take_escape(struct reading *r, struct text *to)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    char c = r->at < r->end ? *r->at++ : '\0';
    const char *letter = c != '\0' ? strchr(letters, c) : NULL;
    if (c == 'u')
        take_unicode(r, to);
    else if (letter != NULL)
        text_add_char(to, meanings[letter - letters]);
    else
        r->bad = true;
}

/* Goes to the next octet of a string that does not stand for itself. */
static const char *plain_end(const struct reading *r)
{
    const char *at = r->at;
    while (at < r->end && *at != '"' && *at != '\\' && (uint8_t)*at >= 0x20)
        at++;
    return at;
}

static const char *keep_text(struct reading *r, const char *text, size_t length)
{
    if (!text_is_utf8(text, length))
        r->bad = true;
    return r->bad ? NULL : arena_text(r->arena, text, length);
}

/* Takes a string whose opening quote is gone. */
static const char *take_string(struct reading *r)
{
    const char *from = r->at;
    r->at = plain_end(r);
    if (r->at < r->end && *r->at == '"')
        return keep_text(r, from, (size_t)(r->at++ - from));
    AUTO_TEXT struct text text = TEXT_EMPTY;
    text_add_bytes(&text, from, (size_t)(r->at - from));
    while (!r->bad && r->at < r->end && *r->at == '\\') {
        r->at++;
        take_escape(r, &text);
        from = r->at;
        r->at = plain_end(r);
        text_add_bytes(&text, from, (size_t)(r->at - from));
    }
    expect_quote(r);
    return keep_text(r, text_get(&text), text.length);
}

static void skip_value(struct reading *r, int depth)
{
    bool object = take_char(r, '{'), first = true;
    if (depth == VERDICT_DEPTH)
        r->bad = true;
    if (object || take_char(r, '[')) {
        while (next_element(r, object ? '}' : ']', &first)) {
            if (object) {
                expect(r, '"');
                (void)take_string(r);
                expect(r, ':');
            }
            skip_value(r, depth + 1);
        }
    } else if (take_char(r, '"')) {
        (void)take_string(r);
    } else if (!take_word(r, "null") && !take_word(r, "true") && !take_word(r, "false")) {
        const char *from = r->at;
        while (r->at < r->end && *r->at != '\0' && strchr("+-.0123456789eE", *r->at) != NULL)
            r->at++;
        if (r->at == from)
            r->bad = true;
    }
}

/* --- objects and arrays --- */

typedef void take_fn(struct reading *r, void *into);

struct member {
    const char *key;
    take_fn *take;
    size_t offset; /* of what it fills, in the object's struct */
};

/* The members from `needed` on may lack: rows of earlier versions do not have them. */
static void take_fields(struct reading *r, const struct member *members, size_t count,
                        size_t needed, void *into)
{
    uint32_t seen = 0;
    bool first = true;
    expect(r, '{');
    while (next_element(r, '}', &first)) {
        expect(r, '"');
        const char *key = r->at;
        r->at = plain_end(r);
        size_t length = (size_t)(r->at - key), i = 0;
        expect_quote(r);
        expect(r, ':');
        while (i < count &&
               (strlen(members[i].key) != length || memcmp(members[i].key, key, length) != 0))
            i++;
        if (i == count) {
            skip_value(r, 1);
            continue;
        }
        members[i].take(r, (char *)into + members[i].offset);
        seen |= UINT32_C(1) << i;
    }
    uint32_t wanted = (UINT32_C(1) << needed) - 1;
    if ((seen & wanted) != wanted)
        r->bad = true;
}

static void take_object(struct reading *r, const struct member *members, size_t count, void *into)
{
    take_fields(r, members, count, count, into);
}

/* Reads an array of `size` octets an element into the arena. */
static void take_array(struct reading *r, const struct member *members, size_t count, size_t size,
                       take_fn *take, const void **ret, size_t *ret_count)
{
    char *items = NULL;
    size_t item_count = 0, capacity = 0;
    bool first = true;
    expect(r, '[');
    while (next_element(r, ']', &first)) {
        items = alloc_grow(items, item_count, &capacity, size);
        char *item = items + item_count++ * size;
        memset(item, 0, size);
        if (take != NULL)
            take(r, item);
        else
            take_object(r, members, count, item);
    }
    void *kept = arena_alloc(r->arena, (item_count + 1) * size);
    if (item_count > 0)
        memcpy(kept, items, item_count * size);
    free(items);
    *ret = kept;
    *ret_count = item_count;
}

/* --- values --- */

static void take_text(struct reading *r, void *into)
{
    const char *text = NULL;
    if (!take_word(r, "null")) {
        expect(r, '"');
        text = take_string(r);
    }
    *(const char **)into = text;
}

static void take_wall(struct reading *r, void *into)
{
    struct wall *wall = into;
    *wall = WALL_UNKNOWN;
    if (take_word(r, "null"))
        return;
    bool negative = take_char(r, '-'), bad = false;
    const char *from = r->at;
    int64_t value = 0;
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++)
        bad |= __builtin_mul_overflow(value, 10, &value) ||
               __builtin_sub_overflow(value, *r->at - '0', &value);
    bad |= r->at == from || (!negative && value == INT64_MIN);
    r->bad |= bad;
    wall->us = bad || negative ? value : -value;
}

static void take_mac(struct reading *r, void *into)
{
    struct mac mac = MAC_NONE;
    const char *text = NULL;
    take_text(r, &text);
    if (text != NULL && mac_parse(text, strlen(text), &mac) != 0)
        r->bad = true;
    *(struct mac *)into = mac;
}

static void take_kind(struct reading *r, void *into)
{
    const char *word = NULL;
    take_text(r, &word);
    enum discrepancy_kind kind = word == NULL ? DISCREPANCY_KIND_COUNT : discrepancy_parse(word);
    if (kind == DISCREPANCY_KIND_COUNT)
        r->bad = true;
    *(enum discrepancy_kind *)into = kind;
}

static void take_state(struct reading *r, void *into)
{
    const char *word = NULL;
    take_text(r, &word);
    if (word == NULL)
        r->bad = true;
    bool confirmed = word != NULL && strcmp(word, verdict_state_word(VERDICT_CONFIRMED)) == 0;
    *(enum verdict_state *)into = confirmed ? VERDICT_CONFIRMED : VERDICT_SUSPECTED;
}

static void take_severity(struct reading *r, void *into)
{
    const char *word = NULL;
    enum severity severity = SEVERITY_INFO;
    take_text(r, &word);
    if (word == NULL)
        r->bad = true;
    while (word != NULL && severity < SEVERITY_CRITICAL &&
           strcmp(word, severity_word(severity)) != 0)
        severity++;
    *(enum severity *)into = severity;
}

static void take_ip(struct reading *r, void *into)
{
    const char *text = NULL;
    take_text(r, &text);
    if (text != NULL && ip_parse(text, strlen(text), into) != 0)
        r->bad = true;
}

static void take_subject(struct reading *r, void *into)
{
    static const struct member members[] = {
        {"guest", take_text, offsetof(struct subject, guest)},
        {"uuid", take_text, offsetof(struct subject, uuid)},
        {"hypervisor", take_text, offsetof(struct subject, hypervisor)},
        {"switch", take_text, offsetof(struct subject, switch_name)},
        {"source", take_text, offsetof(struct subject, source)},
        {"port", take_text, offsetof(struct subject, port)},
        {"mac", take_mac, offsetof(struct subject, mac)},
        {"address", take_ip, offsetof(struct subject, address)},
    };
    take_fields(r, members, ARRAY_COUNT(members), ARRAY_COUNT(members) - 1, into);
}

/* Those that fill a pointer and a count get the whole discrepancy. */

static void take_macs(struct reading *r, void *into)
{
    struct discrepancy *d = into;
    const void *items;
    take_array(r, NULL, 0, sizeof(struct mac), take_mac, &items, &d->mac_count);
    d->macs = items;
}

static void take_hypervisors(struct reading *r, void *into)
{
    struct discrepancy *d = into;
    const void *items;
    take_array(r, NULL, 0, sizeof(char *), take_text, &items, &d->expected_hypervisor_count);
    d->expected_hypervisors = items;
}

static void take_members(struct reading *r, void *into)
{
    struct discrepancy *d = into;
    const void *items;
    take_array(r, NULL, 0, sizeof(char *), take_text, &items, &d->member_count);
    d->members = items;
}

static void take_expected(struct reading *r, void *into)
{
    static const struct member members[] = {
        {"switch", take_text, offsetof(struct named_place, switch_name)},
        {"port", take_text, offsetof(struct named_place, port)},
    };
    struct discrepancy *d = into;
    const void *items;
    take_array(r, members, ARRAY_COUNT(members), sizeof(struct named_place), NULL, &items,
               &d->expected_count);
    d->expected = items;
}

static void take_observed(struct reading *r, void *into)
{
    static const struct member members[] = {
        {"switch", take_text, offsetof(struct observed_place, place.switch_name)},
        {"port", take_text, offsetof(struct observed_place, place.port)},
        {"vlan", take_text, offsetof(struct observed_place, vlan)},
        {"from", take_wall, offsetof(struct observed_place, from)},
        {"to", take_wall, offsetof(struct observed_place, to)},
        {"source", take_text, offsetof(struct observed_place, source)},
    };
    struct discrepancy *d = into;
    const void *items;
    take_array(r, members, ARRAY_COUNT(members), sizeof(struct observed_place), NULL, &items,
               &d->observed_count);
    d->observed = items;
}

static void take_evidence(struct reading *r, void *into)
{
    static const struct member members[] = {
        {"what", take_text, offsetof(struct evidence, what)},
        {"source", take_text, offsetof(struct evidence, source)},
        {"at", take_wall, offsetof(struct evidence, at)},
        {"text", take_text, offsetof(struct evidence, text)},
    };
    struct discrepancy *d = into;
    const void *items;
    take_array(r, members, ARRAY_COUNT(members), sizeof(struct evidence), NULL, &items,
               &d->evidence_count);
    d->evidence = items;
}

int verdict_text_parse(const char *text, size_t length, struct arena *arena,
                       struct discrepancy *ret)
{
    static const struct member members[] = {
        {"kind", take_kind, offsetof(struct discrepancy, kind)},
        {"state", take_state, offsetof(struct discrepancy, state)},
        {"severity", take_severity, offsetof(struct discrepancy, severity)},
        {"domain", take_text, offsetof(struct discrepancy, domain)},
        {"identity", take_text, offsetof(struct discrepancy, identity)},
        {"subject", take_subject, offsetof(struct discrepancy, subject)},
        {"macs", take_macs, 0},
        {"expected_hypervisors", take_hypervisors, 0},
        {"expected", take_expected, 0},
        {"observed", take_observed, 0},
        {"evidence", take_evidence, 0},
        {"why", take_text, offsetof(struct discrepancy, why)},
        {"would_prove", take_text, offsetof(struct discrepancy, would_prove)},
        {"members", take_members, 0},
        {"run_state", take_text, offsetof(struct discrepancy, run_state)},
    };
    struct discrepancy discrepancy = {0};
    struct reading reading = {.arena = arena, .at = text, .end = text + length};
    take_object(&reading, members, ARRAY_COUNT(members), &discrepancy);
    skip_blanks(&reading);
    if (reading.bad || reading.at != reading.end || discrepancy.identity == NULL)
        return ERR_CORRUPT;
    *ret = discrepancy;
    return 0;
}
