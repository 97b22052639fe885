// Uniform random numbers: Philox 4x32-10 (Salmon et al., Parallel random numbers: as easy
// as 1, 2, 3, 2011), several counters side by side.
//
// A file that includes this one has included system.h, and set LANES and the target.

#include "vectors.h"

typedef uint32_t Words __attribute__((vector_size(4 * LANES)));
typedef uint64_t Products __attribute__((vector_size(8 * LANES)));

// Both halves of x times a constant.
static inline void multiply_wide(Words x, uint32_t constant, Words *high, Words *low) {
  const Products product = __builtin_convertvector(x, Products) * (uint64_t)constant;
  *high = __builtin_convertvector(product >> 32, Words);
  *low = __builtin_convertvector(product, Words);
}

// The four words of blocks `first` to `first` + LANES - 1.
static inline void philox(uint64_t first, uint64_t key, uint64_t stream, Words c[4]) {
  for (int i = 0; i < LANES; ++i) {
    c[0][i] = (uint32_t)(first + i);
    c[1][i] = (uint32_t)((first + i) >> 32);
  }
  c[2] = (Words){0} + (uint32_t)stream;
  c[3] = (Words){0} + (uint32_t)(stream >> 32);
  uint32_t low_key = (uint32_t)key, high_key = (uint32_t)(key >> 32);
  for (int round = 0; round < 10; ++round) {
    Words high0, low0, high1, low1;
    multiply_wide(c[0], 0xd2511f53u, &high0, &low0);
    multiply_wide(c[2], 0xcd9e8d57u, &high1, &low1);
    c[0] = high1 ^ c[1] ^ low_key;
    c[2] = high0 ^ c[3] ^ high_key;
    c[1] = low1;
    c[3] = low0;
    low_key += 0x9e3779b9u;
    high_key += 0xbb67ae85u;
  }
}

// Writes `count` numbers from [0, 1): of (count + 3) / 4 blocks all first words, then all
// second ones, and so on. The same on every processor.
static void fill_uniform(uint64_t key, uint64_t stream, int64_t count, float *out) {
  const int64_t blocks = (count + 3) / 4;
  for (int64_t b = 0; b < blocks; b += LANES) {
    Words words[4];
    philox(b, key, stream, words);
    for (int w = 0; w < 4; ++w) {
      const Floats numbers = to_floats((Ints)(words[w] >> 8)) * 0x1p-24f;
      const int64_t begin = w * blocks + b;
      int64_t end = begin + (blocks - b < LANES ? blocks - b : LANES);
      if (end > count) end = count;
      if (end > begin) memcpy(out + begin, &numbers, sizeof(float) * (end - begin));
    }
  }
}
