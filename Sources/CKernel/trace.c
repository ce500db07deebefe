#define _GNU_SOURCE
#include "ctrace.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif
#ifndef NT_ARM_SYSTEM_CALL
#define NT_ARM_SYSTEM_CALL 0x404
#endif
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static int request(int what, pid_t thread, void *address, uint64_t data) {
  return ptrace(what, thread, address, (void *)data) == -1 ? -1 : 0;
}

int bs_trace_seize(pid_t t, int options) { return request(PTRACE_SEIZE, t, NULL, (uint64_t)options); }
int bs_trace_interrupt(pid_t t) { return request(PTRACE_INTERRUPT, t, NULL, 0); }
int bs_trace_continue(pid_t t, int signal) { return request(PTRACE_CONT, t, NULL, (uint64_t)signal); }
int bs_trace_continue_to_syscall(pid_t t, int signal) { return request(PTRACE_SYSCALL, t, NULL, (uint64_t)signal); }
int bs_trace_step(pid_t t, int signal) { return request(PTRACE_SINGLESTEP, t, NULL, (uint64_t)signal); }
int bs_trace_listen(pid_t t) { return request(PTRACE_LISTEN, t, NULL, 0); }
int bs_trace_detach(pid_t t, int signal) { return request(PTRACE_DETACH, t, NULL, (uint64_t)signal); }
int bs_trace_set_options(pid_t t, int options) { return request(PTRACE_SETOPTIONS, t, NULL, (uint64_t)options); }

int bs_trace_option_syscalls_marked(void) { return PTRACE_O_TRACESYSGOOD; }
int bs_trace_option_clone(void) { return PTRACE_O_TRACECLONE; }
int bs_trace_option_fork(void) { return PTRACE_O_TRACEFORK; }
int bs_trace_option_vfork(void) { return PTRACE_O_TRACEVFORK; }
int bs_trace_option_exec(void) { return PTRACE_O_TRACEEXEC; }
int bs_trace_option_exit(void) { return PTRACE_O_TRACEEXIT; }

int bs_trace_event_message(pid_t t, uint64_t *message) {
  unsigned long value = 0;
  if (ptrace(PTRACE_GETEVENTMSG, t, NULL, &value) == -1) return -1;
  *message = value;
  return 0;
}

pid_t bs_trace_wait(pid_t t, int no_hang, int *status) {
  return waitpid(t, status, __WALL | __WNOTHREAD | (no_hang ? WNOHANG : 0));
}

struct bs_trace_status bs_trace_status_of(int status) {
  struct bs_trace_status s = {0, 0, 0, 0};
  if (WIFEXITED(status)) {
    s.value = WEXITSTATUS(status);
  } else if (WIFSIGNALED(status)) {
    s.kind = 1;
    s.value = WTERMSIG(status);
  } else {
    s.kind = 2;
    s.value = WSTOPSIG(status);
    s.event = (status >> 16) & 0xffff;
    if (s.value == (SIGTRAP | 0x80)) {
      s.value = SIGTRAP;
      s.system_call = 1;
    }
  }
  return s;
}

int bs_registers_get(pid_t t, struct bs_registers *r) {
  struct iovec io = {r->words, sizeof r->words};
  if (ptrace(PTRACE_GETREGSET, t, (void *)NT_PRSTATUS, &io) == -1) return -1;
  r->size = io.iov_len;
  return 0;
}

int bs_registers_set(pid_t t, const struct bs_registers *r) {
  struct iovec io = {(void *)r->words, r->size};
  return ptrace(PTRACE_SETREGSET, t, (void *)NT_PRSTATUS, &io) == -1 ? -1 : 0;
}

