// An endpoint as far as names are concerned, read from the store as it stands there: what is not understood says nothing.
import { tryParseCidr } from '../net/cidr.ts';
import type { Ip } from '../net/ip.ts';
import { membersOf } from '../schema/document.ts';
import { parseNaming } from './annotations.ts';

/** A network that it finds others in, and they it. */
export interface Membership {
  readonly network: string;
  /** Whether names of elsewhere are asked for on behalf of a member. */
  readonly forwards: boolean;
}

export interface NamedEndpoint {
  readonly names: readonly string[];
  readonly memberships: readonly Membership[];
  readonly addresses: readonly Ip[];
  /** On this host, and so among those who ask. */
  readonly isLocal: boolean;
  /** The container, which may have other endpoints: it asks by any of them. */
  readonly container: string;
}

function textsIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

/** Being in a network is having its profile, whatever an annotation says. */
function membershipsOf(profiles: readonly string[], limits: ReturnType<typeof parseNaming>['limits']) {
  return [...new Set(profiles)].flatMap((network): readonly Membership[] => {
    const limit = limits.get(network);
    return limit === 'off' ? [] : [{ network, forwards: limit === undefined }];
  });
}

/** Of a WorkloadEndpoint's JSON; undefined where it is of another host and nobody may find it. */
export function tryReadNamedEndpoint(resource: unknown, nodeName: string): NamedEndpoint | undefined {
  const { metadata, spec } = membersOf(resource) ?? {};
  const { node, profiles, ipNetworks, containerID } = membersOf(spec) ?? {};
  const { names, limits } = parseNaming(membersOf(membersOf(metadata)?.annotations));
  const memberships = membershipsOf(textsIn(profiles), limits);
  const isLocal = node === nodeName;
  if (!isLocal && (memberships.length === 0 || names.length === 0)) return undefined;
  const addresses = textsIn(ipNetworks).flatMap((text) => tryParseCidr(text)?.address ?? []);
  return { names, memberships, addresses, isLocal, container: typeof containerID === 'string' ? containerID : '' };
}
