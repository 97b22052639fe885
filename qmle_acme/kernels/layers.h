// The layers of the network on rows of floats, and the large products in 8-bit integers.
//
// A file that includes this one has set LANES and the target.

#ifndef QMLE_LAYERS_H_
#define QMLE_LAYERS_H_

#include "tiles.h"

// Of floats so many rows, not ROWS, stay in registers.
enum { FLOAT_ROWS = 4 };

#define LARGEST_WEIGHT 127.0f
#define EPSILON 1e-5f  // Of Sonnet's layer normalisation.

// A weight matrix [inputs, outputs] of floats. Where it is read again and again, it is
// copied to panels of COLUMNS outputs, each of which is read from one end to the other.
typedef struct {
  int inputs, outputs;
  const float *first;  // where the panel of the first outputs begins
  int stride;          // from a row of a panel to the next
  int step;            // times an output, from there to where its panel begins
} Matrix;

// A weight matrix, also in integers: in such panels four inputs lie side by side.
typedef struct {
  int inputs, outputs, is_copied;
  Matrix matrix;
  float *copy;    // NULL, unless it is copied
  int8_t *panels;
  float *scales;  // [outputs], the worth of one
  float *sums;    // [outputs], of each column, in floats
} Packed;

static Matrix as_given(const float *w, int inputs, int outputs) {
  return (Matrix){inputs, outputs, w, outputs, 1};
}

// Copies w; the outputs are whole panels.
static Matrix by_panels(const float *w, int inputs, int outputs, float *copy) {
  for (int j = 0; j < outputs; j += COLUMNS)
    for (int i = 0; i < inputs; ++i)
      memcpy(copy + (size_t)j * inputs + i * COLUMNS, w + (size_t)i * outputs + j,
             sizeof(float) * COLUMNS);
  return (Matrix){inputs, outputs, copy, COLUMNS, inputs};
}

static float inverse(float x) { return x > 0 ? 1.0f / x : 0.0f; }

// Writes the scale of each column, by its largest weight.
static void set_scales(const float *w, Packed *out) {
  for (int j = 0; j < out->outputs; j += LANES) {
    Floats most = {0};
    for (int i = 0; i < out->inputs; ++i) {
      const Floats x = load(w + (size_t)i * out->outputs + j);
      most = __builtin_elementwise_max(most, __builtin_elementwise_abs(x));
    }
    store(out->scales + j, most / LARGEST_WEIGHT);
  }
}

static void pack(const float *w, Packed *out) {
  const int outputs = out->outputs;
  out->matrix = out->copy ? by_panels(w, out->inputs, outputs, out->copy)
                          : as_given(w, out->inputs, outputs);
  set_scales(w, out);
  for (int j = 0; j < outputs; j += LANES) {
    int8_t *panel = out->panels + (size_t)(j - j % COLUMNS) * out->inputs;
    Floats inverses;
    Ints sums = {0};
    for (int l = 0; l < LANES; ++l) inverses[l] = inverse(out->scales[j + l]);
    for (int i = 0; i < out->inputs; i += 4) {
      Ints quads = {0};
      for (int k = 0; k < 4; ++k) {
        const Ints x = to_ints(load(w + (size_t)(i + k) * outputs + j) * inverses);
        sums += x;
        quads |= (x & 0xff) << (8 * k);
      }
      memcpy(panel + i * COLUMNS + 4 * (j % COLUMNS), &quads, sizeof quads);
    }
    store(out->sums + j, to_floats(sums) * load(out->scales + j));
  }
}

typedef struct {
  float low, high;
} Range;

// Writes a row of numbers of that range, which holds 0, in integers from 0 to LEVELS; sets
// the worth of 0 and of 1. Zero has an integer of its own: what candidates have in common
// is zero, and all of it would be rounded in one direction otherwise.
static void quantize(const float *row, int size, Range range, uint8_t *out, float *low,
                     float *worth) {
  *worth = (range.high - range.low) / (LEVELS - 1);
  const Floats factor = broadcast(inverse(*worth));
  const int zero = lrintf(-range.low * factor[0]);
  *low = -*worth * zero;
  for (int j = 0; j < size; j += LANES) {
    const Ints levels = to_ints(load(row + j) * factor) + zero;
    const Bytes x = __builtin_convertvector(levels, Bytes);
    memcpy(out + j, &x, sizeof x);
  }
}

// total = rows [ROWS, inputs] times one panel.
static inline void multiply(const uint8_t *rows, int inputs, const int8_t *panel,
                            Ints total[ROWS][2]) {
  for (int i = multiply_tiles(rows, inputs, panel, total); i < inputs; i += 4) {
    Quads low, high;
    memcpy(&low, panel + i * COLUMNS, sizeof low);
    memcpy(&high, panel + i * COLUMNS + 2 * COLUMNS, sizeof high);
#pragma unroll
    for (int r = 0; r < ROWS; ++r) {
      const Quads x = broadcast_quad(rows + r * inputs + i);
      total[r][0] = dot(total[r][0], x, low);
      total[r][1] = dot(total[r][1], x, high);
    }
  }
}

// out [rows, outputs] = x [rows, inputs] times w, plus the offset; row r of x stands for
// lows[r] + worths[r] x. `rows` is a multiple of ROWS.
static void affine_packed(const uint8_t *x, const float *lows, const float *worths,
                          const Packed *w, const float *offset, int rows, float *out) {
  for (int j = 0; j < w->outputs; j += COLUMNS)
    for (int first = 0; first < rows; first += ROWS) {
      Ints total[ROWS][2];
      multiply(x + first * w->inputs, w->inputs, w->panels + (size_t)j * w->inputs,
               total);
      for (int c = 0; c < 2; ++c) {
        const int column = j + c * LANES;
        const Floats scales = load(w->scales + column), sums = load(w->sums + column);
        const Floats offsets = load(offset + column);
#pragma unroll
        for (int r = 0; r < ROWS; ++r)
          store(out + (first + r) * w->outputs + column,
                to_floats(total[r][c]) * (scales * worths[first + r]) +
                    (sums * lows[first + r] + offsets));
      }
    }
}

