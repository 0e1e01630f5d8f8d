// The only thing that the engine's own shims for this target ask of a host: the time. It stands still at 0 (1 January 1970,
// UTC), so that a call gives the same result whenever it is made.
double __rquickjs_host_now_us(void) { return 0; }
