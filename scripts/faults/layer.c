// A Vulkan layer that makes calls fail, like a driver that loses its device or runs out of memory. It needs no Vulkan
// headers, since it does not inspect what it passes on. `scripts/device_faults.sh` compiles and uses it.
//
// FAULT_CALL   the function, without its `vk`: QueueSubmit, AllocateMemory, ... (the list is in `OURS`)
// FAULT_N      number of the call that fails, from 1
// FAULT_ERROR  the VkResult: -4 lost (as without it), -2 no memory on the device, -1 none on the host
// FAULT_LOST   set: from then on every function here returns "lost", until a device is opened again
// FAULT_AFTER  set: all later calls fail too, also on new devices
// FAULT_COUNT  file that receives a line for each call, with its name; without FAULT_CALL nothing fails
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*Any)(void);
typedef Any (*Get)(void *, const char *);
typedef uint64_t Handle;
enum { LINK = 0, INSTANCE_INFO = 47, DEVICE_INFO = 48, LOST = -4 };

typedef struct Links {
    struct Links *next;
    Get instance, other;
} Links;
// Header of every structure that extends another; the loader adds one with the next layer to the chain.
typedef struct Chain {
    int32_t type;
    struct Chain *next;
    int32_t function;
    Links *links;
} Chain;
typedef struct {
    int32_t type;
    void *next;
    uint32_t version;
    Get instance, device, physical;
} Negotiation;

static Get next_instance, next_device;
static void *instance;
static int calls, lost;

static int fault(const char *name) {
    const char *wanted = getenv("FAULT_CALL"), *number = getenv("FAULT_N"), *error = getenv("FAULT_ERROR");
    const char *counted = getenv("FAULT_COUNT");
    if (counted) {
        FILE *file = fopen(counted, "a");
        if (file) {
            fprintf(file, "%s\n", name);
            fclose(file);
        }
    }
    if (lost) return LOST;
    if (!wanted || strcmp(wanted, name)) return 0;
    int at = number ? atoi(number) : 1, call = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
    if (call != at && !(call > at && getenv("FAULT_AFTER"))) return 0;
    lost = getenv("FAULT_LOST") != NULL;
    return error ? atoi(error) : LOST;
}

// Name, parameters, and arguments passed on.
#define OURS(F) \
    F(QueueSubmit, (void *q, uint32_t n, void *s, Handle f), (q, n, s, f)) \
    F(QueueSubmit2, (void *q, uint32_t n, void *s, Handle f), (q, n, s, f)) \
    F(AllocateMemory, (void *d, void *i, void *a, void *m), (d, i, a, m)) \
    F(WaitSemaphores, (void *d, void *i, uint64_t t), (d, i, t)) \
    F(GetSemaphoreCounterValue, (void *d, Handle s, void *v), (d, s, v)) \
    F(WaitForFences, (void *d, uint32_t n, void *f, uint32_t all, uint64_t t), (d, n, f, all, t)) \
    F(GetFenceStatus, (void *d, Handle f), (d, f)) \
    F(CreateComputePipelines, (void *d, Handle c, uint32_t n, void *i, void *a, void *p), (d, c, n, i, a, p)) \
    F(CreateShaderModule, (void *d, void *i, void *a, void *m), (d, i, a, m)) \
    F(MapMemory, (void *d, Handle m, uint64_t at, uint64_t size, uint32_t f, void **p), (d, m, at, size, f, p)) \
    F(CreateBuffer, (void *d, void *i, void *a, void *b), (d, i, a, b)) \
    F(BindBufferMemory, (void *d, Handle b, Handle m, uint64_t at), (d, b, m, at)) \
    F(CreateCommandPool, (void *d, void *i, void *a, void *p), (d, i, a, p)) \
    F(AllocateCommandBuffers, (void *d, void *i, void *c), (d, i, c)) \
    F(BeginCommandBuffer, (void *c, void *i), (c, i)) \
    F(EndCommandBuffer, (void *c), (c)) \
    F(CreateDescriptorPool, (void *d, void *i, void *a, void *p), (d, i, a, p)) \
    F(AllocateDescriptorSets, (void *d, void *i, void *s), (d, i, s)) \
    F(CreateDescriptorSetLayout, (void *d, void *i, void *a, void *l), (d, i, a, l)) \
    F(CreatePipelineLayout, (void *d, void *i, void *a, void *l), (d, i, a, l)) \
    F(DeviceWaitIdle, (void *d), (d))

#define DEFINE(name, parameters, values) \
    static int(*next_##name) parameters; \
    static int name parameters { \
        int error = fault(#name); \
        return error ? error : next_##name values; \
    }
OURS(DEFINE)

static Chain *link_of(const Chain *info, int type) {
    Chain *chain = info->next;
    while (chain && !(chain->type == type && chain->function == LINK)) chain = chain->next;
    return chain;
}

static int CreateDevice(void *physical, Chain *info, void *allocator, void **device) {
    int error = fault("CreateDevice");
    if (error && !lost) return error;
    Chain *chain = link_of(info, DEVICE_INFO);
    if (!chain) return -3;
    Get get = chain->links->instance;
    next_device = chain->links->other;
    chain->links = chain->links->next;
    int (*next)(void *, Chain *, void *, void **) =
        (int (*)(void *, Chain *, void *, void **))get(instance, "vkCreateDevice");
    error = next(physical, info, allocator, device);
    if (error) return error;
    lost = 0;
#define FIND(name, parameters, values) \
    next_##name = (int(*) parameters)next_device(*device, "vk" #name); \
    if (!next_##name) next_##name = (int(*) parameters)next_device(*device, "vk" #name "KHR");
    OURS(FIND)
    return 0;
}

static int CreateInstance(Chain *info, void *allocator, void **made) {
    Chain *chain = link_of(info, INSTANCE_INFO);
    if (!chain) return -3;
    next_instance = chain->links->instance;
    chain->links = chain->links->next;
    int (*next)(Chain *, void *, void **) = (int (*)(Chain *, void *, void **))next_instance(NULL, "vkCreateInstance");
    int error = next(info, allocator, made);
    if (!error) instance = *made;
    return error;
}

static Any ours(const char *name) {
#define NAMED(function, parameters, values) \
    if (!strcmp(name, "vk" #function) || !strcmp(name, "vk" #function "KHR")) return (Any)function;
    OURS(NAMED)
    return NULL;
}

static Any device_function(void *device, const char *name) {
    if (!strcmp(name, "vkGetDeviceProcAddr")) return (Any)device_function;
    Any next = next_device(device, name), mine = ours(name);
    return mine && next ? mine : next;
}

static Any instance_function(void *of, const char *name) {
    if (!strcmp(name, "vkCreateInstance")) return (Any)CreateInstance;
    if (!strcmp(name, "vkCreateDevice")) return (Any)CreateDevice;
    if (!strcmp(name, "vkGetInstanceProcAddr")) return (Any)instance_function;
    if (!strcmp(name, "vkGetDeviceProcAddr")) return (Any)device_function;
    Any next = next_instance ? next_instance(of, name) : NULL, mine = ours(name);
    return mine && next ? mine : next;
}

__attribute__((visibility("default"))) int faults_negotiate(Negotiation *with) {
    with->version = 2;
    with->instance = instance_function;
    with->device = device_function;
    with->physical = NULL;
    return 0;
}
