// Vectors of LANES floats or integers, and the few operations that scoring needs.
//
// Everything but `dot` is the compiler's own vector arithmetic, so that one source
// serves every width: a file that includes this one has set LANES and the target.

#ifndef QMLE_VECTORS_H_
#define QMLE_VECTORS_H_

typedef float Floats __attribute__((vector_size(4 * LANES)));
typedef int32_t Ints __attribute__((vector_size(4 * LANES)));
typedef int16_t Halves __attribute__((vector_size(2 * LANES)));
typedef int16_t Pairs __attribute__((vector_size(4 * LANES)));

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

// One pair of 16-bit integers in every lane.
static inline Pairs broadcast_pair(const int16_t *p) {
  int32_t pair;
  memcpy(&pair, p, sizeof pair);
  return (Pairs)((Ints){0} + pair);
}

// Adds to each lane the dot product of its two pairs of 16-bit integers.
static inline Ints dot(Ints total, Pairs x, Pairs y) {
#if LANES == 16
  return (Ints)__builtin_ia32_vpdpwssd512((Ints)total, (Ints)x, (Ints)y);
#else
  return total + (Ints)__builtin_ia32_pmaddwd256(x, y);
#endif
}

// exp(x) - 1 for x < 0 and x itself otherwise, with an error below 3e-7.
static inline Floats elu(Floats x) {
  const Floats negative = -at_least(-x, 0.0f);
  const Floats exponent = at_least(negative * 1.44269504f, -126.0f);
  const Floats whole = __builtin_elementwise_roundeven(exponent);
  const Floats part = exponent - whole;
  // 2^part on [-1/2, 1/2]: Chebyshev's fit of degree five that is exact at 0.
  Floats power = broadcast(1.3390867e-3f);
  power = power * part + 9.6663737e-3f;
  power = power * part + 5.5503571e-2f;
  power = power * part + 2.4022349e-1f;
  power = power * part + 6.9314719e-1f;
  power = power * part + 1.0f;
  const Ints shifted = (Ints)power + (__builtin_convertvector(whole, Ints) << 23);
  return at_least(x, 0.0f) + ((Floats)shifted - 1.0f);
}

#endif  // QMLE_VECTORS_H_
