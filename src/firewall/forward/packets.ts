// The packets of workloads that a host forwards, as far as a filter can tell them apart: whence, whither, whose.
import { type Family, familyOf, type Ip } from '../../net/ip.ts';
import { bytesOfIp } from '../../nftables/bytes.ts';
import type { Bytes } from '../../nftables/nft.ts';
import { type Span, spanOfName } from './filter.ts';

/** The first packet of a flow. What is undefined may be anything. */
export interface ForwardPacket {
  /** `from workloads to eth0`. */
  readonly description: string;
  readonly family: Family;
  readonly in: Span | undefined;
  readonly out: Span | undefined;
  /** Addresses that the packet may be from, or for. */
  readonly source: readonly Bytes[] | undefined;
  readonly destination: readonly Bytes[] | undefined;
}

/** What a host shows of its workloads and of its ways to others. */
export interface ForwardScene {
  /** Those that are forwarded. */
  readonly families: readonly Family[];
  /** Interfaces that lead to other hosts. */
  readonly uplinks: readonly string[];
  /** Of the workloads on this host. */
  readonly addresses: readonly Ip[];
}

const WORKLOADS = spanOfName('cali', true);

function packetsOf(family: Family, { uplinks, addresses }: ForwardScene): readonly ForwardPacket[] {
  const bytes = addresses.filter((address) => familyOf(address) === family).map(bytesOfIp);
  const own = bytes.length === 0 ? undefined : bytes;
  const ways = uplinks.length === 0 ? [undefined] : uplinks;
  const crossing = ways.flatMap((name): readonly ForwardPacket[] => {
    const way = name === undefined ? undefined : spanOfName(name, false);
    const other = name ?? 'other hosts';
    const out = {
      description: `from workloads to ${other}`,
      in: WORKLOADS,
      out: way,
      source: own,
      destination: undefined,
    };
    const back = {
      description: `from ${other} to workloads`,
      in: way,
      out: WORKLOADS,
      source: undefined,
      destination: own,
    };
    return [
      { ...out, family },
      { ...back, family },
    ];
  });
  const inside = { description: 'between workloads', in: WORKLOADS, out: WORKLOADS, source: own, destination: own };
  return [...crossing, { ...inside, family }];
}

/** A packet of each kind: out, in, and between two workloads of the host. */
export function computeForwardPackets(scene: ForwardScene): readonly ForwardPacket[] {
  return scene.families.flatMap((family) => packetsOf(family, scene));
}
