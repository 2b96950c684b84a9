// Versions of the CNI specification that the plugins speak, and what differs between them.

/** Oldest first. */
export const SUPPORTED_VERSIONS = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const;
export type CniVersion = (typeof SUPPORTED_VERSIONS)[number];

/** What a configuration without a version means (Calico v3.33, cni-plugin/pkg/plugin/plugin.go). */
export const DEFAULT_VERSION: CniVersion = '0.2.0';

export function tryParseVersion(text: string): CniVersion | undefined {
  return SUPPORTED_VERSIONS.find((version) => version === text);
}

/** Whether `version` is `other` or newer. */
export function isAtLeast(version: CniVersion, other: CniVersion): boolean {
  return SUPPORTED_VERSIONS.indexOf(version) >= SUPPORTED_VERSIONS.indexOf(other);
}

/** The answer to VERSION, which the shim gives by itself: it is compiled into that. */
export function printVersions(): string {
  return JSON.stringify({ cniVersion: SUPPORTED_VERSIONS.at(-1), supportedVersions: SUPPORTED_VERSIONS });
}
