// The import table: which room may import which. Run by the lint step; prints every wrong arrow, every arrow that the table
// allows and nobody uses, every circle of files, and what a pure room uses besides imports; exits 1 if there is any.
import { dirname, join, relative } from 'node:path';
import { findCircles } from './circles.ts';

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
  kernel: ['base', 'net', 'firewall', 'sys'],
  bird: ['base'],
  images: ['base', 'sys'],
  cni: ['base', 'net', 'model'],
  agent: [
    'base',
    'net',
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
  ctl: ['base', 'net', 'model', 'blocks', 'firewall', 'sys', 'datastore', 'ipam', 'kernel', 'bird', 'manual'],
  metadata: ['base', 'sys', 'images'],
  pod: ['base', 'net', 'sys', 'kernel', 'images', 'metadata', 'manual'],
  lab: ['base', 'sys', 'images', 'manual'],
  uninstall: ['base', 'net', 'firewall', 'sys', 'images', 'bird', 'kernel', 'ctl', 'pod', 'manual'],
  main: ['sys', 'manual', 'agent', 'ctl', 'pod', 'lab', 'uninstall'],
};

/** Rooms without effects: no platform import but hashing, and none of what every module is given. */
const pure = new Set(['base', 'manual', 'net', 'selector', 'model', 'policy', 'routing', 'blocks', 'firewall']);
const allowedInPure = new Set(['node:crypto']);
const IMPURE =
  /\b(?:Bun\.(?!hash\b)|process\.|console\.|performance\.|fetch\(|setTimeout\(|setInterval\(|Date\.now\(|new Date\(\)|Math\.random\(|crypto\.random|async )/;

const root = join(import.meta.dir, '..', 'src');

function roomOf(path: string): string {
  const [first = '', ...rest] = relative(root, path).split('/');
  return rest.length === 0 ? 'main' : first;
}

/** What a file imports: paths of this checkout below `src`, and the names of modules. */
interface Source {
  readonly file: string;
  readonly room: string;
  readonly text: string;
  readonly files: readonly string[];
  readonly lateFiles: readonly string[];
  readonly modules: readonly string[];
}

const STATIC = /(?:^|\n)\s*(?:import|export)\b[^'";]*?from\s*'([^']+)'/g;
/** Loaded when it is needed: an arrow like any other, and no circle, since nothing waits for it. */
const LATE = /\bimport\(\s*'([^']+)'\s*\)/g;

function specifiersOf(text: string, pattern: RegExp): readonly string[] {
  return [...text.matchAll(pattern)].map((match) => match[1] ?? '').filter((one) => !one.endsWith('/package.json'));
}

async function readSource(file: string): Promise<Source> {
  const text = await Bun.file(join(root, file)).text();
  const [early, late] = [specifiersOf(text, STATIC), specifiersOf(text, LATE)];
  const local = (specifiers: readonly string[]) =>
    specifiers.filter((one) => one.startsWith('.')).map((one) => relative(root, join(root, dirname(file), one)));
  return {
    file,
    room: roomOf(join(root, file)),
    text,
    files: local(early),
    lateFiles: local(late),
    modules: [...early, ...late].filter((one) => !one.startsWith('.')),
  };
}

function targetRooms({ files, lateFiles }: Source): readonly string[] {
  return [...new Set([...files, ...lateFiles].map((file) => roomOf(join(root, file))))];
}

function wrongArrows(source: Source): readonly string[] {
  const allowed = table[source.room];
  if (allowed === undefined) return [`${source.file}: room "${source.room}" is not in the table`];
  return targetRooms(source)
    .filter((target) => target !== source.room && !allowed.includes(target))
    .map((target) => `${source.file}: ${source.room} may not import ${target}`);
}

/** Code without comments and the insides of quotes, as far as looking for a word needs it. */
function codeOf(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*|'(?:\\.|[^'\\\n])*'/g, '');
}

function effects({ file, room, text, modules }: Source): readonly string[] {
  if (!pure.has(room)) return [];
  const platform = modules.filter((one) => /^(node|bun):|^bun$/.test(one) && !allowedInPure.has(one));
  const used = IMPURE.exec(codeOf(text))?.[0];
  return [...platform, ...(used === undefined ? [] : [used.trim()])].map(
    (what) => `${file}: ${room} is pure and may not use ${what}`,
  );
}

function unusedArrows(sources: readonly Source[]): readonly string[] {
  const used = new Set(sources.flatMap((source) => targetRooms(source).map((target) => `${source.room} ${target}`)));
  return Object.entries(table).flatMap(([room, targets]) =>
    targets
      .filter((target) => !used.has(`${room} ${target}`))
      .map((target) => `table: no file of ${room} imports ${target}`),
  );
}

const files = [...new Bun.Glob('**/*.ts').scanSync(root)].filter((file) => !file.endsWith('.test.ts')).sort();
const sources = await Promise.all(files.map(readSource));
const circles = findCircles(new Map(sources.map((source) => [source.file, source.files])));
const faults = [
  ...sources.flatMap(wrongArrows),
  ...sources.flatMap(effects),
  ...unusedArrows(sources),
  ...circles.map((circle) => `circle: ${circle.join(' ')}`),
];
for (const line of faults) console.error(line);
console.log(`imports: ${files.length} files, ${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);
