// A document as plain values: its members, the places in it, and how they are told to people.

/** The members of a JSON object; undefined for anything else. */
export function membersOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return value as Readonly<Record<string, unknown>>;
}

/** `spec.ingress[0].source`, `metadata.labels["a.b/c"]`. */
export function formatPath(at: readonly (string | number)[]): string {
  let text = '';
  for (const part of at) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[\w-]+$/.test(part)) text += text === '' ? part : `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}

/** `source.ports[1]` as its parts. Only for paths that the code writes: names without dots and numbers in brackets. */
export function parsePath(path: string): readonly (string | number)[] {
  return [...path.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map((match) =>
    match[1] === undefined ? (match[2] ?? '') : Number(match[1]),
  );
}

/** What stands at a path; undefined where nothing does. */
export function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  let at = value;
  for (const part of path) {
    const members: Readonly<Record<string, unknown>> | undefined = membersOf(at);
    if (typeof part === 'number') at = Array.isArray(at) ? (at as readonly unknown[])[part] : undefined;
    else at = members !== undefined && Object.hasOwn(members, part) ? members[part] : undefined;
  }
  return at;
}

/** A value in a few words, for messages. */
export function describeValue(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value === 'string') return JSON.stringify(value.length > 64 ? `${value.slice(0, 61)}...` : value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === 'object' ? 'an object' : String(value);
}
