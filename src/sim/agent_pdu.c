/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/agent_pdu.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"

enum found { FOUND, FOUND_END, FOUND_SILENCE };

static bool is_forward(const struct agent_pdu *pdu, struct mib_cursor cursor)
{
    return pdu->forward && oid_has_prefix(&pdu->view->columns[cursor.column].prefix, pdu->forward);
}

/* The table seems to end: goes on behind the column that `cursor` is in. */
static enum found leave_column(const struct agent_pdu *pdu, struct mib_cursor *cursor)
{
    cursor->row = pdu->view->columns[cursor->column].rows - 1;
    return mib_view_step(pdu->view, cursor) ? FOUND : FOUND_END;
}

/* Rows in pairs, the second first: 1 0 3 2 ... The row after `after` in that
 * order; `after` may be the row of an answer or any OID before the table. */
static enum found swapped(const struct agent_pdu *pdu, const struct oid *after,
                          struct mib_cursor *cursor)
{
    struct mib_cursor at;
    bool object;
    uint64_t place = 0;
    if (mib_view_find(pdu->view, after, &at, &object) && is_forward(pdu, at)) {
        *cursor = at;
        uint64_t rows = pdu->view->columns[at.column].rows;
        uint64_t had = (at.row ^ 1) < rows ? at.row ^ 1 : at.row;
        place = had + 1;
        if (place >= rows)
            return leave_column(pdu, cursor);
    } else if (cursor->row > 0) {
        return FOUND; /* in the midst of the table without having been here */
    }
    uint64_t rows = pdu->view->columns[cursor->column].rows;
    cursor->row = (place ^ 1) < rows ? place ^ 1 : place;
    return FOUND;
}

/* What a faulty agent makes of a forward row. */
static enum found bend(const struct agent_pdu *pdu, struct mib_cursor *cursor)
{
    const struct sim_faults *faults = pdu->faults;
    if (faults->loop_at > 0 && cursor->row >= faults->loop_at)
        cursor->row %= faults->loop_at;
    if (faults->cut_at > 0 && cursor->row >= faults->cut_at)
        return leave_column(pdu, cursor);
    if (faults->stop_at > 0 && cursor->row >= faults->stop_at)
        return FOUND_SILENCE;
    return FOUND;
}

static enum found find_next(const struct agent_pdu *pdu, const struct oid *after,
                            struct mib_cursor *ret)
{
    struct mib_cursor at;
    bool object;
    bool any = mib_view_after(pdu->view, after, ret);
    if (pdu->faults->unordered && mib_view_find(pdu->view, after, &at, &object) &&
        is_forward(pdu, at))
        return swapped(pdu, after, ret);
    if (!any)
        return FOUND_END;
    if (!is_forward(pdu, *ret))
        return FOUND;
    enum found found = pdu->faults->unordered ? swapped(pdu, after, ret) : FOUND;
    return found == FOUND && is_forward(pdu, *ret) ? bend(pdu, ret) : found;
}

/* --- varbinds of the answer --- */

static bool add_value(const struct agent_pdu *pdu, const struct oid *oid,
                      const struct snmp_value *value)
{
    uint8_t content[OID_BER_SIZE];
    size_t length = oid_encode(oid, content);
    struct ber_writer before = *pdu->writer;
    if (snmp_writer_add(pdu->writer, content, length, value) &&
        pdu->writer->end - pdu->writer->begin <= pdu->budget)
        return true;
    *pdu->writer = before;
    return false;
}

static bool add_instance(const struct agent_pdu *pdu, struct mib_cursor cursor, struct oid *ret_oid)
{
    struct mib_cell cell;
    mib_view_oid(pdu->view, cursor, ret_oid);
    mib_view_value(pdu->view, cursor, &cell);
    return add_value(pdu, ret_oid, &cell.value);
}

static bool add_exception(const struct agent_pdu *pdu, const struct oid *oid, enum snmp_type type)
{
    struct snmp_value value = {.type = type};
    return add_value(pdu, oid, &value);
}

static void empty(const struct agent_pdu *pdu)
{
    pdu->writer->end = pdu->writer->begin;
}

void agent_pdu_refuse(const struct agent_pdu *pdu, struct snmp_message *reply, int32_t status,
                      int32_t index)
{
    empty(pdu);
    reply->error_status = status;
    reply->error_index = index;
    if (status == SNMP_TOO_BIG && pdu->request->version != SNMP_V1)
        return;
    struct ber_reader list = snmp_message_varbinds(pdu->request);
    struct snmp_varbind bind;
    while (snmp_varbind_next(&list, &bind) > 0)
        if (!snmp_writer_add(pdu->writer, bind.oid, bind.oid_length, &bind.value))
            return;
}

/* --- GET and GETNEXT --- */

enum outcome { ADDED, TOO_BIG, MISSING, SILENCE };

static enum outcome add_exact(const struct agent_pdu *pdu, const struct oid *oid)
{
    struct mib_cursor cursor;
    struct oid at;
    bool object;
    bool v1 = pdu->request->version == SNMP_V1;
    if (mib_view_find(pdu->view, oid, &cursor, &object))
        return add_instance(pdu, cursor, &at) ? ADDED : TOO_BIG;
    if (v1)
        return MISSING;
    enum snmp_type type = object ? SNMP_NO_SUCH_INSTANCE : SNMP_NO_SUCH_OBJECT;
    return add_exception(pdu, oid, type) ? ADDED : TOO_BIG;
}

