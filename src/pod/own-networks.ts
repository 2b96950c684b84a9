// What keeps rkt's own networks from joining what the user's networks keep apart: rules in a table of rkt's own, and a group
// that the host's ends of their links are in. The group goes with the link, so nothing is left to be taken back.
import { OcicatError } from '../base/errors.ts';
import { list, object, optional, parseDocument, text } from '../images/fields.ts';
import { METADATA_PORT } from '../metadata/place.ts';
import { createMessageWriter, NLM_F_ACK, withRouteSocket } from '../sys/netlink.ts';
import { type OwnNetwork, RESTRICTED_HOST } from './net-conf.ts';
import { systemEnvironment, systemProgram } from './programs.ts';

/** Interface groups: numbers that nobody else is likely to use. */
const groups: Readonly<Record<OwnNetwork, number>> = { 'default-restricted': 0x726b7401, default: 0x726b7402 };

/**
 * `default-restricted` is for the host's metadata service alone: what else comes from it is dropped before anything looks
 * at it, and nothing goes to it but the service's answers. Pods on `default` are reached by each other and by their host,
 * as rkt promises, and by nobody whom the host merely forwards for. Loaded as a whole, it is right whatever was there.
 */
function printTable(): string {
  const { default: open, 'default-restricted': restricted } = groups;
  return `add table inet rkt
delete table inet rkt
table inet rkt {
  comment "keeps the networks default and default-restricted of rkt to themselves"
  chain prerouting {
    type filter hook prerouting priority raw; policy accept;
    iifgroup ${restricted} ip daddr ${RESTRICTED_HOST} tcp dport ${METADATA_PORT} accept
    iifgroup ${restricted} drop
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    oifgroup ${restricted} drop
    oifgroup ${open} iifgroup != ${open} ct state != { established, related } drop
  }
  chain output {
    type filter hook output priority filter; policy accept;
    oifgroup ${restricted} ip saddr ${RESTRICTED_HOST} tcp sport ${METADATA_PORT} tcp flags & (syn | ack) != syn accept
    oifgroup ${restricted} drop
  }
}
`;
}

/** Loads the rules in one step. Throws `unavailable`. */
export async function loadOwnRules(): Promise<void> {
  const nft = Bun.spawn([systemProgram('nft'), '-f', '-'], {
    env: systemEnvironment,
    cwd: '/',
    stdin: Buffer.from(printTable()),
    stdout: 'ignore',
    stderr: 'pipe',
    detached: true,
  });
  const [words, status] = await Promise.all([new Response(nft.stderr).text(), nft.exited]);
  if (status !== 0) throw new OcicatError('unavailable', `load nftables table "inet rkt": ${words.trim()}`);
}

const readLinks = object({ interfaces: list(object({ name: text(), sandbox: optional(text()) }, 'open')) }, 'open');

/** Names of the host's ends, which a result lists without a sandbox (CNI spec 0.3.1, "Result"). */
function hostLinks(json: string): readonly string[] {
  const { interfaces } = parseDocument('result of plugin "ptp"', json, readLinks);
  return interfaces.filter(({ sandbox }) => !sandbox).map(({ name }) => name);
}

const RTM_NEWLINK = 16;
const IFLA_IFNAME = 3;
const IFLA_GROUP = 27;

function joinGroup(link: string, group: number): void {
  withRouteSocket((netlink) => {
    const writer = createMessageWriter();
    writer.begin(RTM_NEWLINK, NLM_F_ACK);
    writer.u32(0); // ifinfomsg: family, padding, type
    writer.u32(0); // index: by name
    writer.u32(0);
    writer.u32(0);
    writer.attrString(IFLA_IFNAME, link);
    writer.attrU32(IFLA_GROUP, group);
    writer.end();
    netlink.request(writer, 1);
  });
}

/** Puts the links that a plugin made under the rules of its network. Throws `invalid` when the result names none. */
export function restrictLinks(network: OwnNetwork, resultJson: string): void {
  const links = hostLinks(resultJson);
  if (links.length === 0)
    throw new OcicatError('invalid', `network "${network}": its plugin names no link of the host`);
  for (const link of links) joinGroup(link, groups[network]);
}
