#include "model/fit/terms.h"

static bool recalibrated(const struct fit_result *result)
{
    return result->recipe->update != FIT_UPDATE_NONE;
}

size_t fit_term_count(const struct fit_result *result)
{
    return recalibrated(result) ? result->base->term_count : result->model->term_count;
}

struct fit_named_term fit_term_at(const struct fit_result *result, size_t place)
{
    const struct fit_term *term = &result->model->terms[recalibrated(result) ? 0 : place];
    if (recalibrated(result)) {
        const struct package_term *own = &result->base->terms[place];
        return (struct fit_named_term){own->feature, own->centre, own->scale,
                                       own->coefficient * term->coefficient};
    }
    return (struct fit_named_term){result->data->names[term->column], term->centre, term->scale,
                                   term->coefficient};
}

/* Recalibrated: a + b (a₀ + Σ …) = (a + b a₀) + Σ b …; a₀ is 0 where the package has none. */
double fit_intercept(const struct fit_result *result)
{
    if (!recalibrated(result))
        return result->model->intercept;
    return result->model->intercept +
           result->model->terms[0].coefficient * result->base->intercept;
}
