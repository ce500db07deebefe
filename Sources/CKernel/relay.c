#define _GNU_SOURCE
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

int bs_watch(int poller, int fd, uint32_t events, uint64_t tag, int shared) {
  struct epoll_event event = {.events = events | (shared ? EPOLLEXCLUSIVE : 0), .data.u64 = tag};
  return epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

int bs_rewatch(int poller, int fd, uint32_t events, uint64_t tag) {
  struct epoll_event event = {.events = events, .data.u64 = tag};
  return epoll_ctl(poller, EPOLL_CTL_MOD, fd, &event);
}

int bs_unwatch(int poller, int fd) { return epoll_ctl(poller, EPOLL_CTL_DEL, fd, NULL); }

int bs_await(int poller, int timeout_milliseconds, struct bs_ready *found, int count) {
  struct epoll_event events[64];
  if (count > 64) count = 64;
  int got = epoll_wait(poller, events, count, timeout_milliseconds);
  if (got < 0) return errno == EINTR ? 0 : -1;
  for (int i = 0; i < got; i++) found[i] = (struct bs_ready){events[i].data.u64, events[i].events};
  return got;
}

static int text(const struct sockaddr *address, socklen_t length, char *buffer, int bytes) {
  char host[NI_MAXHOST], port[NI_MAXSERV];
  if (getnameinfo(address, length, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0) return -1;
  snprintf(buffer, (size_t)bytes, address->sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
  return 0;
}

int bs_accept(int fd, char *peer, int peer_bytes) {
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  int client = accept4(fd, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (client >= 0 && text((struct sockaddr *)&address, length, peer, peer_bytes) != 0) snprintf(peer, (size_t)peer_bytes, "?");
  return client;
}

static int lookup(const char *host, const char *port, int flags, struct addrinfo **list) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
  return getaddrinfo(host, port, &hints, list);
}

int bs_resolve(const char *host, const char *port, char *address, int address_bytes) {
  struct addrinfo *list;
  int code = lookup(host, port, 0, &list);
  if (code != 0) return code;
  code = getnameinfo(list->ai_addr, list->ai_addrlen, address, (socklen_t)address_bytes, NULL, 0, NI_NUMERICHOST);
  freeaddrinfo(list);
  return code;
}

const char *bs_resolve_error(int code) { return gai_strerror(code); }

static int opened(const char *host, const char *port, int passive, int backlog) {
  struct addrinfo *list;
  if (lookup(host, port, AI_NUMERICHOST | (passive ? AI_PASSIVE : 0), &list) != 0) return (errno = EINVAL, -1);
  int fd = socket(list->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), failed = fd < 0, on = 1;
  if (!failed && passive) {
    failed = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
             bind(fd, list->ai_addr, list->ai_addrlen) != 0 || listen(fd, backlog) != 0;
  } else if (!failed) {
    failed = connect(fd, list->ai_addr, list->ai_addrlen) != 0 && errno != EINPROGRESS;
  }
  int number = errno;
  freeaddrinfo(list);
  if (failed && fd >= 0) close(fd);
  errno = number;
  return failed ? -1 : fd;
}

int bs_listen(const char *host, const char *port, int backlog) { return opened(host, port, 1, backlog); }
int bs_connect(const char *host, const char *port) { return opened(host, port, 0, 0); }

int bs_socket_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

int bs_bound_port(int fd) {
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  if (getsockname(fd, (struct sockaddr *)&address, &length) != 0) return -1;
  if (address.ss_family == AF_INET) return ntohs(((struct sockaddr_in *)&address)->sin_port);
  return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
}

int bs_tune(int fd) {
  int on = 1, idle = 60, patience = 60000;
  return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) | setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) |
         setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle) |
         setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof patience);
}

int bs_pipe(int ends[2], int bytes) {
  if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return -1;
  int got = fcntl(ends[0], F_SETPIPE_SZ, bytes);
  return got > 0 ? got : fcntl(ends[0], F_GETPIPE_SZ);
}

long bs_splice(int from, int to, long count) {
  return splice(from, NULL, to, NULL, (size_t)count, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}