// The part of `affine` for one or two vectors of outputs, from output j on.
static inline __attribute__((always_inline)) void affine_columns(
    const float *x, const Matrix *w, const float *offset, int rows, int j, int vectors,
    float *out) {
  const float *panel = w->first + (size_t)j * w->step;
  for (int first = 0; first < rows; first += FLOAT_ROWS) {
    Floats total[FLOAT_ROWS][2];
    for (int r = 0; r < FLOAT_ROWS; ++r)
      for (int v = 0; v < vectors; ++v) total[r][v] = load(offset + j + v * LANES);
    for (int i = 0; i < w->inputs; ++i) {
      const float *weights = panel + (size_t)i * w->stride;
#pragma unroll
      for (int r = 0; r < FLOAT_ROWS; ++r)
        for (int v = 0; v < vectors; ++v)
          total[r][v] += x[(first + r) * w->inputs + i] * load(weights + v * LANES);
    }
    for (int r = 0; r < FLOAT_ROWS; ++r)
      for (int v = 0; v < vectors; ++v)
        store(out + (first + r) * w->outputs + j + v * LANES, total[r][v]);
  }
}

// out [rows, outputs] = x [rows, inputs] times w, plus the offset. `rows` is a multiple of
// FLOAT_ROWS.
static void affine(const float *x, const Matrix *w, const float *offset, int rows,
                   float *out) {
  int j = 0;
  for (; j + COLUMNS <= w->outputs; j += COLUMNS)
    affine_columns(x, w, offset, rows, j, 2, out);
  if (j < w->outputs) affine_columns(x, w, offset, rows, j, 1, out);
}

// out [outputs] = x [inputs] times w, plus the offset.
static void affine_row(const float *x, int inputs, const float *w, const float *offset,
                       int outputs, float *out) {
  memcpy(out, offset, sizeof(float) * outputs);
  for (int i = 0; i < inputs; ++i)
    for (int j = 0; j < outputs; j += LANES)
      store(out + j, load(out + j) + x[i] * load(w + (size_t)i * outputs + j));
}

// relu(row) in its place.
static void relu(float *row, int size) {
  for (int j = 0; j < size; j += LANES) store(row + j, at_least(load(row + j), 0.0f));
}

// The mean of relu(row) over `count` rows.
static void mean_relu(const float *rows, int count, int size, float *out) {
  for (int j = 0; j < size; j += LANES) {
    Floats total = {0};
    for (int r = 0; r < count; ++r) total += at_least(load(rows + r * size + j), 0.0f);
    store(out + j, total / (float)count);
  }
}

// relu(row) - origin in its place; returns the range of that and 0.
static Range relu_from(float *row, const float *origin, int size) {
  Floats low = {0}, high = {0};
  for (int j = 0; j < size; j += LANES) {
    const Floats x = at_least(load(row + j), 0.0f) - load(origin + j);
    low = __builtin_elementwise_min(low, x);
    high = __builtin_elementwise_max(high, x);
    store(row + j, x);
  }
  return (Range){-largest(-low), largest(high)};
}

// out = row + other
static void sum_of(const float *row, const float *other, int size, float *out) {
  for (int j = 0; j < size; j += LANES)
    store(out + j, load(row + j) + load(other + j));
}

// row += other
static void add(float *row, const float *other, int size) {
  sum_of(row, other, size, row);
}

// row += all of `count` others
static void add_rows(float *row, const float *const *others, int count, int size) {
  for (int j = 0; j < size; j += LANES) {
    Floats total = load(row + j);
    for (int i = 0; i < count; ++i) total += load(others[i] + j);
    store(row + j, total);
  }
}

// Mean, and 1 / standard deviation, of a row. In one pass, and from the row's first
// number, or the squares of a large mean would hide a small deviation.
static void moments(const float *row, int size, Floats *mean, Floats *factor) {
  const Floats origin = broadcast(row[0]);
  Floats total = {0}, squares = {0};
  for (int j = 0; j < size; j += LANES) {
    const Floats x = load(row + j) - origin;
    total += x;
    squares += x * x;
  }
  const float centre = sum(total) / size;
  *mean = origin + centre;
  *factor = broadcast(1.0f / sqrtf(sum(squares) / size - centre * centre + EPSILON));
}

// elu(norm(row)) in its place; returns a range that holds it and 0.
static Range norm_elu(float *row, int size, const float *scale, const float *offset) {
  Floats mean, factor, most = {0};
  moments(row, size, &mean, &factor);
  for (int j = 0; j < size; j += LANES) {
    const Floats centred = (load(row + j) - mean) * factor;
    const Floats x = elu(centred * load(scale + j) + load(offset + j));
    most = __builtin_elementwise_max(most, x);
    store(row + j, x);
  }
  return (Range){ELU_LOW, largest(most)};
}

// elu(norm(row)) . w
static float norm_elu_dot(const float *row, int size, const float *scale,
                          const float *offset, const float *w) {
  Floats mean, factor, total = {0};
  moments(row, size, &mean, &factor);
  for (int j = 0; j < size; j += LANES) {
    const Floats centred = (load(row + j) - mean) * factor;
    total += elu(centred * load(scale + j) + load(offset + j)) * load(w + j);
  }
  return sum(total);
}

#endif  // QMLE_LAYERS_H_
