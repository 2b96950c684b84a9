// What is said of a kind, a field or some values of one that are stored and shown and have no effect here.

export interface IdleMark {
  /** From the resource on, by names; `''` is the whole kind. What lies below a marked field is marked with it. */
  readonly path: string;
  /** What that means, as the end of a sentence that begins with "no effect here:". */
  readonly why: string;
  /** The values that have none; undefined: whatever is not the default. */
  readonly values?: readonly (string | boolean)[];
  /** Values beside the default that say what is so anyway. */
  readonly holds?: readonly (string | boolean)[];
}
