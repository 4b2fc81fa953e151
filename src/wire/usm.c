/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/usm.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct auth_protocol {
    const char *word;
    size_t digest, sent;
    const char *algorithm;
};
struct priv_protocol {
    const char *word;
    size_t key;
    const char *algorithm;
};

static const struct auth_protocol auths[USM_AUTH_COUNT] = {
#define AUTH(name, word, digest, sent, algorithm) {word, digest, sent, algorithm},
    USM_AUTHS(AUTH)
#undef AUTH
};
static const struct priv_protocol privs[USM_PRIV_COUNT] = {
#define PRIV(name, word, key, algorithm) {word, key, algorithm},
    USM_PRIVS(PRIV)
#undef PRIV
};

enum { PASSWORD_OCTETS = 1 << 20, BLOCK_MAX = 128, KEY_CHUNK = 4096, KEPT_KEYS = 64 };

/* A password that was turned into a key: switches by the thousand share a few. */
struct kept_key {
    enum usm_auth auth;             /* USM_AUTH_NONE: free */
    uint8_t password[USM_KEY_SIZE]; /* its hash */
    uint8_t key[USM_KEY_SIZE];
};

struct usm_crypto {
    EVP_MD *digests[USM_AUTH_COUNT];
    EVP_MD_CTX *hashes[USM_AUTH_COUNT]; /* kept initialised with their digest */
    EVP_CIPHER *ciphers[USM_PRIV_COUNT];
    EVP_CIPHER_CTX *cipher;
    enum usm_priv current; /* the cipher that `cipher` is set to */
    struct kept_key kept[KEPT_KEYS];
    unsigned kept_next;
    uint64_t salt; /* counts messages; random start */
};

/* --- words --- */

const char *usm_auth_word(enum usm_auth auth)
{
    CHECK((size_t)auth < ARRAY_COUNT(auths));
    return auths[auth].word;
}

const char *usm_priv_word(enum usm_priv priv)
{
    CHECK((size_t)priv < ARRAY_COUNT(privs));
    return privs[priv].word;
}

enum { WORD_SIZE = 24 };

