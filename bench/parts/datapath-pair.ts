// Two pods on two hosts of a lab, a client and a server, and how fast the one speaks with the other.
import { commandOnHost, execOnHost, partCommand } from './lab.ts';

interface Pod {
  readonly netns: string;
  readonly address: string;
}

export interface Rates {
  /** Megabits a second. */
  readonly stream: number;
  /** Connections a second, one after the other, with a byte each way. */
  readonly crr: number;
}

export interface Pair {
  /** On both hosts, in turn. */
  readonly hosts: readonly [client: string, server: string];
  measure(): Promise<Rates>;
  /** The first of them alone. */
  stream(): Promise<number>;
}

/** How pods are attached by ptp. */
export interface PtpPair {
  /** Of each host. */
  readonly subnets: readonly [client: string, server: string];
  /** Default: 1500. */
  readonly mtuBytes?: number;
}

/** They are what the policies and the hand-written ruleset let through. */
export const PORTS = { stream: 5201, crr: 5202 } as const;
const SECONDS = 2;

async function addPod(lab: string, host: string, ptp: PtpPair | undefined, at: 0 | 1): Promise<Pod> {
  const args = ptp === undefined ? [] : [ptp.subnets[at], String(ptp.mtuBytes ?? 1500)];
  return JSON.parse(await execOnHost(lab, host, partCommand('datapath-pod-inside.ts', args))) as Pod;
}

function inPod(pod: Pod, command: readonly string[]): readonly string[] {
  return ['ip', 'netns', 'exec', pod.netns, ...command];
}

/** By our plugin, or by ptp in a subnet of each host. */
export async function addPair(lab: string, hosts: Pair['hosts'], ptp?: PtpPair): Promise<Pair> {
  const client = await addPod(lab, hosts[0], ptp, 0);
  const server = await addPod(lab, hosts[1], ptp, 1);
  const serving = [
    ['iperf3', '-s', '-p', String(PORTS.stream)],
    partCommand('crr-inside.ts', ['serve', String(PORTS.crr)]),
  ];
  for (const command of serving) // they end with the lab
    Bun.spawn(commandOnHost(lab, inPod(server, command), hosts[1]), { stdio: ['ignore', 'ignore', 'inherit'] });
  const run = (command: readonly string[]) => execOnHost(lab, hosts[0], inPod(client, command));

  async function stream(): Promise<number> {
    const words = ['-c', server.address, '-p', String(PORTS.stream), '-t', String(SECONDS), '-J'];
    const { end } = JSON.parse(await run(['iperf3', ...words])) as {
      readonly end: { readonly sum_received: { readonly bits_per_second: number } };
    };
    return end.sum_received.bits_per_second / 1e6;
  }

  return {
    hosts,
    stream,
    async measure() {
      const crr = partCommand('crr-inside.ts', ['run', server.address, String(PORTS.crr), String(SECONDS)]);
      return { stream: await stream(), crr: Number(await run(crr)) };
    },
  };
}
