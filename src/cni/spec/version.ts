// Versions of the CNI specification that the plugins speak, and what differs between them.
import { isJsonObject, tryParseJson } from '../../base/json.ts';

/** Oldest first. */
export const SUPPORTED_VERSIONS = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const;
export type CniVersion = (typeof SUPPORTED_VERSIONS)[number];

/** What an answer says where the call does not tell its version. */
export const NEWEST_VERSION: CniVersion = '1.1.0';

/** What a configuration without a version means (Calico v3.33, cni-plugin/pkg/plugin/plugin.go). */
export const DEFAULT_VERSION: CniVersion = '0.2.0';

export function tryParseVersion(text: string): CniVersion | undefined {
  return SUPPORTED_VERSIONS.find((version) => version === text);
}

/** Whether `version` is `other` or newer. */
export function isAtLeast(version: CniVersion, other: CniVersion): boolean {
  return SUPPORTED_VERSIONS.indexOf(version) >= SUPPORTED_VERSIONS.indexOf(other);
}

/** The version that a configuration says, as far as it can be read. */
export function tryFindVersion(input: string): string | undefined {
  const config = tryParseJson(input);
  const version = isJsonObject(config) ? config.cniVersion : undefined;
  return typeof version === 'string' && version !== '' ? version : undefined;
}

/** As `tryFindVersion`, for what is spoken. */
export function tryReadVersion(input: string): CniVersion | undefined {
  return tryParseVersion(tryFindVersion(input) ?? '');
}

/** The answer to VERSION, with the version of the call itself (CNI spec 1.1.0, "VERSION Success"). */
export function printVersions(cniVersion: string = NEWEST_VERSION): string {
  return JSON.stringify({ cniVersion, supportedVersions: SUPPORTED_VERSIONS });
}
