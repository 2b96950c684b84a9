// Random policies, as users write them, under a real agent: packets between workloads, their host and others do what the
// reference says of the stored resources, answers come back, and `why` says the same of the store and of the kernel.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import fc from 'fast-check';
import { readTable } from '../../src/kernel/nftables/read-table.ts';
import { type Cluster, readCluster } from '../../src/why/cluster.ts';
import { explainFlow } from '../../src/why/explain.ts';
import { readFlows } from '../../src/why/flow.ts';
import { askKernel, type HostView } from '../../src/why/kernel.ts';
import { resolveEnd } from '../../src/why/resolve.ts';
import { API, type ReferenceCase, referenceCase } from '../support/reference/cases.ts';
import { endpointWith, openSite, type Place, RANGES, type Site } from '../support/reference/places.ts';
import { describeProbe, isAllowed, isAnswered, isOfThisHost, probesBetween } from '../support/reference/probes.ts';
import type { Resource } from '../support/reference/resources.ts';
import { type Outcome, openSenders, type Probe, type Senders } from '../support/reference/senders.ts';
import { openReferenceStore, type ReferenceStore, WITNESS } from '../support/reference/store.ts';

const CASES = Number(process.env.OCICAT_REFERENCE_CASES ?? 40);
const SEED = Number(process.env.OCICAT_REFERENCE_SEED ?? 1);
/** At most, for each. */
const PACKETS = 100;
/** Also for making a case smaller. */
const LIMIT_MS = 120_000 + CASES * 1_500;

let site: Site;
let senders: Senders;
let store: ReferenceStore;
let workloads: readonly Place[];
let places: readonly Place[];

beforeAll(async () => {
  site = await openSite();
  const witness = site.places.find(({ name }) => name === WITNESS)?.endpoint;
  if (witness === undefined) throw new Error('no witness');
  places = site.places.filter(({ name }) => name !== WITNESS);
  workloads = places.filter(({ endpoint }) => endpoint !== undefined);
  senders = openSenders(places);
  store = openReferenceStore(site.host, witness);
}, 60_000);

afterAll(async () => {
  senders?.close();
  await site?.close();
}, 20_000);

function resourcesOfCase({ workloads: parts, resources }: ReferenceCase): readonly Resource[] {
  const endpoints = parts.flatMap((one, index) => {
    const place = workloads[index];
    return place === undefined ? [] : [endpointWith(place, one)];
  });
  return [...endpoints, ...resources];
}

/** What is wrong with what became of a packet, in words. */
function faultOf(probe: Probe, { arrived, answered }: Outcome, should: boolean, answers: boolean): readonly string[] {
  if (arrived !== should) return [`${describeProbe(probe)}: should ${should ? '' : 'not '}arrive`];
  return arrived && answers && !answered ? [`${describeProbe(probe)}: the answer is lost`] : [];
}

function faultsOf(probes: readonly Probe[], resources: readonly Resource[]): readonly string[] {
  const outcomes = senders.send(probes);
  return probes.flatMap((probe, index) => {
    const outcome = outcomes[index] ?? { arrived: false, answered: false };
    return faultOf(probe, outcome, isAllowed(probe, resources), isAnswered(probe, resources));
  });
}

/** As the agent of the host has written it, and what its environment says. */
function hostDocuments() {
  const { addresses } = places.find(({ kind }) => kind === 'host') ?? {};
  const bgp = { ipv4Address: `${addresses?.[4]}/24`, ipv6Address: `${addresses?.[6]}/64` };
  const settings = { defaultEndpointToHostAction: 'Return' };
  return [
    { kind: 'Node', name: 'node-1', spec: { bgp } },
    { kind: 'FelixConfiguration', name: 'default', spec: settings },
  ].map(({ kind, name, spec }) => ({ apiVersion: API, kind, metadata: { name }, spec }));
}

function clusterOf(resources: readonly Resource[]): Cluster {
  const all: readonly { kind: string; metadata: Resource['metadata'] }[] = [...resources, ...hostDocuments()];
  return readCluster(
    all.map((one) => ({
      kind: one.kind,
      namespace: one.metadata.namespace,
      name: one.metadata.name,
      text: JSON.stringify(one),
    })),
  );
}

