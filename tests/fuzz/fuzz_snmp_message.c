/* SPDX-License-Identifier: Apache-2.0 */

/* SNMP messages of every version as they come off the wire. What decodes in clear
 * must survive being encoded and decoded again; what is signed or encrypted is
 * tried with a key, in a copy, since decryption writes. */

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "wire/snmp_message.h"
#include "wire/usm.h"

enum { ENCODED_SIZE = 128 * 1024 };

static size_t count_varbinds(const struct snmp_message *message, struct ber_writer *writer)
{
    struct ber_reader list = snmp_message_varbinds(message);
    struct snmp_varbind varbind;
    size_t count = 0;
    while (snmp_varbind_next(&list, &varbind) == 1) {
        struct oid oid;
        if (oid_decode(varbind.oid, varbind.oid_length, &oid) == 0)
            CHECK(oid.length <= LIMIT_OID_LENGTH);
        if (writer != NULL &&
            !snmp_writer_add(writer, varbind.oid, varbind.oid_length, &varbind.value))
            break;
        count++;
    }
    return count;
}

static void encode_again(const struct snmp_message *message)
{
    AUTO_FREE uint8_t *buffer = alloc_array(ENCODED_SIZE, 1);
    struct ber_writer writer;
    struct snmp_message again;
    snmp_writer_init(&writer, buffer, ENCODED_SIZE);
    size_t count = count_varbinds(message, &writer);
    if (snmp_message_wrap(message, &writer) != 0)
        return;
    CHECK(snmp_message_decode(snmp_writer_bytes(&writer), snmp_writer_length(&writer), &again) ==
          0);
    CHECK(again.version == message->version && again.pdu == message->pdu);
    CHECK(count_varbinds(&again, NULL) == count);
    if (message->pdu != SNMP_TRAP_V1)
        CHECK(again.request_id == message->request_id && again.error_index == message->error_index);
}

static void open_copy(const uint8_t *data, size_t size)
{
    static struct usm_crypto *crypto;
    static struct usm_keys keys = {.auth = USM_AUTH_SHA1, .priv = USM_PRIV_AES128};
    if (crypto == NULL)
        crypto = usm_crypto_new();
    AUTO_FREE uint8_t *copy = alloc_array(size, 1);
    struct snmp_message message;
    memcpy(copy, data, size);
    if (snmp_message_decode(copy, size, &message) == 0 &&
        usm_open(crypto, &keys, &message, copy) == USM_OK)
        count_varbinds(&message, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct snmp_message message, scoped = {.version = SNMP_V3};
    if (snmp_message_decode(data, size, &message) == 0) {
        CHECK(message.length <= size);
        if (message.pdu != SNMP_PDU_NONE)
            count_varbinds(&message, NULL);
        if (message.pdu != SNMP_PDU_NONE && message.version != SNMP_V3)
            encode_again(&message);
        if (message.version == SNMP_V3)
            open_copy(data, size);
    }
    if (snmp_message_decode_scoped(data, size, &scoped) == 0)
        count_varbinds(&scoped, NULL);
    return 0;
}
