/* Grey features around and inside the lesion, and local binary patterns. */
#include "model/radiomics/busat.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "image/geometry.h"
#include "model/radiomics/busat_parts.h"

int busat_add(const struct busat *b, const char *name, double value, struct error *err)
{
    char full[96];
    snprintf(full, sizeof full, "%s%s", b->prefix, name);
    bool undefined = !isfinite(value);
    return feature_list_add(b->list, full, undefined ? NAN : value, undefined, err);
}

struct named {
    const char *name;
    double value;
};

static int add_all(const struct busat *b, const struct named *values, size_t count,
                   struct error *err)
{
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++)
        r = busat_add(b, values[i].name, values[i].value, err);
    return r;
}
#define ADD_ALL(b, values, err) add_all(b, values, sizeof(values) / sizeof *(values), err)

/* Mean over a 3 × 3 dilation of the mask without its erosion; pixels outside of the picture count
 * as the mask's inside for the erosion and as outside for the dilation. */
static double border_mean(const struct busat *b)
{
    double sum = 0, n = 0;
    for (int y = 0; y < b->mask->rows; y++)
        for (int x = 0; x < b->mask->columns; x++) {
            int any = 0, all = 1;
            for (int v = y - 1; v <= y + 1; v++)
                for (int u = x - 1; u <= x + 1; u++) {
                    if (u < 0 || v < 0 || u >= b->mask->columns || v >= b->mask->rows)
                        continue;
                    int in = busat_inside(b->mask, u, v);
                    any |= in;
                    all &= in;
                }
            if (any && !all) {
                sum += busat_grey(b, x, y);
                n++;
            }
        }
    return sum / n;
}

static void histogram(const struct busat *b, double ret_count[256])
{
    memset(ret_count, 0, 256 * sizeof *ret_count);
    for (int y = b->y0; y <= b->y1; y++)
        for (int x = b->x0; x <= b->x1; x++)
            if (busat_inside(b->mask, x, y))
                ret_count[busat_grey(b, x, y)]++;
}

static double grey_mean(const struct busat *b, const double count[256])
{
    double sum = 0;
    for (int j = 0; j < 256; j++)
        sum += j * count[j];
    return sum / (double)b->pixels;
}

/* Zhang, Verma and Kumar 2005: of the histogram, and 'modified' ones that weight every pixel by
 * the share of its grey value. */
static int histogram_features(const struct busat *b, const double count[256], struct error *err)
{
    double total = (double)b->pixels, mean = grey_mean(b, count), border = border_mean(b);
    double energy = 0, energy_m = 0, entropy = 0, entropy_m = 0, m2 = 0, m2_m = 0, m3 = 0,
           m3_m = 0;
    for (int j = 0; j < 256; j++) {
        double n = count[j], p = n / total, d = j - mean;
        if (n == 0)
            continue;
        energy += p * p;
        energy_m += n * p * p;
        entropy -= p * log2(p);
        entropy_m -= n * p * log2(p);
        m2 += d * d * p;
        m2_m += n * d * d * p;
        m3 += d * d * d * p;
        m3_m += n * d * d * d * p;
    }
    double deviation = sqrt(m2), cube = deviation * deviation * deviation;
    const struct named values[] = {
        {"hBAG", border}, {"hAG", mean}, {"hAHg", total / 256}, {"hEgy", energy},
        {"hMEgy", energy_m}, {"hEtp", entropy}, {"hMEtp", entropy_m}, {"hSD", deviation},
        {"hMSD", sqrt(m2_m)}, {"hSk", m3 / cube}, {"hMSk", m3_m / cube},
        {"hDiff", mean - border}, {"hCtr", (mean - border) / (mean + border)}};
    return ADD_ALL(b, values, err);
}

/* Distances from each pixel to the nearest one outside (`in`) and inside (`out`) of the mask. */
struct rings {
    struct plane in, out;
};

static int rings_init(struct rings *rings, const struct mask *mask, struct error *err)
{
    struct mask outside = {0};
    *rings = (struct rings){0};
    int r = mask_copy(mask, &outside, err);
    for (size_t i = 0; r == 0 && i < (size_t)mask->rows * (size_t)mask->columns; i++)
        outside.pixels[i] = !mask->pixels[i];
    if (r == 0)
        r = mask_distance(&outside, 1, 1, &rings->in, err);
    if (r == 0)
        r = mask_distance(mask, 1, 1, &rings->out, err);
    mask_release(&outside);
    return r;
}

