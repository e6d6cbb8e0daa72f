#include <math.h>
#include <stdlib.h>

#include "model/package/package.h"

/* Adds factor × change of a linear predictor for a change of each of the network's features, by
 * way of the scores that its terms take. */
static void add_weights(const struct deep_network *network, const struct package_term *terms,
                        size_t count, double factor, double *weights)
{
    for (size_t i = 0; i < count; i++) {
        const struct package_term *term = &terms[i];
        const double change = factor * term->coefficient / term->scale;
        if (term->score) {
            add_weights(network, term->score->terms, term->score->term_count, change, weights);
            continue;
        }
        const int index = deep_feature_index(network, term->feature);
        if (index >= 0)
            weights[index] += change;
    }
}

static bool any_weight(const double *weights, int count)
{
    for (int i = 0; i < count; i++)
        if (fabs(weights[i]) > 0)
            return true;
    return false;
}

static int min(int a, int b)
{
    return a < b ? a : b;
}

static int max(int a, int b)
{
    return a > b ? a : b;
}

/* Takes `more` over. Both are of the same picture. */
static void add_heat(struct heat_map *heat, struct heat_map *more)
{
    if (!heat->plane.values) {
        *heat = *more;
        return;
    }
    const size_t n = (size_t)heat->plane.rows * (size_t)heat->plane.columns;
    for (size_t i = 0; i < n; i++)
        heat->plane.values[i] += more->plane.values[i];
    heat->seen = (struct bounds){min(heat->seen.x0, more->seen.x0), min(heat->seen.y0, more->seen.y0),
                                 max(heat->seen.x1, more->seen.x1), max(heat->seen.y1, more->seen.y1)};
    heat_map_release(more);
}

static int append(const struct deep_network *network, const float *values,
                  struct feature_list *features, struct error *err)
{
    int status = 0;
    for (int i = 0; i < network->count && status == 0; i++) {
        char name[sizeof features->items->name];
        deep_feature_name(network, i, name);
        status = feature_list_add(features, name, values[i], false, err);
    }
    return status;
}

static int run_network(const struct package *package, const struct net *net,
                       const struct deep_network *network, const struct image *grey,
                       struct region_finding *region, struct error *err)
{
    const size_t count = (size_t)network->count;
    double *weights = calloc(count, sizeof *weights);
    float *values = calloc(count, sizeof *values);
    struct heat_map heat = {0};
    int status = weights && values ? 0 : error_set(err, STATUS_NOMEM, "out of memory for features");
    if (status == 0) {
        add_weights(network, package->terms, package->term_count, 1, weights);
        const bool maps = network->activations && any_weight(weights, network->count);
        status = deep_run(net, network, grey, &region->mask, &region->seen, maps ? weights : NULL,
                          values, &heat, err);
    }
    if (status == STATUS_LIMIT) { /* no number rather than none of the study's others */
        for (size_t i = 0; i < count; i++)
            values[i] = NAN;
        status = 0;
    }
    if (status == 0)
        status = append(network, values, &region->features, err);
    if (heat.plane.values)
        add_heat(&region->heat, &heat);
    free(values);
    free(weights);
    return status;
}

int package_deep_features(const struct package *package, const struct package_nets *nets,
                          const struct image *grey, enum roi roi, struct region_finding *region,
                          struct error *err)
{
    int status = 0;
    for (size_t i = 0; i < package->deep_count && status == 0; i++)
        if (package->deep[i].network.roi == roi && !package->deep[i].network.frames)
            status = run_network(package, nets->deep[i], &package->deep[i].network, grey, region,
                                 err);
    return status;
}

/* ---- loops ---- */

/* The index of the network that sees a loop; deep_count: there is none. */
static size_t find_loop(const struct package *package)
{
    size_t i = 0;
    while (i < package->deep_count && !package->deep[i].network.frames)
        i++;
    return i;
}

const struct deep_network *package_loop_network(const struct package *package)
{
    const size_t i = find_loop(package);
    return i < package->deep_count ? &package->deep[i].network : NULL;
}

int package_loop_features(const struct package *package, const struct package_nets *nets,
                          const struct deep_loop_place *place, struct loop_finding *loop,
                          struct feature_list *features, struct error *err)
{
    const size_t index = find_loop(package);
    const struct deep_network *network = &package->deep[index].network;
    double *weights = calloc((size_t)network->count, sizeof *weights);
    float *values = calloc((size_t)network->count, sizeof *values);
    int status = weights && values ? 0 : error_set(err, STATUS_NOMEM, "out of memory for features");
    if (status == 0) {
        add_weights(network, package->terms, package->term_count, 1, weights);
        const bool maps = network->activations && any_weight(weights, network->count);
        status = deep_loop_run(nets->deep[index], network, place, maps ? weights : NULL, loop,
                               values, err);
    }
    if (status == 0)
        status = append(network, values, features, err);
    free(values);
    free(weights);
    return status;
}
