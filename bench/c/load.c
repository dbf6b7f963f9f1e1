/**
 * The clients and the link peer of one contender, in one process: docs/benchmarks.md.
 *
 * Every client is an address of its own (127.1.x.y) behind one socket, named for each packet by IP_PKTINFO. The
 * peer counts the frames in the link datagrams that reach it and answers STUN checks as a transceiver does, with
 * a frame that carries BIND. A window of packets is under way at any time: the contender always has work, and
 * none is lost.
 *
 * Usage: load PID CLIENT_PORT LINK_PORT PEER_PORT MODE FLOWS_FILE [COUNTER_FILE]
 *
 * MODE is `link`, or `plain` for contenders that forward packets as they are, or `count` for one that forwards
 * none and says in COUNTER_FILE how many it got. FLOWS_FILE has, as 16-bit numbers in network order, each
 * followed by its bytes: how many flows there are, how many requests each sends first, the length of the prefix
 * of its packets, and the requests, flow by flow. Reads commands, a line each, and answers each with a line:
 *
 *     open FLOWS                                    opened FLOWS
 *     uplink FLOWS WARM_MILLIS MILLIS               PACKETS CPU_NANOS MICROS LOST
 *     downlink FLOWS FRAMES WARM_MILLIS MILLIS      the same; FRAMES is how many share a datagram of the link
 *     pace FLOWS RATE WARM_MILLIS MILLIS            undisturbed round trips at RATE a second: pace.h
 *     direct FLOWS RATE WARM_MILLIS MILLIS          the same, straight to the peer and back
 */

#include "pace.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FLOWS = 4096, PACKET_BYTES = 160, MAX_PREFIX_BYTES = 16, MAX_FRAMES = 8, SSRC_OFFSET = 8 };
enum { STUN_HEADER_BYTES = 20, STUN_LAST_FIRST_BYTE = 3, STUN_SUCCESS_BIT = 0x01 };
enum { RESEND_MICROS = 20000, GIVE_UP_MICROS = 2000000, STALL_MICROS = 1000000 };

enum mode { LINK, PLAIN, COUNT };

/** One flow: its requests, its packet, and where it comes from, which the peer of a plain contender learns. */
struct flow {
  uint8_t packet[MAX_PREFIX_BYTES + PACKET_BYTES];
  const uint8_t *requests;
  struct sockaddr_in seen_from;
};

static enum mode mode;
static int pid, flows_given, requests_per_flow, prefix_bytes, client_fd, peer_fd;
static struct sockaddr_in contender, contender_link;
static uint8_t cookie[COOKIE_BYTES];
static volatile uint64_t *counter;
static uint64_t frames_received, packets_received, packets_lost;
static uint64_t window = 2048;
static uint32_t latest_ssrc;
static struct flow flows[MAX_FLOWS];
static struct batch incoming;

/** Datagrams laid out once and sent over and over. */
struct train {
  struct mmsghdr messages[MAX_FLOWS];
  struct iovec vectors[MAX_FLOWS];
  uint8_t controls[MAX_FLOWS][CMSG_SPACE(sizeof(struct in_pktinfo))];
  struct sockaddr_in names[MAX_FLOWS];
  int count, packets_each, next;
};
static struct train uplink, downlink;
static uint8_t bundles[MAX_FLOWS][LINK_HEADER_BYTES + MAX_FRAMES * (FRAME_HEADER_BYTES + PACKET_BYTES)];

static int64_t micros(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

/** User and system time of the contender's whole process, in nanoseconds. */
static int64_t cpu_nanos(void) {
  clockid_t clock;
  struct timespec spent;
  demand(clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &spent) == 0, "the contender's CPU clock");
  return spent.tv_sec * 1000000000LL + spent.tv_nsec;
}

static struct sockaddr_in client_of(int flow) {
  return endpoint(0x7f010000 + flow + 1, 0);
}

static int flow_at(struct in_addr address) {
  return ntohl(address.s_addr) - 0x7f010001;
}

/** Lays out one message that comes from the address of `flow`. */
static void lay_client_message(struct train *train, int at, int flow, const uint8_t *bytes, int length) {
  struct msghdr *header = &train->messages[at].msg_hdr;
  train->vectors[at] = (struct iovec){(void *)bytes, length};
  *header = (struct msghdr){.msg_iov = &train->vectors[at], .msg_iovlen = 1};
  header->msg_name = &contender;
  header->msg_namelen = sizeof contender;
  header->msg_control = train->controls[at];
  header->msg_controllen = sizeof train->controls[at];
  struct cmsghdr *control = CMSG_FIRSTHDR(header);
  *control = (struct cmsghdr){CMSG_LEN(sizeof(struct in_pktinfo)), IPPROTO_IP, IP_PKTINFO};
  struct in_pktinfo source = {.ipi_spec_dst = client_of(flow).sin_addr};
  memcpy(CMSG_DATA(control), &source, sizeof source);
}

