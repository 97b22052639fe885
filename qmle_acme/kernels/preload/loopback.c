// Has servers answer on this machine alone. Preloaded, so that it is found first.
//
// Reverb and Courier listen on all addresses and have no option for another. Only
// streams are bound elsewhere: a datagram from a loopback address leaves no machine.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

typedef int Bind(int socket, const struct sockaddr *address, socklen_t length);

static int option(int socket, int level, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  return getsockopt(socket, level, name, &value, &length) ? 0 : value;
}

static int bind_ipv4(Bind *next, int socket, struct sockaddr_in address) {
  if (address.sin_addr.s_addr == htonl(INADDR_ANY))
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return next(socket, (struct sockaddr *)&address, sizeof address);
}

static int bind_ipv6(Bind *next, int socket, struct sockaddr_in6 address) {
  if (IN6_IS_ADDR_UNSPECIFIED(&address.sin6_addr)) {
    const int v6_only = option(socket, IPPROTO_IPV6, IPV6_V6ONLY);
    // The address of both: clients of 127.0.0.1 are answered, as they would have been.
    inet_pton(AF_INET6, v6_only ? "::1" : "::ffff:127.0.0.1", &address.sin6_addr);
  }
  return next(socket, (struct sockaddr *)&address, sizeof address);
}

// Stands in for the C library's function of this name.
int bind(int socket, const struct sockaddr *address, socklen_t length) {
  Bind *next = (Bind *)dlsym(RTLD_NEXT, "bind");
  const int is_stream = option(socket, SOL_SOCKET, SO_TYPE) == SOCK_STREAM;
  if (is_stream && address && length >= sizeof(sa_family_t)) {
    if (address->sa_family == AF_INET && length >= sizeof(struct sockaddr_in))
      return bind_ipv4(next, socket, *(const struct sockaddr_in *)address);
    if (address->sa_family == AF_INET6 && length >= sizeof(struct sockaddr_in6))
      return bind_ipv6(next, socket, *(const struct sockaddr_in6 *)address);
  }
  return next(socket, address, length);
}
