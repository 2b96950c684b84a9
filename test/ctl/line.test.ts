import { afterEach, beforeEach, expect, test } from 'bun:test';
import { calicoctl } from '../../src/ctl/main/commands.ts';
import { formatHelp } from '../../src/ctl/main/help.ts';
import { openSession, type Session } from './session.ts';

const { commands, globalFlags } = calicoctl;

let session: Session;
beforeEach(() => {
  session = openSession();
});
afterEach(() => session.close());

test.each<[string, string]>([
  ['foo', 'unknown command "foo" for "calicoctl"; see "calicoctl --help"\n'],
  ['ipam foo', 'unknown command "foo" for "calicoctl ipam"; see "calicoctl ipam --help"\n'],
  ['get --foo', 'unknown flag: --foo\n'],
  ['get -x', "unknown shorthand flag: 'x' in -x\n"],
  ['get -Ax', "unknown shorthand flag: 'x' in -Ax\n"],
  ['get profiles --force', 'unknown flag: --force\n'],
  ['--bogus x get profiles', 'unknown flag: --bogus\n'],
  ['get profiles -o', 'flag needs an argument: -o\n'],
  ['get profiles --output', 'flag needs an argument: --output\n'],
  ['get profiles --watch=maybe', 'invalid argument "maybe" for --watch: it is true or false\n'],
  ['get foo', "resource type 'foo' is not supported\n"],
  ['get', '"calicoctl get" needs KIND or -f FILE\n'],
  ['apply', '"calicoctl apply" needs -f FILE\n'],
  ['apply x', '"calicoctl apply" takes no "x"; see "calicoctl apply --help"\n'],
  ['label profile', '"calicoctl label" needs NAME; see "calicoctl label --help"\n'],
  ['delete profile', 'delete: needs the NAME of what to delete, or -f FILE\n'],
  ['get profiles -o go-template', '-o go-template: needs a template, as in go-template=…\n'],
  ['get profiles -o custom-columns=', '-o custom-columns: needs at least one column, as in custom-columns=…\n'],
  ['get profile a/b', 'name "a/b": it is empty or has a slash, and no resource is called so\n'],
  ['version --poll x', 'read duration "x": wanted one such as 30s or 1m\n'],
  ['help foo', 'unknown help topic "foo"\n'],
])('%s is refused', async (line, err) => {
  expect(await session.run(line)).toEqual({ status: 1, out: '', err });
});

test.each([
  'get profiles -ojson',
  'get -o json profiles',
  '--allow-version-mismatch get profiles --output=json',
  'get profiles -o=json',
  'get -Ao json profiles',
  '-o json get profiles',
  'get --all-namespaces=false profiles --output json',
  'get -A=T profiles -o json',
  "get profiles -n '' -o json",
  '-l panic get -o json -- profiles',
])('%s is understood', async (line) => {
  const result = await session.run(line);
  expect([result.status, result.err]).toEqual([0, '']);
  expect(JSON.parse(result.out).kind).toBe('ProfileList');
});

test('help of a command', async () => {
  const result = await session.run('validate --help');
  expect(result.out).toBe(`Say what is wrong with resources in files, without a store.

Usage:
  calicoctl validate [flags]

Flags:
  -f, --filename FILE         File or folder with resources in YAML or JSON, "-" for standard input;
                              may be given several times
  -R, --recursive             Read the folders in a folder too
      --skip-empty            Files without resources are no failure
  -n, --namespace NAMESPACE   Namespace of the resources (default default)
  -h, --help                  Show this help

Global flags:
  -v, --verbose                  Tell what is asked of the store, on standard error; given twice,
                                 what is read and written too
  -l, --log-level LEVEL          info is -v, debug is -vv, and panic, fatal, error and warn are
                                 neither (default panic)
      --allow-version-mismatch   Work on a cluster of another version too
`);
});

test('every command has help, and every group too', () => {
  for (const command of commands) {
    for (let length = 0; length <= command.path.length; length++) {
      expect(formatHelp(command.path.slice(0, length))).toContain('Usage:\n  calicoctl');
    }
  }
});

test('no command has two flags of one name or letter, unless one is hidden', () => {
  for (const command of commands) {
    const shown = [...command.flags, ...globalFlags].filter((flag) => !flag.hidden);
    const names = shown.map((flag) => flag.name);
    const letters = shown.flatMap((flag) => flag.short ?? []);
    expect([command.path, new Set(names).size, new Set(letters).size]).toEqual([
      command.path,
      names.length,
      letters.length,
    ]);
  }
});

test('all commands agree on which flags take a value, by name and by letter', () => {
  const flags = [...globalFlags, ...commands.flatMap((command) => command.flags)];
  for (const spelling of new Set(flags.flatMap(({ name, short }) => [`--${name}`, `-${short ?? name}`]))) {
    const meant = flags.filter(({ name, short }) => spelling === `--${name}` || spelling === `-${short ?? name}`);
    expect([spelling, new Set(meant.map((flag) => flag.value !== undefined)).size]).toEqual([spelling, 1]);
  }
});

test('every handler loads', async () => {
  for (const command of commands) expect(typeof (await command.load())).toBe('function');
});
