/* <sys/timex.h>: adjtimex(2) of the whole machine's clock. Plain functions, prefix bs_; failures are -1 with errno set. */
#pragma once
#include <stddef.h>

/* Asks for or changes the kernel's clock (CLOCK_REALTIME) as the `size` bytes of struct timex say, which are overwritten with
   how it stands then; EINVAL where such a struct has another size. Modes of 0 change nothing. */
int bs_adjust_clock(void *timex, size_t size);
