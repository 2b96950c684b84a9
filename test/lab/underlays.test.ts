// Packets between pods over every underlay, in every mode that takes them from host to host: within a host, a segment, and
// between segments, whose router knows no pods.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { LabFamily } from '../../src/lab/plan.ts';
import { observeLosses } from '../support/underlay/flows.ts';
import { HOSTS, openUnderlay, setEncryption, setPools, type UnderlayLab } from '../support/underlay/pods.ts';
import { observeMtuErrors, untilProbes } from '../support/underlay/probes.ts';
import { startRouter, stopRouter } from '../support/underlay/router.ts';

interface Mode {
  readonly name: string;
  /** Of the pools of both families. */
  readonly pool: Readonly<Record<string, string>>;
  readonly router?: true;
  readonly encrypts?: true;
  /** Whether agents and BIRDs are killed in it. */
  readonly restarts?: true;
  /** Whether packets of pods go from segment to segment. */
  readonly crossesSegments: boolean;
  /** What a path of 1500 bytes leaves for a packet of a pod, within a segment and between segments. */
  readonly mtuBytes: Readonly<Record<LabFamily, readonly [within: number, between: number]>>;
}

const MODES: readonly Mode[] = [
  {
    name: 'no encapsulation',
    pool: { vxlanMode: 'Never' },
    crossesSegments: false, // the router would have to be a BGP peer
    mtuBytes: { ipv4: [1500, 1500], ipv6: [1500, 1500] },
  },
  {
    name: 'no encapsulation, and the router is a BGP peer',
    pool: { vxlanMode: 'Never' },
    router: true,
    restarts: true,
    crossesSegments: true,
    mtuBytes: { ipv4: [1500, 1500], ipv6: [1500, 1500] },
  },
  {
    name: 'VXLAN Always',
    pool: { vxlanMode: 'Always' },
    restarts: true,
    crossesSegments: true,
    mtuBytes: { ipv4: [1450, 1450], ipv6: [1430, 1430] },
  },
  {
    name: 'VXLAN CrossSubnet',
    pool: { vxlanMode: 'CrossSubnet' },
    restarts: true,
    crossesSegments: true,
    mtuBytes: { ipv4: [1500, 1450], ipv6: [1500, 1430] },
  },
  {
    name: 'WireGuard',
    pool: { vxlanMode: 'Never' },
    encrypts: true,
    restarts: true,
    crossesSegments: true,
    mtuBytes: { ipv4: [1440, 1440], ipv6: [1420, 1420] },
  },
  {
    name: 'WireGuard and VXLAN CrossSubnet',
    pool: { vxlanMode: 'CrossSubnet' },
    encrypts: true,
    crossesSegments: true,
    mtuBytes: { ipv4: [1440, 1440], ipv6: [1420, 1420] },
  },
];
const UNDERLAYS: readonly { readonly name: string; readonly families: readonly LabFamily[] }[] = [
  { name: 'IPv4', families: ['ipv4'] },
  { name: 'IPv6', families: ['ipv6'] },
  { name: 'both families', families: ['ipv4', 'ipv6'] },
];

/** Agents first, by SIGKILL, then BIRDs; each is back before the next goes. */
async function restartAll({ lab }: UnderlayLab): Promise<void> {
  await Promise.all(HOSTS.map((host) => lab.endAgent(host, 'KILL')));
  await Promise.all(HOSTS.map((host) => lab.startAgent(host, 2)));
  await Promise.all(HOSTS.map((host) => lab.must(host, 'pkill -KILL -x bird'))); // in the host's own processes
  await Promise.all(HOSTS.map((host) => lab.untilReady(host, 2)));
}

describe.each([...UNDERLAYS])('$name', ({ families }) => {
  let underlay: UnderlayLab;

  beforeAll(async () => {
    underlay = await openUnderlay(`under-${families.join('-')}`, families);
  }, 120_000);

  afterAll(async () => {
    await underlay.lab.down();
  }, 30_000);

  describe.each([...MODES])('$name', (mode) => {
    test('what is of one network comes through, whole, and nothing of another', async () => {
      await setPools(underlay, mode.pool);
      await setEncryption(underlay, mode.encrypts ?? false);
      if (mode.router) await startRouter(underlay);
      await untilProbes(underlay, mode.crossesSegments);
    }, 30_000);

    if (mode.encrypts)
      test('the status of a host shows what encrypts, and to how many hosts', async () => {
        const status = await underlay.lab.must('calico-01', 'calicoctl node status');
        const devices = families.map((family) => (family === 'ipv4' ? 'wireguard.cali' : 'wg-v6.cali'));
        for (const device of devices) expect(status).toMatch(new RegExp(`\\| ${device} .* \\| +2 \\| up +\\|`));
      });

    test('too large packets have an answer that says how large they may be', async () => {
      const { c, d } = underlay.pods;
      for (const [place, to] of (mode.crossesSegments ? [c, d] : [c]).entries())
        expect(await observeMtuErrors(underlay, to)).toEqual(
          families.map((family) => String(mode.mtuBytes[family][place])),
        );
    }, 30_000);

    afterAll(async () => {
      if (mode.router) await stopRouter(underlay);
    });

    if (families.length < 2 || !mode.restarts) return; // both are tried at the same time
    test('no packet is lost while agents and BIRDs are killed and come back', async () => {
      const { b, c, d } = underlay.pods;
      const targets = mode.crossesSegments ? [b, c, d] : [b, c];
      const losses = await observeLosses(underlay, targets, () => restartAll(underlay));
      expect(losses.filter((line) => !line.endsWith(': 0 lost'))).toEqual([]);
      await untilProbes(underlay, mode.crossesSegments);
    }, 60_000);
  });
});
