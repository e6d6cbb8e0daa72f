/* Laplacian of Gaussian by recursive filters: ITK's LaplacianRecursiveGaussianImageFilter,
 * normalised across scales. Farnebäck and Westin, Improving Deriche-style recursive Gaussian
 * filters (2006), with Deriche's fourth-order coefficients. Between its passes ITK keeps single
 * precision, and so does this. */
#include "model/radiomics/filters.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

/* One recursive filter: y = Σ n x + Σ d y forwards and backwards. */
struct recursion {
    double n[4], m[4], d[4];
    double border_n[4], border_m[4]; /* as if the border value went on for ever */
};

/* Two damped waves a cos + b sin approximate the Gaussian and its derivatives. */
struct waves {
    double a1, b1, a2, b2;
};
static const struct waves gaussian = {1.3530, 1.8151, -0.3531, 0.0902};
static const struct waves second = {-1.3563, 5.2318, 0.3446, -2.2355};
static const double w1 = 0.6681, l1 = -1.3932, w2 = 2.0787, l2 = -1.3732;

/* Numerators; ret_sums: Σ n, Σ k n, Σ k² n. */
static void numerators(double sigma, const struct waves *w, double n[4], double ret_sums[3])
{
    double sin1 = sin(w1 / sigma), sin2 = sin(w2 / sigma), cos1 = cos(w1 / sigma),
           cos2 = cos(w2 / sigma), e1 = exp(l1 / sigma), e2 = exp(l2 / sigma);
    n[0] = w->a1 + w->a2;
    n[1] = e2 * (w->b2 * sin2 - (w->a2 + 2 * w->a1) * cos2) +
           e1 * (w->b1 * sin1 - (w->a1 + 2 * w->a2) * cos1);
    n[2] = 2 * e1 * e2 *
               ((w->a1 + w->a2) * cos2 * cos1 - w->b1 * cos2 * sin1 - w->b2 * cos1 * sin2) +
           w->a2 * e1 * e1 + w->a1 * e2 * e2;
    n[3] = e2 * e1 * e1 * (w->b2 * sin2 - w->a2 * cos2) +
           e1 * e2 * e2 * (w->b1 * sin1 - w->a1 * cos1);
    ret_sums[0] = n[0] + n[1] + n[2] + n[3];
    ret_sums[1] = n[1] + 2 * n[2] + 3 * n[3];
    ret_sums[2] = n[1] + 4 * n[2] + 9 * n[3];
}

static void denominators(double sigma, double d[4], double ret_sums[3])
{
    double cos1 = cos(w1 / sigma), cos2 = cos(w2 / sigma), e1 = exp(l1 / sigma),
           e2 = exp(l2 / sigma);
    d[0] = -2 * (e2 * cos2 + e1 * cos1);
    d[1] = 4 * cos2 * cos1 * e1 * e2 + e1 * e1 + e2 * e2;
    d[2] = -2 * cos1 * e1 * e2 * e2 - 2 * cos2 * e2 * e1 * e1;
    d[3] = e1 * e1 * e2 * e2;
    ret_sums[0] = 1 + d[0] + d[1] + d[2] + d[3];
    ret_sums[1] = d[0] + 2 * d[1] + 3 * d[2] + 4 * d[3];
    ret_sums[2] = d[0] + 4 * d[1] + 9 * d[2] + 16 * d[3];
}

/* The backward pass of a symmetric filter, and the borders. */
static void complete(struct recursion *r, double scale)
{
    for (int k = 0; k < 4; k++)
        r->n[k] *= scale;
    for (int k = 0; k < 3; k++)
        r->m[k] = r->n[k + 1] - r->d[k] * r->n[0];
    r->m[3] = -r->d[3] * r->n[0];
    double sn = 0, sm = 0, sd = 1;
    for (int k = 0; k < 4; k++) {
        sn += r->n[k];
        sm += r->m[k];
        sd += r->d[k];
    }
    for (int k = 0; k < 4; k++) {
        r->border_n[k] = r->d[k] * sn / sd;
        r->border_m[k] = r->d[k] * sm / sd;
    }
}

/* `sigma` in voxels. */
static struct recursion smoothing(double sigma)
{
    struct recursion r;
    double sn[3], sd[3];
    denominators(sigma, r.d, sd);
    numerators(sigma, &gaussian, r.n, sn);
    complete(&r, 1 / (2 * sn[0] / sd[0] - r.n[0]));
    return r;
}

static struct recursion second_derivative(double sigma, double normalisation)
{
    struct recursion r;
    double s0[3], s2[3], s[3], d[3], n0[4], n2[4];
    denominators(sigma, r.d, d);
    numerators(sigma, &gaussian, n0, s0);
    numerators(sigma, &second, n2, s2);
    /* No response to a constant, the right one to a parabola. */
    double beta = -(2 * s2[0] - d[0] * n2[0]) / (2 * s0[0] - d[0] * n0[0]);
    for (int k = 0; k < 4; k++)
        r.n[k] = n2[k] + beta * n0[k];
    for (int k = 0; k < 3; k++)
        s[k] = s2[k] + beta * s0[k];
    double alpha = (s[2] * d[0] * d[0] - d[2] * s[0] * d[0] - 2 * s[1] * d[1] * d[0] +
                    2 * d[1] * d[1] * s[0]) / (d[0] * d[0] * d[0]);
    complete(&r, normalisation / alpha);
    return r;
}

