// A host with the installed agent and BIRD, which speak BGP with a router in the namespace `outside`: 10.98.0.2 and fd98::2.
import { join } from 'node:path';
import { type AgentHost, eventually, openAgentHost } from './agent-host.ts';

const CALICOCTL = join(import.meta.dir, '../../../dist/bin/calicoctl');
const STATUS_TITLE = '\nNothing is sent to them or taken from them:\n  ';

/** By name; those of the host's own routes, and of the routers' that it hands on. */
const POOLS = [
  ['four', '192.168.0.0/16'],
  ['six', 'fd65::/48'],
] as const;

export interface BgpSite {
  readonly host: AgentHost;
  startAgent(): void;
  log(): string;
  /** What calicoctl prints, errors too. */
  calicoctl(words: string): string;
  /** Throws unless it is taken. */
  apply(kind: string, name: string, spec: object, labels?: Readonly<Record<string, string>>): void;
  remove(kind: string, name: string): void;
  birdc(words: string): string;
  /** Lines of BIRD's BGP protocols. */
  sessions(): string;
  /** A line of a session with each of these words. */
  untilSession(...words: readonly string[]): Promise<void>;
  untilNoSession(name: string): Promise<void>;
  untilStatus(wanted: string): Promise<void>;
  /** The status names what closes a peer. */
  untilClosed(reason: string): Promise<void>;
  close(): Promise<void>;
}

/** With an /etc of its own, addresses of IPv6, and pools of both families. */
export async function openBgpSite(): Promise<BgpSite> {
  const host = await openAgentHost({ ipam: { assign_ipv4: 'true', assign_ipv6: 'true' } });
  host.must(
    `cp -a /etc /run/etc && mount --bind /run/etc /etc && mkdir -p /etc/calico
    ip address add fd98::1/64 dev eth0 nodad; ip -n outside address add fd98::2/64 dev eth0 nodad
    ip -n outside link set lo up`,
  );
  const calicoctl = (words: string) => host.run(`ETCD_ENDPOINTS=${host.etcd.endpoint} ${CALICOCTL} ${words}`).output;
  const birdc = (words: string) => host.run(`birdc -s /var/run/calico/bird.ctl ${words}`).output;
  const sessions = () => birdc("show protocols | grep ' BGP '");

  function apply(kind: string, name: string, spec: object, labels: Readonly<Record<string, string>> = {}): void {
    const document = { apiVersion: 'projectcalico.org/v3', kind, metadata: { name, labels }, spec };
    const said = calicoctl(`apply -f - <<'END'\n${JSON.stringify(document)}\nEND`);
    if (!said.includes('Successfully')) throw new Error(said);
  }

  async function until(what: string, holds: () => boolean, told: () => string): Promise<void> {
    await eventually(what, 15_000, () => (holds() ? true : undefined)).catch((cause: unknown) => {
      throw new Error(told(), { cause });
    });
  }
  const untilStatus = (wanted: string) =>
    until(
      wanted,
      () => calicoctl('node status').includes(wanted),
      () => calicoctl('node status'),
    );

  for (const [name, cidr] of POOLS) apply('IPPool', name, { cidr });
  return {
    host,
    calicoctl,
    birdc,
    sessions,
    untilStatus,
    log: () => host.must('cat /run/log/node.log'),
    startAgent() {
      const said = calicoctl(
        'node run --name node-1 --ip autodetect --ip6 autodetect --no-default-ippools --log-dir /run/log',
      );
      if (!said.includes('Calico node started successfully')) throw new Error(said);
    },
    apply,
    remove(kind, name) {
      const said = calicoctl(`delete ${kind} ${name}`);
      if (!said.includes('Successfully')) throw new Error(said);
    },
    async untilSession(...words) {
      const isThere = () =>
        sessions()
          .split('\n')
          .some((line) => words.every((word) => line.includes(word)));
      await until(`a session with ${words.join(' ')}`, isThere, sessions);
    },
    untilNoSession: (name) => until(`no ${name}`, () => !sessions().includes(name), sessions),
    untilClosed: (reason) => untilStatus(`${STATUS_TITLE}${reason}\n`),
    close: () => host.close(),
  };
}
