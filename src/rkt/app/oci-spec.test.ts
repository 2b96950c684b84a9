import { expect, test } from 'bun:test';
import { type AppSpec, computeOciSpec } from './oci-spec.ts';

const spec: AppSpec = {
  sensors: [],
  rootfs: '/pod/apps/web/rootfs',
  readOnlyRootfs: true,
  args: ['/bin/web', '-v'],
  environment: ['PATH=/bin'],
  workingDirectory: '/srv',
  uid: 7,
  gid: 8,
  supplementaryGids: [9],
  capabilities: ['CAP_KILL'],
  oomScoreAdj: 42,
  namespaces: { pid: '/proc/5/ns/pid', uts: '/proc/5/ns/uts', network: '/var/run/netns/cni-1' },
  mounts: [{ destination: '/sys/class', source: '/x', type: 'bind', options: ['rbind'] }],
  terminal: undefined,
  nodevProgram: '/usr/lib/ocicat/lib/nodev',
  devices: [{ name: 'null', source: '/pod/dev/null' }],
  lifted: { paths: true, seccomp: true },
  architecture: 'x64',
};

test('the whole document, without the parts that --insecure-options lifts', () => {
  expect(computeOciSpec(spec)).toEqual({
    ociVersion: '1.0.0',
    root: { path: '/pod/apps/web/rootfs', readonly: true },
    process: {
      terminal: false,
      user: { uid: 7, gid: 8, additionalGids: [9] },
      args: ['/bin/web', '-v'],
      env: ['PATH=/bin'],
      cwd: '/srv',
      capabilities: { bounding: ['CAP_KILL'], effective: [], permitted: [], inheritable: [], ambient: [] },
      noNewPrivileges: false,
      oomScoreAdj: 42,
    },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
      {
        destination: '/dev',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
      },
      { destination: '/dev/null', type: 'bind', source: '/pod/dev/null', options: ['bind', 'rw', 'nosuid', 'noexec'] },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
      },
      {
        destination: '/dev/shm',
        type: 'tmpfs',
        source: 'shm',
        options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'],
      },
      { destination: '/sys/class', source: '/x', type: 'bind', options: ['rbind'] },
    ],
    hooks: {},
    linux: {
      namespaces: [
        { type: 'mount' },
        { type: 'pid', path: '/proc/5/ns/pid' },
        { type: 'uts', path: '/proc/5/ns/uts' },
        { type: 'network', path: '/var/run/netns/cni-1' },
      ],
      rootfsPropagation: 'rslave',
      maskedPaths: [],
      readonlyPaths: [],
    },
  });
});

test('by default system calls are filtered, kernel paths closed and device nodes dead', () => {
  const json = JSON.stringify(computeOciSpec({ ...spec, mounts: [], lifted: { paths: false, seccomp: false } }));
  expect(json).toContain('"noNewPrivileges":true');
  expect(json).toContain('"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38');
  expect(json).toContain('{"path":"/usr/lib/ocicat/lib/nodev","args":["nodev","/pod/apps/web/rootfs","ro"]}');
  expect(json).toContain(
    '{"destination":"/sys","type":"sysfs","source":"sysfs","options":["nosuid","noexec","nodev","ro"]}',
  );
  expect(json).toContain('"/proc/kcore"');
});
