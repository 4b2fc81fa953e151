/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/quirks.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"

/* Made from etc/quirks.conf by embed.py. */
extern const char quirks_conf[];
extern const unsigned long quirks_conf_length;

/* A view of one word. */
struct word {
    const char *at;
    size_t length;
};

/* The words of a rule are kept as text and applied whenever it matches: they
 * were understood once, so they will be again. */
struct rule {
    struct oid prefix;
    char *words;
};

struct quirk_table {
    struct rule *rules;
    size_t count, capacity;
};

const char *quirks_delivered(size_t *ret_length)
{
    *ret_length = quirks_conf_length;
    return quirks_conf;
}

struct quirk_table *quirk_table_new(void)
{
    return alloc_zeroed(1, sizeof(struct quirk_table));
}

void quirk_table_free(struct quirk_table *table)
{
    if (table == NULL)
        return;
    for (size_t i = 0; i < table->count; i++)
        free(table->rules[i].words);
    free(table->rules);
    free(table);
}

static bool word_is(struct word word, const char *text)
{
    return word.length == strlen(text) && memcmp(word.at, text, word.length) == 0;
}

/* Returns the position of `word` in the NULL-ended `words`, -1 when it is none. */
static int word_choice(struct word word, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++)
        if (word_is(word, words[i]))
            return i;
    return -1;
}

/* Takes what is before the next `separator` from the front of `rest`. */
static struct word word_split(struct word *rest, char separator)
{
    const char *found = memchr(rest->at, separator, rest->length);
    size_t length = found == NULL ? rest->length : (size_t)(found - rest->at);
    struct word first = {rest->at, length};
    size_t used = found == NULL ? length : length + 1;
    rest->at += used;
    rest->length -= used;
    return first;
}

static int parse_number(struct word word, int64_t low, int64_t high, int64_t *ret)
{
    bool minus = word.length > 0 && word.at[0] == '-';
    int64_t number = 0;
    size_t i = minus ? 1 : 0;
    if (i == word.length)
        return ERR_SYNTAX;
    for (; i < word.length; i++) {
        if (word.at[i] < '0' || word.at[i] > '9')
            return ERR_SYNTAX;
        number = number * 10 + (word.at[i] - '0');
        if (number > INT32_MAX)
            return ERR_RANGE;
    }
    number = minus ? -number : number;
    if (number < low || number > high)
        return ERR_RANGE;
    *ret = number;
    return 0;
}

static int parse_flag(struct word word, bool *ret)
{
    static const char *const words[] = {"no", "yes", NULL};
    int choice = word_choice(word, words);
    if (choice < 0)
        return ERR_SYNTAX;
    *ret = choice == 1;
    return 0;
}

/* --- one function a key; the value's words stand in the table below --- */

static int set_order(struct quirk *quirk, struct word value)
{
    static const char *const words[] = {"dot1d", "dot1q", "ieee8021q", "vendor", NULL};
    quirk->order_count = 0;
    while (value.length > 0) {
        int family = word_choice(word_split(&value, ','), words);
        if (family < 0 || quirk->order_count == BRIDGE_FAMILY_COUNT)
            return ERR_SYNTAX;
        quirk->order[quirk->order_count++] = (enum bridge_family)family;
    }
    return quirk->order_count == 0 ? ERR_SYNTAX : 0;
}

static int set_both(struct quirk *quirk, struct word value)
{
    return parse_flag(value, &quirk->both);
}

static int set_contexts(struct quirk *quirk, struct word value)
{
    return parse_flag(value, &quirk->contexts);
}

static int set_context_prefix(struct quirk *quirk, struct word value)
{
    if (value.length >= QUIRK_TEXT_SIZE)
        return ERR_RANGE;
    memcpy(quirk->context_prefix, value.at, value.length);
    quirk->context_prefix[value.length] = '\0';
    return 0;
}

static int set_vlan(struct quirk *quirk, struct word value)
{
    static const char *const words[] = {"standard", "fdb", "tags", NULL};
    int choice = word_choice(value, words);
    quirk->vlan = choice < 0 ? QUIRK_VLAN_STANDARD : (enum quirk_vlan)choice;
    return choice < 0 ? ERR_SYNTAX : 0;
}

