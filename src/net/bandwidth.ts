// How much traffic may pass in a time.

/** As administrators and runtimes say it. */
export interface Bandwidth {
  readonly bitsPerSecond: number;
  /** What may pass at once after a time without traffic. */
  readonly burstBits: number;
  /** How fast the burst may pass; undefined: as fast as the link is. */
  readonly peakBitsPerSecond?: number;
  /** What may pass at once even so. */
  readonly minBurstBytes?: number;
}

/** Of each direction of a link, seen from the pod; undefined: as much as can. */
export interface LinkBandwidth {
  readonly ingress?: Bandwidth;
  readonly egress?: Bandwidth;
}
