/* The matrices behind PyRadiomics' published baselines: counts equal exactly. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "model/radiomics/filters.h"
#include "model/radiomics/nrrd.h"
#include "model/radiomics/preprocess.h"
#include "model/radiomics/region.h"

#define FOLDER SOURCE_DIR "/../shared/reference/radiomics/pyradiomics-cases/"

/* A .npy file of doubles. */
struct array {
    struct buffer file;
    int shape[3];
    int step[3];
    const double *values;
};

static double array_at(const struct array *a, int i, int j, int k)
{
    return a->values[i * a->step[0] + j * a->step[1] + k * a->step[2]];
}

static struct array array_load(const char *test_case, const char *class_name)
{
    struct array a = {.shape = {1, 1, 1}};
    char path[512];
    snprintf(path, sizeof path, FOLDER "baseline/%s_%s.npy", test_case, class_name);
    assert_int_equal(file_read(path, 1 << 26, &a.file, NULL), 0);
    const char *header = a.file.data + 10;
    assert_memory_equal(a.file.data, "\x93NUMPY\x01", 7);
    assert_non_null(strstr(header, "'<f8'"));
    const char *at = strchr(strstr(header, "'shape'"), '(') + 1;
    for (int d = 0; d < 3 && *at != ')'; d++) {
        char *end;
        a.shape[d] = (int)strtol(at, &end, 10);
        at = end + strspn(end, ", ");
    }
    bool fortran = strstr(header, "'fortran_order': True");
    for (int d = 0; d < 3; d++)
        a.step[d] = fortran ? (d > 0 ? a.shape[0] : 1) * (d > 1 ? a.shape[1] : 1)
                            : (d < 2 ? a.shape[2] : 1) * (d < 1 ? a.shape[1] : 1);
    size_t offset = 10 + (uint8_t)a.file.data[8] + 256u * (uint8_t)a.file.data[9];
    a.values = (const double *)(const void *)(a.file.data + offset);
    assert_int_equal(offset % sizeof(double), 0);
    return a;
}

static struct levels load_levels(const char *test_case, struct radiomics_settings *settings)
{
    struct volume image, label;
    struct label_volume labels;
    struct prepared p;
    struct levels levels;
    char path[512];
    snprintf(path, sizeof path, FOLDER "%s_image.nrrd", test_case);
    assert_int_equal(nrrd_read(path, &image, NULL), 0);
    snprintf(path, sizeof path, FOLDER "%s_label.nrrd", test_case);
    assert_int_equal(nrrd_read(path, &label, NULL), 0);
    assert_int_equal(label_volume_from_volume(&label, &labels, NULL), 0);
    radiomics_settings_default(settings);
    struct radiomics_input input = {.volume = &image, .labels = &labels};
    assert_int_equal(prepare(&input, settings, &p, NULL), 0);
    double *values = malloc(p.grey.voxels * sizeof *values);
    gather(&p.image, &p.grey, values);
    assert_int_equal(levels_init(&levels, &p.grey, values, &settings->texture, -1, NULL), 0);
    free(values);
    prepared_release(&p);
    volume_release(&image);
    volume_release(&label);
    label_volume_release(&labels);
    return levels;
}

/* Whether `own` [rows][columns] without its empty columns is plane `k` of `a`; `used` says which
 * columns of `own` are not empty in any plane. */
static bool same_plane(const struct array *a, int k, const double *own, int columns,
                       const bool *used)
{
    int j = 0;
    for (int c = 0; c < columns; c++) {
        if (!used[c])
            continue;
        for (int i = 0; i < a->shape[0]; i++)
            if (own[i * columns + c] != array_at(a, i, j, k))
                return false;
        j++;
    }
    return j == a->shape[1];
}

static void test_glcm(const char *test_case)
{
    struct radiomics_settings settings;
    struct levels l = load_levels(test_case, &settings);
    struct array a = array_load(test_case, "glcm");
    struct direction *list;
    int count, n = l.count;
    assert_int_equal(directions_list(&l, (int[]){1}, 1, -1, &list, &count, NULL), 0);
    assert_int_equal(a.shape[0], n);
    assert_int_equal(a.shape[2], count);
    double *own = malloc((size_t)n * (size_t)n * sizeof *own);
    bool used[512], matched[13] = {false};
    memset(used, 1, sizeof used);
    for (int d = 0; d < count; d++) {
        glcm_counts(&l, &list[d], true, own);
        double total = 0;
        for (int k = 0; k < n * n; k++)
            total += own[k];
        for (int k = 0; k < n * n; k++)
            own[k] /= total;
        bool found = false;
        for (int k = 0; k < count && !found; k++)
            if (!matched[k] && same_plane(&a, k, own, n, used))
                found = matched[k] = true;
        assert_true(found);
    }
    free(own);
    free(list);
    levels_release(&l);
    buffer_release(&a.file);
}