static void rings_release(struct rings *rings)
{
    plane_release(&rings->in);
    plane_release(&rings->out);
}

static double ring_mean(const struct busat *b, const struct plane *distance, double width,
                        double *ret_count)
{
    double sum = 0, n = 0;
    for (size_t i = 0; i < (size_t)distance->rows * (size_t)distance->columns; i++)
        if (distance->values[i] > 0 && distance->values[i] <= width) {
            sum += b->grey->pixels[i];
            n++;
        }
    *ret_count = n;
    return sum / n;
}

/* Grey outside minus grey inside of the border, in rings of a width in pixels (Shen et al. 2007). */
static double interface_width(const struct busat *b, const struct rings *rings, double width)
{
    double n;
    double outside = ring_mean(b, &rings->out, width, &n);
    return outside - ring_mean(b, &rings->in, width, &n);
}

/* The same in the narrowest rings of which one has that share of the mask's pixels. */
static double interface_share(const struct busat *b, const struct rings *rings, double share)
{
    double wanted = share * (double)b->pixels;
    int widest = b->mask->rows + b->mask->columns;
    for (int width = 1;; width++) {
        double in, out;
        double inside = ring_mean(b, &rings->in, width, &in);
        double outside = ring_mean(b, &rings->out, width, &out);
        if (in >= wanted || out >= wanted || width >= widest)
            return outside - inside;
    }
}

/* Grey value with the picture's edge repeated (`zero` false) or 0 outside. */
static double padded(const struct busat *b, int x, int y, bool zero)
{
    int w = b->grey->columns - 1, h = b->grey->rows - 1;
    if (zero && (x < 0 || y < 0 || x > w || y > h))
        return 0;
    return busat_grey(b, x < 0 ? 0 : x > w ? w : x, y < 0 ? 0 : y > h ? h : y);
}

/* Normalised radial gradient on the mask's 4-connected border: outward part of the gradient
 * over its length (5 × 5 operator). */
static double radial_gradient(const struct busat *b)
{
    static const int across[5] = {-1, -2, 0, 2, 1}, along[5] = {1, 4, 6, 4, 1};
    double cx = 0, cy = 0, outward = 0, length = 0;
    for (int y = b->y0; y <= b->y1; y++)
        for (int x = b->x0; x <= b->x1; x++)
            if (busat_inside(b->mask, x, y)) {
                cx += x / (double)b->pixels;
                cy += y / (double)b->pixels;
            }
    for (int y = b->y0; y <= b->y1; y++)
        for (int x = b->x0; x <= b->x1; x++) {
            if (!busat_inside(b->mask, x, y) ||
                (busat_inside(b->mask, x - 1, y) && busat_inside(b->mask, x + 1, y) &&
                 busat_inside(b->mask, x, y - 1) && busat_inside(b->mask, x, y + 1)))
                continue;
            double gx = 0, gy = 0, n = hypot(x - cx, y - cy);
            for (int v = 0; v < 5; v++)
                for (int u = 0; u < 5; u++) {
                    double g = padded(b, x + u - 2, y + v - 2, false);
                    gx += across[u] * along[v] * g;
                    gy += across[v] * along[u] * g;
                }
            outward += (gx * (x - cx) + gy * (y - cy)) / n;
            length += hypot(gx, gy);
        }
    return outward / length;
}

static int boundary_features(const struct busat *b, struct error *err)
{
    struct rings rings;
    int r = rings_init(&rings, b->mask, err);
    if (r == 0) {
        double gradient = radial_gradient(b);
        const struct named values[] = {
            {"bLB10px", interface_width(b, &rings, 10)},
            {"bLB25.", interface_share(b, &rings, 0.25)},
            {"bLB50.", interface_share(b, &rings, 0.5)},
            {"bLB100.", interface_share(b, &rings, 1)},
            {"bNRG", gradient}, {"nrg", gradient},
            {"LB_d", interface_width(b, &rings, 3)}};
        r = ADD_ALL(b, values, err);
    }
    rings_release(&rings);
    return r;
}

