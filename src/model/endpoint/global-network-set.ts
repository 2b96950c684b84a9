// GlobalNetworkSet: ranges that rules everywhere select by label (Calico v3.33,
// api/pkg/apis/projectcalico/v3/globalnetworkset.go).
import { defineKind } from '../meta/kind.ts';
import { networkSetColumns, networkSetSpec, setLabelRules } from './network-set-fields.ts';

export const globalNetworkSet = defineKind({
  name: 'GlobalNetworkSet',
  plural: 'globalnetworksets',
  aliases: ['globalnetworkset', 'gnetsets', 'gnetset'],
  doc: 'Ranges that rules everywhere can select by label.',
  spec: networkSetSpec,
  rules: setLabelRules,
  columns: networkSetColumns,
  table: ['NAME'],
  wideTable: ['NAME', 'NETS'],
});