/* One line of n >= 4 values; `back` is scratch. */
static void filter_line(const struct recursion *r, const double *x, double *y, double *back,
                        int n)
{
    for (int i = 0; i < n; i++) {
        double s = 0;
        for (int k = 0; k < 4; k++)
            s += r->n[k] * x[i >= k ? i - k : 0];
        for (int k = 0; k < 4; k++)
            s -= i > k ? r->d[k] * y[i - k - 1] : r->border_n[k] * x[0];
        y[i] = s;
    }
    for (int i = n - 1; i >= 0; i--) {
        double s = 0;
        for (int k = 0; k < 4; k++)
            s += r->m[k] * x[i + k + 1 < n ? i + k + 1 : n - 1];
        for (int k = 0; k < 4; k++)
            s -= i + k + 1 < n ? r->d[k] * back[i + k + 1] : r->border_m[k] * x[n - 1];
        back[i] = s;
    }
    for (int i = 0; i < n; i++)
        y[i] += back[i];
}

struct passes {
    const struct volume *image;
    double *line; /* three lines of the longest axis */
};

/* Filter every line along `axis`, from one array to another, which may be the same. */
static void filter_axis(const struct passes *p, const struct recursion *r, int axis,
                        const double *from, double *to)
{
    const int *size = p->image->size;
    const size_t step[3] = {(size_t)size[1] * (size_t)size[2], (size_t)size[2], 1};
    int a = axis == 0 ? 1 : 0, b = axis == 2 ? 1 : 2, n = size[axis];
    double *x = p->line, *y = x + n, *back = y + n;
    for (int i = 0; i < size[a]; i++)
        for (int j = 0; j < size[b]; j++) {
            size_t first = (size_t)i * step[a] + (size_t)j * step[b];
            for (int k = 0; k < n; k++)
                x[k] = from[first + (size_t)k * step[axis]];
            filter_line(r, x, y, back, n);
            for (int k = 0; k < n; k++)
                to[first + (size_t)k * step[axis]] = (float)y[k];
        }
}

/* Σ over axes of the second derivative along it of the image smoothed along the others. */
static void laplacian(const struct passes *p, double sigma_mm, double *work, double *ret_sum)
{
    const struct volume *image = p->image;
    size_t count = volume_count(image->size);
    for (int axis = 2; axis >= 0; axis--) {
        double mm = image->spacing_mm[axis];
        struct recursion r = second_derivative(sigma_mm / mm, sigma_mm * sigma_mm);
        filter_axis(p, &r, axis, image->values, work);
        for (int other = 2; other >= 0; other--) {
            if (other == axis)
                continue;
            r = smoothing(sigma_mm / image->spacing_mm[other]);
            filter_axis(p, &r, other, work, work);
        }
        for (size_t i = 0; i < count; i++)
            ret_sum[i] = (float)(ret_sum[i] + work[i] * (1 / (mm * mm)));
    }
}

/* PyRadiomics leaves out a sigma whose kernel is larger than the image, and images of fewer than
 * four voxels along an axis: a slice has no LoG. */
static bool fits(const struct volume *image, double sigma_mm)
{
    for (int d = 0; d < 3; d++)
        if (image->size[d] < 4 || image->size[d] < ceil(sigma_mm / image->spacing_mm[d]) + 1)
            return false;
    return true;
}

/* "log-sigma-1-5-mm-3D", with Python's text of the number: "3" when it was written so. */
static void name_of(const struct radiomics_settings *settings, int i, char *name, size_t size)
{
    char number[NUMBER_TEXT_SIZE];
    number_format(settings->sigma_mm[i], number);
    bool whole = !strpbrk(number, ".e");
    for (char *c = number; *c; c++)
        *c = *c == '.' ? '-' : *c;
    snprintf(name, size, "log-sigma-%s%s-mm-3D", number,
             whole && !(settings->sigma_whole & 1u << i) ? "-0" : "");
}

static int run_sigma(const struct passes *p, const struct region *region,
                     const struct radiomics_settings *settings, int i, filtered_fn *take,
                     void *context, struct error *err)
{
    struct volume sum;
    int r = volume_init(&sum, p->image->size, VOXEL_DOUBLE, err);
    if (r < 0)
        return r;
    double *work = malloc(volume_count(sum.size) * sizeof *work);
    double *values = malloc(region->voxels * sizeof *values);
    if (!work || !values) {
        r = error_set(err, STATUS_NOMEM, "no memory for the Laplacian");
    } else {
        char name[64];
        name_of(settings, i, name, sizeof name);
        laplacian(p, settings->sigma_mm[i], work, sum.values);
        gather(&sum, region, values);
        struct filtered out = {FILTER_LOG, name, region, values, false};
        r = take(context, &out, err);
    }
    free(values);
    free(work);
    volume_release(&sum);
    return r;
}

int log_run(const struct volume *image, const struct region *region,
            const struct radiomics_settings *settings, filtered_fn *take, void *context,
            struct error *err)
{
    int longest = 0;
    for (int d = 0; d < 3; d++)
        longest = image->size[d] > longest ? image->size[d] : longest;
    struct passes p = {image, malloc(3 * (size_t)longest * sizeof *p.line)};
    if (!p.line)
        return error_set(err, STATUS_NOMEM, "no memory for the Laplacian");
    int r = 0;
    for (int i = 0; i < settings->sigma_count && r == 0; i++)
        if (fits(image, settings->sigma_mm[i]))
            r = run_sigma(&p, region, settings, i, take, context, err);
    free(p.line);
    return r;
}
