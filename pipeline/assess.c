#include <stdio.h>
#include <stdlib.h>

#include "model/features.h"
#include "model/score/score.h"
#include "pipeline/loop.h"

/* Clock positions this far apart are two lesions, in minutes on the dial: two hours. */
enum { CLOCK_APART = 120, CLOCK_DIAL = 720 };

enum side run_role_side(const struct run *run, enum roi roi)
{
    if (run->chosen[roi])
        return run->chosen[roi]->side;
    enum side side = SIDE_UNKNOWN;
    bool first = true;
    for (size_t i = 0; i < run->image_count; i++) {
        if (run->images[i].class.role != roi)
            continue;
        if (!first && run->images[i].class.side != side)
            return SIDE_UNKNOWN;
        side = run->images[i].class.side;
        first = false;
    }
    return side;
}

bool run_has_role(const struct run *run, enum roi roi)
{
    for (size_t i = 0; i < run->image_count; i++)
        if (run->images[i].class.role == roi)
            return true;
    return false;
}

static void note_region(struct run *run, enum roi roi)
{
    const struct candidate *c = run->chosen[roi];
    const char *name = roi_name(roi);
    if (!c)
        return;
    const struct region_finding *region = &c->region;
    if (region->unsure)
        run_note(run, "the outline of the %s is unsure: its passes agree by %.2f only", name,
                 region->agreement);
    if (region->callipers)
        run_note(run, "callipers on the picture guided the outline of the %s (%d marks)", name,
                 region->callipers);
    if (region->calibration.source == CALIBRATION_NONE)
        run_note(run, "sizes of the %s are in pixels: no calibrated region contains its outline",
                 name);
    if (region->calibration.source == CALIBRATION_ESTIMATED)
        run_note(run, "sizes of the %s are estimated from the callipers' readings", name);
    if (region->touches_border)
        run_note(run, "the outline of the %s touches the border of the picture", name);
    for (unsigned bit = 0; bit < QUALITY_FAULTS; bit++) {
        const unsigned fault = 1U << bit;
        const bool said = fault == QUALITY_UNCALIBRATED ||
                          (fault == QUALITY_CUT_OFF && region->touches_border);
        if ((region->quality.faults & fault) && !said)
            run_note(run, "%s: %s", name, quality_fault_text((enum quality_fault)fault));
    }
}

/* Features of a picture without meaningful grey levels are measurements alone. */
static int take_features(struct run *run, struct candidate *c, enum roi roi, struct error *err)
{
    if (c->region.features.count > 0)
        return 0;
    int status = region_features(&c->grey, c->graphics.pixels ? &c->graphics : NULL,
                                 c->region.grey ? run->package->radiomics : NULL, roi, &c->region,
                                 err);
    if (status == 0 && c->region.grey)
        status = package_deep_features(run->package, run->nets, &c->grey, roi, &c->region, err);
    if (status == 0 && roi == ROI_TUMOUR && package_loop_network(run->package))
        status = run_loop(run, c, err);
    return status;
}

/* The view network learned from few real pictures: what it alone placed is measured, not scored. */
static void refuse_by_view(const struct run *run, struct candidate *const pair[ROI_COUNT],
                           struct score *score)
{
    for (int roi = 0; roi < ROI_COUNT; roi++) {
        if (!pair[roi] || !run->images[pair[roi]->region.image].class.role_by_view)
            continue;
        score_add_reason(score, "that image %d shows the %s is known from the view network alone",
                         pair[roi]->region.image + 1, roi == ROI_TUMOUR ? "breast" : "axilla");
    }
}

/* `sides` of the roles, which count where a region is missing, too. */
static int score_pair(struct run *run, struct candidate *const pair[ROI_COUNT],
                      const enum side sides[ROI_COUNT], struct clinical_pick *ret_pick,
                      struct score *ret_score, struct error *err)
{
    struct region_finding missing = {.image = -1};
    int status = run_clinical_choose(run, pair, sides, ret_pick, err);
    if (status < 0)
        return status;
    struct score_input input = {.evidence = ret_pick->evidence,
                                .evidence_count = run->package->population_count,
                                .clinical = ret_pick->inputs,
                                .clinical_count = run->package->clinical_count};
    for (int roi = 0; roi < ROI_COUNT; roi++) {
        struct candidate *c = pair[roi];
        status = c ? take_features(run, c, (enum roi)roi, err) : 0;
        if (status < 0)
            return status;
        input.regions[roi] = c                                 ? &c->region
                             : run_has_role(run, (enum roi)roi) ? &missing
                                                               : NULL;
        input.sides[roi] = sides[roi];
    }
    status = score_compute(run->package, &input, ret_score, err);
    if (status == 0)
        refuse_by_view(run, pair, ret_score);
    return status;
}

