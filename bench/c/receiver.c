/**
 * The floor: receives with `recvmmsg` and does nothing else, so no forwarder can cost less.
 *
 * How many packets have come it says in a file that the load generator maps too: a store to memory, free of
 * system calls.
 *
 * Usage: receiver CLIENT_PORT COUNTER_FILE
 */

#include "udp.h"
#include <fcntl.h>
#include <sys/mman.h>

int main(int argc, char **argv) {
  demand(argc == 3, "usage: receiver CLIENT_PORT COUNTER_FILE");
  static struct batch batch;
  int clients = open_udp(INADDR_LOOPBACK, atoi(argv[1]));
  int file = open(argv[2], O_RDWR);
  demand(file >= 0, argv[2]);
  volatile uint64_t *received = mmap(NULL, sizeof *received, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  demand((void *)received != MAP_FAILED, "mmap");
  puts("ready");
  fflush(stdout);
  for (;;) {
    prepare_batch(&batch);
    int count = recvmmsg(clients, batch.messages, BATCH, MSG_WAITFORONE, NULL);
    if (count > 0) *received += count;
  }
}
