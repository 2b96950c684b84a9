// NetworkSet: ranges that the rules of one namespace select by label (Calico v3.33,
// api/pkg/apis/projectcalico/v3/networkset.go).
import { defineKind } from '../meta/kind.ts';
import { networkSetColumns, networkSetSpec, setLabelRules } from './network-set-fields.ts';

export const networkSet = defineKind({
  name: 'NetworkSet',
  plural: 'networksets',
  aliases: ['networkset', 'netsets', 'netset'],
  namespaced: true,
  doc: 'Ranges that the rules of one namespace can select by label.',
  spec: networkSetSpec,
  rules: setLabelRules,
  columns: [...networkSetColumns, { heading: 'NAMESPACE', value: (set) => set.metadata.namespace ?? '' }],
  table: ['NAME'],
  wideTable: ['NAME', 'NETS'],
});
