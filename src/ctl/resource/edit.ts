// edit: opens one resource in an editor and writes back what was changed.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import { formatResourceId, type Resource } from '../../model/meta/resource.ts';
import type { Handler, Invocation } from '../cli/command.ts';
import { readResources } from '../manifest/manifest.ts';
import { printYaml } from '../manifest/yaml.ts';
import { namespaceFor, parseKindArgument, withStore } from '../store/context.ts';
import { fetchOne } from '../store/stored.ts';
import { warnOfIdle } from './idle-warning.ts';
import { reportOutcomes } from './report.ts';
import { writeItems } from './write.ts';

/** EDITOR may carry arguments, so a shell splits it. Throws `invalid` when the editor fails. */
async function runEditor(invocation: Invocation, path: string): Promise<void> {
  const editor = invocation.environment.VISUAL || invocation.environment.EDITOR || 'vi';
  const child = Bun.spawn(['/bin/sh', '-c', `${editor} "$1"`, 'edit', path], {
    stdin: 'inherit',
    stdout: 'inherit',
    stderr: 'inherit',
    env: { ...invocation.environment },
  });
  const status = await child.exited;
  if (status !== 0) throw new OcicatError('invalid', `edit: the editor "${editor}" ended with status ${status}`);
}

async function readEdited(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new OcicatError('not-found', `edit: the editor left nothing at "${path}"`, { cause });
  }
}

async function writeEdited(invocation: Invocation, before: Resource, path: string): Promise<number> {
  const text = await readEdited(path);
  const items = await readResources([{ source: path, text }], 'whole');
  const [item] = items;
  if (item === undefined || items.length > 1 || formatResourceId(item.resource) !== formatResourceId(before)) {
    throw new OcicatError('invalid', `edit: wanted ${formatResourceId(before)} and nothing else in the file`);
  }
  const { signal, stdio } = invocation;
  warnOfIdle(stdio, items, before);
  const outcomes = await withStore(invocation, (datastore) => writeItems(datastore, 'replace', items, signal));
  return reportOutcomes(invocation, 'replace', outcomes);
}

/** What was edited is not lost when it cannot be written: the file stays, and the message names it. */
export const runEdit: Handler = async (invocation) => {
  const [word = '', name = ''] = invocation.operands;
  const kind = parseKindArgument(word);
  const namespace = namespaceFor(invocation, kind);
  const { resource } = await withStore(invocation, (datastore) =>
    fetchOne(datastore, kind, namespace, name, invocation.signal),
  );
  const folder = await mkdtemp(join(tmpdir(), 'calicoctl-edit-'));
  const path = join(folder, `${name}.yaml`);
  const text = printYaml(resource);
  await writeFile(path, text, { mode: 0o600 });
  await runEditor(invocation, path);
  if ((await readEdited(path)) === text) {
    invocation.stdio.write('Edit cancelled, no changes made.\n');
    await rm(folder, { recursive: true });
    return 0;
  }
  try {
    const status = await writeEdited(invocation, resource, path);
    if (status === 0) await rm(folder, { recursive: true });
    else invocation.stdio.writeError(`The edited text is in ${path}\n`);
    return status;
  } catch (error) {
    if (!isOcicatError(error)) throw error;
    throw new OcicatError(error.code, `${error.message}\nThe edited text is in ${path}`, { issues: error.issues });
  }
};
