// What policy says about a packet, computed from what stands in the lab's store.
import { parseJson } from '../../src/base/json.ts';
import { tryParseKey } from '../../src/datastore/keys.ts';
import { parseIp } from '../../src/net/ip.ts';
import { PROTOCOL_ICMP, PROTOCOL_TCP } from '../../src/net/protocol.ts';
import { parsePolicyUpdate } from '../../src/policy/input/parse.ts';
import { createSnapshot, type PolicySnapshot } from '../../src/policy/oracle/snapshot.ts';
import { computeVerdict } from '../../src/policy/oracle/verdict.ts';
import type { Lab } from '../support/host/lab.ts';

export type Protocol = 'tcp' | 'icmp';

/** The resources that policy looks at, as they stand in etcd now. */
export async function readSnapshot(lab: Lab): Promise<PolicySnapshot> {
  const command = 'etcdctl --endpoints http://underlay:2379 get --prefix /calico/resources -w json';
  const answer = JSON.parse(await lab.must('calico-01', command)) as { kvs?: { key: string; value: string }[] };
  const decode = (text: string) => Buffer.from(text, 'base64').toString();
  const updates = (answer.kvs ?? []).flatMap((kv) => {
    const key = tryParseKey(decode(kv.key));
    if (key?.kind !== 'resource') return [];
    const name = { kind: key.resourceKind, namespace: key.namespace, name: key.name };
    const parsed = parsePolicyUpdate(name, parseJson(decode(kv.value)), 'no-node');
    return parsed === undefined ? [] : [parsed.update];
  });
  return createSnapshot(updates);
}

export function isAllowed(snapshot: PolicySnapshot, from: string, to: string, protocol: Protocol): boolean {
  const ends = { source: parseIp(from), destination: parseIp(to) };
  const packet =
    protocol === 'tcp'
      ? { ...ends, protocol: PROTOCOL_TCP, sourcePort: 40_000, destinationPort: 80 }
      : { ...ends, protocol: PROTOCOL_ICMP, icmpType: 8, icmpCode: 0 };
  return computeVerdict(packet, snapshot).allowed;
}
