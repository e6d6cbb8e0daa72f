#include "model/net/net.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/digest.h"
#include "base/file.h"
#include "model/net/onnxruntime.h"

#define LIBRARY_NAME "libonnxruntime.so.1"

struct net_library {
    const struct ort_api *api;
    const char *version;
    OrtEnv *env;
    OrtAllocator *allocator; /* borrowed from the runtime */
    OrtMemoryInfo *memory;
};

struct net {
    const struct net_library *library;
    OrtSession *session;
};

/* The one place where the runtime's errors become ours. */
static int translate(const struct net_library *library, OrtStatus *status, struct error *err,
                     const char *what)
{
    if (!status)
        return 0;
    int ours;
    switch (library->api->GetErrorCode(status)) {
    case ORT_RUNTIME_EXCEPTION:
    case ORT_ENGINE_ERROR: ours = STATUS_INTERNAL; break;
    case ORT_NOT_IMPLEMENTED: ours = STATUS_UNSUPPORTED; break;
    default: ours = STATUS_INVALID; break;
    }
    error_set(err, ours, "ONNX Runtime cannot %s", what);
    error_detail(err, "%s", library->api->GetErrorMessage(status));
    library->api->ReleaseStatus(status);
    return ours;
}

/* ---- the library ---- */

/* Candidates in order; false past the last. */
static bool candidate(int number, char out[PATH_MAX])
{
    static const char *const beside[] = {"../lib/axnode", "../lib"};
    if (number == 0)
        return snprintf(out, PATH_MAX, "%s/%s", AXNODE_LIBRARY_FOLDER, LIBRARY_NAME) < PATH_MAX;
    if (number > 2)
        return false;
    char program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n <= 0)
        return false;
    program[n] = '\0';
    char *slash = strrchr(program, '/');
    if (!slash)
        return false;
    *slash = '\0';
    return snprintf(out, PATH_MAX, "%s/%s/%s", program, beside[number - 1], LIBRARY_NAME) <
           PATH_MAX;
}

static int find_library(char out[PATH_MAX], struct error *err)
{
    for (int i = 0; candidate(i, out); i++)
        if (access(out, R_OK) == 0)
            return 0;
    error_set(err, STATUS_NOT_FOUND, "ONNX Runtime's library %s is not there", LIBRARY_NAME);
    error_hint(err, "put it into %s, or name its path in the settings", AXNODE_LIBRARY_FOLDER);
    return STATUS_NOT_FOUND;
}

static int load_api(const char *path, struct net_library *library, struct error *err)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle) {
        error_set(err, STATUS_NOT_FOUND, "cannot load ONNX Runtime's library %s", path);
        error_detail(err, "%s", dlerror());
        return STATUS_NOT_FOUND;
    }
    ort_get_api_base get_base = (ort_get_api_base)(uintptr_t)dlsym(handle, "OrtGetApiBase");
    if (!get_base)
        return error_set(err, STATUS_UNSUPPORTED, "library %s is not ONNX Runtime", path);
    const struct ort_api_base *base = get_base();
    library->version = base->GetVersionString();
    library->api = base->GetApi(ORT_API_VERSION);
    if (!library->api)
        return error_set(err, STATUS_UNSUPPORTED,
                         "ONNX Runtime %s in %s is too old: 1.%d or later is needed",
                         library->version, path, ORT_API_VERSION);
    return 0;
}

int net_library_open(const char *path, struct net_library **ret_library, struct error *err)
{
    char found[PATH_MAX];
    int status = path ? 0 : find_library(found, err);
    if (status < 0)
        return status;
    struct net_library *library = calloc(1, sizeof *library);
    if (!library)
        return error_set(err, STATUS_NOMEM, "out of memory");
    status = load_api(path ? path : found, library, err);
    if (status < 0) {
        free(library);
        return status;
    }
    const struct ort_api *api = library->api;
    status = translate(library, api->CreateEnv(ORT_LOG_FATAL, "axnode", &library->env), err,
                       "start");
    if (status == 0)
        status = translate(library, api->GetAllocatorWithDefaultOptions(&library->allocator), err,
                           "name its allocator");
    if (status == 0)
        status = translate(library,
                           api->CreateCpuMemoryInfo(ORT_DEVICE_ALLOCATOR, ORT_MEMORY_DEFAULT,
                                                    &library->memory),
                           err, "describe memory");
    if (status < 0) {
        net_library_free(library);
        return status;
    }
    *ret_library = library;
    return 0;
}

