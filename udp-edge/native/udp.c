/*
 * UDP sockets for Node.js that read and write a whole batch of datagrams with one call from JavaScript and one system
 * call (recvmmsg, sendmmsg). Bytes, lengths and addresses go straight into and out of the typed arrays of a Batch
 * (shared/wire/batch.ts): no allocation, string or closure per datagram.
 *
 * Life of a socket. The constructor opens and binds it and asks libuv to watch it. Whenever it is readable, `onReadable`
 * is called on the event loop; it calls `receive` until that returns less than it had room for. `close` ends both. An
 * open socket is kept alive by itself; a closed one is freed when libuv has let go of its handle and JavaScript of the
 * object. A worker thread that ends closes its sockets through the cleanup hook.
 *
 * Safety. Every call checks the types and sizes of its arrays before it touches them, and keeps no pointer into them
 * after it returns. All state belongs to one environment and is used on its thread only.
 */
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <node_api.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What is used of libuv, whose ABI is stable throughout version 1. Node exports these symbols. */
typedef struct uv_loop_s uv_loop_t;
typedef struct uv_handle_s uv_handle_t;
enum { UV_POLL_TYPE = 8, UV_READABLE = 1 };
extern size_t uv_handle_size(int type);
extern int uv_poll_init(uv_loop_t *, uv_handle_t *, int fd);
extern int uv_poll_start(uv_handle_t *, int events, void (*)(uv_handle_t *, int status, int events));
extern int uv_poll_stop(uv_handle_t *);
extern void uv_close(uv_handle_t *, void (*)(uv_handle_t *));
extern void uv_handle_set_data(uv_handle_t *, void *);
extern void *uv_handle_get_data(const uv_handle_t *);
extern const char *uv_err_name(int);
extern const char *uv_strerror(int);

enum {
  SLOT_BYTES = 2048,    /* of a Batch */
  ADDRESS_WORDS = 5,    /* four of IP, one of port */
  MAX_MESSAGES = 64,    /* of one system call; their headers fit the stack */
  DEFAULT_TTL = 64,
  CONTROL_BYTES = 64,   /* room for a hop limit and a segment size */
};
static const uint32_t MAPPED = 0xffff;           /* ::ffff:0:0/96, an IPv4 address */
static const uint32_t DISCARD_ONLY = 0x01000000; /* 100::/64 is no address on UDP (RFC 6666) */

/* Segmentation offload (UDP_SEGMENT) hands the kernel several datagrams to one place as one message. */
enum {
  MIN_SEGMENTS = 3,      /* fewer cost more than they save */
  MAX_SEGMENTS = 64,     /* of Linux since 4.18 */
  MAX_SEGMENT = 1232,    /* a datagram that fits every IPv6 path: the kernel refuses segments that it had to fragment */
  MAX_RUN_BYTES = 60000, /* below the length field of a UDP datagram */
};
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif
enum { MEMINFO_WORDS = 9, MEMINFO_DROPS = 8 };

typedef struct {
  napi_env env;
  int fd; /* -1 once closed */
  bool ipv6, segments;
  int owners; /* the JavaScript object and the libuv handle; the last one to go frees */
  uv_handle_t *poll;
  napi_ref self, on_readable;
  napi_async_context context;
  napi_async_cleanup_hook_handle hook;
  uint64_t received, sent, dropped, errors;
} udp_socket;

/* ---- errors and arguments ---- */

static napi_value throw_errno(napi_env env, const char *call, int error) {
  char text[128];
  const char *why = uv_strerror(-error);
  size_t n = strlen(call), m = strlen(why);
  if (n + m + 3 > sizeof text) m = sizeof text - n - 3;
  memcpy(text, call, n);
  memcpy(text + n, ": ", 2);
  memcpy(text + n + 2, why, m);
  text[n + 2 + m] = 0;
  napi_throw_error(env, uv_err_name(-error), text);
  return NULL;
}

static bool wrong(napi_env env, const char *what) {
  napi_throw_type_error(env, "ERR_INVALID_ARG_VALUE", what);
  return false;
}

typedef struct {
  void *data;
  size_t length; /* elements */
} array;

static bool array_of(napi_env env, napi_value value, napi_typedarray_type wanted, const char *what, array *out) {
  bool is = false;
  napi_typedarray_type type;
  if (napi_is_typedarray(env, value, &is) != napi_ok || !is) return wrong(env, what);
  if (napi_get_typedarray_info(env, value, &type, &out->length, &out->data, NULL, NULL) != napi_ok || type != wanted)
    return wrong(env, what);
  if (out->data == NULL) out->length = 0;
  return true;
}

