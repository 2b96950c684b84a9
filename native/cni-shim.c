// The CNI plugins `calico` and `calico-ipam`, and the netavark plugins `calico` and `ocicat`: hands its name, what it is
// asked, an open network namespace and its standard input to the agent's socket, prints the answer and exits with its
// status. CNI asks by variables, netavark and podman by arguments (netavark 2.1, plugin-API.md). Protocol: src/shim/wire.ts.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#ifndef SOCKET_PATH // only tests build with other paths; nothing at run time can change them
#define SOCKET_PATH "/var/run/calico/cni.sock"
#endif

#ifndef NETAVARK_SOCKET_PATH
#define NETAVARK_SOCKET_PATH "/var/run/calico/netavark.sock"
#endif

#ifndef TEARDOWN_FOLDER // the agent makes it, and does what it finds there (src/netavark/server/left-teardowns.ts)
#define TEARDOWN_FOLDER "/var/lib/calico/teardowns"
#endif

#ifndef VERSION
#define VERSION "unknown"
#endif

#if !defined(CNI_VERSIONS) || !defined(NEWEST_VERSION) // the agent's own list, and its last (src/cni/spec/version.ts)
#error "CNI_VERSIONS or NEWEST_VERSION is not defined"
#endif

enum { BUFFER_BYTES = 1 << 19, HEADER_BYTES = 1 << 17, TIMEOUT_SECONDS = 120, TRY_AGAIN = 11, IO_FAILURE = 5, UNAVAILABLE = 50 };
enum { VERSION_MS = 1000 }; // a caller of VERSION that says nothing, and does not end, is not waited for

extern char **environ;
static char buffer[BUFFER_BYTES]; // the request
static char answer[BUFFER_BYTES];
static size_t used;               // bytes of the request
static size_t input_at;           // where standard input begins in it
static char version[24];          // of CNI's configuration, empty when unknown or longer
static const char *subcommand;    // of netavark or podman; NULL when CNI asks
static const char *socket_path = SOCKET_PATH;

static int write_all(int fd, const char *from, size_t count) {
  while (count > 0) {
    ssize_t written = write(fd, from, count);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return -1;
    from += written;
    count -= (size_t)written;
  }
  return 0;
}

