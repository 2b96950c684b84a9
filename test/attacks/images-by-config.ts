// Images whose configuration asks for something of the host: directories, users, volumes, variables, programs.
import type { HostileImage } from './hostile-images.ts';
import type { Aim, ImageAttack } from './image-attack.ts';
import { HOSTILE } from './text.ts';

/** What a pod sees of the host: its files by three ways, and whether the root can be left. */
const look = ({ sentinel }: Aim): string =>
  `cat .${sentinel}/etc/shadow ${sentinel}/etc/shadow etc/shadow; echo owned > .${sentinel}/owned; ls -d .${sentinel}; true`;

const missing = /(No such file|can't create|nonexistent directory|start app "image": )/;

function withConfig(name: string, config: (aim: Aim) => unknown, prints: RegExp, script = look): ImageAttack {
  return { name, image: (aim) => ({ config: config(aim) }), script, prints };
}

/** The image's own program runs, or fails to. */
function ownProgram(name: string, prints: RegExp, image: (aim: Aim) => HostileImage): ImageAttack {
  return { name, image, runs: true, prints };
}

function working(
  name: string,
  directory: (aim: Aim) => string,
  prints: RegExp,
  link?: (aim: Aim) => string,
): ImageAttack {
  return {
    name: `a working directory ${name}`,
    image: (aim) => ({
      config: { WorkingDir: directory(aim) },
      layers: link === undefined ? [] : [[{ name: 'link', type: '2', link: link(aim) }]],
    }),
    script: look,
    prints,
  };
}

const outside = /is not a directory of the image, wanted one outside of \/proc and \/dev/;

const workingDirectories: readonly ImageAttack[] = [
  working('of process 1', () => '/proc/1/root', outside),
  working('of process 1, its own', () => '/proc/1/cwd', outside),
  working('of the runtime', () => '/proc/self/cwd', outside),
  working('by a descriptor of the runtime', () => '/proc/self/fd/3', outside),
  working('that is relative', () => 'tmp', missing),
  working('that climbs', ({ sentinel }) => `/../../../../../..${sentinel}/dir`, missing),
  working(
    'that is a link to process 1',
    () => '/link',
    outside,
    () => '/proc/1/root',
  ),
  working(
    'that is a link to the host',
    () => '/link',
    missing,
    ({ sentinel }) => sentinel,
  ),
  working(
    'below a link to the host, to be made',
    () => '/link/new/dir',
    missing,
    ({ sentinel }) => `${sentinel}/dir`,
  ),
  working('that is a file', () => '/etc/passwd', /passwd/),
  working('of control characters', () => `/${HOSTILE}`, missing),
];

const userIs = (name: string, user: string, prints: RegExp): ImageAttack =>
  withConfig(
    `a user ${name}`,
    () => ({ User: user }),
    prints,
    () => 'id -u',
  );

const users: readonly ImageAttack[] = [
  userIs('of control characters', HOSTILE, /user not found$/),
  userIs('beyond all', '4294967295', /user not found$/),
  userIs('of 30 digits', '9'.repeat(30), /user not found$/),
  userIs('below nobody', '-1', /user not found$/),
  userIs('by a file of the host', '/proc/1/root/etc/shadow', /no such file or directory$/),
  userIs('of three parts', 'root:root:root', /^0$/),
  userIs('with a line break', 'x\nroot', /user not found$/),
];

const volume = (path: string, name = `a volume ${JSON.stringify(path)}`): ImageAttack =>
  withConfig(name, () => ({ Volumes: { [path]: {} } }), missing);

const volumes: readonly ImageAttack[] = [
  volume('/'),
  volume('/proc'),
  volume('/proc/1/root'),
  volume('/proc/self/fd'),
  volume('/sys'),
  volume('/dev'),
  volume('..'),
  volume('/etc/../../..'),
  volume(''),
  volume(`/${HOSTILE}`, 'a volume of control characters'),
  {
    name: 'a volume behind a link to the host',
    image: ({ sentinel }) => ({
      config: { Volumes: { '/link': {}, '/link/dir': {} } },
      layers: [[{ name: 'link', type: '2', link: sentinel }]],
    }),
    script: () => 'cat /link/etc/shadow /link/dir/sub/file; echo owned > /link/dir/owned; true',
    prints: missing,
  },
  {
    name: 'volumes that come to the same name, one with a link to the host that another writes through',
    image: ({ sentinel }) => ({
      config: { Volumes: { '/A': {}, '/a': {}, '/a-1': {} } },
      layers: [
        [
          { name: 'a/file', type: '2', link: `${sentinel}/dir/sub/file` },
          { name: 'a-1/file', content: 'owned' },
        ],
      ],
    }),
    script: () => 'cat /a-1/file; echo; readlink /a/file',
    prints: /^owned\n.*\/sentinel\/dir\/sub\/file$/m,
  },
];

const environmentIs = (name: string, Env: unknown, prints: RegExp, script: string): ImageAttack =>
  withConfig(
    `a variable ${name}`,
    () => ({ Env }),
    prints,
    () => script,
  );

const environment: readonly ImageAttack[] = [
  environmentIs('that loads code', ['LD_PRELOAD=/evil.so', 'LD_LIBRARY_PATH=/'], /^\/evil.so$/, 'echo $LD_PRELOAD'),
  environmentIs('PATH of the host', ['PATH=/proc/1/root/bin:..:'], /^\/proc/, 'echo $PATH'),
  environmentIs('with a line break', ['A=x\nB=y'], /^x\nB=y$/, 'echo "$A"'),
  environmentIs('without a value', ['A'], /^\[\]$/, 'echo "[$A]"'),
  environmentIs('without a name', ['=x'], /^\[\]$/, 'echo "[$A]"'),
  environmentIs(
    'whose name no shell can set',
    ['A B=x'],
    /^1$/,
    '/bin/busybox tr "\\0" "\\n" </proc/$$/environ | /bin/busybox grep -c "A B=x"',
  ),
  environmentIs('of control characters', [`${HOSTILE}=x`], /^done$/, 'echo done'),
  environmentIs('of 1 MiB', [`A=${'x'.repeat(2 ** 20)}`], /Argument list too long/, 'true'),
  environmentIs('of container managers', ['LISTEN_FDS=3', 'LISTEN_PID=1', 'NOTIFY_SOCKET=/x'], /^ok$/, 'echo ok'),
];

const programs: readonly ImageAttack[] = [
  ownProgram('a program of process 1', /Unable to open|not found|No such file/, () => ({
    config: { Entrypoint: ['/proc/1/exe'] },
  })),
  ownProgram('the runtime as a program', /Unable to open|not found|No such file/, () => ({
    config: { Entrypoint: ['/proc/self/exe'] },
  })),
  ownProgram('no program', /has an empty "exec"/, () => ({})),
  ownProgram('an empty program', /has an empty "exec"/, () => ({ config: { Entrypoint: [''] } })),
  ownProgram('a relative program', /Unable to open|not found/, () => ({
    config: { Entrypoint: ['../../../bin/sh2'] },
  })),
  ownProgram('a program that is a directory', /is not a regular file/, () => ({ config: { Entrypoint: ['/bin'] } })),
  ownProgram('a program that is a circle of links', /too many links/, () => ({
    config: { Entrypoint: ['/a'] },
    layers: [
      [
        { name: 'a', type: '2', link: 'b' },
        { name: 'b', type: '2', link: 'a' },
      ],
    ],
  })),
  ownProgram('a program of the host behind a link', /Unable to open/, ({ sentinel }) => ({
    config: { Entrypoint: ['/tool'] },
    layers: [[{ name: 'tool', type: '2', link: `${sentinel}/tool` }]],
  })),
  ownProgram('a script whose interpreter is the host’s', /Unable to open/, ({ sentinel }) => ({
    config: { Entrypoint: ['/script'] },
    layers: [[{ name: 'script', mode: 0o755, content: `#!${sentinel}/tool\n` }]],
  })),
  ownProgram('a script whose interpreter is the runtime', /Unable to open|No such file/, () => ({
    config: { Entrypoint: ['/script'] },
    layers: [[{ name: 'script', mode: 0o755, content: '#!/proc/self/exe\n' }]],
  })),
  ownProgram('a program of control characters', /Unable to open/, () => ({ config: { Entrypoint: [`/${HOSTILE}`] } })),
  withConfig(
    'labels of control characters',
    () => ({ Labels: { [HOSTILE]: HOSTILE } }),
    /^ok$/,
    () => 'echo ok',
  ),
  withConfig(
    'a stop signal that is a command',
    () => ({ StopSignal: `; ${HOSTILE}` }),
    /^ok$/,
    () => 'echo ok',
  ),
  withConfig(
    'ports that are none',
    () => ({ ExposedPorts: { [HOSTILE]: {}, '99999/x': {} } }),
    /^ok$/,
    () => 'echo ok',
  ),
];

const wrongTypes: readonly ImageAttack[] = (
  [
    [{ Env: 'A=b' }, /config.Env: found "A=b", wanted a list/],
    [{ Env: [{}] }, /config.Env\[0\]: found an object, wanted a text/],
    [{ Entrypoint: [7] }, /config.Entrypoint: found a list of 1, wanted a text/],
    [{ User: ['root'] }, /config.User: found a list of 1, wanted a text/],
    [{ WorkingDir: 7 }, /config.WorkingDir: found 7, wanted a text/],
    [{ WorkingDir: '/a\0b' }, /config.WorkingDir: found .*, wanted a text without NUL/],
    [{ Volumes: 'x' }, /config.Volumes: found "x", wanted an object/],
    [{ Labels: { a: {} } }, /config.Labels.a: found an object, wanted a text/],
    ['x', /config: found "x", wanted an object/],
  ] as const
).map(([config, refused]) => ({
  name: `a configuration that is ${JSON.stringify(config)}`,
  image: () => ({ config }),
  refused,
}));

export const configAttacks: readonly ImageAttack[] = [
  ...workingDirectories,
  ...users,
  ...volumes,
  ...environment,
  ...programs,
  ...wrongTypes,
];
