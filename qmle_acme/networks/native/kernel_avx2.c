// The arg max on processors with AVX2 and FMA: nearly all since 2015.

#include "system.h"

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define LANES 8
#include "kernel.h"

int maximize_avx2(const Network *network, const Request *request, int threads) {
  return maximize(network, request, threads);
}
#pragma clang attribute pop
