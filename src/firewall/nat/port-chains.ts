// The chains that lead ports of the host to endpoints. What comes in, or what the host itself sends, for an address of the host
// gets another destination before it is routed, and so before policy sees it; its sender stays what it is, for policy and for the
// workload. Only where an answer would not come back by this host does the sender become the host: a workload that has reached
// itself, and a program of the host that has sent from 127.0.0.0/8 or ::1.
import { type Cidr, parseCidr } from '../../net/cidr.ts';
import type { Family } from '../../net/ip.ts';
import type { BaseHook, Chain, Field, Rule, Statement } from '../../nftables/nft.ts';
import { accept, isFamily, isForOthers, isIn, isInNet, rule } from '../../nftables/statements.ts';
import { type PortMapKind, portMap } from './names.ts';

const FAMILIES = [4, 6] as const;
/** What is for one address goes before what is for all. */
const PORT_MAP_KINDS: readonly PortMapKind[] = ['port-at', 'range-at', 'port', 'range'];
/** Where destinations are usually translated. */
const PRIORITY_DESTINATION = -100;
/** Behind the masquerade of pools and the source of floating addresses. */
const PRIORITY_SOURCE = 111;
const LOOPBACK: Readonly<Record<Family, Cidr>> = { 4: parseCidr('127.0.0.0/8'), 6: parseCidr('::1/128') };

/** Sets of the table that say what is a workload's. */
export interface WorkloadSets {
  readonly names: string;
  readonly sources: (family: Family) => string;
}

function fieldsOf(kind: PortMapKind, family: Family): readonly Field[] {
  const destination = family === 4 ? 'daddr4' : 'daddr6';
  return ['l4proto', 'dport', ...(kind.endsWith('-at') ? ([destination] as const) : [])];
}

function destinations(hook: BaseHook['hook'], isUsed: (map: string) => boolean): Chain {
  const lookups = PORT_MAP_KINDS.flatMap((kind) =>
    FAMILIES.flatMap((family): readonly Rule[] => {
      const map = portMap(kind, family);
      const hasPort = kind.startsWith('port');
      const translate: Statement = {
        kind: 'destination-nat-map',
        family,
        fields: fieldsOf(kind, family),
        map,
        hasPort,
      };
      return isUsed(map) ? [rule([isFamily(family), translate])] : [];
    }),
  );
  const base: BaseHook = { type: 'nat', hook, priority: PRIORITY_DESTINATION };
  return { name: `base-ports-${hook}`, base, rules: [rule([isForOthers, accept]), ...lookups] };
}

function sources({ names, sources: sourcesOf }: WorkloadSets): Chain {
  const translated: Statement = { kind: 'destination-translated' };
  const masquerade: Statement = { kind: 'masquerade' };
  const toItself = (family: Family) => {
    const source = family === 4 ? 'saddr4' : 'saddr6';
    return rule([isFamily(family), translated, isIn(['oifname', source], sourcesOf(family)), masquerade]);
  };
  const fromLoopback = (family: Family) => {
    const isLoopback = isInNet(family === 4 ? 'saddr4' : 'saddr6', LOOPBACK[family]);
    return rule([isFamily(family), translated, isLoopback, isIn(['oifname'], names), masquerade]);
  };
  const base: BaseHook = { type: 'nat', hook: 'postrouting', priority: PRIORITY_SOURCE };
  return { name: 'base-ports-postrouting', base, rules: [fromLoopback(4), fromLoopback(6), toItself(4), toItself(6)] };
}

/** For the maps that are there; a host without one has no such chains. */
export function computePortChains(isUsed: (map: string) => boolean, workloads: WorkloadSets): readonly Chain[] {
  return [destinations('prerouting', isUsed), destinations('output', isUsed), sources(workloads)];
}
