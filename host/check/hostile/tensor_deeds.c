/* Tensors and buffers whose sizes are none. */
#include "hostile.h"

/* DLPack 1.x, as its specification lays it out. */
struct DLManagedTensorVersioned {
    struct { uint32_t major, minor; } version;
    void *manager_ctx;
    void (*deleter)(struct DLManagedTensorVersioned *self);
    uint64_t flags;
    struct {
        void *data;
        struct { int32_t device_type, device_id; } device;
        int32_t ndim;
        struct { uint8_t code, bits; uint16_t lanes; } dtype;
        int64_t *shape, *strides;
        uint64_t byte_offset;
    } dl_tensor;
};
typedef struct DLManagedTensorVersioned tensor;

static float      numbers[6] = {1, 2, 3, 4, 5, 6};
static atomic_int deleted, freed;

static void count_deleted(tensor *t) {
    (void)t;
    atomic_fetch_add(&deleted, 1);
}
static void count_freed(void *ctx) {
    (void)ctx;
    atomic_fetch_add(&freed, 1);
}

static tensor tensor_of(int64_t *shape, int32_t ndim) {
    tensor t             = {.version = {1, 0}, .deleter = count_deleted};
    t.dl_tensor.data     = numbers;
    t.dl_tensor.ndim     = ndim;
    t.dl_tensor.shape    = shape;
    t.dl_tensor.device.device_type = 1;
    t.dl_tensor.dtype.code         = 2;
    t.dl_tensor.dtype.bits         = 32;
    t.dl_tensor.dtype.lanes        = 1;
    return t;
}

static void expect_no_tensor(hostile *h, tensor *t, const char *what) {
    const int     before = atomic_load(&deleted);
    heddle_value *v      = h->value->make_tensor(h->host, t);
    expect(h, !v && atomic_load(&deleted) == before, what);
    if (v) h->value->release(v);
}

static void makes_bad_tensors(hostile *h, heddle_call *c) {
    int64_t negative[2] = {2, -3}, overflowing[3] = {INT64_MAX, INT64_MAX, 8}, large[2] = {INT64_MAX / 4, 3}, fine[2] = {2, 3};
    tensor  t = tensor_of(negative, 2);
    expect_no_tensor(h, NULL, "a tensor was made of nothing");
    expect_no_tensor(h, &t, "a tensor was made with a negative extent");
    t = tensor_of(overflowing, 3);
    expect_no_tensor(h, &t, "a tensor was made whose size overflows");
    t = tensor_of(large, 2);
    expect_no_tensor(h, &t, "a tensor was made whose bytes overflow");
    t = tensor_of(fine, -1);
    expect_no_tensor(h, &t, "a tensor was made of fewer than no dimensions");
    t = tensor_of(NULL, 2);
    expect_no_tensor(h, &t, "a tensor was made without a shape");
    t               = tensor_of(fine, 2);
    t.version.major = 2;
    expect_no_tensor(h, &t, "a tensor of another major version was taken");
    t                      = tensor_of(fine, 2);
    t.dl_tensor.dtype.bits = 0;
    expect_no_tensor(h, &t, "a tensor was made of elements without a size");
    t                = tensor_of(fine, 2);
    t.dl_tensor.data = NULL;
    expect_no_tensor(h, &t, "a tensor was made without data");

    static tensor empty;
    const int     before = atomic_load(&deleted);
    static int64_t shape[3] = {INT64_MAX, 0, INT64_MAX};
    empty                = tensor_of(shape, 3);
    empty.dl_tensor.data = NULL;
    heddle_value *v      = h->value->make_tensor(h->host, &empty);
    heddle_str    text;
    expect(h, v && h->value->json(v, &text) && text.len > 0, "an empty tensor is none");
    if (v) h->value->release(v);
    expect(h, atomic_load(&deleted) == before + 1, "a tensor was not given back once");
    pass_if_right(h, c);
}

static void expect_no_buffer(hostile *h, heddle_buffer *b, const char *what) {
    expect(h, !b, what);
    if (b) h->value->drop_buffer(b);
}