/* An OID, or "none". */
static int parse_column(struct word value, struct oid *ret)
{
    if (!word_is(value, "none"))
        return oid_parse(value.at, value.length, ret);
    ret->length = 0;
    return 0;
}

static int set_tag(struct quirk *quirk, struct word value)
{
    return parse_column(value, &quirk->tag);
}

static int set_tag_fdb(struct quirk *quirk, struct word value)
{
    return parse_column(value, &quirk->tag_fdb);
}

static int set_tag_shift(struct quirk *quirk, struct word value)
{
    int64_t number = 0;
    int code = parse_number(value, 0, 31, &number);
    quirk->tag_shift = (uint32_t)number;
    return code;
}

static int set_port(struct quirk *quirk, struct word value)
{
    static const char *const words[] = {"standard", "ifindex", "offset", "shift", NULL};
    int choice = word_choice(value, words);
    quirk->port = choice < 0 ? BRIDGE_PORT_UNKNOWN : (enum bridge_port_rule)choice;
    return choice < 0 ? ERR_SYNTAX : 0;
}

static int set_offset(struct quirk *quirk, struct word value)
{
    return parse_number(value, INT32_MIN, INT32_MAX, &quirk->offset);
}

static int set_status(struct quirk *quirk, struct word value)
{
    return parse_flag(value, &quirk->status);
}

static int set_disorder(struct quirk *quirk, struct word value)
{
    return parse_flag(value, &quirk->disorder);
}

static int set_max_repetitions(struct quirk *quirk, struct word value)
{
    int64_t number = 0;
    int code = parse_number(value, 1, UINT16_MAX, &number);
    quirk->max_repetitions = (uint16_t)number;
    return code;
}

static int set_fdb(struct quirk *quirk, struct word value)
{
    return parse_column(value, &quirk->fdb.column);
}

static int set_index(struct quirk *quirk, struct word value)
{
    static const char *const words[] = {"mac", "vlan", "fdb", "port", "skip", "rest", NULL};
    size_t count = 0;
    while (value.length > 0) {
        int element = word_choice(word_split(&value, ','), words);
        if (element < 0 || count == QUIRK_INDEX_SIZE - 1)
            return ERR_SYNTAX;
        quirk->fdb.index[count++] = (enum quirk_index)(element + 1);
    }
    quirk->fdb.index[count] = QUIRK_INDEX_END;
    return count == 0 ? ERR_SYNTAX : 0;
}

static int set_ageing(struct quirk *quirk, struct word value)
{
    return parse_number(value, 1, 1000000, &quirk->ageing_seconds);
}

static const struct key {
    const char *word;
    int (*set)(struct quirk *, struct word);
    const char *expected;
} keys[] = {
    {"order", set_order, "names of tables joined by commas: dot1q, dot1d, ieee8021q, vendor"},
    {"both", set_both, "yes or no"},
    {"contexts", set_contexts, "yes or no"},
    {"context_prefix", set_context_prefix, "a text of less than 32 characters"},
    {"vlan", set_vlan, "standard, fdb or tags"},
    {"tag", set_tag, "an OID or none"},
    {"tag_fdb", set_tag_fdb, "an OID or none"},
    {"tag_shift", set_tag_shift, "a number from 0 to 31"},
    {"port", set_port, "standard, ifindex, offset or shift"},
    {"offset", set_offset, "a number of 32 bits"},
    {"status", set_status, "yes or no"},
    {"disorder", set_disorder, "yes or no"},
    {"max_repetitions", set_max_repetitions, "a number from 1 to 65535"},
    {"fdb", set_fdb, "an OID or none"},
    {"index", set_index, "elements joined by commas: mac, vlan, fdb, port, skip, rest"},
    {"ageing", set_ageing, "seconds from 1 to 1000000"},
};

/* Applies one `key=value`; sets *ret_key to the key, NULL when there is none. */
static int apply_word(struct quirk *quirk, struct word word, const struct key **ret_key)
{
    struct word name = word_split(&word, '=');
    *ret_key = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        if (!word_is(name, keys[i].word))
            continue;
        *ret_key = &keys[i];
        return keys[i].set(quirk, word);
    }
    return ERR_NOT_FOUND;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Takes the next word between blanks from the front of `rest`; empty at the end. */
