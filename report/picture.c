#include "report/picture.h"

#include "report/leaf.h"
#include "report/sheet.h"

enum kind { FINDINGS, ESTIMATE, NOTES, KINDS };

/* Which pages there are, in their order. `s` has a surface to measure texts on. */
static int list_pages(struct sheet *s, enum kind kinds[KINDS])
{
    int count = 0;
    kinds[count++] = FINDINGS;
    if (s->input->score->has_risk)
        kinds[count++] = ESTIMATE;
    if (!leaf_findings_fits(s))
        kinds[count++] = NOTES;
    return count;
}

static int draw_page(struct sheet *s, enum kind kind, struct error *err)
{
    static const char *const titles[KINDS] = {
        [FINDINGS] = "Ultrasound of breast and axilla",
        [ESTIMATE] = "How the estimate was made",
        [NOTES] = "Notes in full",
    };
    sheet_frame(s, titles[kind]);
    switch (kind) {
    case FINDINGS: return leaf_findings(s, err);
    case ESTIMATE: return leaf_estimate(s, err);
    default: leaf_notes(s); return 0;
    }
}

static void sheet_begin(struct sheet *s, const struct report_input *input, const char *patient_id,
                        const struct palette *palette)
{
    *s = (struct sheet){.input = input, .patient_id = patient_id, .palette = palette};
    arena_init(&s->arena);
}

static void sheet_end(struct sheet *s)
{
    arena_release(&s->arena);
    page_release(&s->page);
}

int picture_pages(const struct report_input *input, int *ret_count, struct error *err)
{
    struct sheet s;
    enum kind kinds[KINDS];
    sheet_begin(&s, input, NULL, &PALETTE_SCREEN);
    const int r = page_init(&s.page, 1, 1, 0, err);
    if (r == 0)
        *ret_count = list_pages(&s, kinds);
    sheet_end(&s);
    return r;
}

int picture_draw(const struct report_input *input, const char *patient_id, int number,
                 struct image *ret_picture, struct error *err)
{
    struct sheet s;
    enum kind kinds[KINDS];
    sheet_begin(&s, input, patient_id, &PALETTE_SCREEN);
    int r = page_init(&s.page, SHEET_WIDTH, SHEET_HEIGHT, 0, err);
    if (r == 0) {
        s.count = list_pages(&s, kinds);
        s.number = number;
        r = draw_page(&s, kinds[number - 1], err);
    }
    if (r == 0)
        r = page_take(&s.page, ret_picture, err);
    sheet_end(&s);
    return r;
}

int picture_pdf(const struct report_input *input, const char *patient_id, struct buffer *out,
                struct error *err)
{
    static const double a4_width = 841.89; /* points */
    const struct page_about about = {"Report on an ultrasound study of breast and axilla",
                                     input->created_us};
    struct sheet s;
    enum kind kinds[KINDS];
    sheet_begin(&s, input, patient_id, &PALETTE_PAPER);
    int r = page_init_pdf(&s.page, out, SHEET_WIDTH, SHEET_HEIGHT, a4_width / SHEET_WIDTH, &about,
                          err);
    if (r == 0)
        s.count = list_pages(&s, kinds);
    for (s.number = 1; s.number <= s.count && r == 0; s.number++) {
        r = draw_page(&s, kinds[s.number - 1], err);
        if (r == 0)
            page_next(&s.page);
    }
    if (r == 0)
        r = page_end(&s.page, err);
    sheet_end(&s);
    return r;
}
