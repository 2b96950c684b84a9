// The project's version, in one place: package.json.
import manifest from '../../package.json' with { type: 'json' };

/** Semantic version without a leading v. */
export const VERSION: string = manifest.version;

/** What script/build puts in the place of this name. */
declare const OCICAT_COMMIT: string | undefined;

/** The commit that the program was built from, `-dirty` where its sources were changed since; `unknown` outside of a checkout. */
export const COMMIT: string = typeof OCICAT_COMMIT === 'string' ? OCICAT_COMMIT : 'unknown';
