// The first process of a host: gives it a file system of its own, with the program installed, and becomes its init.
import { mkdirSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  chdir,
  execve,
  MNT_DETACH,
  MS_BIND,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RDONLY,
  MS_REC,
  MS_REMOUNT,
  MS_SHARED,
  MS_SLAVE,
  mount,
  pivotRoot,
  sethostname,
  umount2,
} from '../sys/libc.ts';
import { mountCgroups } from './cgroups.ts';
import { installRoot } from './install.ts';
import { etcdUrl, type LabPlan, printHostsFile, registryUrl } from './plan.ts';
import { LAB_FILES } from './plan-file.ts';
import { INIT_COMMAND } from './segment.ts';

/** Directories in which a host starts empty instead of seeing the machine's. */
const OWN_DIRECTORIES = [
  ...[
    '/etc/rkt',
    '/etc/cni',
    '/etc/calico',
    '/opt/cni',
    '/usr/lib/rkt',
    '/var/lib/rkt',
    '/var/lib/calico',
    '/var/lib/cni',
  ],
  ...['/var/lib/containers', '/var/log', '/var/tmp', '/tmp', '/run', '/root'],
];
/** Where hosts find the program, whatever the machine calls the folder. */
const HOST_INSTALL_ROOT = '/usr/lib/ocicat';

/** The registries that the guide's images come from; the lab's registry stands in for them. */
const MIRRORED_REGISTRIES = ['registry-1.docker.io', 'quay.io'];

function calicoctlConfig(plan: LabPlan): string {
  return `apiVersion: projectcalico.org/v3
kind: CalicoAPIConfig
metadata: {}
spec:
  datastoreType: etcdv3
  etcdEndpoints: ${etcdUrl(plan)}
`;
}

function mirrorConfig(plan: LabPlan): string {
  const mirror = {
    rktKind: 'registryMirror',
    rktVersion: 'v1',
    registries: MIRRORED_REGISTRIES,
    mirrors: [registryUrl(plan)],
  };
  return `${JSON.stringify(mirror, undefined, 2)}\n`;
}

function mountRoot(files: string, root: string): void {
  for (const name of ['upper', 'work', 'root']) mkdirSync(join(files, name), { recursive: true });
  mount('overlay', root, 'overlay', 0, `lowerdir=/,upperdir=${files}/upper,workdir=${files}/work`);
}

function mountSystem(root: string, lab: string, hostName: string): void {
  const safe = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  mount('proc', join(root, 'proc'), 'proc', safe);
  mount('sysfs', join(root, 'sys'), 'sysfs', safe);
  mountCgroups(join(root, 'sys/fs/cgroup'), lab, hostName);
  mount('/dev', join(root, 'dev'), null, MS_BIND | MS_REC);
  mount('none', join(root, 'dev'), null, MS_SLAVE | MS_REC);
}

function mountOwnDirectories(files: string, root: string): void {
  for (const path of OWN_DIRECTORIES) {
    const own = join(files, 'own', path);
    mkdirSync(own, { recursive: true, mode: path.endsWith('tmp') ? 0o1777 : 0o755 });
    mkdirSync(join(root, path), { recursive: true });
    mount(own, join(root, path), null, MS_BIND);
  }
  for (const path of ['/run/netns', '/run/lock', '/run/calico', '/var/log/calico'])
    mkdirSync(join(root, path), { recursive: true });
}

function installProgram(root: string): void {
  const target = join(root, HOST_INSTALL_ROOT);
  mkdirSync(target, { recursive: true });
  mount(installRoot(), target, null, MS_BIND);
  mount('none', target, null, MS_BIND | MS_REMOUNT | MS_RDONLY);
  const links = {
    ...Object.fromEntries(
      ['ocicat', 'calicoctl', 'calico-node', 'rkt'].map((name) => [`/usr/bin/${name}`, `bin/${name}`]),
    ),
    ...Object.fromEntries(['calico', 'calico-ipam'].map((name) => [`/opt/cni/bin/${name}`, `cni/${name}`])),
    ...Object.fromEntries(['calico', 'ocicat'].map((name) => [`/usr/libexec/netavark/${name}`, 'cni/calico'])),
  };
  for (const [link, file] of Object.entries(links)) {
    mkdirSync(dirname(join(root, link)), { recursive: true });
    symlinkSync(join(HOST_INSTALL_ROOT, file), join(root, link));
  }
}

function writeConfiguration(root: string, plan: LabPlan, hostName: string): void {
  const files = {
    '/etc/hosts': printHostsFile(plan),
    '/etc/hostname': `${hostName}\n`,
    '/etc/resolv.conf': '# No name server can be reached from here.\n',
    '/etc/calico/calicoctl.cfg': calicoctlConfig(plan),
    '/etc/rkt/mirrors.d/lab.json': mirrorConfig(plan),
  };
  mkdirSync(join(root, '/etc/rkt/net.d'), { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    rmSync(join(root, path), { force: true }); // it may be a link, and would lead to the machine's file
    writeFileSync(join(root, path), text);
  }
}

function enterRoot(root: string): void {
  mkdirSync(join(root, 'run/machine'), { recursive: true });
  chdir(root);
  pivotRoot('.', 'run/machine');
  chdir('/');
  umount2('/run/machine', MNT_DETACH);
  rmdirSync('/run/machine');
  mount('none', '/', null, MS_SHARED | MS_REC);
}

/** Runs as process 1 of new namespaces, inside the lab's. Does not return. */
export function becomeHost(plan: LabPlan, hostName: string): never {
  const files = join(LAB_FILES, 'hosts', hostName);
  const root = join(files, 'root');
  mountRoot(files, root);
  mountSystem(root, plan.name, hostName);
  mountOwnDirectories(files, root);
  installProgram(root);
  writeConfiguration(root, plan, hostName);
  enterRoot(root);
  sethostname(hostName);
  return execve(`/usr/bin/${INIT_COMMAND[0]}`, INIT_COMMAND, ['PATH=/usr/sbin:/usr/bin:/sbin:/bin']);
}
