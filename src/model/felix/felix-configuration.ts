// FelixConfiguration: settings of the node agent (Calico v3.33, api/pkg/apis/projectcalico/v3/felixconfig.go).

import { type Between, between, type ObjectOf, object } from '../../schema/schema.ts';
import { defineKind } from '../meta/kind.ts';
import type { Resource } from '../meta/resource.ts';
import { bpfFields } from './felix-fields-bpf.ts';
import { networkFields } from './felix-fields-network.ts';
import { overlayFields } from './felix-fields-overlay.ts';
import { processFields } from './felix-fields-process.ts';

const specFields = { ...processFields, ...networkFields, ...bpfFields, ...overlayFields };

export type FelixConfigurationSpec = ObjectOf<typeof specFields>;

/** How many routing tables the ranges may hold together (Calico v3.33, api/pkg/apis/projectcalico/v3/felixconfig.go). */
const MAX_TABLES = 65535;

/** All settings, for whoever reads them from another place than a resource. */
export const felixConfigurationSpec = object(
  specFields,
  between([], (_, report, isPresent) => {
    if (isPresent('routeTableRange') && isPresent('routeTableRanges')) {
      report('routeTableRange', 'nothing beside routeTableRanges');
    }
  }),
  between(['routeTableRanges'], ({ routeTableRanges = [] }, report) => {
    const tables = routeTableRanges.reduce((sum, { min, max }) => sum + max - min + 1, 0);
    if (tables > MAX_TABLES) report('routeTableRanges', `at most ${MAX_TABLES} together`, `${tables} tables`);
  }),
);

export type FelixConfiguration = Resource<FelixConfigurationSpec, undefined, 'FelixConfiguration'>;

/** `default` and `node.NAME` say by their names which nodes they are for. */
const noSelectorBesideNode: Between<FelixConfiguration> = between(['metadata.name'], (one, report, isPresent) => {
  const { name } = one.metadata;
  if (name !== 'default' && !name.startsWith('node.')) return;
  if (isPresent('spec.nodeSelector')) report('spec.nodeSelector', `nothing for the name "${name}"`);
});

export const felixConfiguration = defineKind({
  name: 'FelixConfiguration',
  plural: 'felixconfigurations',
  aliases: ['felixconfiguration', 'felixconfig', 'felixconfigs'],
  doc: 'Settings of the node agent: `default` for all nodes, `node.NAME` for one, any other name with a nodeSelector.',
  spec: felixConfigurationSpec,
  rules: [noSelectorBesideNode],
  columns: [{ heading: 'NAME', value: (one) => one.metadata.name }],
  table: ['NAME'],
});
