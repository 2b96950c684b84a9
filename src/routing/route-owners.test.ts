import { expect, test } from 'bun:test';
import { computeRouteOwners } from './route-owners.ts';

test('by default BIRD makes the routes of plain pools and the agent those of IP-in-IP, and nothing is said', () => {
  expect(computeRouteOwners(undefined, undefined)).toEqual({
    ...{ agentMakesPlain: false, agentMakesIpip: true, birdMakesPlain: true },
    faults: [],
  });
});

const SETTINGS = ['Enabled', 'Disabled', 'EnabledIPIPOnly', 'EnabledNoEncapOnly'] as const;

test.each(SETTINGS.flatMap((felix) => SETTINGS.map((bgp) => [felix, bgp] as const)))(
  'each route has one owner at most, and two or none are said: agent %s, BIRD %s',
  (felix, bgp) => {
    const { agentMakesPlain, birdMakesPlain, agentMakesIpip, faults } = computeRouteOwners(felix, bgp);
    expect(agentMakesPlain && birdMakesPlain).toBe(false);
    const wants = (setting: string, kind: string) => setting === 'Enabled' || setting === `Enabled${kind}Only`;
    expect(agentMakesPlain).toBe(wants(felix, 'NoEncap'));
    expect(agentMakesIpip).toBe(wants(felix, 'IPIP'));
    const isSaid = (kind: string, encapsulation: string) => {
      const isOdd = wants(felix, kind) === wants(bgp, kind) || (kind === 'IPIP' && wants(bgp, kind));
      expect(faults.some((fault) => fault.encapsulation === encapsulation)).toBe(isOdd);
    };
    isSaid('NoEncap', 'none');
    isSaid('IPIP', 'ipip');
  },
);
