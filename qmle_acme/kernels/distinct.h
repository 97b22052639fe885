// Which candidates of a state are scored: of equal ones only the first. Small action
// spaces and grids of few points repeat themselves a lot.

#ifndef QMLE_DISTINCT_H_
#define QMLE_DISTINCT_H_

#include <stdint.h>

// Returns how many slots a table for so many rows has: a power of two, at least half of
// them empty.
uint32_t table_slots(int count);

// Writes the indices of those rows of actions [count, size] that equal none before them,
// in order, and returns their number; also writes which of them equals the last row of
// all. The table has `slots` entries.
int find_distinct(const float *actions, int count, int size, int32_t *table,
                  uint32_t slots, int32_t *rows, int32_t *last);

#endif  // QMLE_DISTINCT_H_