static int send_all(int fd, const char *from, size_t count) {
  while (count > 0) {
    ssize_t sent = send(fd, from, count, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return -1;
    from += sent;
    count -= (size_t)sent;
  }
  return 0;
}

// Copies the configuration's version where it is plainly there, so that the caller reads the answer by its own rules.
static void find_version(void) {
  static const char key[] = "\"cniVersion\"";
  size_t length = 0;
  const char *at = memmem(buffer + input_at, used - input_at, key, sizeof key - 1);
  if (at != NULL) {
    const char *end = buffer + used;
    at += sizeof key - 1;
    while (at < end && strchr(" \t\r\n:", *at) != NULL && *at != 0) at++;
    if (at < end && *at++ == '"')
      while (at < end && length + 1 < sizeof version && ((*at >= '0' && *at <= '9') || *at == '.')) version[length++] = *at++;
    if (at >= end || *at != '"') length = 0;
  }
  version[length] = 0;
}

// The call's version where it is spoken here, else the newest: an error that says another is read by nobody's rules.
static const char *spoken_version(void) {
  char quoted[sizeof version + 2];
  snprintf(quoted, sizeof quoted, "\"%s\"", version);
  return strstr(CNI_VERSIONS, quoted) == NULL ? NEWEST_VERSION : version;
}

// Messages are plain text without quotes or backslashes.
static int fail(int code, const char *message, int error) {
  char text[640];
  const char *colon = error == 0 ? "" : ": ", *reason = error == 0 ? "" : strerror(error);
  int length = subcommand != NULL
                   ? snprintf(text, sizeof text, "{\"error\":\"%s%s%s\"}\n", message, colon, reason)
                   : snprintf(text, sizeof text, "{\"cniVersion\":\"%s\",\"code\":%d,\"msg\":\"%s%s%s\"}\n",
                              spoken_version(), code, message, colon, reason);
  write_all(STDOUT_FILENO, text, (size_t)length);
  return 1;
}

// podman asks once and not again: the request is left where the agent finds it, under a name of its own, whole or not at all.
static int leave_teardown(void) {
  char path[128], part[136];
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  snprintf(path, sizeof path, TEARDOWN_FOLDER "/%lld.%09ld-%d", (long long)now.tv_sec, now.tv_nsec, (int)getpid());
  snprintf(part, sizeof part, "%s.part", path);
  int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  int bad = write_all(fd, buffer, used);
  bad |= close(fd);
  if (bad == 0 && rename(part, path) == 0) return 0;
  int error = errno;
  unlink(part);
  errno = error;
  return -1;
}

// An agent that cannot be reached, `%s` in the message being its socket: worth another try, and for STATUS the answer that it
// has a code for (CNI spec 1.1.0, "Error").
static int fail_unreached(const char *message, int error) {
  if (subcommand != NULL && strcmp(subcommand, "teardown") == 0 && leave_teardown() == 0) {
    static const char note[] = "the agent does not answer: it takes the container from its network as soon as it does\n";
    write_all(STDERR_FILENO, note, sizeof note - 1);
    return 0;
  }
  char text[256];
  snprintf(text, sizeof text, message, socket_path);
  const char *command = getenv("CNI_COMMAND");
  int is_status = command != NULL && strcmp(command, "STATUS") == 0;
  return fail(is_status ? UNAVAILABLE : TRY_AGAIN, text, error);
}

// Somebody at a terminal: says the version when asked for it, else what this program is.
static int answer_person(int argc, char **argv) {
  static const char about[] =
      "This is a CNI plugin: a container runtime calls it, with CNI_COMMAND and its kin set.\n"
      "It is a netavark plugin too: podman calls it, as info, create, setup NETNS or teardown NETNS.\n";
  if (argc > 1 && (strcmp(argv[1], "-v") == 0 || strcmp(argv[1], "--version") == 0))
    return write_all(STDOUT_FILENO, VERSION "\n", sizeof VERSION) == 0 ? 0 : 1;
  write_all(STDERR_FILENO, about, sizeof about - 1);
  return 1;
}

// Appends a text with its terminating zero; what is too long for the header makes it fail later.
static int append(const char *text) {
  size_t length = strlen(text) + 1;
  if (used + length > HEADER_BYTES) return -1;
  memcpy(buffer + used, text, length);
  used += length;
  return 0;
}

// The namespace's descriptor in this process, or minus the error number, or nothing when none is named. The agent takes
// a copy of the descriptor: it may see other mounts than the runtime does.
static int append_netns(const char *path) {
  char text[16] = "";
  if (path != NULL && path[0] != 0) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(text, sizeof text, "%d", fd < 0 ? -errno : fd);
  }
  return append(text);
}

static int read_input(void) {
  input_at = used;
  while (used < sizeof buffer) {
    ssize_t count = read(STDIN_FILENO, buffer + used, sizeof buffer - used);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    if (count == 0) return 0;
    used += (size_t)count;
  }
  errno = EFBIG;
  return -1;
}

// Answers VERSION with the caller's own version, where it says one (CNI spec 1.1.0, "VERSION Success").
static int answer_versions(void) {
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  while (version[0] == 0 && used < sizeof buffer && poll(&input, 1, VERSION_MS) > 0) {
    ssize_t count = read(STDIN_FILENO, buffer + used, sizeof buffer - used);
    if (count <= 0) break;
    used += (size_t)count;
    find_version();
  }
  char text[320];
  int length = snprintf(text, sizeof text, "{\"cniVersion\":\"%s\",\"supportedVersions\":%s}\n",
                        version[0] == 0 ? NEWEST_VERSION : version, CNI_VERSIONS);
  return write_all(STDOUT_FILENO, text, (size_t)length) == 0 ? 0 : 1;
}