#if defined(__x86_64__)
#define AT(field) (offsetof(struct user_regs_struct, field) / 8)
static int slot(enum bs_register which) {
  switch (which) {
  case bs_register_instruction: return AT(rip);
  case bs_register_stack: return AT(rsp);
  case bs_register_result: return AT(rax);
  case bs_register_call_number: return AT(orig_rax);
  case bs_register_argument_0: return AT(rdi);
  case bs_register_argument_1: return AT(rsi);
  case bs_register_argument_2: return AT(rdx);
  case bs_register_argument_3: return AT(r10);
  case bs_register_argument_4: return AT(r8);
  case bs_register_argument_5: return AT(r9);
  case bs_register_frame: return AT(rbp);
  case bs_register_link: return -1;
  }
  return -1;
}
int bs_trace_skip_call(pid_t t, struct bs_registers *r) {
  r->words[AT(orig_rax)] = (uint64_t)-1;
  return bs_registers_set(t, r);
}
#elif defined(__aarch64__)
static int slot(enum bs_register which) {
  switch (which) {
  case bs_register_instruction: return 32;
  case bs_register_stack: return 31;
  case bs_register_result: return 0;
  case bs_register_call_number: return 8;
  case bs_register_argument_0: return 0;
  case bs_register_argument_1: return 1;
  case bs_register_argument_2: return 2;
  case bs_register_argument_3: return 3;
  case bs_register_argument_4: return 4;
  case bs_register_argument_5: return 5;
  case bs_register_frame: return 29;
  case bs_register_link: return 30;
  }
  return -1;
}
int bs_trace_skip_call(pid_t t, struct bs_registers *r) {
  int number = -1;
  struct iovec io = {&number, sizeof number};
  if (ptrace(PTRACE_SETREGSET, t, (void *)NT_ARM_SYSTEM_CALL, &io) == -1) return -1;
  return bs_registers_set(t, r);
}
#else
#error "registers are known for x86-64 and arm64"
#endif

uint64_t bs_register_value(const struct bs_registers *r, enum bs_register which) {
  int at = slot(which);
  return at < 0 ? 0 : r->words[at];
}

void bs_register_put(struct bs_registers *r, enum bs_register which, uint64_t value) {
  int at = slot(which);
  if (at >= 0) r->words[at] = value;
}

/* <linux/ptrace.h> cannot be included beside <sys/ptrace.h> everywhere; this is its struct ptrace_syscall_info. */
struct call_info {
  uint8_t op, pad[3];
  uint32_t arch;
  uint64_t instruction_pointer, stack_pointer;
  union {
    struct { uint64_t nr, args[6]; } entry;
    struct { int64_t rval; uint8_t is_error; } exit;
    struct { uint64_t nr, args[6]; uint32_t ret_data; } seccomp;
  };
};

int bs_trace_system_call(pid_t t, struct bs_system_call *call) {
  struct call_info info;
  memset(&info, 0, sizeof info);
  if (ptrace((enum __ptrace_request)0x420e, t, (void *)sizeof info, &info) == -1) return -1;
  call->phase = info.op;
  call->architecture = info.arch;
  call->instruction = info.instruction_pointer;
  call->number = info.entry.nr;
  memcpy(call->arguments, info.entry.args, sizeof call->arguments);
  call->result = info.op == 2 ? info.exit.rval : 0;
  return 0;
}

int bs_trace_signal_mask(pid_t t, uint64_t *mask) {
  return ptrace((enum __ptrace_request)0x420a, t, (void *)8, mask) == -1 ? -1 : 0;
}
int bs_trace_set_signal_mask(pid_t t, uint64_t mask) {
  return ptrace((enum __ptrace_request)0x420b, t, (void *)8, &mask) == -1 ? -1 : 0;
}

int bs_trace_poke(pid_t t, uint64_t address, uint64_t word) {
  return request(PTRACE_POKEDATA, t, (void *)address, word);
}

static void nothing(int number) { (void)number; }

int bs_trace_alarm(intptr_t *alarm) {
  int number = SIGRTMAX - 3; /* glibc keeps the first two for itself; nothing else here uses any */
  struct sigaction action = {.sa_handler = nothing}; /* no SA_RESTART: waiting ends */
  if (sigaction(number, &action, NULL) != 0) return -1;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  struct sigevent event;
  memset(&event, 0, sizeof event);
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = number;
  event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
  timer_t timer;
  if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) return -1;
  *alarm = (intptr_t)timer;
  return 0;
}

int bs_trace_alarm_set(intptr_t alarm, int64_t first, int64_t interval) {
  struct itimerspec s = {
    .it_interval = {interval / 1000000000, interval % 1000000000}, .it_value = {first / 1000000000, first % 1000000000}};
  return timer_settime((timer_t)alarm, TIMER_ABSTIME, &s, NULL);
}

void bs_trace_alarm_delete(intptr_t alarm) { timer_delete((timer_t)alarm); }
