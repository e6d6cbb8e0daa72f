#include "report/html.h"

#include "report/html_part.h"
#include "report/words.h"

static const char STYLE[] =
    "<style>\n"
    ":root{color-scheme:light dark;--bg:#fff;--fg:#14191f;--faint:#4a5561;--line:#cbd2d9;"
    "--card:#f5f7fa;--alert:#8a4b00;--tumour:#a85400;--node:#005f8f}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#11161d;--fg:#f2f4f7;--faint:#aeb8c4;"
    "--line:#3a4654;--card:#1a212b;--alert:#ffc53d;--tumour:#ffa62b;--node:#4dc3f5}}\n"
    "body{font:16px/1.45 'DejaVu Sans',Verdana,sans-serif;color:var(--fg);background:var(--bg);"
    "max-width:1180px;margin:0 auto;padding:0 24px 40px}\n"
    ".ban{background:#ffc53d;color:#141414;margin:0 -24px;padding:12px 24px;text-align:center}\n"
    ".ban b{display:block;font-size:28px}.ban p{margin:2px 0}\n"
    "h1{font-size:26px;margin:20px 0 4px}h1 span{background:var(--fg);color:var(--bg);"
    "padding:2px 14px;margin-right:12px}\n"
    "h2{font-size:20px;margin:34px 0 8px;border-bottom:2px solid var(--line);padding-bottom:4px}\n"
    "h3{font-size:18px;margin:20px 0 6px}.tumour{color:var(--tumour)}.node{color:var(--node)}\n"
    ".sub{color:var(--faint);margin:0 0 14px}\n"
    ".answer{border:2px solid var(--line);background:var(--card);border-radius:8px;"
    "padding:14px 22px;margin:16px 0}.answer b.risk{font-size:60px;line-height:1.1}\n"
    ".answer p{margin:4px 0}.alert{color:var(--alert);font-weight:bold;font-size:24px}\n"
    ".other{border:2px solid var(--alert);border-radius:8px;padding:0 22px;margin:34px 0 0}\n"
    ".other b.risk{font-size:40px}.other h2 span{background:var(--fg);color:var(--bg);"
    "padding:2px 10px;margin-right:10px}\n"
    ".pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(420px,1fr));gap:8px 24px}\n"
    "figure{margin:0 0 12px;break-inside:avoid}figcaption{color:var(--faint);font-size:14px}\n"
    "img{max-width:100%;height:auto}\n"
    ".wide{overflow-x:auto}table{border-collapse:collapse;margin:8px 0 16px}th,td{padding:4px 12px;"
    "text-align:left;border-bottom:1px solid var(--line);vertical-align:top}\n"
    "td.n,th.n{text-align:right;white-space:nowrap}th{background:var(--card)}\n"
    "code{font-size:14px;overflow-wrap:anywhere}\n"
    "@media print{body{max-width:none}.answer,table{break-inside:avoid}}\n"
    "</style>\n";

static const char *const SIDES[] = {
    [SIDE_UNKNOWN] = "SIDE UNKNOWN", [SIDE_LEFT] = "LEFT", [SIDE_RIGHT] = "RIGHT"};

static void put_head(struct html *h)
{
    struct markup *m = &h->m;
    const struct report_input *in = h->input;
    const char *date = in->images[0].header->study_date, *ban = words_ban(in);
    markup_put(m, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n"
                  "<meta name=\"viewport\" content=\"width=device-width\"/>\n"
                  "<title>Ultrasound of breast and axilla: report</title>\n");
    markup_put(m, "%s", STYLE);
    markup_put(m, "</head><body>\n<div class=\"ban\">");
    if (*ban)
        markup_put(m, "<b>%s</b>", ban);
    markup_put(m, "<p>Intended use: ");
    markup_text(m, in->intended_use);
    markup_put(m, "</p></div>\n<h1><span>%s</span>Ultrasound of breast and axilla</h1>\n"
                  "<p class=\"sub\">Patient ID ", SIDES[in->side]);
    markup_text(m, *h->patient_id ? h->patient_id : "unknown");
    if (*date) {
        markup_put(m, " · study of ");
        markup_text(m, words_date(&m->arena, date));
    }
    markup_put(m, " · report %d<br/>", in->generation);
    markup_text(m, words_status(&m->arena, in));
    markup_put(m, "</p>\n");
}

static void put_list(struct html *h, const char *const *texts, size_t count)
{
    markup_put(&h->m, "<ul>\n");
    for (size_t i = 0; i < count; i++) {
        markup_put(&h->m, "<li>");
        markup_text(&h->m, texts[i]);
        markup_put(&h->m, "</li>\n");
    }
    markup_put(&h->m, "</ul>\n");
}

static void put_no_risk(struct html *h)
{
    const struct score *score = h->input->score;
    const char *reasons[REASON_MAX];
    for (int i = 0; i < score->reason_count; i++)
        reasons[i] = score->reasons[i];
    markup_put(&h->m, "<p class=\"alert\">No risk estimated</p>\n");
    if (score->reason_count > 0)
        put_list(h, reasons, (size_t)score->reason_count);
}

