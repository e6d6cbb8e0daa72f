set(FIT_SOURCES fit/lasso.c fit/lasso_cv.c fit/matrix.c fit/random.c fit/rank.c fit/work.c)
