/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_USM_H
#define MUSTER_WIRE_USM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"
#include "wire/snmp_message.h"

/* SNMPv3's User-based Security Model: RFC 3414 (MD5, SHA-1, DES), RFC 3826
 * (AES-128), RFC 7860 (SHA-2), and AES-192/256 with the two key extensions in
 * use: Blumenthal's draft (net-snmp, most agents) and Reeder's (Cisco).
 *
 * Cost. A password becomes a key (Ku) by hashing 1 MiB, once a credential; a key
 * is localised to an engine by two short hashes, once an engine, and the result
 * is all that is kept for it. Algorithms are fetched and contexts allocated once
 * in a `struct usm_crypto`, which one thread uses; a packet re-initialises them,
 * which costs two compressions for the HMAC pads and no allocation.
 *
 * Both sides: usm_seal() and usm_open() are the same for a manager and an agent.
 * The caller keeps the clocks (struct usm_clock, usm_time_accepted()) and chooses
 * the level it demands: usm_open() checks what the flags claim, so a caller that
 * expects authPriv compares message.v3.flags first (snmp/ does).
 *
 * Attacks considered: digests are compared in constant time; a message whose
 * digest is wrong is not decrypted; keys are wiped; DES salts count up from a
 * random start and never repeat within a boot, AES salts likewise in 64 bits.
 * MD5 and DES are offered because switches offer nothing else; they prove little. */

/* protocol, word, digest octets, octets of the digest that are sent, libcrypto's name */
#define USM_AUTHS(AUTH)                                                                            \
    AUTH(USM_AUTH_NONE, "none", 0, 0, "")                                                          \
    AUTH(USM_AUTH_MD5, "md5", 16, 12, "MD5")                                                       \
    AUTH(USM_AUTH_SHA1, "sha", 20, 12, "SHA1")                                                     \
    AUTH(USM_AUTH_SHA224, "sha224", 28, 16, "SHA2-224")                                            \
    AUTH(USM_AUTH_SHA256, "sha256", 32, 24, "SHA2-256")                                            \
    AUTH(USM_AUTH_SHA384, "sha384", 48, 32, "SHA2-384")                                            \
    AUTH(USM_AUTH_SHA512, "sha512", 64, 48, "SHA2-512")

/* protocol, word, octets of localised key in use, libcrypto's name */
#define USM_PRIVS(PRIV)                                                                            \
    PRIV(USM_PRIV_NONE, "none", 0, "")                                                             \
    PRIV(USM_PRIV_DES, "des", 16, "DES-EDE3-CBC")                                                  \
    PRIV(USM_PRIV_AES128, "aes", 16, "AES-128-CFB")                                                \
    PRIV(USM_PRIV_AES192, "aes192", 24, "AES-192-CFB")                                             \
    PRIV(USM_PRIV_AES256, "aes256", 32, "AES-256-CFB")                                             \
    PRIV(USM_PRIV_AES192_CISCO, "aes192-cisco", 24, "AES-192-CFB")                                 \
    PRIV(USM_PRIV_AES256_CISCO, "aes256-cisco", 32, "AES-256-CFB")

enum usm_auth {
#define AUTH(name, word, digest, sent, algorithm) name,
    USM_AUTHS(AUTH)
#undef AUTH
        USM_AUTH_COUNT
};
enum usm_priv {
#define PRIV(name, word, key, algorithm) name,
    USM_PRIVS(PRIV)
#undef PRIV
        USM_PRIV_COUNT
};

enum {
    USM_KEY_SIZE = 64,     /* the longest digest */
    USM_PASSWORD_MIN = 8,  /* RFC 3414 section 11.2 */
    USM_TIME_WINDOW = 150, /* seconds, RFC 3414 section 2.3 */
    USM_BOOTS_MAX = INT32_MAX
};

/* Returns the word of a protocol ("sha256", "aes"). */
const char *usm_auth_word(enum usm_auth auth);
const char *usm_priv_word(enum usm_priv priv);

