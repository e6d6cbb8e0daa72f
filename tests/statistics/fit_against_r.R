# The figures of fit_figures for one cohort, by R. Prints "name value" lines.
# Rscript fit_against_r.R COHORT.csv
suppressPackageStartupMessages(library(glmnet))
table <- read.csv(commandArgs(trailingOnly = TRUE)[1])
y <- table$outcome
x <- as.matrix(table[, -1])

say <- function(name, k, of, value)
  if (length(value) > 0) cat(sprintf("%s.%d.%s %.17g\n", name, k, of, value), sep = "")

for (j in seq_len(ncol(x))) {
  say("t_test", j, "p", t.test(x[y == 1, j], x[y == 0, j])$p.value)
  say("mann_whitney", j, "p", suppressWarnings(wilcox.test(x[y == 1, j], x[y == 0, j])$p.value))
}

# Mean squares of a two-way table without repetition.
few <- x[, 1:6]
long <- data.frame(value = c(few), subject = factor(rep(seq_along(y), 6)),
                   reader = factor(rep(1:6, each = length(y))))
squares <- anova(lm(value ~ subject + reader, long))[["Mean Sq"]]
say("icc", 2, "1", (squares[1] - squares[3]) /
      (squares[1] + 5 * squares[3] + 6 * (squares[2] - squares[3]) / length(y)))
say("icc", 3, "1", (squares[1] - squares[3]) / (squares[1] + 5 * squares[3]))

frame <- data.frame(y, few)
fit <- glm(y ~ ., binomial, frame, control = glm.control(epsilon = 1e-15, maxit = 100))
for (i in 0:6) {
  say("logistic", i, "coefficient", coef(fit)[[i + 1]])
  for (j in 0:6) say("logistic", i, paste0("covariance.", j), vcov(fit)[i + 1, j + 1])
}
say("logistic", 0, "deviance", deviance(fit))
best <- step(fit, direction = "backward", trace = 0)
for (name in names(coef(best))[-1])
  say("step", match(name, colnames(few)) - 1, "coefficient", coef(best)[[name]])
say("step", 0, "deviance", deviance(best))

folds <- (seq_along(y) - 1) %% 10 + 1
for (alpha in c(1, 0.5)) {
  name <- if (alpha == 1) "lasso" else "elastic_net"
  path <- glmnet(x, y, family = "binomial", alpha = alpha, thresh = 1e-14, maxit = 1e8)
  # Without lambda, cv.glmnet gives each fold a path of its own and interpolates.
  cv <- cv.glmnet(x, y, family = "binomial", alpha = alpha, foldid = folds, thresh = 1e-14,
                  maxit = 1e8, lambda = path$lambda)
  for (k in seq_along(cv$lambda)) {
    b <- path$beta[, k]
    used <- which(b != 0)
    say(name, k - 1, paste0("coefficient.", used - 1), b[used])
    say(name, k - 1, "intercept", path$a0[[k]])
    say(name, k - 1, "lambda", path$lambda[k])
    say(name, k - 1, "deviance_ratio", path$dev.ratio[k])
    say(name, k - 1, "cv_mean", cv$cvm[[k]])
    say(name, k - 1, "cv_sd", cv$cvsd[[k]])
  }
  say(name, 0, "cv_minimum", cv$lambda.min)
  say(name, 0, "cv_one_se", cv$lambda.1se)
}
