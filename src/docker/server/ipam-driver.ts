// Docker's IPAM driver: addresses of the cluster's pools, held until the endpoint that they are for joins its network. It
// remembers nothing, so Docker need not tell it again what it had asked for (RequiresRequestReplay).
import type { Attacher } from '../../attach/attacher.ts';
import type { HoldRequest } from '../../attach/request.ts';
import { createStatusRequest } from '../../attach/usual-request.ts';
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import { formatCidr } from '../../net/cidr.ts';
import type { Ip } from '../../net/ip.ts';
import {
  ADDRESS_SPACE,
  type AddressWish,
  type PoolChoice,
  parseAddressRelease,
  parseAddressRequest,
  parsePoolRelease,
  parsePoolRequest,
  printAddressAnswer,
  printPoolAnswer,
} from '../api/ipam-requests.ts';
import { DONE } from '../api/network-answers.ts';
import { GATEWAYS } from '../api/values.ts';
import type { Calls } from './network-driver.ts';

interface IpamDriverContext {
  readonly attacher: Attacher;
  readonly handleId: string;
  /** Removes the endpoint that has the address, if its container is gone without a word; returns whether it was. */
  freeAbandoned(address: Ip, signal: AbortSignal): Promise<boolean>;
}

function poolsOf({ range }: PoolChoice): readonly string[] {
  return range === undefined ? [] : [formatCidr(range)];
}

function toHoldRequest(handleId: string, addresses: readonly Ip[], pool?: PoolChoice): HoldRequest {
  const pools = pool === undefined ? [] : poolsOf(pool);
  const families = pool === undefined || addresses.length > 0 ? [] : [pool.family];
  return { handleId, addresses, families, ipv4Pools: pools, ipv6Pools: pools };
}

export function createIpamDriver({ attacher, handleId, freeAbandoned }: IpamDriverContext): Calls {
  /** An engine that was killed forgets its containers without a word, and starts them again with the same addresses. */
  async function hold(request: HoldRequest, signal: AbortSignal): Promise<readonly Ip[]> {
    try {
      return await attacher.hold(request, signal);
    } catch (error) {
      const [ip] = request.addresses;
      if (ip === undefined || !isOcicatError(error, 'conflict') || !(await freeAbandoned(ip, signal))) throw error;
      return attacher.hold(request, signal);
    }
  }

  async function request({ pool, address, isGateway }: AddressWish, signal: AbortSignal): Promise<Ip> {
    if (isGateway) return GATEWAYS[pool.family];
    const wanted = address === undefined ? [] : [address];
    const [ip] = await hold(toHoldRequest(handleId, wanted, pool), signal);
    if (ip === undefined) throw new OcicatError('internal', 'hold an address: none was given');
    return ip;
  }

  return {
    GetCapabilities: async () => JSON.stringify({ RequiresMACAddress: false, RequiresRequestReplay: false }),
    GetDefaultAddressSpaces: async () =>
      JSON.stringify({ LocalDefaultAddressSpace: ADDRESS_SPACE, GlobalDefaultAddressSpace: ADDRESS_SPACE }),
    async RequestPool(json, signal) {
      const choice = parsePoolRequest(json);
      const pools = poolsOf(choice);
      await attacher.status(
        createStatusRequest({ families: [choice.family], ipv4Pools: pools, ipv6Pools: pools }),
        signal,
      );
      return printPoolAnswer(choice);
    },
    async ReleasePool(json) {
      parsePoolRelease(json);
      return DONE;
    },
    RequestAddress: async (json, signal) => printAddressAnswer(await request(parseAddressRequest(json), signal)),
    async ReleaseAddress(json, signal) {
      await attacher.releaseHeld(toHoldRequest(handleId, [parseAddressRelease(json)]), signal);
      return DONE;
    },
  };
}
