// Agents that come and go on a host with 1,000 endpoints and as many policies, under packets: the next knows nothing, takes the
// table over, reads everything and makes it right; nothing of the wrong side passes, and nothing allowed is lost.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { defaultFirewallConfig } from '../../src/firewall/config.ts';
import { createFirewall, type Firewall } from '../../src/firewall/firewall.ts';
import type { KernelFirewall } from '../../src/kernel/nftables/firewall.ts';
import { parseIp } from '../../src/net/ip.ts';
import { ANY_SIDE, type EndpointPolicy, type PolicyChange, type RuleList } from '../../src/policy/types/types.ts';
import { allowing } from '../support/firewall/firewall-cases.ts';
import { ALLOWED_PORT, DENIED_PORT, prepareFlood, startFlood } from '../support/firewall/firewall-flood.ts';
import { openFirewallIn, removeAllNetns } from '../support/firewall/firewall-net.ts';
import { addHost, addPod, endpointOf, type Pod } from '../support/firewall/firewall-pods.ts';

const ENDPOINTS = 1000;
const RESTARTS = 2;
const UDP = 17;

let host: string;
let kernel: KernelFirewall;
let from: Pod;
let to: Pod;

beforeAll(() => {
  host = addHost();
  [from, to] = [addPod(host, 1), addPod(host, 2)];
  prepareFlood(host, to);
});

afterAll(() => {
  kernel?.close();
  removeAllNetns();
});

const port = (number: number) => ({ ...ANY_SIDE, ports: [{ min: number, max: number }] });

/** A policy of its own for each endpoint, each with rules of its own. */
function policyOf(index: number): RuleList {
  const ingress = [
    allowing({ action: 'deny', protocol: UDP, destination: port(DENIED_PORT) }),
    allowing({ protocol: UDP, destination: port(ALLOWED_PORT) }),
    allowing({ protocol: 6, destination: port(3000 + index) }),
  ];
  return { id: `NetworkPolicy/default/p${index}`, ingress, egress: [] };
}

function endpoint(index: number): EndpointPolicy {
  const tiers = [{ tier: 'default', defaultAction: 'deny' as const, ingress: [policyOf(index).id], egress: [] }];
  const real = [from, to][index];
  if (real !== undefined) return endpointOf(real, 'open', { tiers });
  const text = `${index >> 8}.${index & 255}`;
  const other = {
    ...from,
    interfaceName: `calix${index}`,
    ipv4: parseIp(`10.66.${text}`),
    ipv6: parseIp(`fd00:66::${index}`),
  };
  return endpointOf(other, 'open', { tiers });
}

function content(): readonly PolicyChange[] {
  const all = Array.from({ length: ENDPOINTS }, (_, index) => index);
  return [
    { kind: 'rules-set', list: { id: 'Profile//open', ingress: [], egress: [allowing()] } },
    ...all.map((index): PolicyChange => ({ kind: 'rules-set', list: policyOf(index) })),
    ...all.map((index): PolicyChange => ({ kind: 'endpoint-set', endpoint: endpoint(index) })),
  ];
}

/** As an agent starts: the base, then all that the store says. */
function start(): Firewall {
  kernel = openFirewallIn(host, true);
  kernel.loadBase(defaultFirewallConfig);
  const firewall = createFirewall(defaultFirewallConfig);
  firewall.apply(content());
  kernel.resync(firewall.ruleset);
  return firewall;
}

test(`promise 3: ${RESTARTS} restarts with ${ENDPOINTS} endpoints and as many policies under a flood: nothing denied passes, nothing allowed is lost`, async () => {
  start();
  const flood = await startFlood(from, to);
  for (let count = 0; count < RESTARTS; count++) {
    kernel.close();
    await Bun.sleep(20);
    const firewall = start();
    expect(kernel.resync(firewall.ruleset)).toEqual([]);
  }
  const { sent, lost, passed } = await flood.stop();
  expect(sent).toBeGreaterThan(1000);
  expect({ lost, passed }).toEqual({ lost: 0, passed: 0 });
}, 60_000);
