// The rules that keep rkt's own networks from joining what the user's networks keep apart, as data. They know the links of these
// networks by the group that the links are in.

import { METADATA_PORT } from '../../metadata/address.ts';
import { hostCidr, parseCidr } from '../../net/cidr.ts';
import { parseIp } from '../../net/ip.ts';
import { linkGroups } from '../../net/link-groups.ts';
import { PROTOCOL_TCP } from '../../net/protocol.ts';
import { hostBytesOfU32 } from '../../nftables/bytes.ts';
import type { BaseHook, Chain, Field, NftSet, Rule, Ruleset, Statement } from '../../nftables/nft.ts';
import { accept, drop, isFamily, isIn, isInNet, isPort, isProtocol, rule } from '../../nftables/statements.ts';
import { OWN_RANGE, type OwnNetwork, RESTRICTED_HOST } from './net-conf.ts';

/** Before connection tracking, after it, and among the filters of others. */
const PRIORITY_RAW = -300;
const PRIORITY_MANGLE = -150;
const PRIORITY_FILTER = 0;

/** By the kernel's bits of connection states: established, related. */
const answers: NftSet = {
  spec: { name: 'answers', key: ['ct_state'], interval: false, verdicts: false },
  elements: new Map([2, 4].map((state) => [hostBytesOfU32(state), undefined])),
};

function isGroup(field: 'iifgroup' | 'oifgroup', network: OwnNetwork, negated = false): Statement {
  return { kind: 'compare', field, negated, value: hostBytesOfU32(linkGroups[network]) };
}

const from = (network: OwnNetwork): Statement => isGroup('iifgroup', network);
const to = (network: OwnNetwork): Statement => isGroup('oifgroup', network);

/** The metadata service, by the host's address and its port in a packet. */
function isService(address: Field, port: 'sport' | 'dport'): readonly Statement[] {
  const host = isInNet(address, hostCidr(parseIp(RESTRICTED_HOST)));
  return [isFamily(4), host, isProtocol(PROTOCOL_TCP), isPort(port, METADATA_PORT)];
}

function chain(name: string, hook: BaseHook['hook'], priority: number, rules: readonly Rule[]): [string, Chain] {
  return [name, { name, base: { type: 'filter', hook, priority }, rules }];
}

/**
 * `default-restricted` is for the host's metadata service alone: what else comes from it is dropped before anything looks
 * at it, and nothing goes to it but the service's answers. Pods on `default` are reached by each other and by their host,
 * as rkt promises, and by nobody whom the host merely forwards for. They begin flows from addresses of their network alone, and
 * so as no workload of another network and as no other host; a pod that is on both answers by whichever its routes say. Neither
 * network has IPv6, in which a pod could become ever new neighbours of its host.
 */
export function computeOwnRules(): Ruleset {
  return {
    sets: new Map([[answers.spec.name, answers]]),
    chains: new Map([
      chain('prerouting', 'prerouting', PRIORITY_RAW, [
        rule([from('default-restricted'), ...isService('daddr4', 'dport'), accept]),
        rule([from('default-restricted'), drop]),
        rule([from('default'), isFamily(6), drop]),
      ]),
      chain('sources', 'prerouting', PRIORITY_MANGLE, [
        rule([
          from('default'),
          isInNet('saddr4', parseCidr(OWN_RANGE), true),
          isIn(['ct-state'], answers.spec.name, true),
          drop,
        ]),
      ]),
      chain('forward', 'forward', PRIORITY_FILTER, [
        rule([to('default-restricted'), drop]),
        rule([to('default'), isGroup('iifgroup', 'default', true), isIn(['ct-state'], answers.spec.name, true), drop]),
      ]),
      chain('output', 'output', PRIORITY_FILTER, [
        rule([
          to('default-restricted'),
          ...isService('saddr4', 'sport'),
          isIn(['ct-state'], answers.spec.name),
          accept,
        ]),
        rule([to('default-restricted'), drop]),
      ]),
    ]),
  };
}
