// The arg max over the candidate actions of states, by the action-in Q-network.
//
// For each state, with the embedding e_o [H] and the observation's half of the torso's
// first layer, and for each candidate a [A]:
//
//   e_a    = elu(norm(encode(a) W_e + b_e))                             [H]
//   hidden = relu(e_a W_i + observation's half)                         [2H]
//   value  = elu(norm([e_o; e_a] + hidden W_o + b_o)) . w + b
//
// encode(a) are the inputs of the candidate, [C], and then its digits, one-hot, so that
// each stands for a row of W_e. The inputs are the continuous dimensions of a, or features
// of it: whoever calls has made them.
//
// All distinct candidates are estimated with the two large products, W_i [H, 2H] and
// W_o [2H, 2H], in 8-bit integers, at four times the speed of float32. The few with the
// highest estimates, and the last one, where the best action known so far stands, are the
// finalists, which are then evaluated in float32.
//
// What the second of them takes in integers is the difference of hidden to its mean over
// some candidates. A state may have much more part in hidden than its candidates have:
// in integers of hidden itself their differences would be lost.
//
// All that is done to a tile of candidates is done while they are in the fastest cache.
//
// Where all states have the same first candidates, as those of uniform sampling are in a
// batch, their part e_a W_i in the first layer is estimated once for all of them.
//
// A file that includes this one has included system.h, and set LANES and the target.

#include "distinct.h"
#include "layers.h"
#include "kernels.h"

// Candidates of a state that go through the network together, a multiple of what every
// layer takes at once; how many candidates there are for one finalist, and of what their
// number is a multiple, of more where integers are coarser.
enum { TILE = 24, BLOCK = 8, CANDIDATES_PER_FINALIST = 64, FINALISTS = 64 / LANES };
// So many states are worth a copy of the weights that their finalists are evaluated by.
enum { STATES_OF_A_COPY = 16 };
_Static_assert(TILE % BLOCK == 0, "a tile is cut into blocks");
_Static_assert(BLOCK % ROWS == 0 && BLOCK % FLOAT_ROWS == 0, "so is a block");
_Static_assert(FINALISTS % FLOAT_ROWS == 0, "so are the finalists");

// Distinct candidates that all states have, in front of all others.
typedef struct {
  int count;          // S, whole blocks of them
  float *embeddings;  // [S, H], e_a
  float *hidden;      // [S, 2H], e_a W_i
} Common;

// What the threads of one call share: each takes the next state until none is left, so
// that none waits for one that the system has put aside.
typedef struct {
  const Network *network;
  const Request *request;
  Packed inner, outer;
  Common common;
  int next;    // state
  int failed;  // for want of memory
} Job;

// What one thread works with, in one piece of memory.
typedef struct {
  void *memory;
  int32_t *table, *rows;     // of distinct candidates
  float *estimates;          // [N], of the distinct candidates
  float *outer_offset;       // [2H], what the state adds to the second layer
  float *origin;             // [2H], of hidden: what is in integers are differences to it
  float *origin_offset;      // [2H], what state and origin add to the second layer
  const float **looked_up;   // [D], the rows of weights that the digits stand for
  float *inputs;             // [TILE, C], and so on: a tile on its way
  float *embeddings;         // [TILE, H]
  float *hidden, *output;    // [TILE, 2H], of the two layers
  uint8_t *integers;         // [TILE, 2H], a layer's input
  float lows[TILE], worths[TILE];  // of each row of it: the worth of zero, and of one
} Workspace;

// The candidates of one state.
typedef struct {
  const float *actions, *inputs;  // [N, A], [N, C]
  int size;                       // A
} Candidates;

// Zero memory, aligned for every vector; the caller frees it.
static char *allocate(size_t bytes) {
  char *memory = aligned_alloc(64, bytes);
  return memory ? memset(memory, 0, bytes) : NULL;
}

// Hands out pieces of memory, aligned for every vector; with no memory, counts them.
static void *take(char *memory, size_t *used, size_t count, size_t size) {
  char *piece = memory ? memory + *used : NULL;
  *used += (count * size + 63) / 64 * 64;
  return piece;
}

