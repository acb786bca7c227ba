// How fast memory is read: THREADS threads sum 1 GiB, each over four streams. Prints GB/s of every round.
// The streams lie an odd distance apart: at a power of two they fall on the same banks, which costs almost half.
//   cc -O3 -march=native bandwidth.c -o bandwidth -lpthread && ./bandwidth THREADS ROUNDS
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

enum { STREAMS = 4, LINE = 8, AHEAD = 64 };  // in words of 8 bytes; 512 bytes are fetched ahead
static const size_t BYTES = (size_t)1 << 30;
static const size_t ODD = 5 * (4096 + 256);  // words by which streams and threads are shifted against a power of two

static uint64_t *memory;
static int threads, rounds;
static pthread_barrier_t barrier;
static volatile uint64_t sink;

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t sum(const uint64_t *at, size_t words) {
  uint64_t lanes[LINE] = {0};
  size_t part = words / STREAMS - ODD;
  for (size_t i = 0; i + LINE <= part; i += LINE) {
    for (int s = 0; s < STREAMS; s++) {
      const uint64_t *line = at + s * part + i;
      __builtin_prefetch(line + AHEAD);
      for (int j = 0; j < LINE; j++) lanes[j] += line[j];
    }
  }
  uint64_t total = 0;
  for (int j = 0; j < LINE; j++) total += lanes[j];
  return total;
}

static void *worker(void *index) {
  size_t words = BYTES / sizeof(uint64_t) / (size_t)threads - ODD;
  uint64_t *mine = memory + (size_t)(intptr_t)index * words;
  for (size_t i = 0; i < words; i += 512) mine[i] = i;
  for (int r = 0; r < rounds; r++) {
    pthread_barrier_wait(&barrier);
    double start = seconds();
    sink += sum(mine, words);
    pthread_barrier_wait(&barrier);
    if (index == 0) printf("%.2f\n", (double)((words - STREAMS * ODD) * sizeof(uint64_t) * (size_t)threads) / (seconds() - start) / 1e9);
  }
  return NULL;
}

int main(int count, char **arguments) {
  threads = count > 1 ? atoi(arguments[1]) : 2;
  rounds = count > 2 ? atoi(arguments[2]) : 9;
  if (threads < 1 || threads > 256 || rounds < 1) return 2;
  memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  madvise(memory, BYTES, MADV_HUGEPAGE);
  pthread_barrier_init(&barrier, NULL, (unsigned)threads);
  pthread_t *ids = calloc((size_t)threads, sizeof *ids);
  for (intptr_t i = 0; i < threads; i++) pthread_create(&ids[i], NULL, worker, (void *)i);
  for (int i = 0; i < threads; i++) pthread_join(ids[i], NULL);
  return 0;
}
