/* Grey level co-occurrence, per direction; definitions of PyRadiomics' class glcm. */
#include "model/radiomics/region.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    AUTOCORRELATION, CLUSTER_PROMINENCE, CLUSTER_SHADE, CLUSTER_TENDENCY, CONTRAST, CORRELATION,
    DIFFERENCE_AVERAGE, DIFFERENCE_ENTROPY, DIFFERENCE_VARIANCE, ID, IDM, IDMN, IDN, IMC1, IMC2,
    INVERSE_VARIANCE, JOINT_AVERAGE, JOINT_ENERGY, JOINT_ENTROPY, MCC, MAXIMUM_PROBABILITY,
    SUM_AVERAGE, SUM_ENTROPY, SUM_SQUARES, COUNT,
};

/* One normalised matrix and what is made of it; all arrays in one allocation. */
struct work {
    const struct levels *l;
    int n;         /* levels that occur */
    double *p;     /* [i][j], counts at first */
    double *px, *py;
    double *difference; /* by |i − j|, [highest] */
    double *sum;        /* by i + j, [2 highest + 1] */
    double *q;          /* [i][j] for the correlation coefficient */
    double *diagonal, *below;
};

static int work_init(struct work *w, const struct levels *l, struct error *err)
{
    size_t n = (size_t)l->count, highest = (size_t)l->highest;
    double *memory = calloc(2 * n * n + 4 * n + 3 * highest + 1, sizeof *memory);
    if (!memory)
        return error_set(err, STATUS_NOMEM, "no memory for a co-occurrence matrix");
    *w = (struct work){.l = l, .n = l->count, .p = memory};
    w->q = w->p + n * n;
    w->px = w->q + n * n;
    w->py = w->px + n;
    w->diagonal = w->py + n;
    w->below = w->diagonal + n;
    w->difference = w->below + n;
    w->sum = w->difference + highest;
    return 0;
}

void glcm_counts(const struct levels *l, const struct direction *d, bool symmetrical,
                double *ret_counts)
{
    int n = l->count;
    memset(ret_counts, 0, (size_t)n * (size_t)n * sizeof *ret_counts);
    for (size_t v = 0; v < l->voxels; v++) {
        const int *at = l->level + l->at[v];
        int other = at[d->offset];
        if (other != 0)
            ret_counts[(size_t)(*at - 1) * (size_t)n + (size_t)other - 1]++;
    }
    if (!symmetrical)
        return;
    for (int i = 0; i < n; i++)
        for (int j = i; j < n; j++) {
            double *a = &ret_counts[(size_t)i * (size_t)n + (size_t)j];
            double *b = &ret_counts[(size_t)j * (size_t)n + (size_t)i];
            *a = *b = *a + *b;
        }
}

static double information(double p)
{
    return -log2(p + RADIOMICS_EPSILON);
}

static void margins(struct work *w, double total)
{
    int n = w->n;
    memset(w->px, 0, 2 * (size_t)n * sizeof *w->px);
    memset(w->difference, 0, (3 * (size_t)w->l->highest + 1) * sizeof *w->difference);
    const int *grey = w->l->grey;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double *p = &w->p[(size_t)i * (size_t)n + (size_t)j];
            if (*p == 0)
                continue;
            *p /= total;
            w->px[i] += *p;
            w->py[j] += *p;
            w->difference[abs(grey[i] - grey[j])] += *p;
            w->sum[grey[i] + grey[j]] += *p;
        }
}

static void joint_features(const struct work *w, double *v)
{
    int n = w->n;
    const int *grey = w->l->grey;
    double ux = 0, uy = 0, varx = 0, vary = 0, covariance = 0;
    for (int i = 0; i < n; i++) {
        ux += w->px[i] * grey[i];
        uy += w->py[i] * grey[i];
    }
    for (int i = 0; i < n; i++) {
        varx += w->px[i] * (grey[i] - ux) * (grey[i] - ux);
        vary += w->py[i] * (grey[i] - uy) * (grey[i] - uy);
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double p = w->p[(size_t)i * (size_t)n + (size_t)j];
            if (p == 0)
                continue;
            double c = (grey[i] - ux) + (grey[j] - uy), c2 = c * c;
            covariance += p * (grey[i] - ux) * (grey[j] - uy);
            v[AUTOCORRELATION] += p * grey[i] * grey[j];
            v[CLUSTER_TENDENCY] += p * c2;
            v[CLUSTER_SHADE] += p * c2 * c;
            v[CLUSTER_PROMINENCE] += p * c2 * c2;
            v[JOINT_ENERGY] += p * p;
            v[JOINT_ENTROPY] += p * information(p);
            v[MAXIMUM_PROBABILITY] = p > v[MAXIMUM_PROBABILITY] ? p : v[MAXIMUM_PROBABILITY];
        }
    double deviations = sqrt(varx) * sqrt(vary);
    v[CORRELATION] = deviations == 0 ? 1 : covariance / (deviations + RADIOMICS_EPSILON);
    v[JOINT_AVERAGE] = ux;
    v[SUM_SQUARES] = varx;
}

