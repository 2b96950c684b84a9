import { expect, test } from 'bun:test';
import { type Columns, createRowWriter, formatTable } from './table.ts';

const TABS: Columns = { minWidth: 0, padding: 1, tabWidth: 8, ends: 'bare' };
const BLANKS: Columns = { minWidth: 5, padding: 3, ends: 'padded' };

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
  expect(formatTable(TABS, rows)).toBe(
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
  expect(formatTable(TABS, [['NAME'], ['a']])).toBe('NAME\na\n');
  expect(formatTable(TABS, [])).toBe('');
});

test('lengths are counted in runes', () => {
  expect(formatTable(TABS, [['äöüäöüä', 'x']])).toBe('äöüäöüä\tx\n');
});

test('columns of blanks have a least width, and the last cell is padded like the others', () => {
  expect(
    formatTable(BLANKS, [
      ['NAME', 'N'],
      ['a', ''],
    ]),
  ).toBe('NAME   N    \na           \n');
});

test('rows that come later are set in columns that only grow', () => {
  const writer = createRowWriter({ ...BLANKS, ends: 'trimmed' });
  writer.widen([['abcdef', 'x']]);
  const lines = [writer.write(['a', 'b']), writer.write(['abcdefghi', '']), writer.write(['a', 'b'])];
  expect(lines).toEqual(['a        b\n', 'abcdefghi\n', 'a           b\n']);
});

test('a cell is one line, whatever it holds', () => {
  expect(formatTable(BLANKS, [['a\nb\x1b', 'c']])).not.toMatch(/[\x1b]|\n./);
});
