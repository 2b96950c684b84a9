// rkt's configuration directories: credentials, registry mirrors, paths.

/** User name and password. */
export interface BasicCredentials {
  readonly kind: 'basic';
  readonly user: string;
  readonly password: string;
}

/** A ready-made bearer token. */
export interface TokenCredentials {
  readonly kind: 'oauth';
  readonly token: string;
}

export interface RktConfig {
  /** paths.d `data`; undefined when no file says. */
  readonly dataDir: string | undefined;
  /** By registry host, with port if it has one (`dockerAuth`), else by domain (`auth`). */
  readonly registryCredentials: ReadonlyMap<string, BasicCredentials>;
  readonly domainCredentials: ReadonlyMap<string, BasicCredentials | TokenCredentials>;
  /** By registry host: base URLs to ask first, in order. */
  readonly registryMirrors: ReadonlyMap<string, readonly string[]>;
}

export interface ConfigDirectories {
  /** `/usr/lib/rkt` */
  readonly system: string;
  /** `/etc/rkt` */
  readonly local: string;
  /** None by default. */
  readonly user: string | undefined;
}
