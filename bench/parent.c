/* The bench's corporate proxy: one thread, no allocation per request, so that it is never the bottleneck.
   Two listening ports on 127.0.0.1: the first wants NTLM on every connection and believes any Type 3,
   the second is open. Prints "auth PORT open PORT" and serves until it is killed.
     GET …/1k, …/1m   a body of that size, Content-Length, keep-alive unless told to close
     CONNECT x:1      a source that floods    x:2 a sink    any other port: an echo
   Only loopback, only this bench: it trusts its peers and serves no files. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { HEAD_SIZE = 16384, FLOOD_SIZE = 256 * 1024, MEGABYTE = 1024 * 1024, EVENTS = 256 };

enum mode { REQUESTS, SOURCE, SINK, ECHO };

struct message {
  const char *bytes;
  size_t size;
};

struct connection {
  int fd;
  enum mode mode;
  int authenticated, open_port, closing, writable_wanted;
  size_t in_size, skip;      /* bytes in `in`; bytes of a request body still to be dropped */
  const char *out;           /* what still has to be sent: reading rests until then */
  size_t out_left;
  char in[HEAD_SIZE];
};

static int epoll;
static struct message bare_407, challenge_407, small[2], large[2], established, not_found, flood;

static struct message made(char *bytes, size_t size) {
  return (struct message){bytes, size};
}

static struct message text(const char *bytes) {
  return made(strdup(bytes), strlen(bytes));
}

static struct message body_of(size_t size, int close) {
  char head[256];
  int head_size = snprintf(head, sizeof head,
      "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %zu\r\n%s\r\n", size,
      close ? "Connection: close\r\nProxy-Connection: close\r\n"
            : "Connection: keep-alive\r\nProxy-Connection: keep-alive\r\n");
  char *bytes = malloc(head_size + size);
  memcpy(bytes, head, head_size);
  memset(bytes + head_size, 'x', size);
  return made(bytes, head_size + size);
}

static struct message refusal(const char *token) {
  static const char page[] = "<html><body>Sign in first.</body></html>\n";
  char bytes[1024];
  snprintf(bytes, sizeof bytes,
      "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: NTLM%s%s\r\n"
      "Content-Type: text/html\r\nContent-Length: %zu\r\n"
      "Connection: keep-alive\r\nProxy-Connection: keep-alive\r\n\r\n%s",
      *token ? " " : "", token, sizeof page - 1, page);
  return text(bytes);
}

static void base64(const uint8_t *in, size_t size, char *out) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < size; i += 3) {
    uint32_t three = in[i] << 16 | (i + 1 < size ? in[i + 1] << 8 : 0) | (i + 2 < size ? in[i + 2] : 0);
    *out++ = digits[three >> 18];
    *out++ = digits[three >> 12 & 63];
    *out++ = i + 1 < size ? digits[three >> 6 & 63] : '=';
    *out++ = i + 2 < size ? digits[three & 63] : '=';
  }
  *out = 0;
}

static size_t utf16(uint8_t *out, const char *ascii) {
  size_t size = 0;
  for (; *ascii; ascii++) out[size++] = *ascii, out[size++] = 0;
  return size;
}

static void put(uint8_t *out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; i++) out[i] = value >> 8 * i;
}

static size_t pair(uint8_t *out, int id, const char *ascii) {
  size_t size = utf16(out + 4, ascii);
  put(out, id, 2);
  put(out + 2, size, 2);
  return 4 + size;
}

/* CHALLENGE_MESSAGE, [MS-NLMP] 2.2.1.2, always the same. */
static struct message challenge(void) {
  uint8_t message[512] = "NTLMSSP";
  char token[700];
  size_t name_size = utf16(message + 56, "LAB"), info = 56 + name_size, end = info;
  end += pair(message + end, 2, "LAB");
  end += pair(message + end, 1, "PARENT");
  end += pair(message + end, 4, "lab.example");
  end += pair(message + end, 3, "parent.lab.example");
  put(message + end, 7, 2), put(message + end + 2, 8, 2);
  put(message + end + 4, 133800000000000000, 8); /* MsvAvTimestamp: 100 ns since 1601 */
  end += 12 + 4;                                 /* and MsvAvEOL, four zero bytes */
  put(message + 8, 2, 4);
  put(message + 12, name_size, 2), put(message + 14, name_size, 2), put(message + 16, 56, 4);
  put(message + 20, 0xA2898205, 4);
  memcpy(message + 24, "\x01\x23\x45\x67\x89\xab\xcd\xef", 8);
  put(message + 40, end - info, 2), put(message + 42, end - info, 2), put(message + 44, info, 4);
  memcpy(message + 48, "\x0a\x00\x7c\x4f\x00\x00\x00\x0f", 8);
  base64(message, end, token);
  return refusal(token);
}

static void wait_for(struct connection *c, int writable) {
  if (c->writable_wanted == writable) return;
  c->writable_wanted = writable;
  struct epoll_event event = {.events = writable ? EPOLLOUT : EPOLLIN, .data.ptr = c};
  epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
}

static void end(struct connection *c) {
  close(c->fd);
  free(c);
}

