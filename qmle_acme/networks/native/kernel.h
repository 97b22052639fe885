// Scores the candidate actions of states: the forward pass of the action-in Q-network.
//
// For each state, with the embedding e_o [H] and the observation's half of the torso's
// first layer, and for each candidate x [A']:
//
//   e_a    = elu(norm(x W_e + b_e))                                     [H]
//   hidden = relu(e_a W_i + observation's half)                         [2H]
//   value  = elu(norm([e_o; e_a] + hidden W_o + b_o)) . w + b
//
// The two large products, W_i [H, 2H] and W_o [2H, 2H], are taken in 16-bit integers:
// twice the speed of float32, at 2^-12 of a row's norm. A row of either side is scaled
// by its 2-norm so that, by Cauchy-Schwarz, no sum of products leaves 32 bits. The
// values rank candidates; who needs the value of one evaluates it in float32.
//
// All that is done to a tile of candidates is done while they are in the fastest cache.
//
// A file that includes this one has included system.h, and set LANES and the target.

#include "scoring.h"
#include "vectors.h"

// A block of the products: ROWS candidates by COLUMNS outputs stay in registers.
enum { ROWS = 6, COLUMNS = 2 * LANES };
_Static_assert(TILE % ROWS == 0, "a tile is cut into blocks");

// Largest 2-norms of integer rows and columns: their product stays below 2^31.
#define ROW_NORM 32000.0f
#define COLUMN_NORM 65000.0f
#define LARGEST 32767.0f
#define EPSILON 1e-5f  // Of Sonnet's layer normalisation.

// A weight matrix [inputs, outputs] in integers: panels of COLUMNS outputs, in which
// two inputs lie side by side.
typedef struct {
  int inputs, outputs;
  int16_t *panels;
  float *scales;  // [outputs], the worth of one.
} Packed;

// A tile of candidates of one state, on their way through the network.
typedef struct {
  float *actions;        // [TILE, A']
  float *embeddings;     // [TILE, H]
  float *hidden;         // [TILE, 2H], of the first and then of the second layer
  float *state;          // [2H], what the state adds to the second layer
  int16_t *integers;     // [TILE, 2H], a layer's input
  float scales[TILE];    // the worth of one in each row of it
} Tile;

// What the threads of one call share: each takes the next tile until none is left, so
// that none waits for one that the system has put aside.
typedef struct {
  const Network *network;
  const Request *request;
  const Packed *inner, *outer;
  int next;    // tile
  int failed;  // for want of memory
} Job;

static float inverse(float x) { return x > 0 ? 1.0f / x : 0.0f; }

// Memory for `count` elements, zero, aligned for every vector; the caller frees it.
static void *allocate(size_t count, size_t size) {
  const size_t bytes = (count * size + 63) / 64 * 64;
  void *memory = aligned_alloc(64, bytes);
  if (memory) memset(memory, 0, bytes);
  return memory;
}

static int allocate_packed(Packed *w) {
  w->panels = allocate((size_t)w->inputs * w->outputs, sizeof(int16_t));
  w->scales = allocate(w->outputs, sizeof(float));
  return w->panels && w->scales;
}

static void free_packed(Packed *w) {
  free(w->panels);
  free(w->scales);
}

// Writes the scale of each column, by its 2-norm and its largest weight.
static void set_scales(const float *w, Packed *out) {
  for (int j = 0; j < out->outputs; j += LANES) {
    Floats squares = {0}, largest = {0};
    for (int i = 0; i < out->inputs; ++i) {
      const Floats x = load(w + (size_t)i * out->outputs + j);
      squares += x * x;
      largest = __builtin_elementwise_max(largest, __builtin_elementwise_abs(x));
    }
    for (int l = 0; l < LANES; ++l)
      out->scales[j + l] =
          fmaxf(sqrtf(squares[l]) / COLUMN_NORM, largest[l] / LARGEST);
  }
}

static void pack(const float *w, Packed *out) {
  set_scales(w, out);
  for (int j = 0; j < out->outputs; j += LANES) {
    int16_t *panel = out->panels + (size_t)(j - j % COLUMNS) * out->inputs;
    Floats inverses;
    for (int l = 0; l < LANES; ++l) inverses[l] = inverse(out->scales[j + l]);
    for (int i = 0; i < out->inputs; i += 2) {
      const float *row = w + (size_t)i * out->outputs + j;
      const Ints first = to_ints(load(row) * inverses);
      const Ints second = to_ints(load(row + out->outputs) * inverses);
      const Ints pairs = (first & 0xffff) | (second << 16);
      memcpy(panel + i * COLUMNS + 2 * (j % COLUMNS), &pairs, sizeof pairs);
    }
  }
}

