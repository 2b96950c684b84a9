// The addresses of this host's Node: what was set, what stands, or what is found, each family for itself.
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import { type Cidr, formatCidr, tryParseCidr } from '../../net/cidr.ts';
import { bitsOf, type Family } from '../../net/ip.ts';
import type { Log } from '../../sys/log.ts';
import type { AddressSetting, AgentSettings, DetectionMethod } from '../config/settings.ts';
import { detectAddress, observeHostAddresses } from './autodetect.ts';

/** In CIDR form, as a Node has them; undefined: none. */
export interface NodeAddresses {
  readonly ipv4: string | undefined;
  readonly ipv6: string | undefined;
}

/** The interface's prefix length for an address that was set without one; that which stands while no interface has it. */
function withInterfacePrefix(
  { address, prefixLength }: Extract<AddressSetting, { kind: 'fixed' }>,
  family: Family,
  standing: string | undefined,
): Cidr {
  const known = [...observeHostAddresses(family).map(({ cidr }) => cidr), tryParseCidr(standing ?? '')];
  const own = known.find((cidr) => cidr?.address === address);
  return { address, prefixLength: prefixLength ?? own?.prefixLength ?? bitsOf(family) };
}

/** One family's part of the choice. */
interface Choice {
  readonly family: Family;
  readonly setting: AddressSetting;
  readonly method: DetectionMethod;
  /** What the Node has. */
  readonly standing: string | undefined;
  /** There is no routing between hosts, and the node can do without. */
  readonly mayLack: boolean;
}

/** Where none is found now, what stands goes on: the host may get its address a moment later. Throws `not-found` without one. */
async function detect({ family, method, standing, mayLack }: Choice, log: Log): Promise<string | undefined> {
  try {
    return formatCidr((await detectAddress(method, family)).cidr);
  } catch (error) {
    if (!isOcicatError(error, 'not-found') || (standing === undefined && !mayLack)) throw error;
    if (standing !== undefined) log.warn(`the node keeps its address ${standing}`, error);
    return standing;
  }
}

/** IPv6 is not looked for unless asked. */
async function chooseAddress(choice: Choice, log: Log): Promise<string | undefined> {
  const { setting, family, standing } = choice;
  switch (setting.kind) {
    case 'none':
      return standing;
    case 'fixed':
      return formatCidr(withInterfacePrefix(setting, family, standing));
    case 'autodetect':
      return detect(choice, log);
    case 'keep':
      return standing !== undefined || family === 6 ? standing : detect(choice, log);
  }
}

/** `standing`: those of the Node as it is. Throws `not-found` for a node that would have none to be reached by. */
export async function chooseAddresses(
  { ipv4, ipv6, ipv4Method, ipv6Method, backend }: AgentSettings,
  standing: NodeAddresses,
  log: Log,
): Promise<NodeAddresses> {
  const mayLack = backend === 'none';
  const [first, second] = await Promise.all([
    chooseAddress({ family: 4, setting: ipv4, method: ipv4Method, standing: standing.ipv4, mayLack }, log),
    chooseAddress({ family: 6, setting: ipv6, method: ipv6Method, standing: standing.ipv6, mayLack }, log),
  ]);
  if (first !== undefined || second !== undefined || mayLack) return { ipv4: first, ipv6: second };
  throw new OcicatError(
    'not-found',
    'choose the addresses of the node: it has none, and none is looked for; set IP or IP6 to "autodetect" or an address',
  );
}