static void expect_no_bytes(hostile *h, heddle_buffer *b, uint64_t offset, uint64_t size) {
    heddle_value *v = h->value->make_bytes(h->host, b, offset, size);
    expect(h, !v, "bytes were made that are not inside of their buffer");
    if (v) h->value->release(v);
}

static void makes_bad_buffers(hostile *h, heddle_call *c) {
    void       *writable = NULL;
    heddle_view view     = {.struct_size = sizeof view, .fd = -1, .data = numbers, .size = sizeof numbers};
    expect_no_buffer(h, h->value->alloc(h->host, UINT64_MAX / 2, 0, &writable), "more memory than there is was given");
    expect_no_buffer(h, h->value->alloc(h->host, 8, 3, &writable), "memory was aligned to what is no power of two");
    expect_no_buffer(h, h->value->alloc(h->host, 8, 1u << 31, &writable), "memory was aligned to 2 GiB");
    expect_no_bytes(h, NULL, 0, 0);
    view.struct_size = 4;
    expect_no_buffer(h, h->value->wrap(h->host, &view, NULL, NULL), "a view without a size of its own was taken");
    view.struct_size = sizeof view;
    view.data        = NULL;
    expect_no_buffer(h, h->value->wrap(h->host, &view, NULL, NULL), "a view of no memory was taken");
    view.memory = HEDDLE_MEM_FD;
    expect_no_buffer(h, h->value->wrap(h->host, &view, NULL, NULL), "a view of no descriptor was taken");

    const int before    = atomic_load(&freed);
    view.memory         = HEDDLE_MEM_CPU;
    view.data           = numbers;
    heddle_buffer *mine = h->value->wrap(h->host, &view, count_freed, NULL);
    expect_no_bytes(h, mine, sizeof numbers, 1);
    expect_no_bytes(h, mine, UINT64_MAX, 2);
    expect_no_bytes(h, mine, 1, UINT64_MAX);
    heddle_value *empty = h->value->make_bytes(h->host, mine, sizeof numbers, 0);
    expect(h, empty && h->value->length(empty) == 0, "no empty bytes can be made");
    if (empty) h->value->release(empty);
    expect(h, atomic_load(&freed) == before + 1, "a buffer was not given back once");
    h->value->drop_buffer(NULL);
    pass_if_right(h, c);
}

/* Bytes that say that they lie where nobody can read them, and how many. */
static void emits_unreadable_bytes(hostile *h, heddle_call *c) {
    static const heddle_view all[] = {
        {.struct_size = sizeof(heddle_view), .memory = HEDDLE_MEM_FD, .fd = 1000000, .size = 16},
        {.struct_size = sizeof(heddle_view), .memory = HEDDLE_MEM_FD, .fd = 0, .size = UINT64_C(1) << 60},
        {.struct_size = sizeof(heddle_view), .memory = HEDDLE_MEM_FD, .fd = 0, .size = 16, .fd_offset = UINT64_MAX - 4},
        {.struct_size = sizeof(heddle_view), .memory = HEDDLE_MEM_DEVICE, .device = 99, .fd = -1, .data = (const void *)16, .size = 16},
        {.struct_size = sizeof(heddle_view), .memory = 4711, .fd = -1, .data = (const void *)16, .size = 16},
    };
    const heddle_view *one = &all[h->calls % (sizeof all / sizeof *all)];
    heddle_buffer     *b   = h->value->wrap(h->host, one, NULL, NULL);
    heddle_value      *v   = b ? h->value->make_bytes(h->host, b, 0, one->size) : NULL;
    if (b && !v) h->value->drop_buffer(b);
    heddle_str text;
    if (v) h->value->json(v, &text);
    emit_or_release(h, c, 0, v);
    pass_if_right(h, c);
}

const deed tensor_deeds[] = {
    {.name = "makes-bad-tensors", .call = makes_bad_tensors},
    {.name = "makes-bad-buffers", .call = makes_bad_buffers},
    {.name = "emits-unreadable-bytes", .call = emits_unreadable_bytes},
    {.name = NULL},
};
