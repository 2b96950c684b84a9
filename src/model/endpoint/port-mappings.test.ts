import { expect, test } from 'bun:test';
import { formatPortMapping } from '../../net/port-mapping.ts';
import { parsePortMappings, portMappingsOf, printPortMappings } from './port-mappings.ts';

test('an annotation says which ports of the host lead to an endpoint, and what cannot be read there maps nothing', () => {
  const annotations = { 'ocicat/port-mappings': '8080:80/tcp [::1]:53:53/udp' };
  expect(printPortMappings(portMappingsOf({ metadata: { annotations } }))).toEqual(annotations);
  expect(printPortMappings([])).toEqual({});
  expect(portMappingsOf({ metadata: {} })).toEqual([]);
  const spoilt = parsePortMappings('0:80/tcp 8080:80/tcp  x 1-9:1-8/udp 99999:1/tcp');
  expect(spoilt.map(formatPortMapping)).toEqual(['8080:80/tcp']);
  for (const value of [undefined, null, 7, ['8080:80/tcp'], {}]) expect(parsePortMappings(value)).toEqual([]);
});
