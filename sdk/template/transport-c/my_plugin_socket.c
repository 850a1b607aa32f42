/* Where bytes travel. */
#define _GNU_SOURCE /* accept4 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "my_plugin_wire.h"

static void set_on(int fd, int level, int option) {
    const int on = 1;
    setsockopt(fd, level, option, &on, sizeof on);
}

int find_addresses(heddle_str endpoint, address out[MOST_ADDRESSES], const char **why) {
    char             text[MOST_ENDPOINT];
    char            *host = text, *colon;
    struct addrinfo  hints, *found = NULL;
    int              n = 0;
    *why = "an endpoint is host:port";
    if (endpoint.len >= sizeof text || memchr(endpoint.ptr, '/', endpoint.len)) return 0;
    memcpy(text, endpoint.ptr, endpoint.len);
    text[endpoint.len] = '\0';
    colon = strrchr(text, ':');
    if (!colon) return 0;
    *colon = '\0';
    if (text[0] == '[' && colon > text && colon[-1] == ']') {
        colon[-1] = '\0';
        ++host;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    const int failed = getaddrinfo(host, colon + 1, &hints, &found);
    if (failed) {
        *why = gai_strerror(failed);
        return 0;
    }
    for (const struct addrinfo *one = found; one && n < MOST_ADDRESSES; one = one->ai_next, ++n) {
        memcpy(&out[n].bytes, one->ai_addr, one->ai_addrlen);
        out[n].size = one->ai_addrlen;
    }
    freeaddrinfo(found);
    return n;
}

void name_address(const address *a, char text[MOST_ENDPOINT]) {
    char host[200], port[32];
    if (getnameinfo((const struct sockaddr *)&a->bytes, a->size, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        snprintf(text, MOST_ENDPOINT, "somewhere");
    else
        snprintf(text, MOST_ENDPOINT, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

int listen_at(const address *wanted, char endpoint[MOST_ENDPOINT]) {
    address   used = {.size = sizeof used.bytes};
    const int fd = socket(wanted->bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    set_on(fd, SOL_SOCKET, SO_REUSEADDR);
    if (bind(fd, (const struct sockaddr *)&wanted->bytes, wanted->size) != 0 || listen(fd, SOMAXCONN) != 0 || getsockname(fd, (struct sockaddr *)&used.bytes, &used.size) != 0) {
        const int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    name_address(&used, endpoint);
    return fd;
}

int accept_from(int listener, char peer[MOST_ENDPOINT]) {
    address   from = {.size = sizeof from.bytes};
    const int fd = accept4(listener, (struct sockaddr *)&from.bytes, &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return -1;
    set_on(fd, IPPROTO_TCP, TCP_NODELAY);
    name_address(&from, peer);
    return fd;
}

int connect_to(const address *a) {
    const int fd = socket(a->bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    set_on(fd, IPPROTO_TCP, TCP_NODELAY);
    if (connect(fd, (const struct sockaddr *)&a->bytes, a->size) == 0 || errno == EINPROGRESS) return fd;
    const int why = errno;
    close(fd);
    errno = why;
    return -1;
}

int fault_of(int socket) {
    int       fault = 0;
    socklen_t size = sizeof fault;
    return getsockopt(socket, SOL_SOCKET, SO_ERROR, &fault, &size) == 0 ? fault : errno;
}
