#define _GNU_SOURCE
#include "ckernel.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int bs_setns_net(int fd) { return setns(fd, CLONE_NEWNET); }
int bs_unshare_net(void) { return unshare(CLONE_NEWNET); }

struct errand { int fd; void (*body)(void *); void *context; int error; };

static void *run_errand(void *argument) {
  struct errand *e = argument;
  if (setns(e->fd, CLONE_NEWNET) != 0) e->error = errno;
  else e->body(e->context);
  return NULL;
}

int bs_run_in_netns(int fd, void (*body)(void *), void *context) {
  struct errand e = {fd, body, context, 0};
  pthread_t thread;
  int error = pthread_create(&thread, NULL, run_errand, &e);
  if (error != 0) return error;
  pthread_join(thread, NULL);
  return e.error;
}

int bs_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }
int bs_pidfd_send_signal(int pidfd, int signal) { return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0); }
pid_t bs_gettid(void) { return (pid_t)syscall(SYS_gettid); }

static volatile sig_atomic_t signal_descriptor = -1;

static void write_signal(int number) {
  int saved = errno;
  unsigned char byte = (unsigned char)number;
  ssize_t ignored = write(signal_descriptor, &byte, 1); /* what does not fit is a repeat */
  (void)ignored;
  errno = saved;
}

int bs_signal_pipe(const int *signals, int count) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return -1;
  signal_descriptor = ends[1];
  struct sigaction action = {.sa_handler = write_signal, .sa_flags = SA_RESTART};
  sigfillset(&action.sa_mask);
  for (int i = 0; i < count; i++)
    if (sigaction(signals[i], &action, NULL) != 0) return -1;
  return ends[0];
}

int bs_bind_mount(const char *source, const char *target) { return mount(source, target, "none", MS_BIND, NULL); }
int bs_share_directory(const char *directory) {
  if (mount("", directory, "none", MS_SHARED | MS_REC, NULL) == 0) return 0;
  if (errno != EINVAL) return -1; /* EINVAL: nothing is mounted there yet */
  if (mount(directory, directory, "none", MS_BIND | MS_REC, NULL) != 0) return -1;
  return mount("", directory, "none", MS_SHARED | MS_REC, NULL);
}
int bs_unmount(const char *target) { return umount2(target, MNT_DETACH); }

int bs_wait(pid_t pid, int no_hang, int *exit_code, int *signal) {
  int status = 0;
  pid_t ended;
  do ended = waitpid(pid, &status, no_hang ? WNOHANG : 0);
  while (ended < 0 && errno == EINTR);
  if (ended <= 0) return (int)ended;
  *exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  *signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return 1;
}

int bs_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
int bs_set_thread_name(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }
int bs_set_parent_death_signal(int signal) { return prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0); }

int bs_identity(int fd, uint64_t *device, uint64_t *inode) {
  struct stat s;
  if (fstat(fd, &s) != 0) return -1;
  *device = s.st_dev;
  *inode = s.st_ino;
  return 0;
}

int bs_open(const char *path, int flags, mode_t mode) { return open(path, flags | O_CLOEXEC, mode); }
int bs_flags_open_append(void) { return O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC; }
int bs_set_nonblocking(int fd, int on) {
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return -1;
  return fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}
int bs_try_lock_exclusive(int fd) { return flock(fd, LOCK_EX | LOCK_NB); }

int bs_remove_shared_memory(int id, int64_t key, uid_t creator) {
  struct shmid_ds s;
  if (shmctl(id, IPC_STAT, &s) != 0) return errno == EINVAL || errno == EIDRM ? 0 : -1;
  if (s.shm_perm.__key != (key_t)key || s.shm_perm.cuid != creator || s.shm_nattch != 0) return 0;
  return shmctl(id, IPC_RMID, NULL) == 0 ? 1 : -1;
}
int bs_own_descriptor_table(void) { return (int)syscall(SYS_close_range, 3, ~0U, 2 /* CLOSE_RANGE_UNSHARE */); }
