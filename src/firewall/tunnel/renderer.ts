// Renders what lets VXLAN in, and keeps the hosts that it is taken from as they come and go.
import { sameContent } from '../../base/equal.ts';
import { familyOf, type Ip } from '../../net/ip.ts';
import { bytesOfIp } from '../../nftables/bytes.ts';
import type { RulesetEditor } from '../../nftables/editor.ts';
import { computeVxlanChains, computeVxlanSets, type VxlanGuard, vxlanHostsSet } from './vxlan.ts';

export interface VxlanRenderer {
  /** Without ends there is no VXLAN. Whether it is another one now. */
  setGuard(next: VxlanGuard): boolean;
  setHosts(next: readonly Ip[]): void;
  guard(): VxlanGuard;
}

const NO_VXLAN: VxlanGuard = { ends: [], port: 0, externals: [] };

export function createVxlanRenderer(editor: RulesetEditor): VxlanRenderer {
  let guard = NO_VXLAN;
  let hosts: ReadonlySet<Ip> = new Set();

  const hasSetOf = (ip: Ip) => guard.ends.some(({ family }) => family === familyOf(ip));
  const put = (ip: Ip) => editor.setElement(vxlanHostsSet(familyOf(ip)), bytesOfIp(ip));
  const remove = (ip: Ip) => editor.removeElement(vxlanHostsSet(familyOf(ip)), bytesOfIp(ip));

  function erase(): void {
    if (guard.ends.length === 0) return;
    for (const { name } of computeVxlanChains(guard)) editor.removeChain(name);
    for (const { name } of computeVxlanSets(guard)) editor.removeSet(name);
  }

  function render(): void {
    if (guard.ends.length === 0) return;
    for (const spec of computeVxlanSets(guard)) editor.addSet(spec);
    for (const ip of hosts) if (hasSetOf(ip)) put(ip);
    for (const chain of computeVxlanChains(guard)) editor.setChain(chain);
  }

  return {
    setGuard(next) {
      if (sameContent(guard, next)) return false;
      erase();
      guard = next;
      render();
      return true;
    },
    setHosts(next) {
      const wanted = new Set(next);
      for (const ip of hosts) if (!wanted.has(ip) && hasSetOf(ip)) remove(ip);
      for (const ip of wanted) if (!hosts.has(ip) && hasSetOf(ip)) put(ip);
      hosts = wanted;
    },
    guard: () => guard,
  };
}
