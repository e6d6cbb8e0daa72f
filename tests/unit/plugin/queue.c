#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "plugin/queue.h"

static void push(struct queue *q, const char *study, int64_t sequence, int64_t start_us)
{
    struct queue_item item = {.sequence = sequence, .start_us = start_us};
    snprintf(item.study, sizeof item.study, "%s", study);
    assert_int_equal(queue_push(q, &item, NULL), 0);
}

static void assert_taken(struct queue *q, const char *study, int64_t sequence)
{
    struct queue_item item;
    assert_true(queue_take(q, &item));
    assert_string_equal(item.study, study);
    assert_int_equal(item.sequence, sequence);
}

static void assert_counts(struct queue *q, size_t waiting, size_t running)
{
    size_t w, r;
    queue_count(q, &w, &r);
    assert_int_equal(w, waiting);
    assert_int_equal(r, running);
}

static void test_in_order_and_once(void **state)
{
    (void)state;
    struct queue *q = queue_new();
    push(q, "a", 5, 0);
    push(q, "b", 6, 0);
    push(q, "a", 7, 0);
    assert_counts(q, 2, 0);
    assert_taken(q, "a", 5);
    assert_taken(q, "b", 6);
    queue_done(q, "a");
    queue_done(q, "b");
    assert_false(queue_has(q, "a"));
    assert_counts(q, 0, 0);
    queue_free(q);
}

/* What has changed meanwhile is looked at again, by nobody else in the meantime. */
static void test_pushed_while_it_runs(void **state)
{
    (void)state;
    struct queue *q = queue_new();
    push(q, "a", 5, 0);
    assert_taken(q, "a", 5);
    push(q, "a", 9, 0);
    push(q, "a", 8, 0);
    assert_counts(q, 0, 1);
    assert_int_equal(queue_floor(q), 5);
    queue_done(q, "a");
    assert_int_equal(queue_floor(q), 8);
    assert_taken(q, "a", 8);
    queue_free(q);
}

static void test_floor_is_the_oldest_that_is_not_done(void **state)
{
    (void)state;
    struct queue *q = queue_new();
    assert_int_equal(queue_floor(q), INT64_MAX);
    push(q, "a", 5, 0);
    push(q, "b", 3, INT64_MAX);
    assert_int_equal(queue_floor(q), 3);
    assert_taken(q, "a", 5);
    queue_done(q, "a");
    assert_int_equal(queue_floor(q), 3);
    push(q, "b", 9, 0); /* earlier than it was to be */
    assert_taken(q, "b", 3);
    queue_retry(q, "b", 0);
    assert_int_equal(queue_floor(q), 3);
    assert_taken(q, "b", 3);
    queue_done(q, "b");
    assert_int_equal(queue_floor(q), INT64_MAX);
    queue_free(q);
}

static void test_not_before_its_time(void **state)
{
    (void)state;
    struct queue *q = queue_new();
    const int64_t start_us = clock_monotonic_us(clock_system()) + 50000;
    push(q, "later", 1, start_us);
    push(q, "now", 2, 0);
    assert_taken(q, "now", 2);
    assert_taken(q, "later", 1);
    assert_true(clock_monotonic_us(clock_system()) >= start_us);
    queue_free(q);
}

static void *take(void *context)
{
    struct queue_item item;
    return queue_take(context, &item) ? context : NULL;
}

static void test_close_ends_who_waits(void **state)
{
    (void)state;
    struct queue *q = queue_new();
    pthread_t thread;
    void *got;
    assert_int_equal(pthread_create(&thread, NULL, take, q), 0);
    queue_close(q);
    pthread_join(thread, &got);
    assert_null(got);
    queue_free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order_and_once),
        cmocka_unit_test(test_pushed_while_it_runs),
        cmocka_unit_test(test_floor_is_the_oldest_that_is_not_done),
        cmocka_unit_test(test_not_before_its_time),
        cmocka_unit_test(test_close_ends_who_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
