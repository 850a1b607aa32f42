/* A library like any other: no note, no entry. */
int answer(void);
__attribute__((visibility("default"))) int answer(void) { return 42; }
