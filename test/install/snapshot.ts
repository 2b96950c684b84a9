// Everything of a host that an installation could leave behind: files, mounts, processes, and what is in the kernel.
import type { DebianHost } from './debian-host.ts';

/** What Debian itself writes as time goes by, and what apt and Debian's own daemons write when the documents call them. */
const DEBIANS = [
  '/(proc|sys|dev|tmp|machine)(/|$)',
  '/root(/|$)',
  '/run/(systemd|log|lock|dbus|udev|initctl|utmp|bird|adduser|xtables.lock)(/|$)',
  '/var/(cache|log/apt|log/journal|log/dpkg.log|log/wtmp|log/alternatives.log|lib/(apt|dpkg|systemd|etcd|ucf))(/|$)',
  '/etc/(rc[0-9S].d|hosts|networks|passwd|group|shadow|gshadow|subuid|subgid|ld.so.cache|systemd/system/.*(etcd|bird))',
  '(/usr)?/lib/systemd/system/etcd',
  '/var/log/(faillog|lastlog|btmp)',
];

const LIST_FILES = `find / -path /proc -prune -o -path /sys -prune -o -path /root/ocicat -prune -o -print |
  grep -Ev '^(${DEBIANS.join('|')})' | sort >/tmp/files; cat /var/lib/dpkg/info/*.list | sort -u >/tmp/packages
comm -23 /tmp/files /tmp/packages`;

const MOUNTS = 'cut -d" " -f2,3 /proc/self/mounts';
const PROCESSES = `names=$(for one in /proc/[0-9]*/comm; do read -r name <$one && echo "$name"; done)
grep -Ev '^(bash|systemd.*)$' <<<"$names" || true`;
const UNITS =
  'systemctl list-unit-files --no-legend | cut -d" " -f1 | grep -v etcd; systemctl list-units --no-legend --failed';
const GROUPS = 'find /sys/fs/cgroup -type d -name "*rkt*"';

const lines = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** Each thing in a line of its own. */
export async function snapshot(host: DebianHost): Promise<readonly string[]> {
  const all: string[] = [];
  for (const ask of [LIST_FILES, MOUNTS, PROCESSES, UNITS, GROUPS]) all.push(await host.must(ask));
  const kernel = [
    ['nft', 'list', 'ruleset'],
    ['ip', '-brief', 'link'],
    ['ip', 'route', 'show', 'table', 'all'],
    ['ip', '-6', 'route', 'show', 'proto', 'bird'],
    ['ip', 'rule'],
  ].map((command) => host.fromOutside(...command));
  return [...all, ...kernel].flatMap(lines);
}

/** What is there that was not. */
export function added(before: readonly string[], after: readonly string[]): readonly string[] {
  const known = new Set(before);
  return after.filter((line) => !known.has(line));
}
