// How many questions each may ask in a second, and at once after a rest. Whoever asks more is not answered.

export interface RateLimiter<K> {
  /** Whether one more is within the rate. */
  take(who: K, nowMs: number): boolean;
}

interface Bucket {
  left: number;
  atMs: number;
}

/** Those who have asked nothing for longest are forgotten: they have their whole burst again anyway. */
const MAX_KNOWN = 4_096;

export function createRateLimiter<K>(perSecond: number, burst: number): RateLimiter<K> {
  const buckets = new Map<K, Bucket>();

  function bucketOf(who: K, nowMs: number): Bucket {
    const known = buckets.get(who);
    if (known !== undefined) return known;
    if (buckets.size >= MAX_KNOWN)
      for (const oldest of [...buckets.keys()].slice(0, MAX_KNOWN / 2)) buckets.delete(oldest);
    const fresh = { left: burst, atMs: nowMs };
    buckets.set(who, fresh);
    return fresh;
  }

  return {
    take(who, nowMs) {
      const bucket = bucketOf(who, nowMs);
      const passed = Math.max(0, nowMs - bucket.atMs);
      bucket.left = Math.min(burst, bucket.left + (passed * perSecond) / 1000);
      bucket.atMs = nowMs;
      if (bucket.left < 1) return false;
      bucket.left -= 1;
      return true;
    },
  };
}
