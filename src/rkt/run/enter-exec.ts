// Another process in a running app's container: with the app's own user, capabilities, filter and cgroup, and a terminal of
// its own, so that nothing in the image gets hold of more than the app has.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OcicatError } from '../../base/errors.ts';
import { parseDocument } from '../../schema/parse.ts';
import { anything, integer, text } from '../../schema/scalars.ts';
import { type Infer, list, object, optional } from '../../schema/schema.ts';
import * as libc from '../../sys/libc.ts';
import { systemEnvironment } from '../../sys/programs.ts';
import { containerId, crunArgv } from '../app/app-process.ts';
import { consoleSize } from '../app/oci-spec.ts';
import { observeTerminalSize } from '../app/terminal-size.ts';
import { appNames, appPath } from '../store/rootfs.ts';
import { joinAppGroups } from './cgroups.ts';
import { enterPrivateMounts, hideCgroups } from './mount-space.ts';

const names = list(text());
const capabilities = object({
  bounding: names,
  effective: names,
  permitted: names,
  inheritable: names,
  ambient: names,
});
/** What an app's configuration says of its process. Source: OCI runtime-spec, config.md, "Process". */
const appConfig = object({
  process: object({
    user: anything,
    env: names,
    capabilities,
    noNewPrivileges: anything,
    oomScoreAdj: optional(integer(-1000, 1000)),
  }),
});
type AppConfig = Infer<typeof appConfig>;

/** The configuration that the app was started with; undefined for one whose program could not be executed. */
function tryReadConfig(podPath: string, app: string): AppConfig | undefined {
  const path = join(appPath(podPath, app), 'config.json');
  return existsSync(path) ? parseDocument(`"${path}"`, readFileSync(path, 'utf8'), appConfig, 'open') : undefined;
}

/**
 * Until the runtime has given up the host's rights, its process is in sight of the pod's. The kernel keeps them off, unless
 * they may trace every process. Throws `unsupported` for a pod with such an app. Source: ptrace(2), access mode checking.
 */
export function refuseTracers(podPath: string): void {
  const tracer = appNames(podPath).find((app) =>
    tryReadConfig(podPath, app)?.process.capabilities.bounding.includes('CAP_SYS_PTRACE'),
  );
  if (tracer === undefined) return;
  throw new OcicatError(
    'unsupported',
    `app "${tracer}" has CAP_SYS_PTRACE, with which it could take over what enters the pod; --insecure-options=capabilities enters all the same`,
  );
}

/** A descriptor, open in children, of a file with this text that has no name any more. */
function openNameless(path: string, content: string): number {
  writeFileSync(path, content, { flag: 'wx', mode: 0o600 });
  try {
    return libc.open(path, libc.O_RDONLY);
  } finally {
    rmSync(path);
  }
}

export interface EnterRequest {
  readonly podPath: string;
  readonly uuid: string;
  readonly app: string;
  readonly command: readonly string[];
  /** The caller's TERM. */
  readonly term: string;
  /** Whether the caller is at a terminal. */
  readonly terminal: boolean;
}

/**
 * Becomes crun(1), so that signals and the exit status are the command's own. The command starts in the app's root
 * directory: the way to any other could be changed by the app while it is walked.
 */
export function execInApp(request: EnterRequest): never {
  const { podPath, uuid, app, command } = request;
  const config = tryReadConfig(podPath, app);
  if (config === undefined) throw new OcicatError('invalid', `app "${app}" of pod "${uuid}" has no process`);
  const { env, oomScoreAdj, ...own } = config.process;
  const settings = {
    ...own,
    args: command,
    cwd: '/',
    terminal: request.terminal,
    ...consoleSize(request.terminal ? observeTerminalSize() : undefined),
    env: [...env.filter((entry) => !entry.startsWith('TERM=')), `TERM=${request.term}`],
  };
  const fd = openNameless(join(appPath(podPath, app), `enter-${process.pid}`), JSON.stringify(settings));
  joinAppGroups(uuid, app);
  if (oomScoreAdj !== undefined) writeFileSync('/proc/self/oom_score_adj', String(oomScoreAdj));
  enterPrivateMounts();
  hideCgroups();
  const argv = crunArgv(podPath);
  const environment = Object.entries(systemEnvironment).map(([name, value]) => `${name}=${value}`);
  return libc.execve(
    argv[0] ?? '',
    [...argv, 'exec', '--process', `/proc/self/fd/${fd}`, containerId(uuid, app)],
    environment,
  );
}
