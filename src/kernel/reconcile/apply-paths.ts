// Applies a difference of the ways to other hosts: what is new stands before what it takes the place of goes. What cannot be done
// does not keep the rest from being done.
import type { OcicatError } from '../../base/errors.ts';
import { formatCidr } from '../../net/cidr.ts';
import { formatIp } from '../../net/ip.ts';
import { EADDRNOTAVAIL, EEXIST, ENODEV, ENOENT, ESRCH } from '../../sys/libc.ts';
import * as netlink from '../../sys/netlink.ts';
import { type LinkAddress, writeAddress, writeAddressRemoval } from '../route/addresses.ts';
import { type ForwardingEntry, writeForwarding, writeForwardingRemoval } from '../route/forwarding.ts';
import { type MarkRule, writeMarkRule, writeMarkRuleRemoval } from '../route/mark-rules.ts';
import { type Neighbour, writeNeighbourRemoval, writePermanentNeighbour } from '../route/neighbours.ts';
import { type RefusedItem, requestEach } from '../route/netlink-batch.ts';
import { failureOf, sendRemovals } from '../route/route-changes.ts';
import type { Route } from '../route/routes.ts';
import { setRoutes } from './apply-routes.ts';
import type { PathDifference } from './path-difference.ts';

export interface AppliedPaths {
  /** Routes that could not be made, as somebody else's are in the way or the kernel refuses them. */
  readonly blocked: readonly Route[];
  readonly failures: readonly OcicatError[];
}

/** A thing is done already when it is there, or gone, or its link is. */
const DONE: ReadonlySet<number> = new Set([EEXIST, ENOENT, ESRCH, EADDRNOTAVAIL, ENODEV]);

function describeFailures<T>(
  refused: readonly RefusedItem<T>[],
  describe: (item: T) => string,
): readonly OcicatError[] {
  return refused.filter(({ errno }) => !DONE.has(errno)).map((one) => netlink.refusalError(describe(one.item), one));
}

const describeAddress = ({ address }: LinkAddress) => `address "${formatCidr(address)}"`;
const describeNeighbour = ({ address }: Neighbour) => `neighbour "${formatIp(address)}"`;
const describeForwarding = ({ mac, underlay }: ForwardingEntry) => `forwarding of "${mac}" to "${formatIp(underlay)}"`;
const describeRule = ({ priority, table }: MarkRule) => `rule "${priority}" to table "${table}"`;

function setEntries(socket: netlink.Netlink, difference: PathDifference): readonly OcicatError[] {
  const { addresses, neighbours, forwarding } = difference;
  return [
    ...describeFailures(requestEach(socket, addresses.set, writeAddress), (one) => `add ${describeAddress(one)}`),
    ...describeFailures(
      requestEach(socket, forwarding.set, writeForwarding),
      (one) => `set ${describeForwarding(one)}`,
    ),
    ...describeFailures(
      requestEach(socket, neighbours.set, (writer, { interfaceIndex, address, mac }, flags) => {
        if (mac !== undefined) writePermanentNeighbour(writer, interfaceIndex, address, mac, flags);
      }),
      (one) => `set ${describeNeighbour(one)}`,
    ),
  ];
}

function removeEntries(socket: netlink.Netlink, difference: PathDifference): readonly OcicatError[] {
  const { addresses, neighbours, forwarding } = difference;
  return [
    ...describeFailures(
      requestEach(socket, addresses.removed, writeAddressRemoval),
      (one) => `remove ${describeAddress(one)}`,
    ),
    ...describeFailures(
      requestEach(socket, forwarding.removed, writeForwardingRemoval),
      (one) => `remove ${describeForwarding(one)}`,
    ),
    ...describeFailures(
      requestEach(socket, neighbours.removed, writeNeighbourRemoval),
      (one) => `remove ${describeNeighbour(one)}`,
    ),
  ];
}

/** Who can be reached first, then what leads there, then which of it is asked; what goes, the other way around. */
export function applyPaths(socket: netlink.Netlink, difference: PathDifference): AppliedPaths {
  const { routes, rules } = difference;
  const entries = setEntries(socket, difference);
  const routeFailures = setRoutes(socket, routes);
  const rulesSet = describeFailures(requestEach(socket, rules.set, writeMarkRule), (one) => `add ${describeRule(one)}`);
  const rulesRemoved = describeFailures(
    requestEach(socket, rules.removed, writeMarkRuleRemoval),
    (one) => `remove ${describeRule(one)}`,
  );
  const left = sendRemovals(socket, routes.removed).map((one) => failureOf('remove', one));
  const removed = removeEntries(socket, difference);
  const errors = [...routeFailures, ...left].map(({ error }) => error);
  return {
    blocked: routeFailures.map(({ route }) => route),
    failures: [...entries, ...errors, ...rulesSet, ...rulesRemoved, ...removed],
  };
}
