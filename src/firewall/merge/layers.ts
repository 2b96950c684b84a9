// In which order what decides differently must be asked: what meets no packet of something before that has another action may be
// asked together with what comes much earlier.
import type { Reach } from './reach.ts';
import type { Segment } from './segment.ts';

const NONE = -1;

/** The last layers in which one action is asked for, by what it reaches. */
interface Reached {
  /** Of anything. */
  all: number;
  /** Of rules for any port. */
  wide: number;
  readonly ports: Map<number, number>;
}

interface ActionLayers {
  /** Of anything. */
  all: number;
  /** Of rules for any protocol. */
  anyProtocol: number;
  readonly protocols: Map<number, Reached>;
}

function createActionLayers(): ActionLayers {
  return { all: NONE, anyProtocol: NONE, protocols: new Map() };
}

/** The last layer that has a packet of the reach; NONE without any. */
function lastOf(layers: ActionLayers, { protocol, ports }: Reach): number {
  if (protocol === undefined) return layers.all;
  const reached = layers.protocols.get(protocol);
  if (reached === undefined) return layers.anyProtocol;
  if (ports === undefined) return Math.max(layers.anyProtocol, reached.all);
  return Math.max(layers.anyProtocol, reached.wide, ...ports.map((port) => reached.ports.get(port) ?? NONE));
}

function note(layers: ActionLayers, { protocol, ports }: Reach, layer: number): void {
  layers.all = Math.max(layers.all, layer);
  if (protocol === undefined) {
    layers.anyProtocol = Math.max(layers.anyProtocol, layer);
    return;
  }
  const reached = layers.protocols.get(protocol) ?? { all: NONE, wide: NONE, ports: new Map<number, number>() };
  layers.protocols.set(protocol, reached);
  reached.all = Math.max(reached.all, layer);
  if (ports === undefined) reached.wide = Math.max(reached.wide, layer);
  for (const port of ports ?? []) reached.ports.set(port, Math.max(reached.ports.get(port) ?? NONE, layer));
}

/**
 * The layer of each segment, from 0: whoever asks all of one layer before the next, in whatever order within it, decides as
 * all segments one after the other do. A segment without an action has a layer of its own.
 */
export function computeLayers(segments: readonly Segment[]): readonly number[] {
  const [{ action: only } = { action: undefined }] = segments;
  if (only !== undefined && segments.every(({ action }) => action === only)) return segments.map(() => 0);
  return computeLayersOfMany(segments);
}

function computeLayersOfMany(segments: readonly Segment[]): readonly number[] {
  const actions = { allow: createActionLayers(), deny: createActionLayers(), pass: createActionLayers() };
  let first = 0;

  function layerOf({ action, reaches }: Segment): number {
    const others = Object.entries(actions).filter(([other]) => other !== action);
    return others.reduce(
      (layer, [, layers]) => reaches.reduce((most, reach) => Math.max(most, lastOf(layers, reach) + 1), layer),
      first,
    );
  }

  return segments.map((segment) => {
    if (segment.action === undefined) {
      const layer = Math.max(first, ...Object.values(actions).map(({ all }) => all + 1));
      first = layer + 1;
      return layer;
    }
    const layer = layerOf(segment);
    for (const reach of segment.reaches) note(actions[segment.action], reach, layer);
    return layer;
  });
}
