// Which ports of the host have come to lead to an endpoint: datagrams of a flow that went elsewhere would go on doing so.
import { formatPortMapping, type PortMapping } from '../../net/port-mapping.ts';
import { PROTOCOL_UDP } from '../../net/protocol.ts';
import type { PolicyChange } from '../../policy/types/types.ts';

export interface LocalPorts {
  /** Takes changes in, and returns mappings of UDP that they bring. A connection of another protocol begins anew by itself. */
  follow(changes: readonly PolicyChange[]): readonly PortMapping[];
}

export function createLocalPorts(): LocalPorts {
  const known = new Map<string, ReadonlySet<string>>();

  function come(id: string, mappings: readonly PortMapping[]): readonly PortMapping[] {
    const before = known.get(id);
    if (mappings.length === 0) known.delete(id);
    else known.set(id, new Set(mappings.map(formatPortMapping)));
    return mappings.filter((one) => one.protocol === PROTOCOL_UDP && before?.has(formatPortMapping(one)) !== true);
  }

  return {
    follow: (changes) =>
      changes.flatMap((change) => {
        if (change.kind === 'endpoint-removed') return come(change.id, []);
        return change.kind === 'endpoint-set' ? come(change.endpoint.id, change.endpoint.portMappings ?? []) : [];
      }),
  };
}
