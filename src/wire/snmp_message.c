/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/snmp_message.h"

const char *snmp_error_word(int32_t status)
{
    static const char *const words[] = {
#define ERROR(name, number, word) [number] = (word),
        SNMP_ERRORS(ERROR)
#undef ERROR
    };
    if (status < 0 || (size_t)status >= ARRAY_COUNT(words))
        return "unknown error";
    return words[status];
}

/* --- decoding --- */

static bool read_octets(struct ber_reader *reader, size_t longest, struct snmp_octets *ret)
{
    struct ber_item item;
    if (!ber_read_tag(reader, BER_OCTETS, &item) || item.length > longest)
        return false;
    *ret = (struct snmp_octets){item.bytes, item.length};
    return true;
}

static bool is_pdu(uint8_t tag)
{
    return tag >= SNMP_GET && tag <= SNMP_REPORT;
}

static bool decode_trap_v1(struct ber_reader *pdu, struct snmp_trap_v1 *trap)
{
    struct ber_item item;
    uint64_t ticks;
    if (!ber_read_tag(pdu, BER_OID, &item))
        return false;
    trap->enterprise = (struct snmp_octets){item.bytes, item.length};
    if (!ber_read_tag(pdu, SNMP_IPADDRESS, &item) || item.length != sizeof(trap->address))
        return false;
    memcpy(trap->address, item.bytes, sizeof(trap->address));
    if (!ber_read_int32(pdu, &trap->generic) || !ber_read_int32(pdu, &trap->specific) ||
        !ber_read_tag(pdu, SNMP_TIMETICKS, &item) || !ber_unsigned(&item, 4, &ticks))
        return false;
    trap->timestamp = (uint32_t)ticks;
    return true;
}

static bool decode_pdu(struct ber_reader *reader, struct snmp_message *message)
{
    struct ber_item item;
    if (!ber_read(reader, &item) || !is_pdu(item.tag))
        return false;
    struct ber_reader pdu = {item.bytes, item.bytes + item.length};
    message->pdu = (enum snmp_pdu)item.tag;
    if (message->pdu == SNMP_TRAP_V1) {
        if (!decode_trap_v1(&pdu, &message->trap))
            return false;
    } else if (!ber_read_int32(&pdu, &message->request_id) ||
               !ber_read_int32(&pdu, &message->error_status) ||
               !ber_read_int32(&pdu, &message->error_index)) {
        return false;
    }
    if (!ber_read_tag(&pdu, BER_SEQUENCE, &item))
        return false;
    message->varbinds = (struct snmp_octets){item.bytes, item.length};
    return true;
}

static bool decode_scope(struct ber_reader *reader, struct snmp_message *message)
{
    struct ber_reader scope;
    return ber_enter(reader, BER_SEQUENCE, &scope) &&
           read_octets(&scope, SNMP_CONTEXT_SIZE, &message->v3.context_engine_id) &&
           read_octets(&scope, SNMP_CONTEXT_SIZE, &message->v3.context) &&
           decode_pdu(&scope, message);
}

int snmp_message_decode_scoped(const uint8_t *bytes, size_t length, struct snmp_message *message)
{
    struct ber_reader reader = {bytes, bytes + length};
    return decode_scope(&reader, message) ? 0 : ERR_SYNTAX;
}

static bool decode_global(struct ber_reader *reader, struct snmp_v3 *v3)
{
    struct ber_reader global;
    struct snmp_octets flags;
    if (!ber_enter(reader, BER_SEQUENCE, &global) || !ber_read_int32(&global, &v3->message_id) ||
        !ber_read_int32(&global, &v3->max_size) || !read_octets(&global, 1, &flags) ||
        flags.length != 1 || !ber_read_int32(&global, &v3->security_model))
        return false;
    v3->flags = flags.bytes[0];
    /* Privacy without authentication is no level at all, RFC 3412 section 6.4. */
    return v3->message_id >= 0 && (v3->flags & (SNMP_FLAG_AUTH | SNMP_FLAG_PRIV)) != SNMP_FLAG_PRIV;
}

static bool decode_usm(struct ber_reader *reader, struct snmp_v3 *v3)
{
    struct ber_reader string, usm;
    return ber_enter(reader, BER_OCTETS, &string) && ber_enter(&string, BER_SEQUENCE, &usm) &&
           read_octets(&usm, SNMP_ENGINE_ID_SIZE, &v3->engine_id) &&
           ber_read_int32(&usm, &v3->engine_boots) && ber_read_int32(&usm, &v3->engine_time) &&
           v3->engine_boots >= 0 && v3->engine_time >= 0 &&
           read_octets(&usm, SNMP_USER_SIZE, &v3->user) &&
           read_octets(&usm, SNMP_PARAMETER_SIZE, &v3->auth) &&
           read_octets(&usm, SNMP_PARAMETER_SIZE, &v3->salt);
}

