/* The peer of bench 1: a call through a .so that passes a pointer on. */
__attribute__((visibility("default"))) void *hop_peer_pass(void *item);
void *hop_peer_pass(void *item) { return item; }
