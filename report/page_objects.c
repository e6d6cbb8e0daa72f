/* The pages as files: Secondary Captures, a PDF, and pictures beside the objects. */
#include <stdio.h>

#include "base/file.h"
#include "dicom/pdf.h"
#include "dicom/sc.h"
#include "image/png.h"
#include "report/codes.h"
#include "report/heat.h"
#include "report/html.h"
#include "report/job.h"
#include "report/loop.h"
#include "report/picture.h"
#include "report/words.h"

enum { SOURCES_MAX = ROI_COUNT + 1 + REPORT_OTHERS_MAX };

/* The images that the pages show; the count. */
static size_t shown_images(const struct job *job, struct dicom_reference sources[SOURCES_MAX])
{
    size_t count = 0;
    for (int roi = 0; roi < ROI_COUNT; roi++)
        if (words_region(job->input, roi))
            sources[count++] = job->identities[roi].image;
    if (loop_explained(job->input))
        sources[count++] = loop_key_reference(job->input);
    for (size_t i = 0; i < job->input->other_count; i++)
        if (loop_explained(&job->input->others[i]))
            sources[count++] = loop_key_reference(&job->input->others[i]);
    return count;
}

/* Page `number` as "sc", "sc-2" …: instances of one series, the first page's. */
static int write_page(struct job *job, int number, struct error *err)
{
    struct dicom_reference sources[SOURCES_MAX];
    struct image picture = {0};
    struct target t;
    char name[16] = "sc", first[UID_SIZE];
    struct sc_document document = {
        .picture = &picture,
        .identifies_patient = true, /* by its ID, and the pictures may show a name */
        .derivation = "Outlines, measurements and estimated risk drawn over ultrasound images",
        .sources = sources,
        .source_count = shown_images(job, sources),
    };
    if (number > 1)
        snprintf(name, sizeof name, "sc-%d", number);
    int r = job_target(job, REPORT_SC, name, SC_SOP_CLASS_UID, &t, err);
    if (r == 0)
        r = picture_draw(job->input, job_main_image(job->input)->header->patient_id, number,
                         &picture, err);
    if (r < 0)
        return r;
    uid_derive(job->input->content_digest, "sc", first);
    job_series_uid(first, t.series_uid);
    document.object = job_describe(job, &t, SERIES_SC, "axnode summary picture");
    document.object.instance_number = number;
    r = sc_write(&document, t.path, err);
    image_release(&picture);
    return r < 0 ? r : job_done(job, &t, err);
}

int job_write_pages(struct job *job, struct error *err)
{
    int pages = 0;
    int r = picture_pages(job->input, &pages, err);
    for (int number = 1; number <= pages && r == 0; number++)
        r = write_page(job, number, err);
    return r;
}

int job_write_pdf(struct job *job, struct error *err)
{
    struct dicom_reference sources[SOURCES_MAX];
    struct buffer bytes BUFFER_AUTO = {0};
    struct target t;
    int r = job_target(job, REPORT_PDF, "pdf", PDF_SOP_CLASS_UID, &t, err);
    if (r == 0)
        r = picture_pdf(job->input, job_main_image(job->input)->header->patient_id, &bytes, err);
    if (r < 0)
        return r;
    const struct pdf_document document = {
        .object = job_describe(job, &t, SERIES_PDF, "axnode report as PDF"),
        .bytes = buffer_text(&bytes),
        .size = bytes.size,
        .title = "Report on an ultrasound study of breast and axilla",
        .concept = CODE_REPORT,
        .identifies_patient = true,
        .sources = sources,
        .source_count = shown_images(job, sources),
    };
    r = pdf_write(&document, t.path, err);
    return r < 0 ? r : job_done(job, &t, err);
}

static int write_overlay(const struct job *job, struct error *err)
{
    struct image picture = {0};
    char path[4096];
    int r = job_path(job, REPORT_OVERLAY_NAME, path, err);
    if (r == 0)
        r = picture_draw(job->input, NULL, 1, &picture, err);
    if (r == 0)
        r = image_write_png(path, &picture, err);
    image_release(&picture);
    return r;
}

/* What explains a number stands only where the number does. */
static int write_heat_map(const struct job *job, enum roi roi, struct error *err)
{
    const struct region_finding *region = words_region(job->input, roi);
    struct image picture = {0};
    char name[64], path[4096];
    if (!region || !region->heat.plane.values || !job->input->score->has_risk)
        return 0;
    snprintf(name, sizeof name, REPORT_HEAT_MAP_NAME, roi_name(roi));
    int r = job_path(job, name, path, err);
    if (r == 0)
        r = heat_draw(job->input->images[region->image].picture, &region->heat, &picture, err);
    if (r == 0)
        r = image_write_png(path, &picture, err);
    image_release(&picture);
    return r;
}

static int write_html(const struct job *job, struct error *err)
{
    struct buffer page BUFFER_AUTO = {0};
    char path[4096];
    int r = job_path(job, REPORT_HTML_NAME, path, err);
    if (r == 0)
        r = html_write(job->input, job->objects, job->count, &page, err);
    return r < 0 ? r : file_write(path, buffer_text(&page), page.size, err);
}

int job_write_pictures(const struct job *job, struct error *err)
{
    int r = job->input->pictures ? write_overlay(job, err) : 0;
    for (int roi = 0; roi < ROI_COUNT && job->input->pictures && r == 0; roi++)
        r = write_heat_map(job, (enum roi)roi, err);
    return r == 0 && job->input->html ? write_html(job, err) : r;
}
