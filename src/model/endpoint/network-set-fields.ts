// What NetworkSet and GlobalNetworkSet have in common (Calico v3.33, api/pkg/apis/projectcalico/v3/globalnetworkset.go).

import { type Between, between, type Infer, list, object, sparse } from '../../schema/schema.ts';
import { joinItems } from '../meta/cells.ts';
import type { Metadata, Resource } from '../meta/resource.ts';
import { cidrOrIp } from '../meta/values.ts';
import { LABEL_NAMESPACE } from './workload-endpoint.ts';

/** Width of a cell of ranges. */
const NETS_WIDTH = 80;

export const networkSetSpec = object({ nets: sparse(list(cidrOrIp), 'Addresses and ranges.') });

export type NetworkSetSpec = Infer<typeof networkSetSpec>;

/** The namespace's own label is given by the namespace. */
export const setLabelRules: readonly Between<{ readonly metadata: Metadata }>[] = [
  between(['metadata.labels'], ({ metadata }, report) => {
    if (metadata.labels?.[LABEL_NAMESPACE] === undefined) return;
    report('metadata.labels', 'other labels: the namespace gives it', LABEL_NAMESPACE);
  }),
];

export const networkSetColumns = [
  { heading: 'NAME', value: (set: Resource<NetworkSetSpec>) => set.metadata.name },
  { heading: 'NETS', value: (set: Resource<NetworkSetSpec>) => joinItems(set.spec.nets, NETS_WIDTH) },
];
