/* Autocorrelation in depth (Horsch et al. 2002), complexity curve (Alvarenga et al. 2007) and
 * posterior echo (Shen et al. 2007). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/radiomics/busat_parts.h"

enum { POSTERIOR_ROWS_MAX = 100 };

/* Sum over all depths of the squared grey values' products, over that of depth 1. All pairs of a
 * column together are half of its sum squared less its squares. */
static double autocorrelation(const struct busat *b)
{
    double first = 0, all = 0;
    for (int x = b->x0; x <= b->x1; x++) {
        double sum = 0, squares = 0, before = 0;
        for (int y = b->y0; y <= b->y1; y++) {
            double g = busat_grey(b, x, y), square = g * g;
            sum += square;
            squares += square * square;
            first += before * square;
            before = square;
        }
        all += (sum * sum - squares) / 2;
    }
    return all / first;
}

/* How often a neighbour to the right or below passes each of 256 thresholds upwards, for the box
 * stretched to 0 … 255. */
static void complexity_curve(const struct busat *b, double ret_curve[256])
{
    int low = 255, high = 0, width = b->x1 - b->x0 + 1, height = b->y1 - b->y0 + 1;
    double change[257] = {0};
    for (int y = b->y0; y <= b->y1; y++)
        for (int x = b->x0; x <= b->x1; x++) {
            int g = busat_grey(b, x, y);
            low = g < low ? g : low;
            high = g > high ? g : high;
        }
    int range = high > low ? high - low : 1;
    for (int y = b->y0; y <= b->y1; y++)
        for (int x = b->x0; x <= b->x1; x++) {
            int here = 255 * (busat_grey(b, x, y) - low) / range;
            int next[2] = {x < b->x1 ? 255 * (busat_grey(b, x + 1, y) - low) / range : here,
                           y < b->y1 ? 255 * (busat_grey(b, x, y + 1) - low) / range : here};
            for (int k = 0; k < 2; k++)
                if (next[k] > here) { /* thresholds here + 1 … next */
                    change[here + 1]++;
                    change[next[k] + 1]--;
                }
        }
    double count = 0, pairs = (double)width * (height - 1) + (double)height * (width - 1);
    for (int i = 0; i < 256; i++) {
        count += change[i];
        ret_curve[i] = count / pairs;
    }
}

static int complexity(const struct busat *b, struct error *err)
{
    double curve[256], largest = 0, sum = 0, first = 0, second = 0, entropy = 0;
    complexity_curve(b, curve);
    for (int i = 0; i < 256; i++) {
        largest = fmax(largest, curve[i]);
        sum += curve[i];
        first += i * curve[i];
        if (curve[i] > 0)
            entropy -= curve[i] * log2(curve[i]);
    }
    double mean = first / sum;
    for (int i = 0; i < 256; i++)
        second += (i - mean) * (i - mean) * curve[i];
    int r = busat_add(b, "CC_mv", largest, err);
    if (r == 0)
        r = busat_add(b, "CC_av", sum / 256, err);
    if (r == 0)
        r = busat_add(b, "CC_sm", mean, err);
    if (r == 0)
        r = busat_add(b, "CC_std", sqrt(second / sum), err);
    return r < 0 ? r : busat_add(b, "CC_ent", entropy, err);
}

/* NaN when there is no pixel; both bounds inclusive. */
static double median(const struct busat *b, int x0, int x1, int y0, int y1)
{
    size_t count[256] = {0}, n = 0, below = 0;
    for (int y = y0; y <= y1; y++)
        for (int x = x0; x <= x1; x++) {
            count[busat_grey(b, x, y)]++;
            n++;
        }
    int low = -1;
    for (int g = 0; g < 256; g++) {
        below += count[g];
        if (low < 0 && 2 * below >= n && n > 0)
            low = g;
        if (2 * below > n)
            return (low + g) / 2.0;
    }
    return NAN;
}

