// Takes device nodes away from a container's root: remounts what is mounted at PATH without devices, and read-only with `ro`
// (mount(2), MS_REMOUNT | MS_BIND: the flags of this mount alone). It is a hook of the OCI runtime, which takes one that has
// not read the container's state to its end for a failed one. Usage: nodev PATH [ro]
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

int main(int argc, char **argv) {
  char state[4096];
  while (read(STDIN_FILENO, state, sizeof state) > 0) continue;
  if (argc != 2 && !(argc == 3 && strcmp(argv[2], "ro") == 0)) return 2;
  unsigned long flags = MS_REMOUNT | MS_BIND | MS_NODEV | (argc == 3 ? MS_RDONLY : 0);
  if (mount(NULL, argv[1], NULL, flags, NULL) == 0) return 0;
  perror(argv[1]);
  return 1;
}
