set(FIT_SOURCES fit/bootstrap.c fit/card.c fit/describe.c fit/filter.c fit/fit.c fit/fit_data.c fit/forest.c fit/lasso.c fit/lasso_cv.c
  fit/logistic.c fit/matrix.c fit/random.c fit/rank.c fit/recipe.c fit/steps.c fit/training.c
  fit/terms.c fit/validate.c fit/work.c fit/write.c)
