// What our TensorFlow operations share. Written against TensorFlow's C interface, which
// asks for no particular C++ library.

#ifndef QMLE_OPERATION_H_
#define QMLE_OPERATION_H_

#include <stdint.h>
#include <stdio.h>

// A constant of the next header belongs to each file in C++, but to all of them in C.
#pragma weak TF_InputRange_Args_STRUCT_SIZE
#include "tensorflow/c/kernels.h"

// In C, the next header takes these names for granted.
typedef struct TF_OpDefinitionBuilder TF_OpDefinitionBuilder;
typedef struct TF_ShapeInferenceContext TF_ShapeInferenceContext;
typedef struct TF_ShapeHandle TF_ShapeHandle;
typedef struct TF_DimensionHandle TF_DimensionHandle;
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_tensor.h"

// Makes an operation and its kernel for the CPU known to TensorFlow, or ends the process.
void register_operation(const char *name, TF_OpDefinitionBuilder *op,
                        void *(*create)(TF_OpKernelConstruction *),
                        void (*compute)(void *, TF_OpKernelContext *),
                        void (*delete)(void *));

#endif  // QMLE_OPERATION_H_