// Lays the workspace out in its memory and returns the bytes that it takes.
static size_t lay_out(const Network *net, const Request *request, Workspace *work) {
  const size_t width = net->width, count = request->candidates;
  size_t used = 0;
  char *memory = work->memory;
  work->table = take(memory, &used, table_slots(count), sizeof(int32_t));
  work->rows = take(memory, &used, count, sizeof(int32_t));
  work->estimates = take(memory, &used, count, sizeof(float));
  work->outer_offset = take(memory, &used, 2 * width, sizeof(float));
  work->origin = take(memory, &used, 2 * width, sizeof(float));
  work->origin_offset = take(memory, &used, 2 * width, sizeof(float));
  work->looked_up = take(memory, &used, net->digits, sizeof(float *));
  work->inputs = take(memory, &used, TILE * net->inputs, sizeof(float));
  work->embeddings = take(memory, &used, TILE * width, sizeof(float));
  work->hidden = take(memory, &used, TILE * 2 * width, sizeof(float));
  work->output = take(memory, &used, TILE * 2 * width, sizeof(float));
  work->integers = take(memory, &used, TILE * 2 * width, sizeof(uint8_t));
  return used;
}

// Makes a workspace; returns whether there was memory for it: then the caller
// closes it.
static int open_workspace(const Job *job, Workspace *work) {
  *work = (Workspace){.memory = NULL};
  work->memory = allocate(lay_out(job->network, job->request, work));
  if (!work->memory) return 0;
  lay_out(job->network, job->request, work);
  open_tiles();
  return 1;
}

static void close_workspace(Workspace *work) {
  free(work->memory);
  close_tiles();
}

static size_t lay_out_packed(Packed *w, char *memory) {
  size_t used = 0;
  const size_t count = (size_t)w->inputs * w->outputs;
  w->copy = w->is_copied ? take(memory, &used, count, sizeof(float)) : NULL;
  w->panels = take(memory, &used, count, sizeof(int8_t));
  w->scales = take(memory, &used, w->outputs, sizeof(float));
  w->sums = take(memory, &used, w->outputs, sizeof(float));
  return used;
}

static size_t lay_out_common(Common *common, int count, int width, char *memory) {
  size_t used = 0;
  common->embeddings = take(memory, &used, (size_t)count * width, sizeof(float));
  common->hidden = take(memory, &used, (size_t)count * 2 * width, sizeof(float));
  return used;
}

static int round_up(int count, int multiple) {
  return (count + multiple - 1) / multiple * multiple;
}

// Rounds up to whole blocks. The rows that fill them up hold what was there before.
static int whole_blocks(int rows) { return round_up(rows, BLOCK); }

// How many finalists a state has: more where there are more to mistake for the best.
static int finalists_of(int candidates) {
  const int count = round_up(candidates / CANDIDATES_PER_FINALIST + 1, FINALISTS);
  return count < TILE ? count : TILE;
}

// Lists the rows of weights that digits stand for; no digit leads out of the weights.
static void look_up(const Network *net, const float *digits, const float **rows) {
  const float *w = net->encoder_w + (size_t)net->inputs * net->width;
  for (int d = 0; d < net->digits; ++d) {
    const int count = net->digit_counts[d];
    const int digit = digits[d] > 0 && digits[d] < count ? digits[d] : 0;
    rows[d] = w + (size_t)digit * net->width;
    w += (size_t)count * net->width;
  }
}

// Embeds `count` rows of the candidates: e_a, before norm and elu.
static void embed(const Network *net, Candidates of, const int32_t *rows, int count,
                  Workspace *work) {
  const int size = net->inputs, width = net->width;
  for (int r = 0; r < count; ++r)
    memcpy(work->inputs + r * size, of.inputs + (size_t)rows[r] * size,
           sizeof(float) * size);
  const Matrix encoder = as_given(net->encoder_w, size, width);
  affine(work->inputs, &encoder, net->encoder_b, whole_blocks(count), work->embeddings);
  for (int r = 0; net->digits && r < count; ++r) {
    const float *next = of.actions + (rows[r] + (size_t)1) * of.size;
    look_up(net, next - net->digits, work->looked_up);
    add_rows(work->embeddings + r * width, work->looked_up, net->digits, width);
  }
}

// Ends the way through the network: values of `count` rows.
static void finish(const Network *net, int count, Workspace *work, float *values) {
  const int width = net->width;
  for (int r = 0; r < count; ++r) {
    float *row = work->output + r * 2 * width;
    add(row + width, work->embeddings + r * width, width);
    values[r] = net->output_b[0] + norm_elu_dot(row, 2 * width, net->norm_scale,
                                                net->norm_offset, net->output_w);
  }
}

// Writes row r of a layer's input in integers.
static void quantize_row(const float *row, int size, Range range, int r,
                         Workspace *work) {
  quantize(row, size, range, work->integers + r * size, work->lows + r,
           work->worths + r);
}

