/* The part of ONNX Runtime's C interface that net.c calls. The runtime hands out a table of
 * function pointers that only ever grows at its end (onnxruntime_c_api.h, version 1 has 102
 * entries and is frozen), so the leading entries in order are enough. Names are the runtime's
 * own; entries that are not called are ort_entry. Enumerations are passed as int, which is what
 * they are in the C ABI. */
#ifndef AXNODE_MODEL_NET_ONNXRUNTIME_H
#define AXNODE_MODEL_NET_ONNXRUNTIME_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ORT_API_VERSION = 11, /* the oldest runtime accepted is 1.11 */
    ORT_LOG_FATAL = 4,
    ORT_SEQUENTIAL = 0,
    ORT_TYPE_FLOAT = 1,       /* tensor element */
    ORT_DEVICE_ALLOCATOR = 0, /* not an arena */
    ORT_MEMORY_DEFAULT = 0,
};
enum { /* OrtErrorCode */
    ORT_FAIL = 1,
    ORT_INVALID_ARGUMENT,
    ORT_NO_SUCH_FILE,
    ORT_NO_MODEL,
    ORT_ENGINE_ERROR,
    ORT_RUNTIME_EXCEPTION,
    ORT_INVALID_PROTOBUF,
    ORT_MODEL_LOADED,
    ORT_NOT_IMPLEMENTED,
    ORT_INVALID_GRAPH,
};

typedef struct OrtStatus OrtStatus;
typedef struct OrtEnv OrtEnv;
typedef struct OrtSession OrtSession;
typedef struct OrtSessionOptions OrtSessionOptions;
typedef struct OrtRunOptions OrtRunOptions;
typedef struct OrtValue OrtValue;
typedef struct OrtMemoryInfo OrtMemoryInfo;
typedef struct OrtAllocator OrtAllocator;
typedef struct OrtTypeInfo OrtTypeInfo;
typedef struct OrtTensorTypeAndShapeInfo OrtTensorTypeAndShapeInfo;
typedef void (*ort_entry)(void);

