/* ptrace(2), wait4(2) and the register sets of a traced thread, whose requests and layouts Swift's Glibc module does not
   show. Plain functions, prefix bs_; failures are -1 with errno set. Everything here concerns the calling thread: ptrace
   knows tracing threads, not processes. */
#pragma once
#include <stdint.h>
#include <sys/types.h>

/* Requests without data of their own. `signal` is delivered on resumption, 0 for none. */
int bs_trace_seize(pid_t thread, int options);
int bs_trace_interrupt(pid_t thread);
int bs_trace_continue(pid_t thread, int signal);
int bs_trace_continue_to_syscall(pid_t thread, int signal);
int bs_trace_step(pid_t thread, int signal);
int bs_trace_listen(pid_t thread);
int bs_trace_detach(pid_t thread, int signal);
int bs_trace_set_options(pid_t thread, int options);

/* PTRACE_O_*: what is traced beyond signals. */
int bs_trace_option_syscalls_marked(void);
int bs_trace_option_clone(void);
int bs_trace_option_fork(void);
int bs_trace_option_vfork(void);
int bs_trace_option_exec(void);
int bs_trace_option_exit(void);

/* PTRACE_GETEVENTMSG: the new process of fork, vfork and clone, the old thread id of exec, the status of exit. */
int bs_trace_event_message(pid_t thread, uint64_t *message);

/* Waits for a change of one traced thread, or of any that the calling thread traces if `thread` is -1. Returns its id and
   the status of wait(2); 0 when there is none (with no_hang), or -1. Children of other threads of ours are left alone. */
pid_t bs_trace_wait(pid_t thread, int no_hang, int *status);

/* wait(2) statuses, taken apart. kind: 0 exited (value: status), 1 killed (value: signal), 2 stopped (value: signal, event:
   PTRACE_EVENT_* or 0; system_call: 1 in a system call). */
struct bs_trace_status { int kind; int value; int event; int system_call; };
struct bs_trace_status bs_trace_status_of(int status);

/* General registers, in the kernel's layout (NT_PRSTATUS). */
struct bs_registers { uint64_t words[34]; uint64_t size; };
int bs_registers_get(pid_t thread, struct bs_registers *registers);
int bs_registers_set(pid_t thread, const struct bs_registers *registers);

enum bs_register {
  bs_register_instruction, bs_register_stack, bs_register_result, bs_register_call_number,
  bs_register_argument_0, bs_register_argument_1, bs_register_argument_2, bs_register_argument_3,
  bs_register_argument_4, bs_register_argument_5, bs_register_frame, bs_register_link /* arm64 only */
};
uint64_t bs_register_value(const struct bs_registers *registers, enum bs_register which);
void bs_register_put(struct bs_registers *registers, enum bs_register which, uint64_t value);

/* Between the entry of a system call and its execution: makes the kernel do nothing (x86-64: orig_rax, arm64: its own
   register set). Also to be used before registers are changed in a thread that stands inside a call, which the kernel
   would else restart. */
int bs_trace_skip_call(pid_t thread, struct bs_registers *registers);

/* PTRACE_GET_SYSCALL_INFO (Linux 5.3). phase: 0 none, 1 entry, 2 exit, 3 seccomp. */
struct bs_system_call { int phase; uint32_t architecture; uint64_t number; uint64_t arguments[6]; int64_t result; uint64_t instruction; };
int bs_trace_system_call(pid_t thread, struct bs_system_call *call);

/* PTRACE_GETSIGMASK, PTRACE_SETSIGMASK. */
int bs_trace_signal_mask(pid_t thread, uint64_t *mask);
int bs_trace_set_signal_mask(pid_t thread, uint64_t mask);

/* PTRACE_POKEDATA: one word, whatever the protection of its page. */
int bs_trace_poke(pid_t thread, uint64_t address, uint64_t word);

/* A timer that interrupts bs_trace_wait on the calling thread with EINTR, every `interval` nanoseconds from `first` on, so
   that an interruption that comes just before the wait is made up for; 0 for `first` stops it. To be made on the waiting
   thread, set from any. */
int bs_trace_alarm(intptr_t *alarm);
int bs_trace_alarm_set(intptr_t alarm, int64_t first, int64_t interval);
void bs_trace_alarm_delete(intptr_t alarm);
