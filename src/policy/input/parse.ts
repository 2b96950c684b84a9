// Stored resources → updates of the calculation. A resource that cannot be understood is reported and closed: it drops
// what it might have dropped and allows nothing.
import type { Issue } from '../../base/errors.ts';
import type { ResourceName } from '../../model/meta/resource.ts';
import { describeValue, membersOf } from '../../schema/document.ts';
import type { PolicyUpdate } from '../types/input.ts';
import { parseHostEndpoint, parseNetworkSet, parseWorkloadEndpoint } from './parse-endpoint.ts';
import { parsePolicy, parseProfile, parseTier } from './parse-policy.ts';
import { parseStagedPolicy } from './parse-staged.ts';
import { type Fields, report } from './read.ts';

export interface ParsedUpdate {
  readonly update: PolicyUpdate;
  /** Everything that could not be understood. */
  readonly issues: readonly Issue[];
}

function fieldsOf(value: unknown, issues: Issue[]): Fields {
  const members = membersOf(value);
  const fields: Fields = {
    members: members ?? {},
    path: '',
    lost: members === undefined,
    issues,
    selectors: new Map(),
  };
  if (members === undefined) report(fields, '', describeValue(value), 'a resource');
  return fields;
}

/**
 * The update that a resource (its JSON; undefined when it is gone, null when it is no JSON) means on this node. Undefined
 * for kinds that policy does not look at. Never throws.
 */
export function parsePolicyUpdate(key: ResourceName, value: unknown, nodeName: string): ParsedUpdate | undefined {
  const issues: Issue[] = [];
  const update = parseUpdate(key, value === undefined ? undefined : fieldsOf(value, issues), nodeName);
  return update === undefined ? undefined : { update, issues };
}

function parseUpdate(key: ResourceName, resource: Fields | undefined, nodeName: string): PolicyUpdate | undefined {
  const { kind, name, namespace = '' } = key;
  switch (kind) {
    case 'WorkloadEndpoint': {
      const value = resource && parseWorkloadEndpoint(resource, namespace, nodeName);
      return { kind: 'endpoint', id: `${namespace}/${name}`, value };
    }
    case 'HostEndpoint':
      return {
        kind: 'endpoint',
        id: `HostEndpoint//${name}`,
        value: resource && parseHostEndpoint(resource, nodeName),
      };
    case 'NetworkSet': {
      const value = resource && parseNetworkSet(resource, namespace);
      return { kind: 'network-set', id: `NetworkSet/${namespace}/${name}`, value };
    }
    case 'GlobalNetworkSet': {
      const value = resource && parseNetworkSet(resource, undefined);
      return { kind: 'network-set', id: `GlobalNetworkSet//${name}`, value };
    }
    case 'NetworkPolicy': {
      const value = resource && parsePolicy(resource, namespace);
      return { kind: 'policy', id: `NetworkPolicy/${namespace}/${name}`, value };
    }
    case 'GlobalNetworkPolicy':
      return {
        kind: 'policy',
        id: `GlobalNetworkPolicy//${name}`,
        value: resource && parsePolicy(resource, undefined),
      };
    case 'StagedNetworkPolicy': {
      const value = resource && parseStagedPolicy(resource, namespace);
      return { kind: 'policy', id: `StagedNetworkPolicy/${namespace}/${name}`, value };
    }
    case 'StagedGlobalNetworkPolicy': {
      const value = resource && parseStagedPolicy(resource, undefined);
      return { kind: 'policy', id: `StagedGlobalNetworkPolicy//${name}`, value };
    }
    case 'Profile':
      return { kind: 'profile', id: name, value: resource && parseProfile(resource) };
    case 'Tier':
      return { kind: 'tier', id: name, value: resource && parseTier(resource) };
    default:
      return undefined;
  }
}
