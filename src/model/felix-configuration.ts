// FelixConfiguration: settings of the node agent (facts: calico §4.14, §7.2).
import { bpfFields } from './felix-fields-bpf.ts';
import { networkFields } from './felix-fields-network.ts';
import { overlayFields } from './felix-fields-overlay.ts';
import { processFields } from './felix-fields-process.ts';
import { defineKind } from './kind.ts';
import type { Resource } from './resource.ts';
import { type ObjectOf, object, type Report } from './schema.ts';

const specFields = { ...processFields, ...networkFields, ...bpfFields, ...overlayFields };

export type FelixConfigurationSpec = ObjectOf<typeof specFields>;
const spec = object(specFields, checkSpec);

export type FelixConfiguration = Resource<FelixConfigurationSpec, undefined, 'FelixConfiguration'>;

function checkSpec(value: FelixConfigurationSpec, report: Report): void {
  if (value.routeTableRange !== undefined && value.routeTableRanges !== undefined) {
    report('routeTableRange', 'a range', 'nothing beside routeTableRanges');
  }
}

function checkName(one: FelixConfiguration, report: Report): void {
  const { name } = one.metadata;
  const fixed = name === 'default' || name.startsWith('node.');
  if (fixed && one.spec.nodeSelector !== undefined) {
    report('spec.nodeSelector', JSON.stringify(one.spec.nodeSelector), `nothing for the name "${name}"`);
  }
}

export const felixConfiguration = defineKind({
  name: 'FelixConfiguration',
  plural: 'felixconfigurations',
  aliases: ['felixconfiguration', 'felixconfig', 'felixconfigs'],
  doc: 'Settings of the node agent: `default` for all nodes, `node.NAME` for one, any other name with a nodeSelector.',
  spec,
  check: checkName,
  columns: [{ heading: 'NAME', value: (one) => one.metadata.name }],
  table: ['NAME'],
});
