// Policy for a kernel that refuses some of it: endpoints and policies of a letter or a word each, given to a data plane, and which
// endpoints the kernel knows.
import type { Dataplane } from '../../../src/agent/state/dataplane.ts';
import { parseIp } from '../../../src/net/ip.ts';
import type { LocalInterface, PolicyUpdate, RuleInput } from '../../../src/policy/types/input.ts';
import { ANY_PACKET } from '../../../src/policy/types/types.ts';
import { parseSelector } from '../../../src/selector/parse.ts';
import { nft } from './firewall-net.ts';

const side = { nets: [], notNets: [], ports: [], notPorts: [], namedPorts: [], notNamedPorts: [] };
const anySide = { ...side, selector: undefined, notSelector: undefined };

/** `name`: one letter. */
export function endpoint(name: string, app: string, more: Partial<LocalInterface> = {}): PolicyUpdate {
  const local = { interfaceName: `cali${name}`, mac: undefined, allowedSources: [], ...more };
  const addresses = [parseIp(`10.65.0.${name.charCodeAt(0)}`)];
  const value = { labels: { app }, profiles: [], addresses, ports: [], partial: false, local };
  return { kind: 'endpoint', id: `default/${name}`, value };
}

/** What comes to endpoints with a label: of everybody, or of endpoints with another one. */
export function policy(name: string, app: string, action: RuleInput['action'], from?: string): PolicyUpdate {
  const selector = from === undefined ? undefined : parseSelector(`app == "${from}"`);
  const rule: RuleInput = {
    ...{ index: 0, action, ...ANY_PACKET, comment: undefined },
    ...{ source: { ...anySide, selector }, destination: anySide },
  };
  const how = { tier: 'default', order: 1, phase: 'normal' as const, neededEverywhere: false };
  const value = { ...how, selector: parseSelector(`app == "${app}"`), ingress: [rule], egress: undefined };
  return { kind: 'policy', id: `GlobalNetworkPolicy//${name}`, value };
}

export function updateAll(dataplane: Dataplane, updates: readonly PolicyUpdate[]): void {
  for (const each of updates) dataplane.update(each);
  dataplane.flush();
}

/** The endpoints that the kernel knows. */
export function openEndpoints(netns: string): readonly string[] {
  const listed = nft(netns, 'list set inet ocicat workload-names');
  return [...listed.matchAll(/"cali(\w+)"/g)].map(([, name]) => name ?? '').sort();
}
