// A host with an uplink, another machine behind it and a pod, as network namespaces in which programs listen.

import type { InterfaceAddresses } from '../../../src/firewall/host/interfaces.ts';
import { formatIp, type Ip, parseIp } from '../../../src/net/ip.ts';
import { addNetns, nft, run, runIn } from './firewall-net.ts';
import { addHost, addPod } from './firewall-pods.ts';

/** SSH and etcd are failsafe ports, the others are not. */
const PORTS = [22, 2379, 8080, 8081];

interface OpenFlow {
  /** Whether a line that is sent comes back within half a second. */
  answers(): Promise<boolean>;
  close(): Promise<void>;
}

export interface HostSite {
  readonly host: string;
  readonly outside: string;
  readonly pod: string;
  readonly host4: Ip;
  readonly host6: Ip;
  readonly outside4: Ip;
  readonly outside6: Ip;
  readonly pod4: Ip;
  readonly pod6: Ip;
  readonly interfaces: readonly InterfaceAddresses[];
  /** Every neighbour is known and no flow is remembered, so that single packets pass or do not. */
  forgetFlows(): void;
  /** The host hands connections to a port of its own on to another address and port; without one, to none any more. */
  translate(port?: number, to?: Ip, toPort?: number): void;
  /** The same for what the host itself sends to an address that nobody has. */
  translateOwn(port: number, to: Ip, toPort: number): void;
  /** Connections that the host remembers. */
  countFlows(): number;
  /** A connection from outside to the host that stays open. */
  openFlow(port: number): Promise<OpenFlow>;
  close(): Promise<void>;
}

/** Sends back what it gets, on every address. */
const LISTENER = `
const socket = { data: (one, bytes) => void one.write(bytes) };
for (const port of process.argv.slice(1)) Bun.listen({ hostname: '::', port: Number(port), socket });
console.log('listening');`;

/** Says for each line that comes whether it was sent back. */
const CLIENT = `
let answered;
const [hostname, port] = process.argv.slice(1);
const socket = await Bun.connect({ hostname, port: Number(port), socket: { data: () => answered?.() } });
console.log('open');
for await (const line of console) {
  const answer = new Promise((resolve) => { answered = () => resolve('yes'); });
  socket.write(line);
  console.log(await Promise.race([answer, Bun.sleep(500).then(() => 'no')]));
}`;

interface Program {
  readLine(): Promise<string>;
  write(line: string): void;
  close(): Promise<void>;
}

/** A script of this runtime in a namespace, which ends with its input. */
function startIn(netns: string, script: string, ...args: readonly string[]): Program {
  const command = [
    'setpriv',
    '--pdeathsig',
    'KILL',
    'ip',
    'netns',
    'exec',
    netns,
    process.execPath,
    '-e',
    script,
    ...args,
  ];
  const child = Bun.spawn(command, { stdin: 'pipe', stdout: 'pipe', stderr: 'inherit' });
  const reader = child.stdout.getReader();
  return {
    async readLine() {
      const { value } = await reader.read();
      return new TextDecoder().decode(value).trimEnd();
    },
    write(line) {
      child.stdin.write(`${line}\n`);
      child.stdin.flush();
    },
    async close() {
      child.kill('SIGKILL');
      await child.exited;
    },
  };
}

const [host4, host6] = [parseIp('10.66.0.1'), parseIp('fd00:66::1')];
const [outside4, outside6] = [parseIp('10.66.0.2'), parseIp('fd00:66::2')];

function addOutside(host: string): string {
  const outside = addNetns();
  run(['ip', '-n', host, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', outside]);
  const script = (own4: Ip, own6: Ip) => `
    sysctl -qw net.ipv6.conf.eth0.accept_dad=0
    ip link set lo up
    ip address add ${formatIp(own4)}/24 dev eth0
    ip address add ${formatIp(own6)}/64 dev eth0 nodad
    ip link set eth0 up`;
  runIn(host, ['sh', '-ec', script(host4, host6)]);
  runIn(outside, [
    'sh',
    '-ec',
    `${script(outside4, outside6)}
    ip route add default via ${formatIp(host4)}
    ip route add default via ${formatIp(host6)}`,
  ]);
  return outside;
}

/** In a table that is not ours. */
function translation(hook: string, matched: string, to: string): string {
  return `
    table ip translation
    delete table ip translation
    table ip translation {
      chain translate { type nat hook ${hook} priority -100; policy accept; ${matched} dnat to ${to}; }
    }`;
}

export async function openHostSite(): Promise<HostSite> {
  const host = addHost();
  const outside = addOutside(host);
  const { netns: pod, ipv4: pod4, ipv6: pod6 } = addPod(host, 1);
  const listeners = [host, outside, pod].map((netns) => startIn(netns, LISTENER, ...PORTS.map(String)));
  for (const listener of listeners) await listener.readLine();
  return {
    ...{ host, outside, pod, host4, host6, outside4, outside6, pod4, pod6 },
    interfaces: [
      { name: 'lo', addresses: [parseIp('127.0.0.1'), parseIp('::1')] },
      { name: 'eth0', addresses: [host4, host6] },
    ],
    forgetFlows() {
      const macOf = (netns: string, name: string) => runIn(netns, ['cat', `/sys/class/net/${name}/address`]).trim();
      const fix = (where: string, device: string, mac: string, ...addresses: readonly string[]) => {
        for (const address of addresses)
          run(['ip', '-n', where, 'neigh', 'replace', address, 'lladdr', mac, 'dev', device, 'nud', 'permanent']);
      };
      fix(host, 'eth0', macOf(outside, 'eth0'), formatIp(outside4), formatIp(outside6));
      fix(outside, 'eth0', macOf(host, 'eth0'), formatIp(host4), formatIp(host6));
      fix(host, 'cali1', macOf(pod, 'eth0'), formatIp(pod4), formatIp(pod6));
      fix(pod, 'eth0', macOf(host, 'cali1'), '169.254.1.1', 'fe80::1');
      const chains = ['prerouting', 'output'].map(
        (hook) => `chain ${hook} { type filter hook ${hook} priority -310; notrack; }`,
      );
      nft(host, `table inet probes {\n${chains.join('\n')}\n}`);
    },
    translate(port, to = pod4, toPort = 0) {
      if (port === undefined) nft(host, 'table ip translation\ndelete table ip translation');
      else nft(host, translation('prerouting', `iifname "eth0" tcp dport ${port}`, `${formatIp(to)}:${toPort}`));
    },
    translateOwn(port, to, toPort) {
      nft(host, translation('output', `tcp dport ${port}`, `${formatIp(to)}:${toPort}`));
    },
    countFlows: () => Number(runIn(host, ['cat', '/proc/sys/net/netfilter/nf_conntrack_count'])),
    async openFlow(port) {
      const client = startIn(outside, CLIENT, formatIp(host4), String(port));
      await client.readLine();
      return {
        async answers() {
          client.write('x');
          return (await client.readLine()) === 'yes';
        },
        close: client.close,
      };
    },
    async close() {
      for (const listener of listeners) await listener.close();
    },
  };
}
