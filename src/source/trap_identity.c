/* SPDX-License-Identifier: Apache-2.0 */
#include "source/trap_identity.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/text.h"
#include "io/file.h"

enum {
    STATE_LIMIT = 4096,
    CREDENTIALS_LIMIT = 64 * 1024,
    WORD_MAX = 6,
    RANDOM_OCTETS = 8,
    STATE_MODE = 0600
};

/* The number that stands for "an example" (RFC 5612), with octets of our own behind. */
static const uint8_t id_prefix[] = {0x80, 0x00, 0x7e, 0xd9, 0x05};

/* --- the engine --- */

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int trap_engine_parse(const char *text, size_t length, uint8_t ret[static SNMP_ENGINE_ID_SIZE],
                      size_t *ret_length)
{
    uint8_t id[SNMP_ENGINE_ID_SIZE];
    size_t count = 0, at = 0;
    if (length >= 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        at = 2;
    while (at < length) {
        int high = digit_of(text[at]), low = at + 1 < length ? digit_of(text[at + 1]) : -1;
        if (high < 0 || low < 0 || count == sizeof(id))
            return ERR_SYNTAX;
        id[count++] = (uint8_t)(high << 4 | low);
        at += 2;
        if (at + 1 < length && text[at] == ':')
            at++;
    }
    if (count < IDENTITY_ENGINE_MIN)
        return ERR_SYNTAX;
    memcpy(ret, id, count);
    *ret_length = count;
    return 0;
}

static void make_engine(struct trap_engine *ret)
{
    *ret = (struct trap_engine){.id_length = sizeof(id_prefix) + RANDOM_OCTETS};
    memcpy(ret->id, id_prefix, sizeof(id_prefix));
    CHECK(RAND_bytes(ret->id + sizeof(id_prefix), RANDOM_OCTETS) == 1);
}

/* Returns the rest of the line that begins with `key` and a blank; NULL for none. */
static const char *line_of(const char *text, const char *key, size_t *ret_length)
{
    size_t length = strlen(key);
    for (const char *line = text; *line != '\0';) {
        size_t end = strcspn(line, "\n");
        if (end > length && strncmp(line, key, length) == 0 && line[length] == ' ') {
            *ret_length = end - length - 1;
            return line + length + 1;
        }
        line += end + (line[end] == '\n');
    }
    return NULL;
}

/* Reads what an earlier boot wrote; false when there is nothing that can be used. */
static bool load_engine(const char *path, struct trap_engine *ret)
{
    AUTO_FREE char *text = NULL;
    size_t length, id_length, boots_length;
    struct trap_engine engine = {0};
    if (file_read(path, STATE_LIMIT, &text, &length, NULL) != 0)
        return false;
    const char *id = line_of(text, "engine_id", &id_length);
    const char *boots = line_of(text, "boots", &boots_length);
    if (id == NULL || boots == NULL ||
        trap_engine_parse(id, id_length, engine.id, &engine.id_length) != 0)
        return false;
    char *end;
    errno = 0;
    long number = strtol(boots, &end, 10);
    if (errno != 0 || end == boots || number < 1 || number >= USM_BOOTS_MAX - 1)
        return false;
    engine.boots = (int32_t)number;
    *ret = engine;
    return true;
}

static int save_engine(const char *path, const struct trap_engine *engine, struct err *err)
{
    AUTO_TEXT struct text text = TEXT_EMPTY;
    text_add(&text, "engine_id ");
    for (size_t i = 0; i < engine->id_length; i++)
        text_printf(&text, "%02x", engine->id[i]);
    text_printf(&text, "\nboots %d\n", engine->boots);
    return file_write(path, text_get(&text), text.length, STATE_MODE, err);
}

int trap_engine_check(const char *engine_id, struct trap_engine *ret, struct err *err)
{
    *ret = (struct trap_engine){.id_length = 0};
    if (engine_id != NULL &&
        trap_engine_parse(engine_id, strlen(engine_id), ret->id, &ret->id_length) != 0)
        return err_set(err, ERR_SYNTAX, "engine_id \"%s\": expected %d to %d octets in hexadecimal",
                       engine_id, IDENTITY_ENGINE_MIN, SNMP_ENGINE_ID_SIZE);
    return 0;
}

int trap_engine_boot(const char *path, const char *engine_id, struct trap_engine *ret,
                     struct err *err)
{
    struct trap_engine engine, wanted;
    if (trap_engine_check(engine_id, &wanted, err) != 0)
        return ERR_SYNTAX;
    if (path == NULL || !load_engine(path, &engine))
        make_engine(&engine);
    if (engine_id != NULL && (engine.id_length != wanted.id_length ||
                              memcmp(engine.id, wanted.id, wanted.id_length) != 0))
        engine = wanted;
    engine.boots++;
    int code = path != NULL ? save_engine(path, &engine, err) : 0;
    if (code == 0)
        *ret = engine;
    else
        err_prefix(err, "keeping the engine id that informs are sent to");
    return code;
}

/* --- credentials --- */

int trap_credentials_add_community(struct trap_credentials *to, const char *community,
                                   struct err *err)
{
    if (*community == '\0' || strlen(community) > SNMP_COMMUNITY_SIZE)
        return err_set(err, ERR_RANGE, "a community is empty or longer than %d octets",
                       SNMP_COMMUNITY_SIZE);
    if (to->community_count == IDENTITY_COMMUNITIES)
        return err_set(err, ERR_LIMIT, "more than %d communities", IDENTITY_COMMUNITIES);
    to->communities[to->community_count++] = alloc_text(community);
    return 0;
}

static int read_protocols(const struct trap_user_options *user, enum usm_auth *ret_auth,
                          enum usm_priv *ret_priv, struct err *err)
{
    *ret_auth = USM_AUTH_NONE;
    *ret_priv = USM_PRIV_NONE;
    if (user->auth_protocol != NULL && usm_auth_parse(user->auth_protocol, ret_auth) != 0)
        return err_set(err, ERR_SYNTAX,
                       "authentication \"%s\" is not known, expected none, md5, sha, sha224, "
                       "sha256, sha384 or sha512",
                       user->auth_protocol);
    if (user->priv_protocol != NULL && usm_priv_parse(user->priv_protocol, ret_priv) != 0)
        return err_set(err, ERR_SYNTAX,
                       "privacy \"%s\" is not known, expected none, des, aes, aes192, aes256, "
                       "aes192-cisco or aes256-cisco",
                       user->priv_protocol);
    return 0;
}

int trap_credentials_add_user(struct trap_credentials *to, const struct usm_crypto *crypto,
                              const struct trap_user_options *user, struct err *err)
{
    enum usm_auth auth;
    enum usm_priv priv;
    for (size_t i = 0; i < to->user_count; i++)
        if (strcmp(to->users[i].name, user->name) == 0)
            return err_set(err, ERR_SYNTAX, "the user \"%s\" is there twice", user->name);
    if (to->user_count == IDENTITY_USERS)
        return err_set(err, ERR_LIMIT, "more than %d users", IDENTITY_USERS);
    int code = read_protocols(user, &auth, &priv, err);
    if (code == 0)
        code = usm_user_check(crypto, user->name, auth, user->auth_password, priv,
                              user->priv_password, err);
    if (code != 0)
        return code;
    struct usm_user *added = &to->users[to->user_count];
    *added = (struct usm_user){.name_length = strlen(user->name), .auth = auth, .priv = priv};
    memcpy(added->name, user->name, added->name_length);
    to->passwords[to->user_count] = (struct trap_passwords){
        .auth = auth != USM_AUTH_NONE ? alloc_text(user->auth_password) : NULL,
        .priv = priv != USM_PRIV_NONE ? alloc_text(user->priv_password) : NULL};
    to->user_count++;
    return 0;
}

static void wipe(char **password)
{
    if (*password != NULL)
        OPENSSL_cleanse(*password, strlen(*password));
    free(*password);
    *password = NULL;
}

bool trap_credentials_derive(struct trap_credentials *credentials, struct usm_crypto *crypto)
{
    if (credentials->derived == credentials->user_count)
        return false;
    struct usm_user *user = &credentials->users[credentials->derived], made;
    struct trap_passwords *passwords = &credentials->passwords[credentials->derived];
    /* Checked when it was added. The first of two keys is kept by `crypto` until the next turn. */
    bool first_of_two = passwords->priv != NULL && !credentials->has_first;
    CHECK(usm_user_init(&made, crypto, user->name, user->auth, passwords->auth,
                        first_of_two ? USM_PRIV_NONE : user->priv,
                        first_of_two ? NULL : passwords->priv, NULL) == 0);
    credentials->has_first = first_of_two;
    if (first_of_two) {
        usm_user_done(&made);
        return true;
    }
    *user = made;
    usm_user_done(&made);
    wipe(&passwords->auth);
    wipe(&passwords->priv);
    return ++credentials->derived < credentials->user_count;
}

/* Cuts `line` into words, which are terminated in place. Returns how many, more than
 * WORD_MAX when there are. */
static size_t split(char *line, char *words[static WORD_MAX])
{
    size_t count = 0;
    char *rest = line;
    for (char *word; (word = strtok_r(rest, " \t\r", &rest)) != NULL && *word != '#'; count++)
        if (count < WORD_MAX)
            words[count] = word;
    return count;
}

static int add_line(struct trap_credentials *to, const struct usm_crypto *crypto, char *line,
                    struct err *err)
{
    char *words[WORD_MAX] = {NULL};
    size_t count = split(line, words);
    if (count == 0)
        return 0;
    if (strcmp(words[0], "community") == 0 && count == 2)
        return trap_credentials_add_community(to, words[1], err);
    if (strcmp(words[0], "user") == 0 && (count == 2 || count == 4 || count == 6)) {
        const struct trap_user_options user = {words[1], words[2], words[3], words[4], words[5]};
        return trap_credentials_add_user(to, crypto, &user, err);
    }
    return err_set(err, ERR_SYNTAX,
                   "expected \"community SECRET\" or \"user NAME [AUTH PASSWORD [PRIV "
                   "PASSWORD]]\"");
}

static int add_lines(struct trap_credentials *to, const struct usm_crypto *crypto, const char *path,
                     char *text, struct err *err)
{
    unsigned number = 0;
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        bool more = text[length] == '\n';
        text[length] = '\0';
        number++;
        if (add_line(to, crypto, text, err) != 0)
            return err_prefix(err, "%s:%u", path, number);
        text += length + more;
    }
    return 0;
}

int trap_credentials_add_file(struct trap_credentials *to, const struct usm_crypto *crypto,
                              const char *path, struct err *err)
{
    char *text = NULL;
    size_t length;
    struct stat about;
    if (stat(path, &about) == 0 && (about.st_mode & S_IROTH) != 0)
        return err_set(err, ERR_DENIED, "%s holds secrets and every user may read it: chmod o-r it",
                       path);
    int code = file_read(path, CREDENTIALS_LIMIT, &text, &length, err);
    if (code != 0)
        return code;
    code = add_lines(to, crypto, path, text, err);
    OPENSSL_cleanse(text, length);
    free(text);
    return code;
}

void trap_credentials_done(struct trap_credentials *credentials)
{
    for (size_t i = 0; i < credentials->community_count; i++) {
        OPENSSL_cleanse(credentials->communities[i], strlen(credentials->communities[i]));
        free(credentials->communities[i]);
    }
    for (size_t i = 0; i < credentials->user_count; i++) {
        usm_user_done(&credentials->users[i]);
        wipe(&credentials->passwords[i].auth);
        wipe(&credentials->passwords[i].priv);
    }
    *credentials = (struct trap_credentials){0};
}
