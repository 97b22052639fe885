#include "distinct.h"

#include <string.h>

// Rows that agree in so many dimensions seldom meet: no need to hash more.
enum { HASHED = 16 };

static uint32_t hash(const float *row, int size) {
  uint64_t code = 0;
  for (int i = 0; i < size && i < HASHED; ++i) {
    uint32_t word;
    memcpy(&word, row + i, sizeof word);
    code = (code ^ word) * 0x9e3779b97f4a7c15u;
    code ^= code >> 32;
  }
  return (uint32_t)code;
}

uint32_t table_slots(int count) {
  uint32_t slots = 2;
  while (slots < 2 * (uint32_t)count) slots *= 2;
  return slots;
}

int find_distinct(const float *actions, int count, int size, int32_t *table,
                  uint32_t slots, int32_t *rows, int32_t *last) {
  const size_t bytes = sizeof(float) * size;
  int found = 0;
  memset(table, -1, slots * sizeof *table);
  for (int i = 0; i < count; ++i) {
    const float *row = actions + (size_t)i * size;
    uint32_t slot = hash(row, size) & (slots - 1);
    while (table[slot] >= 0 && memcmp(row, actions + (size_t)table[slot] * size, bytes))
      slot = (slot + 1) & (slots - 1);
    if (table[slot] < 0) {
      table[slot] = i;
      rows[found++] = i;
    }
    *last = table[slot];
  }
  return found;
}
