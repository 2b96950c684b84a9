// Packets that a rule is about at most: enough to see that two rules share none.
import type { CompiledRule } from '../../policy/types/types.ts';

export interface Reach {
  /** Undefined: any. */
  readonly protocol: number | undefined;
  /** Destination ports; undefined: any, or more than are looked at one by one. */
  readonly ports: readonly number[] | undefined;
}

const MAX_PORTS = 16;

function portsOf({ destination: { ports } }: CompiledRule): readonly number[] | undefined {
  const count = ports.reduce((sum, { min, max }) => sum + max - min + 1, 0);
  if (count === 0 || count > MAX_PORTS) return undefined;
  return ports.flatMap(({ min, max }) => Array.from({ length: max - min + 1 }, (_, index) => min + index));
}

export function computeReach(rule: CompiledRule): Reach {
  return { protocol: rule.protocol, ports: portsOf(rule) };
}
