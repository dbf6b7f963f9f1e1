/**
 * An open loop: packets leave at a given rate, whatever comes back, and each says when it left.
 *
 * The peer returns every datagram to its sender as it came, and a packet that reaches its client again has made a
 * round trip. Time is cut into slices, each of which begins with nothing under way. A slice in which the
 * scheduler kept either process waiting is disturbed: what it shows is the machine's other work.
 */

#ifndef FIRSTHOP_BENCH_PACE_H
#define FIRSTHOP_BENCH_PACE_H

#include "link.h"
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

enum { MAX_SAMPLES = 1 << 20, STAMP_OFFSET = 12, MAX_BURST = 16, PATIENCE = 10 };
static const int64_t SLICE_NANOS = 5000000, DRAIN_NANOS = 20000000;
/** What the scheduler may take of a slice: for each time that it lets a process run, and in all. */
static const int64_t FAIR_NANOS_EACH = 5000, FAIR_NANOS = 50000;

/** The packets to send, round and round, and where they come out. */
struct loop {
  int client_fd, peer_fd;
  struct mmsghdr *messages;
  int count, next;
  /** Of the slice: when it began, how many packets have left, and how many of those are back. */
  int64_t begin, sent, returned;
};

/** How long the scheduler has let a process wait, and how often it has let it run. */
struct schedule {
  int64_t waited, runs;
};

static int64_t samples[MAX_SAMPLES];
static int sample_count;

static int64_t nanos(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static struct schedule read_schedule(int fd) {
  char text[96] = {0};
  long ran, waited = 0, runs = 0;
  demand(pread(fd, text, sizeof text - 1, 0) > 0, "schedstat");
  sscanf(text, "%ld %ld %ld", &ran, &waited, &runs);
  return (struct schedule){waited, runs};
}

static int is_fair(struct schedule before, struct schedule after) {
  return after.waited - before.waited <= FAIR_NANOS + FAIR_NANOS_EACH * (after.runs - before.runs);
}

/** Sends what is due by now. */
static void send_due(struct loop *loop, int64_t due) {
  int count = due - loop->sent > MAX_BURST ? MAX_BURST : due - loop->sent;
  if (count > loop->count - loop->next) count = loop->count - loop->next;
  if (count <= 0) return;
  int64_t now = nanos();
  for (int i = loop->next; i < loop->next + count; i++) {
    memcpy((uint8_t *)loop->messages[i].msg_hdr.msg_iov->iov_base + STAMP_OFFSET, &now, sizeof now);
  }
  int sent = sendmmsg(loop->client_fd, loop->messages + loop->next, count, 0);
  demand(sent > 0, "sendmmsg");
  loop->sent += sent;
  loop->next = (loop->next + sent) % loop->count;
}

/** Returns what has reached the peer to its senders. */
static void return_all(int peer_fd) {
  static struct batch batch;
  prepare_batch(&batch);
  int received = recvmmsg(peer_fd, batch.messages, BATCH, MSG_DONTWAIT, NULL);
  for (int i = 0; i < received; i++) batch.vectors[i].iov_len = batch.messages[i].msg_len;
  for (int sent = 0; sent < received;) {
    int taken = sendmmsg(peer_fd, batch.messages + sent, received - sent, 0);
    sent += taken > 0 ? taken : 1;
  }
}

/** Takes what has come back. */
static void take_returned(struct loop *loop) {
  static struct batch batch;
  prepare_batch(&batch);
  int received = recvmmsg(loop->client_fd, batch.messages, BATCH, MSG_DONTWAIT, NULL);
  int64_t now = nanos();
  for (int i = 0; i < received; i++) {
    int64_t stamp;
    memcpy(&stamp, batch.slots[i] + HEADROOM_BYTES + STAMP_OFFSET, sizeof stamp);
    if (stamp < loop->begin) continue;
    loop->returned++;
    if (sample_count < MAX_SAMPLES) samples[sample_count++] = now - stamp;
  }
}

/** Runs one slice, until everything is back or long overdue. */
static void run_slice(struct loop *loop, double rate) {
  int64_t begin = nanos(), end = begin + SLICE_NANOS, now = begin;
  loop->begin = begin;
  loop->sent = loop->returned = 0;
  for (; now < end || (loop->returned < loop->sent && now < end + DRAIN_NANOS); now = nanos()) {
    if (now < end) send_due(loop, (int64_t)((now - begin) * rate / 1e9));
    return_all(loop->peer_fd);
    take_returned(loop);
  }
}

static int compare_samples(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

/** The sample that this share of all does not exceed. */
static long quantile(double share) {
  return sample_count == 0 ? -1 : samples[(int)(share * (sample_count - 1))];
}

/**
 * Offers `rate` packets a second until there are `millis` of slices that nobody disturbed, or for ten times as
 * long, and tells how those went:
 *
 *     SLICES DISTURBED SENT LOST P50 P99 P999        the last three in nanoseconds
 */
static void pace(struct loop *loop, int pid, double rate, int warm_millis, int millis) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/schedstat", pid);
  int own = open("/proc/self/schedstat", O_RDONLY), other = open(path, O_RDONLY);
  int64_t sent = 0, lost = 0, end = nanos() + warm_millis * 1000000LL;
  int slices = 0, disturbed = 0;
  while (nanos() < end) run_slice(loop, rate);
  sample_count = 0;
  int wanted = millis * 1000000LL / SLICE_NANOS;
  for (end = nanos() + PATIENCE * millis * 1000000LL; slices - disturbed < wanted && nanos() < end;) {
    int samples_before = sample_count;
    struct schedule own_before = read_schedule(own), other_before = read_schedule(other);
    run_slice(loop, rate);
    slices++;
    if (is_fair(own_before, read_schedule(own)) && is_fair(other_before, read_schedule(other))) {
      sent += loop->sent;
      lost += loop->sent - loop->returned;
    } else {
      disturbed++;
      sample_count = samples_before;
    }
  }
  close(own);
  close(other);
  qsort(samples, sample_count, sizeof samples[0], compare_samples);
  printf("%d %d %ld %ld %ld %ld %ld\n", slices, disturbed, (long)sent, (long)lost, quantile(0.5), quantile(0.99),
         quantile(0.999));
}

#endif