static int decode_v3(struct ber_reader *reader, struct snmp_message *message)
{
    struct snmp_v3 *v3 = &message->v3;
    if (!decode_global(reader, v3))
        return ERR_SYNTAX;
    if (v3->security_model != SNMP_SECURITY_USM)
        return ERR_UNSUPPORTED;
    if (!decode_usm(reader, v3))
        return ERR_SYNTAX;
    if ((v3->flags & SNMP_FLAG_PRIV) == 0)
        return decode_scope(reader, message) ? 0 : ERR_SYNTAX;
    return read_octets(reader, SIZE_MAX, &v3->encrypted) ? 0 : ERR_SYNTAX;
}

int snmp_message_decode(const uint8_t *bytes, size_t length, struct snmp_message *ret)
{
    struct ber_reader datagram = {bytes, bytes + length}, reader;
    int32_t version;
    memset(ret, 0, sizeof(*ret));
    if (!ber_enter(&datagram, BER_SEQUENCE, &reader) || !ber_read_int32(&reader, &version))
        return ERR_SYNTAX;
    ret->length = (size_t)(datagram.at - bytes);
    if (version != SNMP_V1 && version != SNMP_V2C && version != SNMP_V3)
        return ERR_VERSION;
    ret->version = (enum snmp_version)version;
    if (ret->version == SNMP_V3)
        return decode_v3(&reader, ret);
    if (!read_octets(&reader, SNMP_COMMUNITY_SIZE, &ret->community) || !decode_pdu(&reader, ret))
        return ERR_SYNTAX;
    return 0;
}

static bool decode_number(const struct ber_item *item, size_t octets, int64_t *ret)
{
    uint64_t bits;
    if (!ber_unsigned(item, octets, &bits))
        return false;
    *ret = (int64_t)bits;
    return true;
}

bool snmp_value_decode_any(const struct ber_item *item, struct snmp_value *ret)
{
    *ret = (struct snmp_value){(enum snmp_type)item->tag, 0, item->bytes, item->length};
    switch (item->tag) {
    case SNMP_INTEGER:
        return ber_signed(item, &ret->number);
    case SNMP_COUNTER32:
    case SNMP_GAUGE32:
    case SNMP_TIMETICKS:
        return decode_number(item, 4, &ret->number);
    case SNMP_COUNTER64:
        return decode_number(item, 8, &ret->number);
    case SNMP_IPADDRESS:
        return item->length == 4;
    case SNMP_OCTETS:
    case SNMP_OID:
    case SNMP_OPAQUE:
        return true;
    case SNMP_NULL:
    case SNMP_NO_SUCH_OBJECT:
    case SNMP_NO_SUCH_INSTANCE:
    case SNMP_END_OF_MIB_VIEW:
        ret->length = 0;
        return true;
    default:
        ret->type = SNMP_OPAQUE;
        return true;
    }
}

/* --- encoding --- */

/* Sets *ret to the content of `value`; `number` is room for it. */
static struct snmp_octets value_content(const struct snmp_value *value,
                                        uint8_t number[static BER_NUMBER_SIZE])
{
    switch (value->type) {
    case SNMP_INTEGER:
        return (struct snmp_octets){number, ber_signed_content(value->number, number)};
    case SNMP_COUNTER32:
    case SNMP_GAUGE32:
    case SNMP_TIMETICKS:
        return (struct snmp_octets){number, ber_unsigned_content((uint32_t)value->number, number)};
    case SNMP_COUNTER64:
        return (struct snmp_octets){number, ber_unsigned_content((uint64_t)value->number, number)};
    case SNMP_OCTETS:
    case SNMP_OID:
    case SNMP_IPADDRESS:
    case SNMP_OPAQUE:
        return (struct snmp_octets){value->bytes, value->length};
    case SNMP_NULL:
    case SNMP_NO_SUCH_OBJECT:
    case SNMP_NO_SUCH_INSTANCE:
    case SNMP_END_OF_MIB_VIEW:
        return (struct snmp_octets){NULL, 0};
    }
    UNREACHABLE();
}

