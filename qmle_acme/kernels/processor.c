// Which kernels suit this processor.

#include <cpuid.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

// Whether the user wants no more than AVX2.
static int at_most_avx2(void) {
  const char *most = getenv("QMLE_MAX_CPU_ISA");
  return most && !strcmp(most, "AVX2");
}

const Kernels *choose_kernels(void) {
  unsigned a, b, c, d, saved_low, saved_high;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) || !(c & bit_FMA))
    return NULL;
  __asm__("xgetbv" : "=a"(saved_low), "=d"(saved_high) : "c"(0));
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return NULL;
  const unsigned wide = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
  if ((saved_low & 0xe6) == 0xe6 && (b & wide) == wide && (c & bit_AVX512VNNI) &&
      !at_most_avx2())
    return &kernels_avx512;
  return (saved_low & 0x6) == 0x6 && (b & bit_AVX2) ? &kernels_avx2 : NULL;
}
