/* fork and exec with what posix_spawn lacks: a network namespace, a time namespace, another user, a parent-death signal, and the name of
   the step that failed. Between fork and exec only async-signal-safe calls are made. */
#define _GNU_SOURCE
#include "ckernel.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum step { STEP_NONE, STEP_PIPE, STEP_FORK, STEP_NAMESPACE, STEP_TIME, STEP_OFFSETS, STEP_GROUP, STEP_SESSION, STEP_FILES, STEP_DIRECTORY, STEP_USER, STEP_EXEC, STEP_PIDFD };
static const char *const step_names[] = {"", "pipe2", "fork", "setns", "unshare(CLONE_NEWTIME)", "timens_offsets", "cgroup.procs", "setsid", "dup2", "chdir", "setuid", "execve", "pidfd_open"};

struct failure { int step; int error; };

static void fail(int report, int step) {
  struct failure f = {step, errno};
  ssize_t ignored = write(report, &f, sizeof f);
  (void)ignored;
  _exit(127);
}

static int place(int fd, int null_flags, int target) {
  int source = fd;
  if (source < 0) source = open("/dev/null", null_flags);
  if (source < 0) return -1;
  if (source == target) {
    int flags = fcntl(source, F_GETFD);
    return flags < 0 ? -1 : fcntl(source, F_SETFD, flags & ~FD_CLOEXEC);
  }
  return dup2(source, target);
}

/* The offsets can be set until the first process is in the namespace: from outside, before we enter it ourselves. */
static void enter_time_namespace(const char *offsets, int report) {
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
  if (unshare(CLONE_NEWTIME) != 0) fail(report, STEP_TIME);
  int file = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
  size_t length = strlen(offsets);
  if (file < 0 || write(file, offsets, length) != (ssize_t)length) fail(report, STEP_OFFSETS);
  close(file);
  int namespace = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
  if (namespace < 0 || setns(namespace, CLONE_NEWTIME) != 0) fail(report, STEP_TIME);
  close(namespace);
}

static void child(const struct bs_spawn_request *r, int report, pid_t parent) {
  /* The report pipe must not lie where 0, 1 and 2 will be put. */
  int high = fcntl(report, F_DUPFD_CLOEXEC, 64);
  if (high < 0) fail(report, STEP_FILES);
  report = high;

  /* Handlers first: a signal that waited during the fork must not run ours. */
  for (int s = 1; s < NSIG; s++) signal(s, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);

  /* Before it starts anything itself; 0 stands for whoever writes it. */
  for (int i = 0; i < r->control_group_count; i++)
    if (write(r->control_groups[i], "0", 1) != 1) fail(report, STEP_GROUP);
  if (r->network_namespace >= 0 && setns(r->network_namespace, CLONE_NEWNET) != 0) fail(report, STEP_NAMESPACE);
  if (r->time_offsets != NULL) enter_time_namespace(r->time_offsets, report);
  if (r->new_session && setsid() < 0) fail(report, STEP_SESSION);
  if (place(r->standard_input, O_RDONLY, 0) < 0) fail(report, STEP_FILES);
  if (place(r->standard_output, O_WRONLY, 1) < 0) fail(report, STEP_FILES);
  if (place(r->standard_error, O_WRONLY, 2) < 0) fail(report, STEP_FILES);
  /* CLOEXEC on everything else: no descendant may hold a netlink socket, or a fault would outlive us. */
  syscall(SYS_close_range, 3, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */);
  if (r->group >= 0) {
    gid_t group = (gid_t)r->group;
    if (setgroups(1, &group) != 0 || setgid(group) != 0) fail(report, STEP_USER);
  }
  if (r->user >= 0 && setuid((uid_t)r->user) != 0) fail(report, STEP_USER);
  if (r->directory != NULL && chdir(r->directory) != 0) fail(report, STEP_DIRECTORY);
  /* After setuid, which clears it. */
  if (r->parent_death_signal != 0) {
    prctl(PR_SET_PDEATHSIG, r->parent_death_signal, 0, 0, 0);
    if (getppid() != parent) _exit(127);
  }
  execve(r->path, r->arguments, r->environment);
  fail(report, STEP_EXEC);
}

pid_t bs_spawn(const struct bs_spawn_request *request, int *pidfd, const char **step) {
  int report[2];
  *pidfd = -1;
  *step = step_names[STEP_PIPE];
  if (pipe2(report, O_CLOEXEC) != 0) return -1;

  /* No signal handler of ours may run in the child. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t parent = getpid();
  pid_t pid = fork();
  if (pid == 0) {
    close(report[0]);
    child(request, report[1], parent);
  }
  int fork_error = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  close(report[1]);
  if (pid < 0) {
    close(report[0]);
    *step = step_names[STEP_FORK];
    errno = fork_error;
    return -1;
  }

  struct failure f = {STEP_NONE, 0};
  ssize_t count;
  do count = read(report[0], &f, sizeof f);
  while (count < 0 && errno == EINTR);
  close(report[0]);
  if (count == (ssize_t)sizeof f) {
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    *step = step_names[f.step];
    errno = f.error;
    return -1;
  }
  *pidfd = bs_pidfd_open(pid);
  if (*pidfd < 0) {
    int error = errno;
    kill(pid, SIGKILL);
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    *step = step_names[STEP_PIDFD];
    errno = error;
    return -1;
  }
  *step = step_names[STEP_NONE];
  return pid;
}
