/* Clinical values: what is known of a patient beside the pictures, where it was read, and which
 * value counts for a package, or why none does (rule 4 of clinical safety). */
#ifndef AXNODE_MODEL_CLINICAL_H
#define AXNODE_MODEL_CLINICAL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/uid.h"
#include "model/findings.h"

/* ---- the vocabulary ---- */

/* One kind of value. Eligibility evidence is among them, with the codes "no" and "yes". */
struct clinical_variable {
    const char *name;         /* "age", "bi_rads"; terms of packages say "clinical_age" */
    const char *unit;         /* of a number; NULL: its values are codes */
    double min, max;          /* of a number */
    const char *const *codes; /* NULL-terminated */
    bool sided;               /* belongs to one breast or axilla */
    bool evidence;            /* of eligibility: for `population`, not for terms */
    bool importable;          /* else only the study itself can say it */
    bool measurable;          /* our own criteria can stand in */
};
/* All of them; static storage. */
const struct clinical_variable *clinical_variables(size_t *ret_count);
/* NULL: nothing of that name. */
const struct clinical_variable *clinical_variable_find(const char *name);

enum clinical_source {
    CLINICAL_DICOM,    /* attributes of the study's images */
    CLINICAL_SR,       /* a structured report of the study */
    CLINICAL_IMPORT,   /* axnode clinical import, or a file beside the images */
    CLINICAL_MEASURED, /* our own measurements */
    CLINICAL_SOURCES,
};
/* "dicom", "sr", "import", "measured". Static storage. */
const char *clinical_source_name(enum clinical_source source);

/* ---- dates ---- */

/* Days since 1970-01-01; texts are "2026-01-31" or "20260131", years 1850 to 2199. */
enum { CLINICAL_NO_DATE = INT_MIN, CLINICAL_DATE_SIZE = 11 };
/* CLINICAL_NO_DATE: not such a date. */
int clinical_day(const char *text);
/* "2026-01-31"; "" for CLINICAL_NO_DATE. */
void clinical_date_format(int day, char out[CLINICAL_DATE_SIZE]);
/* Whole years from birth to a day; -1 without both dates, or when the birth comes later. */
int clinical_years(int birth, int day);

/* ---- values ---- */

enum { CLINICAL_SOURCE_SIZE = 128 };

struct clinical_value {
    const struct clinical_variable *variable;
    double number;    /* of a number, in the variable's unit; else 0 */
    const char *code; /* one of the variable's; NULL for a number */
    enum clinical_source source;
    char source_text[CLINICAL_SOURCE_SIZE]; /* "(0010,1010) Patient's Age", "pathology"; or "" */
    enum side side;   /* SIDE_UNKNOWN also where the variable is not sided */
    int observed;     /* day; CLINICAL_NO_DATE: unknown */
    bool of_study;    /* read from the study's own images: as old as the study, on its side */
};

/* Number or code from text, whatever else the value holds stays. STATUS_INVALID: no number of the
 * variable's range, or none of its codes; the message repeats nothing of the text. */
int clinical_value_parse(const struct clinical_variable *variable, const char *text,
                         struct clinical_value *value, struct error *err);
enum { CLINICAL_TEXT_SIZE = 40 };
/* The same back as text. */
void clinical_value_format(const struct clinical_value *value, char out[CLINICAL_TEXT_SIZE]);

/* A value and the patient it was recorded for. Texts are borrowed. */
struct clinical_record {
    const char *patient_id, *issuer;
    const char *study_uid, *accession_number; /* "": of every study of the patient */
    struct clinical_value value;
};
/* The same as texts, of a file or a table. None is NULL. */
struct clinical_texts {
    const char *patient_id, *issuer, *study_uid, *accession_number;
    const char *name, *value;
    const char *side;     /* "left", "right" of what belongs to a side; else "" */
    const char *observed; /* as clinical_day reads it */
    const char *source;   /* the recorder's words: "pathology" */
};
/* Checks name (of the vocabulary, importable), value, side, date, lengths and UID. The record
 * borrows the texts. STATUS_INVALID: the message repeats no value. */
