#define _GNU_SOURCE
#include "disk.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdio.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

int bs_flag_path(void) { return O_PATH; }
int bs_flag_direct(void) { return O_DIRECT; }
int bs_fallocate(int fd, int mode, off_t offset, off_t length) { return fallocate(fd, mode, offset, length); }
int bs_renameat2(int old_directory, const char *old_name, int new_directory, const char *new_name, unsigned flags) {
  return renameat2(old_directory, old_name, new_directory, new_name, flags);
}

ssize_t bs_getxattr(const char *path, const char *name, void *value, size_t size) {
  return getxattr(path, name, value, size);
}
ssize_t bs_listxattr(const char *path, char *names, size_t size) { return listxattr(path, names, size); }
int bs_setxattr(const char *path, const char *name, const void *value, size_t size, int flags) {
  return setxattr(path, name, value, size, flags);
}
int bs_removexattr(const char *path, const char *name) { return removexattr(path, name); }

int bs_set_timer_slack(unsigned long nanoseconds) { return prctl(PR_SET_TIMERSLACK, nanoseconds, 0, 0, 0); }
int bs_set_io_flusher(void) { return prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0); }

int bs_unmount_here(const char *target, int lazily) {
  return umount2(target, UMOUNT_NOFOLLOW | (lazily ? MNT_DETACH : 0));
}

int bs_freeze(int fd) { return ioctl(fd, FIFREEZE, 0); }
int bs_thaw(int fd) { return ioctl(fd, FITHAW, 0); }

#ifndef FAN_PRE_ACCESS
#define FAN_PRE_ACCESS 0x00100000
#endif

#ifndef FAN_CLASS_PRE_CONTENT
#define FAN_CLASS_PRE_CONTENT 0x00000008
#endif

int bs_content_group(void) {
  return fanotify_init(FAN_CLASS_PRE_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY | O_LARGEFILE | O_CLOEXEC);
}
int bs_content_mark(int fd, const char *directory) {
  return fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_ONLYDIR, FAN_PRE_ACCESS | FAN_EVENT_ON_CHILD, AT_FDCWD, directory);
}
int bs_content_wait(int fd, long nanoseconds) {
  struct pollfd entry = {.fd = fd, .events = POLLIN};
  struct timespec limit = {.tv_nsec = nanoseconds};
  return ppoll(&entry, 1, &limit, NULL);
}
int bs_content_read(int fd, struct bs_content_event *events, int count) {
  /* As many as fit; what is left in the queue comes with the next call. */
  char buffer[4096] __attribute__((aligned(8)));
  size_t room = (size_t)count * sizeof(struct fanotify_event_metadata);
  ssize_t length = read(fd, buffer, room < sizeof buffer ? room : sizeof buffer);
  if (length < 0) return -1;
  int found = 0;
  struct fanotify_event_metadata *event = (struct fanotify_event_metadata *)buffer;
  for (; FAN_EVENT_OK(event, length); event = FAN_EVENT_NEXT(event, length)) {
    if (event->fd < 0) continue; /* the queue was full: whoever was not asked about went on */
    events[found].fd = event->fd;
    events[found].pid = event->pid;
    found++;
  }
  return found;
}
void bs_content_answer(int fd, int event) {
  struct fanotify_response answer = {.fd = event, .response = FAN_ALLOW};
  /* Refused only for one who does not wait any more. */
  ssize_t ignored = write(fd, &answer, sizeof answer);
  (void)ignored;
  close(event);
}

int bs_probe_pre_content(const char *directory) {
  int fd = fanotify_init(FAN_CLASS_PRE_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY);
  if (fd < 0) return -1;
  /* The directory itself, without what is in it: nobody's file operation ever waits for us. */
  int marked = fanotify_mark(fd, FAN_MARK_ADD, FAN_PRE_ACCESS, AT_FDCWD, directory);
  close(fd);
  return marked == 0;
}