static bool number_of(napi_env env, napi_value value, uint32_t most, const char *what, uint32_t *out) {
  double number;
  if (napi_get_value_double(env, value, &number) != napi_ok) return wrong(env, what);
  if (!(number >= 0 && number <= most) || number != (double)(uint32_t)number) return wrong(env, what);
  *out = (uint32_t)number;
  return true;
}

static napi_value number(napi_env env, double value) {
  napi_value out = NULL;
  napi_create_double(env, value, &out);
  return out;
}

/* The socket of a method call, with its arguments; NULL, with an exception pending, if the call is wrong. */
static udp_socket *socket_of(napi_env env, napi_callback_info info, size_t wanted, napi_value *arguments) {
  size_t given = wanted;
  napi_value self;
  udp_socket *socket = NULL;
  napi_get_cb_info(env, info, &given, arguments, &self, NULL);
  if (napi_unwrap(env, self, (void **)&socket) != napi_ok || socket == NULL || given < wanted) {
    wrong(env, "called on no UdpSocket, or with too few arguments");
    return NULL;
  }
  return socket;
}

/* ---- addresses ---- */

static void words_of(const struct sockaddr_storage *from, uint32_t *words) {
  if (from->ss_family == AF_INET) {
    const struct sockaddr_in *four = (const struct sockaddr_in *)from;
    words[0] = words[1] = 0;
    words[2] = MAPPED;
    words[3] = ntohl(four->sin_addr.s_addr);
    words[4] = ntohs(four->sin_port);
  } else {
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)from;
    uint32_t raw[4];
    memcpy(raw, &six->sin6_addr, sizeof raw);
    for (int i = 0; i < 4; i++) words[i] = ntohl(raw[i]);
    words[4] = ntohs(six->sin6_port);
  }
}

static bool is_discard_only(const uint32_t *words) { return words[0] == DISCARD_ONLY && words[1] == 0; }

static bool is_ipv4(const uint32_t *words) { return words[0] == 0 && words[1] == 0 && words[2] == MAPPED; }

/* 0 if the words are no address that this socket can send to. */
static socklen_t sockaddr_of(bool ipv6, const uint32_t *words, struct sockaddr_storage *out) {
  if (words[4] == 0 || words[4] > 0xffff || is_discard_only(words) || is_ipv4(words) == ipv6) return 0;
  memset(out, 0, sizeof(struct sockaddr_in6));
  if (!ipv6) {
    struct sockaddr_in *four = (struct sockaddr_in *)out;
    four->sin_family = AF_INET;
    four->sin_addr.s_addr = htonl(words[3]);
    four->sin_port = htons((uint16_t)words[4]);
    return sizeof *four;
  }
  struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
  uint32_t raw[4];
  for (int i = 0; i < 4; i++) raw[i] = htonl(words[i]);
  six->sin6_family = AF_INET6;
  memcpy(&six->sin6_addr, raw, sizeof raw);
  six->sin6_port = htons((uint16_t)words[4]);
  return sizeof *six;
}

/* ---- life ---- */

static void let_go(udp_socket *socket) {
  if (--socket->owners == 0) free(socket);
}

static void on_handle_closed(uv_handle_t *handle) {
  udp_socket *socket = uv_handle_get_data(handle);
  free(handle);
  if (socket->hook != NULL) napi_remove_async_cleanup_hook(socket->hook);
  let_go(socket);
}

static void close_socket(udp_socket *socket) {
  if (socket->fd < 0) return;
  uv_poll_stop(socket->poll);
  close(socket->fd);
  socket->fd = -1;
  uv_close(socket->poll, on_handle_closed);
  napi_delete_reference(socket->env, socket->on_readable);
  napi_delete_reference(socket->env, socket->self);
  napi_async_destroy(socket->env, socket->context);
}

static void on_environment_ends(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook;
  close_socket(data);
}

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  let_go(data);
}

static void on_readable(uv_handle_t *handle, int status, int events) {
  (void)events;
  udp_socket *socket = uv_handle_get_data(handle);
  napi_env env = socket->env;
  napi_handle_scope scope;
  if (status < 0) socket->errors++;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value self, callback, thrown;
  napi_get_reference_value(env, socket->self, &self);
  napi_get_reference_value(env, socket->on_readable, &callback);
  if (napi_make_callback(env, socket->context, self, callback, 0, NULL, NULL) == napi_pending_exception &&
      napi_get_and_clear_last_exception(env, &thrown) == napi_ok)
    napi_fatal_exception(env, thrown);
  napi_close_handle_scope(env, scope);
}

