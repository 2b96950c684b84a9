// cluster diags: what the store holds, in one archive.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeError, isOcicatError } from '../../base/errors.ts';
import { kinds } from '../../model/kinds.ts';
import type { Handler, Invocation } from '../cli/command.ts';
import { runIpamCheck } from '../ipam/check.ts';
import { runIpamShow } from '../ipam/show.ts';
import { printYaml } from '../manifest/yaml.ts';
import { type ArchiveEntry, formatTimestamp, writeArchive } from '../output/archive.ts';
import { documentOf } from '../resource/output.ts';
import { withStore } from '../store/context.ts';
import { fetchList } from '../store/stored.ts';

async function collectKinds(invocation: Invocation): Promise<readonly ArchiveEntry[]> {
  return withStore(invocation, async (datastore) => {
    const entries: ArchiveEntry[] = [];
    for (const kind of kinds) {
      const { resources, warnings, revision } = await fetchList(datastore, kind, undefined, invocation.signal);
      const notes = warnings.map((warning) => `# ${warning}\n`).join('');
      const document = documentOf({ kind: 'list', of: kind, resources, revision });
      entries.push({ name: `cluster/${kind.plural}.yaml`, text: notes + printYaml(document) });
    }
    return entries;
  });
}

/** What a command prints, as a file. */
async function captureCommand(
  invocation: Invocation,
  name: string,
  run: Handler,
  flags: readonly string[],
): Promise<ArchiveEntry> {
  let text = '';
  const write = (part: string) => {
    text += part;
  };
  const stdio = { ...invocation.stdio, write, writeError: write };
  try {
    await run({ ...invocation, stdio, flags: flags.map((name) => ({ name, value: 'true' })) });
  } catch (error) {
    if (!isOcicatError(error)) throw error;
    text += `${describeError(error)}\n`;
  }
  return { name: `cluster/${name}`, text };
}

export const runClusterDiags: Handler = async (invocation) => {
  invocation.stdio.write('Collecting cluster diagnostics\n');
  const resources = await collectKinds(invocation);
  const usage = await captureCommand(invocation, 'ipam-show.txt', runIpamShow, ['show-blocks']);
  const check = await captureCommand(invocation, 'ipam-check.txt', runIpamCheck, ['show-problem-ips']);
  const folder = await mkdtemp(join(tmpdir(), 'calico'));
  const path = join(folder, `cluster-diags-${formatTimestamp(new Date())}.tar.gz`);
  await writeArchive(path, [...resources, usage, check]);
  invocation.stdio.write(`\nDiags saved to ${path}\n`);
  return 0;
};
