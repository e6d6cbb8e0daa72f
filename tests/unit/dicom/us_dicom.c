/* Real ultrasound files of many makers: every sound one decodes to what an independent decoder
 * gives, the faulty ones are refused. The table that is printed names the decoder of each and the
 * largest and mean difference of a sample. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "cases.h"
#include "dicom/setup.h"

#define DATA SOURCE_DIR "/../shared/data/us-dicom"

static char folder[SAMPLE_PATH_SIZE];

static void test_us_dicom(void **state)
{
    (void)state;
    cases_make("reference", DATA, folder);
    assert_int_equal(cases_check(folder), 43);
}

static int make_folder(void **state)
{
    (void)state;
    assert_int_equal(dicom_setup(NULL), 0);
    sample_folder_make(folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    sample_folder_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_us_dicom)};
    if (access(DATA "/MANIFEST.csv", R_OK) != 0)
        return 77;
    return cmocka_run_group_tests_name("us-dicom", tests, make_folder, remove_folder);
}
