// One packet of each kind from pod to pod, by the programs that people use, and which of them came through.
import { untilEqual } from '../host/until-equal.ts';
import { inside, type Pod, type Pods, UDP_PORT, type UnderlayLab } from './pods.ts';

/** `full`: as large as the link of the pod takes, both ways, and not to be fragmented. `tcp`: a megabyte of it. */
const KINDS = ['tcp', 'udp', 'icmp', 'full'] as const;
type Kind = (typeof KINDS)[number];

/** Bash functions that end with 0 when the answer came. */
const FUNCTIONS = `
mtu=$(ip -o link show dev eth0 | grep -o 'mtu [0-9]*' | cut -d' ' -f2)
icmp() { ping -n -q -c 1 -W 0.7 $1; }
full() { case $1 in *:*) h=48;; *) h=28;; esac; ping -n -q -c 1 -W 0.7 -M do -s $((mtu - h)) $1; }
udp() { exec 3<>/dev/udp/$1/${UDP_PORT}; echo word >&3; [ "$(timeout 0.7 head -c 4 <&3)" = word ]; }
tcp() { case $1 in *:*) h=[$1];; *) h=$1;; esac; [ $(timeout 1.2 busybox wget -q -O - http://$h/bin/busybox | wc -c) -gt 500000 ]; }
say() { if (eval "$2") >/dev/null 2>&1; then echo "$1: yes"; else echo "$1: no"; fi; }
`;

const familyOf = (address: string) => (address.includes(':') ? 'ipv6' : 'ipv4');

/** `a -tcp-> d over ipv6`. */
const nameOf = (from: Pod, to: Pod, kind: Kind, address: string) =>
  `${from.name} -${kind}-> ${to.name} over ${familyOf(address)}`;

function probesOf(from: Pod, to: Pod): readonly (readonly [name: string, command: string])[] {
  return to.addresses.flatMap((address) =>
    KINDS.map((kind) => [nameOf(from, to, kind, address), `${kind} ${address}`] as const),
  );
}

/** Who sends to whom: there and back within the network, and from another network. */
function pairsOf({ a, b, c, d, x }: Pods): readonly (readonly [Pod, readonly Pod[]])[] {
  return [
    [a, [b, c, d]],
    [c, [a, d, x]],
    [d, [a, c, x]],
    [x, [b, c, d]],
  ];
}

/** Every probe with its outcome, sorted: `a -tcp-> d over ipv6: yes`. */
export async function observeProbes({ lab, pods }: UnderlayLab): Promise<readonly string[]> {
  const outputs = await Promise.all(
    pairsOf(pods).map(([from, targets]) => {
      const probes = targets.flatMap((to) => probesOf(from, to));
      const lines = probes.map(([name, command]) => `say '${name}' '${command}' &`);
      return lab.must(from.host, `${inside(from)} bash <<'END'\n${FUNCTIONS}${lines.join('\n')}\nwait\nEND`);
    }),
  );
  return outputs.flatMap((output) => output.trim().split('\n')).sort();
}

/** What is wanted: all within the network, between segments only where these are crossed, and nothing from another network. */
export function expectProbes({ pods }: UnderlayLab, crossesSegments: boolean): readonly string[] {
  return pairsOf(pods)
    .flatMap(([from, targets]) =>
      targets.flatMap((to) => {
        const crosses = (from.host === 'calico-03') !== (to.host === 'calico-03');
        const passes = from.network === to.network && (crossesSegments || !crosses);
        return probesOf(from, to).map(([name]) => `${name}: ${passes ? 'yes' : 'no'}`);
      }),
    )
    .sort();
}

/** Hosts that encrypt ask each other for a session every 5 seconds (WireGuard's REKEY_TIMEOUT), so that two may take some tries. */
const LIMIT_MS = 20_000;

/** Waits until what is wanted comes through and nothing else, as long as agents may take for it. */
export async function untilProbes(underlay: UnderlayLab, crossesSegments: boolean): Promise<void> {
  await untilEqual(() => observeProbes(underlay), expectProbes(underlay, crossesSegments), LIMIT_MS);
}

/** What the host answers to packets of 5,000 bytes that must not be fragmented: the MTU that it names, by address. The pod has forgotten all earlier answers. */
export async function observeMtuErrors({ lab, pods }: UnderlayLab, to: Pod): Promise<readonly string[]> {
  const from = pods.w;
  const pings = to.addresses.map((address) => `ping -n -c 1 -W 1 -M do -s 5000 ${address}`);
  const { stdout } = await lab.on(
    from.host,
    `${inside(from)} bash -c 'ip -4 route flush cache; ip -6 route flush cache; ${pings.join('; ')}'`,
  );
  return [...stdout.matchAll(/mtu ?= ?(\d+)/g)].map((match) => match[1] ?? '');
}
