import { expect, test } from 'bun:test';
import { printTable } from './table.ts';

test('columns are padded with whole tabs, the last not at all', () => {
  const rows = [
    ['UUID', 'APP', 'IMAGE NAME', 'STATE', 'CREATED', 'STARTED', 'NETWORKS'],
    [
      '5bc080ca',
      'redis',
      'registry-1.docker.io/library/redis:latest',
      'running',
      '2 minutes ago',
      '41 seconds ago',
      'default:ip4=172.16.28.7',
    ],
    ['', 'etcd', 'coreos.com/etcd:v2.0.9', '', '', '', ''],
    ['3089337c', 'nginx', 'registry-1.docker.io/library/nginx:latest', 'exited', '9 minutes ago', '2 minutes ago', ''],
  ];
  expect(printTable(rows)).toBe(
    [
      'UUID\t\tAPP\tIMAGE NAME\t\t\t\t\tSTATE\tCREATED\t\tSTARTED\t\tNETWORKS',
      '5bc080ca\tredis\tregistry-1.docker.io/library/redis:latest\trunning\t2 minutes ago\t41 seconds ago\tdefault:ip4=172.16.28.7',
      '\t\tetcd\tcoreos.com/etcd:v2.0.9\t\t\t\t\t\t\t\t\t',
      '3089337c\tnginx\tregistry-1.docker.io/library/nginx:latest\texited\t9 minutes ago\t2 minutes ago\t',
      '',
    ].join('\n'),
  );
});

test('a table of one column has no tabs, an empty table no lines', () => {
  expect(printTable([['NAME'], ['a']])).toBe('NAME\na\n');
  expect(printTable([])).toBe('');
});

test('lengths are counted in runes', () => {
  expect(printTable([['äöüäöüä', 'x']])).toBe('äöüäöüä\tx\n');
});