/* Sends what it can. 1: all sent, 0: the socket is full, -1: the connection is gone (and freed). */
static int flush(struct connection *c) {
  while (c->out_left > 0) {
    ssize_t sent = send(c->fd, c->out, c->out_left, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return wait_for(c, 1), 0;
    if (sent < 0) return end(c), -1;
    c->out += sent;
    c->out_left -= sent;
    if (c->out_left == 0 && c->mode == SOURCE) {
      c->out = flood.bytes, c->out_left = flood.size;
      return wait_for(c, 1), 0; /* one piece at a time, so that others get their turn */
    }
  }
  if (c->closing) return end(c), -1;
  wait_for(c, 0);
  return 1;
}

static int reply(struct connection *c, struct message m) {
  c->out = m.bytes;
  c->out_left = m.size;
  return flush(c);
}

/* The value of a field, or NULL. `name` holds its line break and colon; `head` ends with NUL. */
static const char *field(const char *head, const char *name) {
  const char *found = strcasestr(head, name);
  if (!found) return NULL;
  found += strlen(name);
  return found + strspn(found, " \t");
}

static int says_close(const char *value) {
  return value && strncasecmp(value, "close", 5) == 0;
}

static int answer(struct connection *c, const char *head) {
  const char *length = field(head, "\r\nContent-Length:");
  const char *token = c->open_port ? NULL : field(head, "\r\nProxy-Authorization:");
  c->skip = length ? strtoul(length, NULL, 10) : 0;

  if (token && strncmp(token, "NTLM TlRMTVNTUAAB", 17) == 0) return reply(c, challenge_407);
  if (token && strncmp(token, "NTLM TlRMTVNTUAAD", 17) == 0) c->authenticated = 1;
  if (!c->authenticated) return reply(c, bare_407);

  const char *target = strchr(head, ' '), *target_end = target ? strpbrk(target + 1, " \r") : NULL;
  if (!target_end) return end(c), -1;
  if (strncmp(head, "CONNECT ", 8) == 0) {
    const char *colon = memrchr(target, ':', target_end - target);
    int port = colon ? atoi(colon + 1) : 0;
    c->mode = port == 1 ? SOURCE : port == 2 ? SINK : ECHO;
    return reply(c, established);
  }
  c->closing = says_close(field(head, "\r\nConnection:")) || says_close(field(head, "\r\nProxy-Connection:"));
  const char *path = target + 1, *scheme = strstr(path, "://");
  if (scheme && scheme < target_end) path = strchr(scheme + 3, '/');
  if (path && strncmp(path, "/1k", 3) == 0) return reply(c, small[c->closing]);
  if (path && strncmp(path, "/1m", 3) == 0) return reply(c, large[c->closing]);
  return reply(c, not_found);
}

/* Answers every whole request in `in`; stops while an answer cannot be sent. */
static int requests(struct connection *c) {
  for (;;) {
    size_t dropped = c->skip < c->in_size ? c->skip : c->in_size;
    c->skip -= dropped;
    c->in_size -= dropped;
    if (dropped > 0) memmove(c->in, c->in + dropped, c->in_size);
    if (c->in_size == 0 || c->mode != REQUESTS) return 1;

    char *stop = memmem(c->in, c->in_size, "\r\n\r\n", 4);
    if (!stop) return c->in_size == HEAD_SIZE ? (end(c), -1) : 1;
    stop[2] = 0;
    size_t used = stop + 4 - c->in;
    int state = answer(c, c->in);
    if (state < 0) return -1;
    c->in_size -= used;
    if (c->in_size > 0) memmove(c->in, stop + 4, c->in_size);
    if (state == 0) return 0;
  }
}

static void readable(struct connection *c) {
  if (c->mode == SINK) {
    /* MSG_TRUNC on TCP throws the bytes away in the kernel: tcp(7). */
    ssize_t got = recv(c->fd, NULL, MEGABYTE, MSG_TRUNC);
    if (got == 0 || (got < 0 && errno != EAGAIN)) end(c);
    return;
  }
  size_t room = c->mode == ECHO ? HEAD_SIZE : HEAD_SIZE - c->in_size;
  ssize_t got = recv(c->fd, c->mode == ECHO ? c->in : c->in + c->in_size, room, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) return end(c);
  if (c->mode == ECHO) {
    reply(c, made(c->in, got));
    return;
  }
  c->in_size += got;
  requests(c);
}

static void accept_all(int listener, int open_port) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0) return;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct connection *c = malloc(sizeof *c); /* `in` stays untouched, so idle tunnels stay small */
    memset(c, 0, offsetof(struct connection, in));
    c->fd = fd;
    c->open_port = c->authenticated = open_port;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  }
}

static int listen_on_loopback(int *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 4096) < 0) {
    perror("parent");
    exit(1);
  }
  getsockname(fd, (struct sockaddr *)&address, &size);
  *port = ntohs(address.sin_port);
  return fd;
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  bare_407 = refusal("");
  challenge_407 = challenge();
  for (int close = 0; close < 2; close++) small[close] = body_of(1024, close), large[close] = body_of(MEGABYTE, close);
  established = text("HTTP/1.1 200 Connection established\r\n\r\n");
  not_found = text("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
  flood = made(calloc(1, FLOOD_SIZE), FLOOD_SIZE);

  int ports[2], listeners[2];
  epoll = epoll_create1(0);
  for (int i = 0; i < 2; i++) {
    listeners[i] = listen_on_loopback(&ports[i]);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &listeners[i]};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listeners[i], &event);
  }
  printf("auth %d open %d\n", ports[0], ports[1]);
  fflush(stdout);

  struct epoll_event events[EVENTS];
  for (;;) {
    int count = epoll_wait(epoll, events, EVENTS, -1);
    for (int i = 0; i < count; i++) {
      void *what = events[i].data.ptr;
      if (what == &listeners[0] || what == &listeners[1]) {
        accept_all(*(int *)what, what == &listeners[1]);
        continue;
      }
      struct connection *c = what;
      if (events[i].events & (EPOLLERR | EPOLLHUP)) end(c);
      else if (!c->writable_wanted) readable(c);
      else if (flush(c) == 1 && c->mode == REQUESTS && c->in_size > 0) requests(c);
    }
  }
}
