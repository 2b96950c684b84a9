// The project's version, in one place: package.json.
import manifest from '../../package.json' with { type: 'json' };

/** Semantic version without a leading v. */
export const VERSION: string = manifest.version;
