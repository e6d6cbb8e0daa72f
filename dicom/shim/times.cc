#include "dicom/shim/header.h"
#include "dicom/shim/shim.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

extern "C" {
#include "base/number.h"
#include "dicom/times.h"
}

static const double FRAME_TIME_MAX = 2000, VECTOR_MAX = 10000, RATE_MAX = 1000;

namespace
{

/* Times in the making. */
struct Times {
    DcmDataset &data;
    int frames;
    struct frame_times *out;
    std::vector<double> seconds;
};

/* The first reason is the one that is told. */
void pass_over(Times &t, const std::string &why)
{
    if (!*t.out->fault)
        snprintf(t.out->fault, sizeof t.out->fault, "%s", why.c_str());
}

/* False when the element is absent or empty. */
bool get(Times &t, const DcmTagKey &tag, std::string &ret_text)
{
    OFString text;
    if (t.data.findAndGetOFStringArray(tag, text).bad() || text.empty())
        return false;
    ret_text = text.c_str();
    return true;
}

/* A name and a value of the header for a message: the value is hostile, so numbers alone. */
std::string said(const char *name, double value, const char *unit)
{
    char text[96];
    snprintf(text, sizeof text, "its %s is %g%s", name, value, unit);
    return text;
}

void set_even(Times &t, double interval_s, enum frame_time_source source)
{
    for (int i = 0; i < t.frames; i++)
        t.seconds.push_back(i * interval_s);
    t.out->source = source;
}

bool parse(const std::string &text, double &ret_value)
{
    const size_t first = text.find_first_not_of(' '), last = text.find_last_not_of(' ');
    return first != std::string::npos &&
           number_parse_double(text.substr(first, last - first + 1).c_str(), &ret_value, NULL) == 0;
}

bool take_time(Times &t)
{
    std::string text;
    double ms;
    if (!get(t, DCM_FrameTime, text))
        return false;
    if (!parse(text, ms))
        pass_over(t, "its Frame Time is no number");
    else if (!(ms >= 1 && ms <= FRAME_TIME_MAX))
        pass_over(t, said("Frame Time", ms, " ms"));
    else
        set_even(t, ms / 1000, FRAME_TIMES_TIME);
    return t.out->source != FRAME_TIMES_NONE;
}

/* The increments between frames, summed up; empty: one of them cannot be. */
std::vector<double> sum_up(const std::string &text, size_t frames)
{
    std::vector<double> seconds;
    double now = 0, ms;
    for (size_t begin = 0, end; begin <= text.size() && seconds.size() <= frames; begin = end + 1) {
        end = std::min(text.find('\\', begin), text.size());
        const bool good = parse(text.substr(begin, end - begin), ms) && ms >= 0 && ms <= VECTOR_MAX;
        if (!good && !seconds.empty())
            return {};
        now += seconds.empty() ? 0 : ms / 1000;
        seconds.push_back(now);
    }
    return now > 0 ? seconds : std::vector<double>();
}

bool take_vector(Times &t)
{
    std::string text;
    if (!get(t, DCM_FrameTimeVector, text))
        return false;
    const size_t frames = static_cast<size_t>(t.frames);
    const size_t values = 1 + static_cast<size_t>(std::count(text.begin(), text.end(), '\\'));
    if (values != frames) {
        pass_over(t, "its Frame Time Vector has " + std::to_string(values) + " values for " +
                         std::to_string(frames) + " frames");
        return false;
    }
    t.seconds = sum_up(text, frames);
    if (t.seconds.size() != frames) {
        t.seconds.clear();
        pass_over(t, "its Frame Time Vector holds times that cannot be");
        return false;
    }
    t.out->source = FRAME_TIMES_VECTOR;
    return true;
}

bool take_rate(Times &t, const DcmTagKey &tag, const char *name)
{
    std::string text;
    double rate;
    if (!get(t, tag, text))
        return false;
    if (!parse(text, rate) || !(rate >= 1 && rate <= RATE_MAX))
        pass_over(t, std::string("its ") + name + " cannot be");
    else
        set_even(t, 1 / rate, FRAME_TIMES_RATE);
    return t.out->source != FRAME_TIMES_NONE;
}

void take_first(Times &t)
{
    DcmElement *pointer = NULL;
    DcmTagKey named;
    if (t.data.findAndGetElement(DCM_FrameIncrementPointer, pointer).good() &&
        pointer->getTagVal(named, 0).good() && named == DCM_FrameTimeVector && take_vector(t))
        return;
    if (take_time(t) || take_vector(t) || take_rate(t, DCM_CineRate, "Cine Rate"))
        return;
    take_rate(t, DCM_RecommendedDisplayFrameRate, "Recommended Display Frame Rate");
}

int read_times(const char *path, const struct dicom_limits *limits, struct frame_times *times,
               struct error *err)
{
    Header header;
    struct dicom_instance instance = {};
    int r = header.load(path, path, limits->object_bytes, err);
    if (r == 0)
        r = header_read_instance(header, limits, path, &instance, err);
    if (r < 0)
        return r;
    Times t = {header.dataset(), instance.frames, times, {}};
    times->count = instance.frames;
    take_first(t);
    if (t.seconds.empty())
        return 0;
    times->seconds = static_cast<double *>(calloc(t.seconds.size(), sizeof *times->seconds));
    if (!times->seconds)
        return error_set(err, STATUS_NOMEM, "out of memory");
    std::copy(t.seconds.begin(), t.seconds.end(), times->seconds);
    return 0;
}

} // namespace

extern "C" int dicom_frame_times(const char *path, const struct dicom_limits *limits,
                                 struct frame_times *ret_times, struct error *err)
{
    return shim_guard(err, "read a loop's times", [&]() -> int {
        struct frame_times times = {};
        const int r = read_times(path, limits, &times, err);
        if (r == 0)
            *ret_times = times;
        return r;
    });
}

extern "C" void frame_times_release(struct frame_times *times)
{
    free(times->seconds);
    *times = {};
}
