// Finds which parts of a configuration BIRD refuses, by bisecting what is still suspect.

/** Why BIRD refuses the configuration without these parts; undefined when it takes it. */
export type Try = (leftOut: ReadonlySet<string>) => Promise<string | undefined>;

/** A try takes some milliseconds; what is suspect after so many is left out as it is. */
const MAX_TRIES = 500;
const UNTRIED = 'not tried, since so many others are refused';

/**
 * The parts that must be left out, with BIRD's reason for each. `suspects` were refused before, and are looked at by
 * themselves. With everything left out the configuration must be one that BIRD takes.
 */
export async function findRefused(
  parts: readonly string[],
  suspects: ReadonlySet<string>,
  tryWithout: Try,
): Promise<ReadonlyMap<string, string>> {
  const out = new Map(parts.map((part) => [part, UNTRIED]));
  let tries = 0;

  /** Takes in of a group whatever BIRD takes beside what is in already. */
  async function takeIn(group: readonly string[]): Promise<void> {
    const [only] = group;
    if (only === undefined || tries >= MAX_TRIES) return;
    tries += 1;
    const reason = await tryWithout(new Set([...out.keys()].filter((part) => !group.includes(part))));
    if (reason === undefined) {
      for (const part of group) out.delete(part);
    } else if (group.length === 1) {
      out.set(only, reason);
    } else {
      const middle = Math.ceil(group.length / 2);
      await takeIn(group.slice(0, middle));
      await takeIn(group.slice(middle));
    }
  }

  await takeIn(parts.filter((part) => !suspects.has(part)));
  await takeIn(parts.filter((part) => suspects.has(part)));
  return out;
}
