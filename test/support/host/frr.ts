// FRR as the foreign router of an agent's host, in the namespace `outside`.
import { type AgentHost, eventually } from './agent-host.ts';

export interface Frr {
  /** Lines of its configuration, beside those that are there. */
  configure(...lines: readonly string[]): void;
  /** The whole section of BGP anew: it announces and takes without policies, and networks that it has no route to. */
  replaceBgp(as: number, ...lines: readonly string[]): void;
  /** What a `show` command prints as JSON. */
  show(command: string): Readonly<Record<string, unknown>>;
  /** A neighbour as FRR sees it; empty for one that it does not have. */
  neighbor(address: string): Readonly<Record<string, unknown>>;
  untilEstablished(address: string, timeoutMs?: number): Promise<void>;
}

export const FRR_AS = 65009;
const RUN = '/run/frr';
const USUAL = ['no bgp ebgp-requires-policy', 'no bgp network import-check', 'bgp router-id 10.98.0.2'];

const START = `
mkdir -p ${RUN}
touch ${RUN}/zebra.conf ${RUN}/bgpd.conf
chown -R frr:frr ${RUN}
for daemon in zebra bgpd; do
  ip netns exec outside /usr/lib/frr/$daemon -d -f ${RUN}/$daemon.conf -i ${RUN}/$daemon.pid -z ${RUN}/zserv.api \\
    --vty_socket ${RUN} -A 127.0.0.1
done`;

function quote(line: string): string {
  return `-c '${line}'`;
}

/** In the mounts and processes of the host, and gone with it. */
export function startFrr(host: AgentHost): Frr {
  host.must(`set -e${START}`);
  const vtysh = (lines: readonly string[]) =>
    host.must(`ip netns exec outside vtysh --vty_socket ${RUN} ${lines.map(quote).join(' ')}`);
  const configure = (...lines: readonly string[]) => {
    const said = vtysh(['configure terminal', ...lines]);
    if (said.includes('%')) throw new Error(`${lines.join('\n')}: ${said}`);
  };
  const show = (command: string) => JSON.parse(vtysh([`show ${command} json`])) as Readonly<Record<string, unknown>>;
  const neighbor = (address: string) => (show(`bgp neighbors ${address}`)[address] ?? {}) as Record<string, unknown>;

  let isThere = false;
  return {
    configure,
    show,
    neighbor,
    replaceBgp(as, ...lines) {
      if (isThere) configure('no router bgp');
      isThere = true;
      configure(`router bgp ${as}`, ...USUAL, ...lines);
    },
    async untilEstablished(address, timeoutMs = 15_000) {
      const look = () => (neighbor(address).bgpState === 'Established' ? true : undefined);
      await eventually(`the session of ${address}`, timeoutMs, look);
    },
  };
}