static void test_glrlm(const char *test_case)
{
    struct radiomics_settings settings;
    struct levels l = load_levels(test_case, &settings);
    struct array a = array_load(test_case, "glrlm");
    struct direction *list;
    int count;
    assert_int_equal(directions_list(&l, (int[]){1}, 1, -1, &list, &count, NULL), 0);
    assert_int_equal(a.shape[2], count);
    struct size_matrix m[13];
    bool used[512] = {false}, matched[13] = {false};
    for (int d = 0; d < count; d++) {
        bool empty;
        assert_int_equal(glrlm_matrix(&l, &list[d], &m[d], &empty, NULL), 0);
        assert_false(empty);
        for (int k = 0; k < m[d].rows * m[d].columns; k++)
            used[k % m[d].columns] |= m[d].counts[k] != 0;
    }
    for (int d = 0; d < count; d++) {
        bool found = false;
        /* Lines of different directions differ in length: compare on the widest. */
        double *own = calloc((size_t)l.count * 512, sizeof *own);
        for (int i = 0; i < m[d].rows; i++)
            for (int j = 0; j < m[d].columns; j++)
                own[i * 512 + j] = m[d].counts[i * m[d].columns + j];
        for (int k = 0; k < count && !found; k++)
            if (!matched[k] && same_plane(&a, k, own, 512, used))
                found = matched[k] = true;
        assert_true(found);
        free(own);
    }
    for (int d = 0; d < count; d++)
        size_matrix_release(&m[d]);
    free(list);
    levels_release(&l);
    buffer_release(&a.file);
}

static void check_sizes(const char *test_case, const char *class_name, struct size_matrix *m)
{
    struct array a = array_load(test_case, class_name);
    bool used[512] = {false};
    assert_int_equal(a.shape[0], m->rows);
    assert_true(m->columns <= 512);
    for (int k = 0; k < m->rows * m->columns; k++)
        used[k % m->columns] |= m->counts[k] != 0;
    assert_true(same_plane(&a, 0, m->counts, m->columns, used));
    size_matrix_release(m);
    buffer_release(&a.file);
}

static void test_sizes(const char *test_case)
{
    struct radiomics_settings settings;
    struct levels l = load_levels(test_case, &settings);
    struct size_matrix m;
    assert_int_equal(glszm_matrix(&l, -1, &m, NULL), 0);
    check_sizes(test_case, "glszm", &m);
    assert_int_equal(gldm_matrix(&l, &settings.texture, -1, &m, NULL), 0);
    check_sizes(test_case, "gldm", &m);
    levels_release(&l);
}

static void test_ngtdm(const char *test_case)
{
    struct radiomics_settings settings;
    struct levels l = load_levels(test_case, &settings);
    struct array a = array_load(test_case, "ngtdm");
    double own[2 * 512];
    assert_int_equal(a.shape[0], l.count);
    assert_int_equal(ngtdm_matrix(&l, &settings.texture, -1, own, NULL), 0);
    for (int i = 0; i < l.count; i++) {
        assert_true(array_at(&a, i, 0, 0) == own[2 * i]);
        assert_true(array_at(&a, i, 2, 0) == l.grey[i]);
        /* Sums of fractions, added in another order. */
        assert_true(fabs(array_at(&a, i, 1, 0) - own[2 * i + 1]) <= 1e-12 * own[2 * i + 1]);
    }
    levels_release(&l);
    buffer_release(&a.file);
}

static void test_matrices(void **state)
{
    (void)state;
    static const char *const cases[] = {"brain1", "brain2", "breast1"};
    for (int i = 0; i < 3; i++) {
        test_glcm(cases[i]);
        test_glrlm(cases[i]);
        test_sizes(cases[i]);
        test_ngtdm(cases[i]);
    }
}

int main(void)
{
    if (access(FOLDER, R_OK) != 0)
        return 77;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_matrices)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