static void difference_features(const struct work *w, double *v)
{
    double highest = w->l->highest;
    for (int k = 0; k < w->l->highest; k++) {
        double p = w->difference[k], d = k;
        if (p == 0)
            continue;
        v[CONTRAST] += p * d * d;
        v[DIFFERENCE_AVERAGE] += p * d;
        v[DIFFERENCE_ENTROPY] += p * information(p);
        v[ID] += p / (1 + d);
        v[IDM] += p / (1 + d * d);
        v[IDN] += p / (1 + d / highest);
        v[IDMN] += p / (1 + d * d / (highest * highest));
        if (k > 0)
            v[INVERSE_VARIANCE] += p / (d * d);
    }
    for (int k = 0; k < w->l->highest; k++) {
        double d = k - v[DIFFERENCE_AVERAGE];
        v[DIFFERENCE_VARIANCE] += w->difference[k] * d * d;
    }
}

static void sum_features(const struct work *w, double *v)
{
    for (int k = 2; k <= 2 * w->l->highest; k++)
        if (w->sum[k] != 0) {
            v[SUM_AVERAGE] += w->sum[k] * k;
            v[SUM_ENTROPY] += w->sum[k] * information(w->sum[k]);
        }
}

/* Haralick's information measures of correlation. */
static void information_features(const struct work *w, double *v)
{
    int n = w->n;
    double hx = 0, hy = 0, hxy1 = 0, hxy2 = 0;
    for (int i = 0; i < n; i++) {
        hx += w->px[i] * information(w->px[i]);
        hy += w->py[i] * information(w->py[i]);
        for (int j = 0; j < n; j++) {
            double independent = w->px[i] * w->py[j];
            if (independent == 0)
                continue;
            double bits = information(independent);
            hxy1 += w->p[(size_t)i * (size_t)n + (size_t)j] * bits;
            hxy2 += independent * bits;
        }
    }
    double most = hx > hy ? hx : hy, hxy = v[JOINT_ENTROPY];
    v[IMC1] = most == 0 ? 0 : (hxy - hxy1) / most;
    double square = 1 - exp(-2 * (hxy2 - hxy));
    v[IMC2] = square > 0 ? sqrt(square) : 0;
}

/* Reduce the symmetric matrix a [n][n] to three diagonals (Householder; Golub and Van Loan,
 * Matrix Computations, 8.3.1). */
static void tridiagonalise(double *a, int n, double *diagonal, double *below)
{
    for (int k = 0; k < n - 2; k++) {
        double *x = a + (size_t)k * (size_t)n; /* row k: the vector to be reflected is x[k+1, n) */
        double norm2 = 0;
        for (int i = k + 2; i < n; i++)
            norm2 += x[i] * x[i];
        diagonal[k] = x[k];
        below[k] = x[k + 1];
        if (norm2 == 0)
            continue;
        double norm = sqrt(norm2 + x[k + 1] * x[k + 1]);
        double alpha = x[k + 1] > 0 ? -norm : norm;
        below[k] = alpha;
        x[k + 1] -= alpha; /* x[k+1, n) is now the Householder vector u */
        double h = norm2 + x[k + 1] * x[k + 1];
        double *p = below + k + 1; /* free until those rows are reached */
        double up = 0;
        for (int i = k + 1; i < n; i++) {
            const double *row = a + (size_t)i * (size_t)n;
            double s = 0;
            for (int j = k + 1; j < n; j++)
                s += row[j] * x[j];
            p[i - k - 1] = 2 * s / h;
            up += x[i] * p[i - k - 1];
        }
        for (int i = k + 1; i < n; i++)
            p[i - k - 1] -= up / h * x[i];
        for (int i = k + 1; i < n; i++) {
            double *row = a + (size_t)i * (size_t)n;
            for (int j = k + 1; j < n; j++)
                row[j] -= x[i] * p[j - k - 1] + p[i - k - 1] * x[j];
        }
    }
    for (int k = n > 2 ? n - 2 : 0; k < n; k++) {
        diagonal[k] = a[(size_t)k * (size_t)n + (size_t)k];
        if (k + 1 < n)
            below[k] = a[(size_t)k * (size_t)n + (size_t)k + 1];
    }
}

/* How many eigenvalues of a tridiagonal matrix lie above x (Sturm sequence). */
static int eigenvalues_above(const double *diagonal, const double *below, int n, double x)
{
    int above = 0;
    double q = 1;
    for (int k = 0; k < n; k++) {
        double b2 = k == 0 ? 0 : below[k - 1] * below[k - 1];
        q = diagonal[k] - x - (k == 0 ? 0 : b2 / q);
        if (q == 0)
            q = 1e-300;
        above += q > 0;
    }
    return above;
}