/* Finds a protocol by its word; case, '-' and '_' do not matter and the usual
 * synonyms are known (SHA-1, HMAC-SHA-256, AES128, AES-256-C ...). Returns 0, or
 * ERR_NOT_FOUND with *ret untouched. */
int usm_auth_parse(const char *word, enum usm_auth *ret) MUST_USE;
int usm_priv_parse(const char *word, enum usm_priv *ret) MUST_USE;

/* Fetched algorithms and reusable contexts; for one thread. */
struct usm_crypto;

/* Returns a new one, yours to free. Algorithms that this libcrypto refuses are
 * found missing when a credential asks for them. */
struct usm_crypto *usm_crypto_new(void);
void usm_crypto_free(struct usm_crypto *crypto); /* NULL is allowed */

/* A credential: a user and its keys before localisation. */
struct usm_user {
    char name[SNMP_USER_SIZE + 1];
    size_t name_length;
    enum usm_auth auth;
    enum usm_priv priv;
    uint8_t auth_key[USM_KEY_SIZE];
    uint8_t priv_key[USM_KEY_SIZE]; /* by the authentication protocol's hash */
};

/* Fills `user` and turns its passwords into keys (about 1 ms each; the latest few are
 * kept, so that many devices may share a credential). Privacy needs
 * authentication. Returns 0, or ERR_RANGE (name empty or too long, password
 * missing or too short), ERR_UNSUPPORTED (libcrypto refuses the algorithm) with a
 * sentence in `err` and *ret untouched. */
int usm_user_init(struct usm_user *ret, struct usm_crypto *crypto, const char *name,
                  enum usm_auth auth, const char *auth_password, enum usm_priv priv,
                  const char *priv_password, struct err *err) MUST_USE;

/* Says of a credential what usm_user_init() would, without making keys: 0 or its error. */
int usm_user_check(const struct usm_crypto *crypto, const char *name, enum usm_auth auth,
                   const char *auth_password, enum usm_priv priv, const char *priv_password,
                   struct err *err) MUST_USE;

/* Wipes the keys. */
void usm_user_done(struct usm_user *user);

/* The keys of a user at one engine. */
struct usm_keys {
    enum usm_auth auth;
    enum usm_priv priv;
    uint8_t auth_key[USM_KEY_SIZE];
    uint8_t priv_key[32];
};

/* Localises the keys of `user` to an engine, RFC 3414 section 2.6. */
void usm_keys_init(struct usm_keys *ret, struct usm_crypto *crypto, const struct usm_user *user,
                   struct snmp_octets engine_id);

/* Wipes the keys. */
void usm_keys_done(struct usm_keys *keys);

/* Returns the flags (SNMP_FLAG_AUTH, SNMP_FLAG_PRIV) of the level at which the
 * keys are used; 0 for NULL. */
uint8_t usm_keys_flags(const struct usm_keys *keys);

/* Puts scope, security and headers in front of the varbinds in `writer`, encrypts
 * and signs. The level is message->v3.flags, which must be one that `keys` can
 * give; engine id, boots, time, user, message id, context are the message's.
 * `keys` may be NULL for noAuthNoPriv. Returns 0, ERR_LIMIT when it does not fit,
 * or ERR_UNSUPPORTED for a level without keys. */
int usm_seal(struct usm_crypto *crypto, const struct usm_keys *keys,
             const struct snmp_message *message, struct ber_writer *writer) MUST_USE;

enum usm_status {
    USM_OK,
    USM_UNSUPPORTED_LEVEL, /* the flags ask for a key that is not there */
    USM_WRONG_DIGEST,
    USM_DECRYPTION_ERROR, /* bad salt, or what came out is no scoped PDU */
};

/* Checks the digest of a decoded message and decrypts it in place: `bytes` is the
 * datagram that `message` was decoded from, and is written to. On USM_OK the PDU
 * fields of `message` are set. Time is the caller's to check. */
