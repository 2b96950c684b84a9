// The services on a lab's first segment: etcd, and a registry that holds the images which its hosts ask the world's registries for.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { OcicatError } from '../base/errors.ts';
import { pushImage } from '../images/transfer/push.ts';
import type { ProcessIdentity } from '../sys/processes.ts';
import { mustRunInside, runInside, startInside } from './enter.ts';
import { installRoot, program } from './install.ts';
import { etcdUrls, type LabPlan, registryUrl, servicesAddresses } from './plan.ts';
import { LAB_FILES } from './plan-file.ts';

const registryConfig = `version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: ${LAB_FILES}/registry}}
http: {addr: ":5000"}
`;

/** One image of the installation: its layout's folder, and the name and tag it is served under. */
interface LabImage {
  readonly directory: string;
  readonly name: string;
  readonly tag: string;
}

/** Folders are named `<name with + for />@<tag>` by the build. */
function listImages(): readonly LabImage[] {
  const folder = join(installRoot(), 'images');
  return readdirSync(folder).map((entry) => {
    const [name = '', tag = ''] = entry.split('@');
    return { directory: join(folder, entry), name: name.replaceAll('+', '/'), tag };
  });
}

/** Runs inside the lab's namespaces: copies the installation's images into its registry. */
export async function fillRegistry(plan: LabPlan, signal?: AbortSignal): Promise<void> {
  await Promise.all(
    listImages().map((image) =>
      pushImage({
        registryUrl: registryUrl(plan),
        name: image.name,
        tag: image.tag,
        directory: image.directory,
        ...(signal === undefined ? {} : { signal }),
      }),
    ),
  );
}

interface Service {
  readonly address: string;
  readonly name: string;
  readonly port: number;
  readonly command: readonly string[];
}

/** Starts a service and waits until it answers; throws `timeout` with the last line of its log. */
async function startService(init: ProcessIdentity, { name, address, port, command }: Service): Promise<void> {
  const log = `${LAB_FILES}/${name}.log`;
  await startInside(init, command, log);
  const probe = ['/bin/bash', '-c', `exec 3<>/dev/tcp/${address}/${port}`];
  for (let tries = 0; tries < 300; tries++) {
    if ((await runInside(init, probe)).status === 0) return;
    await Bun.sleep(20);
  }
  const lastLine = (await runInside(init, ['tail', '-n', '1', log])).stdout.trim();
  throw new OcicatError('timeout', `start ${name}: it does not answer at ${address} port ${port}: ${lastLine}`);
}

export async function startEtcd(init: ProcessIdentity, plan: LabPlan): Promise<void> {
  const [address = ''] = servicesAddresses(plan);
  const urls = [
    '--listen-client-urls',
    etcdUrls(plan).join(),
    '--advertise-client-urls',
    etcdUrls(plan).join(),
    '--listen-peer-urls',
    'http://127.0.0.1:2380',
  ];
  const command = ['etcd', '--data-dir', `${LAB_FILES}/etcd`, '--log-level', 'error', ...urls];
  await startService(init, { name: 'etcd', address, port: 2379, command });
}

export async function startRegistry(init: ProcessIdentity, plan: LabPlan): Promise<void> {
  const [address = ''] = servicesAddresses(plan);
  await mustRunInside(init, ['/bin/sh', '-c', `cat >${LAB_FILES}/registry.yml`], registryConfig);
  const command = ['docker-registry', 'serve', `${LAB_FILES}/registry.yml`];
  await startService(init, { name: 'registry', address, port: 5000, command });
  await mustRunInside(init, [program('ocicat'), 'lab', 'fill-registry']);
}
