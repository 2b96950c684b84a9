// Giving addresses to a holder, inside a transaction: the ones it has already, a certain one, or the next free one.
import type { Attribute } from '../blocks/block.ts';
import { parseBlock } from '../blocks/block-json.ts';
import { addressesOfHandle } from '../blocks/release.ts';
import { parseCidr } from '../net/cidr.ts';
import { bitsOf, familyOf } from '../net/ip.ts';
import { type AssignContext, type Assigned, type AssignRequest, handleKey } from './assign-context.ts';
import { takeExact } from './assign-exact.ts';
import { takeNext } from './assign-next.ts';
import { parseHandle } from './handle.ts';
import { blockKey, type IpamContext } from './own-block.ts';

export type { Assigned, AssignRequest } from './assign-context.ts';

/** What the handle holds already and `isSame` accepts. */
async function findHeld({ builder, request }: AssignContext): Promise<readonly Assigned[]> {
  const handle = parseHandle(await builder.getLikelyAbsent(handleKey(request.handleId)));
  const held: Assigned[] = [];
  for (const cidr of handle.keys()) {
    const text = await builder.get(blockKey(cidr));
    if (text === undefined) continue;
    for (const { ip, holder } of addressesOfHandle(parseBlock(text), request.handleId))
      if (request.isSame?.(holder.secondary ?? {}, ip) ?? true)
        held.push({ ip, prefixLength: parseCidr(cidr).prefixLength });
  }
  return held;
}

/**
 * The exact addresses, and one of each other family that is asked for; addresses that the handle holds already are given
 * again. The transaction then has all that must be written, and nothing is assigned unless it is committed.
 * Throws `not-found`, `exhausted`, `conflict` (somebody holds it), `denied`, `invalid`.
 */
export async function buildAssignment(ipam: IpamContext, request: AssignRequest): Promise<readonly Assigned[]> {
  const holder: Attribute = { handleId: request.handleId, secondary: request.attributes };
  const reservations = ipam.view.reservations().flatMap(({ ranges }) => ranges);
  const context: AssignContext = { ...ipam, request, holder, reservations };
  const held = await findHeld(context);
  const exact = request.exact ?? [];
  const assigned: Assigned[] = [];
  for (const ip of exact) {
    const again = held.some((one) => one.ip === ip);
    assigned.push(again ? { ip, prefixLength: bitsOf(familyOf(ip)) } : await takeExact(context, ip));
  }
  for (const family of request.families) {
    if (exact.some((ip) => familyOf(ip) === family)) continue;
    assigned.push(held.find(({ ip }) => familyOf(ip) === family) ?? (await takeNext(context, family)));
  }
  return assigned;
}