void net_library_free(struct net_library *library)
{
    if (!library)
        return;
    if (library->memory)
        library->api->ReleaseMemoryInfo(library->memory);
    if (library->env)
        library->api->ReleaseEnv(library->env);
    free(library);
}

const char *net_library_version(const struct net_library *library)
{
    return library->version;
}

/* ---- one network ---- */

/* Weights in a second file would escape the digest. ONNX names that file in an entry with the key
 * "location": a protocol-buffer text of eight bytes in field 1. */
static bool has_outside_weights(const struct buffer *content)
{
    static const char entry[] = "\x0a\x08" "location";
    return memmem(buffer_text(content), content->size, entry, sizeof entry - 1) != NULL;
}

static int read_model(const char *path, const char *sha256, struct buffer *ret_content,
                      struct error *err)
{
    int status = file_read(path, NET_FILE_MAX, ret_content, err);
    if (status < 0)
        return status;
    if (has_outside_weights(ret_content))
        return error_set(err, STATUS_UNSUPPORTED,
                         "network file %s keeps weights in another file", path);
    if (!sha256)
        return 0;
    uint8_t digest[DIGEST_SIZE];
    char hex[DIGEST_TEXT_SIZE];
    digest_bytes(buffer_text(ret_content), ret_content->size, digest);
    digest_format(digest, hex);
    if (strcmp(hex, sha256) == 0)
        return 0;
    error_set(err, STATUS_CONFLICT, "network file %s is not the one that was stated", path);
    error_detail(err, "SHA-256 is %s, stated is %s", hex, sha256);
    return STATUS_CONFLICT;
}

/* One thread works in the caller's own: no pool is started, hence nothing spins and the order
 * of every sum is fixed. Without the arena memory goes back after each run. */
static int make_options(const struct net_library *library, OrtSessionOptions **ret_options,
                        struct error *err)
{
    const struct ort_api *api = library->api;
    OrtSessionOptions *options;
    int status = translate(library, api->CreateSessionOptions(&options), err, "make options");
    if (status < 0)
        return status;
    OrtStatus *failed = api->SetIntraOpNumThreads(options, 1);
    if (!failed)
        failed = api->SetInterOpNumThreads(options, 1);
    if (!failed)
        failed = api->SetSessionExecutionMode(options, ORT_SEQUENTIAL);
    if (!failed)
        failed = api->SetSessionLogSeverityLevel(options, ORT_LOG_FATAL);
    if (!failed)
        failed = api->DisableCpuMemArena(options);
    status = translate(library, failed, err, "set options");
    if (status < 0) {
        api->ReleaseSessionOptions(options);
        return status;
    }
    *ret_options = options;
    return 0;
}

int net_open(const struct net_library *library, const char *path, const char *sha256,
             struct net **ret_net, struct error *err)
{
    struct buffer content BUFFER_AUTO = {0};
    OrtSessionOptions *options;
    int status = read_model(path, sha256, &content, err);
    if (status < 0)
        return status;
    struct net *net = calloc(1, sizeof *net);
    if (!net)
        return error_set(err, STATUS_NOMEM, "out of memory");
    net->library = library;
    status = make_options(library, &options, err);
    if (status == 0) {
        status = translate(library,
                           library->api->CreateSessionFromArray(library->env, buffer_text(&content),
                                                                content.size, options,
                                                                &net->session),
                           err, "load the network");
        library->api->ReleaseSessionOptions(options);
        if (status < 0)
            error_prefix(err, "network file %s", path);
    }
    if (status < 0) {
        free(net);
        return status;
    }
    *ret_net = net;
    return 0;
}

void net_free(struct net *net)
{
    if (!net)
        return;
    net->library->api->ReleaseSession(net->session);
    free(net);
}

/* ---- names and shapes ---- */

static int read_shape(const struct net *net, const OrtTensorTypeAndShapeInfo *info, int *ret_type,
                      struct net_shape *ret_shape, struct error *err)
{
    const struct ort_api *api = net->library->api;
    size_t rank;
    struct net_shape shape = {0};
    int status = translate(net->library, api->GetTensorElementType(info, ret_type), err,
                           "tell a tensor's type");
    if (status == 0)
        status = translate(net->library, api->GetDimensionsCount(info, &rank), err,
                           "tell a tensor's rank");
    if (status < 0)
        return status;
    if (rank > NET_RANK_MAX)
        return error_set(err, STATUS_UNSUPPORTED, "a tensor of the network has %zu dimensions",
                         rank);
    shape.rank = (int)rank;
    status = translate(net->library, api->GetDimensions(info, shape.sides, rank), err,
                       "tell a tensor's shape");
    if (status == 0)
        *ret_shape = shape;
    return status;
}

