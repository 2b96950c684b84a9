// The services on a lab's segment: etcd, and a registry that holds the images which its hosts ask the world's registries for.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { OcicatError } from '../base/errors.ts';
import { pushImage } from '../images/transfer/push.ts';
import type { ProcessIdentity } from '../sys/processes.ts';
import { mustRunInside, runInside, startInside } from './enter.ts';
import { installRoot, program } from './install.ts';
import { ETCD_URL, REGISTRY_URL, SERVICES_ADDRESS } from './plan.ts';
import { LAB_FILES } from './segment.ts';

const registryConfig = `version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: ${LAB_FILES}/registry}}
http: {addr: "${SERVICES_ADDRESS}:5000"}
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
export async function fillRegistry(signal?: AbortSignal): Promise<void> {
  await Promise.all(
    listImages().map((image) =>
      pushImage({
        registryUrl: REGISTRY_URL,
        name: image.name,
        tag: image.tag,
        directory: image.directory,
        ...(signal === undefined ? {} : { signal }),
      }),
    ),
  );
}

interface Service {
  readonly name: string;
  readonly port: number;
  readonly command: readonly string[];
}

/** Starts a service and waits until it answers; throws `timeout` with the last line of its log. */
async function startService(init: ProcessIdentity, { name, port, command }: Service): Promise<void> {
  const log = `${LAB_FILES}/${name}.log`;
  await startInside(init, command, log);
  const probe = ['/bin/bash', '-c', `exec 3<>/dev/tcp/${SERVICES_ADDRESS}/${port}`];
  for (let tries = 0; tries < 300; tries++) {
    if ((await runInside(init, probe)).status === 0) return;
    await Bun.sleep(20);
  }
  const lastLine = (await runInside(init, ['tail', '-n', '1', log])).stdout.trim();
  throw new OcicatError('timeout', `start ${name}: it does not answer at ${SERVICES_ADDRESS}:${port}: ${lastLine}`);
}

export async function startEtcd(init: ProcessIdentity): Promise<void> {
  const urls = [
    '--listen-client-urls',
    ETCD_URL,
    '--advertise-client-urls',
    ETCD_URL,
    '--listen-peer-urls',
    'http://127.0.0.1:2380',
  ];
  const command = ['etcd', '--data-dir', `${LAB_FILES}/etcd`, '--log-level', 'error', ...urls];
  await startService(init, { name: 'etcd', port: 2379, command });
}

export async function startRegistry(init: ProcessIdentity): Promise<void> {
  await mustRunInside(init, ['/bin/sh', '-c', `cat >${LAB_FILES}/registry.yml`], registryConfig);
  const command = ['docker-registry', 'serve', `${LAB_FILES}/registry.yml`];
  await startService(init, { name: 'registry', port: 5000, command });
  await mustRunInside(init, [program('ocicat'), 'lab', 'fill-registry']);
}
