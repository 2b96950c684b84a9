// One attack by an image: what is in it, how it is run, and what must come of it.
import type { HostileImage } from './hostile-images.ts';

/** Where on the host the sentinel tree is. */
export interface Aim {
  readonly sentinel: string;
}

export interface ImageAttack {
  readonly name: string;
  readonly image: (aim: Aim) => HostileImage;
  /** More options of `rkt fetch`. */
  readonly fetchOptions?: readonly string[];
  /** What fetching must say when it refuses; it must succeed without. */
  readonly refused?: RegExp;
  /** Runs in the pod, by the image's shell. */
  readonly script?: (aim: Aim) => string;
  /** Instead of a script: the image's own program runs. */
  readonly runs?: true;
  /** More options of `rkt run`, before and behind the image. */
  readonly podOptions?: readonly string[];
  readonly appOptions?: (aim: Aim) => readonly string[];
  /** What running must print, its own words and the app's; each line without its prefix. */
  readonly prints?: RegExp;
}
