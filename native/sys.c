// The libc calls that JavaScript lacks, as an N-API addon. Each function takes numbers, strings and byte arrays and
// returns the call's result, or -errno. Types and names for callers: src/sys/libc.ts.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <node_api.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { MAX_ARGS = 6, TEXT_BYTES = 16384 };

struct call {
  size_t argc;
  long arg[MAX_ARGS];
  char text[TEXT_BYTES]; // strings of the arguments, one after the other
  size_t used;
};

// Turns one argument into a register: a number, a pointer into a byte array, a pointer to a copied string, or 0.
static int take(napi_env env, napi_value value, struct call *call, long *out) {
  napi_valuetype type;
  napi_typeof(env, value, &type);
  if (type == napi_number) {
    int64_t number;
    napi_get_value_int64(env, value, &number);
    *out = number;
    return 0;
  }
  if (type == napi_string) {
    size_t length, room = TEXT_BYTES - call->used;
    napi_get_value_string_utf8(env, value, NULL, 0, &length);
    if (length >= room) return -1;
    char *start = call->text + call->used;
    napi_get_value_string_utf8(env, value, start, room, &length);
    if (memchr(start, 0, length)) return -1;
    call->used += length + 1;
    *out = (long)start;
    return 0;
  }
  if (type == napi_object) {
    napi_typedarray_type kind;
    napi_value buffer;
    size_t length, offset;
    void *data;
    if (napi_get_typedarray_info(env, value, &kind, &length, &data, &buffer, &offset) != napi_ok) return -1;
    *out = (long)data;
    return 0;
  }
  *out = 0;
  return type == napi_undefined || type == napi_null ? 0 : -1;
}

static int begin(napi_env env, napi_callback_info info, struct call *call, size_t wanted) {
  napi_value value[MAX_ARGS];
  call->argc = MAX_ARGS;
  call->used = 0;
  memset(call->arg, 0, sizeof call->arg);
  napi_get_cb_info(env, info, &call->argc, value, NULL, NULL);
  int bad = call->argc < wanted;
  for (size_t i = 0; !bad && i < wanted; i++) bad = take(env, value[i], call, &call->arg[i]);
  if (bad) napi_throw_type_error(env, NULL, "sys: an argument is missing, too long or of the wrong type");
  return bad;
}

static napi_value done(napi_env env, long result) {
  napi_value value;
  napi_create_int64(env, result < 0 ? -errno : result, &value);
  return value;
}

#define A(i) call.arg[i]
#define P(i) ((void *)call.arg[i])
#define CALL(name, wanted, expression)                           \
  static napi_value fn_##name(napi_env env, napi_callback_info info) { \
    struct call call;                                            \
    if (begin(env, info, &call, wanted)) return NULL;            \
    return done(env, (expression));                              \
  }

CALL(open, 3, open(P(0), A(1), A(2)))
CALL(close, 1, close(A(0)))
CALL(write, 3, write(A(0), P(1), A(2)))
CALL(socket, 3, socket(A(0), A(1), A(2)))
CALL(bind, 3, bind(A(0), P(1), A(2)))
CALL(connect, 3, connect(A(0), P(1), A(2)))
CALL(send, 4, send(A(0), P(1), A(2), A(3)))
CALL(recv, 4, recv(A(0), P(1), A(2), A(3)))
CALL(setsockopt, 5, setsockopt(A(0), A(1), A(2), P(3), A(4)))
CALL(getsockopt, 5, getsockopt(A(0), A(1), A(2), P(3), P(4)))
CALL(poll, 3, poll(P(0), A(1), A(2)))
CALL(setns, 2, setns(A(0), A(1)))
CALL(unshare, 1, unshare(A(0)))
CALL(mount, 5, mount(P(0), P(1), P(2), A(3), P(4)))
CALL(umount2, 2, umount2(P(0), A(1)))
CALL(pivot_root, 2, syscall(SYS_pivot_root, P(0), P(1)))
CALL(chroot, 1, chroot(P(0)))
CALL(chdir, 1, chdir(P(0)))
CALL(flock, 2, flock(A(0), A(1)))
CALL(fcntl, 3, fcntl(A(0), A(1), A(2)))
CALL(ioctl, 3, ioctl(A(0), A(1), A(2)))
CALL(prctl, 5, prctl(A(0), A(1), A(2), A(3), A(4)))
CALL(kill, 2, kill(A(0), A(1)))
CALL(pidfd_open, 2, syscall(SYS_pidfd_open, A(0), A(1)))
CALL(pidfd_getfd, 3, syscall(SYS_pidfd_getfd, A(0), A(1), A(2)))
CALL(pidfd_send_signal, 2, syscall(SYS_pidfd_send_signal, A(0), A(1), NULL, 0))
CALL(sethostname, 2, sethostname(P(0), A(1)))
CALL(mknod, 3, mknod(P(0), A(1), A(2)))
CALL(lsetxattr, 4, lsetxattr(P(0), P(1), P(2), A(3), 0))
CALL(lgetxattr, 4, lgetxattr(P(0), P(1), P(2), A(3)))
CALL(setgid, 1, setgid(A(0)))
CALL(setuid, 1, setuid(A(0)))
CALL(setgroups, 2, setgroups(A(0), P(1)))
CALL(madvise, 3, madvise(P(0), A(1), A(2)))
CALL(makedev, 2, (long)makedev(A(0), A(1)))

