// A host with a real agent, etcd and shim, two pods that live all the time, and whatever else comes and goes.
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AgentHost, openAgentHost } from '../host/agent-host.ts';
import { buildShim } from '../host/shim.ts';
import { type Call, printBurst, printCall } from './calls.ts';
import { KEEPERS, PODS } from './scenarios.ts';
import { observeSnapshot } from './snapshot.ts';
import type { Traced } from './steps.ts';

export interface KillSite {
  readonly host: AgentHost;
  agent(): Traced;
  etcd(): Traced;
  /** Kills the agent, if it is not dead already, and returns when it is gone. */
  killAgent(): void;
  /** Makes the calls one after the other; each must succeed. */
  must(calls: readonly Call[]): void;
  /** Makes the calls at once, the last by `tracer`, and returns when all have been answered, whatever the answers are. */
  attempt(calls: readonly Call[], tracer?: string): Promise<void>;
  snapshot(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Numbers of links stand for what a link was when it was made. */
const NUMBERS = KEEPERS.map(({ pod }) => `cat /sys/class/net/cali${pod}/ifindex`).join('; ');

export async function openKillSite(): Promise<KillSite> {
  const folder = mkdtempSync(join(tmpdir(), 'ocitest-kills-'));
  buildShim(join(folder, 'calico'));
  symlinkSync('calico', join(folder, 'calico-ipam'));
  const host = await openAgentHost();
  const pods = [...KEEPERS.map(({ pod }) => pod), ...PODS];
  const enter = ['nsenter', '--target', `${host.pid}`, '--net', '--mount', '--pid'];
  const agentPid = () => Number(host.must('cat /run/agent.pid'));

  const site: KillSite = {
    host,
    agent: () => ({ pid: agentPid(), enter }),
    etcd: () => ({ pid: host.etcd.pid(), enter: [] }),
    killAgent() {
      host.run('pid=$(cat /run/agent.pid); kill -KILL $pid; while kill -0 $pid; do sleep 0.01; done');
    },
    must(calls) {
      for (const call of calls) host.must(printCall(folder, call));
    },
    async attempt(calls, tracer = '') {
      const lines = calls.map((call, place) => printCall(folder, call, place === calls.length - 1 ? tracer : ''));
      const child = Bun.spawn([...enter, 'bash', '-c', printBurst(lines)], { stdout: 'ignore', stderr: 'ignore' });
      await child.exited;
    },
    async snapshot() {
      const links = host.must(NUMBERS).split('\n');
      return [
        ...links.map((number, place) => `the link of ${pods[place]} is number ${number}`),
        ...(await observeSnapshot(host, pods)),
      ];
    },
    async close() {
      await host.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  host.must(pods.map((pod) => `ip netns add ${pod}; ip -n ${pod} link set lo up`).join('\n'));
  await host.startAgent();
  site.must(KEEPERS);
  return site;
}
