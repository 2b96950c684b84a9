// ClusterInformation `default`: what programs know about the cluster (Calico v3.33,
// api/pkg/apis/projectcalico/v3/clusterinfo.go).

import { boolean, text } from '../../schema/scalars.ts';
import { object, optional } from '../../schema/schema.ts';
import { defineKind, onlyDefault } from '../meta/kind.ts';

const spec = object({
  clusterGUID: optional(text(), 'A random name that stays.'),
  clusterType: optional(text(), 'What the cluster runs on, with commas between.'),
  calicoVersion: optional(text(), 'The version of the program that wrote last.'),
  datastoreReady: optional(boolean, 'Whether programs may change things; `datastore migrate lock` takes it away.'),
  variant: optional(text(), 'Which edition wrote it.'),
});

export const clusterInformation = defineKind({
  name: 'ClusterInformation',
  plural: 'clusterinformations',
  aliases: ['clusterinformation', 'clusterinfo', 'clusterinfos'],
  readOnly: true,
  doc: 'What programs know about the cluster. There is one, `default`, and programs write it.',
  spec,
  rules: [onlyDefault],
  columns: [
    { heading: 'NAME', value: (one) => one.metadata.name },
    { heading: 'CLUSTERGUID', value: (one) => one.spec.clusterGUID ?? '' },
    { heading: 'CLUSTERTYPE', value: (one) => one.spec.clusterType ?? '' },
    { heading: 'CALICOVERSION', value: (one) => one.spec.calicoVersion ?? '' },
    { heading: 'DATASTOREREADY', value: (one) => String(one.spec.datastoreReady ?? '') },
  ],
  table: ['NAME', 'CLUSTERGUID', 'CLUSTERTYPE', 'CALICOVERSION', 'DATASTOREREADY'],
});