/* Whether words on pictures of outlined tumours place them two hours of the dial apart. */
static bool multifocal(const struct run *run, enum side side)
{
    for (size_t i = 0; i < run->image_count; i++)
        for (size_t k = 0; k < i; k++) {
            const struct study_image *a = &run->images[i], *b = &run->images[k];
            if (!a->tumour_found || !b->tumour_found || a->class.side != side ||
                b->class.side != side || !a->sight->words.clock_minutes ||
                !b->sight->words.clock_minutes)
                continue;
            int apart = abs(a->sight->words.clock_minutes - b->sight->words.clock_minutes);
            apart = apart > CLOCK_DIAL / 2 ? CLOCK_DIAL - apart : apart;
            if (apart >= CLOCK_APART)
                return true;
        }
    return false;
}

/* The side that the report is not about, in a note: scored by itself. */
static int note_other_side(struct run *run, struct error *err)
{
    const enum side side = run->chosen[ROI_TUMOUR]->side == SIDE_LEFT ? SIDE_RIGHT : SIDE_LEFT;
    const enum side sides[ROI_COUNT] = {side, side};
    struct candidate *pair[ROI_COUNT];
    struct clinical_pick pick;
    struct score score;
    selection_of_side(&run->selection, side, pair);
    int status = score_pair(run, pair, sides, &pick, &score, err);
    if (status < 0)
        return status;
    if (score.has_risk)
        run_note(run, "the %s side, scored by itself: %.1f %% (tumour of image %d, node of image %d)",
                 side_name(side), 100 * score.risk,
                 pair[ROI_TUMOUR] ? pair[ROI_TUMOUR]->region.image + 1 : 0,
                 pair[ROI_NODE] ? pair[ROI_NODE]->region.image + 1 : 0);
    else
        run_note(run, "the %s side, scored by itself: no risk estimated: %s", side_name(side),
                 score.reason_count ? score.reasons[0] : "");
    score_release(&score);
    return 0;
}

/* Rules that need the whole study, not only the regions that were chosen. */
static int apply_study_rules(struct run *run, struct error *err)
{
    bool side = false, identity = false;
    for (size_t i = 0; i < run->image_count; i++) {
        side = side || run->images[i].class.side_contradicted;
        identity = identity || run->images[i].class.identity_contradicted;
    }
    if (identity)
        score_add_reason(&run->score, "the words on a picture name another patient than its attributes");
    if (side)
        score_add_reason(&run->score,
                         "an image's attributes or words contradict each other on the side");
    const enum side tumour = run->chosen[ROI_TUMOUR] ? run->chosen[ROI_TUMOUR]->side : SIDE_UNKNOWN;
    if (tumour != SIDE_UNKNOWN && multifocal(run, tumour)) {
        run_note(run, "tumours at different places of the %s breast: the published models exclude "
                      "multifocal disease", side_name(tumour));
        if (!run->settings->score_multifocal)
            score_add_reason(&run->score, "tumours at different places of one breast: the published "
                                          "models exclude multifocal disease");
    }
    if (!selection_bilateral(&run->selection, ROI_TUMOUR))
        return 0;
    run_note(run, "a tumour was outlined on both sides: the published models exclude bilateral "
                  "disease");
    if (!run->settings->score_bilateral) {
        score_add_reason(&run->score, "a tumour was outlined on both sides: the published models "
                                      "exclude bilateral disease");
        return 0;
    }
    return tumour == SIDE_UNKNOWN || !run->score.has_risk ? 0 : note_other_side(run, err);
}

int run_assess(struct run *run, struct error *err)
{
    selection_choose(&run->selection, run->chosen);
    const enum side sides[ROI_COUNT] = {run_role_side(run, ROI_TUMOUR),
                                        run_role_side(run, ROI_NODE)};
    int status = score_pair(run, run->chosen, sides, &run->pick, &run->score, err);
    if (status == 0)
        run_clinical_note(run);
    for (int roi = 0; roi < ROI_COUNT; roi++)
        note_region(run, (enum roi)roi);
    return status < 0 ? status : apply_study_rules(run, err);
}

enum side run_side(const struct run *run)
{
    const enum side tumour = run_role_side(run, ROI_TUMOUR), node = run_role_side(run, ROI_NODE);
    if (!run_has_role(run, ROI_TUMOUR))
        return node;
    return run_has_role(run, ROI_NODE) && node != tumour ? SIDE_UNKNOWN : tumour;
}
