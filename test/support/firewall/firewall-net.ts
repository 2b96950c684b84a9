// Network namespaces for the firewall's tests: made for one test, with nft and the firewall inside, and removed after it.
import { type KernelFirewall, openKernelFirewall } from '../../../src/kernel/nftables/firewall.ts';
import { close, O_CLOEXEC, O_RDONLY, open } from '../../../src/sys/libc.ts';
import { withNetns } from '../../../src/sys/netns.ts';

let made = 0;
const names: string[] = [];

/** Runs a program to its end and returns its output; throws with its words when it fails. */
export function run(command: readonly string[], input = ''): string {
  const result = Bun.spawnSync([...command], { stdin: Buffer.from(input), timeout: 20_000 });
  if (result.exitCode === 0) return result.stdout.toString();
  throw new Error(`${command.join(' ')}: ${result.exitCode} ${result.stderr.toString()}${result.stdout.toString()}`);
}

/** A new namespace; its name. */
export function addNetns(): string {
  const name = `ocitest-fw-${process.pid}-${made++}`;
  run(['ip', 'netns', 'add', name]);
  names.push(name);
  return name;
}

export function removeAllNetns(): void {
  for (const name of names.splice(0)) run(['ip', 'netns', 'delete', name]);
}

export function runIn(netns: string, command: readonly string[], input = ''): string {
  return run(['ip', 'netns', 'exec', netns, ...command], input);
}

export function nft(netns: string, text: string): string {
  return runIn(netns, ['nft', '-f', '-'], text);
}

export function inNetns<T>(netns: string, work: () => T): T {
  const fd = open(`/run/netns/${netns}`, O_RDONLY | O_CLOEXEC);
  try {
    return withNetns(fd, work);
  } finally {
    close(fd);
  }
}

/** `owned`: nobody else can change its table, tests neither. */
export function openFirewallIn(netns: string, owned = false): KernelFirewall {
  return inNetns(netns, () => openKernelFirewall(owned));
}

function withoutHandles(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutHandles);
  if (typeof value !== 'object' || value === null) return value;
  const left = new Set(['handle', 'packets', 'bytes', ...('size' in value ? ['elem'] : [])]); // those of packets come and go
  const kept = Object.entries(value).filter(([key]) => !left.has(key));
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutHandles(inner)]));
}

/** Elements come in the order of the kernel's hash tables, chains and sets in that of their creation. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => {
    const list = key === 'elem' && Array.isArray(inner);
    return [key, list ? inner.map((each) => JSON.stringify(each)).sort() : sorted(inner)];
  });
  return Object.fromEntries(entries);
}

/** What an object is and belongs to; of a rule only its chain, so that the rules of a chain keep their order. */
function placeOf(object: unknown): string {
  const [[kind, inner] = ['', {}]] = Object.entries(object as Record<string, Record<string, unknown>>);
  return [kind, inner.family, inner.table, kind === 'rule' ? inner.chain : inner.name].join(' ');
}

/** What `nft -j list` has said, without handles and counters, objects sorted. */
export function readListing(text: string): readonly unknown[] {
  const listed = JSON.parse(text) as { nftables: unknown[] };
  const objects = listed.nftables.map((object) => sorted(withoutHandles(object)));
  return objects.sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : placeOf(a) > placeOf(b) ? 1 : 0));
}

/** All of a namespace's rulesets. */
export function listRuleset(netns: string): readonly unknown[] {
  return readListing(runIn(netns, ['nft', '-j', 'list', 'ruleset']));
}
