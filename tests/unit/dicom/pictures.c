/* Every encoding that ultrasound machines use, in files made here: equal to the original, or
 * within the tolerance of what another decoder makes of it; and those that must be refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "cases.h"
#include "dicom/setup.h"

static char folder[SAMPLE_PATH_SIZE];

static void test_pictures(void **state)
{
    (void)state;
    cases_make("make", NULL, folder);
    assert_true(cases_check(folder) > 100);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pictures)};
    return cmocka_run_group_tests_name("pictures", tests, make_folder, remove_folder);
}
