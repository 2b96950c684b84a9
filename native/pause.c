// The first process of a pod: it holds the pod's namespaces until it is killed, and does nothing else. It ignores every
// signal that can be ignored, so that what is sent to all processes of a unit or a terminal ends the apps in order and not
// the pod at once. Ignoring SIGCHLD lets the kernel reap what is orphaned in the pod (sigaction(2), "SIG_IGN").
#include <signal.h>
#include <unistd.h>

int main(void) {
  for (int number = 1; number <= SIGRTMAX; number++) signal(number, SIG_IGN);
  for (;;) pause();
}
