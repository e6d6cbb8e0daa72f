/* A model package: a folder that holds all that turns pictures into a risk. Its format is
 * described in docs/package-format.md. */
#ifndef AXNODE_MODEL_PACKAGE_H
#define AXNODE_MODEL_PACKAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/error.h"
#include "model/clinical.h"
#include "model/deep.h"
#include "model/deep_loop.h"
#include "model/findings.h"
#include "model/net/net.h"
#include "model/outline.h"
#include "model/view.h"

struct radiomics_settings;
struct package_score;

/* What must be known of a patient before a risk is shown (rule 1 of clinical safety). */
enum evidence_kind {
    EVIDENCE_SYNTHETIC_DATA,
    EVIDENCE_MALIGNANCY_CONFIRMED,
    EVIDENCE_NO_NEOADJUVANT_THERAPY,
    EVIDENCE_SINGLE_LESION,
    EVIDENCE_COUNT,
};
/* "synthetic_data", … as packages write it. Static storage. */
const char *evidence_name(enum evidence_kind kind);

struct package_criterion {
    enum evidence_kind evidence;
    const char *text; /* what a radiologist reads */
    struct clinical_input rule; /* which evidence counts: that says yes */
};

/* Which calibration terms with needs_calibration accept. */
enum package_sizes {
    PACKAGE_SIZES_REGION,    /* a calibrated tissue region */
    PACKAGE_SIZES_ESTIMATED, /* that or any other source */
    PACKAGE_SIZES_NONE,      /* they need none */
};

struct package_network {
    bool present;
    const char *file;              /* relative to the package */
    char sha256[DIGEST_TEXT_SIZE]; /* "" in a package opened without its manifest */
    struct outline_network outline;
};

struct package_view {
    bool present;
    const char *file;
    char sha256[DIGEST_TEXT_SIZE];
    struct view_network network;
};

enum { PACKAGE_DEEP_MAX = 8 };

struct package_deep {
    const char *file;
    char sha256[DIGEST_TEXT_SIZE];
    struct deep_network network;
};

struct package_term {
    const char *feature;
    double centre, scale, coefficient; /* coefficient × (value − centre) / scale */
    bool needs_calibration;
    const struct package_score *score; /* whose value is taken; NULL: `feature` is a feature */
};

/* A linear predictor: a step before the model, or one that ranks patients by itself. */
struct package_score {
    const char *name;
    bool has_intercept; /* without it, in an incomplete package, the value only ranks */
    double intercept;
    struct package_term *terms; /* a term may take the value of an earlier score */
    size_t term_count;
    bool in_model; /* the model's value depends on it */
};

/* Risks from `from` on, up to the next group's, are called `name`. */
struct package_group {
    const char *name;
    double from;
};

struct package_fact {
    const char *key, *value; /* nested keys joined by '.' */
};

struct package {
    struct arena arena; /* owns every text and array below */
    const char *folder;
    const char *name, *version, *intended_use;
    bool clinical_use; /* else every report says NOT FOR CLINICAL USE */
    const char *outcome_text, *outcome_short;
    struct package_criterion *population;
    size_t population_count;
    bool required[ROI_COUNT]; /* regions without which there is no risk */
    enum package_sizes sizes;
    struct clinical_input *clinical; /* that terms name "clinical_NAME" */
    size_t clinical_count;
    struct package_network networks[ROI_COUNT];
    struct package_view view; /* tells breast from axilla where nothing else does */
    struct radiomics_settings *radiomics; /* owned; NULL: none */
    struct package_deep *deep; /* networks whose output is features */
    size_t deep_count;         /* PACKAGE_DEEP_MAX at most */
    double agreement_min; /* below it an outline is unsure; 0 to 1 */
    bool unsure_allowed;  /* a risk in spite of an unsure outline */
    struct package_score *scores; /* in the order they are computed */
    size_t score_count;
    bool has_model;       /* else `incomplete` says what is missing */
    bool has_intercept;
    double intercept;
    struct package_term *terms;
    size_t term_count;
    double *covariance; /* of the intercept and the coefficients, (term_count + 1)²; NULL: none */
    double *bootstrap;  /* [bootstrap_count][term_count + 1] intercepts and coefficients of models
                           fitted to resampled patients; NULL: none */
    size_t bootstrap_count;
    struct package_group *groups; /* of the risk, the first from 0 on; 0 groups: none */
    size_t group_count;
    bool has_cutoff;
    double cutoff; /* of the risk, 0 to 1 */
    const char *cutoff_rule;
    const char **incomplete; /* missing pieces in words; any entry: never a risk */
    size_t incomplete_count;
    const char *provenance_data, *provenance_method, *provenance_licence;
    struct package_fact *performance;
    size_t performance_count;
    char digest[DIGEST_TEXT_SIZE]; /* SHA-256 of MANIFEST */
    bool is_signed;                /* by a trusted key */
};

struct package_options {
    const char *const *key_files; /* PEM public keys (Ed25519) that are trusted */
    size_t key_count;
    bool allow_unsigned;
    bool without_manifest; /* while a package is being made; the digest is "" */
};

/* Check MANIFEST and signature, read package.yaml. Reasons of STATUS_INVALID name the file and
 * for YAML the line. The networks are not opened. */
int package_open(const char *folder, const struct package_options *options,
                 struct package **ret_package, struct error *err);
void package_free(struct package *package);

/* The opened networks of a package; NULL where it has none. */
struct package_nets {
    struct net *net[ROI_COUNT];
    struct net *view;
    struct net *deep[PACKAGE_DEEP_MAX]; /* in the package's order */
};
/* Opens them and checks names and shapes. */
int package_nets_open(const struct package *package, const struct net_library *library,
                      struct package_nets *ret_nets, struct error *err);
void package_nets_release(struct package_nets *nets);

/* Append the features of the package's deep networks for `roi` to region->features, and add what
 * they contribute to its model to region->heat, where a network brings its activations and the
 * model uses its features. The mask is not empty and has the picture's size, `seen` lies in
 * the picture. A region too narrow for a network has NaN for its features. */
int package_deep_features(const struct package *package, const struct package_nets *nets,
                          const struct image *grey, enum roi roi, struct region_finding *region,
                          struct error *err);

/* The package's network over a cine loop; NULL: it has none. */
const struct deep_network *package_loop_network(const struct package *package);
/* Append its features (it has one) to `features`, and fill contributions, key and heat map of `loop`
 * where the network brings its activations and the model uses its features (model/deep_loop.h). */
int package_loop_features(const struct package *package, const struct package_nets *nets,
                          const struct deep_loop_place *place, struct loop_finding *loop,
                          struct feature_list *features, struct error *err);

/* Compare what this machine computes with selftest/selftest.yaml, stage by stage: networks to
 * 1e-3, features to 1e-6 relative, score to 1e-6. STATUS_CONFLICT names the first difference;
 * a package without selftest is STATUS_NOT_FOUND. */
int package_selftest(const struct package *package, const struct package_nets *nets,
                     struct error *err);
/* Write selftest/selftest.yaml from the pictures in selftest/ (names in
 * docs/package-format.md), or for a package without networks, radiomics and pictures from its
 * terms alone. The manifest must be written after it. */
int package_selftest_write(const struct package *package, const struct package_nets *nets,
                           struct error *err);

/* Write FOLDER/MANIFEST for the files that are there; an old signature is removed. */
int package_manifest_write(const char *folder, struct error *err);
/* Write FOLDER/MANIFEST.sig with an Ed25519 private key (PEM). */
int package_sign(const char *folder, const char *key_file, struct error *err);

#endif
