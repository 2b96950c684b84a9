// The ports of its host that lead to an endpoint, as an annotation says them: Calico's `spec.ports` can say no range, and nobody
// translates by it.
import { formatPortMapping, type PortMapping, tryParsePortMapping } from '../../net/port-mapping.ts';

/** `8080:80/tcp 127.0.0.1:53:53/udp`. */
export const PORT_MAPPINGS_ANNOTATION = 'ocicat/port-mappings';

/** Each by itself; what cannot be read maps nothing. */
export function parsePortMappings(text: unknown): readonly PortMapping[] {
  if (typeof text !== 'string' || text === '') return [];
  return text.split(' ').flatMap((one) => tryParsePortMapping(one) ?? []);
}

/** As an annotation; none where there are no mappings. */
export function printPortMappings(mappings: readonly PortMapping[]): Readonly<Record<string, string>> {
  return mappings.length === 0 ? {} : { [PORT_MAPPINGS_ANNOTATION]: mappings.map(formatPortMapping).join(' ') };
}

interface Annotated {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> | undefined };
}

export function portMappingsOf({ metadata }: Annotated): readonly PortMapping[] {
  return parsePortMappings(metadata.annotations?.[PORT_MAPPINGS_ANNOTATION]);
}