/* The second largest eigenvalue of Q(i,j) = Σ p(i,k) p(j,k) / (px(i) py(k) + ε), square rooted.
 * Scaled by the roots of px, Q is symmetric but for ε; the part that is not changes eigenvalues
 * in second order only (below 1e-14) and is dropped. Bisection to the last bit. */
static double correlation_coefficient(const struct work *w)
{
    int n = w->n;
    if (n < 2)
        return 1;
    size_t side = (size_t)n;
    int rows = 0; /* rows of levels without any neighbour are zero: left out */
    double *scaled = w->diagonal; /* free until the reduction */
    for (int i = 0; i < n; i++) {
        if (w->px[i] == 0)
            continue;
        for (int k = 0; k < n; k++)
            scaled[k] = w->p[(size_t)i * side + (size_t)k] /
                        (w->px[i] * w->py[k] + RADIOMICS_EPSILON);
        int column = 0;
        for (int j = 0; j < n; j++) {
            if (w->px[j] == 0)
                continue;
            const double *p = w->p + (size_t)j * side;
            double s = 0;
            for (int k = 0; k < n; k++)
                s += scaled[k] * p[k];
            w->q[(size_t)rows * side + (size_t)column] = s * sqrt(w->px[i] / w->px[j]);
            column++;
        }
        rows++;
    }
    if (rows < 2)
        return 0;
    /* Pack to [rows][rows] and make symmetric. */
    for (int i = 0; i < rows; i++)
        for (int j = 0; j <= i; j++) {
            double *a = &w->q[(size_t)i * side + (size_t)j];
            double *b = &w->q[(size_t)j * side + (size_t)i];
            *a = *b = (*a + *b) / 2;
        }
    for (int i = 1; i < rows; i++)
        memmove(w->q + (size_t)i * (size_t)rows, w->q + (size_t)i * side,
                (size_t)rows * sizeof *w->q);
    tridiagonalise(w->q, rows, w->diagonal, w->below);
    double low = 0, high = 2;
    for (int step = 0; step < 60 && high - low > 1e-16 * high; step++) {
        double middle = (low + high) / 2;
        if (eigenvalues_above(w->diagonal, w->below, rows, middle) >= 2)
            low = middle;
        else
            high = middle;
    }
    return sqrt((low + high) / 2);
}

/* Add the features of the counts in w->p to `sums`; false when there are none. */
static bool add_features(struct work *w, double *sums)
{
    size_t cells = (size_t)w->n * (size_t)w->n;
    double total = 0;
    for (size_t k = 0; k < cells; k++)
        total += w->p[k];
    if (total == 0)
        return false;
    double v[COUNT] = {0};
    margins(w, total);
    joint_features(w, v);
    difference_features(w, v);
    sum_features(w, v);
    information_features(w, v);
    v[MCC] = correlation_coefficient(w);
    for (int k = 0; k < COUNT; k++)
        sums[k] += v[k];
    return true;
}

/* All directions weighted into one matrix. */
static int combine(struct work *w, const struct radiomics_texture *texture,
                   const struct direction *list, int count, struct error *err)
{
    size_t cells = (size_t)w->n * (size_t)w->n;
    double *one = malloc(cells * sizeof *one);
    if (!one)
        return error_set(err, STATUS_NOMEM, "no memory for a co-occurrence matrix");
    for (int d = 0; d < count; d++) {
        double weight = direction_weight(&list[d], texture->weighting, w->l->spacing_mm);
        glcm_counts(w->l, &list[d], texture->symmetrical_glcm, one);
        for (size_t k = 0; k < cells; k++)
            w->p[k] += weight * one[k];
    }
    free(one);
    return 0;
}

int glcm_compute(const struct levels *l, const struct radiomics_texture *texture, int flat,
                 double *ret_values, uint32_t *ret_meaningless, struct error *err)
{
    struct direction *list;
    int count;
    int r = directions_list(l, texture->distances, texture->distance_count, flat, &list, &count,
                            err);
    if (r < 0)
        return r;
    struct work w = {0};
    r = work_init(&w, l, err);
    if (r < 0) {
        free(list);
        return r;
    }
    double sums[COUNT] = {0};
    int used = 0;
    if (texture->weighting != WEIGHTING_NONE) {
        r = combine(&w, texture, list, count, err);
        used += r == 0 && add_features(&w, sums);
    } else {
        for (int d = 0; d < count; d++) {
            glcm_counts(l, &list[d], texture->symmetrical_glcm, w.p);
            used += add_features(&w, sums);
        }
    }
    free(w.p);
    free(list);
    if (r < 0)
        return r;
    for (int k = 0; k < COUNT; k++)
        ret_values[k] = sums[k] / used; /* no pair of voxels at all: 0 / 0, undefined */
    /* One grey level: correlation is 0 / 0; these are PyRadiomics' conventions. */
    *ret_meaningless =
        l->count == 1 ? 1u << CORRELATION | 1u << MCC | 1u << IMC1 | 1u << IMC2 : 0;
    return 0;
}
