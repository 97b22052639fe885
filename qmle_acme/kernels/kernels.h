// What the operations ask of the kernels, which exist for each width of vectors.
// B states, N candidates of each, A action dimensions, the last D of which are digits that
// the network reads, C what it reads of an action beside them, H width. Matrices lie row by
// row.

#ifndef QMLE_KERNELS_H_
#define QMLE_KERNELS_H_

#include <stdint.h>

enum { WIDTH_MULTIPLE = 16 };  // Of H, for the widest vectors.

typedef struct {
  int inputs, digits, width;      // C, D, H
  const int32_t *digit_counts;    // [D], how many values each digit has
  const float *encoder_w;         // [C + the sum of those, H]
  const float *encoder_b, *encoder_scale, *encoder_offset;  // [H]
  const float *inner_w;  // [H, 2H], the action's half
  const float *outer_w;  // [2H, 2H]
  const float *outer_b, *norm_scale, *norm_offset;  // [2H]
  const float *output_w, *output_b;               // [2H], [1]
} Network;

typedef struct {
  int states, candidates, size;  // B, N, A
  const float *embeddings;       // [B, H]
  const float *state_hidden;     // [B, 2H], the observation's half of the first layer
  const float *actions;          // [B, N, A]; equal ones have equal inputs
  const float *inputs;           // [B, N, C]
  int32_t *best;  // [B], the best candidate of each state, the first of equals
  float *values;  // [B], its value
} Request;

typedef struct {
  // Takes the arg max. Returns 0, or -1 when there is no memory.
  int (*maximize)(const Network *network, const Request *request, int threads);
  // Writes `count` numbers from [0, 1), a function of key and stream.
  void (*fill_uniform)(uint64_t key, uint64_t stream, int64_t count, float *out);
} Kernels;

extern const Kernels kernels_avx2, kernels_avx512, kernels_amx;

// Returns the kernels for this processor, as far as the system saves its registers; NULL
// if there are none. QMLE_MAX_CPU_ISA in the environment, AVX2 or AVX512, is the most.
const Kernels *choose_kernels(void);

#endif  // QMLE_KERNELS_H_
