// The rendered rules against a second reading of the contract (policy/types.ts), packet by packet.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  computeChanges,
  emptyState,
  type PolicyState,
  policyState,
} from '../../test/support/firewall/firewall-cases.ts';
import { type ModelPacket, runPacket } from '../../test/support/nftables/packet-model.ts';
import { cidrContains, type parseCidr } from '../net/cidr.ts';
import { familyOf, type Ip, parseIp } from '../net/ip.ts';
import { meetsPacketMatch } from '../policy/oracle/packet.ts';
import {
  type CompiledRule,
  DIRECTIONS,
  type Direction,
  type EndpointPolicy,
  type IpSetId,
  isStaged,
  type RuleListId,
  type SideMatch,
} from '../policy/types/types.ts';
import { defaultFirewallConfig } from './config.ts';
import { createFirewall } from './firewall.ts';

const fours = ['10.0.0.1', '10.0.1.255', '10.9.0.0', '192.168.0.0', '255.255.255.255', '0.0.0.1'].map(parseIp);
const sixes = ['fd00::1', 'fd00:0:1::', '::ffff:1.2.3.4', '9000::', 'fdff::'].map(parseIp);

const packets = fc
  .record({
    ends: fc.oneof(
      fc.tuple(fc.constantFrom(...fours), fc.constantFrom(...fours)),
      fc.tuple(fc.constantFrom(...sixes), fc.constantFrom(...sixes)),
    ),
    protocol: fc.constantFrom(1, 6, 6, 6, 17, 17, 47, 58, 132),
    sport: fc.constantFrom(0, 53, 80, 1500, 65535),
    dport: fc.constantFrom(0, 53, 80, 999, 1000, 2000, 65535),
    type: fc.constantFrom(0, 3, 8, 128),
    code: fc.constantFrom(0, 1),
  })
  .map(({ ends: [source, destination], ...rest }) => ({
    source,
    destination,
    iifname: 'eth0',
    oifname: 'eth0',
    ...rest,
  }))
  .filter(({ source, protocol }) => protocol !== (familyOf(source) === 4 ? 58 : 1));

function hasPorts(packet: ModelPacket): boolean {
  return [6, 17, 132].includes(packet.protocol);
}

function isMember(state: PolicyState, id: IpSetId, address: Ip, protocol: number, port: number): boolean {
  const set = state.sets.get(id);
  if (set?.type === 'address') return set.members.includes(address);
  if (set?.type === 'cidr') return set.members.some((cidr) => cidrContains(cidr, address));
  return (
    set?.members.some((member) => member.address === address && member.protocol === protocol && member.port === port) ??
    false
  );
}

function matchesSide(state: PolicyState, side: SideMatch, packet: ModelPacket, address: Ip, port: number): boolean {
  const inSet = (id: IpSetId): boolean => isMember(state, id, address, packet.protocol, port);
  const inNet = (cidr: ReturnType<typeof parseCidr>): boolean => cidrContains(cidr, address);
  const inPorts = (ranges: SideMatch['ports']): boolean =>
    hasPorts(packet) && ranges.some(({ min, max }) => min <= port && port <= max);
  const wantsPorts = side.ports.length + side.portSets.length > 0;
  return (
    (side.nets.length === 0 || side.nets.some(inNet)) &&
    !side.notNets.some(inNet) &&
    side.ipSets.every(inSet) &&
    !side.notIpSets.some(inSet) &&
    (!wantsPorts || inPorts(side.ports) || side.portSets.some(inSet)) &&
    !inPorts(side.notPorts) &&
    !side.notPortSets.some(inSet)
  );
}

function matches(state: PolicyState, rule: CompiledRule, packet: ModelPacket): boolean {
  return (
    meetsPacketMatch(rule, { ...packet, icmpType: packet.type, icmpCode: packet.code }) &&
    matchesSide(state, rule.source, packet, packet.source, packet.sport) &&
    matchesSide(state, rule.destination, packet, packet.destination, packet.dport)
  );
}

interface Expected {
  verdict: 'accept' | 'drop';
  logged: number;
}

/** Tiers in order, then profiles in order, then drop. */
function evaluate(state: PolicyState, endpoint: EndpointPolicy, direction: Direction, packet: ModelPacket): Expected {
  let logged = 0;
  const decide = (id: RuleListId): 'allow' | 'deny' | 'pass' | undefined => {
    for (const rule of state.lists.get(id)?.[direction] ?? []) {
      if (!matches(state, rule, packet)) continue;
      if (rule.action !== 'log') return rule.action;
      logged++;
    }
    return undefined;
  };
  const end = (action: 'allow' | 'deny'): Expected => ({ verdict: action === 'allow' ? 'accept' : 'drop', logged });
  tiers: for (const tier of endpoint.tiers) {
    const deciding = tier[direction].filter((id) => !isStaged(id));
    if (deciding.length === 0) continue;
    for (const id of deciding) {
      const action = decide(id);
      if (action === 'pass') continue tiers;
      if (action !== undefined) return end(action);
    }
    if (tier.defaultAction === 'deny') return end('deny');
  }
  for (const id of endpoint.profiles) {
    const action = decide(id);
    if (action === 'allow' || action === 'deny') return end(action);
  }
  return end('deny');
}

test('every packet gets the verdict that its endpoint’s policy says, and as many log lines', () => {
  let accepted = 0;
  let logged = 0;
  fc.assert(
    fc.property(
      policyState,
      fc.array(packets, { minLength: 30, maxLength: 30 }),
      fc.boolean(),
      fc.constantFrom(1, 2, 8),
      (state, list, marked, mergeFrom) => {
        const firewall = createFirewall({ ...defaultFirewallConfig, mergeFrom });
        firewall.apply(computeChanges(emptyState, state));
        for (const endpoint of state.endpoints.values()) {
          for (const packet of list) {
            for (const direction of DIRECTIONS) {
              const side =
                direction === 'egress' ? { iifname: endpoint.interfaceName } : { oifname: endpoint.interfaceName };
              const mark = marked ? 0x20001 : 0;
              const result = runPacket(firewall.ruleset, `base-forward-${direction}`, { ...packet, ...side }, mark);
              const wanted = evaluate(state, endpoint, direction, packet);
              expect({ verdict: result.verdict, logged: result.logged }).toEqual(wanted);
              expect(result.mark | 0x20000).toBe(mark | 0x20000);
              if (!marked) expect(result.mark).toBe(0);
              accepted += result.verdict === 'accept' ? 1 : 0;
              logged += result.logged;
            }
          }
        }
      },
    ),
    { seed: 5, numRuns: 250 },
  );
  expect(accepted).toBeGreaterThan(500);
  expect(logged).toBeGreaterThan(500);
});
