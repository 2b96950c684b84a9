// What other firewalls would do to packets of workloads, what the agent's own rules among theirs have changed about it, and
// what remains to be done.
import { type ForwardFilter, formatTable, isIptables, legacyProgram, seesFamily } from './filter.ts';
import type { ForwardPacket } from './packets.ts';
import { type ForwardDrop, findDrop } from './verdict.ts';

/** One place of a filter at which packets of workloads end. */
export interface ForwardFinding {
  readonly filter: ForwardFilter;
  readonly drop: ForwardDrop;
  /** Those that are dropped, or would be without the agent's rules: `from workloads to eth0`. */
  readonly packets: readonly string[];
  /** The agent's rules let all of them through. */
  readonly isAccepted: boolean;
}

function withoutOurs(filter: ForwardFilter): ForwardFilter {
  const chains = [...filter.chains].map(([name, rules]) => [name, rules.filter(({ isOurs }) => !isOurs)] as const);
  return { ...filter, chains: new Map(chains) };
}

function findingsOf(filter: ForwardFilter, packets: readonly ForwardPacket[]): readonly ForwardFinding[] {
  const bare = withoutOurs(filter);
  const seen = packets.filter(({ family }) => seesFamily(filter, family));
  const dropped = seen.flatMap((packet) => {
    const drop = findDrop(filter, packet) ?? findDrop(bare, packet);
    return drop === undefined ? [] : [{ packet, drop, isAccepted: findDrop(filter, packet) === undefined }];
  });
  const places = Map.groupBy(dropped, ({ drop, isAccepted }) => JSON.stringify([drop, isAccepted]));
  return [...places.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const descriptions = new Set(group.map(({ packet }) => packet.description));
    return [{ filter, drop: first.drop, packets: [...descriptions], isAccepted: first.isAccepted }];
  });
}

/** Every place at which packets of workloads end, or would. */
export function computeForwardFindings(
  filters: readonly ForwardFilter[],
  packets: readonly ForwardPacket[],
): readonly ForwardFinding[] {
  return filters.flatMap((filter) => findingsOf(filter, packets));
}

/** `table ip filter, chain FORWARD, policy drop (from workloads to eth0, between workloads)`. */
export function formatFinding({ filter, drop, packets }: ForwardFinding): string {
  return `${formatTable(filter)}, chain ${drop.chain}, ${drop.place} (${packets.join(', ')})`;
}

/** firewalld's zone of the workloads' links, and what may go from it and to it (firewalld.policies(5)). */
const FIREWALLD_ZONE = 'calico';
const FIREWALLD_POLICIES = [
  ['calico-egress', FIREWALLD_ZONE, 'ANY'],
  ['calico-ingress', 'ANY', FIREWALLD_ZONE],
] as const;

/** Each command's arguments; those before the last change what firewalld keeps on disk, and the last one brings it to life. */
export const FIREWALLD_STEPS: readonly (readonly string[])[] = [
  [`--new-zone=${FIREWALLD_ZONE}`],
  [`--zone=${FIREWALLD_ZONE}`, '--add-interface=cali+'],
  ...FIREWALLD_POLICIES.flatMap(([name, from, to]) => [
    [`--new-policy=${name}`],
    [`--policy=${name}`, `--add-ingress-zone=${from}`],
    [`--policy=${name}`, `--add-egress-zone=${to}`],
    [`--policy=${name}`, '--set-target=ACCEPT'],
  ]),
]
  .map((step) => ['--permanent', ...step])
  .concat([['--reload']]);

/** What those steps make, in the order in which firewalld lets go of it: policies name the zone. */
export const FIREWALLD_REMOVAL: readonly (readonly [kind: 'policy' | 'zone', name: string])[] = [
  ...FIREWALLD_POLICIES.map(([name]) => ['policy', name] as const),
  ['zone', FIREWALLD_ZONE],
];

/** firewalld's rules, when it makes them by nftables itself. */
function isFirewalld({ family, table }: ForwardFilter): boolean {
  return family === 'inet' && table === 'firewalld';
}

function commandsFor(filter: ForwardFilter): readonly string[] {
  const { family, table, chain } = filter;
  if (isFirewalld(filter)) return FIREWALLD_STEPS.map((step) => `firewall-cmd ${step.join(' ')}`);
  if (filter.backend === 'legacy')
    return ['-i', '-o'].map((flag) => `${legacyProgram(family)} -I ${chain} ${flag} cali+ -j ACCEPT`);
  return ['iifname', 'oifname'].map((field) => `nft insert rule ${family} ${table} ${chain} ${field} '"cali*"' accept`);
}

/** What an administrator does about it: commands for a shell. A rule before the agent's own is the administrator's to change. */
export function describeRemedy({ filter }: ForwardFinding): string {
  return commandsFor(filter).join(' && ');
}

/** Whether the agent can do something about it by itself, and how. */
export function remedyOf(filter: ForwardFilter): 'accept-rule' | 'firewalld' | 'administrator' {
  if (isIptables(filter)) return 'accept-rule';
  return isFirewalld(filter) ? 'firewalld' : 'administrator';
}