/* An open descriptor bound to the address, or a negative errno. */
static int bound_descriptor(const char *host, uint16_t port, bool ipv6, int buffer_bytes) {
  struct sockaddr_storage at;
  memset(&at, 0, sizeof at);
  void *ip = ipv6 ? (void *)&((struct sockaddr_in6 *)&at)->sin6_addr : (void *)&((struct sockaddr_in *)&at)->sin_addr;
  if (inet_pton(ipv6 ? AF_INET6 : AF_INET, host, ip) != 1) return -EINVAL;
  at.ss_family = ipv6 ? AF_INET6 : AF_INET;
  ((struct sockaddr_in *)&at)->sin_port = htons(port); /* the port has the same place in both families */
  int fd = socket(at.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  const int on = 1, ttl = DEFAULT_TTL;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes);
  if (ipv6) {
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &ttl, sizeof ttl);
  } else {
    setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl);
  }
  if (bind(fd, (struct sockaddr *)&at, ipv6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in)) == 0) return fd;
  int error = errno;
  close(fd);
  return -error;
}

static bool is_segmentation_known(int fd) {
  const int none = 0;
  return setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &none, sizeof none) == 0;
}

static bool watch(napi_env env, napi_value self, napi_value callback, udp_socket *socket) {
  uv_loop_t *loop = NULL;
  napi_value name;
  napi_create_string_utf8(env, "UdpSocket", NAPI_AUTO_LENGTH, &name);
  if (napi_get_uv_event_loop(env, (struct uv_loop_s **)&loop) != napi_ok) return false;
  socket->poll = calloc(1, uv_handle_size(UV_POLL_TYPE));
  if (socket->poll == NULL) return false;
  if (uv_poll_init(loop, socket->poll, socket->fd) != 0) {
    free(socket->poll);
    return false;
  }
  uv_handle_set_data(socket->poll, socket);
  napi_create_reference(env, self, 1, &socket->self);
  napi_create_reference(env, callback, 1, &socket->on_readable);
  napi_async_init(env, self, name, &socket->context);
  napi_add_async_cleanup_hook(env, on_environment_ends, socket, &socket->hook);
  uv_poll_start(socket->poll, UV_READABLE, on_readable);
  return true;
}

/* new UdpSocket(host, port, isIpv6, bufferBytes, onReadable) */
static napi_value construct(napi_env env, napi_callback_info info) {
  size_t given = 5;
  napi_value argument[5], self, target;
  char host[INET6_ADDRSTRLEN];
  size_t host_length;
  uint32_t port, buffer_bytes;
  bool ipv6;
  napi_valuetype kind;
  napi_get_cb_info(env, info, &given, argument, &self, NULL);
  napi_get_new_target(env, info, &target);
  if (target == NULL || given < 5) return wrong(env, "new UdpSocket(host, port, isIpv6, bufferBytes, onReadable)"), NULL;
  if (napi_get_value_string_utf8(env, argument[0], host, sizeof host, &host_length) != napi_ok)
    return wrong(env, "host must be a literal address"), NULL;
  if (!number_of(env, argument[1], 0xffff, "port must be 0 to 65535", &port)) return NULL;
  if (napi_get_value_bool(env, argument[2], &ipv6) != napi_ok) return wrong(env, "isIpv6 must be a boolean"), NULL;
  if (!number_of(env, argument[3], 1 << 30, "bufferBytes must be a number", &buffer_bytes)) return NULL;
  if (napi_typeof(env, argument[4], &kind) != napi_ok || kind != napi_function)
    return wrong(env, "onReadable must be a function"), NULL;

  udp_socket *socket = calloc(1, sizeof *socket);
  if (socket == NULL) return throw_errno(env, "calloc", ENOMEM);
  socket->env = env;
  socket->ipv6 = ipv6;
  socket->fd = bound_descriptor(host, (uint16_t)port, ipv6, (int)buffer_bytes);
  if (socket->fd < 0) {
    int error = -socket->fd;
    free(socket);
    return throw_errno(env, "bind", error);
  }
  socket->segments = is_segmentation_known(socket->fd);
  if (napi_wrap(env, self, socket, on_collected, NULL, NULL) != napi_ok) {
    close(socket->fd);
    free(socket);
    return wrong(env, "the socket could not be made"), NULL;
  }
  socket->owners = 1;
  if (!watch(env, self, argument[4], socket)) {
    close(socket->fd);
    socket->fd = -1;
    return throw_errno(env, "uv_poll_init", ENOMEM);
  }
  socket->owners = 2;
  return self;
}

