// What an endpoint's annotations say of names: by which its container is found (`ocicat/names`: `web www`), and in which of its
// networks it finds less than usual by asking its host (`ocicat/dns`: `network2/off network3/internal`).
import { parseNames } from './name.ts';

/**
 * What a network's members find by asking their host: each other and whatever the host finds, each other alone (as in an
 * `--internal` network of podman and Docker), or nothing.
 */
export type NetworkDns = 'on' | 'internal' | 'off';

export interface Naming {
  readonly names: readonly string[];
  /** By network; one that is not in it is on. */
  readonly limits: ReadonlyMap<string, Exclude<NetworkDns, 'on'>>;
}

export const NAMES_ANNOTATION = 'ocicat/names';
export const DNS_ANNOTATION = 'ocicat/dns';

type Annotations = Readonly<Record<string, unknown>>;

function wordsIn(value: unknown): readonly string[] {
  return typeof value === 'string' ? value.split(' ').filter((word) => word !== '') : [];
}

/** A limit that is not known is one all the same. */
function parseLimit(word: string): readonly [string, Exclude<NetworkDns, 'on'>] {
  const [network = '', limit] = word.split('/');
  return [network, limit === 'internal' ? 'internal' : 'off'];
}

/** What cannot be a name is none. */
export function parseNaming(annotations: Annotations = {}): Naming {
  return {
    names: parseNames(wordsIn(annotations[NAMES_ANNOTATION])),
    limits: new Map(wordsIn(annotations[DNS_ANNOTATION]).map(parseLimit)),
  };
}

/** What has nothing to say is left out. */
export function printNaming({ names, limits }: Naming): Readonly<Record<string, string>> {
  const words = [...limits].map(([network, limit]) => `${network}/${limit}`);
  return {
    ...(names.length === 0 ? {} : { [NAMES_ANNOTATION]: names.join(' ') }),
    ...(words.length === 0 ? {} : { [DNS_ANNOTATION]: words.join(' ') }),
  };
}
