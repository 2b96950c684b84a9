// ipam check: addresses that are held and not used, used and not held, handles that hold nothing, and records that
// contradict each other. It needs no Kubernetes: endpoints and nodes in the store say what is used.
import { escapeLine } from '../../base/escape.ts';
import { printJson } from '../../base/json.ts';
import { VERSION } from '../../base/version.ts';
import type { Block } from '../../blocks/block.ts';
import type { Datastore } from '../../datastore/port.ts';
import { getResource } from '../../datastore/resource/resources.ts';
import { formatCidr } from '../../net/cidr.ts';
import { replaceFile } from '../../sys/replace-file.ts';
import { flagOn, flagValue, type Handler, type Invocation } from '../cli/command.ts';
import { withStore } from '../store/context.ts';
import { type AddressUsage, type Allocation, readAddressUsage } from './usage.ts';

/** Nodes in the list of those with most addresses. */
const TOP_NODES = 20;

interface Findings {
  readonly leaked: readonly Allocation[];
  readonly outsidePools: readonly string[];
  readonly unrecorded: readonly string[];
  readonly leakedHandles: readonly string[];
}

function computeFindings(usage: AddressUsage): Findings {
  const recorded = new Set(usage.allocations.map((one) => one.ip));
  const held = new Set(usage.allocations.map((one) => one.handle));
  const used = [...usage.users.keys()];
  return {
    leaked: usage.allocations.filter((one) => !usage.users.has(one.ip)),
    outsidePools: used.filter((ip) => !usage.isInPool(ip)),
    unrecorded: used.filter((ip) => usage.isInPool(ip) && !recorded.has(ip)),
    leakedHandles: [...usage.records.handles.keys()].filter((handle) => !held.has(handle)),
  };
}

function describeNodes(allocations: readonly Allocation[]): string {
  const counts = new Map<string, number>();
  for (const { node } of allocations) if (node !== '') counts.set(node, (counts.get(node) ?? 0) + 1);
  const sorted = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const lines = sorted.slice(0, TOP_NODES).map(([name, count]) => `  ${escapeLine(name)} has ${count} allocations\n`);
  const most = sorted[0]?.[1] ?? 0;
  const median = sorted[Math.floor(sorted.length / 2)]?.[1] ?? 0;
  const head = `Looking for top (up to ${TOP_NODES}) nodes by allocations...\n`;
  return `${head}${lines.join('')}Node with most allocations has ${most}; median is ${median}\n`;
}

function describeHolder(one: Allocation): string {
  const attributes = [one.handle === '' ? '' : `handle=${one.handle}`, one.node === '' ? '' : `node=${one.node}`];
  return attributes.filter((one) => one !== '').join(' ');
}

/** Lines about single addresses, as the flags ask for them. */
function describeAddresses(usage: AddressUsage, findings: Findings, all: boolean, problems: boolean): string {
  if (!all && !problems) return '';
  const lines: string[] = [];
  for (const one of usage.allocations) {
    const users = usage.users.get(one.ip);
    if (users === undefined) lines.push(`  ${one.ip} leaked; attrs: ${describeHolder(one)}`);
    else if (all) lines.push(`  ${one.ip} in use by ${users.join(', ')}`);
  }
  const used = (ip: string) => (usage.users.get(ip) ?? []).join(', ');
  for (const ip of findings.outsidePools) lines.push(`  ${ip} in use by ${used(ip)} but not in any active IP pool`);
  for (const ip of findings.unrecorded) lines.push(`  ${ip} in use by ${used(ip)} but not allocated in IPAM`);
  for (const handle of findings.leakedHandles) lines.push(`  handle ${handle} has no IPs`);
  return lines.map((line) => `${escapeLine(line)}\n`).join('');
}

function describeBlock({ cidr, affinity = '<none>' }: Block): string {
  return ` IPAM block ${formatCidr(cidr)} affinity=${escapeLine(affinity)}\n`;
}