static bool shape_fits(const struct net_shape *stated, const struct net_shape *wanted)
{
    if (stated->rank != wanted->rank)
        return false;
    for (int i = 0; i < wanted->rank; i++)
        if (stated->sides[i] >= 0 && stated->sides[i] != wanted->sides[i])
            return false;
    return true;
}

enum direction { INPUT, OUTPUT };

static int tensor_named(const struct net *net, enum direction direction, size_t index,
                        const char *name, bool *ret_same, struct error *err)
{
    const struct ort_api *api = net->library->api;
    OrtAllocator *allocator = net->library->allocator;
    char *text = NULL;
    OrtStatus *failed = direction == INPUT
                            ? api->SessionGetInputName(net->session, index, allocator, &text)
                            : api->SessionGetOutputName(net->session, index, allocator, &text);
    int status = translate(net->library, failed, err, "name a tensor");
    if (status < 0)
        return status;
    *ret_same = strcmp(text, name) == 0;
    return translate(net->library, api->AllocatorFree(allocator, text), err, "free memory");
}

/* As the file states it. */
static int describe(const struct net *net, enum direction direction, size_t index, int *ret_type,
                    struct net_shape *ret_shape, struct error *err)
{
    const struct ort_api *api = net->library->api;
    OrtTypeInfo *type = NULL;
    const OrtTensorTypeAndShapeInfo *info = NULL;
    OrtStatus *failed = direction == INPUT
                            ? api->SessionGetInputTypeInfo(net->session, index, &type)
                            : api->SessionGetOutputTypeInfo(net->session, index, &type);
    int status = translate(net->library, failed, err, "describe a tensor");
    if (status < 0)
        return status;
    status = translate(net->library, api->CastTypeInfoToTensorInfo(type, &info), err,
                       "describe a tensor");
    *ret_type = 0; /* what is no tensor has none */
    if (status == 0 && info)
        status = read_shape(net, info, ret_type, ret_shape, err);
    api->ReleaseTypeInfo(type);
    return status;
}

static int tensor_count(const struct net *net, enum direction direction, size_t *ret_count,
                        struct error *err)
{
    const struct ort_api *api = net->library->api;
    OrtStatus *failed = direction == INPUT ? api->SessionGetInputCount(net->session, ret_count)
                                           : api->SessionGetOutputCount(net->session, ret_count);
    return translate(net->library, failed, err, "count tensors");
}

/* The tensor of this name, which must be of floats. */
static int find_tensor(const struct net *net, enum direction direction, size_t count,
                       const char *name, struct net_shape *ret_shape, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        bool same;
        int element;
        struct net_shape shape = {0};
        int status = tensor_named(net, direction, i, name, &same, err);
        if (status < 0)
            return status;
        if (!same)
            continue;
        status = describe(net, direction, i, &element, &shape, err);
        if (status == 0 && element != ORT_TYPE_FLOAT)
            status = error_set(err, STATUS_INVALID,
                               "the network's tensor '%s' has another type than stated", name);
        if (status == 0)
            *ret_shape = shape;
        return status;
    }
    return error_set(err, STATUS_INVALID, "the network has no %s '%s'",
                     direction == INPUT ? "input" : "output", name);
}

static int check_tensor(const struct net *net, enum direction direction, size_t count,
                        const char *name, const struct net_shape *wanted, struct error *err)
{
    struct net_shape shape;
    int status = find_tensor(net, direction, count, name, &shape, err);
    if (status == 0 && !shape_fits(&shape, wanted))
        status = error_set(err, STATUS_INVALID,
                           "the network's tensor '%s' has another shape than stated", name);
    return status;
}

int net_output_shape(const struct net *net, const char *output, struct net_shape *ret_shape,
                     struct error *err)
{
    size_t outputs;
    int status = tensor_count(net, OUTPUT, &outputs, err);
    return status < 0 ? status : find_tensor(net, OUTPUT, outputs, output, ret_shape, err);
}

