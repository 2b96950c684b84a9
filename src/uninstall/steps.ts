// Taking Ocicat off this host, step by step; each may be done again after a kill at any moment.
import { existsSync, readFileSync } from 'node:fs';
import { OcicatError } from '../base/errors.ts';
import { escapeLine } from '../base/escape.ts';
import { flagOn } from '../cli/flags.ts';
import type { SingleHandler } from '../cli/single-command.ts';
import { isPackaged } from '../install/places.ts';
import { writeLine } from '../sys/output.ts';
import {
  endTableHolders,
  removeEncryption,
  removeLinks,
  removePaths,
  removePeeringAddresses,
  removeRoutes,
  removeTables,
} from './data-plane.ts';
import { removeDockerSockets } from './docker-sockets.ts';
import {
  keepDataDirectories,
  observeConfiguration,
  removeDataDirectories,
  removeDefaults,
  removeEmptyConfiguration,
  removeLinksToPrograms,
  removeNamespaceDirectory,
  removePrograms,
  removeRunDirectories,
} from './files.ts';
import { closeFirewalld, removeAcceptRules } from './other-firewalls.ts';
import { MOVED_TO_FILE, NODE_NAME_FILE, PRIVATE_STORE } from './paths.ts';
import { endAgents, endBird, removeUnits, stopUnits } from './processes.ts';
import { collectPods, describeWorkloads, endPods, releasePods } from './workloads.ts';

interface Wish {
  readonly force: boolean;
  readonly keepData: boolean;
  /** The programs are a Debian package's. */
  readonly packaged: boolean;
}

/** Does one thing and says, a line each, what it has removed; nothing where there was nothing. */
type Step = () => readonly string[] | Promise<readonly string[]>;

/** What a Debian package has brought is dpkg's to remove. */
const REMOVE_INSTALLATION: readonly Step[] = [
  removeDefaults,
  removeEmptyConfiguration,
  removeLinksToPrograms,
  removePrograms,
];

/**
 * Pods end while the agent can still give their addresses back, and nothing is taken out of the kernel while somebody is there
 * who would put it back. Links go before the tables that judge their packets, and this program last.
 */
function stepsFor({ force, keepData, packaged }: Wish): readonly Step[] {
  return [
    ...(force ? [endPods] : []),
    collectPods,
    packaged ? stopUnits : removeUnits,
    endAgents,
    endBird,
    collectPods, // the agent may have been one
    releasePods,
    removeLinks,
    removeEncryption,
    removePaths,
    removeRoutes,
    removePeeringAddresses,
    endTableHolders,
    removeTables,
    removeAcceptRules,
    closeFirewalld,
    removeDockerSockets,
    removeRunDirectories,
    ...(keepData ? [] : [removeDataDirectories]),
    removeNamespaceDirectory,
    ...(packaged ? [] : REMOVE_INSTALLATION),
  ];
}

async function refuseWorkloads(): Promise<void> {
  const workloads = describeWorkloads();
  if (workloads.length === 0) return;
  throw new OcicatError(
    'denied',
    `containers run on this host: ${workloads.map(escapeLine).join(', ')}; end them first, or say --force: ` +
      'it ends the pods of rkt and takes the network from all others',
  );
}

/** The name of the node in a cluster that goes on without it; undefined where the store was this host's own. */
function readNodeName(): string | undefined {
  const hasOwnStore = existsSync(PRIVATE_STORE) && !existsSync(MOVED_TO_FILE);
  if (hasOwnStore || !existsSync(NODE_NAME_FILE)) return undefined;
  return readFileSync(NODE_NAME_FILE, 'utf8').trim();
}

function reportWhatIsLeft({ keepData, packaged }: Wish, node: string | undefined, removed: number): void {
  if (removed === 0) writeLine('nothing of Ocicat is on this host');
  const configuration = observeConfiguration();
  if (configuration.length > 0) writeLine(`left, as they are yours: ${configuration.join(', ')}`);
  const kept = keepData ? keepDataDirectories() : [];
  if (kept.length > 0) writeLine(`left for a later installation: ${kept.map(escapeLine).join(', ')}`);
  if (packaged) writeLine('left, as dpkg has them: the programs; "apt-get purge ocicat" removes them');
  if (removed > 0) writeLine('left as it is until the next start of this host: IP forwarding');
  if (node !== undefined)
    writeLine(
      `the cluster still has this node: "calicoctl delete node ${escapeLine(node)}" on another host removes it there`,
    );
}

/** Takes everything off this host; refused for containers that run, unless by `--force`. */
export const uninstall: SingleHandler = async (line) => {
  const wish = { force: flagOn(line, 'force'), keepData: flagOn(line, 'keep-data'), packaged: isPackaged() };
  if (process.getuid?.() !== 0) throw new OcicatError('denied', 'it must be run as root');
  if (!wish.force) await refuseWorkloads();
  const node = readNodeName();
  let removed = 0;
  for (const step of stepsFor(wish)) {
    const lines = await step();
    for (const text of lines) writeLine(text);
    removed += lines.length;
  }
  reportWhatIsLeft(wish, node, removed);
  return 0;
};
