// DEL calls that are not finished yet, kept as files: what a crash, or a store that cannot be reached, leaves undone is
// done later, even if the runtime never asks again.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { shortHash } from '../../base/hash.ts';
import { tryParseJson } from '../../base/json.ts';
import { text } from '../../schema/scalars.ts';
import { map, object } from '../../schema/schema.ts';
import { readSchema } from '../../schema/schema-read.ts';
import { replaceFile } from '../../sys/replace-file.ts';
import type { CniCall, CniRequest } from '../spec/request.ts';

const SUFFIX = '.json';

/** The same for every call about one attachment: plugin, network, container and interface. */
export function attachmentName({ plugin, config, environment }: CniRequest): string {
  return shortHash(JSON.stringify([plugin, config.name, environment.containerId, environment.interfaceName]), 32);
}

function fileOf(folder: string, name: string): string {
  return join(folder, `${name}${SUFFIX}`);
}

/** Written beside and moved into place; it need not survive a power cut, after which the container is gone as well. */
export function saveDel(folder: string, name: string, call: CniCall): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = fileOf(folder, name);
  const variables = { ...call.variables, CNI_COMMAND: 'DEL' };
  replaceFile(path, JSON.stringify({ program: call.program, variables, input: call.input }), 0o600);
}

/** Throws when it stands and cannot be removed: it would be done again. */
export function clearDel(folder: string, name: string): void {
  const path = fileOf(folder, name);
  if (existsSync(path)) rmSync(path, { force: true });
}

const savedCall = object({ program: text(), variables: map(text(), text()), input: text() });

/** A file that is damaged says nothing and goes. */
function tryParseCall(json: string): CniCall | undefined {
  const result = readSchema(savedCall, tryParseJson(json), 'open');
  return result.kind === 'valid' ? result.value : undefined;
}

function tryReadText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** The unfinished DEL of an attachment. */
export function tryLoadDel(folder: string, name: string): CniCall | undefined {
  const text = tryReadText(fileOf(folder, name));
  const call = text === undefined ? undefined : tryParseCall(text);
  if (text !== undefined && call === undefined) clearDel(folder, name);
  return call;
}

/** All unfinished DELs, by attachment. */
export function listDels(folder: string): readonly (readonly [string, CniCall])[] {
  let files: readonly string[];
  try {
    files = readdirSync(folder);
  } catch {
    return [];
  }
  const names = files.filter((file) => file.endsWith(SUFFIX)).map((file) => file.slice(0, -SUFFIX.length));
  return names.flatMap((name) => {
    const call = tryLoadDel(folder, name);
    return call === undefined ? [] : [[name, call] as const];
  });
}
