/** The link's framing for IPv4 clients, as far as the C programs of the benchmarks need it: docs/link.md. */

#ifndef FIRSTHOP_BENCH_LINK_H
#define FIRSTHOP_BENCH_LINK_H

#include "udp.h"

enum { LINK_HEADER_BYTES = 12, FRAME_HEADER_BYTES = 10, COOKIE_OFFSET = 4, COOKIE_BYTES = 8, FLAG_BIND = 0x04 };

static const uint8_t LINK_MAGIC = 0x0f;

static void write_link_header(uint8_t *at, const uint8_t *cookie) {
  memset(at, 0, COOKIE_OFFSET);
  at[0] = LINK_MAGIC;
  memcpy(at + COOKIE_OFFSET, cookie, COOKIE_BYTES);
}

static void write_frame_header(uint8_t *at, int length, uint8_t flags, const struct sockaddr_in *client) {
  at[0] = length >> 8;
  at[1] = length;
  at[2] = flags;
  at[3] = 0;
  memcpy(at + 4, &client->sin_port, 2);
  memcpy(at + 6, &client->sin_addr, 4);
}

/** Reads a frame at `at`; returns the length of its payload, or -1 if it does not end before `end`. */
static int read_frame_header(const uint8_t *at, const uint8_t *end, struct sockaddr_in *client) {
  if (end - at < FRAME_HEADER_BYTES) return -1;
  int length = at[0] << 8 | at[1];
  client->sin_family = AF_INET;
  memcpy(&client->sin_port, at + 4, 2);
  memcpy(&client->sin_addr, at + 6, 4);
  return end - at < FRAME_HEADER_BYTES + length ? -1 : length;
}

#endif
