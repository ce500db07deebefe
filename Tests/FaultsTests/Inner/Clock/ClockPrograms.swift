import Support

/// A program that keeps telling the time, into words of a shared page:
/// 1 clock_gettime(REALTIME) − CLOCK_MONOTONIC, 2 the same from gettimeofday, 3 seconds from time, 4 rounds,
/// 5 TAI − MONOTONIC, 6 smallest ns a call, 7 MONOTONIC itself, 8 pid of a child, 9 its word 1, 10 errors seen, 11 getres.
let clockProgram = """
  #define _GNU_SOURCE
  #include <fcntl.h>
  #include <pthread.h>
  #include <stdint.h>
  #include <string.h>
  #include <sys/mman.h>
  #include <sys/time.h>
  #include <sys/wait.h>
  #include <time.h>
  #include <unistd.h>
  static volatile int64_t *page;
  static int64_t of(clockid_t c) {
    struct timespec t;
    if (clock_gettime(c, &t) != 0 || t.tv_nsec < 0 || t.tv_nsec >= 1000000000) page[10]++;
    return t.tv_sec * 1000000000LL + t.tv_nsec;
  }
  static void *spin(void *x) { for (;;) of(CLOCK_REALTIME); return x; }
  static void cost(void) {
    int64_t best = 1LL << 60;
    for (int round = 0; round < 5; round++) {
      int64_t begun = of(CLOCK_MONOTONIC);
      for (int i = 0; i < 200; i++) of(CLOCK_REALTIME);
      int64_t took = (of(CLOCK_MONOTONIC) - begun) / 200;
      if (took < best) best = took;
    }
    page[6] = best;
  }
  int main(int c, char **v) {
    int fd = open(v[1], O_RDWR);
    page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (c > 2 && !strcmp(v[2], "again")) { /* what exec'd children do */
      for (;;) { page[9] = of(CLOCK_REALTIME) - of(CLOCK_MONOTONIC); page[13]++; usleep(200); }
    }
    pthread_t t;
    if (c > 2 && !strcmp(v[2], "spin")) for (int i = 0; i < 3; i++) pthread_create(&t, 0, spin, 0);
    for (;;) {
      struct timeval tv;
      struct timezone tz;
      struct timespec r;
      page[1] = of(CLOCK_REALTIME) - of(CLOCK_MONOTONIC);
      if (gettimeofday(&tv, page[4] % 2 ? &tz : 0) != 0 || tv.tv_usec < 0 || tv.tv_usec >= 1000000) page[10]++;
      page[2] = tv.tv_sec * 1000000000LL + tv.tv_usec * 1000LL - of(CLOCK_MONOTONIC);
      time_t stored, now = time(&stored);
      if (stored != now || clock_gettime(0x7fff, &r) == 0) page[10]++;
      page[3] = now;
      page[5] = of(CLOCK_TAI) - of(CLOCK_MONOTONIC);
      page[7] = of(CLOCK_MONOTONIC);
      if (clock_getres(CLOCK_REALTIME, &r) == 0) page[11] = r.tv_nsec;
      cost();
      page[4]++;
      if (page[12]) { /* a child: 1 forked, 2 forked and exec'd */
        int64_t kind = page[12];
        page[12] = 0;
        pid_t p = fork();
        if (!p) {
          if (kind == 2) execl(v[0], v[0], v[1], "again", (char *)0);
          for (;;) { page[9] = of(CLOCK_REALTIME) - of(CLOCK_MONOTONIC); page[13]++; usleep(200); }
        }
        page[8] = p;
      }
      page[0] = 1;
      usleep(200);
    }
  }
  """

extension TestProgram {
  static func clock() async throws -> TestProgram { try await compiled("clock", clockProgram) }
}
