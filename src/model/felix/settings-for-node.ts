// What the FelixConfigurations of a store say together for one node: that for all nodes, before it that which selects the node by
// its labels, and before both that of the node alone (Calico v3.33, felix/calc/config_batcher.go).
import { matchSelector } from '../../selector/match.ts';
import { tryParseSelector } from '../../selector/parse.ts';
import type { FelixConfiguration, FelixConfigurationSpec } from './felix-configuration.ts';

export interface LabelledNode {
  readonly name: string;
  /** Undefined while nobody knows them. */
  readonly labels: Readonly<Record<string, string>> | undefined;
}

function selects({ spec }: FelixConfiguration, labels: ReadonlyMap<string, string>): boolean {
  const selector = spec?.nodeSelector === undefined ? undefined : tryParseSelector(spec.nodeSelector);
  return selector !== undefined && matchSelector(selector, labels);
}

function sortKey({ metadata }: FelixConfiguration): string {
  return `${metadata.creationTimestamp ?? ''} ${metadata.name}`;
}

/** Of several the oldest, of those of one age the first by name. */
function findSelecting(all: Iterable<FelixConfiguration>, { labels }: LabelledNode): FelixConfiguration | undefined {
  if (labels === undefined) return undefined;
  const known = new Map(Object.entries(labels));
  const matching = [...all].filter((one) => selects(one, known));
  return matching.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))[0];
}

/** `all`: by name. */
export function computeNodeSettings(
  all: ReadonlyMap<string, FelixConfiguration>,
  node: LabelledNode,
): FelixConfigurationSpec {
  const stored = [all.get('default'), findSelecting(all.values(), node), all.get(`node.${node.name}`)];
  return Object.assign({}, ...stored.map((one) => one?.spec));
}
