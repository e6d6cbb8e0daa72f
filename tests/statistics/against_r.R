# The figures of `axnode evaluate --json` for one cohort, by R. Prints "name value" lines.
# Rscript against_r.R COHORT.csv CUTOFF [COHORT.csv CUTOFF …]; a line "cohort N" begins each, from 0.
suppressWarnings(suppressPackageStartupMessages({
  library(pROC)
  library(rms)
  library(Hmisc)
}))
say <- function(name, values) {
  for (i in seq_along(values))
    cat(sprintf("%s%s %.17g\n", name, if (length(values) > 1) paste0(".", i - 1) else "", values[i]))
}

curve <- function(x) roc(y, x, levels = c(0, 1), direction = "<", quiet = TRUE)

exact <- function(name, count, total) {
  say(paste0(name, ".value"), count / total)
  say(paste0(name, ".ci95"), binom.test(count, total)$conf.int)
}

operating_point <- function(name, x, at) {
  called <- x >= at
  exact(paste0(name, ".sensitivity"), sum(called & y == 1), sum(y == 1))
  exact(paste0(name, ".specificity"), sum(!called & y == 0), sum(y == 0))
  if (sum(called) > 0) exact(paste0(name, ".ppv"), sum(called & y == 1), sum(called))
  if (sum(!called) > 0) exact(paste0(name, ".npv"), sum(!called & y == 0), sum(!called))
  exact(paste0(name, ".accuracy"), sum(called == (y == 1)), length(y))
}

# Hosmer and Lemeshow, Applied Logistic Regression: deciles of risk.
hosmer_lemeshow <- function(name, p) {
  group <- cut(p, unique(quantile(p, 0:10 / 10)), include.lowest = TRUE)
  n <- tapply(y, group, length)
  observed <- tapply(y, group, sum)
  expected <- tapply(p, group, sum)
  kept <- !is.na(n)
  chi2 <- sum(((observed - expected)^2 / (expected * (1 - expected / n)))[kept])
  say(paste0(name, ".chi2"), chi2)
  say(paste0(name, ".groups"), sum(kept))
  say(paste0(name, ".p_same_patients"), pchisq(chi2, sum(kept) - 2, lower.tail = FALSE))
  say(paste0(name, ".p_other_patients"), pchisq(chi2, sum(kept), lower.tail = FALSE))
}

calibration <- function(name, p) {
  control <- glm.control(epsilon = 1e-15, maxit = 100)
  logits <- qlogis(p)
  large <- glm(y ~ offset(logits), family = binomial, control = control)
  slope <- glm(y ~ logits, family = binomial, control = control)
  errors <- sqrt(diag(vcov(slope)))
  z <- qnorm(0.975)
  say(paste0(name, ".in_the_large"), coef(large)[[1]])
  say(paste0(name, ".in_the_large_se"), sqrt(vcov(large)[1, 1]))
  say(paste0(name, ".in_the_large_ci95"), coef(large)[[1]] + c(-z, z) * sqrt(vcov(large)[1, 1]))
  say(paste0(name, ".intercept"), coef(slope)[[1]])
  say(paste0(name, ".slope"), coef(slope)[[2]])
  say(paste0(name, ".intercept_se"), errors[[1]])
  say(paste0(name, ".slope_se"), errors[[2]])
  say(paste0(name, ".slope_ci95"), coef(slope)[[2]] + c(-z, z) * errors[[2]])
  rms <- val.prob(p, y, pl = FALSE)
  say(paste0(name, ".rms_slope"), rms[["Slope"]])
  say(paste0(name, ".rms_intercept"), rms[["Intercept"]])
  say(paste0(name, ".rms_brier"), rms[["Brier"]])
}

net_benefit <- function(name, p) {
  t <- 1:99 / 100
  treated <- sapply(t, function(t) sum(p >= t))
  right <- sapply(t, function(t) sum(p >= t & y == 1))
  n <- length(y)
  say(paste0(name, ".net_benefit"), right / n - (treated - right) / n * t / (1 - t))
  say(paste0(name, ".treated"), treated / n)
}

arguments <- commandArgs(trailingOnly = TRUE)
for (cohort in seq_len(length(arguments) / 2)) {
  cat(sprintf("cohort %d\n", cohort - 1))
  cutoff <- as.numeric(arguments[2 * cohort])
  table <- read.csv(arguments[2 * cohort - 1])
  table <- table[complete.cases(table[, c("outcome", "first", "second")]), ]
  y <- table$outcome

  is_risk <- c(FALSE, FALSE)
  curves <- list()
  for (k in 1:2) {
    x <- table[[c("first", "second")[k]]]
    name <- paste0("score", k)
    curves[[k]] <- curve(x)
    is_risk[k] <- all(x >= 0 & x <= 1)
    say(paste0(name, ".auc"), as.numeric(auc(curves[[k]])))
    say(paste0(name, ".auc_variance"), suppressWarnings(var(curves[[k]], method = "delong")))
    say(paste0(name, ".auc_ci95"), suppressWarnings(as.numeric(ci.auc(curves[[k]]))[c(1, 3)]))
    say(paste0(name, ".roc_sensitivity"), curves[[k]]$sensitivities)
    say(paste0(name, ".roc_specificity"), curves[[k]]$specificities)
    say(paste0(name, ".roc_cutoff"), head(curves[[k]]$thresholds, -1)[-1])
    best <- coords(curves[[k]], "best", best.method = "youden", ret = "threshold",
                   transpose = FALSE)$threshold
    say(paste0(name, ".youden"), min(best)) # of equal ones the most sensitive
    if (k == 1 || all(is_risk)) operating_point(paste0(name, ".at_cutoff"), x, cutoff)
    if (is_risk[k]) {
      say(paste0(name, ".brier"), mean((x - y)^2))
      say(paste0(name, ".brier_scaled"), 1 - mean((x - y)^2) / (mean(y) * (1 - mean(y))))
      hosmer_lemeshow(paste0(name, ".hosmer_lemeshow"), x)
      net_benefit(name, x)
      if (all(x > 0 & x < 1)) calibration(paste0(name, ".calibration"), x)
    }
  }

  set.seed(1)
  if (length(y) <= 1000) say("score1.bootstrap", suppressWarnings(as.numeric(
    ci.auc(curves[[1]], method = "bootstrap", boot.n = 2000, boot.stratified = TRUE,
           progress = "none"))[c(1, 3)]))

  test <- roc.test(curves[[1]], curves[[2]], method = "delong", paired = TRUE)
  say("comparison.p", test$p.value)
  say("comparison.z", test$statistic[[1]])
  say("comparison.ci95", as.numeric(test$conf.int))

  if (all(is_risk)) {
    say_nri <- function(name, r) {
      say(paste0(name, ".total.value"), r$nri)
      say(paste0(name, ".total.se"), r$se.nri)
      say(paste0(name, ".total.z"), r$z.nri)
      say(paste0(name, ".event.value"), r$nri.ev)
      say(paste0(name, ".event.se"), r$se.nri.ev)
      say(paste0(name, ".other.value"), r$nri.ne)
      say(paste0(name, ".other.se"), r$se.nri.ne)
    }
    continuous <- improveProb(table$second, table$first, y)
    say_nri("comparison.nri", continuous)
    say("comparison.idi.value", continuous$idi)
    say("comparison.idi.se", continuous$se.idi)
    say("comparison.idi.z", continuous$z.idi)
    say_nri("comparison.nri_at_cutoff",
            improveProb(as.numeric(table$second >= cutoff), as.numeric(table$first >= cutoff), y))
  }
}
