// Starting the agent of one host, by hand, by an init system or as a pod; it ends on SIGTERM and leaves the data plane as it is.
import { OcicatError } from '../base/errors.ts';
import { VERSION } from '../base/version.ts';
import { flagOn } from '../cli/flags.ts';
import type { SingleHandler } from '../cli/single-command.ts';
import { writeErrorLine, writeLine } from '../sys/output.ts';
import { parseAgentSettings } from './config/settings.ts';
import { createReadiness } from './readiness.ts';
import { takeServiceManager } from './service-manager.ts';

const RUN_DIRECTORY = '/var/run/calico';
/** Another agent has the host (EX_TEMPFAIL of sysexits.h); the systemd unit does not start again after it. */
const EXIT_OCCUPIED = 75;

async function run(): Promise<number> {
  if (process.getuid?.() !== 0)
    throw new OcicatError('denied', 'start: the agent changes links, routes and rules and must run as root');
  const settings = parseAgentSettings(process.env);
  const { takeHostLock } = await import('./node/host-lock.ts');
  const holder = takeHostLock(RUN_DIRECTORY, process.env);
  if (holder !== undefined) {
    writeErrorLine(`calico-node: start: another agent runs on this host (${holder}); end it first, or leave it to it`);
    return EXIT_OCCUPIED;
  }
  const abort = new AbortController();
  const { ready, ending } = createReadiness(takeServiceManager(process.env));
  const stop = () => {
    ending();
    abort.abort();
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);
  const [{ runAgent }, { runOnOwnStore }] = await Promise.all([import('./run.ts'), import('./own-store.ts')]);
  try {
    await runOnOwnStore(process.env, abort.signal, (config, signal) =>
      runAgent({ settings, config, environment: process.env, ready }, signal),
    );
  } finally {
    abort.abort(); // one of its tasks has failed: the others must not keep the process
  }
  return 0;
}

/**
 * Reads all that the settings come from, as a start would, and looks for the programs that they need. Throws `invalid` with
 * every issue of the first that is wrong, and `not-found`.
 */
async function check(): Promise<number> {
  const settings = parseAgentSettings(process.env);
  const [{ loadOwnStore }, { parseFelixOverrides }, { observeNodeName, tryReadFelixConfig }, programs] =
    await Promise.all([
      import('./own-store.ts'),
      import('./config/felix-overrides.ts'),
      import('./node/node-files.ts'),
      import('./node/host-programs.ts'),
    ]);
  observeNodeName(settings);
  const datastore = await loadOwnStore(process.env);
  parseFelixOverrides(process.env, tryReadFelixConfig(settings));
  programs.requireAgentPrograms(settings, datastore);
  return 0;
}

/** Runs until SIGTERM, or does what a flag says instead. */
export const startNode: SingleHandler = async (line) => {
  if (flagOn(line, 'version')) {
    writeLine(`v${VERSION}`);
    return 0;
  }
  return flagOn(line, 'check') ? check() : run();
};
