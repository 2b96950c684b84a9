// Packets of IP-in-IP are taken from hosts of the cluster alone, and pass between those whatever policy there is for the hosts
// themselves (Calico v3.33, felix/rules/static.go). This host lends nobody its address, or the way, to send them to such a host.
// Nothing of it is there while this host has no end of IP-in-IP.
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
/** IP in IP (RFC 2003). */
const PROTOCOL_IPIP = 4;
/** Before any policy. */
const PRIORITY_POLICY = -3;

const isIpip: readonly Statement[] = [isFamily(4), isProtocol(PROTOCOL_IPIP)];

/** The other end is a host of the cluster. */
function isKnown(direction: Direction): readonly Statement[] {
  return [...isIpip, isIn([direction === 'ingress' ? 'saddr4' : 'daddr4'], HOSTS_SET)];
}

function computePass(direction: Direction): readonly Rule[] {
  return [rule([...isKnown(direction), accept])];
}

function computeChains(): readonly Chain[] {
  const chain = (name: string, hook: 'input' | 'forward', unknown: Rule): Chain => {
    const base = { type: 'filter', hook, priority: PRIORITY_POLICY } as const;
    return { name, base, rules: [...computePass('ingress'), unknown] };
  };
  return [
    chain('base-ipip-input', 'input', rule([...isIpip, counter, drop], 'IP in IP from an unknown host')),
    chain(
      'base-ipip-forward',
      'forward',
      rule([...isKnown('egress'), counter, drop], 'IP in IP that a stranger sends to a host'),
    ),
  ];
}

export function createIpipRenderer(editor: RulesetEditor): IpipRenderer {
  let hosts: ReadonlySet<Ip> | undefined;

  function erase(): void {
    for (const { name } of computeChains()) editor.removeChain(name);
    editor.removeSet(HOSTS_SET);
  }

  function render(): void {
    editor.addSet({ name: HOSTS_SET, key: ['ipv4_addr'], interval: false, verdicts: false });
    for (const chain of computeChains()) editor.setChain(chain);
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