/* Adds the instance after `oid`, which becomes its OID. */
static enum outcome add_next(const struct agent_pdu *pdu, struct oid *oid, bool *ret_end)
{
    struct mib_cursor cursor;
    *ret_end = false;
    switch (find_next(pdu, oid, &cursor)) {
    case FOUND:
        return add_instance(pdu, cursor, oid) ? ADDED : TOO_BIG;
    case FOUND_SILENCE:
        return SILENCE;
    case FOUND_END:
        break;
    }
    *ret_end = true;
    if (pdu->request->version == SNMP_V1)
        return MISSING;
    return add_exception(pdu, oid, SNMP_END_OF_MIB_VIEW) ? ADDED : TOO_BIG;
}

static bool answer_singles(const struct agent_pdu *pdu, struct snmp_message *reply)
{
    struct ber_reader list = snmp_message_varbinds(pdu->request);
    struct snmp_varbind bind;
    int more;
    for (int32_t index = 1; (more = snmp_varbind_next(&list, &bind)) > 0; index++) {
        struct oid oid;
        bool end;
        if (oid_decode(bind.oid, bind.oid_length, &oid) != 0)
            return false;
        switch (pdu->request->pdu == SNMP_GET ? add_exact(pdu, &oid) : add_next(pdu, &oid, &end)) {
        case ADDED:
            break;
        case TOO_BIG:
            agent_pdu_refuse(pdu, reply, SNMP_TOO_BIG, 0);
            return true;
        case MISSING:
            agent_pdu_refuse(pdu, reply, SNMP_NO_SUCH_NAME, index);
            return true;
        case SILENCE:
            return false;
        }
    }
    return more == 0;
}

/* --- GETBULK --- */

struct repeater {
    struct oid oid;
    bool end;
};

/* Reads the request's OIDs; answers the first `singles` of them at once. Returns
 * the number of repeaters, -1 on silence or malformed input. */
static int collect_repeaters(const struct agent_pdu *pdu, int32_t singles,
                             struct repeater *repeaters, bool *ret_full)
{
    struct ber_reader list = snmp_message_varbinds(pdu->request);
    struct snmp_varbind bind;
    int more, count = 0;
    *ret_full = false;
    for (int32_t index = 0; (more = snmp_varbind_next(&list, &bind)) > 0; index++) {
        struct oid oid;
        bool end;
        if (oid_decode(bind.oid, bind.oid_length, &oid) != 0)
            return -1;
        if (index < singles) {
            enum outcome outcome = *ret_full ? TOO_BIG : add_next(pdu, &oid, &end);
            if (outcome == SILENCE)
                return -1;
            *ret_full |= outcome == TOO_BIG;
        } else if (count < AGENT_PDU_REPEATERS) {
            repeaters[count++] = (struct repeater){.oid = oid};
        }
    }
    return more < 0 ? -1 : count;
}

/* One repetition of every repeater. Returns false when the answer is complete. */
static bool add_repetition(const struct agent_pdu *pdu, struct repeater *repeaters, int count,
                           unsigned *left, bool *ret_silence)
{
    int ended = 0;
    for (int i = 0; i < count; i++) {
        if (*left == 0)
            return false;
        enum outcome outcome = add_next(pdu, &repeaters[i].oid, &repeaters[i].end);
        *ret_silence = outcome == SILENCE;
        if (outcome != ADDED)
            return false;
        ended += repeaters[i].end;
        (*left)--;
    }
    return ended < count;
}

static bool content_faulty(const struct sim_faults *faults)
{
    return faults->stop_at > 0 || faults->cut_at > 0 || faults->loop_at > 0 || faults->unordered ||
           faults->one_row > 0 || faults->generated_rows > 0;
}

static bool answer_bulk(const struct agent_pdu *pdu, struct snmp_message *reply)
{
    const struct snmp_message *request = pdu->request;
    int32_t singles = request->error_status > 0 ? request->error_status : 0;
    int32_t repetitions = request->error_index > 0 ? request->error_index : 0;
    unsigned limit = pdu->faults->too_big_above;
    if (limit > 0 && repetitions > 0 && (unsigned)repetitions > limit) {
        agent_pdu_refuse(pdu, reply, SNMP_TOO_BIG, 0);
        return true;
    }
    const struct sim_source *source = pdu->source;
    if (source->bulk && !content_faulty(pdu->faults) &&
        source->bulk(source->state, request, pdu->budget, pdu->writer))
        return true;
    AUTO_FREE struct repeater *repeaters = alloc_array(AGENT_PDU_REPEATERS, sizeof(*repeaters));
    bool full, silence = false;
    int count = collect_repeaters(pdu, singles, repeaters, &full);
    if (count < 0)
        return false;
    unsigned left = pdu->faults->one_row > 0 ? pdu->faults->one_row : UINT32_MAX;
    while (!full && count > 0 && repetitions-- > 0)
        if (!add_repetition(pdu, repeaters, count, &left, &silence))
            break;
    bool nothing = pdu->writer->end == pdu->writer->begin;
    if (silence && nothing)
        return false;
    if (nothing && (full || count > 0) && request->error_index > 0)
        agent_pdu_refuse(pdu, reply, SNMP_TOO_BIG, 0);
    return true;
}

bool agent_pdu_answer(const struct agent_pdu *pdu, struct snmp_message *reply)
{
    bool v1 = pdu->request->version == SNMP_V1;
    reply->error_status = SNMP_NO_ERROR;
    reply->error_index = 0;
    if (pdu->request->pdu == SNMP_GET || pdu->request->pdu == SNMP_GETNEXT)
        return answer_singles(pdu, reply);
    if (pdu->request->pdu == SNMP_GETBULK && !v1)
        return answer_bulk(pdu, reply);
    if (pdu->request->pdu == SNMP_SET) {
        agent_pdu_refuse(pdu, reply, v1 ? SNMP_NO_SUCH_NAME : SNMP_NOT_WRITABLE, 1);
        return true;
    }
    return false;
}