static void put_risk(struct html *h)
{
    struct markup *m = &h->m;
    const struct score *score = h->input->score;
    char risk[WORDS_NUMBER_SIZE], low[WORDS_NUMBER_SIZE], high[WORDS_NUMBER_SIZE];
    markup_put(m, "<p>");
    markup_text(m, h->input->outcome_text);
    markup_put(m, "</p>\n<b class=\"risk\">%s %%</b>\n", words_number(100 * score->risk, 1, risk));
    if (score->has_interval)
        markup_put(m, "<p>95 %% interval: %s to %s %%</p>\n",
                   words_number(100 * score->risk_low, 1, low),
                   words_number(100 * score->risk_high, 1, high));
    else
        markup_put(m, "<p>The package gives no 95 %% interval</p>\n");
    if (*score->group) {
        markup_put(m, "<p class=\"alert\">Risk group: ");
        markup_text(m, score->group);
        markup_put(m, "</p>\n");
    }
    if (score->cutoff > 0) {
        const char *rule = h->input->cutoff_rule;
        markup_put(m, "<p>%s the cut-off of %s %%%s",
                   score->above_cutoff ? "At or above" : "Below",
                   words_number(100 * score->cutoff, 1, risk), rule && *rule ? ". Its rule: " : "");
        markup_text(m, rule);
        markup_put(m, "</p>\n");
    }
    markup_put(m, "<p class=\"sub\">An estimate for this side, not a finding of metastasis.</p>\n");
}

static void put_answer(struct html *h)
{
    markup_put(&h->m, "<section class=\"answer\">\n");
    if (h->input->score->has_risk)
        put_risk(h);
    else
        put_no_risk(h);
    markup_put(&h->m, "</section>\n");
}

static void put_regions(struct html *h)
{
    static const char *const classes[ROI_COUNT] = {[ROI_TUMOUR] = "tumour", [ROI_NODE] = "node"};
    markup_put(&h->m, "<div class=\"pair\">\n");
    for (int roi = 0; roi < ROI_COUNT; roi++) {
        const char *title = words_region_title((enum roi)roi);
        markup_put(&h->m, "<section><h2 class=\"%s\">%s</h2>\n", classes[roi], title);
        if (words_region(h->input, (enum roi)roi)) {
            html_region_pictures(h, (enum roi)roi);
            html_region_table(h, (enum roi)roi);
        } else {
            markup_put(&h->m, "<p>Not outlined.</p>\n");
        }
        markup_put(&h->m, "</section>\n");
    }
    markup_put(&h->m, "</div>\n");
}

static void put_notes(struct html *h)
{
    markup_put(&h->m, "<h2>To be checked by the reader</h2>\n");
    if (h->input->note_count > 0)
        put_list(h, h->input->notes, h->input->note_count);
    else
        markup_put(&h->m, "<p>Nothing unusual was noted. The outlines, the side and the "
                          "measurements are to be checked all the same.</p>\n");
}

/* A further package's score, under a heading and a frame of its own. */
static void put_other(struct html *h)
{
    struct markup *m = &h->m;
    const struct report_input *in = h->input;
    const char *ban = words_ban(in);
    markup_put(m, "<section class=\"other\"><h2><span>%s</span>Further score: package ",
               SIDES[in->side]);
    markup_text(m, arena_print(&m->arena, "%s %s", in->package_name, in->package_version));
    markup_put(m, "</h2>\n<p><b>Beside the result at the top of this page, and not part of it.</b> This "
                  "package looked at the study by itself; the outlines above are not its own. Numbers of "
                  "different packages answer different questions: they cannot be compared or "
                  "added.</p>\n<p>%s%sIntended use: ", ban, *ban ? ". " : "");
    markup_text(m, in->intended_use);
    markup_put(m, "</p>\n");
    put_answer(h);
    if (in->note_count > 0) {
        markup_put(m, "<h3>To be checked by the reader</h3>\n");
        put_list(h, in->notes, in->note_count);
    }
    if (in->score->has_risk) {
        html_nomogram(h);
        html_contributions(h);
        html_loop(h);
    }
    html_clinical(h);
    html_eligibility(h);
    html_package(h);
    markup_put(m, "</section>\n");
}

static void put_others(struct html *h)
{
    const struct report_input *leading = h->input;
    for (size_t i = 0; i < leading->other_count; i++) {
        h->input = &leading->others[i];
        put_other(h);
    }
    h->input = leading;
}

int html_write(const struct report_input *input, const struct report_object *objects, int count,
               struct buffer *out, struct error *err)
{
    struct html h = {.m = {.out = out, .err = err},
                     .input = input,
                     .patient_id = input->images[0].header->patient_id};
    arena_init(&h.m.arena);
    put_head(&h);
    put_answer(&h);
    put_notes(&h);
    put_regions(&h);
    if (input->score->has_risk) {
        html_nomogram(&h);
        html_contributions(&h);
        html_loop(&h);
    }
    html_clinical(&h);
    html_eligibility(&h);
    put_others(&h);
    html_images(&h);
    html_origin(&h, objects, count);
    markup_put(&h.m, "</body></html>\n");
    arena_release(&h.m.arena);
    return h.m.status;
}
