// The kernels on processors with AVX-512 and its integer dot products. The tuning keeps
// the compiler from taking those apart again.

#include "system.h"

#define TARGET "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma,tune=icelake-server"
#pragma clang attribute push(__attribute__((target(TARGET))), apply_to = function)
#define LANES 16
#include "argmax.h"
#include "random.h"

const Kernels kernels_avx512 = {.maximize = maximize, .fill_uniform = fill_uniform};
#pragma clang attribute pop
