// What nobody's shim sends, and nearly what shims send: requests of every command and version, spoilt at random in their bytes, their
// variables and their JSON. The same seed gives the same requests.
import { SUPPORTED_VERSIONS } from '../../../src/cni/spec/version.ts';

export interface Random {
  /** From 0 to `bound` - 1. */
  below(bound: number): number;
  of<T>(list: readonly [T, ...T[]] | readonly T[]): T;
}

/** Of 32 bits of state: George Marsaglia's xorshift. */
export function createRandom(seed: number): Random {
  let state = seed | 0 || 1;
  const below = (bound: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
  return { below, of: (list) => list[below(list.length)] as (typeof list)[number] };
}

const COMMANDS = ['ADD', 'ADD', 'ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'VERSION', 'UPDATE', ''];
const NAMES = ['network1', 'network2', 'Net_1', 'a.b', '-', '', '../x', 'x'.repeat(64)];
const IDS = ['c1', 'c2', 'A_b.c', 'k8s.io-web_1', '', '../x', 'x'.repeat(300), 'ä'];
const ARGS = [
  '',
  'IP=192.168.0.9',
  'IP=fd80::9',
  'IP=x',
  'MAC=02:00:00:00:00:01',
  'LABELS=a:b,c=d',
  'LABELS=:',
  'K8S_POD_NAME=web',
  ';;=;',
  'NAMES=a,b c',
  'IgnoreUnknown=1;NOMAD_JOB_ID=x',
  `K8S_POD_NAME=${'y'.repeat(500)}`,
  '\u202e=\u0007',
];
/** Readiness gates are not among them: whoever names one has an ADD wait for it. */
const KEYS = [
  'cniVersion',
  'name',
  'type',
  'ipam',
  'mtu',
  'num_queues',
  'policy',
  'attach',
  'prevResult',
  'dns',
  'ocicat',
  'runtimeConfig',
  'args',
  'cni.dev/valid-attachments',
  'device_type',
  'container_settings',
  'nodename',
  'feature_control',
  'assign_ipv4',
  'ipv4_pools',
  'routes',
  'ips',
  'mac',
  'bandwidth',
  'portMappings',
  'aliases',
  'labels',
  'cni',
  'interfaces',
  'address',
];
const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1e308,
  2 ** 53,
  1500,
  '',
  'x',
  'true',
  'false',
  '192.168.0.0/24',
  'fd80::/64',
  '10.0.0.1',
  '0.0.0.0/0',
  [],
  {},
  [[]],
  [null],
  { type: 'calico-ipam' },
  { type: 'host-local' },
  { labels: { a: 'b' } },
  { ips: ['192.168.0.5'] },
  [{ containerID: 'c1', ifname: 'eth0' }],
  'é\u0000\u202e',
  'z'.repeat(5000),
  { key: 'a', value: 'b' },
  'calico-ipam',
  'profile',
  [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }],
  { interfaces: [{ name: 'eth0' }], ips: [{ address: '1.2.3.4/5' }] },
];

type Spoilt = { [key: string]: unknown };

/** Some value of it, at any depth, is another one, gone, or under another key. */
function spoilJson(random: Random, value: Spoilt, depth = 0): void {
  const keys = Object.keys(value);
  const key = random.below(4) === 0 || keys.length === 0 ? random.of(KEYS) : random.of(keys);
  const inside = Object.hasOwn(value, key) ? value[key] : undefined;
  const goesDeeper = depth < 4 && random.below(2) === 0 && typeof inside === 'object' && inside !== null;
  if (goesDeeper) spoilJson(random, inside as Spoilt, depth + 1);
  else if (random.below(6) === 0) delete value[key];
  else value[key] = structuredClone(random.of(VALUES));
}

function makeConfig(random: Random): Spoilt {
  const attachments = random.below(2) === 0 ? [] : [{ containerID: 'c1', ifname: 'eth0' }];
  return {
    cniVersion: random.of(SUPPORTED_VERSIONS),
    name: random.below(4) === 0 ? random.of(NAMES) : random.of(['network1', 'network2']),
    type: 'calico',
    ipam: { type: 'calico-ipam', ...(random.below(3) === 0 ? { assign_ipv6: 'true' } : {}) },
    ...(random.below(3) === 0 ? { 'cni.dev/valid-attachments': attachments } : {}),
  };
}

/** A deep one now and then, one that is cut off, or anything. */
function makeInput(random: Random): string {
  const config = makeConfig(random);
  for (let times = random.below(4); times > 0; times--) spoilJson(random, config);
  const text = JSON.stringify(config);
  const turn = random.below(40);
  if (turn === 0) return text.slice(0, random.below(text.length));
  if (turn === 1) return '['.repeat(1 + random.below(3000));
  if (turn === 2) return text.replaceAll('"', random.of(["'", '""', '\\"', '']));
  if (turn === 3) return text.replace('"type"', '"__proto__"');
  return text;
}

function makeVariables(random: Random, folder: string): readonly string[] {
  const usual = random.below(3) > 0;
  const variables = {
    CNI_COMMAND: random.of(COMMANDS),
    CNI_CONTAINERID: usual ? random.of(['c1', 'c2', 'c3']) : random.of(IDS),
    CNI_IFNAME: usual ? random.of(['eth0', 'eth1']) : random.of(['eth0', 'my_if', 'a/b', '', 'sixteen-letters-']),
    CNI_NETNS: random.of(['/run/netns/c', '', '/nowhere']),
    CNI_ARGS: random.below(2) === 0 ? '' : random.of(ARGS),
    CNI_PATH: random.of(['', folder, `relative:${folder}`]),
    CNI_VERSION: random.of(['0.1.0', '1.0.0', '']),
  };
  const kept = Object.entries(variables).filter(() => random.below(30) > 0);
  const odd =
    random.below(30) === 0
      ? [random.of(['CNI_', '=', 'CNI_COMMAND', 'CNI_X=\u0007', `CNI_Y=${'x'.repeat(9000)}`])]
      : [];
  return [...kept.map(([name, value]) => `${name}=${value}`), ...odd];
}

/** Bits flip, and pieces go, come twice or are cut off. */
function spoilBytes(random: Random, bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return bytes;
  const [at, to] = [random.below(bytes.length), random.below(bytes.length)];
  switch (random.below(4)) {
    case 0: {
      const copy = bytes.slice();
      copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
      return copy;
    }
    case 1:
      return bytes.slice(0, at);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
    default:
      return Buffer.concat([bytes, bytes.subarray(Math.min(at, to), Math.max(at, to))]);
  }
}

/** What the agent's socket is sent by a caller with these descriptors. */
export function makeRequest(random: Random, netnsFd: number, folder: string): Uint8Array {
  const program =
    random.below(20) === 0 ? random.of(['', 'bridge', 'calico\u0001']) : random.of(['calico', 'calico-ipam']);
  const netns = random.below(4) > 0 ? `${netnsFd}` : random.of(['', '-2', '0', '999999', 'x', '99999999999']);
  const header = [program, netns, ...makeVariables(random, folder), ''].map((text) => `${text}\0`).join('');
  const bytes = new TextEncoder().encode(`${header}${makeInput(random)}`);
  return random.below(10) === 0 ? spoilBytes(random, bytes) : bytes;
}

/** What the shim is started with: its variables and its input. */
export function makeShimCall(random: Random, folder: string) {
  const variables = makeVariables(random, folder).filter((one) => !one.includes('\0') && one.includes('='));
  const pairs = variables.map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)] as const);
  return { variables: Object.fromEntries(pairs.filter(([name]) => name !== '')), input: makeInput(random) };
}
