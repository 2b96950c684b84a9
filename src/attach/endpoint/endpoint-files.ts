// The endpoints of this host's pods, kept as files: a store that was restored or emptied does not know those that were
// made since, and is told again.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isOcicatError } from '../../base/errors.ts';
import { shortHash } from '../../base/hash.ts';
import { parseJson, printJson } from '../../base/json.ts';
import { printResource } from '../../datastore/resource/resource-codec.ts';
import { type WorkloadEndpoint, workloadEndpoint } from '../../model/endpoint/workload-endpoint.ts';
import type { Attachment } from '../../model/endpoint/workload-endpoint-name.ts';
import { parseStored } from '../../model/meta/stored.ts';
import { parseDocument } from '../../schema/parse.ts';
import { anything, boolean, text } from '../../schema/scalars.ts';
import { filled, object, optional, sparse } from '../../schema/schema.ts';
import { readRegularFile } from '../../sys/files.ts';
import { replaceFile } from '../../sys/replace-file.ts';

/** What a store is told of a pod that it does not know. */
export interface KeptEndpoint {
  readonly endpoint: WorkloadEndpoint;
  /** What its addresses are held under; undefined where another provider gave them. */
  readonly handleId: string | undefined;
  /** Whether its networks' profiles are made where they are missing. */
  readonly createsProfile: boolean;
  /** Whether that is the profile of an internal network. */
  readonly isInternal?: boolean | undefined;
  /** What another provider of addresses answered, which it wants to see again when it is to check. */
  readonly supplied?: string | undefined;
}

const SUFFIX = '.json';
/** As much as etcd takes in a value. */
const MAX_BYTES = 1536 * 1024;

function fileOf(folder: string, { containerId, interfaceName }: Attachment): string {
  return join(folder, `${shortHash(JSON.stringify([containerId, interfaceName]), 32)}${SUFFIX}`);
}

/** Which interface of which container is kept. */
function attachmentOf({ endpoint: { spec } }: KeptEndpoint): Attachment {
  return { containerId: spec.containerID ?? '', interfaceName: spec.endpoint };
}

/** Throws `unavailable` when the disk does not take it. It need not survive a power cut, after which no pod is left. */
export function keepEndpoint(folder: string, kept: KeptEndpoint): void {
  const { endpoint, handleId = '', supplied, ...rest } = kept;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const json = printJson({ endpoint: parseJson(printResource(endpoint)), handleId, ...rest, supplied });
  replaceFile(fileOf(folder, attachmentOf(kept)), json, 0o600);
}

/** Throws when it stands and cannot be removed. */
export function forgetEndpoint(folder: string, attachment: Attachment): void {
  const path = fileOf(folder, attachment);
  if (existsSync(path)) rmSync(path, { force: true });
}

const keptEndpoint = object({
  endpoint: anything,
  handleId: sparse(text(), ''),
  createsProfile: filled(boolean, false, ''),
  isInternal: sparse(boolean, ''),
  supplied: optional(text()),
});

/** A file that is damaged says nothing. */
function tryReadKept(path: string): KeptEndpoint | undefined {
  try {
    const json = new TextDecoder('utf-8', { fatal: true }).decode(readRegularFile(path, MAX_BYTES));
    const { endpoint, createsProfile, ...rest } = parseDocument(`endpoint "${path}"`, json, keptEndpoint, 'open');
    return { endpoint: parseStored(workloadEndpoint, endpoint), handleId: undefined, ...rest, createsProfile };
  } catch (error) {
    if (isOcicatError(error) || [SyntaxError, RangeError, TypeError].some((kind) => error instanceof kind))
      return undefined;
    throw error;
  }
}

/** The endpoint that is kept of an interface. */
export function tryRecallEndpoint(folder: string, attachment: Attachment): KeptEndpoint | undefined {
  const path = fileOf(folder, attachment);
  const kept = tryReadKept(path);
  return kept !== undefined && fileOf(folder, attachmentOf(kept)) === path ? kept : undefined;
}

/** What `stampOf` says where there is no file. */
export const NO_FILE = '';

/** What another write of the file would change. */
export function stampOf(folder: string, attachment: Attachment): string {
  const file = statSync(fileOf(folder, attachment), { bigint: true, throwIfNoEntry: false });
  return file === undefined ? NO_FILE : `${file.ino} ${file.mtimeNs} ${file.size}`;
}

/** What is kept in a file; one that an earlier version named by the container alone gets its name of today. */
function listKept(folder: string, path: string): readonly Attachment[] {
  const kept = tryReadKept(path);
  if (kept === undefined) return [];
  const attachment = attachmentOf(kept);
  const wanted = fileOf(folder, attachment);
  if (path !== wanted) renameSync(path, wanted);
  return [attachment];
}

/** Interfaces of which an endpoint is kept. The files of those in `except` are not read. */
export function listKeptEndpoints(folder: string, except: readonly Attachment[] = []): readonly Attachment[] {
  let files: readonly string[];
  try {
    files = readdirSync(folder);
  } catch {
    return [];
  }
  const left = new Set(except.map((attachment) => fileOf(folder, attachment)));
  const paths = files
    .filter((file) => file.endsWith(SUFFIX) && !file.startsWith('.'))
    .map((file) => join(folder, file));
  return paths.filter((path) => !left.has(path)).flatMap((path) => listKept(folder, path));
}