int clinical_record_parse(const struct clinical_texts *texts, struct clinical_record *ret_record,
                          struct error *err);
/* A study as its images name it. */
struct clinical_study {
    const char *patient_id, *issuer, *study_uid, *accession_number;
    int day; /* Study Date; CLINICAL_NO_DATE: none, or a contradictory one */
};
/* Identifier and issuer equal exactly (an empty issuer equals an empty one alone; no identifier
 * equals nothing), and so do study and accession number where the record names them. */
bool clinical_record_applies(const struct clinical_record *record,
                             const struct clinical_study *study);

/* ---- what a package asks for ---- */

enum clinical_kind {
    CLINICAL_NUMBER,
    CLINICAL_ORDINAL, /* codes in their order count 1, 2, 3 … */
    CLINICAL_BINARY,  /* two codes count 0 and 1 */
};
/* "number", "ordinal", "binary". Static storage. */
const char *clinical_kind_name(enum clinical_kind kind);

struct clinical_step {
    const char *code; /* of the vocabulary */
    double number;    /* that it counts */
};

/* When our own measurements call a node suspicious: any of the three. */
struct clinical_criteria {
    double axis_ratio_below; /* long / short axis */
    double cortex_above_mm;
    bool partly_lost; /* a partly lost hilum, too; else only one that is lost */
};

/* Owned by the package. */
struct clinical_input {
    const struct clinical_variable *variable;
    const char *text; /* what a radiologist reads: "BI-RADS category" */
    enum clinical_kind kind;
    const struct clinical_step *steps; /* step_count of them; none for a number */
    size_t step_count;
    enum clinical_source sources[CLINICAL_SOURCES]; /* accepted ones, the preferred first */
    size_t source_count;
    int max_age_days;   /* before the study */
    int max_after_days; /* after it */
    bool same_side;     /* else of any side */
    double tolerance;   /* numbers that differ by no more than this agree */
    bool has_fallback;  /* else there is no risk without a value */
    double fallback;
    struct clinical_criteria criteria; /* where the node's status may be measured */
};

/* Whether a value may count. Ordered by how far it got. */
enum clinical_verdict {
    CLINICAL_UNKNOWN_SOURCE, /* its source is not accepted */
    CLINICAL_UNUSABLE,       /* the package has no number for it, or it is none */
    CLINICAL_UNDATED,
    CLINICAL_STUDY_UNDATED,
    CLINICAL_AFTER,          /* observed after the study */
    CLINICAL_STALE,
    CLINICAL_UNSIDED,        /* its side, or the study's, is not known */
    CLINICAL_OTHER_SIDE,
    CLINICAL_ACCEPTED,
};
enum clinical_verdict clinical_judge(const struct clinical_input *input, int study_day,
                                     enum side side, const struct clinical_value *value);
/* "its source is not accepted", … Static storage; says nothing of the patient. */
const char *clinical_verdict_text(enum clinical_verdict verdict);

enum { CLINICAL_REASON_SIZE = 120 };
struct clinical_choice {
    const struct clinical_input *input;
    const struct clinical_value *value; /* that counts; NULL: none */
    bool has_number;                    /* a value, or the package's fallback */
    double number;                      /* for the term "clinical_NAME" */
    char reason[CLINICAL_REASON_SIZE];  /* why no value counts; "" when one does */
};
/* All accepted values must agree; then the first of the preferred source counts, of equal ones
 * the newest. Two that differ count as missing. What we measured stands in only where no other
 * source has an accepted value. `side` is the side that is scored. */
void clinical_choose(const struct clinical_input *input, int study_day, enum side side,
                     const struct clinical_value *values, size_t count,
                     struct clinical_choice *ret_choice);

/* Node status by our own criteria, as code of "us_node_status"; NULL: they cannot tell, since none
 * is met and one cannot be judged. Sources: dlrn-2024 and dual-roi-2025 call a node suspicious
 * when any criterion is met. `in_mm`: its sizes in mm may be used. */
const char *clinical_node_status(const struct clinical_criteria *criteria,
                                 const struct measurements *node, bool in_mm);

#endif