/* Lower case without '-', '_', '/' and a leading "hmac" or "usm"; cut to fit. */
static void fold_word(const char *word, char folded[static WORD_SIZE])
{
    size_t used = 0;
    for (; *word != '\0' && used + 1 < WORD_SIZE; word++) {
        char c = *word;
        if (c == '-' || c == '_' || c == '/')
            continue;
        folded[used++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    folded[used] = '\0';
    if (strncmp(folded, "hmac", 4) == 0)
        memmove(folded, folded + 4, used - 3);
}

struct synonym {
    const char *word;
    int value;
};

static int find_synonym(const struct synonym *synonyms, size_t count, const char *word)
{
    char folded[WORD_SIZE];
    fold_word(word, folded);
    for (size_t i = 0; i < count; i++)
        if (strcmp(folded, synonyms[i].word) == 0)
            return synonyms[i].value;
    return -1;
}

int usm_auth_parse(const char *word, enum usm_auth *ret)
{
    static const struct synonym synonyms[] = {
        {"none", USM_AUTH_NONE},        {"", USM_AUTH_NONE},
        {"md5", USM_AUTH_MD5},          {"md596", USM_AUTH_MD5},
        {"sha", USM_AUTH_SHA1},         {"sha1", USM_AUTH_SHA1},
        {"sha96", USM_AUTH_SHA1},       {"sha196", USM_AUTH_SHA1},
        {"sha224", USM_AUTH_SHA224},    {"sha256", USM_AUTH_SHA256},
        {"sha384", USM_AUTH_SHA384},    {"sha512", USM_AUTH_SHA512},
        {"sha2", USM_AUTH_SHA256},      {"128sha224", USM_AUTH_SHA224},
        {"192sha256", USM_AUTH_SHA256}, {"256sha384", USM_AUTH_SHA384},
        {"384sha512", USM_AUTH_SHA512}};
    int value = find_synonym(synonyms, ARRAY_COUNT(synonyms), word);
    if (value < 0)
        return ERR_NOT_FOUND;
    *ret = (enum usm_auth)value;
    return 0;
}

int usm_priv_parse(const char *word, enum usm_priv *ret)
{
    static const struct synonym synonyms[] = {{"none", USM_PRIV_NONE},
                                              {"", USM_PRIV_NONE},
                                              {"des", USM_PRIV_DES},
                                              {"descbc", USM_PRIV_DES},
                                              {"aes", USM_PRIV_AES128},
                                              {"aes128", USM_PRIV_AES128},
                                              {"aes128cfb", USM_PRIV_AES128},
                                              {"aes192", USM_PRIV_AES192},
                                              {"aes256", USM_PRIV_AES256},
                                              {"aes192c", USM_PRIV_AES192_CISCO},
                                              {"aes256c", USM_PRIV_AES256_CISCO},
                                              {"aes192cisco", USM_PRIV_AES192_CISCO},
                                              {"aes256cisco", USM_PRIV_AES256_CISCO}};
    int value = find_synonym(synonyms, ARRAY_COUNT(synonyms), word);
    if (value < 0)
        return ERR_NOT_FOUND;
    *ret = (enum usm_priv)value;
    return 0;
}

/* --- contexts --- */

struct usm_crypto *usm_crypto_new(void)
{
    struct usm_crypto *crypto = alloc_zeroed(1, sizeof(*crypto));
    for (int i = USM_AUTH_NONE + 1; i < USM_AUTH_COUNT; i++) {
        /* MD5 must be had on FIPS hosts too: there it protects nothing secret. */
        crypto->digests[i] =
            EVP_MD_fetch(NULL, auths[i].algorithm, i == USM_AUTH_MD5 ? "-fips" : NULL);
        crypto->hashes[i] = EVP_MD_CTX_new();
        CHECK(crypto->hashes[i] != NULL);
    }
    for (int i = USM_PRIV_NONE + 1; i < USM_PRIV_COUNT; i++)
        crypto->ciphers[i] =
            EVP_CIPHER_fetch(NULL, privs[i].algorithm, i == USM_PRIV_DES ? "-fips" : NULL);
    crypto->cipher = EVP_CIPHER_CTX_new();
    CHECK(crypto->cipher != NULL);
    CHECK(RAND_bytes((unsigned char *)&crypto->salt, sizeof(crypto->salt)) == 1);
    return crypto;
}

void usm_crypto_free(struct usm_crypto *crypto)
{
    if (crypto == NULL)
        return;
    for (int i = 0; i < USM_AUTH_COUNT; i++) {
        EVP_MD_CTX_free(crypto->hashes[i]);
        EVP_MD_free(crypto->digests[i]);
    }
    for (int i = 0; i < USM_PRIV_COUNT; i++)
        EVP_CIPHER_free(crypto->ciphers[i]);
    EVP_CIPHER_CTX_free(crypto->cipher);
    OPENSSL_cleanse(crypto->kept, sizeof(crypto->kept));
    free(crypto);
}

/* Begins a hash. The first use fetches nothing: the digest is at hand; later uses
 * only reset the state. What libcrypto refuses was refused by usm_user_init(). */
static EVP_MD_CTX *hash_begin(struct usm_crypto *crypto, enum usm_auth auth)
{
    EVP_MD_CTX *hash = crypto->hashes[auth];
    const EVP_MD *digest = EVP_MD_CTX_get0_md(hash) == NULL ? crypto->digests[auth] : NULL;
    CHECK(EVP_DigestInit_ex2(hash, digest, NULL) == 1);
    return hash;
}

static void hash_add(EVP_MD_CTX *hash, const void *bytes, size_t length)
{
    CHECK(EVP_DigestUpdate(hash, bytes, length) == 1);
}

static void hash_end(EVP_MD_CTX *hash, uint8_t *digest)
{
    CHECK(EVP_DigestFinal_ex(hash, digest, NULL) == 1);
}

/* --- keys --- */

/* RFC 3414 A.2: the hash of the password repeated to 1 MiB. */
static void password_to_key(struct usm_crypto *crypto, enum usm_auth auth, const uint8_t *password,
                            size_t length, uint8_t *key)
{
    /* A chunk that is a whole number of passwords repeats without a seam. */
    uint8_t chunk[KEY_CHUNK];
    size_t usable = length <= KEY_CHUNK ? KEY_CHUNK / length * length : length;
    const uint8_t *source = password;
    if (length <= KEY_CHUNK) {
        for (size_t i = 0; i < usable; i += length)
            memcpy(chunk + i, password, length);
        source = chunk;
    }
    EVP_MD_CTX *hash = hash_begin(crypto, auth);
    for (size_t done = 0; done < PASSWORD_OCTETS; done += usable) {
        size_t rest = PASSWORD_OCTETS - done;
        hash_add(hash, source, rest < usable ? rest : usable);
    }
    hash_end(hash, key);
    OPENSSL_cleanse(chunk, sizeof(chunk));
}

/* As above, once for each of the latest passwords. */
static void user_key(struct usm_crypto *crypto, enum usm_auth auth, const char *password,
                     uint8_t key[static USM_KEY_SIZE])
{
    size_t length = strlen(password), digest = auths[auth].digest;
    uint8_t hashed[USM_KEY_SIZE] = {0};
    EVP_MD_CTX *hash = hash_begin(crypto, auth);
    hash_add(hash, password, length);
    hash_end(hash, hashed);
    for (size_t i = 0; i < KEPT_KEYS; i++) {
        const struct kept_key *kept = &crypto->kept[i];
        if (kept->auth == auth && CRYPTO_memcmp(kept->password, hashed, digest) == 0) {
            memcpy(key, kept->key, digest);
            OPENSSL_cleanse(hashed, sizeof(hashed));
            return;
        }
    }
    password_to_key(crypto, auth, (const uint8_t *)password, length, key);
    struct kept_key *kept = &crypto->kept[crypto->kept_next++ % KEPT_KEYS];
    kept->auth = auth;
    memcpy(kept->password, hashed, sizeof(hashed));
    memcpy(kept->key, key, digest);
    OPENSSL_cleanse(hashed, sizeof(hashed));
}

static void localise(struct usm_crypto *crypto, enum usm_auth auth, const uint8_t *key,
                     struct snmp_octets engine_id, uint8_t *ret)
{
    EVP_MD_CTX *hash = hash_begin(crypto, auth);
    hash_add(hash, key, auths[auth].digest);
    hash_add(hash, engine_id.bytes, engine_id.length);
    hash_add(hash, key, auths[auth].digest);
    hash_end(hash, ret);
}

static int check_password(const char *user, const char *what, const char *password, struct err *err)
{
    if (password == NULL || password[0] == '\0')
        return err_set(err, ERR_RANGE, "SNMPv3 user %s: the %s password is missing", user, what);
    if (strlen(password) < USM_PASSWORD_MIN)
        return err_set(err, ERR_RANGE,
                       "SNMPv3 user %s: the %s password is shorter than %d characters, which "
                       "RFC 3414 forbids and agents refuse",
                       user, what, USM_PASSWORD_MIN);
    return 0;
}

int usm_user_check(const struct usm_crypto *crypto, const char *name, enum usm_auth auth,
                   const char *auth_password, enum usm_priv priv, const char *priv_password,
                   struct err *err)
{
    size_t length = strlen(name);
    if (length == 0 || length > SNMP_USER_SIZE)
        return err_set(err, ERR_RANGE, "SNMPv3 user name has %zu characters, expected 1 to %d",
                       length, SNMP_USER_SIZE);
    if (priv != USM_PRIV_NONE && auth == USM_AUTH_NONE)
        return err_set(err, ERR_RANGE, "SNMPv3 user %s: privacy needs an authentication protocol",
                       name);
    if (auth != USM_AUTH_NONE) {
        if (crypto->digests[auth] == NULL)
            return err_set(err, ERR_UNSUPPORTED, "SNMPv3 user %s: libcrypto here refuses %s", name,
                           auths[auth].word);
        int result = check_password(name, "authentication", auth_password, err);
        if (result != 0)
            return result;
    }
    if (priv != USM_PRIV_NONE) {
        if (crypto->ciphers[priv] == NULL)
            return err_set(err, ERR_UNSUPPORTED, "SNMPv3 user %s: libcrypto here refuses %s", name,
                           privs[priv].word);
        return check_password(name, "privacy", priv_password, err);
    }
    return 0;
}

int usm_user_init(struct usm_user *ret, struct usm_crypto *crypto, const char *name,
                  enum usm_auth auth, const char *auth_password, enum usm_priv priv,
                  const char *priv_password, struct err *err)
{
    int result = usm_user_check(crypto, name, auth, auth_password, priv, priv_password, err);
    if (result != 0)
        return result;
    memset(ret, 0, sizeof(*ret));
    ret->name_length = strlen(name);
    memcpy(ret->name, name, ret->name_length);
    ret->auth = auth;
    ret->priv = priv;
    if (auth != USM_AUTH_NONE)
        user_key(crypto, auth, auth_password, ret->auth_key);
    if (priv != USM_PRIV_NONE)
        user_key(crypto, auth, priv_password, ret->priv_key);
    return 0;
}

void usm_user_done(struct usm_user *user)
{
    OPENSSL_cleanse(user, sizeof(*user));
}

/* Lengthens a localised key of `have` octets to `want`. Blumenthal's draft appends
 * the hash of all there is; Reeder's takes the key for a password and localises
 * what comes of it. `key` has room for `want` + a digest. */
static void extend_key(struct usm_crypto *crypto, const struct usm_user *user,
                       struct snmp_octets engine_id, size_t want, uint8_t *key)
{
    size_t digest = auths[user->auth].digest;
    bool reeder = user->priv == USM_PRIV_AES192_CISCO || user->priv == USM_PRIV_AES256_CISCO;
    for (size_t have = digest; have < want; have += digest) {
        if (reeder) {
            uint8_t next[USM_KEY_SIZE];
            password_to_key(crypto, user->auth, key + have - digest, digest, next);
            localise(crypto, user->auth, next, engine_id, key + have);
            OPENSSL_cleanse(next, sizeof(next));
        } else {
            EVP_MD_CTX *hash = hash_begin(crypto, user->auth);
            hash_add(hash, key, have);
            hash_end(hash, key + have);
        }
    }
}

void usm_keys_init(struct usm_keys *ret, struct usm_crypto *crypto, const struct usm_user *user,
                   struct snmp_octets engine_id)
{
    memset(ret, 0, sizeof(*ret));
    ret->auth = user->auth;
    ret->priv = user->priv;
    if (user->auth != USM_AUTH_NONE)
        localise(crypto, user->auth, user->auth_key, engine_id, ret->auth_key);
    if (user->priv != USM_PRIV_NONE) {
        uint8_t key[2 * USM_KEY_SIZE];
        localise(crypto, user->auth, user->priv_key, engine_id, key);
        extend_key(crypto, user, engine_id, privs[user->priv].key, key);
        memcpy(ret->priv_key, key, privs[user->priv].key);
        OPENSSL_cleanse(key, sizeof(key));
    }
}

void usm_keys_done(struct usm_keys *keys)
{
    OPENSSL_cleanse(keys, sizeof(*keys));
}

uint8_t usm_keys_flags(const struct usm_keys *keys)
{
    if (keys == NULL || keys->auth == USM_AUTH_NONE)
        return 0;
    return keys->priv == USM_PRIV_NONE ? SNMP_FLAG_AUTH : SNMP_FLAG_AUTH | SNMP_FLAG_PRIV;
}

/* --- digests --- */

/* HMAC (RFC 2104) of three pieces, so that a received digest can be taken for
 * zeroes without being overwritten. */
static void hmac(struct usm_crypto *crypto, const struct usm_keys *keys,
                 const struct snmp_octets pieces[static 3], uint8_t digest[static USM_KEY_SIZE])
{
    size_t length = auths[keys->auth].digest;
    size_t block = keys->auth >= USM_AUTH_SHA384 ? 128 : 64;
    uint8_t pad[BLOCK_MAX];
    memset(pad, 0x36, block);
    for (size_t i = 0; i < length; i++)
        pad[i] ^= keys->auth_key[i];
    EVP_MD_CTX *hash = hash_begin(crypto, keys->auth);
    hash_add(hash, pad, block);
    for (int i = 0; i < 3; i++)
        hash_add(hash, pieces[i].bytes, pieces[i].length);
    hash_end(hash, digest);
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    hash = hash_begin(crypto, keys->auth);
    hash_add(hash, pad, block);
    hash_add(hash, digest, length);
    hash_end(hash, digest);
    OPENSSL_cleanse(pad, sizeof(pad));
}

static bool digest_is_right(struct usm_crypto *crypto, const struct usm_keys *keys,
                            const struct snmp_message *message, const uint8_t *bytes)
{
    static const uint8_t zeroes[USM_KEY_SIZE];
    size_t sent = auths[keys->auth].sent;
    if (message->v3.auth.length != sent)
        return false;
    const uint8_t *behind = message->v3.auth.bytes + sent;
    struct snmp_octets pieces[3] = {{bytes, (size_t)(message->v3.auth.bytes - bytes)},
                                    {zeroes, sent},
                                    {behind, (size_t)(bytes + message->length - behind)}};
    uint8_t digest[USM_KEY_SIZE];
    hmac(crypto, keys, pieces, digest);
    return CRYPTO_memcmp(digest, message->v3.auth.bytes, sent) == 0;
}

/* --- ciphers --- */

static void put_u32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* RFC 3414 section 8.1.1.1 for DES, RFC 3826 section 3.1.2.1 for AES. */
static void make_iv(const struct usm_keys *keys, const struct snmp_v3 *v3, const uint8_t *salt,
                    uint8_t iv[static 16])
{
    if (keys->priv == USM_PRIV_DES) {
        for (int i = 0; i < SNMP_SALT_SIZE; i++)
            iv[i] = keys->priv_key[8 + i] ^ salt[i];
        return;
    }
    put_u32(iv, (uint32_t)v3->engine_boots);
    put_u32(iv + 4, (uint32_t)v3->engine_time);
    memcpy(iv + 8, salt, SNMP_SALT_SIZE);
}

/* Runs the cipher over `length` octets in place. Single DES is not in libcrypto's
 * default provider; triple DES with equal keys is the same function. */
static bool run_cipher(struct usm_crypto *crypto, const struct usm_keys *keys, int encrypt,
                       const uint8_t iv[static 16], uint8_t *bytes, size_t length)
{
    uint8_t triple[24];
    const uint8_t *key = keys->priv_key;
    if (keys->priv == USM_PRIV_DES) {
        for (int i = 0; i < 3; i++)
            memcpy(triple + 8 * i, keys->priv_key, 8);
        key = triple;
    }
    const EVP_CIPHER *cipher = crypto->current != keys->priv ? crypto->ciphers[keys->priv] : NULL;
    int done = 0;
    bool good = EVP_CipherInit_ex2(crypto->cipher, cipher, key, iv, encrypt, NULL) == 1;
    crypto->current = good ? keys->priv : USM_PRIV_NONE;
    EVP_CIPHER_CTX_set_padding(crypto->cipher, 0);
    good = good && EVP_CipherUpdate(crypto->cipher, bytes, &done, bytes, (int)length) == 1 &&
           (size_t)done == length;
    OPENSSL_cleanse(triple, sizeof(triple));
    return good;
}

/* --- messages --- */

/* Encrypts what is in `writer` and sets the salt. */
static int encrypt_scoped(struct usm_crypto *crypto, const struct usm_keys *keys,
                          const struct snmp_v3 *v3, struct ber_writer *writer,
                          uint8_t salt[static SNMP_SALT_SIZE])
{
    uint64_t number = crypto->salt++;
    if (keys->priv == USM_PRIV_DES) {
        put_u32(salt, (uint32_t)v3->engine_boots);
        put_u32(salt + 4, (uint32_t)number);
        size_t odd = (writer->end - writer->begin) % 8;
        if (odd != 0) {
            /* The tailroom is beyond `size`, for just this. */
            memset(writer->buffer + writer->end, 0, 8 - odd);
            writer->end += 8 - odd;
        }
    } else {
        put_u32(salt, (uint32_t)(number >> 32));
        put_u32(salt + 4, (uint32_t)number);
    }
    uint8_t iv[16] = {0};
    make_iv(keys, v3, salt, iv);
    return run_cipher(crypto, keys, 1, iv, writer->buffer + writer->begin,
                      writer->end - writer->begin)
               ? 0
               : ERR_UNSUPPORTED;
}

int usm_seal(struct usm_crypto *crypto, const struct usm_keys *keys,
             const struct snmp_message *message, struct ber_writer *writer)
{
    uint8_t level = message->v3.flags & (SNMP_FLAG_AUTH | SNMP_FLAG_PRIV);
    if ((level & ~usm_keys_flags(keys)) != 0 || level == SNMP_FLAG_PRIV)
        return ERR_UNSUPPORTED;
    if (level == 0)
        return snmp_message_wrap(message, writer);
    struct snmp_message sealed = *message;
    uint8_t salt[SNMP_SALT_SIZE];
    sealed.v3.salt = (struct snmp_octets){NULL, 0};
    snmp_message_push_scoped(message, writer);
    if (writer->full)
        return ERR_LIMIT;
    if ((level & SNMP_FLAG_PRIV) != 0) {
        int result = encrypt_scoped(crypto, keys, &message->v3, writer, salt);
        if (result != 0)
            return result;
        sealed.v3.salt = (struct snmp_octets){salt, sizeof(salt)};
    }
    size_t auth = 0, sent = auths[keys->auth].sent;
    snmp_message_push_v3(&sealed, writer, (level & SNMP_FLAG_PRIV) != 0, sent, &auth);
    if (writer->full)
        return ERR_LIMIT;
    uint8_t digest[USM_KEY_SIZE];
    struct snmp_octets pieces[3] = {{snmp_writer_bytes(writer), snmp_writer_length(writer)}};
    hmac(crypto, keys, pieces, digest);
    memcpy(writer->buffer + auth, digest, sent);
    return 0;
}

bool usm_is_signed_by(struct usm_crypto *crypto, const struct usm_user *user,
                      const struct snmp_message *message, const uint8_t *bytes)
{
    struct usm_keys keys = {.auth = user->auth};
    if (user->auth == USM_AUTH_NONE)
        return false;
    localise(crypto, user->auth, user->auth_key, message->v3.engine_id, keys.auth_key);
    bool is = digest_is_right(crypto, &keys, message, bytes);
    usm_keys_done(&keys);
    return is;
}

enum usm_status usm_open(struct usm_crypto *crypto, const struct usm_keys *keys,
                         struct snmp_message *message, uint8_t *bytes)
{
    uint8_t level = message->v3.flags & (SNMP_FLAG_AUTH | SNMP_FLAG_PRIV);
    if ((level & ~usm_keys_flags(keys)) != 0)
        return USM_UNSUPPORTED_LEVEL;
    if ((level & SNMP_FLAG_AUTH) != 0 && !digest_is_right(crypto, keys, message, bytes))
        return USM_WRONG_DIGEST;
    if ((level & SNMP_FLAG_PRIV) == 0)
        return USM_OK;
    struct snmp_octets hidden = message->v3.encrypted;
    if (message->v3.salt.length != SNMP_SALT_SIZE || hidden.length == 0 ||
        (keys->priv == USM_PRIV_DES && hidden.length % 8 != 0))
        return USM_DECRYPTION_ERROR;
    uint8_t iv[16] = {0};
    make_iv(keys, &message->v3, message->v3.salt.bytes, iv);
    uint8_t *plain = bytes + (hidden.bytes - bytes);
    if (!run_cipher(crypto, keys, 0, iv, plain, hidden.length) ||
        snmp_message_decode_scoped(plain, hidden.length, message) != 0) {
        message->pdu = SNMP_PDU_NONE;
        return USM_DECRYPTION_ERROR;
    }
    return USM_OK;
}

/* --- clocks --- */

int32_t usm_clock_time(const struct usm_clock *clock, int64_t now_us)
{
    int64_t time = clock->time + (now_us - clock->received_us) / 1000000;
    return time > INT32_MAX ? INT32_MAX : time < 0 ? 0 : (int32_t)time;
}

bool usm_clock_update(struct usm_clock *clock, int32_t boots, int32_t time, int64_t now_us)
{
    if (boots > clock->boots || (boots == clock->boots && time > clock->time))
        *clock = (struct usm_clock){boots, time, now_us};
    return clock->boots != USM_BOOTS_MAX && boots == clock->boots &&
           time >= usm_clock_time(clock, now_us) - USM_TIME_WINDOW;
}

bool usm_time_accepted(int32_t boots, int32_t time, int32_t message_boots, int32_t message_time)
{
    int64_t apart = (int64_t)time - message_time;
    return boots != USM_BOOTS_MAX && message_boots == boots && apart <= USM_TIME_WINDOW &&
           apart >= -USM_TIME_WINDOW;
}

/* --- reports --- */

/* 1.3.6.1.6.3, and what follows; all sub-identifiers are below 128. */
#define REPORT(name, word, ...) static const uint8_t oid_##name[] = {0x2b, 6, 1, 6, 3, __VA_ARGS__};
USM_REPORTS(REPORT)
#undef REPORT

static const struct {
    const char *word;
    struct snmp_octets oid;
} reports[] = {
#define REPORT(name, word, ...) {word, {oid_##name, sizeof(oid_##name)}},
    USM_REPORTS(REPORT)
#undef REPORT
};

enum usm_report usm_report_find(const uint8_t *oid, size_t length)
{
    for (size_t i = 0; i < ARRAY_COUNT(reports); i++)
        if (length == reports[i].oid.length && memcmp(oid, reports[i].oid.bytes, length) == 0)
            return (enum usm_report)i;
    return USM_REPORT_OTHER;
}

struct snmp_octets usm_report_oid(enum usm_report report)
{
    if ((size_t)report >= ARRAY_COUNT(reports))
        return (struct snmp_octets){NULL, 0};
    return reports[report].oid;
}

const char *usm_report_word(enum usm_report report)
{
    return (size_t)report < ARRAY_COUNT(reports) ? reports[report].word : "an unknown report";
}
