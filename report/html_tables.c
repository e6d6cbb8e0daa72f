#include <stdio.h>

#include "base/clock.h"
#include "report/html_part.h"
#include "report/terms.h"
#include "report/words.h"

static void put_cell(struct markup *m, const char *text)
{
    markup_put(m, "<td>");
    markup_text(m, text);
    markup_put(m, "</td>");
}

static void put_number(struct markup *m, double value)
{
    char number[WORDS_NUMBER_SIZE];
    markup_put(m, "<td class=\"n\">%s</td>", words_number(value, 3, number));
}

void html_region_table(struct html *h, enum roi roi)
{
    struct markup *m = &h->m;
    const struct region_finding *region = words_region(h->input, roi);
    struct quantity quantities[QUANTITIES_MAX];
    struct statement statements[STATEMENTS_MAX];
    char number[WORDS_NUMBER_SIZE];
    const size_t count = words_quantities(region, roi, quantities);
    const size_t said = words_statements(region, roi, statements);
    markup_put(m, "<table>\n");
    for (size_t i = 0; i < count; i++) {
        markup_put(m, "<tr>");
        put_cell(m, quantities[i].label);
        put_cell(m, arena_print(&m->arena, "%s %s",
                                words_number(quantities[i].value, quantities[i].decimals, number),
                                quantities[i].unit_text));
        markup_put(m, "</tr>\n");
    }
    for (size_t i = 0; i < said; i++) {
        markup_put(m, "<tr>");
        put_cell(m, statements[i].label);
        put_cell(m, statements[i].text);
        markup_put(m, "</tr>\n");
    }
    markup_put(m, "</table>\n");
    if (region->calibration.source == CALIBRATION_NONE)
        markup_put(m, "<p class=\"sub\">Sizes are in pixels: uncalibrated.</p>\n");
    if (region->calibration.source == CALIBRATION_ESTIMATED)
        markup_put(m, "<p class=\"sub\">Sizes are estimated.</p>\n");
}

void html_contributions(struct html *h)
{
    struct markup *m = &h->m;
    const struct score *score = h->input->score;
    if (score->contribution_count == 0)
        return;
    markup_put(m, "<h3>What each value adds</h3>\n<div class=\"wide\"><table><tr><th>step</th>"
                  "<th>value</th><th class=\"n\">patient</th><th class=\"n\">centre</th>"
                  "<th class=\"n\">scale</th><th class=\"n\">coefficient</th>"
                  "<th class=\"n\">adds</th></tr>\n");
    for (size_t i = 0; i < score->contribution_count; i++) {
        const struct contribution *c = &score->contributions[i];
        markup_put(m, "<tr>");
        put_cell(m, c->stage);
        put_cell(m, terms_label(&m->arena, h->input->package, c->name));
        put_number(m, c->value);
        put_number(m, c->centre);
        put_number(m, c->scale);
        put_number(m, c->coefficient);
        put_number(m, c->contribution);
        markup_put(m, "</tr>\n");
    }
    char number[WORDS_NUMBER_SIZE];
    markup_put(m, "</table></div>\n<p class=\"sub\">Adds: coefficient × (patient − centre) / scale. "
                  "With the intercept the last step gives %s, whose logistic function is the "
                  "risk.</p>\n", words_number(score->linear_predictor, 3, number));
}

void html_clinical(struct html *h)
{
    struct markup *m = &h->m;
    const struct package *package = h->input->package;
    if (!package || !h->input->clinical || package->clinical_count == 0)
        return;
    markup_put(m, "<h2>Clinical values</h2>\n<table><tr><th>value</th><th>of the patient</th>"
                  "<th>source</th></tr>\n");
    for (size_t i = 0; i < package->clinical_count; i++) {
        const struct clinical_choice *choice = &h->input->clinical[i];
        char value[CLINICAL_TEXT_SIZE] = "–";
        if (choice->value)
            clinical_value_format(choice->value, value);
        const char *unit =
            choice->value && choice->input->variable->unit ? choice->input->variable->unit : "";
        markup_put(m, "<tr>");
        put_cell(m, choice->input->text);
        put_cell(m, arena_print(&m->arena, "%s %s", value, unit));
        put_cell(m, terms_source(&m->arena, choice));
        markup_put(m, "</tr>\n");
    }
    markup_put(m, "</table>\n");
}

void html_eligibility(struct html *h)
{
    struct markup *m = &h->m;
    const struct package *package = h->input->package;
    if (!package || !h->input->eligibility || package->population_count == 0)
        return;
    markup_put(m, "<h2>For whom the package is meant</h2>\n<table><tr><th>it must be known that</th>"
                  "<th>established by</th></tr>\n");
    for (size_t i = 0; i < package->population_count; i++) {
        const struct evidence *evidence = &h->input->eligibility[i];
        markup_put(m, "<tr>");
        put_cell(m, package->population[i].text);
        put_cell(m, *evidence->source ? evidence->source
                    : *evidence->why
                        ? arena_print(&m->arena, "not established: %s", evidence->why)
                        : "not established");
        markup_put(m, "</tr>\n");
    }
    markup_put(m, "</table>\n");
}

void html_images(struct html *h)
{
    struct markup *m = &h->m;
    markup_put(m, "<h2>Images</h2>\n<div class=\"wide\"><table><tr><th>image</th><th>SOP Instance "
                  "UID</th><th>used for</th></tr>\n");
    for (size_t i = 0; i < h->input->image_count; i++) {
        const struct report_image *image = &h->input->images[i];
        markup_put(m, "<tr><td>%d", image->header->instance_number);
        if (image->header->frames > 1)
            markup_put(m, ", frame %d of %d", image->frame + 1, image->header->frames);
        markup_put(m, "</td><td><code>");
        markup_text(m, image->header->sop_instance_uid);
        markup_put(m, "</code></td>");
        put_cell(m, image->role < ROI_COUNT ? words_region_title(image->role)
                                            : "looked at, not used");
        markup_put(m, "</tr>\n");
    }
    markup_put(m, "</table></div>\n");
}

static void put_row(struct markup *m, const char *name, const char *text)
{
    markup_put(m, "<tr>");
    put_cell(m, name);
    markup_put(m, "<td><code>");
    markup_text(m, text);
    markup_put(m, "</code></td></tr>\n");
}

static void put_package(struct markup *m, const struct report_input *in)
{
    put_row(m, "Model package", arena_print(&m->arena, "%s %s", in->package_name,
                                            in->package_version));
    put_row(m, "… SHA-256", in->package_digest);
    if (in->population && *in->population)
        put_row(m, "… meant for", in->population);
}

void html_package(struct html *h)
{
    markup_put(&h->m, "<div class=\"wide\"><table>\n");
    put_package(&h->m, h->input);
    markup_put(&h->m, "</table></div>\n");
}

void html_origin(struct html *h, const struct report_object *objects, int count)
{
    struct markup *m = &h->m;
    const struct report_input *in = h->input;
    char created[CLOCK_TEXT_SIZE];
    clock_format_iso(in->created_us, created);
    markup_put(m, "<h2>Where this comes from</h2>\n<div class=\"wide\"><table>\n");
    put_package(m, in);
    put_row(m, "Program", arena_print(&m->arena, "%s %s", DICOM_OWN_MANUFACTURER,
                                      in->software_version));
    put_row(m, "Made", created);
    for (int i = 0; i < count; i++)
        put_row(m, objects[i].file_name, objects[i].sop_instance_uid);
    markup_put(m, "</table></div>\n");
}
