// What podman is told of a container's interface in a network, and of failures (netavark 2.1, plugin-API.md).
import { describeError } from '../../base/errors.ts';
import { printJson } from '../../base/json.ts';
import { type Cidr, formatCidr } from '../../net/cidr.ts';
import { formatIp, type Ip } from '../../net/ip.ts';

export interface InterfaceStatus {
  readonly name: string;
  readonly mac: string;
  readonly addresses: readonly { readonly range: Cidr; readonly gateway: Ip | undefined }[];
  /** Whom the container asks for names. */
  readonly nameservers: readonly Ip[];
}

export function printStatus({ name, mac, addresses, nameservers }: InterfaceStatus): string {
  const subnets = addresses.map(({ range, gateway }) => ({
    ipnet: formatCidr(range),
    ...(gateway === undefined ? {} : { gateway: formatIp(gateway) }),
  }));
  return `${printJson({
    dns_search_domains: [],
    dns_server_ips: nameservers.map(formatIp),
    interfaces: { [name]: { mac_address: mac, subnets } },
  })}\n`;
}

/** In one line, as podman shows it. */
export function printFailure(error: unknown): string {
  return `${printJson({ error: describeError(error) })}\n`;
}
