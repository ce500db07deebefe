#define _GNU_SOURCE
#include "ckernel.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

int bs_timer(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC); }

int bs_timer_set(int fd, int64_t nanoseconds) {
  struct itimerspec when = {.it_value = {nanoseconds / 1000000000, nanoseconds % 1000000000}};
  return timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL);
}

int bs_poller(void) { return epoll_create1(EPOLL_CLOEXEC); }

int bs_poller_add(int poller, int fd, uint32_t tag) {
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = tag};
  return epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

int bs_poller_wait(int poller, int timeout_milliseconds, uint32_t *tags) {
  struct epoll_event events[32];
  int count = epoll_wait(poller, events, 32, timeout_milliseconds);
  if (count < 0) return errno == EINTR ? 0 : -1;
  *tags = 0;
  for (int i = 0; i < count; i++) *tags |= events[i].data.u32;
  return count;
}

int bs_receive_many(int fd, uint8_t *buffer, uint32_t slot_bytes, uint32_t *lengths, int count) {
  enum { most = 64 };
  struct mmsghdr messages[most];
  struct iovec places[most];
  if (count > most) count = most;
  memset(messages, 0, sizeof messages[0] * (size_t)count);
  for (int i = 0; i < count; i++) {
    places[i] = (struct iovec){buffer + (size_t)i * slot_bytes, slot_bytes};
    messages[i].msg_hdr.msg_iov = &places[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  int received;
  do received = recvmmsg(fd, messages, (unsigned)count, MSG_DONTWAIT | MSG_TRUNC, NULL);
  while (received < 0 && errno == EINTR);
  if (received < 0) return errno == EAGAIN ? 0 : -1;
  for (int i = 0; i < received; i++) lengths[i] = messages[i].msg_len;
  return received;
}

int bs_own_descriptor_table_with(int fd) {
  if (fd < 3) return (errno = EBADF, -1);
  if (syscall(SYS_close_range, fd + 1, ~0U, 2 /* CLOSE_RANGE_UNSHARE */) != 0) return -1;
  return fd == 3 ? 0 : (int)syscall(SYS_close_range, 3, fd - 1, 0);
}
