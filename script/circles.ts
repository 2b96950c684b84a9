// Circles in a graph of imports: the sets of files that reach each other (Tarjan's strongly connected components).

interface Visit {
  readonly index: number;
  low: number;
}

/** Each set of two or more nodes that reach each other, and each node that names itself; sorted. */
export function findCircles(edges: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const visits = new Map<string, Visit>();
  const open: string[] = [];
  const circles: (readonly string[])[] = [];

  function close(node: string): void {
    const component = open.splice(open.indexOf(node));
    if (component.length > 1 || edges.get(node)?.includes(node) === true) circles.push(component.sort());
  }

  function visit(node: string): Visit {
    const here: Visit = { index: visits.size, low: visits.size };
    visits.set(node, here);
    open.push(node);
    for (const next of edges.get(node) ?? []) {
      const seen = visits.get(next);
      if (seen === undefined) here.low = Math.min(here.low, visit(next).low);
      else if (open.includes(next)) here.low = Math.min(here.low, seen.index);
    }
    if (here.low === here.index) close(node);
    return here;
  }

  for (const node of edges.keys()) if (!visits.has(node)) visit(node);
  return circles.sort((a, b) => (a.join() < b.join() ? -1 : 1));
}
