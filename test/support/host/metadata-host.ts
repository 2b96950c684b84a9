// A host with the metadata service, and pods that are registered there.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openWorld, type Result, type Running, type World } from './world.ts';

export const SOCKET = '/run/rkt/metadata-svc.sock';

export interface MetadataPod {
  readonly name: string;
  readonly running: Running;
  readonly uuid: string;
  /** AC_METADATA_URL */
  readonly url: string;
  readonly token: string;
  /** Runs a command in the pod's network, as root in the pod could. */
  inside(...command: readonly string[]): Promise<Result>;
}

export interface MetadataHost {
  readonly world: World;
  /** Starts the service and waits until it listens. */
  startService(...args: readonly string[]): Promise<Running>;
  /** A pod that stays until it is stopped. */
  startPod(name: string, net: string, ...options: readonly string[]): Promise<MetadataPod>;
  close(): Promise<void>;
}

/** The status and the body that curl got; status 0 when there was no answer. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

export const curl = (...args: readonly string[]): readonly string[] => [
  'curl',
  '--silent',
  '--max-time',
  '15',
  '--write-out',
  '\n%{http_code}',
  ...args,
];

export function readAnswer({ stdout }: Result): Answer {
  const end = stdout.lastIndexOf('\n');
  return { status: Number(stdout.slice(end + 1)), body: stdout.slice(0, end) };
}

/** What the pod gets from its own URL. */
export async function ask(pod: MetadataPod, path: string, ...args: readonly string[]): Promise<Answer> {
  return readAnswer(await pod.inside(...curl(...args, `${pod.url}/acMetadata/v1/${path}`)));
}

/** Over the service's socket, as rkt does. */
export async function tell(host: MetadataHost, ...args: readonly string[]): Promise<Answer> {
  return readAnswer(await host.world.run(...curl('--unix-socket', SOCKET, ...args)));
}

async function untilListening(world: World): Promise<void> {
  const probe = ['curl', '--silent', '--unix-socket', SOCKET, 'http://service/'];
  for (let attempt = 0; attempt < 200; attempt++) {
    if ((await world.run(...probe)).status === 0) return;
    await Bun.sleep(25);
  }
  throw new Error('the metadata service does not listen');
}

export async function openMetadataHost(): Promise<MetadataHost> {
  const world = await openWorld(180_000);
  const pods: Running[] = [];
  const services: Running[] = [];
  return {
    world,
    async startService(...args) {
      const service = world.start('metadata-service', ...args);
      services.push(service);
      await untilListening(world);
      return service;
    },
    async startPod(name, net, ...options) {
      const uuidFile = join(world.directory, name);
      const args = [`--net=${net}`, `--uuid-file-save=${uuidFile}`, ...options];
      const script = 'echo "url $AC_METADATA_URL."; exec sleep 300';
      const running = world.start('run', ...args, 'docker://busybox', '--exec=sh', '--', '-c', script);
      pods.push(running);
      const line = await Promise.race([running.printed('.\n').then(() => 'printed'), running.ended]);
      if (typeof line !== 'string') throw new Error(`pod "${name}": ${line.stderr}`);
      const url = /url (\S*)\./.exec(running.output())?.[1] ?? '';
      const uuid = readFileSync(uuidFile, 'utf8');
      const enter = net === 'host' ? [] : ['nsenter', `--net=/run/netns/cni-${uuid}`];
      const inside: MetadataPod['inside'] = (...command) => world.run(...enter, ...command);
      return { name, running, uuid, url, token: url.slice(url.lastIndexOf('/') + 1), inside };
    },
    async close() {
      for (const running of [...pods, ...services]) running.kill('SIGTERM');
      await Promise.all([...pods, ...services].map((running) => running.ended));
      await world.close();
    },
  };
}
