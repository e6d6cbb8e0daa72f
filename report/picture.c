#include "report/picture.h"

#include "report/leaf.h"
#include "report/loop.h"
#include "report/sheet.h"

enum kind { FINDINGS, ESTIMATE, LOOP, BESIDE, NOTES };
enum { LEAVES_MAX = 4 + 2 * REPORT_OTHERS_MAX };

struct leaf {
    enum kind kind;
    const struct report_input *input; /* whose words and numbers stand on it */
};

/* Which pages there are, in their order. `s` has a surface to measure texts on. */
static int list_pages(struct sheet *s, struct leaf leaves[LEAVES_MAX])
{
    const struct report_input *in = s->input;
    int count = 0;
    leaves[count++] = (struct leaf){FINDINGS, in};
    if (in->score->has_risk)
        leaves[count++] = (struct leaf){ESTIMATE, in};
    if (loop_explained(in))
        leaves[count++] = (struct leaf){LOOP, in};
    for (size_t i = 0; i < in->other_count; i++) {
        leaves[count++] = (struct leaf){BESIDE, &in->others[i]};
        if (loop_explained(&in->others[i]))
            leaves[count++] = (struct leaf){LOOP, &in->others[i]};
    }
    if (!leaf_findings_fits(s))
        leaves[count++] = (struct leaf){NOTES, in};
    return count;
}

/* What is not the leading package's says whose it is. */
static const char *title_of(struct sheet *s, const struct leaf *leaf, bool leading)
{
    static const char *const titles[] = {
        [FINDINGS] = "Ultrasound of breast and axilla",
        [ESTIMATE] = "How the estimate was made",
        [LOOP] = "The loop behind the estimate",
        [BESIDE] = "Further score",
        [NOTES] = "Notes in full",
    };
    return leading ? titles[leaf->kind]
                   : sheet_text(s, arena_print(&s->arena, "%s: package %s", titles[leaf->kind],
                                               leaf->input->package_name));
}

static int draw_page(struct sheet *s, const struct leaf *leaf, bool leading, struct error *err)
{
    s->input = leaf->input;
    sheet_frame(s, title_of(s, leaf, leading));
    switch (leaf->kind) {
    case FINDINGS: return leaf_findings(s, err);
    case ESTIMATE: return leaf_estimate(s, err);
    case LOOP: return leaf_loop(s, err);
    case BESIDE: leaf_beside(s); return 0;
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
    struct leaf leaves[LEAVES_MAX];
    sheet_begin(&s, input, NULL, &PALETTE_SCREEN);
    const int r = page_init(&s.page, 1, 1, 0, err);
    if (r == 0)
        *ret_count = list_pages(&s, leaves);
    sheet_end(&s);
    return r;
}

int picture_draw(const struct report_input *input, const char *patient_id, int number,
                 struct image *ret_picture, struct error *err)
{
    struct sheet s;
    struct leaf leaves[LEAVES_MAX];
    sheet_begin(&s, input, patient_id, &PALETTE_SCREEN);
    int r = page_init(&s.page, SHEET_WIDTH, SHEET_HEIGHT, 0, err);
    if (r == 0) {
        s.count = list_pages(&s, leaves);
        s.number = number;
        r = draw_page(&s, &leaves[number - 1], leaves[number - 1].input == input, err);
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
    struct leaf leaves[LEAVES_MAX];
    sheet_begin(&s, input, patient_id, &PALETTE_PAPER);
    int r = page_init_pdf(&s.page, out, SHEET_WIDTH, SHEET_HEIGHT, a4_width / SHEET_WIDTH, &about,
                          err);
    if (r == 0)
        s.count = list_pages(&s, leaves);
    for (s.number = 1; s.number <= s.count && r == 0; s.number++) {
        r = draw_page(&s, &leaves[s.number - 1], leaves[s.number - 1].input == input, err);
        if (r == 0)
            page_next(&s.page);
    }
    if (r == 0)
        r = page_end(&s.page, err);
    sheet_end(&s);
    return r;
}