/* Brightness behind the lesion's middle two thirds against both sides. */
static double side_difference(const struct busat *b, int gap)
{
    int last = b->grey->rows - 1;
    double behind = median(b, b->x0 + gap, b->x1 - gap, b->y1, last);
    double left = median(b, 0, b->x0 - 1, b->y1, last);
    double right = median(b, b->x1 + 1, b->grey->columns - 1, b->y1, last);
    return fmin(behind - left, behind - right); /* a side that is not there does not count */
}

/* Marks the pixels of `part` (0 free, 1 lesion) that hang together with `seed`, by 8 neighbours,
 * with 2. */
static void fill(uint8_t *part, int columns, int rows, int seed, int *stack)
{
    int depth = 0;
    uint8_t value = part[seed];
    part[seed] = 2;
    stack[depth++] = seed;
    while (depth > 0) {
        int at = stack[--depth], x = at % columns, y = at / columns;
        for (int v = y > 0 ? y - 1 : 0; v <= y + 1 && v < rows; v++)
            for (int u = x > 0 ? x - 1 : 0; u <= x + 1 && u < columns; u++)
                if (part[v * columns + u] == value) {
                    part[v * columns + u] = 2;
                    stack[depth++] = v * columns + u;
                }
    }
}

/* Rows to leave out below so that no column of the filled part is longer than allowed. */
static int rows_too_many(const uint8_t *part, int columns, int rows)
{
    int longest = 0;
    for (int x = 0; x < columns; x++) {
        int n = 0;
        for (int y = 0; y < rows; y++)
            n += part[y * columns + x] == 2;
        longest = n > longest ? n : longest;
    }
    return longest > POSTERIOR_ROWS_MAX ? longest - POSTERIOR_ROWS_MAX : 0;
}

/* Mean grey behind the lesion, in what hangs together with the middle of the last row, less the
 * lesion's mean. */
static int posterior(const struct busat *b, int gap, double *ret_difference, struct error *err)
{
    int columns = b->x1 - b->x0 + 1 - 2 * gap, rows = b->grey->rows - b->y0;
    size_t n = (size_t)columns * (size_t)rows;
    uint8_t *part = calloc(n, 1);
    int *stack = malloc(n * sizeof *stack);
    double behind = 0, lesion = 0, count = 0;
    if (!part || !stack) {
        free(part);
        free(stack);
        return error_set(err, STATUS_NOMEM, "no memory for the posterior echo");
    }
    for (size_t i = 0; i < n; i++)
        part[i] = (uint8_t)busat_inside(b->mask, b->x0 + gap + (int)i % columns,
                                        b->y0 + (int)i / columns);
    int middle = (rows - 1) * columns + (columns + 1) / 2 - 1;
    if (part[middle] == 0) {
        fill(part, columns, rows, middle, stack);
    } else { /* the lesion ends there: the toolbox takes the lesion itself */
        for (size_t i = 0; i < n; i++)
            part[i] = part[i] ? 2 : 0;
    }
    int last = rows - rows_too_many(part, columns, rows);
    for (int i = 0; i < last * columns; i++)
        if (part[i] == 2) {
            behind += busat_grey(b, b->x0 + gap + i % columns, b->y0 + i / columns);
            count++;
        }
    for (int y = b->y0; y <= b->y1; y++)
        for (int x = b->x0; x <= b->x1; x++)
            if (busat_inside(b->mask, x, y))
                lesion += busat_grey(b, x, y);
    free(part);
    free(stack);
    *ret_difference = behind / count - lesion / (double)b->pixels;
    return 0;
}

int busat_texture(const struct busat *b, struct error *err)
{
    double difference = NAN;
    int gap = (int)round((b->x1 - b->x0) / 6.0);
    int r = posterior(b, gap, &difference, err);
    if (r == 0)
        r = busat_add(b, "PS_D", difference, err);
    if (r == 0)
        r = busat_add(b, "MSD", side_difference(b, gap), err);
    if (r == 0)
        r = busat_add(b, "AutoCorr", autocorrelation(b), err);
    return r < 0 ? r : complexity(b, err);
}
