/** What the C programs of the benchmarks share: opening a UDP socket, and batches of preallocated datagrams. */

#ifndef FIRSTHOP_BENCH_UDP_H
#define FIRSTHOP_BENCH_UDP_H

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { BATCH = 64, SLOT_BYTES = 2048, HEADROOM_BYTES = 32, BUFFER_BYTES = 4 << 20 };

static void demand(int ok, const char *what) {
  if (ok) return;
  perror(what);
  exit(1);
}

static struct sockaddr_in endpoint(uint32_t address, int port) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
  at.sin_addr.s_addr = htonl(address);
  return at;
}

/** Opens an IPv4 socket with large buffers. */
static int open_udp(uint32_t address, int port) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int bytes = BUFFER_BYTES;
  struct sockaddr_in at = endpoint(address, port);
  demand(fd >= 0, "socket");
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  demand(bind(fd, (struct sockaddr *)&at, sizeof at) == 0, "bind");
  return fd;
}

/** One `recvmmsg` or `sendmmsg` worth of datagrams, each in its slot behind some headroom. */
struct batch {
  struct mmsghdr messages[BATCH];
  struct iovec vectors[BATCH];
  struct sockaddr_in names[BATCH];
  uint8_t slots[BATCH][SLOT_BYTES];
};

/** Points every message at its slot, for `recvmmsg` to fill. */
static void prepare_batch(struct batch *batch) {
  for (int i = 0; i < BATCH; i++) {
    batch->vectors[i].iov_base = batch->slots[i] + HEADROOM_BYTES;
    batch->vectors[i].iov_len = SLOT_BYTES - HEADROOM_BYTES;
    batch->messages[i].msg_hdr.msg_iov = &batch->vectors[i];
    batch->messages[i].msg_hdr.msg_iovlen = 1;
    batch->messages[i].msg_hdr.msg_name = &batch->names[i];
    batch->messages[i].msg_hdr.msg_namelen = sizeof batch->names[i];
  }
}

#endif