static struct word next_word(struct word *rest)
{
    while (rest->length > 0 && is_blank(rest->at[0])) {
        rest->at++;
        rest->length--;
    }
    size_t length = 0;
    while (length < rest->length && !is_blank(rest->at[length]))
        length++;
    struct word found = {rest->at, length};
    rest->at += length;
    rest->length -= length;
    return found;
}

/* Applies every word of a rule that was understood before. */
static void apply_rule(struct quirk *quirk, const struct rule *rule)
{
    struct word rest = {rule->words, strlen(rule->words)};
    for (;;) {
        struct word word = next_word(&rest);
        const struct key *key;
        if (word.length == 0)
            return;
        CHECK(apply_word(quirk, word, &key) == 0);
    }
}

static int check_words(struct word rest, const char *file, size_t line, struct err *err)
{
    struct quirk scratch = {0};
    for (;;) {
        struct word word = next_word(&rest);
        const struct key *key;
        if (word.length == 0)
            return 0;
        int code = apply_word(&scratch, word, &key);
        if (code == 0)
            continue;
        int shown = word.length > 80 ? 80 : (int)word.length;
        if (key == NULL)
            return err_set(err, ERR_SYNTAX,
                           "%s:%zu: \"%.*s\": expected one of the keys of "
                           "etc/quirks.conf and its value, as in status=yes",
                           file, line, shown, word.at);
        return err_set(err, code, "%s:%zu: \"%.*s\": expected %s=%s", file, line, shown, word.at,
                       key->word, key->expected);
    }
}

static int add_line(struct quirk_table *table, struct word line, const char *file, size_t number,
                    struct err *err)
{
    struct word rest = word_split(&line, '#');
    struct word first = next_word(&rest);
    if (first.length == 0)
        return 0;
    struct rule rule;
    int code = oid_parse(first.at, first.length, &rule.prefix);
    if (code != 0)
        return err_set(err, code,
                       "%s:%zu: \"%.*s\": expected the beginning of a sysObjectID, as "
                       "in 1.3.6.1.4.1.9",
                       file, number, first.length > 80 ? 80 : (int)first.length, first.at);
    code = check_words(rest, file, number, err);
    if (code != 0)
        return code;
    if (table->count == QUIRKS_MAX)
        return err_set(err, ERR_LIMIT, "%s:%zu: more than %d rules", file, number, QUIRKS_MAX);
    rule.words = alloc_zeroed(rest.length + 1, 1);
    memcpy(rule.words, rest.at, rest.length);
    table->rules = alloc_grow(table->rules, table->count, &table->capacity, sizeof *table->rules);
    table->rules[table->count++] = rule;
    return 0;
}

int quirk_table_add(struct quirk_table *table, const char *file, const char *text, size_t length,
                    struct err *err)
{
    struct word rest = {text, length};
    for (size_t number = 1; rest.length > 0; number++) {
        struct word line = word_split(&rest, '\n');
        if (memchr(line.at, '\0', line.length) != NULL)
            return err_set(err, ERR_SYNTAX, "%s:%zu: a NUL octet: expected text", file, number);
        int code = add_line(table, line, file, number, err);
        if (code != 0)
            return code;
    }
    return 0;
}

bool quirk_table_find(const struct quirk_table *table, const struct oid *sys_object_id,
                      struct quirk *ret)
{
    *ret = (struct quirk){
        .order = {BRIDGE_DOT1Q, BRIDGE_DOT1D, BRIDGE_IEEE8021Q},
        .order_count = 3,
        .context_prefix = "vlan-",
        .ageing_seconds = -1,
    };
    bool found = false;
    if (table == NULL || sys_object_id == NULL)
        return false;
    for (uint32_t length = 1; length <= sys_object_id->length; length++) {
        for (size_t i = 0; i < table->count; i++) {
            const struct rule *rule = &table->rules[i];
            if (rule->prefix.length != length || !oid_has_prefix(sys_object_id, &rule->prefix))
                continue;
            apply_rule(ret, rule);
            found = true;
        }
    }
    return found;
}
