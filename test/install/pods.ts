// Pods on a host of the documents, by commands that are typed there.
import type { DebianHost } from './debian-host.ts';

/** Throws with the ends of the host's logs when it is not so within 10 s. */
export async function eventually(host: DebianHost, what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (await isSo()) return;
    await Bun.sleep(100);
  }
  const logs = 'tail -n 5 /var/log/calico/node.log /tmp/*.log; journalctl --no-pager -n 20 -u calico-node';
  throw new Error(`${what}: not within 10 s; ${(await host.run(logs)).output}`);
}

/** A pod that goes on; `name` is that of its files. */
export async function startPod(host: DebianHost, name: string, network: string, command: string): Promise<void> {
  await host.must(`rm -f /tmp/${name}`);
  const run = `rkt run --net=${network} --uuid-file-save=/tmp/${name} docker://busybox --exec ${command}`;
  await host.must(`setsid ${run} >/tmp/${name}.log 2>&1 </dev/null &`);
  await untilReady(host, name);
}

/** A pod is said to run a moment before it has its networks. */
export async function untilReady(host: DebianHost, name: string): Promise<void> {
  await eventually(host, `pod ${name}`, async () => (await host.run(`test -s /tmp/${name}`)).status === 0);
  await host.must(`rkt status --uuid-file=/tmp/${name} --wait-ready=20s`);
}

export async function endPods(host: DebianHost, ...names: readonly string[]): Promise<void> {
  for (const name of names) await host.must(`rkt stop --uuid-file=/tmp/${name}`);
  await eventually(
    host,
    'the end of pods',
    async () => !(await host.run('rkt list')).output.match(/busybox.*\trunning/),
  );
}

/** Sequence numbers of the answers in the log of a pod that pings. */
export async function answers(host: DebianHost, name: string): Promise<readonly number[]> {
  const { output } = await host.run(`grep -o 'bytes from .* seq=[0-9]*' /tmp/${name}.log | sed 's/.*=//'`);
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map(Number);
}

/** Sees that none is missing between the first and the last of `more` further answers than there were. */
export async function expectNoneLost(host: DebianHost, name: string, more: number): Promise<void> {
  const had = (await answers(host, name)).length;
  await eventually(host, 'answers', async () => (await answers(host, name)).length > had + more);
  const seen = await answers(host, name);
  const begin = seen[0] ?? 0;
  const missing = Array.from({ length: (seen.at(-1) ?? 0) - begin + 1 }, (_, at) => begin + at).filter(
    (one) => !seen.includes(one),
  );
  if (missing.length > 0) throw new Error(`${host.name}: pod ${name} has no answers ${missing.join(', ')}`);
}
