/* Drives CONNECT tunnels through a proxy on 127.0.0.1 and prints one number.
     tunnel-client setup PORT PARALLEL SECONDS   tunnels opened (and closed again) per second
     tunnel-client down  PORT SECONDS            megabytes per second read from one tunnel
     tunnel-client up    PORT SECONDS            megabytes per second written into one tunnel
     tunnel-client idle  PORT COUNT SECONDS      opens COUNT tunnels, prints the number, holds them
   A reply other than 200 ends the program with status 1. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { MEGABYTE = 1024 * 1024, EVENTS = 256, HEAD_SIZE = 2048 };

static int proxy_port;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what) {
  fprintf(stderr, "tunnel-client: %s: %s\n", what, errno ? strerror(errno) : "unexpected answer");
  exit(1);
}

static int start(int blocking) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(proxy_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | (blocking ? 0 : SOCK_NONBLOCK), 0), on = 1;
  if (fd < 0) fail("socket");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) fail("connect");
  return fd;
}

static void ask(int fd, int port) {
  char request[160];
  int size = snprintf(request, sizeof request,
      "CONNECT origin.example:%d HTTP/1.1\r\nHost: origin.example:%d\r\n\r\n", port, port);
  if (send(fd, request, size, MSG_NOSIGNAL) != size) fail("send");
}

/* Reads on towards the end of the head of the answer: 1 when it is there. What follows it may be lost. */
static int answered(int fd, char *head, size_t *size) {
  while (*size < HEAD_SIZE) {
    ssize_t got = recv(fd, head + *size, HEAD_SIZE - *size, 0);
    if (got < 0 && errno == EAGAIN) return 0;
    if (got <= 0) fail("closed before an answer");
    *size += got;
    if (memmem(head, *size, "\r\n\r\n", 4)) {
      errno = 0;
      if (memcmp(head, "HTTP/1.", 7) != 0 || memcmp(head + 9, "200", 3) != 0) fail("refused");
      return 1;
    }
  }
  errno = 0;
  fail("a head without end");
  return 0;
}

static int open_tunnel(int port) {
  char head[HEAD_SIZE];
  size_t size = 0;
  int fd = start(1);
  ask(fd, port);
  answered(fd, head, &size);
  return fd;
}

static void flow(int port, double seconds) {
  int fd = open_tunnel(port);
  char *bytes = calloc(1, MEGABYTE / 4);
  double began = now(), total = 0, at = began;
  while (at - began < seconds) {
    /* MSG_TRUNC on TCP throws the bytes away in the kernel: tcp(7). */
    ssize_t moved = port == 1 ? recv(fd, NULL, MEGABYTE, MSG_TRUNC) : send(fd, bytes, MEGABYTE / 4, MSG_NOSIGNAL);
    if (moved <= 0) fail("the tunnel broke");
    total += moved;
    at = now();
  }
  printf("%.1f\n", total / 1e6 / (at - began));
}

static void hold(int count, double seconds) {
  for (int i = 0; i < count; i++) open_tunnel(3);
  printf("%d\n", count);
  fflush(stdout);
  usleep(seconds * 1e6);
}

struct attempt {
  int fd, asked;
  size_t size;
  char head[HEAD_SIZE];
};

static void begin(int epoll, struct attempt *attempt) {
  attempt->fd = start(0);
  attempt->asked = 0;
  attempt->size = 0;
  struct epoll_event event = {.events = EPOLLOUT, .data.ptr = attempt};
  epoll_ctl(epoll, EPOLL_CTL_ADD, attempt->fd, &event);
}

static void set_up(int parallel, double seconds) {
  int epoll = epoll_create1(0);
  long tunnels = 0;
  struct attempt *attempts = calloc(parallel, sizeof *attempts);
  struct epoll_event events[EVENTS];
  for (int i = 0; i < parallel; i++) begin(epoll, &attempts[i]);
  double began = now(), at = began;
  while ((at = now()) - began < seconds) {
    int count = epoll_wait(epoll, events, EVENTS, 1000);
    for (int i = 0; i < count; i++) {
      struct attempt *attempt = events[i].data.ptr;
      if (!attempt->asked) {
        ask(attempt->fd, 3);
        attempt->asked = 1;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = attempt};
        epoll_ctl(epoll, EPOLL_CTL_MOD, attempt->fd, &event);
      } else if (answered(attempt->fd, attempt->head, &attempt->size)) {
        close(attempt->fd);
        tunnels++;
        begin(epoll, attempt);
      }
    }
  }
  printf("%.1f\n", tunnels / (at - began));
}

int main(int count, char **arguments) {
  const char *mode = count > 1 ? arguments[1] : "";
  proxy_port = count > 2 ? atoi(arguments[2]) : 0;
  if (!strcmp(mode, "setup") && count == 5) set_up(atoi(arguments[3]), atof(arguments[4]));
  else if (!strcmp(mode, "down") && count == 4) flow(1, atof(arguments[3]));
  else if (!strcmp(mode, "up") && count == 4) flow(2, atof(arguments[3]));
  else if (!strcmp(mode, "idle") && count == 5) hold(atoi(arguments[3]), atof(arguments[4]));
  else return fprintf(stderr, "usage: tunnel-client setup|down|up|idle PORT [COUNT] SECONDS\n"), 2;
  return 0;
}
