// The environment of a plugin call: which command, for which container and interface (CNI spec 1.1.0, "Parameters").
import { formatIssue, type Issue } from '../../base/errors.ts';
import { storableContainerId } from '../../model/endpoint/container-id.ts';
import { parseArgs } from './args.ts';
import type { Attach } from './config-file.ts';
import { CNI_CODE, type CniError } from './error.ts';

const COMMANDS = ['ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'VERSION'] as const;
export type Command = (typeof COMMANDS)[number];

export interface CniEnvironment {
  readonly command: Command;
  /** As it is stored. Empty for GC, STATUS and VERSION, as are the interface name and, for DEL perhaps, the namespace. */
  readonly containerId: string;
  readonly netns: string;
  readonly interfaceName: string;
  /** What CNI_ARGS says, by key. */
  readonly args: ReadonlyMap<string, string>;
  /** What the caller is used to. */
  readonly attach: Attach;
  /** Folders with plugins, in order; relative ones are left out, since nobody says relative to what. */
  readonly path: readonly string[];
}

/** Variables that a command cannot do without. CNI_PATH matters only when another plugin is to be run. */
const REQUIRED: Readonly<Record<Command, readonly string[]>> = {
  ADD: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME'],
  DEL: ['CNI_CONTAINERID', 'CNI_IFNAME'],
  CHECK: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME'],
  GC: [],
  STATUS: [],
  VERSION: [],
};

/**
 * Until CNI 0.2.0 a caller named with CNI_VERSION which specification it keeps to; rkt still does, and with Calico all networks
 * of its pod are one interface.
 */
const ATTACH_BY_PROFILE: readonly (string | undefined)[] = ['0.1.0', '0.2.0'];

/** The specification's rule for container IDs (CNI spec 1.1.0, "Parameters"). */
const CNI_ID = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

type Variables = Readonly<Record<string, string | undefined>>;

export type EnvironmentResult =
  | { readonly kind: 'environment'; readonly environment: CniEnvironment }
  | { readonly kind: 'refused'; readonly error: CniError };

/** The message names the variables (CNI spec 1.1.0, "Error"). */
function refuse(msg: string): EnvironmentResult {
  return { kind: 'refused', error: { code: CNI_CODE.invalidEnvironment, msg } };
}

function checkInterfaceName(name: string): Issue | undefined {
  const usable = name.length <= 15 && name !== '.' && name !== '..' && !/[\s/:\0]/.test(name);
  return usable
    ? undefined
    : { path: 'CNI_IFNAME', found: `"${name}"`, wanted: 'an interface name of at most 15 characters' };
}

/** Refuses with code 4, naming everything that is missing or wrong. */
export function parseEnvironment(variables: Variables): EnvironmentResult {
  const command = COMMANDS.find((one) => one === variables.CNI_COMMAND);
  if (variables.CNI_COMMAND === undefined || variables.CNI_COMMAND === '')
    return refuse('required env variables [CNI_COMMAND] missing');
  if (command === undefined) return refuse(`unknown CNI_COMMAND: ${variables.CNI_COMMAND}`);
  const missing = REQUIRED[command].filter((name) => (variables[name] ?? '') === '');
  if (missing.length > 0) return refuse(`required env variables [${missing.join(',')}] missing`);
  const issues: Issue[] = [];
  const { CNI_CONTAINERID: id = '', CNI_IFNAME: interfaceName = '', CNI_NETNS: netns = '' } = variables;
  if (id !== '' && !CNI_ID.test(id))
    issues.push({
      path: 'CNI_CONTAINERID',
      found: `"${id}"`,
      wanted: 'a letter or digit, then letters, digits, "_", "." and "-"',
    });
  const interfaceIssue = checkInterfaceName(interfaceName);
  if (interfaceIssue !== undefined) issues.push(interfaceIssue);
  const args = parseArgs(variables.CNI_ARGS ?? '', (issue) => {
    if (command === 'ADD') issues.push(issue); // what ADD has refused must still be let go by DEL
  });
  if (issues.length > 0) return refuse(`invalid environment: ${issues.map(formatIssue).join('; ')}`);
  // whoever names one with GC must not make it wait for itself
  const containerId = REQUIRED[command].includes('CNI_CONTAINERID') ? storableContainerId(id) : '';
  const path = (variables.CNI_PATH ?? '').split(':').filter((folder) => folder.startsWith('/'));
  const attach = ATTACH_BY_PROFILE.includes(variables.CNI_VERSION) ? 'profile' : 'interface';
  return { kind: 'environment', environment: { command, containerId, netns, interfaceName, args, attach, path } };
}
