// Products of 8-bit integers by tiles: two-dimensional registers, which a thread opens
// before it uses them, and closes so that nobody has to save them any more.
//
// A file that includes this one has set the target, and HAS_TILES if that has them.

#ifndef QMLE_TILES_H_
#define QMLE_TILES_H_

#include "vectors.h"

// The block of a product that stays in registers, candidates by outputs; inputs that a
// tile holds of each candidate.
enum { ROWS = LANES / 2, COLUMNS = 2 * LANES, TILE_INPUTS = 64 };

#ifdef HAS_TILES

// The numbers of the registers: two of sums, one of candidates, two of weights.
enum { LOW_SUMS, HIGH_SUMS, INTEGERS, LOW_WEIGHTS, HIGH_WEIGHTS, USED_TILES };

static void open_tiles(void) {
  struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
  } shapes = {.palette = 1};
  for (int tile = 0; tile < USED_TILES; ++tile) {
    shapes.row_bytes[tile] = TILE_INPUTS;
    shapes.rows[tile] = tile < LOW_WEIGHTS ? ROWS : TILE_INPUTS / 4;
  }
  _tile_loadconfig(&shapes);
}

static void close_tiles(void) { _tile_release(); }

// total = rows [ROWS, inputs] times one panel, as far as whole tiles go; returns to
// which input that is.
static inline int multiply_tiles(const uint8_t *rows, int inputs, const int8_t *panel,
                                 Ints total[ROWS][2]) {
  const int stride = sizeof total[0];
  int i = 0;
  _tile_zero(LOW_SUMS);
  _tile_zero(HIGH_SUMS);
  for (; i + TILE_INPUTS <= inputs; i += TILE_INPUTS) {
    _tile_loadd(INTEGERS, rows + i, inputs);
    _tile_loadd(LOW_WEIGHTS, panel + i * COLUMNS, stride);
    _tile_loadd(HIGH_WEIGHTS, panel + i * COLUMNS + 2 * COLUMNS, stride);
    _tile_dpbusd(LOW_SUMS, INTEGERS, LOW_WEIGHTS);
    _tile_dpbusd(HIGH_SUMS, INTEGERS, HIGH_WEIGHTS);
  }
  _tile_stored(LOW_SUMS, &total[0][0], stride);
  _tile_stored(HIGH_SUMS, &total[0][1], stride);
  return i;
}

#else

static void open_tiles(void) {}
static void close_tiles(void) {}
static inline int multiply_tiles(const uint8_t *rows, int inputs, const int8_t *panel,
                                 Ints total[ROWS][2]) {
  (void)rows, (void)inputs, (void)panel;
  for (int r = 0; r < ROWS; ++r) total[r][0] = total[r][1] = (Ints){0};
  return 0;
}

#endif

#endif  // QMLE_TILES_H_
