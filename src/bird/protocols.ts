// The state of BIRD's protocols, from its `show protocols all`.
import { askBird, type BirdLine } from './control.ts';

interface BgpState {
  /** RFC 4271's states: `Established`, `Active`, `Connect`, …; BIRD adds `Passive`, `Down` and `Close`. */
  readonly state: string;
  /** Without the interface that a link-local one belongs to. */
  readonly neighborAddress: string;
  readonly neighborAs: number;
  readonly importedRoutes: number;
  readonly exportedRoutes: number;
  /** `Hold timer expired`, `Socket: Connection refused`; undefined when nothing went wrong. */
  readonly lastError: string | undefined;
}

export interface BirdProtocol {
  readonly name: string;
  /** `BGP`, `Kernel`, `Static`, `Direct`, `Device`. */
  readonly protocol: string;
  readonly table: string;
  /** `up`, `start`, `stop` or `down`. */
  readonly state: string;
  /** `12:34:56`, or a date for what is older than a day; another BIRD's may have both, or fractions of a second. */
  readonly since: string;
  readonly info: string;
  readonly bgp: BgpState | undefined;
}

const PROTOCOL_ROW = 1002;
const PROTOCOL_DETAILS = 1006;

function tryParseRow(text: string): Omit<BirdProtocol, 'bgp'> | undefined {
  const match = /^(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\d\S*(?: \d\S*)?)\s*(.*?)\s*$/.exec(text);
  if (match === null) return undefined;
  const [, name = '', protocol = '', table = '', state = '', since = '', info = ''] = match;
  return { name, protocol, table, state, since, info: info.replaceAll(/\s+/g, ' ') };
}

function parseBgp(details: readonly string[]): BgpState {
  const value = (key: string) => {
    const line = details.find((text) => text.trimStart().startsWith(`${key}:`));
    return line === undefined ? undefined : line.slice(line.indexOf(':') + 1).trim();
  };
  const routes = /(\d+) imported(?:, \d+ filtered)?, (\d+) exported/.exec(value('Routes') ?? '');
  return {
    state: value('BGP state') ?? 'Down',
    neighborAddress: value('Neighbor address')?.replace(/%.*/, '') ?? '',
    neighborAs: Number(value('Neighbor AS') ?? 0),
    importedRoutes: Number(routes?.[1] ?? 0),
    exportedRoutes: Number(routes?.[2] ?? 0),
    lastError: value('Last error'),
  };
}

/** The protocols in a reply to `show protocols all`, in its order. */
export function parseProtocols(lines: readonly BirdLine[]): readonly BirdProtocol[] {
  const protocols: { row: Omit<BirdProtocol, 'bgp'>; details: string[] }[] = [];
  for (const { code, text } of lines) {
    const row = code === PROTOCOL_ROW ? tryParseRow(text) : undefined;
    if (row !== undefined) protocols.push({ row, details: [] });
    else if (code === PROTOCOL_DETAILS) protocols.at(-1)?.details.push(text);
  }
  return protocols.map(({ row, details }) => ({ ...row, bgp: row.protocol === 'BGP' ? parseBgp(details) : undefined }));
}

/** Asks the BIRD at a control socket. Throws as askBird does. */
export async function observeBirdProtocols(socketPath: string, signal?: AbortSignal): Promise<readonly BirdProtocol[]> {
  return parseProtocols(await askBird(socketPath, 'show protocols all', signal));
}
