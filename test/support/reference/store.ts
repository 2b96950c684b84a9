// Puts whole states into the store of a host with a real agent, each in one transaction, and knows when the agent's rules
// have followed: by an address in the policy of an endpoint that takes part in nothing else.
import { type AgentHost, eventually } from '../host/agent-host.ts';
import { API } from './cases.ts';
import type { Resource, Workload } from './resources.ts';

const PREFIX = '/calico/resources/v3/projectcalico.org';
const PLURALS: Readonly<Record<Resource['kind'], string>> = {
  NetworkPolicy: 'networkpolicies',
  GlobalNetworkPolicy: 'globalnetworkpolicies',
  WorkloadEndpoint: 'workloadendpoints',
  HostEndpoint: 'hostendpoints',
  NetworkSet: 'networksets',
  GlobalNetworkSet: 'globalnetworksets',
  Tier: 'tiers',
  Profile: 'profiles',
};
/** The pod whose rules tell. */
export const WITNESS = 'witness';

function keyOf({ kind, metadata: { name, namespace } }: Resource): string {
  return [PREFIX, PLURALS[kind], ...(namespace === undefined ? [] : [namespace]), name].join('/');
}

/** Before all others: rules that no packet reaches need not be there. */
const witnessTier: Resource = { apiVersion: API, kind: 'Tier', metadata: { name: WITNESS }, spec: { order: -1 } };

function witnessPolicy(address: string): Resource {
  return {
    apiVersion: API,
    kind: 'GlobalNetworkPolicy',
    metadata: { name: WITNESS },
    spec: {
      tier: WITNESS,
      selector: `role == '${WITNESS}'`,
      types: ['Ingress'],
      ingress: [{ action: 'Allow', source: { nets: [`${address}/32`] } }],
    },
  };
}

export interface ReferenceStore {
  /** Makes the store hold these and nothing else of policy; returns when the kernel has what follows from them. */
  put(resources: readonly Resource[]): Promise<void>;
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

export function openReferenceStore(host: AgentHost, witness: Workload): ReferenceStore {
  let held = new Map<string, string>();
  let rounds = 0;

  function commit(next: ReadonlyMap<string, string>): void {
    const puts = [...next].filter(([key, text]) => held.get(key) !== text);
    const deletes = [...held.keys()].filter((key) => !next.has(key));
    const success = [
      ...puts.map(([key, text]) => ({ requestPut: { key: base64(key), value: base64(text) } })),
      ...deletes.map((key) => ({ requestDeleteRange: { key: base64(key) } })),
    ];
    const answer = host.must(
      `curl -sf --data-binary @- ${host.etcd.endpoint}/v3/kv/txn <<'END'\n${JSON.stringify({ success })}\nEND`,
    );
    if (!answer.includes('"succeeded":true')) throw new Error(answer);
  }

  return {
    async put(resources) {
      rounds++;
      const address = `198.18.${rounds >> 8}.${rounds & 255}`;
      const marked = { ...witness, metadata: { ...witness.metadata, labels: { role: WITNESS } } };
      const all = [...resources, marked, witnessTier, witnessPolicy(address)];
      const next = new Map(all.map((one) => [keyOf(one), JSON.stringify(one)]));
      commit(next);
      held = next;
      await eventually(`the rules of round ${rounds}`, 10_000, () =>
        host.run(`nft list ruleset | grep -qwF ${address}`).status === 0 ? true : undefined,
      );
    },
  };
}
