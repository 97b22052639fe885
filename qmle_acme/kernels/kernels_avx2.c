// The kernels on processors with AVX2 and FMA: nearly all since 2015.

#include "system.h"

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define LANES 8
#include "argmax.h"
#include "random.h"

const Kernels kernels_avx2 = {.maximize = maximize, .fill_uniform = fill_uniform};
#pragma clang attribute pop
