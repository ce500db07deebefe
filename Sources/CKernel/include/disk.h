/* What Swift's Glibc module lacks about files and mounts: GNU functions and flags, and ioctls. Failures are -1 with
   errno set. */
#pragma once
#include <stdint.h>
#include <sys/types.h>

/* <fcntl.h> */
int bs_flag_path(void);
int bs_flag_direct(void);
int bs_fallocate(int fd, int mode, off_t offset, off_t length);
int bs_renameat2(int old_directory, const char *old_name, int new_directory, const char *new_name, unsigned flags);

/* <sys/xattr.h> */
ssize_t bs_getxattr(const char *path, const char *name, void *value, size_t size);
ssize_t bs_listxattr(const char *path, char *names, size_t size);
int bs_setxattr(const char *path, const char *name, const void *value, size_t size, int flags);
int bs_removexattr(const char *path, const char *name);

/* <sys/prctl.h>: how late the calling thread's timers may be, inherited by those that it starts; and that memory which
   it asks for is never made free by writing to the file system that it serves. */
int bs_set_timer_slack(unsigned long nanoseconds);
int bs_set_io_flusher(void);

/* <sys/mount.h>: unmounts what is mounted at the path itself, following no link; lazily: for new uses only. */
int bs_unmount_here(const char *target, int lazily);

/* <linux/fs.h>: stops and goes on with all writing to the file system behind fd. */
int bs_freeze(int fd);
int bs_thaw(int fd);

/* <sys/fanotify.h>: whether the kernel has events before a file's content is used: 1 or 0, -1 when it cannot be asked. */
/* An event of fanotify: an open file whose content is about to be used, and who is about to. */
struct bs_content_event { int fd; int pid; };

/* fanotify(7): a group that is asked before content is used (Linux 6.14); the fd, or -1 with errno. */
int bs_content_group(void);
/* Has the group asked about the files in one directory. Returns 0, or -1 with errno. */
int bs_content_mark(int fd, const char *directory);
/* Waits less than a second for a question. Returns more than 0 if there is one. */
int bs_content_wait(int fd, long nanoseconds);
/* Takes at most `count` questions. Returns how many, or -1 with errno (EAGAIN: none). Each must be answered. */
int bs_content_read(int fd, struct bs_content_event *events, int count);
/* Lets whoever waits for it go on, and closes the event's fd. */
void bs_content_answer(int fd, int event);

int bs_probe_pre_content(const char *directory);
