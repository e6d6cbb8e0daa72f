/* Co-occurrence of 64 grey levels inside the lesion, at four distances, mean over four
 * directions (Gómez, Pereira and Infantosi 2012). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/radiomics/busat_parts.h"
#include "model/radiomics/region.h"

enum { LEVELS = 64 };

enum {
    AUTOC, CONTR, CORRM, CORRH, CPROM, CSHAD, DISSI, ENERG, ENTRO, HOMOM, MAXPR, SOSVH, SAVGH,
    SVARH, SENTH, DVARH, DENTH, INF1H, INF2H, INDNC, IDMNC, COUNT,
};
static const char *const names[COUNT] = {
    "autoc", "contr", "corrm", "corrh", "cprom", "cshad", "dissi", "energ", "entro", "homom", "maxpr",
    "sosvh", "savgh", "svarh", "senth", "dvarh", "denth", "inf1h", "inf2h", "indnc", "idmnc"};

/* The box's grey levels from 1, of lowest to highest grey value in the box; 0 outside of the
 * mask. Values at the upper end that round past the last level are the last level's. */
static void quantise(const struct busat *b, int columns, int rows, uint8_t *ret_levels)
{
    int low = 255, high = 0;
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++) {
            int g = busat_grey(b, b->x0 + x, b->y0 + y);
            low = g < low ? g : low;
            high = g > high ? g : high;
        }
    double slope = high > low ? (double)LEVELS / (high - low) : 0;
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++) {
            double v = round(slope * busat_grey(b, b->x0 + x, b->y0 + y) + 1 - slope * low);
            ret_levels[(size_t)y * (size_t)columns + (size_t)x] =
                busat_inside(b->mask, b->x0 + x, b->y0 + y)
                    ? (uint8_t)(v > LEVELS ? LEVELS : v < 1 ? 1 : v)
                    : 0;
        }
}

/* p [reference][neighbour], not symmetric; false when there is no pair. */
static bool count_pairs(const uint8_t *levels, int columns, int rows, int dx, int dy,
                        double p[LEVELS][LEVELS])
{
    double total = 0;
    memset(p, 0, LEVELS * sizeof *p);
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++) {
            int u = x + dx, v = y + dy;
            if (u < 0 || v < 0 || u >= columns || v >= rows)
                continue;
            int a = levels[(size_t)y * (size_t)columns + (size_t)x];
            int c = levels[(size_t)v * (size_t)columns + (size_t)u];
            if (a && c) {
                p[a - 1][c - 1]++;
                total++;
            }
        }
    for (int a = 0; a < LEVELS; a++)
        for (int c = 0; c < LEVELS; c++)
            p[a][c] /= total;
    return total > 0;
}

static double information(double p)
{
    return -p * log(p + RADIOMICS_EPSILON);
}

struct margins {
    double reference[LEVELS], neighbour[LEVELS], sum[2 * LEVELS + 1], difference[LEVELS];
    double mean_r, mean_n, var_r, var_n;
};

static void make_margins(double p[LEVELS][LEVELS], struct margins *m)
{
    *m = (struct margins){0};
    for (int a = 0; a < LEVELS; a++)
        for (int c = 0; c < LEVELS; c++) {
            m->reference[a] += p[a][c];
            m->neighbour[c] += p[a][c];
            m->sum[a + c + 2] += p[a][c];
            m->difference[abs(a - c)] += p[a][c];
        }
    for (int k = 0; k < LEVELS; k++) {
        m->mean_r += (k + 1) * m->reference[k];
        m->mean_n += (k + 1) * m->neighbour[k];
    }
    for (int k = 0; k < LEVELS; k++) {
        m->var_r += (k + 1 - m->mean_r) * (k + 1 - m->mean_r) * m->reference[k];
        m->var_n += (k + 1 - m->mean_n) * (k + 1 - m->mean_n) * m->neighbour[k];
    }
}

