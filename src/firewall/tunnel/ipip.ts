// Packets of IP-in-IP are taken from hosts of the cluster alone, and pass between those whatever policy there is for the hosts
// themselves (Calico v3.33, felix/rules/static.go). Nothing of it is there while this host has no end of IP-in-IP.
import type { Ip } from '../../net/ip.ts';
import { bytesOfIp } from '../../nftables/bytes.ts';
import type { RulesetEditor } from '../../nftables/editor.ts';
import type { Chain, Rule, Statement } from '../../nftables/nft.ts';
import { accept, counter, drop, isFamily, isIn, isProtocol, rule } from '../../nftables/statements.ts';
import type { Direction } from '../../policy/types/types.ts';

export interface IpipRenderer {
  /** Addresses of IPv4 between hosts; undefined: this host has no end. Whether `pass` is another one now. */
  setHosts(next: readonly Ip[] | undefined): boolean;
  /** What lets packets between ends through, ahead of policies for this host. */
  pass(direction: Direction): readonly Rule[];
}

const HOSTS_SET = 'ipip-hosts';
const CHAIN = 'base-ipip-input';
/** IP in IP (RFC 2003). */
const PROTOCOL_IPIP = 4;
/** Before any policy for the host. */
const PRIORITY_INPUT = -3;

const isIpip: readonly Statement[] = [isFamily(4), isProtocol(PROTOCOL_IPIP)];

function computePass(direction: Direction): readonly Rule[] {
  return [rule([...isIpip, isIn([direction === 'ingress' ? 'saddr4' : 'daddr4'], HOSTS_SET), accept])];
}

function computeChain(): Chain {
  const unknown = rule([...isIpip, counter, drop], 'IP in IP from an unknown host');
  const base = { type: 'filter', hook: 'input', priority: PRIORITY_INPUT } as const;
  return { name: CHAIN, base, rules: [...computePass('ingress'), unknown] };
}

export function createIpipRenderer(editor: RulesetEditor): IpipRenderer {
  let hosts: ReadonlySet<Ip> | undefined;

  function erase(): void {
    editor.removeChain(CHAIN);
    editor.removeSet(HOSTS_SET);
  }

  function render(): void {
    editor.addSet({ name: HOSTS_SET, key: ['ipv4_addr'], interval: false, verdicts: false });
    editor.setChain(computeChain());
  }

  function replaceHosts(before: ReadonlySet<Ip>, after: ReadonlySet<Ip>): void {
    for (const ip of before) if (!after.has(ip)) editor.removeElement(HOSTS_SET, bytesOfIp(ip));
    for (const ip of after) if (!before.has(ip)) editor.setElement(HOSTS_SET, bytesOfIp(ip));
  }

  return {
    setHosts(next) {
      const before = hosts;
      hosts = next && new Set(next);
      if (hosts === undefined) {
        if (before !== undefined) erase();
        return before !== undefined;
      }
      if (before === undefined) render();
      replaceHosts(before ?? new Set(), hosts);
      return before === undefined;
    },
    pass: (direction) => (hosts === undefined ? [] : computePass(direction)),
  };
}
