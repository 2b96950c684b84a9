import { expect, test } from 'bun:test';
import { parseConfig } from './config.ts';
import { POD_ANNOTATIONS } from './pod-annotations.ts';

interface Asked {
  readonly bandwidth?: object;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

const prefixed = (texts: Readonly<Record<string, string>>) =>
  Object.entries(texts).map(([name, text]): [string, string] => [`qos.projectcalico.org/${name}`, text]);

/** What is read of a network's file by what a runtime puts into it. */
function parse({ bandwidth, annotations = {}, labels = {} }: Asked) {
  const runtimeConfig = {
    ...(bandwidth === undefined ? {} : { bandwidth }),
    [POD_ANNOTATIONS]: Object.fromEntries(prefixed(annotations)),
  };
  const cni = { labels: prefixed(labels).map(([key, value]) => ({ key, value })) };
  const config = {
    cniVersion: '1.0.0',
    name: 'n',
    type: 'calico',
    ipam: { type: 'calico-ipam' },
    runtimeConfig,
    args: { cni },
  };
  return parseConfig(JSON.stringify(config), { plugin: 'calico', command: 'ADD', args: new Map() });
}

const accepted: readonly (readonly [Asked, object | undefined])[] = [
  [{}, undefined],
  [{ bandwidth: { ingressRate: 0, egressRate: 0 } }, undefined],
  [
    { bandwidth: { ingressRate: 10_000_000, ingressBurst: 80_000, egressRate: 5_000_000 } },
    { ingressBandwidth: 10_000_000, ingressBurst: 80_000, egressBandwidth: 5_000_000 },
  ],
  [
    { annotations: { ingressBandwidth: '10M', egressPacketRate: '100', dscp: 'ef', ingressBurst: '64Ki' } },
    { ingressBandwidth: 10_000_000, egressPacketRate: 100, dscp: 'EF', ingressBurst: 65_536 },
  ],
  [{ labels: { egressMaxConnections: '7' } }, { egressMaxConnections: 7 }],
  [
    {
      bandwidth: { egressRate: 1000, ingressRate: 1000 },
      annotations: { egressBandwidth: '2k' },
      labels: { egressBandwidth: '3k' },
    },
    { egressBandwidth: 3000, ingressBandwidth: 1000 },
  ],
];

test.each(accepted)('%p asks for this', (asked, controls) => {
  const result = parse(asked);
  if (result.kind === 'refused') throw new Error(result.error.details);
  expect<unknown>(result.config.workloadArgs.controls).toEqual(controls);
});

test.each([
  [
    { bandwidth: { ingressRate: 10 } },
    'runtimeConfig.bandwidth.ingressRate: found 10, wanted a whole number of bits per',
  ],
  [
    { bandwidth: { ingressRate: 5000, ingressBurst: 1e12 } },
    'runtimeConfig.bandwidth.ingressBurst: found 1000000000000',
  ],
  [{ bandwidth: { ingressRate: 'x' } }, 'runtimeConfig.bandwidth.ingressRate: found "x"'],
  [{ annotations: { ingressBandwidth: 'fast' } }, 'found "fast"'],
  [{ annotations: { dscp: 'AF9' } }, 'a DSCP value'],
  [{ labels: { egressMaxConnections: 'many' } }, 'egressMaxConnections"]: found "many"'],
])('%p is refused, by its name', (asked: Asked, message) => {
  const result = parse(asked);
  expect(result.kind === 'refused' ? result.error.details : '').toContain(message);
});

test.each([
  ['x', 'runtimeConfig: found "x", wanted an object'],
  [{ [POD_ANNOTATIONS]: 7 }, 'runtimeConfig["io.kubernetes.cri.pod-annotations"]: found 7, wanted an object'],
])('%p in the place of an object is named once', (runtimeConfig, details) => {
  const config = { cniVersion: '1.0.0', name: 'n', type: 'calico', ipam: { type: 'calico-ipam' }, runtimeConfig };
  const result = parseConfig(JSON.stringify(config), { plugin: 'calico', command: 'ADD', args: new Map() });
  expect(result.kind === 'refused' ? result.error.details : '').toBe(details);
});
