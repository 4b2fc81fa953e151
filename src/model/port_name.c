/* SPDX-License-Identifier: Apache-2.0 */
#include "model/port_name.h"

#include <ctype.h>
#include <string.h>

#include "base/check.h"

/* Words for media and aggregates with the spelling that stands for all of them.
 * A name is its leading word (letters, and dashes between letters) and the
 * rest; only whole words are replaced, so "Ethernet1" is "et1" and
 * "etherlike1" stays. */
struct medium {
    const char *word, *canonical;
};

static const struct medium media[] = {
    {"appgigabitethernet", "ap"},
    {"bagg", "bagg"},
    {"bridge-aggregation", "bagg"},
    {"bundle-ether", "be"},
    {"et", "et"},
    {"eth", "et"},
    {"ethernet", "et"},
    {"fa", "fa"},
    {"fastethernet", "fa"},
    {"fas", "fa"},
    {"fge", "fo"},
    {"fivegigabitethernet", "fi"},
    {"fo", "fo"},
    {"fortygige", "fo"},
    {"fortygigabitethernet", "fo"},
    {"fourhundredgige", "f"},
    {"ge", "gi"},
    {"gi", "gi"},
    {"gig", "gi"},
    {"gige", "gi"},
    {"gigabitethernet", "gi"},
    {"hge", "hu"},
    {"hu", "hu"},
    {"hundredgige", "hu"},
    {"hundredgigabitethernet", "hu"},
    {"loopback", "lo"},
    {"management", "ma"},
    {"po", "po"},
    {"port-channel", "po"},
    {"portchannel", "po"},
    {"ragg", "ragg"},
    {"route-aggregation", "ragg"},
    {"te", "te"},
    {"ten", "te"},
    {"ten-gigabitethernet", "te"},
    {"tengige", "te"},
    {"tengigabitethernet", "te"},
    {"tunnel", "tu"},
    {"twe", "twe"},
    {"twenty-fivegige", "twe"},
    {"twentyfivegige", "twe"},
    {"twentyfivegigabitethernet", "twe"},
    {"twogigabitethernet", "tw"},
    {"vlan", "vl"},
    {"wge", "twe"},
    {"xge", "te"},
    {"xgigabitethernet", "te"},
};

/* Returns the length of the leading word of `name`. */
static size_t word_length(const char *name)
{
    size_t n = 0;
    while (islower((unsigned char)name[n]) ||
           (n > 0 && name[n] == '-' && islower((unsigned char)name[n + 1])))
        n++;
    return n;
}

static const char *medium_find(const char *word, size_t length)
{
    for (size_t i = 0; i < ARRAY_COUNT(media); i++)
        if (strlen(media[i].word) == length && memcmp(media[i].word, word, length) == 0)
            return media[i].canonical;
    return NULL;
}

char *port_name_canonical(const char *name, char buffer[static PORT_NAME_SIZE])
{
    size_t length = 0;
    for (; *name != '\0' && length < PORT_NAME_SIZE - 1; name++)
        if (!isspace((unsigned char)*name))
            buffer[length++] = (char)tolower((unsigned char)*name);
    buffer[length] = '\0';

    size_t word = word_length(buffer);
    const char *shorter = medium_find(buffer, word);
    if (shorter != NULL) {
        size_t kept = strlen(shorter);
        CHECK(kept <= word);
        memcpy(buffer, shorter, kept);
        memmove(buffer + kept, buffer + word, length - word + 1);
        length -= word - kept;
    }
    /* Juniper's logical unit 0 stands for the port itself. A bare number with
     * ".0" is somebody's slot.port, not a unit. All of them go, so that the canonical
     * form of a canonical form is itself. */
    bool named = !isdigit((unsigned char)buffer[0]);
    for (; named && length > 2 && strcmp(buffer + length - 2, ".0") == 0; length -= 2)
        buffer[length - 2] = '\0';
    return buffer;
}

bool port_name_same(const char *a, const char *b)
{
    char canonical_a[PORT_NAME_SIZE], canonical_b[PORT_NAME_SIZE];
    return strcmp(port_name_canonical(a, canonical_a), port_name_canonical(b, canonical_b)) == 0;
}