bool snmp_writer_add(struct ber_writer *writer, const uint8_t *oid, size_t oid_length,
                     const struct snmp_value *value)
{
    static const struct snmp_value nothing = {.type = SNMP_NULL};
    if (value == NULL)
        value = &nothing;
    uint8_t number[BER_NUMBER_SIZE];
    struct snmp_octets content = value_content(value, number);
    if (oid_length > OID_BER_SIZE || content.length > LIMIT_SNMP_MESSAGE)
        return false;
    size_t pair =
        ber_header_size(oid_length) + oid_length + ber_header_size(content.length) + content.length;
    if (writer->full || writer->size - writer->end < ber_header_size(pair) + pair)
        return false;
    ber_append_header(writer, BER_SEQUENCE, pair);
    ber_append_header(writer, BER_OID, oid_length);
    ber_append(writer, oid, oid_length);
    ber_append_header(writer, (uint8_t)value->type, content.length);
    ber_append(writer, content.bytes, content.length);
    return true;
}

static void push_octets(struct ber_writer *writer, struct snmp_octets octets)
{
    ber_push_item(writer, BER_OCTETS, octets.bytes, octets.length);
}

static void push_pdu(const struct snmp_message *message, struct ber_writer *writer)
{
    ber_push_around(writer, BER_SEQUENCE, 0);
    if (message->pdu == SNMP_TRAP_V1) {
        const struct snmp_trap_v1 *trap = &message->trap;
        uint8_t ticks[BER_NUMBER_SIZE];
        ber_push_item(writer, SNMP_TIMETICKS, ticks, ber_unsigned_content(trap->timestamp, ticks));
        ber_push_signed(writer, BER_INTEGER, trap->specific);
        ber_push_signed(writer, BER_INTEGER, trap->generic);
        ber_push_item(writer, SNMP_IPADDRESS, trap->address, sizeof(trap->address));
        ber_push_item(writer, BER_OID, trap->enterprise.bytes, trap->enterprise.length);
    } else {
        ber_push_signed(writer, BER_INTEGER, message->error_index);
        ber_push_signed(writer, BER_INTEGER, message->error_status);
        ber_push_signed(writer, BER_INTEGER, message->request_id);
    }
    ber_push_around(writer, (uint8_t)message->pdu, 0);
}

void snmp_message_push_scoped(const struct snmp_message *message, struct ber_writer *writer)
{
    push_pdu(message, writer);
    push_octets(writer, message->v3.context);
    push_octets(writer, message->v3.context_engine_id);
    ber_push_around(writer, BER_SEQUENCE, 0);
}

void snmp_message_push_v3(const struct snmp_message *message, struct ber_writer *writer,
                          bool encrypted, size_t auth_length, size_t *ret_auth)
{
    static const uint8_t zeroes[64];
    const struct snmp_v3 *v3 = &message->v3;
    CHECK(auth_length <= sizeof(zeroes));
    if (encrypted)
        ber_push_around(writer, BER_OCTETS, 0);
    size_t behind = writer->end - writer->begin;
    push_octets(writer, v3->salt);
    ber_push(writer, zeroes, auth_length);
    *ret_auth = writer->begin;
    ber_push_header(writer, BER_OCTETS, auth_length);
    push_octets(writer, v3->user);
    ber_push_signed(writer, BER_INTEGER, v3->engine_time);
    ber_push_signed(writer, BER_INTEGER, v3->engine_boots);
    push_octets(writer, v3->engine_id);
    ber_push_around(writer, BER_SEQUENCE, behind);
    ber_push_around(writer, BER_OCTETS, behind);
    behind = writer->end - writer->begin;
    ber_push_signed(writer, BER_INTEGER, SNMP_SECURITY_USM);
    ber_push_item(writer, BER_OCTETS, &v3->flags, 1);
    ber_push_signed(writer, BER_INTEGER, v3->max_size);
    ber_push_signed(writer, BER_INTEGER, v3->message_id);
    ber_push_around(writer, BER_SEQUENCE, behind);
    ber_push_signed(writer, BER_INTEGER, SNMP_V3);
    ber_push_around(writer, BER_SEQUENCE, 0);
}

int snmp_message_wrap(const struct snmp_message *message, struct ber_writer *writer)
{
    if (message->version == SNMP_V3) {
        size_t auth;
        if ((message->v3.flags & (SNMP_FLAG_AUTH | SNMP_FLAG_PRIV)) != 0)
            return ERR_UNSUPPORTED;
        snmp_message_push_scoped(message, writer);
        snmp_message_push_v3(message, writer, false, 0, &auth);
        return writer->full ? ERR_LIMIT : 0;
    }
    push_pdu(message, writer);
    push_octets(writer, message->community);
    ber_push_signed(writer, BER_INTEGER, (int64_t)message->version);
    ber_push_around(writer, BER_SEQUENCE, 0);
    return writer->full ? ERR_LIMIT : 0;
}
