// What rules have counted stays when their chain is rendered anew, as batch and as text, and is nothing that a resync looks at.
import { afterAll, expect, test } from 'bun:test';
import { defaultFirewallConfig } from '../../src/firewall/config.ts';
import { createFirewall } from '../../src/firewall/firewall.ts';
import { readCounters } from '../../src/kernel/nftables/read-table.ts';
import { parseIp } from '../../src/net/ip.ts';
import type { PolicyChange, RuleList } from '../../src/policy/types/types.ts';
import { allowing } from '../support/firewall/firewall-cases.ts';
import { addNetns, inNetns, nft, openFirewallIn, removeAllNetns } from '../support/firewall/firewall-net.ts';

afterAll(removeAllNetns);

const ID = 'GlobalNetworkPolicy//web';
const list = (...protocols: readonly number[]): RuleList => ({
  id: ID,
  ingress: protocols.map((protocol, index) => allowing({ protocol, index })),
  egress: [],
});
const endpoint: PolicyChange = {
  kind: 'endpoint-set',
  endpoint: {
    ...{
      id: 'default/a',
      interfaceName: 'cali0',
      mac: undefined,
      addresses: [parseIp('10.0.0.1')],
      allowedSources: [],
    },
    tiers: [{ tier: 'default', defaultAction: 'deny', ingress: [ID], egress: [] }],
    profiles: [],
  },
};

test('a chain that is rendered anew goes on with what its rules have counted', () => {
  const host = addNetns();
  const kernel = openFirewallIn(host, false);
  try {
    kernel.loadBase(defaultFirewallConfig);
    const firewall = createFirewall(defaultFirewallConfig);
    const apply = (...changes: readonly PolicyChange[]) =>
      expect(kernel.apply(firewall.apply(changes), firewall.ruleset)).toEqual({ kind: 'applied' });
    const counted = () => {
      const chains = inNetns(host, readCounters);
      if (typeof chains === 'string') throw new Error(chains);
      const [rules] = [...chains].flatMap(([name, chain]) => (name.startsWith('rules-ingress-') ? [chain.rules] : []));
      return rules?.map(({ comment, count }) => [comment, count?.packets, count?.bytes]);
    };
    apply({ kind: 'rules-set', list: list(6, 17) }, endpoint);
    const [chain] = [...firewall.ruleset.chains.keys()].filter((name) => name.startsWith('rules-ingress-'));
    nft(
      host,
      `flush chain inet ocicat ${chain}
add rule inet ocicat ${chain} meta l4proto 6 counter packets 5 bytes 300 accept comment "rule 0"
add rule inet ocicat ${chain} meta l4proto 17 counter packets 7 bytes 490 accept comment "rule 1"
`,
    );
    expect(kernel.resync(firewall.ruleset)).toEqual([]);
    apply({ kind: 'rules-set', list: list(1, 6, 17) });
    expect(counted()).toEqual([
      ['rule 0', 0, 0],
      ['rule 1', 5, 300],
      ['rule 2', 7, 490],
    ]);
    expect(kernel.resync(firewall.ruleset)).toEqual([]);
  } finally {
    kernel.close();
  }
});
