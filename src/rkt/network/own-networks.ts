// What keeps rkt's own networks from joining what the user's networks keep apart: rules in a table of rkt's own, which know
// their links by the group that these are in.
import { OcicatError } from '../../base/errors.ts';
import { METADATA_PORT } from '../../metadata/place.ts';
import { linkGroups } from '../../net/link-groups.ts';
import { systemEnvironment, systemProgram } from '../../sys/system-programs.ts';
import { RESTRICTED_HOST } from './net-conf.ts';

/**
 * `default-restricted` is for the host's metadata service alone: what else comes from it is dropped before anything looks
 * at it, and nothing goes to it but the service's answers. Pods on `default` are reached by each other and by their host,
 * as rkt promises, and by nobody whom the host merely forwards for. Neither network has IPv6, in which a pod could become ever
 * new neighbours of its host. Loaded as a whole, it is right whatever was there.
 */
function printTable(): string {
  const { default: open, 'default-restricted': restricted } = linkGroups;
  return `add table inet rkt
delete table inet rkt
table inet rkt {
  comment "keeps the networks default and default-restricted of rkt to themselves"
  chain prerouting {
    type filter hook prerouting priority raw; policy accept;
    iifgroup ${restricted} ip daddr ${RESTRICTED_HOST} tcp dport ${METADATA_PORT} accept
    iifgroup ${restricted} drop
    iifgroup ${open} meta nfproto ipv6 drop
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
