/* SPDX-License-Identifier: Apache-2.0 */
#include "source/radius_port.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

enum rule_kind { RULE_AUTO, RULE_ID, RULE_NUMBER, RULE_TEMPLATE };

enum { GROUPS = 10, CONSTANT_MAX = 1 << 30 };

struct radius_port_rule {
    enum rule_kind kind;
    char *template;
    bool matches; /* `regex` is compiled */
    regex_t regex;
};

/* --- {n+1%100} --- */

static bool apply_operator(char sign, int64_t constant, int64_t *value)
{
    switch (sign) {
    case '+':
        return !__builtin_add_overflow(*value, constant, value);
    case '-':
        *value -= constant;
        return *value >= 0;
    case '*':
        return !__builtin_mul_overflow(*value, constant, value);
    case '/':
        *value = constant == 0 ? 0 : *value / constant;
        return constant != 0;
    case '%':
        *value = constant == 0 ? 0 : *value % constant;
        return constant != 0;
    case '&':
        *value &= constant;
        return true;
    case '>':
        *value = constant < 63 ? *value >> constant : 0;
        return true;
    default:
        return false;
    }
}

/* Computes the expression at *at, behind its '{'; moves behind its '}'. Returns whether it
 * is one and has a value for `n`. */
static bool evaluate(const char **at, uint32_t n, int64_t *ret)
{
    const char *p = *at;
    int64_t value = n;
    bool sound = true;
    if (*p++ != 'n')
        return false;
    while (*p != '}') {
        char *end;
        const char sign = *p;
        if (sign == '\0' || p[1] < '0' || p[1] > '9')
            return false;
        unsigned long constant = strtoul(p + 1, &end, 10);
        if (constant > CONSTANT_MAX || strchr("+-*/%&>", sign) == NULL)
            return false;
        sound = sound && apply_operator(sign, (int64_t)constant, &value);
        p = end;
    }
    *at = p + 1;
    *ret = value;
    return sound;
}

/* --- templates --- */

/* One piece of output: appends, or says that it does not fit. */
static bool put(char *buffer, size_t *length, const char *bytes, size_t count)
{
    if (count >= RADIUS_TEXT_SIZE - *length)
        return false;
    memcpy(buffer + *length, bytes, count);
    *length += count;
    buffer[*length] = '\0';
    return true;
}

/* Fills the template; `id` and `groups` are the matched NAS-Port-Id's. */
static bool fill_template(const char *template, const struct radius_accounting *record,
                          const char *id, const regmatch_t groups[static GROUPS], char *buffer)
{
    size_t length = 0;
    char number[24];
    for (const char *at = template; *at != '\0';) {
        bool fits;
        if (at[0] == '\\' && at[1] >= '1' && at[1] <= '9') {
            const regmatch_t *group = &groups[at[1] - '0'];
            fits = group->rm_so < 0 ||
                   put(buffer, &length, id + group->rm_so, (size_t)(group->rm_eo - group->rm_so));
            at += 2;
        } else if (at[0] == '{') {
            int64_t value;
            at++;
            if (!record->has_port || !evaluate(&at, record->port, &value))
                return false;
            int digits = snprintf(number, sizeof(number), "%lld", (long long)value);
            fits = put(buffer, &length, number, (size_t)digits);
        } else {
            fits = put(buffer, &length, at++, 1);
        }
        if (!fits)
            return false;
    }
    return true;
}

static int check_template(const char *template, struct err *err)
{
    int64_t unused;
    for (const char *at = template; *at != '\0';) {
        if (*at++ != '{')
            continue;
        const char *from = at;
        /* Any number does for the form; that it has no value for this one is no fault. */
        if (!evaluate(&at, UINT32_MAX, &unused) && (at == from))
            return err_set(err, ERR_SYNTAX,
                           "ports: found \"{%.40s\", expected {n} with operators + - * / %% & "
                           "> and numbers, as in {n%%100}",
                           from);
    }
    return 0;
}

/* --- rules --- */

static int compile(struct radius_port_rule *rule, const char *text, struct err *err)
{
    static const char *const words[] = {"auto", "id", "number"};
    const char *arrow = text != NULL ? strstr(text, "=>") : NULL;
    char message[120];
    if (text == NULL || text[0] == '\0')
        return 0;
    if (strlen(text) > RADIUS_PORT_RULE)
        return err_set(err, ERR_LIMIT, "ports: longer than %d octets", RADIUS_PORT_RULE);
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (strcmp(text, words[i]) == 0) {
            rule->kind = (enum rule_kind)i;
            return 0;
        }
    }
    rule->kind = RULE_TEMPLATE;
    rule->template = alloc_text(arrow != NULL ? arrow + 2 : text);
    if (arrow == NULL && strchr(text, '{') == NULL)
        return err_set(err, ERR_SYNTAX,
                       "ports: found \"%.60s\", expected auto, id, number, a template with {n}, "
                       "or REGEX=>TEMPLATE",
                       text);
    if (arrow != NULL) {
        AUTO_FREE char *pattern = alloc_text(text);
        pattern[arrow - text] = '\0';
        int status = regcomp(&rule->regex, pattern, REG_EXTENDED);
        if (status != 0) {
            regerror(status, &rule->regex, message, sizeof(message));
            return err_set(err, ERR_SYNTAX, "ports: \"%.60s\": %s", pattern, message);
        }
        rule->matches = true;
    }
    return check_template(rule->template, err);
}

struct radius_port_rule *radius_port_rule_new(const char *text, struct err *err)
{
    struct radius_port_rule *rule = alloc_zeroed(1, sizeof(*rule));
    if (compile(rule, text, err) == 0)
        return rule;
    radius_port_rule_free(rule);
    return NULL;
}

void radius_port_rule_free(struct radius_port_rule *rule)
{
    if (rule == NULL)
        return;
    if (rule->matches)
        regfree(&rule->regex);
    free(rule->template);
    free(rule);
}

static void apply_template(const struct radius_port_rule *rule,
                           const struct radius_accounting *record, char *buffer)
{
    char id[RADIUS_TEXT_SIZE];
    regmatch_t groups[GROUPS] = {{0}};
    radius_text_copy(record->port_id, id);
    for (size_t i = 0; i < GROUPS; i++)
        groups[i].rm_so = -1;
    if (rule->matches && regexec(&rule->regex, id, GROUPS, groups, 0) != 0)
        return;
    if (!fill_template(rule->template, record, id, groups, buffer) || strcmp(buffer, "#0") == 0)
        buffer[0] = '\0';
}

char *radius_port_apply(const struct radius_port_rule *rule, const struct radius_accounting *record,
                        char buffer[static RADIUS_TEXT_SIZE])
{
    buffer[0] = '\0';
    if (rule->kind == RULE_TEMPLATE) {
        apply_template(rule, record, buffer);
        return buffer;
    }
    if (rule->kind != RULE_NUMBER)
        radius_text_copy(record->port_id, buffer);
    /* No interface has index 0: a switch that counts no ports says so. */
    if (buffer[0] == '\0' && rule->kind != RULE_ID && record->has_port && record->port != 0)
        snprintf(buffer, RADIUS_TEXT_SIZE, "#%u", record->port);
    return buffer;
}
