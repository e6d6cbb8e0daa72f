#include "model/statistics/benefit.h"

int benefit_curve(const struct sample *sample, const double *thresholds, size_t count,
                  struct benefit *ret_curve, struct error *err)
{
    int status = sample_check_risks(sample, err);
    if (status < 0)
        return status;
    double n = (double)sample->n, share = (double)sample_positives(sample) / n;
    for (size_t i = 0; i < count; i++)
        if (!(thresholds[i] > 0 && thresholds[i] < 1))
            return error_set(err, STATUS_INVALID, "a threshold must lie between 0 and 1");
    for (size_t i = 0; i < count; i++) {
        double t = thresholds[i], odds = t / (1 - t), right = 0, treated = 0;
        for (size_t k = 0; k < sample->n; k++)
            if (sample->scores[k] >= t) {
                treated++;
                right += sample->positive[k];
            }
        ret_curve[i] = (struct benefit){
            .threshold = t,
            .model = right / n - (treated - right) / n * odds,
            .all = share - (1 - share) * odds,
            .treated = treated / n,
            .treated_with_outcome = right / n,
        };
    }
    return 0;
}
