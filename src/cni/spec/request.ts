// A plugin call as one value: who was called, what for, with which configuration - or the error to answer.

import { isDnsSubdomain } from '../../model/meta/names.ts';
import { type NetworkConfig, parseConfig } from './config.ts';
import type { Attach, PluginName } from './config-file.ts';
import { type CniEnvironment, type Command, parseEnvironment } from './environment.ts';
import { CNI_CODE, type CniError } from './error.ts';
import { type CniVersion, isAtLeast, tryFindVersion, tryReadVersion } from './version.ts';

export interface CniRequest {
  readonly plugin: PluginName;
  readonly environment: CniEnvironment;
  readonly config: NetworkConfig;
}

/** What the configuration says, else what the caller is used to. */
export function attachModeOf({ config, environment }: CniRequest): Attach {
  return config.attach ?? environment.attach;
}

/** A call of a plugin: as it comes in from a runtime, or goes out to another plugin. */
export interface CniCall {
  /** Base name that the plugin is called by. */
  readonly program: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly input: string;
}

/** A call as it came in, and as it is understood. */
export interface ParsedCall {
  readonly call: CniCall;
  readonly request: CniRequest;
}

export type RequestResult =
  | { readonly kind: 'request'; readonly request: CniRequest }
  | { readonly kind: 'version'; readonly version: string | undefined }
  | { readonly kind: 'refused'; readonly error: CniError };

/** Commands that came with a later version of the specification. */
const SINCE: Partial<Readonly<Record<Command, CniVersion>>> = { CHECK: '0.4.0', GC: '1.1.0', STATUS: '1.1.0' };

function refuse(code: number, msg: string, cniVersion?: string): RequestResult {
  return { kind: 'refused', error: { cniVersion, code, msg } };
}

function checkRequest(request: CniRequest): CniError | undefined {
  const { plugin, environment, config } = request;
  const { command } = environment;
  const since = SINCE[command];
  const cniVersion = config.version;
  if (since !== undefined && !isAtLeast(config.version, since))
    return { cniVersion, code: CNI_CODE.incompatibleVersion, msg: `config version does not allow ${command}` };
  if (command === 'GC' && config.validAttachments === undefined)
    return {
      cniVersion,
      code: CNI_CODE.invalidConfig,
      msg: 'GC without cni.dev/valid-attachments: nothing says what is still in use',
    };
  if (plugin === 'calico' && command === 'ADD' && !isDnsSubdomain(environment.interfaceName))
    return {
      cniVersion,
      code: CNI_CODE.invalidEnvironment,
      msg: `invalid environment: CNI_IFNAME: found "${environment.interfaceName}", wanted a name that can stand in an endpoint's: lower-case letters, digits, "-" and ".", a letter or digit at both ends`,
    };
  return undefined;
}

function parseCall({ program, variables, input }: CniCall): RequestResult {
  if (program !== 'calico' && program !== 'calico-ipam')
    return refuse(CNI_CODE.internal, `plugin "${program}": unknown, wanted "calico" or "calico-ipam"`);
  const environment = parseEnvironment(variables);
  if (environment.kind === 'refused') return environment;
  if (environment.environment.command === 'VERSION') return { kind: 'version', version: tryFindVersion(input) };
  const { command, args } = environment.environment;
  // CHECK is asked whether all is as ADD made it; what ADD refuses must still be let go by DEL
  const config = parseConfig(input, {
    plugin: program,
    command,
    args: command === 'ADD' || command === 'CHECK' ? args : undefined,
  });
  if (config.kind === 'refused') return config;
  const request = { plugin: program, environment: environment.environment, config: config.config } as const;
  const error = checkRequest(request);
  return error === undefined ? { kind: 'request', request } : { kind: 'refused', error };
}

/** The error says the call's version also where it was refused before its configuration was read. */
function withVersion(error: CniError, input: string): CniError {
  return { ...error, cniVersion: error.cniVersion ?? tryReadVersion(input) };
}

/** Everything that can be refused without looking at anything but the call. */
export function parseRequest(call: CniCall): RequestResult {
  const result = parseCall(call);
  return result.kind === 'refused' ? { ...result, error: withVersion(result.error, call.input) } : result;
}
