// By which names a container is to be found, and whom it is to ask for names: CNI's capabilities `aliases` and `dns` (its
// CONVENTIONS.md), `NAMES=web,www` in CNI_ARGS, and the name that its client knows.
import type { Issue } from '../../base/errors.ts';
import { NAME_WANTED, tryParseName } from '../../names/name.ts';
import { tryParseIp } from '../../net/ip.ts';
import { membersOf } from '../../schema/document.ts';
import { parsedText, text, textThat } from '../../schema/scalars.ts';
import { list, object, optional, type Scalar } from '../../schema/schema.ts';
import type { CniDnsFile } from './config-file.ts';

const name = parsedText(NAME_WANTED, tryParseName);

function readNames(value: unknown): readonly string[] | undefined {
  const names = Array.isArray(value) ? value.map((one) => name.read(one) as string | undefined) : [undefined];
  return names.every((one) => one !== undefined) ? names : undefined;
}

type Aliases = (network: unknown) => readonly string[];

/** Of this network, or, as podman has them, of each network by its name. */
const aliases: Scalar<Aliases> = {
  shape: 'scalar',
  wanted: `a list of names, or such a list by the name of each network: ${NAME_WANTED}`,
  json: {},
  read(value) {
    const ofAll = Array.isArray(value) ? readNames(value) : undefined;
    if (ofAll !== undefined) return () => ofAll;
    const all = new Map<string, readonly string[]>();
    for (const [network, list] of Object.entries(membersOf(value) ?? { '': undefined })) {
      const names = readNames(list);
      if (names === undefined) return undefined;
      all.set(network, names);
    }
    return (network: unknown) => all.get(String(network)) ?? [];
  },
};

/** In `runtimeConfig`. */
export const nameCapabilities = {
  aliases: optional(aliases),
  dns: optional(
    object({
      servers: optional(list(textThat('an IPv4 or IPv6 address', (server) => tryParseIp(server) !== undefined))),
      searches: optional(list(text())),
      options: optional(list(text())),
    }),
  ),
};

interface DnsCapability {
  readonly servers?: readonly string[] | undefined;
  readonly searches?: readonly string[] | undefined;
  readonly options?: readonly string[] | undefined;
}

/** In the words of a network's file, which it goes before. */
export function toDnsFile({ servers, searches, options }: DnsCapability = {}): CniDnsFile {
  return { nameservers: servers, search: searches, options };
}

/** `NAMES` of CNI_ARGS. */
export function readArgumentNames(value: string, report: (issue: Issue) => void): readonly string[] {
  return value.split(',').flatMap((part) => {
    const read = part === '' ? undefined : tryParseName(part);
    if (read === undefined && part !== '') report({ path: 'CNI_ARGS NAMES', found: `"${part}"`, wanted: NAME_WANTED });
    return read ?? [];
  });
}
