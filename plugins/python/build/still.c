/* Preloaded into componentize-py on Linux: chance is 0 and the clock stands still while the memory of a component is made.
 *
 * Python takes the seed of its hashes from there, so without it two builds of the same sources have other orders of sets. */
#define _GNU_SOURCE
#include <stddef.h>
#include <string.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <time.h>
#include <sys/time.h>
#include <stdarg.h>
#include <errno.h>
#include <dlfcn.h>
ssize_t getrandom(void *buffer, size_t length, unsigned flags) { (void)flags; memset(buffer, 0, length); return (ssize_t)length; }
int getentropy(void *buffer, size_t length) { memset(buffer, 0, length); return 0; }
int clock_gettime(clockid_t clock, struct timespec *now) { now->tv_sec = clock == CLOCK_REALTIME ? 1704067200 : 1000; now->tv_nsec = 0; return 0; }
long syscall(long number, ...) {
  va_list a; va_start(a, number); long x[6]; for (int i = 0; i < 6; i++) x[i] = va_arg(a, long); va_end(a);
  if (number == SYS_getrandom) { memset((void *)x[0], 0, (size_t)x[1]); return x[1]; }
  static long (*real)(long, ...); if (!real) real = dlsym(RTLD_NEXT, "syscall");
  return real(number, x[0], x[1], x[2], x[3], x[4], x[5]);
}
