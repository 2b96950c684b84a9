// Which tunnels this host's kernel cannot make. Pools that need them have no way to other hosts and give no addresses here, and the log
// names them once.
import type { Pool } from '../../ipam/pool.ts';
import { describePool } from '../../ipam/pool-choice.ts';
import { hasTunnels } from '../../kernel/link/tunnel-support.ts';
import type { Log } from '../../sys/log.ts';

/** What the kernel lacks now it may have later, when somebody installs a module. */
const AGAIN_MS = 5_000;
const KINDS = ['ipip', 'vxlan'] as const;

export interface TunnelSupport {
  /** Of the encapsulations that pools have, those that cannot be. */
  unmade(): ReadonlySet<Pool['encapsulation']>;
}

export interface TunnelSupportContext {
  readonly pools: () => readonly Pool[];
  readonly log: Log;
  readonly has?: typeof hasTunnels;
  readonly now?: () => number;
}

type Kind = (typeof KINDS)[number];

/** Asks the kernel again for what it had not, and not too often. */
function createAnswers(has: typeof hasTunnels, now: () => number): (kind: Kind) => boolean {
  const answers = new Map<Kind, { readonly has: boolean; readonly atMs: number }>();
  return (kind) => {
    const last = answers.get(kind);
    if (last !== undefined && (last.has || now() - last.atMs < AGAIN_MS)) return last.has;
    const answer = { has: has(kind), atMs: now() };
    answers.set(kind, answer);
    return answer.has;
  };
}

export function createTunnelSupport({
  pools,
  log,
  has = hasTunnels,
  now = Date.now,
}: TunnelSupportContext): TunnelSupport {
  const isMade = createAnswers(has, now);
  const said = new Map<Kind, string>();

  function say(kind: Kind, lacking: readonly Pool[]): void {
    const names = lacking.map(describePool).join(', ');
    if (names === (said.get(kind) ?? '')) return;
    said.set(kind, names);
    if (names === '') log.info(`no pool needs tunnels of ${kind} that the kernel has not`);
    else
      log.error(
        `the kernel has no tunnels of ${kind}: pools ${names} have no way to other hosts, and give no addresses here, ` +
          `until its module ${kind} is there`,
      );
  }

  return {
    unmade() {
      const all = pools();
      return new Set(
        KINDS.filter((kind) => {
          const needing = all.filter(({ encapsulation }) => encapsulation === kind);
          const lacking = needing.length === 0 || isMade(kind) ? [] : needing;
          say(kind, lacking);
          return lacking.length > 0;
        }),
      );
    },
  };
}