// Writes a row in integers whose squares sum to `squares`; returns the worth of one.
static float quantize(const float *row, int size, float squares, int16_t *out) {
  const float scale = sqrtf(squares) / ROW_NORM;
  const Floats factor = broadcast(inverse(scale));
  for (int j = 0; j < size; j += LANES) {
    const Halves x = __builtin_convertvector(to_ints(load(row + j) * factor), Halves);
    memcpy(out + j, &x, sizeof x);
  }
  return scale;
}

// relu(row) in its place; returns the sum of its squares.
static float relu(float *row, int size) {
  Floats squares = {0};
  for (int j = 0; j < size; j += LANES) {
    const Floats x = at_least(load(row + j), 0.0f);
    squares += x * x;
    store(row + j, x);
  }
  return sum(squares);
}

// row += other
static void add(float *row, const float *other, int size) {
  for (int j = 0; j < size; j += LANES)
    store(row + j, load(row + j) + load(other + j));
}

// Mean, and 1 / standard deviation, of a row.
static void moments(const float *row, int size, Floats *mean, Floats *factor) {
  Floats total = {0}, squares = {0};
  for (int j = 0; j < size; j += LANES) total += load(row + j);
  *mean = broadcast(sum(total) / size);
  for (int j = 0; j < size; j += LANES) {
    const Floats centred = load(row + j) - *mean;
    squares += centred * centred;
  }
  *factor = broadcast(1.0f / sqrtf(sum(squares) / size + EPSILON));
}

