// A third router beside an agent's host and FRR: a BIRD in a namespace `third`, behind a link of its own.
import type { AgentHost } from './agent-host.ts';

export const THIRD = '10.97.0.3';
export const THIRD6 = 'fd97::3';

/** What it announces, within the site's pools: the first of each family with a community. */
export const THIRD_PREFIXES = {
  4: ['192.168.77.0/26', '192.168.78.0/24'],
  6: ['fd65:0:0:77::/64', 'fd65:0:0:78::/72'],
} as const;
export const THIRD_COMMUNITY = '65003:7';

export interface Third {
  /** Makes it speak as this AS to the host. */
  speak(as: { readonly as: number; readonly port?: number }): void;
}

const LINK = `set -e
ip netns add third
ip link add eth1 type veth peer name eth0 netns third
ip address add 10.97.0.1/24 dev eth1
ip address add fd97::1/64 dev eth1 nodad
ip link set eth1 up
ip -n third address add ${THIRD}/24 dev eth0
ip -n third address add ${THIRD6}/64 dev eth0 nodad
ip -n third link set eth0 up
ip -n third route add default via 10.97.0.1
ip -n third route add default via fd97::1`;

function staticLines(family: 4 | 6): string {
  const routes = THIRD_PREFIXES[family].map((prefix) => `route ${prefix} unreachable;`);
  return `protocol static static${family} { ipv${family}; ${routes.join(' ')} }`;
}

function sessionLines(family: 4 | 6, own: string, host: string, as: number, port: number): string {
  const tag = `if net = ${THIRD_PREFIXES[family][0]} then bgp_community.add((${THIRD_COMMUNITY.replace(':', ', ')}));`;
  return `protocol bgp host${family} { local ${own} port ${port} as ${as}; neighbor ${host} as 64512; multihop;
  connect retry time 1; connect delay time 1; error wait time 1, 1; graceful restart;
  ipv${family} { import all; export filter { ${tag} accept; }; }; }`;
}

const configOf = (as: number, port: number) => `router id ${THIRD};
protocol device {}
${staticLines(4)}
${staticLines(6)}
${sessionLines(4, THIRD, '10.98.0.1', as, port)}
${sessionLines(6, THIRD6, 'fd98::1', as, port)}
`;

export function startThird(host: AgentHost): Third {
  host.must(LINK);
  let isThere = false;
  return {
    speak({ as, port = 179 }) {
      host.must(`cat > /run/third.conf <<'END'\n${configOf(as, port)}END`);
      if (isThere) host.must('birdc -s /run/third.ctl down; sleep 0.2');
      isThere = true;
      host.must('ip netns exec third bird -c /run/third.conf -s /run/third.ctl');
    },
  };
}
