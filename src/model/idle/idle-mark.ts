// What is said of a kind or a field that are stored and shown and have no effect here.

export interface IdleMark {
  /** From the resource on, by names; `''` is the whole kind. What lies below a marked field is marked with it. */
  readonly path: string;
  /** What that means, as the end of a sentence that begins with "no effect here:". */
  readonly why: string;
  /** Values beside the default that say what is so anyway. */
  readonly holds?: readonly (string | boolean)[];
}