function describeUsage(usage: AddressUsage): string {
  const { blocks } = usage.records;
  return [
    'Checking IPAM for inconsistencies...\n\n',
    'Loading all IPAM blocks...\n',
    `Found ${blocks.length} IPAM blocks.\n`,
    ...blocks.map(describeBlock),
    `IPAM blocks record ${usage.allocations.length} allocations.\n\n`,
    'Loading all IPAM pools...\n',
    ...usage.pools.map((pool) => `  ${escapeLine(pool)}\n`),
    `Found ${usage.pools.length} active IP pools.\n\n`,
    'Loading all nodes.\n',
    `Found ${usage.tunnelAddresses} node tunnel IPs.\n\n`,
    'Loading all workload endpoints.\n',
    `Found ${usage.workloadAddresses} workload IPs.\n`,
    `Workloads and nodes are using ${usage.users.size} IPs.\n\n`,
  ].join('');
}

/** A list of what was found; nothing when there is none, as Calico has no such section. */
function describeList(what: string, entries: readonly string[], count: string): string {
  if (entries.length === 0) return '';
  const lines = entries.map((line) => `  ${escapeLine(line)}\n`);
  return `\nScanning for ${what}...\n${lines.join('')}Found ${entries.length} ${count}.\n`;
}

/** What no agent uses, and what cannot all be true. */
function describeOddities({ problems, contradictions }: AddressUsage): string {
  const whats = contradictions.map(({ what }) => what);
  return [
    describeList('what cannot be read', problems, 'entries that cannot be read and are not used'),
    describeList('records that contradict each other', whats, 'records that contradict each other'),
  ].join('');
}

function describeFindings({ leaked, outsidePools, unrecorded, leakedHandles }: Findings, usage: AddressUsage): string {
  const handles = usage.records.handles.size;
  const lists = [leaked, outsidePools, unrecorded, leakedHandles, usage.problems, usage.contradictions];
  const problems = lists.reduce((sum, list) => sum + list.length, 0);
  return [
    '\nScanning for IPs that are allocated but not actually in use...\n',
    `Found ${leaked.length} IPs that are allocated in IPAM but not actually in use.\n`,
    'Scanning for IPs that are in use by a workload or node but not allocated in IPAM...\n',
    `Found ${outsidePools.length} in-use IPs that are not in active IP pools.\n`,
    `Found ${unrecorded.length} in-use IPs that are in active IP pools but have no corresponding IPAM allocation.\n\n`,
    'Scanning for IPAM handles with no matching IPs...\n',
    `Found ${leakedHandles.length} handles with no matching IPs (and ${handles - leakedHandles.length} handles with matches).\n`,
    `Check complete; found ${problems} problems.\n`,
  ].join('');
}

/** What ipam release --from-report reads. */
async function writeReport(
  invocation: Invocation,
  datastore: Datastore,
  path: string,
  usage: AddressUsage,
  findings: Findings,
) {
  const { spec, metadata } = await getResource(
    datastore,
    { kind: 'ClusterInformation', name: 'default' },
    invocation.signal,
  );
  const allocations: Record<string, unknown[]> = {};
  for (const one of usage.allocations) {
    const owners = usage.users.get(one.ip) ?? [];
    const list = allocations[one.ip] ?? [];
    allocations[one.ip] = [...list, { ...one, inUse: owners.length > 0, owners }];
  }
  const report = {
    version: `v${VERSION}`,
    clusterGUID: spec.clusterGUID,
    datastoreLocked: spec.datastoreReady === false,
    clusterInformationRevision: metadata.resourceVersion,
    clusterType: spec.clusterType,
    allocations,
    leakedHandles: findings.leakedHandles,
    contradictions: usage.contradictions,
  };
  replaceFile(path, `${printJson(report, 2)}\n`, 0o644);
}

export const runIpamCheck: Handler = (invocation) =>
  withStore(invocation, async (datastore) => {
    const usage = await readAddressUsage(datastore, invocation.signal);
    const findings = computeFindings(usage);
    const { stdio } = invocation;
    stdio.write(describeUsage(usage));
    stdio.write(describeNodes(usage.allocations));
    const all = flagOn(invocation, 'show-all-ips');
    stdio.write(describeAddresses(usage, findings, all, flagOn(invocation, 'show-problem-ips')));
    stdio.write(describeOddities(usage));
    stdio.write(describeFindings(findings, usage));
    const path = flagValue(invocation, 'output');
    if (path !== undefined) await writeReport(invocation, datastore, path, usage, findings);
    return 0;
  });
