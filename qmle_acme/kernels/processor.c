// Which kernels suit this processor.

#define _GNU_SOURCE  // For syscall.
#include <cpuid.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernels.h"

typedef enum { AVX2, AVX512, AMX } Level;

// What the user wants at most.
static Level wanted(void) {
  const char *most = getenv("QMLE_MAX_CPU_ISA");
  if (most && !strcmp(most, "AVX2")) return AVX2;
  return most && !strcmp(most, "AVX512") ? AVX512 : AMX;
}

// Asks the system for the registers of tiles, which it gives to a process and its forks.
static int gets_tiles(void) {
  enum { REQUEST = 0x1023, TILE_DATA = 18 };  // ARCH_REQ_XCOMP_PERM, of Linux 5.16
  return !syscall(SYS_arch_prctl, REQUEST, TILE_DATA);
}

const Kernels *choose_kernels(void) {
  unsigned a, b, c, d, saved, saved_high;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) || !(c & bit_FMA))
    return NULL;
  __asm__("xgetbv" : "=a"(saved), "=d"(saved_high) : "c"(0));
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return NULL;
  if ((saved & 0x6) != 0x6 || !(b & bit_AVX2)) return NULL;
  const Level most = wanted();
  const unsigned wide = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
  if (most < AVX512 || (saved & 0xe6) != 0xe6 || (b & wide) != wide ||
      !(c & bit_AVX512VNNI))
    return &kernels_avx2;
  const unsigned tiles = bit_AMXTILE | bit_AMXINT8;
  if (most < AMX || (saved & 0x60000) != 0x60000 || (d & tiles) != tiles ||
      !gets_tiles())
    return &kernels_avx512;
  return &kernels_amx;
}
