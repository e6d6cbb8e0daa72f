# AUC on TEST.csv of glmnet's lasso fitted on TRAIN.csv: at a given lambda, and at lambda.min (median
# of 5 seeds of folds). Rscript fit_split.R TRAIN.csv TEST.csv LAMBDA
suppressPackageStartupMessages(library(glmnet))
arguments <- commandArgs(trailingOnly = TRUE)
train <- read.csv(arguments[1], check.names = FALSE)
train <- train[complete.cases(train), names(train) != "id"]
test <- read.csv(arguments[2], check.names = FALSE)
test[is.na(test)] <- 0 # in a column that no fit here takes
features <- setdiff(names(train), "ALN_status")
x <- as.matrix(train[, features])
x <- x[, !duplicated(t(x))]
new <- as.matrix(test[, colnames(x)])
auc <- function(score) {
  r <- rank(score)
  n <- sum(test$ALN_status)
  (sum(r[test$ALN_status == 1]) - n * (n + 1) / 2) / (n * (nrow(test) - n))
}
at <- as.numeric(arguments[3])
path <- glmnet(x, train$ALN_status, family = "binomial", thresh = 1e-12)
fit <- glmnet(x, train$ALN_status, family = "binomial", thresh = 1e-12,
              lambda = sort(c(at, path$lambda[path$lambda > at]), decreasing = TRUE))
own <- sapply(1:5, function(seed) {
  set.seed(seed)
  cv <- cv.glmnet(x, train$ALN_status, family = "binomial")
  auc(predict(cv, new, s = "lambda.min"))
})
cat(auc(predict(fit, new)[, length(fit$lambda)]), median(own), "\n")
