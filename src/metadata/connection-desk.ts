// Who may have how many connections: so many for each sender, so many in all, and each sender one in any case.

export interface ConnectionLimits {
  readonly ofOne: number;
  readonly ofAll: number;
}

export interface ConnectionDesk {
  /** Returns what gives the place back; undefined where there is none. */
  tryEnter(sender: string): (() => void) | undefined;
}

export function createConnectionDesk({ ofOne, ofAll }: ConnectionLimits): ConnectionDesk {
  const open = new Map<string, number>();
  let all = 0;
  const leave = (sender: string): void => {
    const left = (open.get(sender) ?? 1) - 1;
    if (left === 0) open.delete(sender);
    else open.set(sender, left);
    all -= 1;
  };
  return {
    tryEnter(sender) {
      const own = open.get(sender) ?? 0;
      if (own >= (all < ofAll ? ofOne : 1)) return undefined;
      open.set(sender, own + 1);
      all += 1;
      return () => leave(sender);
    },
  };
}