// elu(norm(row)) in its place; returns the sum of its squares.
static float norm_elu(float *row, int size, const float *scale, const float *offset) {
  Floats mean, factor, squares = {0};
  moments(row, size, &mean, &factor);
  for (int j = 0; j < size; j += LANES) {
    const Floats centred = (load(row + j) - mean) * factor;
    const Floats x = elu(centred * load(scale + j) + load(offset + j));
    squares += x * x;
    store(row + j, x);
  }
  return sum(squares);
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

// total = rows [ROWS, inputs] times one panel.
static inline void multiply(const int16_t *rows, int inputs, const int16_t *panel,
                            Ints total[ROWS][2]) {
  for (int r = 0; r < ROWS; ++r) total[r][0] = total[r][1] = (Ints){0};
  for (int i = 0; i < inputs; i += 2) {
    Pairs low, high;
    memcpy(&low, panel + i * COLUMNS, sizeof low);
    memcpy(&high, panel + i * COLUMNS + COLUMNS, sizeof high);
#pragma unroll
    for (int r = 0; r < ROWS; ++r) {
      const Pairs x = broadcast_pair(rows + r * inputs + i);
      total[r][0] = dot(total[r][0], x, low);
      total[r][1] = dot(total[r][1], x, high);
    }
  }
}

// Encodes the actions of a tile: out [rows, H], e_a.
static void encode(const Network *net, const float *actions, int rows, float *out) {
  const int inputs = net->inputs, width = net->width;
  for (int j = 0; j < width; j += LANES)
    for (int first = 0; first < rows; first += ROWS) {
      Floats total[ROWS];
      for (int r = 0; r < ROWS; ++r) total[r] = load(net->encoder_b + j);
      for (int i = 0; i < inputs; ++i) {
        const Floats w = load(net->encoder_w + (size_t)i * width + j);
#pragma unroll
        for (int r = 0; r < ROWS; ++r)
          total[r] += broadcast(actions[(first + r) * inputs + i]) * w;
      }
      for (int r = 0; r < ROWS; ++r) store(out + (first + r) * width + j, total[r]);
    }
}

// tile->hidden [rows, outputs] = tile->integers [rows, inputs] times w, plus the offset.
static void affine(const Packed *w, const float *offset, int rows, Tile *tile) {
  for (int j = 0; j < w->outputs; j += COLUMNS)
    for (int first = 0; first < rows; first += ROWS) {
      Ints total[ROWS][2];
      multiply(tile->integers + first * w->inputs, w->inputs,
               w->panels + (size_t)j * w->inputs, total);
      for (int c = 0; c < 2; ++c) {
        const int column = j + c * LANES;
        const Floats scales = load(w->scales + column), offsets = load(offset + column);
#pragma unroll
        for (int r = 0; r < ROWS; ++r) {
          const Floats worth = scales * tile->scales[first + r];
          store(tile->hidden + (first + r) * w->outputs + column,
                to_floats(total[r][c]) * worth + offsets);
        }
      }
    }
}

// Takes the rows of a tile through both layers of the torso.
static void score_rows(const Job *job, const float *state_hidden, int rows,
                       Tile *tile) {
  const Network *net = job->network;
  const int width = net->width, whole = (rows + ROWS - 1) / ROWS * ROWS;
  encode(net, tile->actions, whole, tile->embeddings);
  for (int r = 0; r < whole; ++r) {
    float *row = tile->embeddings + r * width;
    const float squares =
        norm_elu(row, width, net->encoder_scale, net->encoder_offset);
    tile->scales[r] = quantize(row, width, squares, tile->integers + r * width);
  }
  affine(job->inner, state_hidden, whole, tile);
  for (int r = 0; r < whole; ++r) {
    float *row = tile->hidden + r * 2 * width;
    const float squares = relu(row, 2 * width);
    tile->scales[r] = quantize(row, 2 * width, squares, tile->integers + r * 2 * width);
  }
  affine(job->outer, tile->state, whole, tile);
  for (int r = 0; r < rows; ++r)
    add(tile->hidden + r * 2 * width + width, tile->embeddings + r * width, width);
}

static void score_tile(const Job *job, const Tiled *tiled, Tile *tile) {
  const Network *net = job->network;
  const Request *request = job->request;
  const int size = net->inputs, width = net->width, rows = tiled->end - tiled->begin;
  const int32_t *row = request->plan->rows + tiled->begin;
  const float *embedding = request->embeddings + (size_t)tiled->state * width;
  for (int r = 0; r < rows; ++r)
    memcpy(tile->actions + r * size, request->actions + (size_t)row[r] * size,
           sizeof(float) * size);
  memcpy(tile->state, net->outer_b, sizeof(float) * 2 * width);
  add(tile->state, embedding, width);
  score_rows(job, request->state_hidden + (size_t)tiled->state * 2 * width, rows, tile);
  for (int r = 0; r < rows; ++r)
    request->values[row[r]] =
        net->output_b[0] + norm_elu_dot(tile->hidden + r * 2 * width, 2 * width,
                                        net->norm_scale, net->norm_offset,
                                        net->output_w);
}

static void *run(void *argument) {
  Job *job = argument;
  const int width = job->network->width;
  Tile tile = {
      .actions = allocate(TILE * job->network->inputs, sizeof(float)),
      .embeddings = allocate(TILE * width, sizeof(float)),
      .hidden = allocate(TILE * 2 * width, sizeof(float)),
      .state = allocate(2 * width, sizeof(float)),
      .integers = allocate(TILE * 2 * width, sizeof(int16_t)),
  };
  const Plan *plan = job->request->plan;
  int i;
  if (tile.actions && tile.embeddings && tile.hidden && tile.state && tile.integers)
    while ((i = __atomic_fetch_add(&job->next, 1, __ATOMIC_RELAXED)) < plan->num_tiles)
      score_tile(job, &plan->tiles[i], &tile);
  else
    __atomic_store_n(&job->failed, 1, __ATOMIC_RELAXED);
  free(tile.actions);
  free(tile.embeddings);
  free(tile.hidden);
  free(tile.state);
  free(tile.integers);
  return NULL;
}

// Runs a job on so many threads, one of them this one.
static void run_on(int threads, Job *job) {
  pthread_t others[threads];
  int started = 0;
  while (started + 1 < threads && !pthread_create(&others[started], NULL, run, job))
    ++started;
  run(job);
  for (int i = 0; i < started; ++i) pthread_join(others[i], NULL);
}

static int score(const Network *network, const Request *request, int threads) {
  const int width = network->width, tiles = request->plan->num_tiles;
  Packed inner = {.inputs = width, .outputs = 2 * width};
  Packed outer = {.inputs = 2 * width, .outputs = 2 * width};
  Job job = {.network = network, .request = request, .inner = &inner, .outer = &outer};
  if (allocate_packed(&inner) && allocate_packed(&outer)) {
    pack(network->inner_w, &inner);
    pack(network->outer_w, &outer);
    run_on(tiles < 1 ? 1 : tiles < threads ? tiles : threads, &job);
  } else {
    job.failed = 1;
  }
  free_packed(&inner);
  free_packed(&outer);
  return job.failed ? -1 : 0;
}