/* close(): nothing is received or sent any more, and the port is free. Further calls do nothing. */
static napi_value method_close(napi_env env, napi_callback_info info) {
  udp_socket *socket = socket_of(env, info, 0, NULL);
  if (socket != NULL) close_socket(socket);
  return NULL;
}

/* address(words): writes the five words of the bound address. */
static napi_value method_address(napi_env env, napi_callback_info info) {
  napi_value argument[1];
  array words;
  struct sockaddr_storage at;
  socklen_t length = sizeof at;
  udp_socket *socket = socket_of(env, info, 1, argument);
  if (socket == NULL || !array_of(env, argument[0], napi_uint32_array, "words must be a Uint32Array", &words)) return NULL;
  if (words.length < ADDRESS_WORDS) return wrong(env, "words must have room for an address"), NULL;
  if (getsockname(socket->fd, (struct sockaddr *)&at, &length) != 0) return throw_errno(env, "getsockname", errno);
  words_of(&at, words.data);
  return NULL;
}

/* counters(out): received, sent, dropped, errors, and what the kernel lost because the receive buffer was full. */
static napi_value method_counters(napi_env env, napi_callback_info info) {
  napi_value argument[1];
  array out;
  udp_socket *socket = socket_of(env, info, 1, argument);
  if (socket == NULL || !array_of(env, argument[0], napi_float64_array, "out must be a Float64Array", &out)) return NULL;
  if (out.length < 5) return wrong(env, "out must have room for five numbers"), NULL;
  uint32_t memory[MEMINFO_WORDS] = {0};
  socklen_t length = sizeof memory;
  if (socket->fd >= 0) getsockopt(socket->fd, SOL_SOCKET, SO_MEMINFO, memory, &length);
  double *counts = out.data;
  counts[0] = (double)socket->received;
  counts[1] = (double)socket->sent;
  counts[2] = (double)socket->dropped;
  counts[3] = (double)socket->errors;
  counts[4] = memory[MEMINFO_DROPS];
  return NULL;
}

/* ---- receiving ---- */

typedef struct {
  uint8_t *bytes;    /* slots of SLOT_BYTES */
  uint16_t *length;  /* of each */
  uint32_t *address; /* ADDRESS_WORDS of each */
  uint8_t *ttl;      /* of each; only for sending */
} slots;

/* Closes the gaps that refused datagrams left. Returns how many are kept. */
static uint32_t keep(udp_socket *socket, const slots *at, struct mmsghdr *messages, struct sockaddr_storage *from,
                     uint32_t first, uint32_t count) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t slot = first + kept;
    uint32_t *words = at->address + (size_t)slot * ADDRESS_WORDS;
    words_of(&from[i], words);
    if ((messages[i].msg_hdr.msg_flags & MSG_TRUNC) || is_discard_only(words)) {
      socket->dropped++;
      continue;
    }
    if (kept != i)
      memcpy(at->bytes + (size_t)slot * SLOT_BYTES, at->bytes + (size_t)(first + i) * SLOT_BYTES, messages[i].msg_len);
    at->length[slot] = (uint16_t)messages[i].msg_len;
    kept++;
  }
  socket->received += count;
  return kept;
}

