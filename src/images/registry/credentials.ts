// What opens a registry.

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
