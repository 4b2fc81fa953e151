/* SPDX-License-Identifier: Apache-2.0 */

/* The secured half of SNMPv3. First octet: protocols; then what an attacker who
 * knows the key can make the receiver decrypt: a scoped PDU, sealed here and opened
 * again; and the same octets as a datagram that claims to be sealed. */

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "wire/usm.h"

static const uint8_t engine_id[] = {0x80, 0, 0x1f, 0x88, 1, 2, 3, 4};

static struct usm_keys make_keys(uint8_t choice)
{
    struct usm_keys keys = {.auth = (enum usm_auth)(1 + choice % (USM_AUTH_COUNT - 1)),
                            .priv = (enum usm_priv)(choice / 8 % USM_PRIV_COUNT)};
    memset(keys.auth_key, 0x5a, sizeof(keys.auth_key));
    memset(keys.priv_key, 0xa5, sizeof(keys.priv_key));
    return keys;
}

static void read_all(const struct snmp_message *message)
{
    struct ber_reader list = snmp_message_varbinds(message);
    struct snmp_varbind varbind;
    while (snmp_varbind_next(&list, &varbind) == 1)
        ;
}

static void open_as_received(struct usm_crypto *crypto, const struct usm_keys *keys,
                             const uint8_t *data, size_t size)
{
    struct snmp_message message;
    uint8_t *copy = alloc_array(size, 1);
    memcpy(copy, data, size);
    if (snmp_message_decode(copy, size, &message) == 0 && message.version == SNMP_V3 &&
        usm_open(crypto, keys, &message, copy) == USM_OK)
        read_all(&message);
    free(copy);
}

/* Puts `data` where the varbinds go, seals and opens: the round trip must hold. */
static void seal_and_open(struct usm_crypto *crypto, const struct usm_keys *keys,
                          const uint8_t *data, size_t size)
{
    uint8_t buffer[4096];
    struct ber_writer writer;
    struct snmp_message message = {.version = SNMP_V3, .pdu = SNMP_RESPONSE, .request_id = 1}, back;
    message.v3.flags = usm_keys_flags(keys);
    message.v3.engine_id = (struct snmp_octets){engine_id, sizeof(engine_id)};
    message.v3.context_engine_id = message.v3.engine_id;
    snmp_writer_init(&writer, buffer, sizeof(buffer));
    ber_append(&writer, data, size);
    if (usm_seal(crypto, keys, &message, &writer) != 0)
        return;
    uint8_t *bytes = buffer + writer.begin;
    CHECK(snmp_message_decode(bytes, snmp_writer_length(&writer), &back) == 0);
    CHECK(usm_open(crypto, keys, &back, bytes) == USM_OK);
    CHECK(back.varbinds.length == size && memcmp(back.varbinds.bytes, data, size) == 0);
    read_all(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct usm_crypto *crypto;
    if (crypto == NULL)
        crypto = usm_crypto_new();
    if (size < 2 || size > 3000)
        return 0;
    struct usm_keys keys = make_keys(data[0]);
    open_as_received(crypto, &keys, data + 1, size - 1);
    seal_and_open(crypto, &keys, data + 1, size - 1);
    return 0;
}
