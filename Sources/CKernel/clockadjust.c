#define _GNU_SOURCE
#include "clockadjust.h"

#include <errno.h>
#include <sys/timex.h>
#include <time.h>

int bs_adjust_clock(void *timex, size_t size) {
  if (size != sizeof(struct timex)) {
    errno = EINVAL;
    return -1;
  }
  return clock_adjtime(CLOCK_REALTIME, timex) == -1 ? -1 : 0;
}
