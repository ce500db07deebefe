/* For proxies: edge-free epoll with a 64-bit tag, accept4, pipes and splice. Failures are -1 with errno set. */
#pragma once
#include <stdint.h>

/* <sys/epoll.h>, by value: what to wait for, and what was found. */
enum { BS_READABLE = 1, BS_WRITABLE = 4, BS_FAILED = 8, BS_HUNG_UP = 16 };

struct bs_ready {
  uint64_t tag;
  uint32_t events;
};

/* Level-triggered. bs_watch adds, bs_rewatch changes what is waited for, bs_unwatch ends it. `shared` wakes one of several
   pollers only (EPOLLEXCLUSIVE). bs_await stores at most 64 results and returns their number, 0 after the time-out or a
   signal. */
int bs_watch(int poller, int fd, uint32_t events, uint64_t tag, int shared);
int bs_rewatch(int poller, int fd, uint32_t events, uint64_t tag);
int bs_unwatch(int poller, int fd);
int bs_await(int poller, int timeout_milliseconds, struct bs_ready *found, int count);

/* <sys/socket.h>, accept4: non-blocking and close-on-exec; stores the peer's address as text, `10.0.0.1:4242`. */
int bs_accept(int fd, char *peer, int peer_bytes);

/* A TCP socket, non-blocking and close-on-exec, for a numeric or named host. bs_listen binds it and listens; bs_connect begins to
   connect and returns the socket at once. bs_resolve returns 0 and the first address as text, or the code of getaddrinfo. */
int bs_listen(const char *host, const char *port, int backlog);
int bs_connect(const char *host, const char *port);
int bs_resolve(const char *host, const char *port, char *address, int address_bytes);
const char *bs_resolve_error(int code);

/* How a connection that was begun came out: 0, or its errno. */
int bs_socket_error(int fd);
/* The port a socket is bound to. */
int bs_bound_port(int fd);

/* TCP_NODELAY, SO_KEEPALIVE with probes after a minute, TCP_USER_TIMEOUT of a minute. */
int bs_tune(int fd);

/* <fcntl.h>: a non-blocking pipe that holds `bytes` if the kernel allows so many; its capacity is returned. */
int bs_pipe(int ends[2], int bytes);
/* Moves bytes without copying them through user space. */
long bs_splice(int from, int to, long count);