/** As the command line would be asked. */
function optionsOf({ packet }: Probe) {
  const { protocol, sourcePort, destinationPort, icmpType, icmpCode } = packet;
  const text = (value: number | undefined) => (value === undefined ? undefined : `${value}`);
  return {
    protocol: `${protocol}`,
    port: text(destinationPort),
    sourcePort: text(sourcePort),
    icmpType: icmpType === undefined ? undefined : `${icmpType}/${icmpCode}`,
    family: undefined,
  };
}

/** Packets that a host endpoint between their ends decides about, and nobody else. */
let deniedOnTheWay = 0;

/** What `why` says of a packet that is asked for by its addresses. */
function unexplained(probe: Probe, cluster: Cluster, view: HostView, should: boolean): readonly string[] {
  const [from, to] = [probe.packet.source, probe.packet.destination].map((one) => resolveEnd(one, cluster, []));
  if (from === undefined || to === undefined) throw new Error('no ends');
  return readFlows(optionsOf(probe), from, to, cluster).flatMap((flow) => {
    const explanation = explainFlow(flow, cluster);
    const { egress, ingress, allowed } = explanation;
    if (!allowed && [egress, ingress].every(({ verdict }) => verdict.action === 'allow')) deniedOnTheWay++;
    const kernel = askKernel({ ...explanation, packet: flow.packet }, view, cluster.workloads);
    const disagree = [kernel.egress, kernel.ingress].some((one) => one.kind === 'judged' && !one.agrees);
    if (allowed === should && !disagree) return [];
    return [`${describeProbe(probe)}: why says ${allowed}, the kernel ${disagree ? 'disagrees' : 'agrees'}`];
  });
}

type Run = fc.RunDetails<[ReferenceCase, readonly Probe[]]>;

/** The smallest case that was found, and how to come to it again. */
function describeFailure({ seed, counterexample, numShrinks, errorInstance }: Run): string {
  const [given, probes = []] = counterexample ?? [];
  const resources = given === undefined ? [] : resourcesOfCase(given).map((one) => JSON.stringify(one));
  const how = `OCICAT_REFERENCE_SEED=${seed}, made smaller ${numShrinks} times`;
  return [how, ...resources, ...probes.map(describeProbe), `${errorInstance}`].join('\n');
}

let [allowed, denied] = [0, 0];

async function expectReference(given: ReferenceCase, probes: readonly Probe[]): Promise<void> {
  const resources = resourcesOfCase(given);
  const cluster = clusterOf(resources);
  expect(cluster.problems).toEqual([]); // all is as users may write it
  await store.put(resources);
  let faults = faultsOf(probes, resources);
  for (let attempt = 0; attempt < 2 && faults.length > 0; attempt++) {
    await Bun.sleep(300); // the machine may be slow; rules that are wrong stay wrong
    faults = faultsOf(probes, resources);
  }
  const hostPlace = places.find(({ kind }) => kind === 'host');
  const view: HostView = { node: 'node-1', table: hostPlace?.within(readTable) ?? 'no host' };
  const said = probes
    .filter(isOfThisHost)
    .flatMap((probe) => unexplained(probe, cluster, view, isAllowed(probe, resources)));
  expect([...faults, ...said]).toEqual([]);
  for (const probe of probes) isAllowed(probe, resources) ? allowed++ : denied++;
}

test(
  `${CASES} policies, seed ${SEED}: packets, answers and why do what the reference says`,
  async () => {
    const property = fc.asyncProperty(
      referenceCase(workloads.length, RANGES),
      probesBetween(places, PACKETS),
      expectReference,
    );
    const run = await fc.check(property, { seed: SEED, numRuns: CASES, interruptAfterTimeLimit: LIMIT_MS });
    if (run.failed) throw new Error(describeFailure(run));
    expect(allowed + denied).toBeGreaterThan(500);
    expect(deniedOnTheWay).toBeGreaterThan(0);
    const share = allowed / (allowed + denied);
    expect(share).toBeGreaterThan(0.1);
    expect(share).toBeLessThan(0.9);
  },
  LIMIT_MS + 60_000,
);
