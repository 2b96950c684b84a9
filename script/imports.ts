// Holds the sources to the plan of the house (rooms.ts). Run by the lint step; prints every wrong arrow, every arrow that the
// plan allows and nobody uses, every arrow upwards, every circle of files, every room that is too full, every file that no program
// reaches, and what a pure room uses besides imports; exits 1 if there is any.
import { dirname, join, relative } from 'node:path';
import { findCircles } from './circles.ts';
import { MAX_FILES, pureRooms, rooms, withoutProgram } from './rooms.ts';

const allowedInPure = new Set(['node:crypto']);
const IMPURE =
  /\b(?:Bun\.(?!hash\b)|process\.|console\.|performance\.|fetch\(|setTimeout\(|setInterval\(|Date\.now\(|new Date\(\)|Math\.random\(|crypto\.random|async )/;

const root = join(import.meta.dir, '..', 'src');

const table: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(rooms).map(([room, targets]) => [room, targets.split(' ').filter((one) => one !== '')]),
);

/** Whether a pattern of the plan, a room or `ROOM/*`, means the room. */
function means(pattern: string, room: string): boolean {
  const group = pattern.endsWith('/*') ? pattern.slice(0, -2) : undefined;
  return group === undefined ? pattern === room : room === group || room.startsWith(`${group}/`);
}

function roomOf(path: string): string {
  const folder = dirname(relative(root, path));
  return folder === '.' ? 'main' : folder;
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
  const allowed = table.get(source.room);
  if (allowed === undefined) return [`${source.file}: room "${source.room}" is not in the plan`];
  return targetRooms(source)
    .filter((target) => target !== source.room && !allowed.some((pattern) => means(pattern, target)))
    .map((target) => `${source.file}: ${source.room} may not import ${target}`);
}

/** Code without comments and the insides of quotes, as far as looking for a word needs it. */
function codeOf(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*|'(?:\\.|[^'\\\n])*'/g, '');
}

function effects({ file, room, text, modules }: Source): readonly string[] {
  if (!pureRooms.some((pattern) => means(pattern, room))) return [];
  const platform = modules.filter((one) => /^(node|bun):|^bun$/.test(one) && !allowedInPure.has(one));
  const used = IMPURE.exec(codeOf(text))?.[0];
  return [...platform, ...(used === undefined ? [] : [used.trim()])].map(
    (what) => `${file}: ${room} is pure and may not use ${what}`,
  );
}

function unusedArrows(sources: readonly Source[]): readonly string[] {
  return [...table].flatMap(([room, patterns]) => {
    const used = sources.filter((source) => source.room === room).flatMap(targetRooms);
    return patterns
      .filter((pattern) => !used.some((target) => means(pattern, target)))
      .map((pattern) => `plan: no file of ${room} imports ${pattern}`);
  });
}

function upwardArrows(): readonly string[] {
  const order = [...table.keys()];
  return [...table].flatMap(([room, patterns]) =>
    order
      .slice(order.indexOf(room) + 1)
      .filter((below) => patterns.some((pattern) => means(pattern, below)))
      .map((below) => `plan: ${room} stands above ${below} and may not import it`),
  );
}

function fullRooms(sources: readonly Source[]): readonly string[] {
  return [...Map.groupBy(sources, (source) => source.room)]
    .filter(([, files]) => files.length > MAX_FILES)
    .map(([room, files]) => `plan: ${room} has ${files.length} files, at most ${MAX_FILES} are wanted`);
}

/** Workers are started by their path. */
function isStart(file: string): boolean {
  return file === 'main.ts' || file.endsWith('worker.ts') || withoutProgram.includes(file);
}

/** Files of `src` that what builds the programs and their pages imports. */
async function filesOfScripts(): Promise<readonly string[]> {
  const scripts = [...new Bun.Glob('*.ts').scanSync(import.meta.dir)].filter((file) => !file.endsWith('.test.ts'));
  const texts = await Promise.all(scripts.map((file) => Bun.file(join(import.meta.dir, file)).text()));
  return texts.flatMap((text) => specifiersOf(text, STATIC)).map((one) => relative(root, join(import.meta.dir, one)));
}

/** Code that only tests use is not code of a program. */
function unreached(sources: readonly Source[], scripts: readonly string[]): readonly string[] {
  const byFile = new Map(sources.map((source) => [source.file, source]));
  const reached = new Set<string>();
  const open = [...sources.map(({ file }) => file).filter(isStart), ...scripts];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    const source = byFile.get(file);
    if (source === undefined || reached.has(file)) continue;
    reached.add(file);
    open.push(...source.files, ...source.lateFiles);
  }
  return sources
    .filter(({ file }) => !reached.has(file))
    .map(({ file }) => `${file}: no program reaches it; what only tests use belongs in test/support`);
}

const files = [...new Bun.Glob('**/*.ts').scanSync(root)].filter((file) => !file.endsWith('.test.ts')).sort();
const sources = await Promise.all(files.map(readSource));
const circles = findCircles(new Map(sources.map((source) => [source.file, source.files])));
const faults = [
  ...sources.flatMap(wrongArrows),
  ...sources.flatMap(effects),
  ...unusedArrows(sources),
  ...upwardArrows(),
  ...fullRooms(sources),
  ...unreached(sources, await filesOfScripts()),
  ...circles.map((circle) => `circle: ${circle.join(' ')}`),
];
for (const line of faults) console.error(line);
console.log(`imports: ${files.length} files, ${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);
