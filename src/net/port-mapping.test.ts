import { expect, test } from 'bun:test';
import { parseIp } from './ip.ts';
import {
  formatHostPorts,
  formatPortMapping,
  joinPortMappings,
  tryParsePortMapping,
  wantSamePort,
} from './port-mapping.ts';

const mapping = (text: string) => tryParsePortMapping(text) ?? expect.unreachable(text);

test('a mapping is read as it is written', () => {
  for (const text of ['8080:80/tcp', '127.0.0.1:53:53/udp', '[::1]:8000-8009:80-89/sctp', '0.0.0.0:1:65535/tcp'])
    expect(formatPortMapping(mapping(text))).toBe(text);
  expect(mapping('[2001:db8::1]:8000-8009:80-89/udp')).toEqual({
    hostAddress: parseIp('2001:db8::1'),
    ...{ hostPort: 8000, containerPort: 80, protocol: 17, count: 10 },
  });
  expect(formatHostPorts(mapping('[::]:8000-8009:80-89/tcp'))).toBe('[::]:8000-8009/tcp');
});

test('what cannot be a mapping is none', () => {
  const wrong = ['', '80/tcp', '0:80/tcp', '8080:0/tcp', '8080:80', '8080:80/icmp', '65536:1/tcp', '1.2.3:1:1/tcp'];
  const ranges = ['1-2:1-3/tcp', '2-1:2-1/tcp', '65535-65536:1-2/tcp', '1-2:65535-65536/tcp'];
  for (const text of [...wrong, ...ranges]) expect(tryParsePortMapping(text)).toBeUndefined();
});

test('the ports of a range, each asked for by itself, are one mapping', () => {
  const texts = [
    '80:8080/tcp',
    '81:8081/tcp',
    '82-83:8082-8083/tcp',
    '84:8085/tcp',
    '85:8086/udp',
    '[::1]:86:8087/udp',
  ];
  expect(joinPortMappings(texts.map(mapping)).map(formatPortMapping)).toEqual([
    '80-83:8080-8083/tcp',
    '84:8085/tcp',
    '85:8086/udp',
    '[::1]:86:8087/udp',
  ]);
});

test('two mappings want the same port where no two sockets could have it', () => {
  const same = (a: string, b: string) => wantSamePort(mapping(a), mapping(b)) && wantSamePort(mapping(b), mapping(a));
  expect(same('80:80/tcp', '80:8080/tcp')).toBe(true);
  expect(same('80:80/tcp', '127.0.0.1:80:80/tcp')).toBe(true);
  expect(same('80:80/tcp', '[::1]:80:80/tcp')).toBe(true);
  expect(same('70-90:70-90/tcp', '90:1/tcp')).toBe(true);
  expect(same('80:80/tcp', '80:80/udp')).toBe(false);
  expect(same('0.0.0.0:80:80/tcp', '[::]:80:80/tcp')).toBe(false);
  expect(same('127.0.0.1:80:80/tcp', '127.0.0.2:80:80/tcp')).toBe(false);
  expect(same('70-90:70-90/tcp', '91:1/tcp')).toBe(false);
});
