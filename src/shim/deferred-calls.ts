// Calls that take a container from a network and are not finished yet, kept as files: what a crash, or a store that cannot be
// reached, leaves undone is done later, even if nobody asks again.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tryParseJson } from '../base/json.ts';
import { text } from '../schema/scalars.ts';
import { map, object } from '../schema/schema.ts';
import { readSchema } from '../schema/schema-read.ts';
import { replaceFile } from '../sys/replace-file.ts';
import type { ShimCall } from './wire.ts';

const SUFFIX = '.json';

function fileOf(folder: string, name: string): string {
  return join(folder, `${name}${SUFFIX}`);
}

/** Written beside and moved into place; it need not survive a power cut, after which the container is gone as well. */
export function saveCall(folder: string, name: string, { program, variables, input }: ShimCall): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  replaceFile(fileOf(folder, name), JSON.stringify({ program, variables, input }), 0o600);
}

/** Throws when it stands and cannot be removed: it would be done again. */
export function clearCall(folder: string, name: string): void {
  const path = fileOf(folder, name);
  if (existsSync(path)) rmSync(path, { force: true });
}

const savedCall = object({ program: text(), variables: map(text(), text()), input: text() });

/** A file that is damaged says nothing and goes. */
function tryParseCall(json: string): ShimCall | undefined {
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

/** The unfinished call of that name. */
export function tryLoadCall(folder: string, name: string): ShimCall | undefined {
  const text = tryReadText(fileOf(folder, name));
  const call = text === undefined ? undefined : tryParseCall(text);
  if (text !== undefined && call === undefined) clearCall(folder, name);
  return call;
}

/** All unfinished calls, by name. */
export function listCalls(folder: string): readonly (readonly [string, ShimCall])[] {
  let files: readonly string[];
  try {
    files = readdirSync(folder);
  } catch {
    return [];
  }
  const names = files.filter((file) => file.endsWith(SUFFIX)).map((file) => file.slice(0, -SUFFIX.length));
  return names.flatMap((name) => {
    const call = tryLoadCall(folder, name);
    return call === undefined ? [] : [[name, call] as const];
  });
}
