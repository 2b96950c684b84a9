// Who may have how many connections: so many at a time, so many in all, so many a second; and each sender one in any case.

export interface ConnectionLimits {
  readonly ofOne: number;
  readonly ofAll: number;
  /** New ones of one sender; as many may come at once as come in `burstSeconds`. */
  readonly perSecond: number;
  readonly burstSeconds: number;
}

export interface ConnectionLimiter {
  /** Returns what gives the connection back; undefined beyond the limits. */
  tryAcquire(sender: string): (() => void) | undefined;
}

interface Sender {
  open: number;
  /** How many it may begin now. */
  credit: number;
  atMs: number;
}

export function createConnectionLimiter(limits: ConnectionLimits, nowMs: () => number = Date.now): ConnectionLimiter {
  const { ofOne, ofAll, perSecond, burstSeconds } = limits;
  const senders = new Map<string, Sender>();
  const most = perSecond * burstSeconds;
  let all = 0;

  function observe(name: string): Sender {
    const now = nowMs();
    const sender = senders.get(name) ?? { open: 0, credit: most, atMs: now };
    senders.set(name, sender);
    sender.credit = Math.min(most, sender.credit + ((now - sender.atMs) / 1000) * perSecond);
    sender.atMs = now;
    return sender;
  }

  return {
    tryAcquire(name) {
      const sender = observe(name);
      if (sender.credit < 1 || sender.open >= (all < ofAll ? ofOne : 1)) return undefined;
      sender.credit -= 1;
      sender.open += 1;
      all += 1;
      return () => {
        sender.open -= 1;
        all -= 1;
      };
    },
  };
}