/* Mean length of the 3 × 3 gradient inside, and how much brighter the brightest quarter is. */
static int echo_features(const struct busat *b, const double count[256], struct error *err)
{
    double mean = grey_mean(b, count), gradient = 0;
    for (int y = b->y0; y <= b->y1; y++)
        for (int x = b->x0; x <= b->x1; x++) {
            if (!busat_inside(b->mask, x, y))
                continue;
            double gx = 0, gy = 0;
            for (int k = -1; k <= 1; k++) {
                int weight = k == 0 ? 2 : 1;
                gx += weight * (padded(b, x - 1, y + k, true) - padded(b, x + 1, y + k, true));
                gy += weight * (padded(b, x + k, y - 1, true) - padded(b, x + k, y + 1, true));
            }
            gradient += hypot(gx, gy);
        }
    double brightest = 0, sum = 0;
    for (int j = 255; j >= 0; j--) {
        brightest += count[j];
        sum += count[j] * (j + 1); /* the toolbox counts grey values from 1 here */
        if (brightest > 0.25 * (double)b->pixels)
            break;
    }
    const struct named values[] = {{"EP_i", mean}, {"EP_g", gradient / (double)b->pixels},
                                   {"EP_c", (sum / brightest - mean) / mean}};
    return ADD_ALL(b, values, err);
}

/* Local binary patterns of the box without its edge, mask or not. The toolbox doubles every code
 * and counts those above 255 as 255: odd ones never occur, and LBP_255 holds every pixel
 * whose lower right neighbour is at least as bright, as the published tables show. */
static int pattern_features(const struct busat *b, struct error *err)
{
    static const int dx[8] = {1, 1, 0, -1, -1, -1, 0, 1}, dy[8] = {0, -1, -1, -1, 0, 1, 1, 1};
    double count[256] = {0}, total = 0;
    for (int y = b->y0 + 1; y < b->y1; y++)
        for (int x = b->x0 + 1; x < b->x1; x++) {
            int code = 0;
            for (int k = 0; k < 8; k++)
                code |= (busat_grey(b, x + dx[k], y + dy[k]) >= busat_grey(b, x, y)) << (k + 1);
            count[code > 255 ? 255 : code]++;
            total++;
        }
    int r = 0;
    for (int j = 0; j < 256 && r == 0; j++) {
        char name[16];
        snprintf(name, sizeof name, "LBP_%d", j);
        r = busat_add(b, name, count[j] / total, err);
    }
    return r;
}

static int find_box(struct busat *b, struct error *err)
{
    b->x0 = b->mask->columns;
    b->y0 = b->mask->rows;
    b->x1 = b->y1 = -1;
    for (int y = 0; y < b->mask->rows; y++)
        for (int x = 0; x < b->mask->columns; x++)
            if (busat_inside(b->mask, x, y)) {
                b->x0 = x < b->x0 ? x : b->x0;
                b->x1 = x > b->x1 ? x : b->x1;
                b->y0 = y < b->y0 ? y : b->y0;
                b->y1 = y;
                b->pixels++;
            }
    if (b->pixels == 0)
        return error_set(err, STATUS_INVALID, "the mask is empty");
    if (b->pixels == (size_t)b->mask->rows * (size_t)b->mask->columns)
        return error_set(err, STATUS_INVALID, "the mask leaves nothing outside");
    if (b->x1 - b->x0 < 2 || b->y1 - b->y0 < 2)
        return error_set(err, STATUS_INVALID, "the mask has less than three pixels on a side");
    return 0;
}

int busat_extract(const struct image *grey, const struct mask *mask, const char *prefix,
                  struct feature_list *ret_features, struct error *err)
{
    struct busat b = {.grey = grey, .mask = mask, .prefix = prefix, .list = ret_features};
    if (grey->channels != 1 || grey->rows != mask->rows || grey->columns != mask->columns)
        return error_set(err, STATUS_INVALID, "a grey picture and a mask of its size are needed");
    int r = find_box(&b, err);
    if (r < 0)
        return r;
    double count[256];
    histogram(&b, count);
    r = busat_shape(&b, err);
    if (r == 0)
        r = boundary_features(&b, err);
    if (r == 0)
        r = histogram_features(&b, count, err);
    if (r == 0)
        r = echo_features(&b, count, err);
    if (r == 0)
        r = busat_texture(&b, err);
    if (r == 0)
        r = busat_laws(&b, err);
    if (r == 0)
        r = pattern_features(&b, err);
    return r < 0 ? r : busat_glcm(&b, err);
}
