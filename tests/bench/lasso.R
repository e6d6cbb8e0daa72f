# Times cv.glmnet as bench_lasso times axnode: Rscript lasso.R OUTCOME RUNS COHORT.csv…
suppressMessages(library(glmnet))
arguments <- commandArgs(trailingOnly = TRUE)
outcome <- arguments[1]
runs <- as.integer(arguments[2])
table <- do.call(rbind, lapply(arguments[-(1:2)], read.csv, check.names = FALSE))
table <- table[, names(table) != "id"]
table <- table[complete.cases(table), ]
y <- table[[outcome]]
x <- as.matrix(table[, names(table) != outcome])
folds <- (seq_along(y) - 1) %% 10 + 1
times <- numeric(runs)
processor <- 0
for (run in seq_len(runs)) {
  time <- system.time(
    fit <- cv.glmnet(x, y, family = "binomial", foldid = folds, type.measure = "deviance"))
  times[run] <- time[["elapsed"]]
  processor <- processor + time[["user.self"]] + time[["sys.self"]]
}
best <- match(fit$lambda.min, fit$lambda)
cat(sprintf("glmnet %d lambdas, minimum at %.6g (deviance %.6f, %d terms), 1 SE at %.6g\n",
            length(fit$lambda), fit$lambda.min, fit$cvm[best], fit$nzero[best], fit$lambda.1se))
cat(sprintf("glmnet %s, %d x %d: median %.0f ms of %d runs, processor %.0f ms each\n",
            packageVersion("glmnet"), nrow(x), ncol(x), 1000 * median(times), runs,
            1000 * processor / runs))