static void lay_peer_message(int at, const uint8_t *bytes, int length, struct sockaddr_in to) {
  downlink.names[at] = to;
  downlink.vectors[at] = (struct iovec){(void *)bytes, length};
  downlink.messages[at].msg_hdr = (struct msghdr){
      .msg_iov = &downlink.vectors[at], .msg_iovlen = 1, .msg_name = &downlink.names[at], .msg_namelen = sizeof to};
}

static void lay_uplink(int count) {
  for (int i = 0; i < count; i++)
    lay_client_message(&uplink, i, i, flows[i].packet, prefix_bytes + PACKET_BYTES);
  uplink.count = count;
  uplink.packets_each = 1;
  uplink.next = 0;
}

static void lay_downlink(int count, int frames, int client_port) {
  for (int first = 0, at = 0; first < count; first += frames, at++) {
    if (mode == PLAIN) {
      lay_peer_message(at, flows[at].packet + prefix_bytes, PACKET_BYTES, flows[at].seen_from);
      continue;
    }
    uint8_t *end = bundles[at];
    write_link_header(end, cookie);
    end += LINK_HEADER_BYTES;
    for (int i = first; i < first + frames; i++) {
      struct sockaddr_in client = client_of(i);
      client.sin_port = htons(client_port);
      write_frame_header(end, PACKET_BYTES, 0, &client);
      memcpy(end + FRAME_HEADER_BYTES, flows[i].packet, PACKET_BYTES);
      end += FRAME_HEADER_BYTES + PACKET_BYTES;
    }
    lay_peer_message(at, bundles[at], end - bundles[at], contender_link);
  }
  downlink.count = count / frames;
  downlink.packets_each = frames;
  downlink.next = 0;
}

/** Sends the next few datagrams of a train, 64 packets' worth; returns how many packets that was. */
static int send_some(int fd, struct train *train) {
  int count = BATCH / train->packets_each;
  if (count > train->count - train->next) count = train->count - train->next;
  int sent = sendmmsg(fd, train->messages + train->next, count, MSG_DONTWAIT);
  if (sent <= 0) return 0;
  train->next = (train->next + sent) % train->count;
  return sent * train->packets_each;
}

/** Answers a check as a transceiver does; the success response bears no attributes, which no relay reads. */
static void answer_check(const uint8_t *request, const struct sockaddr_in *client, const struct sockaddr_in *link) {
  uint8_t answer[LINK_HEADER_BYTES + FRAME_HEADER_BYTES + STUN_HEADER_BYTES];
  uint8_t *response = answer + LINK_HEADER_BYTES + FRAME_HEADER_BYTES;
  write_link_header(answer, cookie);
  write_frame_header(answer + LINK_HEADER_BYTES, STUN_HEADER_BYTES, FLAG_BIND, client);
  memcpy(response, request, STUN_HEADER_BYTES);
  response[0] |= STUN_SUCCESS_BIT;
  response[2] = response[3] = 0;
  sendto(peer_fd, answer, sizeof answer, 0, (const struct sockaddr *)link, sizeof *link);
}

/** Takes one client packet at the peer. */
static void take_packet(const uint8_t *packet, const struct sockaddr_in *client, const struct sockaddr_in *from) {
  frames_received++;
  if (packet[0] <= STUN_LAST_FIRST_BYTE) return answer_check(packet, client, from);
  memcpy(&latest_ssrc, packet + SSRC_OFFSET, sizeof latest_ssrc);
  if (mode == PLAIN && ntohl(latest_ssrc) < MAX_FLOWS) flows[ntohl(latest_ssrc)].seen_from = *from;
}

static void take_link_datagram(const uint8_t *datagram, int length, const struct sockaddr_in *from) {
  const uint8_t *at = datagram + LINK_HEADER_BYTES, *end = datagram + length;
  demand(length >= LINK_HEADER_BYTES && datagram[0] == LINK_MAGIC, "a datagram that is not of the link");
  memcpy(cookie, datagram + COOKIE_OFFSET, COOKIE_BYTES);
  while (at < end) {
    struct sockaddr_in client;
    int payload = read_frame_header(at, end, &client);
    demand(payload >= SSRC_OFFSET + 4, "a frame that cannot be");
    take_packet(at + FRAME_HEADER_BYTES, &client, from);
    at += FRAME_HEADER_BYTES + payload;
  }
}

