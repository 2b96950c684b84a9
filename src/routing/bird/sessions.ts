// BGP sessions in BIRD's language.
import { type Family, formatIp } from '../../net/ip.ts';
import type { RoutingInput, RoutingNode } from '../input.ts';
import { passwordOf } from '../passwords.ts';
import { type BgpSession, listenPortOf } from '../session.ts';
import { type Direction, filterCalls } from './peer-filters.ts';

/** BIRD's default. */
const DEFAULT_HOLD_SECONDS = 240;

/**
 * What all sessions of a family share. The times are Calico's (Calico v3.33, confd/pkg/backends/calico/bgp_processor.go)
 * but for the delay, which Calico sets to 2 s: a host that starts is without routes for so long.
 */
export function sessionTemplate(family: Family, debug: boolean): readonly string[] {
  return [
    `template bgp peers_v${family} {`,
    ...(debug ? ['  debug all;'] : []),
    '  connect delay time 1;',
    '  connect retry time 5;',
    '  error wait time 5, 30;',
    '  graceful restart;',
    `  ipv${family} {`,
    '    import all;',
    `    export filter { prefer_v${family}(); to_peers_v${family}(); };`,
    '    gateway recursive;',
    `    igp table hops_v${family};`,
    '    add paths on;',
    '  };',
    '}',
  ];
}

function localLine(session: BgpSession, own: RoutingNode, input: RoutingInput): string {
  const address = session.sourceAddress === undefined ? '' : `${formatIp(session.sourceAddress)} `;
  return `  local ${address}port ${listenPortOf(own, input)} as ${session.localAsNumber};`;
}

/** The hold time is three times as long (RFC 4271, section 10) where BIRD's own would be shorter than the time set. */
function keepaliveLines(seconds: number): readonly string[] {
  const hold = seconds > DEFAULT_HOLD_SECONDS ? [`hold time ${3 * seconds};`] : [];
  return [...hold, `keepalive time ${seconds};`];
}

function optionLines(session: BgpSession, own: RoutingNode): readonly string[] {
  const lines: string[] = [];
  if (session.ttlSecurityHops === undefined) lines.push('multihop;');
  else lines.push(`multihop ${session.ttlSecurityHops};`, 'ttl security on;');
  if (session.passive) lines.push('passive on;');
  if (session.reflectorClient && own.routeReflectorClusterId !== undefined)
    lines.push('rr client;', `rr cluster id ${formatIp(own.routeReflectorClusterId)};`);
  if (session.maxRestartSeconds !== undefined) lines.push(`graceful restart time ${session.maxRestartSeconds};`);
  if (session.keepaliveSeconds !== undefined) lines.push(...keepaliveLines(session.keepaliveSeconds));
  if (session.allowedLocalAsNumbers !== undefined) lines.push(`allow local as ${session.allowedLocalAsNumbers};`);
  return lines.map((line) => `  ${line}`);
}

/** A session whose password is missing is there, and stays down. */
function passwordLines({ password }: BgpSession, input: RoutingInput): readonly string[] {
  if (password === undefined) return [];
  const found = passwordOf(password, input);
  return [found.kind === 'found' ? `  password "${found.text}";` : '  disabled;'];
}

/** The way to a workload is the kernel's route to it, which is no way to routers. */
function workloadLines({ address }: BgpSession, family: Family, filters: string): readonly string[] {
  return [
    `igp table master${family};`,
    `import filter { from_workload_v${family}(${formatIp(address)}); ${filters} reject; };`,
  ];
}

/** What differs from the template. */
function channelLines(session: BgpSession, family: Family): readonly string[] {
  const lines = session.nextHop === 'auto' ? [] : [`next hop ${session.nextHop};`];
  const calls = (direction: Direction) => filterCalls(session, family, direction).join(' ');
  if (session.isWorkload) lines.push(...workloadLines(session, family, calls('import')));
  else if (session.filters.length > 0) lines.push(`import filter { ${calls('import')} accept; };`);
  if (session.filters.length > 0)
    lines.push(`export filter { prefer_v${family}(); ${calls('export')} to_peers_v${family}(); };`);
  return lines.length === 0 ? [] : [`  ipv${family} {`, ...lines.map((line) => `    ${line}`), '  };'];
}

/** One `protocol bgp`. */
export function sessionLines(
  session: BgpSession,
  own: RoutingNode,
  family: Family,
  input: RoutingInput,
): readonly string[] {
  const port = session.port === undefined ? '' : ` port ${session.port}`;
  const strict = input.bgp.bindToNodeIp && session.sourceAddress !== undefined;
  return [
    `protocol bgp ${session.name} from peers_v${family} {`,
    localLine(session, own, input),
    ...(strict ? ['  strict bind on;'] : []),
    `  neighbor ${formatIp(session.address)}${port} as ${session.asNumber};`,
    ...optionLines(session, own),
    ...passwordLines(session, input),
    ...channelLines(session, family),
    '}',
  ];
}
