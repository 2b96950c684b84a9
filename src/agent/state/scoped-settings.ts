// The FelixConfiguration that is for this node by its labels: between the one for all nodes and the one for this node alone (Calico
// v3.33, felix/calc/config_batcher.go).
import type { FelixConfiguration } from '../../model/felix/felix-configuration.ts';
import type { Node } from '../../model/node/node.ts';
import { matchSelector } from '../../selector/match.ts';
import { tryParseSelector } from '../../selector/parse.ts';

function selects({ spec }: FelixConfiguration, node: Node): boolean {
  const selector = spec?.nodeSelector === undefined ? undefined : tryParseSelector(spec.nodeSelector);
  return selector !== undefined && matchSelector(selector, new Map(Object.entries(node.metadata.labels ?? {})));
}

function sortKey({ metadata }: FelixConfiguration): string {
  return `${metadata.creationTimestamp ?? ''} ${metadata.name}`;
}

/** Of several the oldest, of those of one age the first by name. */
export function findScoped(all: Iterable<FelixConfiguration>, node: Node | undefined): FelixConfiguration | undefined {
  if (node === undefined) return undefined;
  const matching = [...all].filter((one) => selects(one, node));
  return matching.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))[0];
}
