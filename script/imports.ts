// The import table: which room may import which. Run by the lint step; prints every wrong arrow and exits 1 if there is one.
import { dirname, join, relative } from 'node:path';

/** Room → rooms it may import, besides itself. */
const table: Readonly<Record<string, readonly string[]>> = {
  base: [],
  manual: [],
  net: ['base'],
  selector: ['base'],
  model: ['base', 'net', 'selector'],
  policy: ['base', 'net', 'selector', 'model'],
  routing: ['base', 'net', 'selector', 'model'],
  blocks: ['base', 'net'],
  firewall: ['base', 'net', 'policy'],
  sys: ['base', 'net'],
  datastore: ['base', 'model', 'sys'],
  ipam: ['base', 'net', 'selector', 'model', 'blocks', 'datastore'],
  kernel: ['base', 'net', 'policy', 'routing', 'firewall', 'sys'],
  bird: ['base'],
  images: ['base', 'sys'],
  cni: ['base', 'net', 'model'],
  agent: [
    'base',
    'net',
    'selector',
    'model',
    'policy',
    'routing',
    'blocks',
    'firewall',
    'sys',
    'datastore',
    'ipam',
    'kernel',
    'bird',
    'cni',
    'manual',
  ],
  ctl: [
    'base',
    'net',
    'selector',
    'model',
    'policy',
    'blocks',
    'firewall',
    'sys',
    'datastore',
    'ipam',
    'kernel',
    'bird',
    'manual',
  ],
  metadata: ['base', 'sys', 'images'],
  pod: ['base', 'net', 'sys', 'images', 'metadata', 'manual'],
  lab: ['base', 'net', 'sys', 'images', 'manual'],
  main: ['base', 'sys', 'manual', 'agent', 'ctl', 'pod', 'lab'],
};

/** Rooms without effects: no platform import but hashing. */
const pure = new Set(['base', 'manual', 'net', 'selector', 'model', 'policy', 'routing', 'blocks', 'firewall']);
const allowedInPure = new Set(['node:crypto']);

const root = join(import.meta.dir, '..', 'src');

function roomOf(path: string): string {
  const [first = '', ...rest] = relative(root, path).split('/');
  return rest.length === 0 ? 'main' : first;
}

function importsOf(source: string): readonly string[] {
  return [
    ...source.matchAll(/(?:^|\n)\s*(?:import|export)\b[^'";]*?from\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/g),
  ].map((match) => match[1] ?? match[2] ?? '');
}

async function wrongArrows(file: string): Promise<readonly string[]> {
  const path = join(root, file);
  const room = roomOf(path);
  const allowed = table[room];
  if (allowed === undefined) return [`${file}: room "${room}" is not in the table`];
  const wrong: string[] = [];
  for (const specifier of importsOf(await Bun.file(path).text())) {
    if (specifier.endsWith('/package.json')) continue;
    if (specifier.startsWith('.')) {
      const target = roomOf(join(dirname(path), specifier));
      if (target !== room && !allowed.includes(target)) wrong.push(`${file}: ${room} may not import ${target}`);
    } else if (pure.has(room) && /^(node|bun):|^bun$/.test(specifier) && !allowedInPure.has(specifier)) {
      wrong.push(`${file}: ${room} is pure and may not import ${specifier}`);
    }
  }
  return wrong;
}

const files = [...new Bun.Glob('**/*.ts').scanSync(root)].filter((file) => !file.endsWith('.test.ts')).sort();
const wrong = (await Promise.all(files.map(wrongArrows))).flat();
for (const line of wrong) console.error(line);
console.log(`imports: ${files.length} files, ${wrong.length} wrong arrows`);
process.exit(wrong.length === 0 ? 0 : 1);
