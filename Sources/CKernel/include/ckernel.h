/* What Swift's Glibc module cannot import: system calls without a wrapper, macros with arguments, and the one
   piece of code that must run between fork and exec. Plain functions, prefix bs_; failures are -1 with errno set. */
#pragma once
#include <stdint.h>
#include <sys/types.h>
#include "clockadjust.h"
#include "ctrace.h"

#include "disk.h"
#include "relay.h"

/* <sched.h>: enter the namespace behind fd (setns), leave for a new one (unshare). Affects the calling thread only. */
int bs_setns_net(int fd);
int bs_unshare_net(void);

/* <pthread.h>: runs body(context) to its end on a new thread inside the network namespace behind fd, so that no thread
   of ours ever changes its namespace. Returns 0, or the errno of pthread_create or setns, and then body did not run. */
int bs_run_in_netns(int fd, void (*body)(void *context), void *context);

/* <sys/syscall.h> */
int bs_pidfd_open(pid_t pid);
int bs_pidfd_send_signal(int pidfd, int signal);
pid_t bs_gettid(void);

/* <signal.h>: from now on each of these signals is a byte with its number in a pipe, whose reading end this returns
   (non-blocking; a pipe that is full loses repeats), or -1 with errno. Once in a process. */
int bs_signal_pipe(const int *signals, int count);

/* <sys/mount.h>: bind-mount source over target, and lazily unmount it; make directory a mount of its own whose changes other
   mount namespaces see, if it is none yet. */
int bs_bind_mount(const char *source, const char *target);
int bs_unmount(const char *target);
int bs_share_directory(const char *directory);

/* <sys/wait.h>: reaps a child by pid. Returns 1 and fills the two words when it ended, 0 when it still runs (only with
   no_hang), -1 on error. exit_code is -1 if a signal ended it; signal is 0 otherwise. */
int bs_wait(pid_t pid, int no_hang, int *exit_code, int *signal);

/* <sys/eventfd.h>, <sys/prctl.h> */
int bs_eventfd(void);
int bs_set_thread_name(const char *name);
int bs_set_parent_death_signal(int signal);

/* <sys/stat.h>: device and inode of an open file, which identify a namespace. */
int bs_identity(int fd, uint64_t *device, uint64_t *inode);

/* <fcntl.h>: open() and fcntl() are variadic. */
int bs_open(const char *path, int flags, mode_t mode);
int bs_flags_open_append(void);
int bs_set_nonblocking(int fd, int on);
int bs_try_lock_exclusive(int fd);

/* <linux/close_range.h>: gives the calling thread a descriptor table of its own, in which only 0, 1 and 2 are open. */
int bs_own_descriptor_table(void);

/* The same, but that `fd`, at least 3, stays open too. */
int bs_own_descriptor_table_with(int fd);

/* <sys/timerfd.h>: a timer on CLOCK_MONOTONIC, to be read as 8 bytes once it has fired, never blocking; and the moment at
   which it fires, at once if that is past, never for 0. Setting it takes back a firing that was not read. */
int bs_timer(void);
int bs_timer_set(int fd, int64_t nanoseconds);

/* <sys/epoll.h>: waits for several descriptors to become readable. A tag is one bit of its own for each of them.
   bs_poller_wait stores the bits of those that are, and returns their number, 0 after the timeout or a signal. */
int bs_poller(void);
int bs_poller_add(int poller, int fd, uint32_t tag);
int bs_poller_wait(int poller, int timeout_milliseconds, uint32_t *tags);

/* <sys/socket.h>, recvmmsg: receives what is there, at most `count` and 64 datagrams, each into a slot of its own, and
   stores their true lengths, which exceed `slot_bytes` where one was cut off. Returns how many, 0 if there was none. */
int bs_receive_many(int fd, uint8_t *buffer, uint32_t slot_bytes, uint32_t *lengths, int count);

struct bs_spawn_request {
  const char *path;            /* absolute path of the program */
  char *const *arguments;      /* argv, NULL-terminated */
  char *const *environment;    /* envp, NULL-terminated */
  const char *directory;       /* working directory, or NULL to keep ours */
  int network_namespace;       /* fd of a network namespace to enter, or -1 */
  const char *time_offsets;    /* lines for timens_offsets of a time namespace of its own, or NULL to stay in ours */
  int standard_input;          /* fds that become 0, 1 and 2; -1 gives /dev/null */
  int standard_output;
  int standard_error;
  int64_t user;                /* uid and gid to become, or -1 to stay who we are */
  int64_t group;
  int parent_death_signal;     /* signal sent when the spawning thread dies, or 0 */
  int new_session;             /* 1: own session and process group */
  const int *control_groups;   /* fds of files cgroup.procs, open for writing, whose groups it enters */
  int control_group_count;
};

/* Starts a program. Returns its pid and stores a pidfd, or returns -1 with errno of the step that failed, whose name
   is stored in *step. Nothing of ours is inherited but the three standard fds. */
pid_t bs_spawn(const struct bs_spawn_request *request, int *pidfd, const char **step);

/* <sys/shm.h>: removes the System V segment `id` if it still has this key and creator and nobody is attached. Returns 1
   when it removed it, 0 when there is no such segment or it is in use, -1 on error. */
int bs_remove_shared_memory(int id, int64_t key, uid_t creator);

