// The result that a runtime gets for what the host has done.
import type { AttachedAddress } from '../../attach/endpoint/endpoint.ts';
import type { Attached } from '../../attach/request.ts';
import { tryParseJson } from '../../base/json.ts';
import { formatIp } from '../../net/ip.ts';
import { tryParseResult } from '../spec/parse-result.ts';
import type { CniRequest } from '../spec/request.ts';
import type { CniResult } from '../spec/result.ts';

/**
 * What the file has goes before what the IPAM plugin has, as with the reference plugins, and this before what a plugin before in the
 * list has; who names no server has the host.
 */
function dnsOf({ config }: CniRequest, { providerAnswer, nameservers }: Attached): CniResult['dns'] {
  const provided = tryParseResult(tryParseJson(providerAnswer ?? ''))?.dns ?? {};
  const all = [config.dns, provided, config.previous?.dns ?? {}];
  const asked = all.find((one) => Object.keys(one).length > 0) ?? {};
  return nameservers.length === 0 ? asked : { nameservers: nameservers.map(formatIp), ...asked };
}

/** What plugins before in the chain have made comes first, as it is (CNI spec 1.1.0, "ADD"). */
function after(previous: CniResult | undefined, own: CniResult): CniResult {
  if (previous === undefined) return own;
  const moved = own.addresses.map((one) => ({ ...one, interface: previous.interfaces.length + (one.interface ?? 0) }));
  return {
    interfaces: [...previous.interfaces, ...own.interfaces],
    addresses: [...previous.addresses, ...moved],
    routes: [...previous.routes, ...own.routes],
    dns: own.dns,
  };
}

/**
 * The host's link, then the container's (Calico v3.33, cni-plugin/pkg/plugin/plugin.go). A container that shares an
 * interface is told the one that it really has; Calico names the one that was asked for, which does not exist. The
 * gateway is said, since `sbr` takes the default route out of the pod's main table and makes it again from there.
 */
export function toResult(request: CniRequest, attached: Attached): CniResult {
  const { endpoint, addresses, mtuBytes, routes } = attached;
  const { interfaceName = '', endpoint: name, mac } = endpoint.spec;
  return after(request.config.previous, {
    interfaces: [{ name: interfaceName }, { name, mac, mtuBytes, sandbox: request.environment.netns }],
    addresses: addresses.map(({ ip: address, prefixLength, gateway }) => ({
      address: { address, prefixLength },
      gateway,
      interface: 1,
    })),
    routes,
    dns: dnsOf(request, attached),
  });
}

/**
 * Addresses for the interface of another main plugin. `ptp` gives the gateway to the host's end of its link, and fails
 * without one; `bridge` would take it from a network's.
 */
export function toAddressResult({ config }: CniRequest, addresses: readonly AttachedAddress[]): CniResult {
  const needsGateway = config.type === 'ptp';
  return {
    interfaces: [],
    addresses: addresses.map(({ ip: address, prefixLength, gateway }) => ({
      address: { address, prefixLength },
      gateway: needsGateway ? gateway : undefined,
    })),
    routes: [],
    dns: {},
  };
}
