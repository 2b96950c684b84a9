// The port that BGPConfiguration node.NAME gives a node is that node's alone: it listens there, and the others go there.
import { afterAll, beforeAll, test } from 'bun:test';
import { createClusterState } from '../../src/agent/state/cluster-state.ts';
import { computeBirdConfig } from '../../src/routing/bird/config.ts';
import { closeHost, type Host, openPair, run, until, untilSteady } from '../support/host/bird-hosts.ts';

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined };
let pair: readonly [Host, Host];
beforeAll(() => {
  pair = openPair();
});
afterAll(async () => {
  for (const host of pair) await closeHost(host);
});

/** By the names of BGPConfigurations. */
type Ports = Readonly<Record<string, number>>;

function configOf(nodeName: string, ports: Ports): string {
  const clusterState = createClusterState({
    nodeName,
    routerId: undefined,
    felix: {},

    log: silent,
  });
  const put = (resourceKind: 'Node' | 'BGPConfiguration', name: string, spec: object) =>
    clusterState.update(
      { kind: 'resource', resourceKind, namespace: undefined, name },
      JSON.stringify({ apiVersion: 'projectcalico.org/v3', kind: resourceKind, metadata: { name }, spec }),
    );
  for (const number of [1, 2])
    put('Node', `host-${number}`, {
      bgp: { ipv4Address: `10.0.0.${number}/24`, ipv6Address: `fd00::${number}/64` },
    });
  for (const [name, listenPort] of Object.entries(ports)) put('BGPConfiguration', name, { listenPort });
  const input = clusterState.routingInput();
  if (input === undefined) throw new Error(nodeName);
  return computeBirdConfig(input);
}

const listening = (host: Host) => run(host, "ss -Hltn | awk '{ print $4 }' | sed 's/.*://' | sort -u");

const CASES: readonly (readonly [what: string, ports: Ports, wanted: readonly [string, string]])[] = [
  ['none', {}, ['179', '179']],
  ['the node that waits has its own', { 'node.host-1': 1791 }, ['1791', '179']],
  ['the node that connects has its own', { 'node.host-2': 1792 }, ['179', '1792']],
  ['one has its own, and the cluster another', { default: 1790, 'node.host-1': 1791 }, ['1791', '1790']],
  ['the cluster has one', { default: 1790 }, ['1790', '1790']],
];

test.each(CASES)(
  'ports, changed while BIRD runs: %s',
  async (_what, ports, wanted) => {
    for (const host of pair) await host.bird.apply(configOf(host.node.name, ports));
    await until(wanted.join(' '), () => pair.map(listening).join(' '), 10_000);
    for (const host of pair) await untilSteady(host);
  },
  30_000,
);
