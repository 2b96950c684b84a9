// Whatever is sent to the agent's CNI socket, and whatever the shim is started with, is answered by one CNI result or error, soon; the
// agent stays as large as it was, and a removal of what was added leaves nothing. `OCICAT_FUZZ_CASES=1000000 OCICAT_FUZZ_SEED=7` is the
// long run; `--coverage` besides says what of `src/cni` it has reached.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isJsonObject, tryParseJson } from '../../src/base/json.ts';
import { isAtLeast, tryParseVersion } from '../../src/cni/spec/version.ts';
import * as libc from '../../src/sys/libc.ts';
import { createNetns } from '../../src/sys/netns.ts';
import { createRandom, makeRequest, makeShimCall } from '../support/cni/fuzz-inputs.ts';
import { type MemoryAgent, openMemoryAgent } from '../support/cni/memory-agent.ts';
import { buildShim } from '../support/host/shim.ts';

const CASES = Number(process.env.OCICAT_FUZZ_CASES ?? 4000);
const SEED = Number(process.env.OCICAT_FUZZ_SEED ?? 1);
/** An agent serves so many, and is then looked over and replaced: an in-memory store keeps its history. */
const ROUND = 5_000;
const AT_ONCE = 50;
/** Of one process start each. */
const SHIM_CASES = Math.ceil(CASES / 20);
/** Far longer than anything takes; the shim itself waits for two minutes. */
const ANSWER_MS = 60_000;

let netns: number;
beforeAll(() => {
  netns = createNetns();
});
afterAll(() => libc.close(netns));

/** What comes back on a connection of its own. */
function ask(socketPath: string, request: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    const socket = connect({ path: socketPath, allowHalfOpen: true }, () => socket.end(request));
    const timer = setTimeout(() => socket.destroy(new Error('no answer')), ANSWER_MS);
    socket.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks));
    });
  });
}

/** Undefined when it is what the specification allows a plugin to print. */
function faultOf(status: number, output: string): string | undefined {
  if (status === 0 && output === '') return undefined;
  const answer = tryParseJson(output);
  if (!isJsonObject(answer)) return 'no JSON';
  const version = typeof answer.cniVersion === 'string' ? tryParseVersion(answer.cniVersion) : undefined;
  if (status === 1) {
    const { code, msg } = answer;
    const isError = typeof code === 'number' && code > 0 && typeof msg === 'string' && msg !== '';
    return isError && version !== undefined ? undefined : 'no error';
  }
  if (status !== 0) return `status ${status}`;
  if (answer.supportedVersions !== undefined) return undefined;
  if (version === undefined) return 'a result of no version';
  const addresses = isAtLeast(version, '0.3.0') ? answer.ips : (answer.ip4 ?? answer.ip6);
  return addresses === undefined ? 'a result without addresses' : undefined;
}

function describeRequest(request: Uint8Array, answer: string): string {
  return `${JSON.stringify(Buffer.from(request).toString())} was answered ${JSON.stringify(answer)}`;
}

async function send(agent: MemoryAgent, request: Uint8Array): Promise<void> {
  const answer = await ask(agent.socketPath, request);
  const output = Buffer.from(answer.subarray(1)).toString();
  const fault = answer.length === 0 ? 'nothing' : faultOf(answer[0] ?? 0, output);
  if (fault !== undefined) throw new Error(`${fault}: ${describeRequest(request, output)}`);
}

/** GC of each network that endpoints are in or addresses are held in, with nothing that is still in use. */
async function removeAll(agent: MemoryAgent): Promise<void> {
  const holders = (await agent.left()).flatMap((key) => /\/handle\/(.*)\.[^.]*$/.exec(key)?.[1] ?? []);
  for (const name of new Set([...agent.networks(), ...holders]))
    for (const program of ['calico', 'calico-ipam']) {
      const config = { cniVersion: '1.1.0', name, ipam: { type: 'calico-ipam' }, 'cni.dev/valid-attachments': [] };
      const request = `${program}\0\0CNI_COMMAND=GC\0\0${JSON.stringify(config)}`;
      await send(agent, new TextEncoder().encode(request));
    }
}

async function playRound(cases: number, seed: number): Promise<void> {
  const random = createRandom(seed);
  const agent = await openMemoryAgent();
  try {
    for (let sent = 0; sent < cases; sent += AT_ONCE) {
      const requests = Array.from({ length: Math.min(AT_ONCE, cases - sent) }, () =>
        makeRequest(random, netns, agent.folder),
      );
      await Promise.all(requests.map((request) => send(agent, request)));
    }
    await removeAll(agent);
    expect(await agent.left()).toEqual([]);
  } finally {
    await agent.close();
  }
}

const openDescriptors = () => readdirSync('/proc/self/fd').length;
function usedMegabytes(): number {
  Bun.gc(true);
  return process.memoryUsage().rss / 1e6;
}

test(
  `${CASES} requests to the agent's socket are each answered as CNI wants it, and nothing of them stays`,
  async () => {
    await playRound(Math.min(ROUND, CASES), SEED);
    const before = { fds: openDescriptors(), megabytes: usedMegabytes() };
    for (let played = ROUND, round = 1; played < CASES; played += ROUND, round++)
      await playRound(Math.min(ROUND, CASES - played), SEED + round * 7919);
    const after = { fds: openDescriptors(), megabytes: usedMegabytes() };
    if (CASES > ROUND) console.log(`fuzz: ${JSON.stringify({ cases: CASES, before, after })}`);
    expect(after.fds).toBeLessThanOrEqual(before.fds + 4);
    expect(after.megabytes).toBeLessThan(before.megabytes + 100);
  },
  60_000 + CASES * 5,
);

test(
  `${SHIM_CASES} calls of the shim are each answered as CNI wants it`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ocitest-shim-'));
    const agent = await openMemoryAgent();
    try {
      buildShim(join(folder, 'calico'), dirname(agent.socketPath));
      symlinkSync('calico', join(folder, 'calico-ipam'));
      const random = createRandom(SEED);
      for (let called = 0; called < SHIM_CASES; called++) {
        const { variables, input } = makeShimCall(random, agent.folder);
        const program = join(folder, random.of(['calico', 'calico-ipam']));
        const stdin = new TextEncoder().encode(input);
        const child = Bun.spawn([program], { env: variables, stdin, stdout: 'pipe', stderr: 'pipe' });
        const output = await new Response(child.stdout).text();
        const fault = faultOf(await child.exited, output);
        expect(fault, JSON.stringify({ variables, input, output })).toBeUndefined();
      }
    } finally {
      await agent.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
  60_000 + SHIM_CASES * 100,
);
