// Reads the WWW-Authenticate header with which a registry asks for credentials. Source: RFC 9110 §11.6.1.

/** One way to authenticate that a server offers. */
export interface Challenge {
  /** Lower-case: `basic`, `bearer`. */
  readonly scheme: string;
  /** Names lower-case. */
  readonly parameters: Readonly<Record<string, string>>;
}

const piece = /\s*,?\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+)))?/y;

/** Every challenge of a header, in order; what cannot be understood is left out. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  piece.lastIndex = 0;
  for (let match = piece.exec(header); match !== null; match = piece.exec(header)) {
    const [, word = '', quoted, bare] = match;
    const value = quoted?.replace(/\\(.)/g, '$1') ?? bare;
    if (value === undefined) challenges.push({ scheme: word.toLowerCase(), parameters: Object.create(null) });
    else {
      const parameters = challenges.at(-1)?.parameters;
      if (parameters !== undefined) parameters[word.toLowerCase()] = value;
    }
  }
  return challenges;
}
