// What a lab consists of: names and addresses of its hosts and of the services on their shared segment.
import { OcicatError } from '../base/errors.ts';

/** The underlay clashes with neither the default pool 192.168.0.0/16 nor rkt's 172.16.28.0/24. */
const UNDERLAY_PREFIX = '10.99.0';
export const UNDERLAY_PREFIX_LENGTH = 24;
/** Where etcd and the registry listen. */
export const SERVICES_ADDRESS = `${UNDERLAY_PREFIX}.254`;
export const ETCD_URL = `http://${SERVICES_ADDRESS}:2379`;
export const REGISTRY_URL = `http://${SERVICES_ADDRESS}:5000`;
export const MAX_NODES = 99;

export interface LabNode {
  /** `calico-01`, `calico-02`, … */
  readonly name: string;
  /** On the underlay. */
  readonly address: string;
}

export interface LabPlan {
  readonly name: string;
  readonly nodes: readonly LabNode[];
}

/** A lab's name: 1 to 32 lower-case letters, digits and inner dashes; throws `invalid`. */
export function parseLabName(text: string): string {
  if (/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/.test(text)) return text;
  throw new OcicatError('invalid', `lab name "${text}": 1 to 32 lower-case letters, digits and inner dashes wanted`);
}

/** How many hosts: 1 to MAX_NODES; throws `invalid`. */
export function parseNodeCount(text: string): number {
  const count = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (count >= 1) return count;
  throw new OcicatError('invalid', `number of hosts "${text}": 1 to ${MAX_NODES} wanted`);
}

export function computeLabPlan(name: string, nodeCount: number): LabPlan {
  const nodes = Array.from({ length: nodeCount }, (_, index) => ({
    name: `calico-${String(index + 1).padStart(2, '0')}`,
    address: `${UNDERLAY_PREFIX}.${index + 1}`,
  }));
  return { name, nodes };
}

/** /etc/hosts of every host: itself, the others and the services. */
export function printHostsFile(plan: LabPlan): string {
  const lines = plan.nodes.map((node) => `${node.address} ${node.name}`);
  return ['127.0.0.1 localhost', '::1 localhost ip6-localhost', ...lines, `${SERVICES_ADDRESS} underlay`, ''].join(
    '\n',
  );
}
