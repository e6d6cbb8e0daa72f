/* The logistic function and its inverse. */
#ifndef AXNODE_MODEL_LOGISTIC_H
#define AXNODE_MODEL_LOGISTIC_H

#include <math.h>

/* 1 / (1 + e^−x) without overflow. */
static inline double logistic(double x)
{
    if (x >= 0)
        return 1 / (1 + exp(-x));
    double e = exp(x);
    return e / (1 + e);
}

/* log(p / (1 − p)); infinite for 0 and 1. */
static inline double logit(double p)
{
    return log(p) - log1p(-p);
}

#endif