enum usm_status usm_open(struct usm_crypto *crypto, const struct usm_keys *keys,
                         struct snmp_message *message, uint8_t *bytes) MUST_USE;

/* Returns whether a decoded message has the digest of `user` at the engine that it names:
 * costs two short hashes, where the keys of some privacy protocols cost a password's, so
 * whoever hears from strangers asks this first. `bytes` is the datagram that `message` was decoded
 * from. */
bool usm_is_signed_by(struct usm_crypto *crypto, const struct usm_user *user,
                      const struct snmp_message *message, const uint8_t *bytes) MUST_USE;

/* A manager's notion of an engine's clock, RFC 3414 section 2.3. */
struct usm_clock {
    int32_t boots;       /* 0 and time 0: not known */
    int32_t time;        /* latest received, seconds */
    int64_t received_us; /* when, monotonic */
};

/* Returns the engine's time in seconds as estimated for `now_us`. */
int32_t usm_clock_time(const struct usm_clock *clock, int64_t now_us);

/* Takes the boots and time of an authentic message if they are later than what is
 * known (section 3.2 point 7b). Returns whether the message is in the window. */
bool usm_clock_update(struct usm_clock *clock, int32_t boots, int32_t time, int64_t now_us);

/* The authoritative side's check (section 3.2 point 7a): whether an agent with
 * `boots` and `time` accepts a message. */
bool usm_time_accepted(int32_t boots, int32_t time, int32_t message_boots, int32_t message_time);

/* What a Report says, by its one varbind's OID (instance .0).
 * report, sub-identifiers after 1.3.6.1.6.3, word */
#define USM_REPORTS(REPORT)                                                                        \
    REPORT(USM_REPORT_SECURITY_LEVEL, "usmStatsUnsupportedSecLevels", 15, 1, 1, 1, 0)              \
    REPORT(USM_REPORT_NOT_IN_TIME_WINDOW, "usmStatsNotInTimeWindows", 15, 1, 1, 2, 0)              \
    REPORT(USM_REPORT_UNKNOWN_USER, "usmStatsUnknownUserNames", 15, 1, 1, 3, 0)                    \
    REPORT(USM_REPORT_UNKNOWN_ENGINE, "usmStatsUnknownEngineIDs", 15, 1, 1, 4, 0)                  \
    REPORT(USM_REPORT_WRONG_DIGEST, "usmStatsWrongDigests", 15, 1, 1, 5, 0)                        \
    REPORT(USM_REPORT_DECRYPTION_ERROR, "usmStatsDecryptionErrors", 15, 1, 1, 6, 0)                \
    REPORT(USM_REPORT_SECURITY_MODEL, "snmpUnknownSecurityModels", 11, 2, 1, 1, 0)                 \
    REPORT(USM_REPORT_INVALID, "snmpInvalidMsgs", 11, 2, 1, 2, 0)                                  \
    REPORT(USM_REPORT_PDU_HANDLER, "snmpUnknownPDUHandlers", 11, 2, 1, 3, 0)                       \
    REPORT(USM_REPORT_UNAVAILABLE_CONTEXT, "snmpUnavailableContexts", 12, 1, 4, 0)                 \
    REPORT(USM_REPORT_UNKNOWN_CONTEXT, "snmpUnknownContexts", 12, 1, 5, 0)

enum usm_report {
#define REPORT(name, word, ...) name,
    USM_REPORTS(REPORT)
#undef REPORT
        USM_REPORT_OTHER
};

/* Returns the report that an OID's content octets name, USM_REPORT_OTHER. */
enum usm_report usm_report_find(const uint8_t *oid, size_t length);

/* Returns the report's OID (content octets of the instance) for an agent to send;
 * empty for USM_REPORT_OTHER. */
struct snmp_octets usm_report_oid(enum usm_report report);

/* Returns the report's name in its MIB. */
const char *usm_report_word(enum usm_report report);

#endif