/* receive(bytes, length, address, first): fills slots from `first` on; returns how many. */
static napi_value method_receive(napi_env env, napi_callback_info info) {
  napi_value argument[4];
  array bytes, length, address;
  uint32_t first;
  udp_socket *socket = socket_of(env, info, 4, argument);
  if (socket == NULL || !array_of(env, argument[0], napi_uint8_array, "bytes must be a Uint8Array", &bytes) ||
      !array_of(env, argument[1], napi_uint16_array, "length must be a Uint16Array", &length) ||
      !array_of(env, argument[2], napi_uint32_array, "address must be a Uint32Array", &address) ||
      !number_of(env, argument[3], UINT32_MAX / SLOT_BYTES, "first must be a slot", &first))
    return NULL;
  size_t room = bytes.length / SLOT_BYTES;
  if (length.length < room) room = length.length;
  if (address.length / ADDRESS_WORDS < room) room = address.length / ADDRESS_WORDS;
  if (first > room) return wrong(env, "first must be a slot of all arrays"), NULL;
  uint32_t count = room - first < MAX_MESSAGES ? (uint32_t)(room - first) : MAX_MESSAGES;
  if (socket->fd < 0 || count == 0) return number(env, 0);

  const slots at = {bytes.data, length.data, address.data, NULL};
  struct mmsghdr messages[MAX_MESSAGES];
  struct iovec parts[MAX_MESSAGES];
  struct sockaddr_storage from[MAX_MESSAGES];
  memset(messages, 0, sizeof messages[0] * count);
  for (uint32_t i = 0; i < count; i++) {
    parts[i] = (struct iovec){at.bytes + (size_t)(first + i) * SLOT_BYTES, SLOT_BYTES};
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    messages[i].msg_hdr.msg_name = &from[i];
    messages[i].msg_hdr.msg_namelen = sizeof from[i];
  }
  int arrived = recvmmsg(socket->fd, messages, count, MSG_DONTWAIT, NULL);
  if (arrived < 0) {
    if (errno != EAGAIN && errno != EINTR) socket->errors++;
    return number(env, 0);
  }
  return number(env, keep(socket, &at, messages, from, first, (uint32_t)arrived));
}

/* ---- sending ---- */

typedef struct {
  struct mmsghdr message[MAX_MESSAGES];
  struct iovec part[MAX_MESSAGES];
  struct sockaddr_storage to[MAX_MESSAGES];
  uint32_t datagrams[MAX_MESSAGES]; /* of each message: more than one if the kernel cuts it */
  union {
    char bytes[CONTROL_BYTES];
    struct cmsghdr aligned;
  } control[MAX_MESSAGES];
  uint32_t count, parts;
} outbox;

static void add_control(struct msghdr *header, int level, int type, const void *value, size_t bytes) {
  struct cmsghdr *entry = (struct cmsghdr *)((char *)header->msg_control + header->msg_controllen);
  entry->cmsg_level = level;
  entry->cmsg_type = type;
  entry->cmsg_len = CMSG_LEN(bytes);
  memcpy(CMSG_DATA(entry), value, bytes);
  header->msg_controllen += CMSG_SPACE(bytes);
}

/* How many slots from `i` on the kernel can be given as one message to cut: equal lengths, but for a shorter last one. */
static uint32_t run_of(const slots *at, uint32_t i, uint32_t end) {
  const uint32_t *to = at->address + (size_t)i * ADDRESS_WORDS;
  uint32_t length = at->length[i], bytes = length, n = 1;
  if (length == 0 || length > MAX_SEGMENT) return 1;
  while (i + n < end && n < MAX_SEGMENTS && at->length[i + n] > 0 && at->length[i + n] <= length &&
         bytes + at->length[i + n] <= MAX_RUN_BYTES && at->ttl[i + n] == at->ttl[i] &&
         memcmp(to, at->address + (size_t)(i + n) * ADDRESS_WORDS, ADDRESS_WORDS * sizeof *to) == 0) {
    bytes += at->length[i + n];
    n++;
    if (at->length[i + n - 1] < length) break;
  }
  return n;
}

/* Appends slots [i, i + n) as one message to `out->to[out->count]`, which is set. */
static void add_message(outbox *out, const udp_socket *socket, socklen_t to_bytes, const slots *at, uint32_t i,
                        uint32_t n) {
  struct msghdr *header = &out->message[out->count].msg_hdr;
  memset(header, 0, sizeof *header);
  header->msg_name = &out->to[out->count];
  header->msg_namelen = to_bytes;
  header->msg_iov = &out->part[out->parts];
  header->msg_iovlen = n;
  header->msg_control = &out->control[out->count];
  for (uint32_t k = 0; k < n; k++)
    out->part[out->parts++] = (struct iovec){at->bytes + (size_t)(i + k) * SLOT_BYTES, at->length[i + k]};
  if (at->ttl[i] != 0) {
    const int hops = at->ttl[i];
    if (socket->ipv6) add_control(header, IPPROTO_IPV6, IPV6_HOPLIMIT, &hops, sizeof hops);
    else add_control(header, IPPROTO_IP, IP_TTL, &hops, sizeof hops);
  }
  if (n > 1) {
    const uint16_t size = at->length[i];
    add_control(header, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size);
  }
  if (header->msg_controllen == 0) header->msg_control = NULL;
  out->datagrams[out->count++] = n;
}

/* What the kernel says where it cannot cut: EINVAL for this path, the others for every path of this machine. */
static bool is_refused_segmentation(int error) { return error == EINVAL || error == EIO || error == ENOPROTOOPT; }

