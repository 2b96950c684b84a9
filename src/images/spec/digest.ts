// Content digests as registries write them: `sha256:` or `sha512:` and lower-case hex.
import { createHash, type Hash } from 'node:crypto';
import { OcicatError } from '../../base/errors.ts';

/** A parsed digest; equal when the texts are. */
export interface Digest {
  readonly algorithm: 'sha256' | 'sha512';
  readonly hex: string;
  /** `algorithm:hex`. */
  readonly text: string;
}

/** Undefined unless the algorithm is known and the hex has its length. Source: OCI image-spec, descriptor.md#digests. */
export function tryParseDigest(text: string): Digest | undefined {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(text)?.[1];
  if (hex !== undefined) return { algorithm: 'sha256', hex, text };
  const longHex = /^sha512:([0-9a-f]{128})$/.exec(text)?.[1];
  return longHex === undefined ? undefined : { algorithm: 'sha512', hex: longHex, text };
}

/** Throws `invalid`. */
export function parseDigest(text: string): Digest {
  const digest = tryParseDigest(text);
  if (digest !== undefined) return digest;
  throw new OcicatError('invalid', `digest "${text}": wanted sha256: and 64 or sha512: and 128 lower-case hex digits`);
}

/** The digest of bytes at hand. */
export function computeDigest(bytes: Uint8Array | string, algorithm: Digest['algorithm'] = 'sha256'): Digest {
  return finishDigest(createHash(algorithm).update(bytes), algorithm);
}

/** The digest of everything a hash has been fed. */
export function finishDigest(hash: Hash, algorithm: Digest['algorithm']): Digest {
  const hex = hash.digest('hex');
  return { algorithm, hex, text: `${algorithm}:${hex}` };
}

/** A file name for a digest: `sha256-hex`. */
export function printDigestName(digest: Digest): string {
  return `${digest.algorithm}-${digest.hex}`;
}

/** Names a stack of layers: the first diff ID, then SHA-256 over `chain diff` for each further one (OCI image-spec, config.md#layer-chainid). */
export function computeChainIds(diffIds: readonly Digest[]): readonly Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const parent = chain.at(-1);
    chain.push(parent === undefined ? diffId : computeDigest(`${parent.text} ${diffId.text}`));
  }
  return chain;
}
