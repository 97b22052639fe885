// The TensorFlow operation QmleArgmax: checks its inputs and hands them to the kernel.

#include <stdlib.h>

#include "kernels.h"
#include "operation.h"

static const char *const kName = "QmleArgmax";

// The inputs, in their order.
enum {
  EMBEDDINGS, STATE_HIDDEN, ACTIONS, INPUTS,
  ENCODER_W, ENCODER_B, ENCODER_SCALE, ENCODER_OFFSET,
  INNER_W, OUTER_W, OUTER_B, NORM_SCALE, NORM_OFFSET, OUTPUT_W, OUTPUT_B,
  NUM_INPUTS
};
static const char *const kInputs[NUM_INPUTS] = {
    "embeddings: float", "state_hidden: float", "actions: float", "inputs: float",
    "encoder_w: float", "encoder_b: float", "encoder_scale: float",
    "encoder_offset: float", "inner_w: float", "outer_w: float", "outer_b: float",
    "norm_scale: float", "norm_offset: float", "output_w: float", "output_b: float"};

// The outputs, in their order.
enum { BEST, VALUE, NUM_OUTPUTS };
static const char *const kOutputs[NUM_OUTPUTS] = {"best: int32", "value: float"};
static const TF_DataType kOutputTypes[NUM_OUTPUTS] = {TF_INT32, TF_FLOAT};

typedef struct {
  const Kernels *kernels;
  int threads;
  int digits;             // D
  int32_t *digit_counts;  // [D]
  int64_t one_hot;        // their sum, the size of all digits as the network sees them
} Kernel;

static void read_digits(TF_OpKernelConstruction *context, Kernel *kernel,
                        TF_Status *status) {
  int total;
  TF_OpKernelConstruction_GetAttrSize(context, "digits", &kernel->digits, &total, status);
  if (TF_GetCode(status) != TF_OK) return;
  kernel->digit_counts = calloc(kernel->digits + 1, sizeof *kernel->digit_counts);
  if (!kernel->digit_counts) {
    TF_SetStatus(status, TF_RESOURCE_EXHAUSTED, "no memory for the counts of digits");
    return;
  }
  TF_OpKernelConstruction_GetAttrInt32List(context, "digits", kernel->digit_counts,
                                           kernel->digits, status);
  for (int i = 0; i < kernel->digits; ++i) {
    if (kernel->digit_counts[i] < 1)
      TF_SetStatus(status, TF_INVALID_ARGUMENT, "a digit has no values");
    kernel->one_hot += kernel->digit_counts[i];
  }
}

static void *create(TF_OpKernelConstruction *context) {
  TF_Status *status = TF_NewStatus();
  Kernel *kernel = calloc(1, sizeof *kernel);
  kernel->kernels = choose_kernels();
  TF_OpKernelConstruction_GetAttrInt32(context, "threads", &kernel->threads, status);
  if (TF_GetCode(status) == TF_OK) read_digits(context, kernel, status);
  if (!kernel->kernels)
    TF_SetStatus(status, TF_UNIMPLEMENTED,
                 "the arg max needs a processor with AVX2 and FMA; this one has not both");
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(context, status);
  TF_DeleteStatus(status);
  return kernel;
}

static void delete(void *argument) {
  Kernel *kernel = argument;
  free(kernel->digit_counts);
  free(kernel);
}

// Sees to it that every input has the size that the shapes of three of them and the digits
// imply.
static void check(const Kernel *kernel, TF_Tensor *const *inputs, TF_Status *status) {
  if (TF_NumDims(inputs[EMBEDDINGS]) != 2 || TF_NumDims(inputs[ACTIONS]) != 3 ||
      TF_NumDims(inputs[INPUTS]) != 3) {
    TF_SetStatus(status, TF_INVALID_ARGUMENT,
                 "embeddings must be [B, H], actions [B, N, A] and inputs [B, N, C]");
    return;
  }
  const int64_t batch = TF_Dim(inputs[ACTIONS], 0), count = TF_Dim(inputs[ACTIONS], 1);
  const int64_t size = TF_Dim(inputs[ACTIONS], 2), h = TF_Dim(inputs[EMBEDDINGS], 1);
  const int64_t read = TF_Dim(inputs[INPUTS], 2), encoded = read + kernel->one_hot;
  const int64_t expected[NUM_INPUTS] = {
      batch * h, batch * 2 * h, batch * count * size, batch * count * read,
      encoded * h, h, h, h, h * 2 * h, 2 * h * 2 * h, 2 * h, 2 * h, 2 * h, 2 * h, 1};
  if (h < 1 || h % WIDTH_MULTIPLE) {
    TF_SetStatus(status, TF_INVALID_ARGUMENT, "the width H must be a multiple of 16");
    return;
  }
  if (!count) {
    TF_SetStatus(status, TF_INVALID_ARGUMENT, "there are no candidates");
    return;
  }
  if (size < kernel->digits) {
    TF_SetStatus(status, TF_INVALID_ARGUMENT, "there are more digits than dimensions");
    return;
  }
  for (int i = 0; i < NUM_INPUTS; ++i)
    if (TF_TensorElementCount(inputs[i]) != expected[i]) {
      char message[128];
      snprintf(message, sizeof message, "input '%s' has %lld elements, not %lld",
               kInputs[i], (long long)TF_TensorElementCount(inputs[i]),
               (long long)expected[i]);
      TF_SetStatus(status, TF_INVALID_ARGUMENT, message);
      return;
    }
}

