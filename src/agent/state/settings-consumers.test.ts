import { expect, test } from 'bun:test';
import { defaultFirewallConfig } from '../../firewall/config.ts';
import type { FelixSettings } from '../config/felix-settings.ts';
import { createSettingsConsumers } from './settings-consumers.ts';

/** What the consumers do as the settings become one after the other. */
function consume(turns: readonly FelixSettings[]): readonly (readonly string[])[] {
  let steps: string[] = [];
  const consumers = createSettingsConsumers({
    base: defaultFirewallConfig,
    dataplane: { setConfig: ({ logPrefix }) => void steps.push(`rules ${logPrefix}`) },
    workloads: { setAllowed: ({ floatingAddresses }) => void steps.push(`floating ${floatingAddresses}`) },
    hostMtu: {
      setUplinkPattern: (pattern) => void steps.push(`uplinks ${pattern}`),
      setTunnels: ({ vxlan }) => void steps.push(`tunnels ${vxlan[4]}`),
    },
    refresher: { setTimes: ({ rulesSeconds }) => void steps.push(`refresh ${rulesSeconds}`) },
    reporter: { setReports: ({ intervalSeconds }) => void steps.push(`report ${intervalSeconds}`) },
    forwarding: { setEnabled: (isEnabled) => void steps.push(`forwarding ${isEnabled}`) },
    log: { setLevel: (level) => void steps.push(`log ${level}`) },
  });
  return turns.map((settings) => {
    steps = [];
    for (const consumer of consumers) consumer.follow(settings);
    return steps;
  });
}

test('each is given its part at the start, and then when that part has changed', () => {
  const { logPrefix } = defaultFirewallConfig;
  expect(
    consume([
      {},
      {},
      { logSeverityScreen: 'Debug' },
      { logSeverityScreen: 'Debug', logPrefix: 'x' },
      { logSeverityScreen: 'Trace', logPrefix: 'x', ipForwarding: 'Disabled' },
      { logSeverityScreen: 'Fatal', ipForwarding: 'Enabled' },
      { logSeverityScreen: 'Fatal', floatingIPs: 'Enabled' },
      { logSeverityScreen: 'Fatal', floatingIPs: 'Enabled', vxlanMTU: 1400 },
      { logSeverityScreen: 'Fatal', floatingIPs: 'Enabled', vxlanMTU: 1400 },
    ]),
  ).toEqual([
    [
      'log info',
      'forwarding true',
      `rules ${logPrefix}`,
      'floating false',
      'uplinks undefined',
      'tunnels undefined',
      'refresh 180',
      'report 0',
    ],
    [],
    ['log debug'],
    ['rules x'],
    ['forwarding false'],
    ['log fatal', 'forwarding true', `rules ${logPrefix}`],
    [`rules ${logPrefix}`, 'floating true'],
    ['tunnels 1400'],
    [],
  ]);
});
