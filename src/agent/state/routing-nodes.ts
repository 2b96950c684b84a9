// Nodes as routing has them. Each is read once for as long as it stands: one that changes among a thousand costs itself alone.
import type { BGPConfiguration } from '../../model/bgp/bgp-configuration.ts';
import type { Node } from '../../model/node/node.ts';
import type { RoutingNode } from '../../routing/input.ts';
import { parseRoutingNode } from '../../routing/parse-resources.ts';

interface Known {
  readonly configuration: BGPConfiguration | undefined;
  readonly node: RoutingNode;
}

/** Reads a Node with its own BGPConfiguration; the same objects give what they gave before. */
export function createRoutingNodes(): (node: Node, configuration: BGPConfiguration | undefined) => RoutingNode {
  const known = new WeakMap<Node, Known>();
  return (one, configuration) => {
    const before = known.get(one);
    if (before !== undefined && before.configuration === configuration) return before.node;
    const node = parseRoutingNode(one, configuration);
    known.set(one, { configuration, node });
    return node;
  };
}
