// What node run starts: the agent of this installation, or a pod of an image, with its settings as the agent reads them.
import { dirname, join } from 'node:path';
import { type DatastoreConfig, printDatastoreEnvironment } from '../../datastore/open/config.ts';

export interface NodeRunSettings {
  /** What the flags say, as the agent's variables (Calico v3.33, node/pkg/lifecycle/startup/startup.go). */
  readonly variables: Readonly<Record<string, string>>;
  readonly datastore: DatastoreConfig;
  /** Absolute paths. */
  readonly logDirectory: string;
  readonly felixConfig: string | undefined;
}

export interface AgentCommand {
  readonly argv: readonly string[];
  /** Beside the caller's own. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Variables that no list of processes and no dry run may show. */
const SECRETS: ReadonlySet<string> = new Set(['ETCD_PASSWORD']);

/**
 * Where the pod finds the files that its variables name, and the agent its own (Calico v3.33,
 * calicoctl/calicoctl/commands/node).
 */
const FILES_IN_POD = {
  ETCD_CA_CERT_FILE: '/etc/calico/certs/ca_cert.crt',
  ETCD_CERT_FILE: '/etc/calico/certs/cert.crt',
  ETCD_KEY_FILE: '/etc/calico/certs/key.pem',
  CALICO_FELIX_CONFIG_FILE: '/etc/calico/felix.cfg',
} as const;

/** The log that the agent's output is appended to. */
export function logFileOf(settings: NodeRunSettings): string {
  return join(settings.logDirectory, 'node.log');
}

function allVariables({ variables, datastore, felixConfig }: NodeRunSettings): Readonly<Record<string, string>> {
  return {
    ...printDatastoreEnvironment(datastore),
    ...variables,
    ...(felixConfig === undefined ? {} : { CALICO_FELIX_CONFIG_FILE: felixConfig }),
  };
}

/** The agent beside this program. */
export function computeHostCommand(settings: NodeRunSettings, program: string): AgentCommand {
  return { argv: [join(dirname(program), 'calico-node')], variables: allVariables(settings) };
}

function shared(source: string, target: string, readOnly: boolean): readonly string[] {
  const name = target.slice(1).replaceAll(/[^a-z0-9]/g, '-');
  return [
    `--volume=${name},kind=host,source=${source},readOnly=${readOnly}`,
    `--mount=volume=${name},target=${target}`,
  ];
}

/** An image as rkt takes it. */
export function withTransport(image: string): string {
  return image.includes('://') ? image : `docker://${image}`;
}

/** A pod on the host's network; `secretsFile` holds what its command line must not show. */
export function computePodCommand(
  settings: NodeRunSettings,
  image: string,
  program: string,
  secretsFile: string,
): AgentCommand {
  const variables = allVariables(settings);
  const files = Object.entries(FILES_IN_POD).flatMap(([name, target]) => {
    const source = variables[name];
    return source === undefined ? [] : [{ name, source, target }];
  });
  const inPod = { ...variables, ...Object.fromEntries(files.map(({ name, target }) => [name, target])) };
  const open = Object.entries(inPod).filter(([name]) => !SECRETS.has(name));
  const hasSecrets = open.length < Object.keys(inPod).length;
  const argv = [
    join(dirname(program), 'rkt'),
    'run',
    '--net=host',
    '--stage1-name=coreos.com/rkt/stage1-fly',
    ...open.map(([name, value]) => `--set-env=${name}=${value}`),
    ...(hasSecrets ? [`--set-env-file=${secretsFile}`] : []),
    ...shared('/var/run/calico', '/var/run/calico', false),
    ...shared('/var/lib/calico', '/var/lib/calico', false),
    ...shared(settings.logDirectory, '/var/log/calico', false),
    ...files.flatMap(({ source, target }) => shared(source, target, true)),
    withTransport(image),
  ];
  return { argv, variables: {} };
}

/** The lines of an rkt environment file with the secrets; none where there are none. */
export function printSecrets(settings: NodeRunSettings): string {
  const secrets = Object.entries(allVariables(settings)).filter(([name]) => SECRETS.has(name));
  return secrets.map(([name, value]) => `${name}=${value}\n`).join('');
}

function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** The command as a shell takes it, without secrets. */
export function formatCommand({ argv, variables }: AgentCommand): string {
  const set = Object.entries(variables).map(([name, value]) => `${name}=${SECRETS.has(name) ? '…' : quote(value)}`);
  return [...set, ...argv.map(quote)].join(' ');
}
