// Which candidates are scored, and in which tiles: of equal candidates of a state only
// the first. Small action spaces and grids of few points repeat themselves a lot.

#ifndef QMLE_PLAN_H_
#define QMLE_PLAN_H_

#include <stdint.h>

enum { TILE = 24 };  // Candidates of a state that go through the network together.

// Entries `begin` to `end` of a plan's `rows`: a tile, all of one state.
typedef struct {
  int32_t state, begin, end;
} Tiled;

typedef struct {
  int32_t *first;  // [B * N], the first row of the same state that equals this one
  int32_t *rows;   // those rows that are their own first
  Tiled *tiles;
  int num_tiles;
} Plan;

// Plans for actions [B, N, A']. Returns 0, or -1 when there is no memory; the caller
// frees the plan in both cases.
int make_plan(const float *actions, int batch, int count, int size, Plan *plan);

void free_plan(Plan *plan);

// Gives each candidate the value of the first that equals it.
void repeat_values(const Plan *plan, int64_t total, float *values);

#endif  // QMLE_PLAN_H_