/* Hands the outbox to the kernel. False if it refused to cut message `*done`. */
static bool flush(udp_socket *socket, outbox *out, uint32_t *done) {
  while (*done < out->count) {
    int taken = sendmmsg(socket->fd, out->message + *done, out->count - *done, MSG_DONTWAIT);
    int error = errno;
    if (taken > 0) {
      for (int i = 0; i < taken; i++) socket->sent += out->datagrams[(*done)++];
    } else if (error == EAGAIN || error == ENOBUFS) { /* no room: lost, as on a full link */
      while (*done < out->count) socket->dropped += out->datagrams[(*done)++];
    } else if (out->datagrams[*done] > 1 && is_refused_segmentation(error)) {
      if (error != EINVAL) socket->segments = false;
      return false;
    } else if (error != EINTR) {
      socket->errors += out->datagrams[(*done)++];
    }
  }
  return true;
}

static void send_slots(udp_socket *socket, const slots *at, uint32_t from, uint32_t to) {
  outbox out;
  uint32_t start[MAX_MESSAGES]; /* first slot of each message */
  uint32_t uncut = from;        /* slots before this one go one by one */
  for (uint32_t i = from; i < to;) {
    uint32_t done = 0;
    out.count = out.parts = 0;
    while (i < to && out.parts < MAX_MESSAGES) {
      socklen_t to_bytes = sockaddr_of(socket->ipv6, at->address + (size_t)i * ADDRESS_WORDS, &out.to[out.count]);
      if (to_bytes == 0 || at->length[i] > SLOT_BYTES) {
        socket->dropped++;
        i++;
        continue;
      }
      uint32_t room = MAX_MESSAGES - out.parts;
      uint32_t n = socket->segments && i >= uncut ? run_of(at, i, to - i < room ? to : i + room) : 1;
      if (n < MIN_SEGMENTS) n = 1;
      start[out.count] = i;
      add_message(&out, socket, to_bytes, at, i, n);
      i += n;
    }
    if (!flush(socket, &out, &done)) {
      i = start[done];
      uncut = i + out.datagrams[done];
    }
  }
}

/* send(bytes, length, address, ttl, from, to): sends slots [from, to). What cannot be sent is counted and lost. */
static napi_value method_send(napi_env env, napi_callback_info info) {
  napi_value argument[6];
  array bytes, length, address, ttl;
  uint32_t from, to;
  udp_socket *socket = socket_of(env, info, 6, argument);
  if (socket == NULL || !array_of(env, argument[0], napi_uint8_array, "bytes must be a Uint8Array", &bytes) ||
      !array_of(env, argument[1], napi_uint16_array, "length must be a Uint16Array", &length) ||
      !array_of(env, argument[2], napi_uint32_array, "address must be a Uint32Array", &address) ||
      !array_of(env, argument[3], napi_uint8_array, "ttl must be a Uint8Array", &ttl) ||
      !number_of(env, argument[4], UINT32_MAX / SLOT_BYTES, "from must be a slot", &from) ||
      !number_of(env, argument[5], UINT32_MAX / SLOT_BYTES, "to must be a slot", &to))
    return NULL;
  if (from > to || to > bytes.length / SLOT_BYTES || to > length.length || to > address.length / ADDRESS_WORDS ||
      to > ttl.length)
    return wrong(env, "from and to must be slots of all arrays"), NULL;
  const slots at = {bytes.data, length.data, address.data, ttl.data};
  if (socket->fd >= 0) send_slots(socket, &at, from, to);
  return NULL;
}

/* ---- module ---- */

NAPI_MODULE_INIT() {
  const napi_property_descriptor methods[] = {
      {"close", NULL, method_close, NULL, NULL, NULL, napi_default_method, NULL},
      {"address", NULL, method_address, NULL, NULL, NULL, napi_default_method, NULL},
      {"counters", NULL, method_counters, NULL, NULL, NULL, napi_default_method, NULL},
      {"receive", NULL, method_receive, NULL, NULL, NULL, napi_default_method, NULL},
      {"send", NULL, method_send, NULL, NULL, NULL, napi_default_method, NULL},
  };
  napi_value class;
  if (napi_define_class(env, "UdpSocket", NAPI_AUTO_LENGTH, construct, NULL, sizeof methods / sizeof *methods, methods,
                        &class) != napi_ok ||
      napi_set_named_property(env, exports, "UdpSocket", class) != napi_ok)
    return NULL;
  return exports;
}
