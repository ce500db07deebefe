#define _GNU_SOURCE
#include "disk.h"

#include <fcntl.h>
#include <linux/fs.h>
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

int bs_probe_pre_content(const char *directory) {
  int fd = fanotify_init(FAN_CLASS_PRE_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY);
  if (fd < 0) return -1;
  /* The directory itself, without what is in it: nobody's file operation ever waits for us. */
  int marked = fanotify_mark(fd, FAN_MARK_ADD, FAN_PRE_ACCESS, AT_FDCWD, directory);
  close(fd);
  return marked == 0;
}