/* Formulas as published in the toolbox, oddities included: variance about the mean of the
 * matrix, sum variance about the sum entropy, two inverse differences that are the same. */
static void features(double p[LEVELS][LEVELS], double v[COUNT])
{
    struct margins m;
    make_margins(p, &m);
    double products = 0, covariance = 0, hr = 0, hn = 0, h1 = 0, h2 = 0;
    for (int a = 0; a < LEVELS; a++) {
        hr += information(m.reference[a]);
        hn += information(m.neighbour[a]);
        for (int c = 0; c < LEVELS; c++) {
            double q = p[a][c], i = a + 1, j = c + 1, d = fabs(i - j);
            double s = i + j - m.mean_r - m.mean_n, both = m.reference[a] * m.neighbour[c];
            products += q * i * j;
            covariance += q * (i - m.mean_r) * (j - m.mean_n);
            h1 -= q * log(both + RADIOMICS_EPSILON);
            h2 += information(both);
            v[CPROM] += q * s * s * s * s;
            v[CSHAD] += q * s * s * s;
            v[CONTR] += q * d * d;
            v[DISSI] += q * d;
            v[ENERG] += q * q;
            v[ENTRO] += information(q);
            v[HOMOM] += q / (1 + d);
            v[IDMNC] += q / (1 + d * d / (LEVELS * LEVELS));
            v[MAXPR] = fmax(v[MAXPR], q);
            v[SOSVH] += q * pow(i - 1.0 / (LEVELS * LEVELS), 2);
        }
    }
    for (int k = 2; k <= 2 * LEVELS; k++) {
        v[SAVGH] += k * m.sum[k];
        v[SENTH] += information(m.sum[k]);
    }
    for (int k = 2; k <= 2 * LEVELS; k++)
        v[SVARH] += (k - v[SENTH]) * (k - v[SENTH]) * m.sum[k];
    for (int k = 0; k < LEVELS; k++) {
        v[DVARH] += k * k * m.difference[k];
        v[DENTH] += information(m.difference[k]);
    }
    double deviations = sqrt(m.var_r) * sqrt(m.var_n), square = 1 - exp(-2 * (h2 - v[ENTRO]));
    v[AUTOC] = products;
    v[CORRM] = covariance / (deviations + 0.0001);
    v[CORRH] = (products - m.mean_r * m.mean_n) / deviations;
    v[INF1H] = (v[ENTRO] - h1) / fmax(hr, hn);
    v[INF2H] = square > 0 ? sqrt(square) : 0;
    v[INDNC] = v[IDMNC];
}

int busat_glcm(const struct busat *b, struct error *err)
{
    static const int distances[4] = {1, 2, 4, 8}, dx[4] = {1, 1, 0, -1}, dy[4] = {0, -1, -1, -1};
    int columns = b->x1 - b->x0 + 1, rows = b->y1 - b->y0 + 1, r = 0;
    uint8_t *levels = malloc((size_t)columns * (size_t)rows);
    double(*p)[LEVELS] = malloc(LEVELS * sizeof *p);
    double means[COUNT][4] = {{0}};
    if (!levels || !p) {
        r = error_set(err, STATUS_NOMEM, "no memory for co-occurrence");
    } else {
        quantise(b, columns, rows, levels);
        for (int d = 0; d < 4; d++)
            for (int k = 0; k < 4; k++) {
                double v[COUNT] = {0};
                bool any = count_pairs(levels, columns, rows, distances[d] * dx[k],
                                       distances[d] * dy[k], p);
                if (any)
                    features(p, v);
                for (int f = 0; f < COUNT; f++)
                    means[f][d] += any ? v[f] / 4 : NAN;
            }
    }
    for (int f = 0; f < COUNT && r == 0; f++)
        for (int d = 0; d < 4 && r == 0; d++) {
            char name[32];
            snprintf(name, sizeof name, "glcm_%s_D%d_mean", names[f], distances[d]);
            r = busat_add(b, name, means[f][d], err);
        }
    free(p);
    free(levels);
    return r;
}
