// The TensorFlow operation QmleUniform: random numbers from [0, 1), a function of a seed.

#include "kernels.h"
#include "operation.h"

static const char *const kName = "QmleUniform";

enum { COUNT, SEED, NUM_INPUTS };

static void *create(TF_OpKernelConstruction *context) {
  const Kernels *kernels = choose_kernels();
  if (!kernels) {
    TF_Status *status = TF_NewStatus();
    TF_SetStatus(status, TF_UNIMPLEMENTED,
                 "random numbers need a processor with AVX2 and FMA; this one has not both");
    TF_OpKernelConstruction_Failure(context, status);
    TF_DeleteStatus(status);
  }
  return (void *)kernels;
}

static void run(const Kernels *kernels, TF_Tensor *const *inputs,
                TF_OpKernelContext *context, TF_Status *status) {
  if (TF_TensorElementCount(inputs[COUNT]) != 1 ||
      TF_TensorElementCount(inputs[SEED]) != 2) {
    TF_SetStatus(status, TF_INVALID_ARGUMENT, "count must be one number, seed two");
    return;
  }
  const int64_t count = *(const int64_t *)TF_TensorData(inputs[COUNT]);
  const uint64_t *seed = TF_TensorData(inputs[SEED]);
  if (count < 0) {
    TF_SetStatus(status, TF_INVALID_ARGUMENT, "count must not be negative");
    return;
  }
  TF_Tensor *numbers = TF_AllocateOutput(context, 0, TF_FLOAT, &count, 1,
                                         count * sizeof(float), status);
  if (TF_GetCode(status) != TF_OK) return;
  kernels->fill_uniform(seed[0], seed[1], count, TF_TensorData(numbers));
  TF_DeleteTensor(numbers);
}

static void compute(void *kernels, TF_OpKernelContext *context) {
  TF_Status *status = TF_NewStatus();
  TF_Tensor *inputs[NUM_INPUTS] = {NULL};
  for (int i = 0; i < NUM_INPUTS && TF_GetCode(status) == TF_OK; ++i)
    TF_GetInput(context, i, &inputs[i], status);
  if (TF_GetCode(status) == TF_OK) run(kernels, inputs, context, status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelContext_Failure(context, status);
  for (int i = 0; i < NUM_INPUTS; ++i)
    if (inputs[i]) TF_DeleteTensor(inputs[i]);
  TF_DeleteStatus(status);
}

static void delete(void *kernels) { (void)kernels; }

static void infer_shape(TF_ShapeInferenceContext *context, TF_Status *status) {
  TF_ShapeHandle *numbers = TF_ShapeInferenceContextVectorFromSize(context, -1);
  TF_ShapeInferenceContextSetOutput(context, 0, numbers, status);
  TF_DeleteShapeHandle(numbers);
}

// Runs when TensorFlow loads this library.
__attribute__((constructor)) static void register_uniform(void) {
  TF_OpDefinitionBuilder *op = TF_NewOpDefinitionBuilder(kName);
  TF_OpDefinitionBuilderAddInput(op, "count: int64");
  TF_OpDefinitionBuilderAddInput(op, "seed: int64");
  TF_OpDefinitionBuilderAddOutput(op, "numbers: float");
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, infer_shape);
  register_operation(kName, op, create, compute, delete);
}