static void run(const Kernel *kernel, TF_Tensor *const *inputs,
                TF_Tensor *const *outputs, TF_Status *status) {
  const float *data[NUM_INPUTS];
  for (int i = 0; i < NUM_INPUTS; ++i) data[i] = TF_TensorData(inputs[i]);
  const Network network = {
      .inputs = TF_Dim(inputs[INPUTS], 2),
      .digits = kernel->digits, .digit_counts = kernel->digit_counts,
      .width = TF_Dim(inputs[EMBEDDINGS], 1),
      .encoder_w = data[ENCODER_W], .encoder_b = data[ENCODER_B],
      .encoder_scale = data[ENCODER_SCALE], .encoder_offset = data[ENCODER_OFFSET],
      .inner_w = data[INNER_W], .outer_w = data[OUTER_W], .outer_b = data[OUTER_B],
      .norm_scale = data[NORM_SCALE], .norm_offset = data[NORM_OFFSET],
      .output_w = data[OUTPUT_W], .output_b = data[OUTPUT_B]};
  const Request request = {
      .states = TF_Dim(inputs[ACTIONS], 0), .candidates = TF_Dim(inputs[ACTIONS], 1),
      .size = TF_Dim(inputs[ACTIONS], 2), .embeddings = data[EMBEDDINGS],
      .state_hidden = data[STATE_HIDDEN], .actions = data[ACTIONS],
      .inputs = data[INPUTS], .best = TF_TensorData(outputs[BEST]),
      .values = TF_TensorData(outputs[VALUE])};
  if (kernel->kernels->maximize(&network, &request, kernel->threads))
    TF_SetStatus(status, TF_RESOURCE_EXHAUSTED, "no memory for the arg max");
}

static void compute(void *kernel, TF_OpKernelContext *context) {
  TF_Status *status = TF_NewStatus();
  TF_Tensor *inputs[NUM_INPUTS] = {NULL};
  for (int i = 0; i < NUM_INPUTS && TF_GetCode(status) == TF_OK; ++i)
    TF_GetInput(context, i, &inputs[i], status);
  if (TF_GetCode(status) == TF_OK) check(kernel, inputs, status);
  TF_Tensor *outputs[NUM_OUTPUTS] = {NULL};
  for (int i = 0; i < NUM_OUTPUTS && TF_GetCode(status) == TF_OK; ++i) {
    const int64_t batch = TF_Dim(inputs[ACTIONS], 0);
    outputs[i] = TF_AllocateOutput(context, i, kOutputTypes[i], &batch, 1,
                                   batch * TF_DataTypeSize(kOutputTypes[i]), status);
  }
  if (TF_GetCode(status) == TF_OK) run(kernel, inputs, outputs, status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelContext_Failure(context, status);
  for (int i = 0; i < NUM_INPUTS; ++i)
    if (inputs[i]) TF_DeleteTensor(inputs[i]);
  for (int i = 0; i < NUM_OUTPUTS; ++i)
    if (outputs[i]) TF_DeleteTensor(outputs[i]);
  TF_DeleteStatus(status);
}

// Both outputs are [B], the first dimension of actions [B, N, A].
static void infer_shape(TF_ShapeInferenceContext *context, TF_Status *status) {
  TF_ShapeHandle *actions = TF_NewShapeHandle(), *batch = TF_NewShapeHandle();
  TF_ShapeInferenceContextGetInput(context, ACTIONS, actions, status);
  if (TF_GetCode(status) == TF_OK)
    TF_ShapeInferenceContextSubshape(context, actions, 0, 1, batch, status);
  for (int i = 0; i < NUM_OUTPUTS && TF_GetCode(status) == TF_OK; ++i)
    TF_ShapeInferenceContextSetOutput(context, i, batch, status);
  TF_DeleteShapeHandle(actions);
  TF_DeleteShapeHandle(batch);
}

// Runs when TensorFlow loads this library.
__attribute__((constructor)) static void register_argmax(void) {
  TF_OpDefinitionBuilder *op = TF_NewOpDefinitionBuilder(kName);
  for (int i = 0; i < NUM_INPUTS; ++i) TF_OpDefinitionBuilderAddInput(op, kInputs[i]);
  for (int i = 0; i < NUM_OUTPUTS; ++i) TF_OpDefinitionBuilderAddOutput(op, kOutputs[i]);
  TF_OpDefinitionBuilderAddAttr(op, "digits: list(int)");
  TF_OpDefinitionBuilderAddAttr(op, "threads: int >= 1");
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, infer_shape);
  register_operation(kName, op, create, compute, delete);
}
