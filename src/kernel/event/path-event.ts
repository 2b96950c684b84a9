// Which of the kernel's notifications are about the ways to other hosts, and were not caused by making them.
import { formatCidr } from '../../net/cidr.ts';
import type { PathMarks } from '../reconcile/paths.ts';
import { forwardingKey } from '../route/forwarding.ts';
import { PATH_PROTOCOL, type Route } from '../route/routes.ts';
import type { KernelEvent } from './event-message.ts';

/** One that is ours, or one that was in the way of ours. */
function isPathRoute({ protocol, destination }: Route, { blocked }: PathMarks): boolean {
  return protocol === PATH_PROTOCOL || blocked.has(formatCidr(destination));
}

/** One of a tunnel; but not that one is being asked for in vain, as often as somebody sends to nobody. */
function isPathNeighbour(
  { change, neighbour }: Extract<KernelEvent, { kind: 'neighbour' }>,
  { tunnels }: PathMarks,
): boolean {
  return tunnels.has(neighbour.interfaceIndex) && (change === 'removed' || neighbour.mac !== undefined);
}

/** What is told is something else than what is wanted. */
function isUnwantedForwarding(
  { change, entry }: Extract<KernelEvent, { kind: 'forwarding' }>,
  { tunnels, forwarding }: PathMarks,
): boolean {
  const isWanted = forwarding.has(forwardingKey(entry));
  return tunnels.has(entry.interfaceIndex) && (change === 'removed' ? isWanted : !(isWanted && entry.permanent));
}

function isOfPaths(event: KernelEvent, marks: PathMarks): boolean {
  switch (event.kind) {
    case 'link':
      return marks.tunnels.has(event.link.index) || marks.links.has(event.link.name);
    case 'address':
      return marks.tunnels.has(event.address.interfaceIndex) || marks.addresses.has(event.address.address.address);
    case 'route':
      return isPathRoute(event.route, marks);
    case 'neighbour':
      return isPathNeighbour(event, marks);
    case 'forwarding':
      return isUnwantedForwarding(event, marks);
    case 'rule':
      return true;
    case 'overrun':
      return event.of === 'rtnetlink';
    default:
      return false;
  }
}

/** Whether somebody else may have changed something of the ways that the marks are of, or what they depend on. */
export function isPathEvent(event: KernelEvent, marks: PathMarks): boolean {
  const isOwn = 'causedBy' in event && event.causedBy !== 0 && event.causedBy === marks.portId;
  return !isOwn && isOfPaths(event, marks);
}