// The first layer of `count` candidates, at most TILE, in integers, before its relu.
static void estimate_hidden(const Job *job, const float *state_hidden, Candidates of,
                            const int32_t *rows, int count, Workspace *work) {
  const Network *net = job->network;
  const int width = net->width, whole = whole_blocks(count);
  embed(net, of, rows, count, work);
  for (int r = 0; r < whole; ++r) {
    float *row = work->embeddings + r * width;
    const Range range = norm_elu(row, width, net->encoder_scale, net->encoder_offset);
    quantize_row(row, width, range, r, work);
  }
  affine_packed(work->integers, work->lows, work->worths, &job->inner, state_hidden,
                whole, work->hidden);
}

// What `estimate_hidden` does, for `count` of the common candidates from `first` on.
static void recall_hidden(const Job *job, const float *state_hidden, int first, int count,
                          Workspace *work) {
  const size_t width = job->network->width;
  const float *hidden = job->common.hidden + first * 2 * width;
  memcpy(work->embeddings, job->common.embeddings + first * width,
         sizeof(float) * count * width);
  for (int r = 0; r < count; ++r)
    sum_of(hidden + r * 2 * width, state_hidden, 2 * width, work->hidden + r * 2 * width);
}

// Takes the mean of `count` rows of the first layer as the origin.
static void set_origin(const Network *net, int count, Workspace *work) {
  const int size = 2 * net->width;
  mean_relu(work->hidden, count, size, work->origin);
  affine_row(work->origin, size, net->outer_w, work->outer_offset, size,
             work->origin_offset);
}

// Estimates the values of `count` candidates from the first layer, in integers.
static void estimate(const Job *job, int count, Workspace *work, float *values) {
  const int size = 2 * job->network->width, whole = whole_blocks(count);
  for (int r = 0; r < whole; ++r) {
    float *row = work->hidden + r * size;
    quantize_row(row, size, relu_from(row, work->origin, size), r, work);
  }
  affine_packed(work->integers, work->lows, work->worths, &job->outer,
                work->origin_offset, whole, work->output);
  finish(job->network, count, work, values);
}

// Evaluates `count` candidates, at most TILE, in float32.
static void evaluate(const Job *job, const float *state_hidden, Candidates of,
                     const int32_t *rows, int count, Workspace *work, float *values) {
  const Network *net = job->network;
  const int width = net->width, whole = round_up(count, FLOAT_ROWS);
  embed(net, of, rows, count, work);
  for (int r = 0; r < count; ++r)
    norm_elu(work->embeddings + r * width, width, net->encoder_scale,
             net->encoder_offset);
  affine(work->embeddings, &job->inner.matrix, state_hidden, whole, work->hidden);
  relu(work->hidden, whole * 2 * width);
  affine(work->hidden, &job->outer.matrix, work->outer_offset, whole, work->output);
  finish(net, count, work, values);
}

// Lists the rows with the highest of `count` estimates, at most `most`, and returns how
// many there are.
static int choose_finalists(const float *estimates, const int32_t *rows, int count,
                            int most, int32_t *finalists) {
  float held[TILE + 1];
  int32_t order[TILE + 1];
  int end = 0;
  for (int i = 0; i < count; ++i) {
    if (end == most && !(estimates[i] > held[end - 1])) continue;
    int place = end < most ? end++ : end - 1;
    for (; place > 0 && estimates[i] > held[place - 1]; --place) {
      held[place] = held[place - 1];
      order[place] = order[place - 1];
    }
    held[place] = estimates[i];
    order[place] = rows[i];
  }
  memcpy(finalists, order, end * sizeof *order);
  return end;
}

// Sees to it that a row is a finalist, if need be in the place of the one with the lowest
// estimate; returns how many there are.
static int admit(int32_t row, int end, int most, int32_t *finalists) {
  for (int i = 0; i < end; ++i)
    if (finalists[i] == row) return end;
  if (end < most) ++end;
  finalists[end - 1] = row;
  return end;
}

static Candidates candidates_of(const Job *job, int state) {
  const Request *request = job->request;
  const size_t first = (size_t)state * request->candidates;
  return (Candidates){request->actions + first * request->size,
                      request->inputs + first * job->network->inputs, request->size};
}

// Estimates the distinct candidates of a state, listed in work->rows.
static void estimate_all(const Job *job, const float *state_hidden, Candidates of,
                         int distinct, Workspace *work) {
  const int common = job->common.count;
  for (int i = 0, rows; i < distinct; i += rows) {
    const int left = (i < common ? common : distinct) - i;
    rows = left < TILE ? left : TILE;
    if (i < common)
      recall_hidden(job, state_hidden, i, rows, work);
    else
      estimate_hidden(job, state_hidden, of, work->rows + i, rows, work);
    if (i == 0) set_origin(job->network, rows, work);
    estimate(job, rows, work, work->estimates + i);
  }
}

