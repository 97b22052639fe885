#include "plan.h"

#include <stdlib.h>
#include <string.h>

// Two grid points that agree in so many dimensions seldom meet: no need to hash more.
enum { HASHED = 16 };

static uint32_t hash(const float *row, int size) {
  const int end = size < HASHED ? size : HASHED;
  uint64_t code = 0;
  for (int i = 0; i < end; ++i) {
    uint32_t word;
    memcpy(&word, row + i, sizeof word);
    code = (code ^ word) * 0x9e3779b97f4a7c15u;
    code ^= code >> 32;
  }
  return (uint32_t)code;
}

// Returns the smallest power of two of at least twice the count: a table half empty.
static uint32_t table_size(int count) {
  uint32_t size = 2;
  while (size < 2 * (uint32_t)count) size *= 2;
  return size;
}

// Writes `first` for the rows of one state, numbered from `base`. The table holds rows
// by their hash, -1 where it is empty.
static void find_firsts(const float *actions, int count, int size, int32_t base,
                        int32_t *table, uint32_t mask, int32_t *first) {
  memset(table, -1, (mask + 1) * sizeof *table);
  for (int i = 0; i < count; ++i) {
    const float *row = actions + (size_t)i * size;
    uint32_t slot = hash(row, size) & mask;
    while (table[slot] >= 0 &&
           memcmp(row, actions + (size_t)table[slot] * size, sizeof(float) * size))
      slot = (slot + 1) & mask;
    if (table[slot] < 0) table[slot] = i;
    first[i] = base + table[slot];
  }
}

// Lists the rows of one state that are their own first, in tiles; returns their end.
static int list_rows(int state, int count, int end, Plan *plan) {
  for (int i = state * count; i < (state + 1) * count; ++i) {
    if (plan->first[i] != i) continue;
    Tiled *last = plan->num_tiles ? &plan->tiles[plan->num_tiles - 1] : NULL;
    if (!last || last->state != state || last->end - last->begin == TILE) {
      last = &plan->tiles[plan->num_tiles++];
      *last = (Tiled){.state = state, .begin = end, .end = end};
    }
    plan->rows[end++] = i;
    last->end = end;
  }
  return end;
}

int make_plan(const float *actions, int batch, int count, int size, Plan *plan) {
  const size_t total = (size_t)batch * count;
  const size_t tiles = (size_t)batch * ((count + TILE - 1) / TILE);
  const uint32_t slots = table_size(count);
  int32_t *table = malloc(slots * sizeof *table);
  *plan = (Plan){.first = malloc(total * sizeof *plan->first + 1),
                 .rows = malloc(total * sizeof *plan->rows + 1),
                 .tiles = malloc(tiles * sizeof *plan->tiles + 1)};
  const int has_memory = table && plan->first && plan->rows && plan->tiles;
  int end = 0;
  for (int state = 0; has_memory && state < batch; ++state) {
    const int32_t base = state * count;
    find_firsts(actions + (size_t)base * size, count, size, base, table, slots - 1,
                plan->first + base);
    end = list_rows(state, count, end, plan);
  }
  free(table);
  return has_memory ? 0 : -1;
}

void free_plan(Plan *plan) {
  free(plan->first);
  free(plan->rows);
  free(plan->tiles);
}

void repeat_values(const Plan *plan, int64_t total, float *values) {
  for (int64_t i = 0; i < total; ++i) values[i] = values[plan->first[i]];
}
