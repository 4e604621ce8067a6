/*
 * A minimal relay in user space: one thread, one port, and two sources that are each other's destination.
 * Usage: loop PORT. The first two sources that send anything are the legs.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { MANY = 64, SLOT = 2048 };

int main(int count, char **arguments) {
  if (count < 2) return 2;
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(arguments[1]))}, legs[2];
  own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_DGRAM, 0), legs_known = 0, buffer = 4 << 20;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  if (bind(fd, (struct sockaddr *)&own, sizeof own) != 0) return 1;
  puts("ready");
  fflush(stdout);
  static char bytes[MANY][SLOT];
  static struct sockaddr_in from[MANY];
  static struct iovec parts[MANY];
  static struct mmsghdr in[MANY], out[MANY];
  for (;;) {
    for (int i = 0; i < MANY; i++) {
      parts[i] = (struct iovec){bytes[i], SLOT};
      in[i].msg_hdr = (struct msghdr){.msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &parts[i], .msg_iovlen = 1};
    }
    int arrived = recvmmsg(fd, in, MANY, MSG_WAITFORONE, NULL), leaving = 0;
    for (int i = 0; i < arrived; i++) {
      int leg = 0;
      while (leg < legs_known && memcmp(&legs[leg], &from[i], 8) != 0) leg++;
      if (leg == legs_known) {
        if (legs_known < 2) legs[legs_known++] = from[i];
        continue;
      }
      if (legs_known < 2) continue;
      parts[i].iov_len = in[i].msg_len;
      out[leaving++].msg_hdr = (struct msghdr){.msg_name = &legs[1 - leg], .msg_namelen = sizeof legs[0], .msg_iov = &parts[i], .msg_iovlen = 1};
    }
    for (int sent = 0; sent < leaving;) {
      int taken = sendmmsg(fd, out + sent, (unsigned)(leaving - sent), 0);
      sent += taken > 0 ? taken : 1;
    }
  }
}
