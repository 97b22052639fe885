// What `op.c` asks of the kernels. B states, N candidates of each, A' size of an encoded
// action, H width; matrices lie row by row.

#ifndef QMLE_SCORING_H_
#define QMLE_SCORING_H_

#include <stdint.h>

enum { WIDTH_MULTIPLE = 16 };  // Of H, for the widest vectors.

typedef struct {
  int inputs, width;       // A', H
  const float *encoder_w;  // [A', H]
  const float *encoder_b, *encoder_scale, *encoder_offset;  // [H]
  const float *inner_w;                           // [H, 2H], the action's half
  const float *outer_w;                           // [2H, 2H]
  const float *outer_b, *norm_scale, *norm_offset;  // [2H]
  const float *output_w, *output_b;               // [2H], [1]
} Network;

typedef struct {
  int states, candidates;     // B, N
  const float *embeddings;    // [B, H]
  const float *state_hidden;  // [B, 2H], the observation's half of the first layer
  const float *actions;       // [B, N, A']
  int32_t *best;              // [B], the best candidate of each state, the first of equals
  float *values;              // [B], its value
} Request;

// Returns 0, or -1 when there is no memory.
typedef int Maximize(const Network *network, const Request *request, int threads);

Maximize maximize_avx2, maximize_avx512;

#endif  // QMLE_SCORING_H_
