// An endpoint whose host is gone: the resource and its addresses, in one transaction, as its DEL would have taken them.
import { isOcicatError } from '../base/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import { parseBlock } from '../blocks/block-json.ts';
import { type Cidr, cidrContains, formatCidr, tryParseCidr } from '../net/cidr.ts';
import type { Ip } from '../net/ip.ts';
import { commitTransaction, NO_CACHE } from './commit.ts';
import { parseFields } from './handle.ts';
import { requestsFor } from './host-release.ts';
import { type ReleasePorts, readCooldown } from './ipam.ts';
import { blockKey } from './own-block.ts';
import { buildReleaseByHandle, buildReleaseIn, type ReleaseContext } from './release.ts';

export interface EndpointOfHost {
  /** The endpoint's key. */
  readonly key: string;
  readonly host: string;
  /** The ranges of all blocks. */
  readonly blocks: readonly Cidr[];
}

/** What an endpoint says of its addresses; nothing where it cannot be read. */
interface Holdings {
  readonly addresses: readonly Ip[];
  /** Handles that its addresses may be held under. */
  readonly handles: readonly string[];
}

function textsOf(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

/** The fields of an object that may be none. */
function tryFields(text: string): JsonObject {
  try {
    const { spec } = parseFields('endpoint', text);
    return isJsonObject(spec) ? spec : {};
  } catch (error) {
    if (isOcicatError(error)) return {};
    throw error;
  }
}

function readHoldings(text: string): Holdings {
  const { ipNetworks, profiles, containerID } = tryFields(text);
  const addresses = textsOf(ipNetworks).flatMap((network) => tryParseCidr(network)?.address ?? []);
  if (typeof containerID !== 'string' || containerID === '' || containerID.includes('/'))
    return { addresses, handles: [] };
  const networks = textsOf(profiles).filter((profile) => profile !== '' && !profile.includes('/'));
  return { addresses, handles: [...networks.map((network) => `${network}.${containerID}`), containerID] };
}

/** An address that is recorded as held by another host has been given away, and is not the endpoint's any more. */
async function buildAddresses(context: ReleaseContext, of: EndpointOfHost, held: readonly Ip[]): Promise<void> {
  for (const cidr of of.blocks.filter((block) => held.some((ip) => cidrContains(block, ip)))) {
    const text = await context.builder.get(blockKey(formatCidr(cidr)));
    if (text === undefined) continue;
    const isMeant = (node: string | undefined, ip: Ip) => (node ?? of.host) === of.host && held.includes(ip);
    const requests = requestsFor(parseBlock(text), ({ secondary }, ip) => isMeant(secondary?.node, ip));
    await buildReleaseIn(context, formatCidr(cidr), requests);
  }
}

async function buildEndpoint(context: ReleaseContext, of: EndpointOfHost): Promise<boolean> {
  const { builder } = context;
  const text = await builder.get(of.key);
  if (text === undefined) return false;
  builder.delete(of.key);
  const { addresses, handles } = readHoldings(text);
  await buildAddresses(context, of, addresses);
  for (const handle of handles)
    await buildReleaseByHandle(context, handle, (attributes) => (attributes.node ?? of.host) === of.host);
  return true;
}

/** Returns whether it was there. Throws `corrupt` for a block or handle of it that cannot be read; nothing is done then. */
export async function releaseEndpoint(ports: ReleasePorts, of: EndpointOfHost, signal: AbortSignal): Promise<boolean> {
  const { datastore, cache = NO_CACHE } = ports;
  const cooldownSeconds = await readCooldown(datastore, signal);
  const { result } = await commitTransaction(
    datastore,
    cache,
    (builder) => buildEndpoint({ builder, nowMs: ports.now(), cooldownSeconds }, of),
    signal,
  );
  return result;
}
