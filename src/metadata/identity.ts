// A pod's identity: signatures with a key that no pod ever sees, over who signs and what (HMAC-SHA512, RFC 2104).
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { lstatSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { OcicatError } from '../base/errors.ts';
import { readRegularFile } from '../sys/files.ts';
import { replaceFileDurably } from '../sys/replace-file.ts';

const KEY_BYTES = 64;

function uuidBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

/** The UUID has a fixed length, so no other pod's UUID and content give the same bytes. */
function digestOf(key: Uint8Array, uuid: string, content: Uint8Array): Buffer {
  return createHmac('sha512', key).update(uuidBytes(uuid)).update(content).digest();
}

/** Base64, as the appc specification has it. */
export function sign(key: Uint8Array, uuid: string, content: Uint8Array): string {
  return digestOf(key, uuid, content).toString('base64');
}

/** Whether the pod of that UUID has signed the content. */
export function verify(key: Uint8Array, uuid: string, content: Uint8Array, signature: Uint8Array): boolean {
  const right = digestOf(key, uuid, content);
  return signature.length === right.length && timingSafeEqual(signature, right);
}

const OTHERS_READ = 0o077;

function readKey(path: string): Uint8Array {
  const { uid, mode, size } = lstatSync(path);
  const fail = (reason: string): never => {
    throw new OcicatError(
      'denied',
      `read key "${path}": ${reason}; remove it, and signatures so far are worth nothing`,
    );
  };
  if (uid !== process.geteuid?.() || (mode & OTHERS_READ) !== 0) fail('it is not one of root alone');
  return size === KEY_BYTES ? readRegularFile(path, KEY_BYTES) : fail(`it has ${size} bytes, wanted ${KEY_BYTES}`);
}

/**
 * The key of this machine, made the first time. It stays, so that what a pod has signed can be verified after the service
 * has been started anew; who wants another removes the file. Throws `denied` for a key that others may have read.
 */
export function ensureKey(path: string): Uint8Array {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return readKey(path);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  replaceFileDurably(path, randomBytes(KEY_BYTES), 0o600);
  return readKey(path);
}
