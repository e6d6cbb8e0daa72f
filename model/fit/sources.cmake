set(FIT_SOURCES fit/filter.c fit/forest.c fit/lasso.c fit/lasso_cv.c fit/logistic.c fit/matrix.c
  fit/random.c fit/rank.c fit/work.c)
