// Vectors of LANES floats or integers, and the few operations that scoring needs.
//
// Everything but `dot` is the compiler's own vector arithmetic, so that one source
// serves every width: a file that includes this one has set LANES and the target.

#ifndef QMLE_VECTORS_H_
#define QMLE_VECTORS_H_

typedef float Floats __attribute__((vector_size(4 * LANES)));
typedef int32_t Ints __attribute__((vector_size(4 * LANES)));
typedef uint8_t Bytes __attribute__((vector_size(LANES)));
typedef int16_t Halves __attribute__((vector_size(4 * LANES)));
typedef int8_t Quads __attribute__((vector_size(4 * LANES)));

static inline Floats broadcast(float x) { return (Floats){0} + x; }

static inline Floats load(const float *p) {
  Floats x;
  memcpy(&x, p, sizeof x);
  return x;
}

static inline void store(float *p, Floats x) { memcpy(p, &x, sizeof x); }

static inline Floats at_least(Floats x, float bound) {
  return __builtin_elementwise_max(x, broadcast(bound));
}

// The nearest integers; half-way points go to the even one.
static inline Ints to_ints(Floats x) {
  return __builtin_convertvector(__builtin_elementwise_roundeven(x), Ints);
}

static inline Floats to_floats(Ints x) { return __builtin_convertvector(x, Floats); }

static inline float sum(Floats x) {
  float total = 0;
  for (int i = 0; i < LANES; ++i) total += x[i];
  return total;
}

static inline float largest(Floats x) {
  float most = x[0];
  for (int i = 1; i < LANES; ++i) most = x[i] > most ? x[i] : most;
  return most;
}

// Four bytes in every lane.
static inline Quads broadcast_quad(const uint8_t *p) {
  int32_t quad;
  memcpy(&quad, p, sizeof quad);
  return (Quads)((Ints){0} + quad);
}

// Adds to each lane the dot product of its four bytes: those of x from 0 to LEVELS, those
// of y from -127 to 127. With AVX2 two products have to fit into 16 bits.
#if LANES == 16
enum { LEVELS = 255 };
static inline Ints dot(Ints total, Quads x, Quads y) {
  return (Ints)__builtin_ia32_vpdpbusd512(total, x, y);
}
#else
enum { LEVELS = 127 };
static inline Ints dot(Ints total, Quads x, Quads y) {
  const Halves ones = (Halves){0} + 1;
  return total + (Ints)__builtin_ia32_pmaddwd256(__builtin_ia32_pmaddubsw256(x, y), ones);
}
#endif

// exp(x) - 1 for x < 0 and x itself otherwise, with an error below 3e-7.
#define ELU_LOW -1.0f  // No value lies below.
static inline Floats elu(Floats x) {
#pragma clang fp reassociate(off)
  const Floats negative = at_least(__builtin_elementwise_min(x, (Floats){0}), -87.0f);
  // A number so large that it has no digits behind the point rounds what is added.
  const Floats rounder = broadcast(0x1.8p23f);
  const Floats shifted = negative * 1.44269504f + rounder;
  const Floats part = negative * 1.44269504f - (shifted - rounder);
  // 2^part on [-1/2, 1/2]: Chebyshev's fit of degree five that is exact at 0.
  Floats power = broadcast(1.3390867e-3f);
  power = power * part + 9.6663737e-3f;
  power = power * part + 5.5503571e-2f;
  power = power * part + 2.4022349e-1f;
  power = power * part + 6.9314719e-1f;
  power = power * part + 1.0f;
  const Ints scaled = (Ints)power + ((Ints)shifted << 23);
  return at_least(x, 0.0f) + ((Floats)scaled - 1.0f);
}

#endif  // QMLE_VECTORS_H_
