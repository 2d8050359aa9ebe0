// The scans as a C programmer would write them, for `gcc -O3 -march=native`: what the machine can do. Protocol: bench/external.ts.
//
//     scans bandwidth BYTES ROUNDS               GB/s of reading memory, a line a round
//     scans KIND ROWS QUERY COUNT DIMS K         hamming, inner-product or asymmetric
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void *read_file(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) exit(1);
  fseek(file, 0, SEEK_END);
  *length = ftell(file);
  rewind(file);
  void *out = aligned_alloc(64, (*length + 127) & ~(size_t)63);
  if (fread(out, 1, *length, file) != *length) exit(1);
  fclose(file);
  return out;
}

// The best so far, best first; larger is better, ties by the lower index.
static float best_score[4096];
static uint32_t best_index[4096];
static int found, wanted;

static inline void offer(float score, uint32_t index) {
  if (found == wanted && score <= best_score[found - 1]) return;
  int at = found < wanted ? found++ : found - 1;
  for (; at > 0 && best_score[at - 1] < score; at--) {
    best_score[at] = best_score[at - 1];
    best_index[at] = best_index[at - 1];
  }
  best_score[at] = score;
  best_index[at] = index;
}

// Fixed lengths let the compiler unroll and keep the query in registers.
static inline __attribute__((always_inline)) void hamming(const uint64_t *query, const uint64_t *row, uint32_t count, size_t words) {
  for (uint32_t i = 0; i < count; i++, row += words) {
    uint64_t distance = 0;
    for (size_t w = 0; w < words; w++) distance += __builtin_popcountll(query[w] ^ row[w]);
    offer(-(float)distance, i);
  }
}

static void inner_product(const float *query, const float *row, uint32_t count, size_t dims) {
  for (uint32_t i = 0; i < count; i++, row += dims) {
    float sums[64] = {0};
    size_t d = 0;
    for (; d + 64 <= dims; d += 64)
      for (int j = 0; j < 64; j++) sums[j] += query[d + j] * row[d + j];
    for (; d < dims; d++) sums[d & 63] += query[d] * row[d];
    float sum = 0;
    for (int j = 0; j < 64; j++) sum += sums[j];
    offer(sum, i);
  }
}

static void asymmetric(const float *query, const uint8_t *row, uint32_t count, size_t bytes) {
  float *tables = malloc(bytes * 1024);
  for (size_t b = 0; b < bytes; b++)
    for (int v = 0; v < 256; v++) {
      float sum = 0;
      for (int bit = 0; bit < 8; bit++) sum += v >> bit & 1 ? query[8 * b + bit] : -query[8 * b + bit];
      tables[256 * b + v] = sum;
    }
  for (uint32_t i = 0; i < count; i++, row += bytes) {
    float sums[4] = {0};
    for (size_t b = 0; b < bytes; b += 4)
      for (int j = 0; j < 4; j++) sums[j] += tables[256 * (b + j) + row[b + j]];
    offer(sums[0] + sums[1] + (sums[2] + sums[3]), i);
  }
  free(tables);
}

static int bandwidth(size_t bytes, int rounds) {
  uint64_t *data = aligned_alloc(64, bytes);
  memset(data, 1, bytes);
  for (int round = 0; round < rounds; round++) {
    double start = now();
    uint64_t sum = 0;
    for (size_t i = 0; i < bytes / 8; i++) sum += data[i];
    double ms = now() - start;
    // Never true, and the compiler does not know.
    if (sum == 1) puts("-");
    printf("%.3f\n", bytes / ms / 1e6);
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 4 && strcmp(argv[1], "bandwidth") == 0) return bandwidth(strtoull(argv[2], NULL, 10), atoi(argv[3]));
  if (argc != 7) return 1;
  size_t length;
  void *rows = read_file(argv[2], &length), *query = read_file(argv[3], &length);
  uint32_t count = strtoul(argv[4], NULL, 10);
  size_t dims = strtoul(argv[5], NULL, 10);
  wanted = atoi(argv[6]);
  if (wanted < 1 || wanted > 4096) return 1;
  printf("{\"version\": \"gcc " __VERSION__ "\"}\n");
  fflush(stdout);
  char line[16];
  while (fgets(line, sizeof line, stdin) != NULL) {
    found = 0;
    double start = now();
    if (strcmp(argv[1], "hamming") == 0) {
      if (dims == 256) hamming(query, rows, count, 4);
      else if (dims == 512) hamming(query, rows, count, 8);
      else hamming(query, rows, count, dims / 64);
    } else if (strcmp(argv[1], "inner-product") == 0) inner_product(query, rows, count, dims);
    else asymmetric(query, rows, count, dims / 8);
    double ms = now() - start;
    printf("{\"ms\": %.6f, \"indices\": [", ms);
    for (int i = 0; i < found; i++) printf(i == 0 ? "%u" : ",%u", best_index[i]);
    printf("]}\n");
    fflush(stdout);
  }
  return 0;
}
