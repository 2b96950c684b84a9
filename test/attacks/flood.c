// Fills tables that the whole machine shares, as far as it is let: for each of its pairs of arguments, WHAT and HOW MANY, it
// says how many it got and why no more, and keeps them. Static, so that it runs in any image. Used by the attack tests only.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static char block[65536];

static int bound_socket(int type, struct sockaddr_in *at) {
  socklen_t length = sizeof *at;
  int fd = socket(AF_INET, type, 0);
  *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  return fd < 0 || bind(fd, (void *)at, sizeof *at) || getsockname(fd, (void *)at, &length) ? -1 : fd;
}

// A connection within the pod: `ends[0]` is the client's.
static int connect_pair(int ends[2]) {
  static int server = -1;
  static struct sockaddr_in at;
  if (server < 0 && ((server = bound_socket(SOCK_STREAM, &at)) < 0 || listen(server, 128))) return -1;
  if ((ends[0] = socket(AF_INET, SOCK_STREAM, 0)) < 0 || connect(ends[0], (void *)&at, sizeof at)) return -1;
  return (ends[1] = accept(server, NULL, NULL)) < 0 ? -1 : 0;
}

// Mebibytes that nobody reads, in connections.
static long fill_tcp(long wanted) {
  long sum = 0, before = -1;
  int ends[2];
  while (sum < wanted << 20 && sum > before && !connect_pair(ends)) {
    before = sum;
    for (int misses = 0; misses < 3;) {
      long sent = send(ends[0], block, sizeof block, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent > 0) sum += sent;
      else misses++, usleep(1000);
    }
  }
  return sum >> 20;
}

// Mebibytes in datagrams; what the kernel has no room for it drops in silence.
static long fill_udp(long wanted) {
  long sum = 0;
  struct sockaddr_in at, from;
  for (int in, out; sum < wanted << 20 && (in = bound_socket(SOCK_DGRAM, &at)) >= 0; close(out)) {
    if ((out = bound_socket(SOCK_DGRAM, &from)) < 0 || connect(out, (void *)&at, sizeof at)) break;
    for (int n = 0; n < 4; n++) if (send(out, block, 60000, MSG_DONTWAIT) > 0) sum += 60000;
  }
  return sum >> 20;
}

// Descriptors in messages that nobody takes.
static long fill_rights(long wanted) {
  enum { EACH = 200 };
  long got = 0;
  int ends[2];
  char rights[CMSG_SPACE(sizeof(int) * EACH)] = {0};
  struct iovec part = {block, 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = rights, .msg_controllen = sizeof rights};
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  *head = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int) * EACH)};
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends)) return -1;
  for (int n = 0; n < EACH; n++) ((int *)CMSG_DATA(head))[n] = ends[0];
  while (got < wanted) {
    if (sendmsg(ends[0], &message, MSG_DONTWAIT) >= 0) got += EACH;
    else if (errno != EAGAIN || socketpair(AF_UNIX, SOCK_DGRAM, 0, ends)) break;
  }
  return got;
}

static long fill_watches(long wanted) {
  long got = 0;
  int queue = -1, some[1000];
  struct epoll_event event = {.events = EPOLLIN};
  for (int n = 0; n < 1000; n++) some[n] = eventfd(0, 0);
  for (; got < wanted; got++) {
    if (got % 1000 == 0 && (queue = epoll_create1(0)) < 0) break;
    if (epoll_ctl(queue, EPOLL_CTL_ADD, some[got % 1000], &event)) break;
  }
  return got;
}

static int open_queue(long number) {
  char name[32];
  struct mq_attr size = {.mq_maxmsg = 10, .mq_msgsize = 8192};
  snprintf(name, sizeof name, "/flood%ld", number);
  return mq_open(name, O_CREAT | O_RDWR, 0600, &size);
}

// One connection that both sides have closed: the client's end waits for a minute.
static int leave_waiting(void) {
  int ends[2];
  return connect_pair(ends) || close(ends[0]) || close(ends[1]) ? -1 : 0;
}

static int queue_signal(void) {
  sigset_t held;
  sigemptyset(&held);
  sigaddset(&held, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &held, NULL);
  return sigqueue(getpid(), SIGRTMIN, (union sigval){0});
}

// One more of the things that are counted one by one; negative where there is none.
static int take_one(const char *what, long number) {
  int ends[2];
  if (!strcmp(what, "files")) return eventfd(0, 0);
  if (!strcmp(what, "pipes-mib")) return pipe(ends) ? -1 : fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
  if (!strcmp(what, "inotify")) return inotify_init1(0);
  if (!strcmp(what, "queues")) return open_queue(number);
  if (!strcmp(what, "signals")) return queue_signal();
  if (!strcmp(what, "timewaits")) return leave_waiting();
  fprintf(stderr, "unknown flood %s\n", what);
  exit(2);
}

static long flood(const char *what, long wanted) {
  long got = 0;
  if (!strcmp(what, "hold")) return (long)sleep((unsigned)wanted);
  if (!strcmp(what, "tcp-mib")) return fill_tcp(wanted);
  if (!strcmp(what, "udp-mib")) return fill_udp(wanted);
  if (!strcmp(what, "rights")) return fill_rights(wanted);
  if (!strcmp(what, "watches")) return fill_watches(wanted);
  while (got < wanted && take_one(what, got) >= 0) got++;
  return got;
}

int main(int argc, char **argv) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  for (int at = 1; at + 1 < argc; at += 2) {
    errno = 0;
    long got = flood(argv[at], atol(argv[at + 1]));
    printf("%s: %ld%s%s\n", argv[at], got, errno ? " " : "", errno ? strerrorname_np(errno) : "");
    fflush(stdout);
  }
  return 0;
}
