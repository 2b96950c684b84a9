// A hostile app: tries the one thing that its first argument names and says how that ended, as "held: WHY" or "not held".
// Static, so that it runs in any image. Used by the attack tests only.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#endif

static long open_write(const char *path) {
  return open(path, O_WRONLY | O_CLOEXEC);
}

// Gives standard output to whoever listens at the socket, or listens there and keeps what comes.
static long pass_output(const char *path, int keep) {
  int peer, fd = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  char rights[CMSG_SPACE(sizeof(int))] = {0}, byte = 0;
  struct iovec part = {&byte, 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = rights, .msg_controllen = sizeof rights};
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  strncpy(at.sun_path, path, sizeof at.sun_path - 1);
  if (keep) {
    if (bind(fd, (void *)&at, sizeof at) || listen(fd, 1) || puts("listening") < 0 || fflush(stdout)) return -1;
    return (peer = accept(fd, 0, 0)) < 0 || recvmsg(peer, &message, 0) < 0 ? -1 : (long)sleep(25);
  }
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof(int));
  *(int *)CMSG_DATA(head) = STDOUT_FILENO;
  return connect(fd, (void *)&at, sizeof at) ? -1 : sendmsg(fd, &message, 0);
}

// Every call below returns a negative value where the kernel refused it.
static long attempt(const char *what, const char *where) {
  char buffer[4096] = {0};
  if (!strcmp(what, "read")) {
    int fd = open(where, O_RDONLY | O_NONBLOCK);
    return fd < 0 ? fd : read(fd, buffer, sizeof buffer) > 0 ? 0 : -1;
  }
  if (!strcmp(what, "write")) return open_write(where);
  if (!strcmp(what, "list")) return open(where, O_RDONLY | O_DIRECTORY);
  if (!strcmp(what, "chroot")) return chroot(where);
  if (!strcmp(what, "tiocsti")) {
    for (const char *c = where; *c; c++)
      if (ioctl(0, TIOCSTI, c) < 0) return -1;
    return ioctl(0, TIOCSTI, "\n");
  }
  if (!strcmp(what, "mem")) {
    // the first page of the program that process `where` runs
    char path[64];
    unsigned long start = 0;
    snprintf(path, sizeof path, "/proc/%s/maps", where);
    FILE *maps = fopen(path, "r");
    if (!maps || fscanf(maps, "%lx", &start) != 1) return -1;
    snprintf(path, sizeof path, "/proc/%s/mem", where);
    int fd = open(path, O_RDWR);
    return fd < 0 ? fd : pread(fd, buffer, 16, (off_t)start) == 16 ? 0 : -1;
  }
  if (!strcmp(what, "ptrace")) return ptrace(PTRACE_ATTACH, atoi(where), 0, 0);
  if (!strcmp(what, "pass-output")) return pass_output(where, 0);
  if (!strcmp(what, "keep-output")) return pass_output(where, 1);
  if (!strcmp(what, "bpf")) {
    union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
    return syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr);
  }
  if (!strcmp(what, "io_uring")) {
    char params[120] = {0};
    return syscall(SYS_io_uring_setup, 1, params);
  }
  if (!strcmp(what, "userfaultfd")) return syscall(SYS_userfaultfd, O_CLOEXEC);
  if (!strcmp(what, "keyctl")) return syscall(SYS_keyctl, 0 /* get keyring id */, -3 /* session */, 1);
  if (!strcmp(what, "add_key")) return syscall(SYS_add_key, "user", "ocicat-attack", "x", 1, -3);
  if (!strcmp(what, "mount")) return mount("none", where, "tmpfs", 0, "");
  if (!strcmp(what, "remount")) return mount("none", where, NULL, MS_REMOUNT | MS_BIND, "");
  if (!strcmp(what, "umount")) return umount2(where, MNT_DETACH);
  if (!strcmp(what, "pivot_root")) return syscall(SYS_pivot_root, ".", ".");
  if (!strcmp(what, "unshare-user")) return unshare(CLONE_NEWUSER);
  if (!strcmp(what, "unshare-mount")) return unshare(CLONE_NEWNS);
  if (!strcmp(what, "clone-user")) {
    long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) _exit(0);
    return pid;
  }
  if (!strcmp(what, "setns")) {
    int fd = open(where, O_RDONLY);
    return fd < 0 ? fd : setns(fd, 0);
  }
  if (!strcmp(what, "handle")) {
    struct { struct file_handle head; char bytes[8]; } handle = {.head = {.handle_bytes = 8, .handle_type = 1}};
    handle.bytes[0] = 2; // the root directory of an ext4
    return open_by_handle_at(open("/", O_RDONLY), &handle.head, O_RDONLY);
  }
  if (!strcmp(what, "socket")) return socket(atoi(where), SOCK_SEQPACKET, 0);
  if (!strcmp(what, "personality")) return syscall(SYS_personality, strtoul(where, NULL, 0));
  if (!strcmp(what, "clock")) {
    struct timeval now;
    gettimeofday(&now, NULL);
    return settimeofday(&now, NULL);
  }
  if (!strcmp(what, "hostname")) return sethostname("owned", 5);
  if (!strcmp(what, "klog")) return klogctl(3, buffer, sizeof buffer);
  if (!strcmp(what, "module")) return syscall(SYS_init_module, buffer, sizeof buffer, "");
  if (!strcmp(what, "kexec")) return syscall(SYS_kexec_load, 0, 0, 0, 0);
  if (!strcmp(what, "reboot")) return syscall(SYS_reboot, 0xfee1dead, 672274793, 0x89abcdef, 0); // CAD off
  if (!strcmp(what, "swapoff")) return syscall(SYS_swapoff, "/nonexistent");
  if (!strcmp(what, "perf")) {
    char attr[128] = {0};
    return syscall(SYS_perf_event_open, attr, 0, -1, -1, 0);
  }
  if (!strcmp(what, "disk")) {
    // the machine's own disk: made as a node here, then opened
    unlink("/dev-attack");
    if (mknod("/dev-attack", S_IFBLK | 0600, (dev_t)strtoul(where, NULL, 0)) < 0) return -1;
    long fd = open("/dev-attack", O_RDONLY);
    unlink("/dev-attack");
    return fd;
  }
  if (!strcmp(what, "route")) {
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq request = {.ifr_flags = IFF_UP};
    strcpy(request.ifr_name, "lo");
    return fd < 0 ? fd : ioctl(fd, SIOCSIFFLAGS, &request);
  }
  if (!strcmp(what, "kill-all")) return kill(-1, 0) < 0 && errno == ESRCH ? -1 : kill(1, SIGKILL) || kill(1, 0);
  fprintf(stderr, "unknown attack %s\n", what);
  exit(2);
}

int main(int argc, char **argv) {
  for (int at = 1; at + 1 < argc; at += 2) {
    errno = 0;
    long result = attempt(argv[at], argv[at + 1]);
    if (result < 0) printf("%s %s: held: %s\n", argv[at], argv[at + 1], errno ? strerror(errno) : "empty");
    else printf("%s %s: not held\n", argv[at], argv[at + 1]);
  }
  return 0;
}
