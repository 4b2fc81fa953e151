/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "audit/coverage.h"
#include "audit/render.h"
#include "audit/sweep_inside.h"

/* The sweep's results in words. */

void sweep_render(const struct sweep *sweep, size_t number, struct arena *arena,
                  struct discrepancy *ret)
{
    render_verdict(sweep->world, &sweep->list, sweep_verdict(sweep, number), arena, ret);
}

bool sweep_render_member(const struct sweep *sweep, size_t number, size_t member,
                         struct arena *arena, struct discrepancy *ret)
{
    const struct verdict *verdict = sweep_verdict(sweep, number);
    if (member >= verdict->members)
        return false;
    uint32_t index = sweep->list.members[verdict->member + member];
    render_verdict(sweep->world, &sweep->list, &sweep->list.verdicts[index], arena, ret);
    return true;
}

void sweep_unobserved(const struct sweep *sweep, size_t number, struct arena *arena,
                      struct not_observable *ret)
{
    CHECK(number < sweep->list.unobserved_count);
    const struct unobserved *one = &sweep->list.unobserved[number];
    *ret = (struct not_observable){
        .guest = render_guest_name(sweep->world, one->nic),
        .hypervisor =
            one->hypervisor == WORLD_NONE ? NULL : sweep->world->hypervisors[one->hypervisor].name,
        .why = coverage_why(sweep->world, one->hypervisor, arena)};
}

/* Visits the guests whose records say `wanted` to "should it communicate?". */
static void visit_guests(const struct world *world, enum tristate wanted,
                         void (*visit)(void *aux, const char *guest_identity), void *aux)
{
    AUTO_TEXT struct text identity = TEXT_EMPTY;
    struct guest_view view = {0};
    uint32_t *scratch = NULL;
    size_t capacity = 0;
    for (uint32_t nic = 0; nic < world->nic_count; nic++) {
        if (run_state_communicates(world_nic_state(world, nic)) != wanted)
            continue;
        view_build(world, nic, &view, &scratch, &capacity);
        if (view.communicates != wanted || view.first_nic != nic)
            continue;
        text_clear(&identity);
        view_identity(world, nic, &identity);
        visit(aux, text_get(&identity));
    }
    view_done(&view);
    free(scratch);
}

void sweep_off_guests(const struct world *world,
                      void (*visit)(void *aux, const char *guest_identity), void *aux)
{
    visit_guests(world, NO, visit, aux);
}

void sweep_unsure_guests(const struct world *world,
                         void (*visit)(void *aux, const char *guest_identity), void *aux)
{
    visit_guests(world, UNKNOWN, visit, aux);
}
