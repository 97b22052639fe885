// The kernels on processors that have AVX-512 and multiply tiles of integers besides (AMX):
// Intel's servers since 2023. All results are those of AVX-512, to the bit.

#include "system.h"

#define TARGET                                                                         \
  "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma,amx-tile,amx-int8,"               \
  "tune=icelake-server"
#pragma clang attribute push(__attribute__((target(TARGET))), apply_to = function)
#define LANES 16
#define HAS_TILES
#include "argmax.h"
#include "random.h"

const Kernels kernels_amx = {.maximize = maximize, .fill_uniform = fill_uniform};
#pragma clang attribute pop
