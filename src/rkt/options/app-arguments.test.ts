import { expect, test } from 'bun:test';
import type { Flag } from '../../cli/command.ts';
import { mergeMounts, parseAppArguments } from './app-arguments.ts';

const podFlags: readonly Flag[] = [
  { name: 'net', value: 'VALUE', bare: 'default', doc: '' },
  { name: 'volume', value: 'VALUE', doc: '' },
];

const bare = {
  args: [],
  mounts: [],
  environment: new Map<string, string>(),
  annotations: new Map<string, string>(),
  capabilities: { kind: 'default' as const },
};

test('the worked example: an image, its exec, its arguments', () => {
  const argv = '--net=network1:IP=192.168.0.0 docker://busybox --exec httpd -- -f -h /'.split(' ');
  expect(parseAppArguments(podFlags, argv)).toEqual({
    flags: [{ name: 'net', value: 'network1:IP=192.168.0.0' }],
    apps: [{ ...bare, image: 'docker://busybox', exec: 'httpd', args: ['-f', '-h', '/'] }],
    mounts: [],
  });
});

test('several images; pod options stay valid between them; a lone --- ends arguments, -- inside them is literal', () => {
  const argv = ['a', '--exec=/a', '--', 'x', '--', 'y', '---', '--net=host', '', 'b', '--user=7', '---', '--', 'z'];
  expect(parseAppArguments(podFlags, argv)).toEqual({
    flags: [{ name: 'net', value: 'host' }],
    apps: [
      { ...bare, image: 'a', exec: '/a', args: ['x', '--', 'y'] },
      { ...bare, image: 'b', user: '7', args: ['z'] },
    ],
    mounts: [],
  });
});

test('limits, capabilities, groups, environment and mounts bind to the latest image', () => {
  const argv = [
    '--volume=v,kind=empty',
    '--mount=volume=v,target=/all',
    'a',
    '--memory=42Mi',
    '--cpu=900m',
    '--cpu-shares=12345',
    '--oom-score-adj=-50',
    '--caps-retain=CAP_KILL',
    '--caps-retain=CAP_CHOWN,CAP_SYS_TIME',
    '--supplementary-gids=400,500',
    '--environment=A=b=c',
    '--annotation=example.com/key=a=b',
    '--mount=volume=v,target=/own',
    '--readonly-rootfs=true',
    '--working-dir=/tmp',
    '--name=one',
    '--group=300',
  ];
  expect(parseAppArguments(podFlags, argv)).toEqual({
    flags: [{ name: 'volume', value: 'v,kind=empty' }],
    apps: [
      {
        image: 'a',
        args: [],
        name: 'one',
        group: '300',
        workingDirectory: '/tmp',
        readOnlyRootfs: true,
        memoryBytes: 44_040_192,
        milliCpu: 900,
        cpuShares: 12345,
        oomScoreAdj: -50,
        capabilities: { kind: 'retain', set: ['CAP_KILL', 'CAP_CHOWN', 'CAP_SYS_TIME'] },
        supplementaryGids: [400, 500],
        environment: new Map([['A', 'b=c']]),
        annotations: new Map([['example.com/key', 'a=b']]),
        mounts: [{ volume: 'v', path: '/own' }],
      },
    ],
    mounts: [{ volume: 'v', path: '/all' }],
  });
});

test.each([
  ['-- x', 'an image is required before any app arguments'],
  ['a -- x --- -- y', 'only one set of app arguments allowed per image'],
  ['--exec=/a a', '--exec must follow an image'],
  ['a --exec=/a --exec=/b', '--exec specified multiple times for the same image'],
  [
    'a --caps-retain=CAP_KILL --caps-remove=CAP_KILL',
    'cannot use both --caps-retain and --caps-remove on the same image',
  ],
  ['a --caps-retain=CAP_FLY', 'capability "CAP_FLY": unknown, wanted CAP_NAME'],
  ['a --mount=volume=v,target=/x', 'dangling mount point "/x": volume "v" not found'],
  ['a --readonly-rootfs=perhaps', '--readonly-rootfs must be set with a boolean'],
  ['a --environment=A', 'invalid format of --environment flag "A"'],
  ['a --memory=1', 'memory limit of 1 bytes too low. Try a reasonable value, such as --memory=16M'],
  ['a --cpu-shares=1', '--cpu-shares "1": wanted a whole number from 2 to 262144'],
  ['a --name=A_b', '--name "A_b": wanted lower-case letters, digits and dashes'],
  ['a --port=80-tcp:80', 'unknown flag: --port'],
])('%s is refused', (line, message) => {
  expect(() => parseAppArguments(podFlags, line.split(' '))).toThrow(message);
});

test("an app's mount wins over the pod's on the same target", () => {
  const pod = [
    { volume: 'p', path: '/a/' },
    { volume: 'p', path: '/b' },
  ];
  expect(mergeMounts(pod, [{ volume: 'q', path: '/x/../a' }])).toEqual([
    { volume: 'p', path: '/b' },
    { volume: 'q', path: '/x/../a' },
  ]);
});