static napi_value fn_openat2(napi_env env, napi_callback_info info) {
  struct call call;
  if (begin(env, info, &call, 5)) return NULL;
  struct open_how how = {.flags = A(2), .mode = A(3), .resolve = A(4)};
  return done(env, syscall(SYS_openat2, A(0), P(1), &how, sizeof how));
}

static int open_own_netns(void) {
  return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

// Back home and `home` closed, or nowhere: a process that went on in a pod's network would take the pod for its host.
static void come_home(int home) {
  int refused = errno;
  if (setns(home, CLONE_NEWNET) < 0) abort();
  close(home);
  errno = refused;
}

// Whether the thread has entered the namespace; `home` is the way back then.
static int enter(long netns, int *home) {
  *home = open_own_netns();
  if (*home < 0) return 0;
  if (setns(netns, CLONE_NEWNET) == 0) return 1;
  int refused = errno;
  close(*home);
  errno = refused;
  return 0;
}

// socket_in(netns, domain, type, protocol): there and back without JavaScript between. The engine starts threads whenever
// it likes; one that was born inside would keep a pod's namespace alive.
static napi_value fn_socket_in(napi_env env, napi_callback_info info) {
  struct call call;
  int home;
  if (begin(env, info, &call, 4)) return NULL;
  if (!enter(A(0), &home)) return done(env, -1);
  long result = socket(A(1), A(2), A(3));
  come_home(home);
  return done(env, result);
}

// open_in(netns, path, flags): a file whose content is the namespace's, as below /proc/sys/net.
static napi_value fn_open_in(napi_env env, napi_callback_info info) {
  struct call call;
  int home;
  if (begin(env, info, &call, 3)) return NULL;
  if (!enter(A(0), &home)) return done(env, -1);
  long result = open(P(1), A(2));
  come_home(home);
  return done(env, result);
}

// new_netns(): a descriptor of a network namespace that nobody is in.
static napi_value fn_new_netns(napi_env env, napi_callback_info info) {
  struct call call;
  if (begin(env, info, &call, 0)) return NULL;
  int home = open_own_netns();
  if (home < 0) return done(env, -1);
  long result = unshare(CLONE_NEWNET);
  if (result == 0) result = open_own_netns();
  come_home(home);
  return done(env, result);
}

// waitid(pid, options, status): 0 with status = [si_code, si_status], status[0] = 0 while the child runs.
static napi_value fn_waitid(napi_env env, napi_callback_info info) {
  struct call call;
  if (begin(env, info, &call, 3)) return NULL;
  siginfo_t child = {0};
  long result = waitid(P_PID, A(0), &child, A(1));
  int *status = P(2);
  if (result == 0) {
    status[0] = child.si_code;
    status[1] = child.si_status;
  }
  return done(env, result);
}

static char **strings(napi_env env, napi_value list) {
  uint32_t count;
  if (napi_get_array_length(env, list, &count) != napi_ok) return NULL;
  char **out = calloc(count + 1, sizeof *out);
  for (uint32_t i = 0; out && i < count; i++) {
    napi_value item;
    size_t length;
    if (napi_get_element(env, list, i, &item) != napi_ok) return NULL;
    if (napi_get_value_string_utf8(env, item, NULL, 0, &length) != napi_ok) return NULL;
    out[i] = malloc(length + 1);
    if (!out[i]) return NULL;
    napi_get_value_string_utf8(env, item, out[i], length + 1, &length);
  }
  return out;
}

// execve(path, argv, envp): replaces this process with default signal handling; comes back only with -errno.
static napi_value fn_execve(napi_env env, napi_callback_info info) {
  napi_value value[3];
  size_t argc = 3, length;
  char path[4096];
  napi_get_cb_info(env, info, &argc, value, NULL, NULL);
  char **argv = argc == 3 ? strings(env, value[1]) : NULL, **envp = argv ? strings(env, value[2]) : NULL;
  if (!envp || napi_get_value_string_utf8(env, value[0], path, sizeof path, &length) != napi_ok) {
    napi_throw_type_error(env, NULL, "sys: execve wants a path and two lists of strings");
    return NULL;
  }
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, NULL);
  return done(env, execve(path, argv, envp));
}

#define EXPORT(name) {#name, NULL, fn_##name, NULL, NULL, NULL, napi_enumerable, NULL}

NAPI_MODULE_INIT() {
  napi_property_descriptor all[] = {
      EXPORT(open), EXPORT(close), EXPORT(write), EXPORT(socket), EXPORT(bind), EXPORT(connect),
      EXPORT(send), EXPORT(recv), EXPORT(setsockopt), EXPORT(getsockopt), EXPORT(poll), EXPORT(setns),
      EXPORT(unshare), EXPORT(mount), EXPORT(umount2), EXPORT(pivot_root), EXPORT(chroot), EXPORT(chdir),
      EXPORT(flock), EXPORT(fcntl), EXPORT(prctl), EXPORT(kill), EXPORT(pidfd_open),
      EXPORT(pidfd_getfd), EXPORT(pidfd_send_signal), EXPORT(sethostname), EXPORT(mknod), EXPORT(lsetxattr),
      EXPORT(lgetxattr), EXPORT(setgid), EXPORT(setuid), EXPORT(setgroups), EXPORT(makedev), EXPORT(madvise),
      EXPORT(openat2), EXPORT(waitid), EXPORT(execve), EXPORT(socket_in), EXPORT(open_in), EXPORT(new_netns),
      EXPORT(ioctl),
  };
  napi_define_properties(env, exports, sizeof all / sizeof *all, all);
  return exports;
}
