// Hosts of a lab that nothing of ours is on any more, to compare with, and the rules that are loaded there by hand.
import { PORTS } from './datapath-pair.ts';
import { execOnHost, ocicat } from './lab.ts';

export const NO_RULES = 'flush ruleset\n';
export const ONE_CHAIN = `${NO_RULES}table inet peer {
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    tcp dport { ${PORTS.stream}, ${PORTS.crr} } accept
  }
}
`;

/** Without an agent and without rules; it forwards. What a lab has mounted cannot be uninstalled. */
export async function clearHost(lab: string, host: string): Promise<void> {
  await execOnHost(lab, host, ['sh', '-c', `${ocicat} uninstall --force 2>&1; test -z "$(nft list tables)"`]);
  await execOnHost(lab, host, ['sysctl', '-q', '-w', 'net.ipv4.ip_forward=1']);
}

export async function loadRules(lab: string, hosts: readonly string[], rules: string): Promise<void> {
  for (const host of hosts) await execOnHost(lab, host, ['nft', '-f', '-'], rules);
}
