// What a plugin says when it fails: one of CNI's codes, a message, perhaps details (CNI spec 1.1.0, "Error").
import { describeError, type ErrorCode, formatIssue, isOcicatError } from '../../base/errors.ts';
import { isJsonObject, tryParseJson } from '../../base/json.ts';
import { NEWEST_VERSION } from './version.ts';

/** The codes that the specification gives a meaning. */
export const CNI_CODE = {
  incompatibleVersion: 1,
  unsupportedField: 2,
  unknownContainer: 3,
  invalidEnvironment: 4,
  ioFailure: 5,
  undecodable: 6,
  invalidConfig: 7,
  invalidNetns: 8,
  tryAgainLater: 11,
  unavailable: 50,
  /** As `unavailable`, and containers that are there may not reach all that they should. */
  limited: 51,
  /** Calico's plugins use it for everything else. */
  internal: 999,
} as const;

export interface CniError {
  /** Of the call, so that the caller reads the error by its own version's rules; undefined where it cannot be known. */
  readonly cniVersion?: string | undefined;
  readonly code: number;
  readonly msg: string;
  readonly details?: string | undefined;
}

/** What a runtime may try again has a code of its own; the rest is for people to read. */
function codeOf(code: ErrorCode): number {
  switch (code) {
    case 'not-ready':
    case 'unavailable':
    case 'timeout':
    case 'aborted':
    case 'conflict':
      return CNI_CODE.tryAgainLater;
    case 'unsupported':
      return CNI_CODE.unsupportedField;
    case 'invalid':
      return CNI_CODE.invalidConfig;
    case 'not-found':
    case 'already-exists':
    case 'exhausted':
    case 'denied':
    case 'kernel':
    case 'corrupt':
    case 'internal':
      return CNI_CODE.internal;
  }
}

/** The error that a thrown value becomes. */
export function toCniError(error: unknown, cniVersion?: string): CniError {
  const issues = isOcicatError(error) ? error.issues.map(formatIssue).join('; ') : '';
  return {
    ...(cniVersion === undefined ? {} : { cniVersion }),
    code: isOcicatError(error) ? codeOf(error.code) : CNI_CODE.internal,
    msg: describeError(error),
    ...(issues === '' ? {} : { details: issues }),
  };
}

/** What a plugin printed that failed; undefined when that is no error of the specification's. */
export function tryParseCniError(text: string): CniError | undefined {
  const value = tryParseJson(text);
  const { code, msg, details } = isJsonObject(value) ? value : {};
  if (typeof code !== 'number' || typeof msg !== 'string' || msg === '') return undefined;
  return { code, msg, details: typeof details === 'string' && details !== '' ? details : undefined };
}

/** Codes of a plugin that refuses the call itself, before it has done anything. */
const REFUSALS: ReadonlySet<number> = new Set([
  CNI_CODE.incompatibleVersion,
  CNI_CODE.unsupportedField,
  CNI_CODE.invalidEnvironment,
  CNI_CODE.undecodable,
  CNI_CODE.invalidConfig,
]);

export function isRefusal({ code }: CniError): boolean {
  return REFUSALS.has(code);
}

/** As Go's framework prints it, indented by four, and with the version that the specification wants. */
export function printCniError({ cniVersion = NEWEST_VERSION, code, msg, details }: CniError): string {
  return JSON.stringify({ cniVersion, code, msg, details }, null, 4);
}
