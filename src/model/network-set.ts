// NetworkSet and GlobalNetworkSet: ranges that selectors match by label (facts: calico §4.7).
import { joinItems } from './cells.ts';
import { defineKind } from './kind.ts';
import type { Metadata, Resource } from './resource.ts';
import { type Infer, list, object, type Report, sparse } from './schema.ts';
import { cidrOrIp } from './values.ts';
import { LABEL_NAMESPACE } from './workload-endpoint.ts';

/** Width of a cell of ranges (§9.3). */
const NETS_WIDTH = 80;

const spec = object({ nets: sparse(list(cidrOrIp), 'Addresses and ranges.') });

export type NetworkSetSpec = Infer<typeof spec>;
export type NetworkSet = Resource<NetworkSetSpec, undefined, 'NetworkSet'>;
export type GlobalNetworkSet = Resource<NetworkSetSpec, undefined, 'GlobalNetworkSet'>;

function checkLabels(set: { readonly metadata: Metadata }, report: Report): void {
  if (set.metadata.labels?.[LABEL_NAMESPACE] === undefined) return;
  report('metadata.labels', LABEL_NAMESPACE, 'other labels: the namespace gives it');
}

const columns = [
  { heading: 'NAME', value: (set: Resource<NetworkSetSpec>) => set.metadata.name },
  { heading: 'NETS', value: (set: Resource<NetworkSetSpec>) => joinItems(set.spec.nets, NETS_WIDTH) },
];

export const networkSet = defineKind({
  name: 'NetworkSet',
  plural: 'networksets',
  aliases: ['networkset', 'netsets', 'netset'],
  namespaced: true,
  doc: 'Ranges that the rules of one namespace can select by label.',
  spec,
  check: checkLabels,
  columns: [...columns, { heading: 'NAMESPACE', value: (set) => set.metadata.namespace ?? '' }],
  table: ['NAME'],
  wideTable: ['NAME', 'NETS'],
});

export const globalNetworkSet = defineKind({
  name: 'GlobalNetworkSet',
  plural: 'globalnetworksets',
  aliases: ['globalnetworkset', 'gnetsets', 'gnetset'],
  doc: 'Ranges that rules everywhere can select by label.',
  spec,
  check: checkLabels,
  columns,
  table: ['NAME'],
  wideTable: ['NAME', 'NETS'],
});
