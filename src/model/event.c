/* SPDX-License-Identifier: Apache-2.0 */
#include "model/event.h"

#include <string.h>

static const char *const kinds[] = {
#define KIND(word, name) [name] = word,
    EVENT_KINDS(KIND)
#undef KIND
};

static const char *const hints[] = {
#define HINT(word, name) [name] = word,
    EVENT_HINTS(HINT)
#undef HINT
};

static const char *const proofs[] = {
#define PROOF(word, name) [name] = word,
    EVENT_PROOFS(PROOF)
#undef PROOF
};

struct event event_of(enum event_kind kind)
{
    return (struct event){.kind = kind, .mac = MAC_NONE, .at = WALL_UNKNOWN, .heard = WALL_UNKNOWN};
}

static const char *word_of(const char *const *words, size_t count, unsigned number)
{
    return number < count ? words[number] : "";
}

static size_t number_of(const char *const *words, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i], word) == 0)
            return i;
    }
    return count;
}

const char *event_kind_word(enum event_kind kind)
{
    return word_of(kinds, EVENT_KIND_COUNT, kind);
}

const char *event_hint_word(enum event_hint hint)
{
    return word_of(hints, EVENT_HINT_COUNT, hint);
}

const char *event_proof_word(enum event_proof proof)
{
    return word_of(proofs, EVENT_PROOF_COUNT, proof);
}

enum event_kind event_kind_parse(const char *word)
{
    return (enum event_kind)number_of(kinds, EVENT_KIND_COUNT, word);
}

enum event_hint event_hint_parse(const char *word)
{
    return (enum event_hint)number_of(hints, EVENT_HINT_COUNT, word);
}

enum event_proof event_proof_parse(const char *word)
{
    return (enum event_proof)number_of(proofs, EVENT_PROOF_COUNT, word);
}
