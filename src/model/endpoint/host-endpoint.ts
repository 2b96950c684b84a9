// HostEndpoint: an interface of a host that policy applies to (Calico v3.33,
// api/pkg/apis/projectcalico/v3/hostendpoint.go).

import { parsedText } from '../../schema/scalars.ts';
import { between, list, object, required, sparse } from '../../schema/schema.ts';
import { joinItems } from '../meta/cells.ts';
import { defineKind } from '../meta/kind.ts';
import { endpointPortName, interfaceName, resourceName } from '../meta/names.ts';
import { ip, port, portProtocol } from '../meta/values.ts';

const interfaceOrAll = parsedText(`${interfaceName.wanted}, or "*" for all of them`, (value) =>
  value === '*' || interfaceName.read(value) !== undefined ? value : undefined,
);

const spec = object(
  {
    node: required(resourceName, 'The host.'),
    interfaceName: sparse(interfaceOrAll, 'The interface, or `*` for all interfaces.'),
    expectedIPs: sparse(list(ip), 'Addresses of the interface.'),
    profiles: sparse(list(resourceName), 'Profiles, in the order in which they apply.'),
    ports: sparse(
      list(
        object({
          name: required(endpointPortName, 'The name that rules use.'),
          protocol: required(portProtocol, 'The protocol.'),
          port: required(port, 'The number.'),
        }),
      ),
      'Ports that rules can name.',
    ),
  },
  between([], (_, report, isPresent) => {
    if (isPresent('interfaceName') || isPresent('expectedIPs')) return;
    report('interfaceName', 'an interface name, or expectedIPs');
  }),
);

export const hostEndpoint = defineKind({
  name: 'HostEndpoint',
  plural: 'hostendpoints',
  aliases: ['hostendpoint', 'hep', 'heps'],
  doc: 'An interface of a host that policy applies to.',
  spec,
  columns: [
    { heading: 'NAME', value: (one) => one.metadata.name },
    { heading: 'NODE', value: (one) => one.spec.node },
    { heading: 'INTERFACE', value: (one) => one.spec.interfaceName ?? '' },
    { heading: 'IPS', value: (one) => joinItems(one.spec.expectedIPs) },
    { heading: 'PROFILES', value: (one) => joinItems(one.spec.profiles) },
  ],
  table: ['NAME', 'NODE'],
  wideTable: ['NAME', 'NODE', 'INTERFACE', 'IPS', 'PROFILES'],
});