// Writes best candidate and value of one state.
static void maximize_state(const Job *job, int state, Workspace *work) {
  const Network *net = job->network;
  const Request *request = job->request;
  const int width = net->width, count = request->candidates;
  const Candidates of = candidates_of(job, state);
  const float *state_hidden = request->state_hidden + (size_t)state * 2 * width;
  memcpy(work->outer_offset, net->outer_b, sizeof(float) * 2 * width);
  add(work->outer_offset, request->embeddings + (size_t)state * width, width);

  int32_t last;
  const int distinct = find_distinct(of.actions, count, of.size, work->table,
                                     table_slots(count), work->rows, &last);
  estimate_all(job, state_hidden, of, distinct, work);
  int32_t finalists[TILE];
  float values[TILE];
  const int most = finalists_of(count);
  int end = choose_finalists(work->estimates, work->rows, distinct, most, finalists);
  end = admit(last, end, most, finalists);
  evaluate(job, state_hidden, of, finalists, end, work, values);
  int best = 0;
  for (int i = 1; i < end; ++i)
    if (values[i] > values[best] ||
        (values[i] == values[best] && finalists[i] < finalists[best]))
      best = i;
  request->best[state] = finalists[best];
  request->values[state] = values[best];
}

// Returns how many of the first candidates are the same in all states; of a single state,
// which would gain nothing, none.
static int count_common(const Job *job) {
  const Request *request = job->request;
  const size_t size = request->size, bytes = sizeof(float) * size;
  const float *first = request->actions;
  int common = request->states > 1 ? request->candidates : 0;
  for (int state = 1; state < request->states; ++state) {
    const float *actions = candidates_of(job, state).actions;
    int same = 0;
    while (same < common && !memcmp(actions + same * size, first + same * size, bytes))
      ++same;
    common = same;
  }
  return common;
}

// Fills in the common candidates, at most `count`; returns whether there was memory.
static int set_common(Job *job, int count) {
  const size_t width = job->network->width;
  const Candidates of = candidates_of(job, 0);
  Common *common = &job->common;
  Workspace work;
  if (!open_workspace(job, &work)) return 0;
  int32_t last;
  const int distinct = find_distinct(of.actions, count, of.size, work.table,
                                     table_slots(count), work.rows, &last);
  common->count = distinct - distinct % BLOCK;
  for (int i = 0, rows; i < common->count; i += rows) {
    rows = common->count - i < TILE ? common->count - i : TILE;
    // With an offset of zeros, as all of the workspace still is.
    estimate_hidden(job, work.outer_offset, of, work.rows + i, rows, &work);
    memcpy(common->embeddings + i * width, work.embeddings, sizeof(float) * rows * width);
    memcpy(common->hidden + i * 2 * width, work.hidden, sizeof(float) * rows * 2 * width);
  }
  close_workspace(&work);
  return 1;
}

static void *run(void *argument) {
  Job *job = argument;
  Workspace work;
  int state;
  if (open_workspace(job, &work)) {
    while ((state = __atomic_fetch_add(&job->next, 1, __ATOMIC_RELAXED)) <
           job->request->states)
      maximize_state(job, state, &work);
    close_workspace(&work);
  } else {
    __atomic_store_n(&job->failed, 1, __ATOMIC_RELAXED);
  }
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

static int maximize(const Network *network, const Request *request, int threads) {
  const int width = network->width, states = request->states;
  const int is_copied = states >= STATES_OF_A_COPY;
  Job job = {.network = network,
             .request = request,
             .inner = {.inputs = width, .outputs = 2 * width, .is_copied = is_copied},
             .outer = {.inputs = 2 * width, .outputs = 2 * width, .is_copied = is_copied}};
  const int common = count_common(&job);
  const size_t inner = lay_out_packed(&job.inner, NULL);
  const size_t outer = lay_out_packed(&job.outer, NULL);
  char *memory =
      allocate(inner + outer + lay_out_common(&job.common, common, width, NULL));
  if (!memory) return -1;
  lay_out_packed(&job.inner, memory);
  lay_out_packed(&job.outer, memory + inner);
  lay_out_common(&job.common, common, width, memory + inner + outer);
  pack(network->inner_w, &job.inner);
  pack(network->outer_w, &job.outer);
  job.failed = common >= BLOCK && !set_common(&job, common);
  if (!job.failed) run_on(states < 1 ? 1 : states < threads ? states : threads, &job);
  free(memory);
  return job.failed ? -1 : 0;
}
