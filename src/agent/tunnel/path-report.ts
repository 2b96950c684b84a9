// What was done about the ways to other hosts, in lines for the log: each thing while they are few, then how many more.
import type { PathOutcome } from '../../kernel/reconcile/paths.ts';
import { formatRoute } from '../../kernel/route/routes.ts';
import { formatCidr } from '../../net/cidr.ts';
import { formatIp } from '../../net/ip.ts';

const MAX_LINES = 10;

/** `done`: what was done about what was not there. */
export function describePaths({ tunnels, paths }: PathOutcome, done: string): readonly string[] {
  const { routes, addresses, neighbours, forwarding, rules } = paths;
  const lines = [
    ...tunnels.removed.map(({ name }) => `tunnel removed: ${name}`),
    ...tunnels.made.map(({ name }) => `tunnel ${done}: ${name}`),
    ...tunnels.corrected.map(({ name }) => `tunnel ${done}: ${name}, its settings`),
    ...addresses.set.map(({ address }) => `tunnel address ${done}: ${formatCidr(address)}`),
    ...addresses.removed.map(({ address }) => `tunnel address removed: ${formatCidr(address)}`),
    ...[...routes.set, ...routes.replaced].map((route) => `route ${done}: ${formatRoute(route)}`),
    ...routes.removed.map((route) => `route removed, which leads to no host of the cluster: ${formatRoute(route)}`),
    ...forwarding.set.map(({ mac, underlay }) => `tunnel end ${done}: ${mac} at ${formatIp(underlay)}`),
    ...forwarding.removed.map(({ mac, underlay }) => `tunnel end removed: ${mac} at ${formatIp(underlay)}`),
    ...neighbours.set.map(({ address }) => `tunnel neighbour ${done}: ${formatIp(address)}`),
    ...rules.set.map(({ priority }) => `routing rule ${done}: ${priority}`),
    ...rules.removed.map(({ priority }) => `routing rule removed: ${priority}`),
  ];
  const rest = lines.length - MAX_LINES;
  return rest <= 0 ? lines : [...lines.slice(0, MAX_LINES), `${rest} more of the ways to other hosts ${done}`];
}