static void drain_peer(void) {
  prepare_batch(&incoming);
  int received = recvmmsg(peer_fd, incoming.messages, BATCH, MSG_DONTWAIT, NULL);
  for (int i = 0; i < received; i++) {
    const uint8_t *datagram = incoming.slots[i] + HEADROOM_BYTES;
    if (mode == LINK) take_link_datagram(datagram, incoming.messages[i].msg_len, &incoming.names[i]);
    else take_packet(datagram, NULL, &incoming.names[i]);
  }
}

static void drain_clients(void) {
  prepare_batch(&incoming);
  int received = recvmmsg(client_fd, incoming.messages, BATCH, MSG_DONTWAIT, NULL);
  if (received > 0) packets_received += received;
}

/** Returns the flow that got an answer, or -1. */
static int receive_answer(void) {
  uint8_t bytes[SLOT_BYTES], control[64];
  struct iovec vector = {bytes, sizeof bytes};
  struct msghdr header = {
      .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  if (recvmsg(client_fd, &header, MSG_DONTWAIT) < 0) return -1;
  struct in_pktinfo info;
  memcpy(&info, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof info);
  return flow_at(info.ipi_addr);
}

static int is_at_peer(int flow) {
  drain_peer();
  return latest_ssrc == htonl(flow);
}

static int is_answered(int flow) {
  drain_peer();
  return receive_answer() == flow;
}

/** Sends a datagram of `flow` again and again until `is_done`. */
static void insist(int flow, const uint8_t *bytes, int length, int (*is_done)(int)) {
  static struct train one;
  int64_t begin = micros(), resend = begin;
  lay_client_message(&one, 0, flow, bytes, length);
  for (;;) {
    int64_t now = micros();
    if (now >= resend) {
      sendmmsg(client_fd, one.messages, 1, 0);
      resend = now + RESEND_MICROS;
    }
    if (is_done(flow)) return;
    errno = ETIMEDOUT;
    demand(now < begin + GIVE_UP_MICROS, "a flow that is not forwarded");
  }
}

/** Each flow makes its requests, and its first packet has to arrive. */
static void open_flows(int count) {
  if (mode == COUNT) return;
  for (int i = 0; i < count; i++) {
    const uint8_t *request = flows[i].requests;
    for (int k = 0; k < requests_per_flow; k++) {
      int length = request[0] << 8 | request[1];
      insist(i, request + 2, length, is_answered);
      request += 2 + length;
    }
    insist(i, flows[i].packet, prefix_bytes + PACKET_BYTES, is_at_peer);
  }
}

static uint64_t arrived(int is_uplink) {
  return mode == COUNT ? *counter : is_uplink ? frames_received : packets_received;
}

/** Queues a window of packets at the stopped contender, lets it go, and returns how many it has forwarded. */
static int forward_window(int is_uplink) {
  struct train *train = is_uplink ? &uplink : &downlink;
  uint64_t before = arrived(is_uplink);
  uint64_t sent = 0, got = 0;
  kill(pid, SIGSTOP);
  while (sent < window) sent += send_some(is_uplink ? client_fd : peer_fd, train);
  kill(pid, SIGCONT);
  int64_t give_up = micros() + STALL_MICROS;
  while (got < sent && micros() < give_up) {
    if (is_uplink) drain_peer();
    else drain_clients();
    uint64_t now_got = arrived(is_uplink) - before;
    if (now_got != got) give_up = micros() + STALL_MICROS;
    got = now_got;
  }
  packets_lost += sent - got;
  return got;
}

/** Offers window after window for a while; what comes after the warm-up counts. */
static void measure(int is_uplink, int warm_millis, int millis) {
  int64_t warm = micros() + warm_millis * 1000LL;
  while (micros() < warm) forward_window(is_uplink);
  uint64_t packets = packets_lost = 0;
  int64_t begin = micros();
  int64_t nanos = cpu_nanos();
  while (micros() < begin + millis * 1000LL) packets += forward_window(is_uplink);
  nanos = cpu_nanos() - nanos;
  printf("%lu %ld %ld %lu\n", (unsigned long)packets, (long)nanos, (long)(micros() - begin), (unsigned long)packets_lost);
}

/** Paces packets through the contender, or straight to the peer. */
static void pace_flows(int is_direct, int count, int rate, int warm_millis, int millis) {
  static struct sockaddr_in peer;
  socklen_t length = sizeof peer;
  lay_uplink(count);
  getsockname(peer_fd, (struct sockaddr *)&peer, &length);
  if (is_direct)
    for (int i = 0; i < count; i++) uplink.messages[i].msg_hdr.msg_name = &peer;
  struct loop loop = {.client_fd = client_fd, .peer_fd = peer_fd, .messages = uplink.messages, .count = count};
  pace(&loop, pid, rate, warm_millis, millis);
}

static void obey(const char *line, int client_port) {
  int count, frames, rate, warm, millis;
  if (sscanf(line, "open %d", &count) == 1) {
    open_flows(count);
    printf("opened %d\n", count);
  } else if (sscanf(line, "uplink %d %d %d", &count, &warm, &millis) == 3) {
    lay_uplink(count);
    measure(1, warm, millis);
  } else if (sscanf(line, "downlink %d %d %d %d", &count, &frames, &warm, &millis) == 4) {
    lay_downlink(count, frames, client_port);
    measure(0, warm, millis);
  } else if (sscanf(line, "pace %d %d %d %d", &count, &rate, &warm, &millis) == 4) {
    pace_flows(0, count, rate, warm, millis);
  } else if (sscanf(line, "direct %d %d %d %d", &count, &rate, &warm, &millis) == 4) {
    pace_flows(1, count, rate, warm, millis);
  }
  fflush(stdout);
}

/** Reads the flows' requests, and makes for each a packet like RTP, whose SSRC is its number. */
static void read_flows(const char *path) {
  int file = open(path, O_RDONLY);
  demand(file >= 0, path);
  const uint8_t *at = mmap(NULL, lseek(file, 0, SEEK_END), PROT_READ, MAP_PRIVATE, file, 0);
  demand(at != MAP_FAILED, path);
  flows_given = at[0] << 8 | at[1];
  requests_per_flow = at[2] << 8 | at[3];
  prefix_bytes = at[4] << 8 | at[5];
  demand(flows_given <= MAX_FLOWS && prefix_bytes <= MAX_PREFIX_BYTES, "the flows file");
  const uint8_t *prefix = at + 6;
  at = prefix + prefix_bytes;
  for (int i = 0; i < flows_given; i++) {
    uint8_t *packet = flows[i].packet;
    uint32_t ssrc = htonl(i);
    memcpy(packet, prefix, prefix_bytes);
    memset(packet + prefix_bytes, 0xa5, PACKET_BYTES);
    packet[prefix_bytes] = 0x80;
    packet[prefix_bytes + 1] = 111;
    memcpy(packet + prefix_bytes + SSRC_OFFSET, &ssrc, sizeof ssrc);
    flows[i].requests = at;
    for (int k = 0; k < requests_per_flow; k++) at += 2 + (at[0] << 8 | at[1]);
  }
}

static void map_counter(const char *path) {
  int file = open(path, O_RDONLY);
  demand(file >= 0, path);
  counter = mmap(NULL, sizeof *counter, PROT_READ, MAP_SHARED, file, 0);
  demand((void *)counter != MAP_FAILED, path);
}

int main(int argc, char **argv) {
  demand(argc >= 7, "usage: load PID CLIENT_PORT LINK_PORT PEER_PORT MODE FLOWS_FILE [COUNTER_FILE]");
  pid = atoi(argv[1]);
  contender = endpoint(INADDR_LOOPBACK, atoi(argv[2]));
  contender_link = endpoint(INADDR_LOOPBACK, atoi(argv[3]));
  mode = strcmp(argv[5], "link") == 0 ? LINK : strcmp(argv[5], "plain") == 0 ? PLAIN : COUNT;
  read_flows(argv[6]);
  if (mode == COUNT) map_counter(argv[7]);
  client_fd = open_udp(INADDR_ANY, 0);
  peer_fd = open_udp(INADDR_LOOPBACK, atoi(argv[4]));
  int on = 1;
  demand(setsockopt(client_fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) == 0, "IP_PKTINFO");
  struct sockaddr_in own;
  socklen_t length = sizeof own;
  getsockname(client_fd, (struct sockaddr *)&own, &length);
  puts("ready");
  fflush(stdout);
  char line[256];
  while (fgets(line, sizeof line, stdin)) obey(line, ntohs(own.sin_port));
}