int net_check(const struct net *net, const char *input, const struct net_shape *input_shape,
              const char *output, const struct net_shape *output_shape, struct error *err)
{
    size_t inputs, outputs;
    int status = tensor_count(net, INPUT, &inputs, err);
    if (status == 0)
        status = tensor_count(net, OUTPUT, &outputs, err);
    if (status < 0)
        return status;
    if (inputs != 1)
        return error_set(err, STATUS_INVALID, "the network has %zu inputs instead of one", inputs);
    status = check_tensor(net, INPUT, inputs, input, input_shape, err);
    if (status == 0)
        status = check_tensor(net, OUTPUT, outputs, output, output_shape, err);
    return status;
}

size_t net_shape_count(const struct net_shape *shape)
{
    size_t count = 1;
    for (int i = 0; i < shape->rank; i++) {
        if (shape->sides[i] < 1 || (uint64_t)shape->sides[i] > (1u << 31) / count)
            return 0;
        count *= (size_t)shape->sides[i];
    }
    return count;
}

/* ---- running ---- */

enum { TENSORS_MAX = 8 };

/* Copy what the network answered into the room that the caller made. */
static int take_output(const struct net *net, OrtValue *value, struct net_tensor *output,
                       struct error *err)
{
    const struct ort_api *api = net->library->api;
    OrtTensorTypeAndShapeInfo *info = NULL;
    struct net_shape shape = {0};
    int is_tensor = 0, element = 0;
    void *data = NULL;
    int status = translate(net->library, api->IsTensor(value, &is_tensor), err,
                           "describe an output");
    if (status == 0 && !is_tensor)
        status = error_set(err, STATUS_INVALID, "the network's output '%s' is no tensor",
                           output->name);
    if (status == 0)
        status = translate(net->library, api->GetTensorTypeAndShape(value, &info), err,
                           "describe an output");
    if (status < 0)
        return status;
    status = read_shape(net, info, &element, &shape, err);
    api->ReleaseTensorTypeAndShapeInfo(info);
    if (status < 0)
        return status;
    if (element != ORT_TYPE_FLOAT || shape.rank != output->shape.rank ||
        memcmp(shape.sides, output->shape.sides, (size_t)shape.rank * sizeof *shape.sides) != 0)
        return error_set(err, STATUS_INVALID,
                         "the network's output '%s' came with another type or shape",
                         output->name);
    status = translate(net->library, api->GetTensorMutableData(value, &data), err,
                       "show an output");
    if (status == 0)
        memcpy(output->values, data, net_shape_count(&shape) * sizeof(float));
    return status;
}

static int wrap_input(const struct net *net, const struct net_tensor *input, OrtValue **ret_value,
                      struct error *err)
{
    size_t count = net_shape_count(&input->shape);
    if (count == 0)
        return error_set(err, STATUS_INVALID, "input '%s' has an empty or too large shape",
                         input->name);
    return translate(net->library,
                     net->library->api->CreateTensorWithDataAsOrtValue(
                         net->library->memory, input->values, count * sizeof(float),
                         input->shape.sides, (size_t)input->shape.rank, ORT_TYPE_FLOAT, ret_value),
                     err, "take an input");
}

int net_run(const struct net *net, const struct net_tensor *inputs, size_t input_count,
            struct net_tensor *outputs, size_t output_count, struct error *err)
{
    const struct ort_api *api = net->library->api;
    OrtValue *in[TENSORS_MAX] = {0}, *out[TENSORS_MAX] = {0};
    const char *in_names[TENSORS_MAX] = {0}, *out_names[TENSORS_MAX] = {0};
    int status = 0;
    if (input_count > TENSORS_MAX || output_count > TENSORS_MAX)
        return error_set(err, STATUS_LIMIT, "more than %d tensors", TENSORS_MAX);
    for (size_t i = 0; i < input_count && status == 0; i++) {
        in_names[i] = inputs[i].name;
        status = wrap_input(net, &inputs[i], &in[i], err);
    }
    for (size_t i = 0; i < output_count; i++)
        out_names[i] = outputs[i].name;
    if (status == 0)
        status = translate(net->library,
                           api->Run(net->session, NULL, in_names, (const OrtValue *const *)in,
                                    input_count, out_names, output_count, out),
                           err, "run the network");
    for (size_t i = 0; i < output_count && status == 0; i++)
        status = take_output(net, out[i], &outputs[i], err);
    for (size_t i = 0; i < TENSORS_MAX; i++) {
        if (in[i])
            api->ReleaseValue(in[i]);
        if (out[i])
            api->ReleaseValue(out[i]);
    }
    return status;
}