/* A returned OrtStatus is NULL on success, else the caller releases it. */
struct ort_api {
    ort_entry CreateStatus;
    int (*GetErrorCode)(const OrtStatus *);
    const char *(*GetErrorMessage)(const OrtStatus *);
    OrtStatus *(*CreateEnv)(int log_level, const char *log_id, OrtEnv **);
    ort_entry CreateEnvWithCustomLogger;
    ort_entry EnableTelemetryEvents;
    ort_entry DisableTelemetryEvents;
    ort_entry CreateSession;
    OrtStatus *(*CreateSessionFromArray)(const OrtEnv *, const void *bytes, size_t size,
                                         const OrtSessionOptions *, OrtSession **);
    OrtStatus *(*Run)(OrtSession *, const OrtRunOptions *, const char *const *input_names,
                      const OrtValue *const *inputs, size_t input_count,
                      const char *const *output_names, size_t output_count, OrtValue **outputs);
    OrtStatus *(*CreateSessionOptions)(OrtSessionOptions **);
    ort_entry SetOptimizedModelFilePath;
    ort_entry CloneSessionOptions;
    OrtStatus *(*SetSessionExecutionMode)(OrtSessionOptions *, int mode);
    ort_entry EnableProfiling;
    ort_entry DisableProfiling;
    ort_entry EnableMemPattern;
    ort_entry DisableMemPattern;
    ort_entry EnableCpuMemArena;
    OrtStatus *(*DisableCpuMemArena)(OrtSessionOptions *);
    ort_entry SetSessionLogId;
    ort_entry SetSessionLogVerbosityLevel;
    OrtStatus *(*SetSessionLogSeverityLevel)(OrtSessionOptions *, int level);
    ort_entry SetSessionGraphOptimizationLevel;
    OrtStatus *(*SetIntraOpNumThreads)(OrtSessionOptions *, int threads);
    OrtStatus *(*SetInterOpNumThreads)(OrtSessionOptions *, int threads);
    ort_entry CreateCustomOpDomain;
    ort_entry CustomOpDomain_Add;
    ort_entry AddCustomOpDomain;
    ort_entry RegisterCustomOpsLibrary;
    OrtStatus *(*SessionGetInputCount)(const OrtSession *, size_t *);
    OrtStatus *(*SessionGetOutputCount)(const OrtSession *, size_t *);
    ort_entry SessionGetOverridableInitializerCount;
    OrtStatus *(*SessionGetInputTypeInfo)(const OrtSession *, size_t index, OrtTypeInfo **);
    OrtStatus *(*SessionGetOutputTypeInfo)(const OrtSession *, size_t index, OrtTypeInfo **);
    ort_entry SessionGetOverridableInitializerTypeInfo;
    OrtStatus *(*SessionGetInputName)(const OrtSession *, size_t index, OrtAllocator *, char **);
    OrtStatus *(*SessionGetOutputName)(const OrtSession *, size_t index, OrtAllocator *, char **);
    ort_entry SessionGetOverridableInitializerName;
    ort_entry CreateRunOptions;
    ort_entry RunOptionsSetRunLogVerbosityLevel;
    ort_entry RunOptionsSetRunLogSeverityLevel;
    ort_entry RunOptionsSetRunTag;
    ort_entry RunOptionsGetRunLogVerbosityLevel;
    ort_entry RunOptionsGetRunLogSeverityLevel;
    ort_entry RunOptionsGetRunTag;
    ort_entry RunOptionsSetTerminate;
    ort_entry RunOptionsUnsetTerminate;
    ort_entry CreateTensorAsOrtValue;
    OrtStatus *(*CreateTensorWithDataAsOrtValue)(const OrtMemoryInfo *, void *data,
                                                 size_t data_bytes, const int64_t *shape,
                                                 size_t rank, int element_type, OrtValue **);
    OrtStatus *(*IsTensor)(const OrtValue *, int *);
    OrtStatus *(*GetTensorMutableData)(OrtValue *, void **);
    ort_entry FillStringTensor;
    ort_entry GetStringTensorDataLength;
    ort_entry GetStringTensorContent;
    OrtStatus *(*CastTypeInfoToTensorInfo)(const OrtTypeInfo *,
                                           const OrtTensorTypeAndShapeInfo **);
    ort_entry GetOnnxTypeFromTypeInfo;
    ort_entry CreateTensorTypeAndShapeInfo;
    ort_entry SetTensorElementType;
    ort_entry SetDimensions;
    OrtStatus *(*GetTensorElementType)(const OrtTensorTypeAndShapeInfo *, int *);
    OrtStatus *(*GetDimensionsCount)(const OrtTensorTypeAndShapeInfo *, size_t *);
    OrtStatus *(*GetDimensions)(const OrtTensorTypeAndShapeInfo *, int64_t *, size_t rank);
    ort_entry GetSymbolicDimensions;
    ort_entry GetTensorShapeElementCount;
    OrtStatus *(*GetTensorTypeAndShape)(const OrtValue *, OrtTensorTypeAndShapeInfo **);
    ort_entry GetTypeInfo;
    ort_entry GetValueType;
    ort_entry CreateMemoryInfo;
    OrtStatus *(*CreateCpuMemoryInfo)(int allocator_type, int memory_type, OrtMemoryInfo **);
    ort_entry CompareMemoryInfo;
    ort_entry MemoryInfoGetName;
    ort_entry MemoryInfoGetId;
    ort_entry MemoryInfoGetMemType;
    ort_entry MemoryInfoGetType;
    ort_entry AllocatorAlloc;
    OrtStatus *(*AllocatorFree)(OrtAllocator *, void *);
    ort_entry AllocatorGetInfo;
    OrtStatus *(*GetAllocatorWithDefaultOptions)(OrtAllocator **);
    ort_entry AddFreeDimensionOverride;
    ort_entry GetValue;
    ort_entry GetValueCount;
    ort_entry CreateValue;
    ort_entry CreateOpaqueValue;
    ort_entry GetOpaqueValue;
    ort_entry KernelInfoGetAttribute_float;
    ort_entry KernelInfoGetAttribute_int64;
    ort_entry KernelInfoGetAttribute_string;
    ort_entry KernelContext_GetInputCount;
    ort_entry KernelContext_GetOutputCount;
    ort_entry KernelContext_GetInput;
    ort_entry KernelContext_GetOutput;
    void (*ReleaseEnv)(OrtEnv *);
    void (*ReleaseStatus)(OrtStatus *);
    void (*ReleaseMemoryInfo)(OrtMemoryInfo *);
    void (*ReleaseSession)(OrtSession *);
    void (*ReleaseValue)(OrtValue *);
    ort_entry ReleaseRunOptions;
    void (*ReleaseTypeInfo)(OrtTypeInfo *);
    void (*ReleaseTensorTypeAndShapeInfo)(OrtTensorTypeAndShapeInfo *);
    void (*ReleaseSessionOptions)(OrtSessionOptions *);
    ort_entry ReleaseCustomOpDomain;
};
static_assert(offsetof(struct ort_api, ReleaseCustomOpDomain) == 101 * sizeof(void *),
              "version 1 of the interface has 102 entries");

struct ort_api_base {
    const struct ort_api *(*GetApi)(uint32_t version); /* NULL: the runtime is older */
    const char *(*GetVersionString)(void);
};
/* The library's one symbol, "OrtGetApiBase". */
typedef const struct ort_api_base *(*ort_get_api_base)(void);

#endif
