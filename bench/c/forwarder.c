/**
 * The plain C forwarder that the relay is measured against: `recvmmsg`, `sendmmsg`, nothing else.
 *
 * A client's packet goes to the upstream behind the link's header and one frame header; a frame from the upstream
 * goes to the client that it names. No table, no checks, no bundling: what a careful C program does for each
 * packet if it treats packets one by one.
 *
 * Usage: forwarder CLIENT_PORT LINK_PORT UPSTREAM_PORT
 */

#include "link.h"
#include <poll.h>

static const uint8_t COOKIE[COOKIE_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8};

static void send_all(int fd, struct batch *batch, int count) {
  for (int sent = 0; sent < count;) {
    int taken = sendmmsg(fd, batch->messages + sent, count - sent, 0);
    sent += taken > 0 ? taken : 1;
  }
}

static void forward_clients(int clients, int link, struct sockaddr_in *upstream, struct batch *batch) {
  prepare_batch(batch);
  int received = recvmmsg(clients, batch->messages, BATCH, MSG_DONTWAIT, NULL);
  for (int i = 0; i < received; i++) {
    int length = batch->messages[i].msg_len;
    uint8_t *frame = batch->slots[i] + HEADROOM_BYTES - FRAME_HEADER_BYTES;
    write_frame_header(frame, length, 0, &batch->names[i]);
    write_link_header(frame - LINK_HEADER_BYTES, COOKIE);
    batch->vectors[i].iov_base = frame - LINK_HEADER_BYTES;
    batch->vectors[i].iov_len = LINK_HEADER_BYTES + FRAME_HEADER_BYTES + length;
    batch->messages[i].msg_hdr.msg_name = upstream;
    batch->messages[i].msg_hdr.msg_namelen = sizeof *upstream;
  }
  send_all(link, batch, received);
}

static void forward_link(int link, int clients, struct batch *batch) {
  prepare_batch(batch);
  int received = recvmmsg(link, batch->messages, BATCH, MSG_DONTWAIT, NULL);
  for (int i = 0; i < received; i++) {
    uint8_t *frame = batch->slots[i] + HEADROOM_BYTES + LINK_HEADER_BYTES;
    uint8_t *end = batch->slots[i] + HEADROOM_BYTES + batch->messages[i].msg_len;
    int length = read_frame_header(frame, end, &batch->names[i]);
    batch->vectors[i].iov_base = frame + FRAME_HEADER_BYTES;
    batch->vectors[i].iov_len = length < 0 ? 0 : length;
  }
  send_all(clients, batch, received);
}

int main(int argc, char **argv) {
  demand(argc == 4, "usage: forwarder CLIENT_PORT LINK_PORT UPSTREAM_PORT");
  static struct batch batch;
  int clients = open_udp(INADDR_LOOPBACK, atoi(argv[1]));
  int link = open_udp(INADDR_LOOPBACK, atoi(argv[2]));
  struct sockaddr_in upstream = endpoint(INADDR_LOOPBACK, atoi(argv[3]));
  struct pollfd ready[2] = {{.fd = clients, .events = POLLIN}, {.fd = link, .events = POLLIN}};
  puts("ready");
  fflush(stdout);
  for (;;) {
    poll(ready, 2, -1);
    if (ready[0].revents) forward_clients(clients, link, &upstream, &batch);
    if (ready[1].revents) forward_link(link, clients, &batch);
  }
}