static int open_socket(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path, socket_path, strlen(socket_path));
  struct timeval timeout = {.tv_sec = TIMEOUT_SECONDS};
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  int result;
  do result = connect(fd, (struct sockaddr *)&address, sizeof address);
  while (result < 0 && errno == EINTR);
  return result < 0 ? -1 : fd;
}

// Reads until the agent closes; returns the number of bytes, or -1.
static ssize_t read_answer(int fd) {
  size_t count = 0;
  while (count < sizeof answer) {
    ssize_t got = recv(fd, answer + count, sizeof answer - count, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) return (ssize_t)count;
    count += (size_t)got;
  }
  errno = EFBIG;
  return -1;
}

static int append_variable(const char *name, const char *value) {
  int bad = append(name);
  used -= bad == 0; // the value takes the place of the zero
  return bad | append(value);
}

static int append_cni_variables(void) {
  int bad = 0;
  for (char **variable = environ; *variable != NULL; variable++)
    if (strncmp(*variable, "CNI_", 4) == 0) bad |= append(*variable);
  return bad;
}

static int build_request(const char *program, const char *netns) {
  int bad = append(program) | append_netns(netns);
  if (subcommand == NULL) return bad | append_cni_variables() | append("");
  bad |= append_variable("NETAVARK_COMMAND=", subcommand);
  return bad | append_variable("NETAVARK_NETNS=", netns == NULL ? "" : netns) | append("");
}

static const char *find_subcommand(int argc, char **argv) {
  static const char *const known[] = {"info", "create", "setup", "teardown"};
  for (size_t at = 0; argc > 1 && at < sizeof known / sizeof *known; at++)
    if (strcmp(argv[1], known[at]) == 0) return known[at];
  return NULL;
}

// Hands the request over and the answer on; the agent's exit status.
static int ask_agent(void) {
  int fd = open_socket();
  if (fd < 0 && subcommand != NULL && errno == EACCES)
    return fail(IO_FAILURE, "only root may ask the agent: containers of other users have no network of the host's", 0);
  if (fd < 0)
    return fail_unreached("cannot reach the agent at %s, start it (systemctl start calico-node) and try again", errno);
  if (send_all(fd, buffer, used) < 0 || shutdown(fd, SHUT_WR) < 0)
    return fail_unreached("the agent at %s does not take the request, try again", errno);
  ssize_t count = read_answer(fd);
  if (count < 1) return fail_unreached("the agent at %s gave no answer, see its log and try again", count < 0 ? errno : 0);
  if (write_all(STDOUT_FILENO, answer + 1, (size_t)count - 1) < 0) return 1;
  return (unsigned char)answer[0];
}

int main(int argc, char **argv) {
  static const char info[] = "{\"version\":\"" VERSION "\",\"api_version\":\"1.0.0\"}\n";
  const char *command = getenv("CNI_COMMAND");
  if (command == NULL) subcommand = find_subcommand(argc, argv);
  if (subcommand != NULL) socket_path = NETAVARK_SOCKET_PATH;
  if (command == NULL && subcommand == NULL && (argc > 1 || isatty(STDIN_FILENO))) return answer_person(argc, argv);
  if (command != NULL && strcmp(command, "VERSION") == 0) return answer_versions();
  if (subcommand != NULL && strcmp(subcommand, "info") == 0)
    return write_all(STDOUT_FILENO, info, sizeof info - 1) == 0 ? 0 : 1;
  const char *name = argc > 0 ? argv[0] : "";
  const char *slash = strrchr(name, '/');
  const char *netns = subcommand == NULL ? getenv("CNI_NETNS") : argc > 2 ? argv[2] : NULL;
  if (build_request(slash == NULL ? name : slash + 1, netns))
    return fail(IO_FAILURE, "the variables or arguments are too long", 0);
  if (read_input() < 0) return fail(IO_FAILURE, "cannot read the network configuration on standard input", errno);
  if (subcommand == NULL) find_version();
  return ask_agent();
}
