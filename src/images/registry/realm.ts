// Which token servers a registry may send its users to: the registry names the realm, and credentials must not follow it anywhere.
import { isIP } from 'node:net';
import { DEFAULT_REGISTRY } from '../spec/reference.ts';

/** Registries whose token server has a name beside theirs. Source: distribution, docs/spec/auth/token.md. */
const knownTokenServers: ReadonlyMap<string, string> = new Map([[DEFAULT_REGISTRY, 'auth.docker.io']]);

/**
 * Whether a token server is the registry's own by its name: the same host, a host below it, or the domain that it is in.
 * Whoever holds a domain holds the names below it, so neither shows the credentials to anybody else; two hosts beside
 * each other prove nothing (`a.co.uk` and `b.co.uk`). Host names without port.
 */
export function isOwnTokenServer(registry: string, server: string): boolean {
  if (registry === server || knownTokenServers.get(registry) === server) return true;
  if (isIP(registry.replace(/^\[|\]$/g, '')) !== 0 || isIP(server.replace(/^\[|\]$/g, '')) !== 0) return false;
  return isBelow(server, registry) || isBelow(registry, server);
}

/** A domain of one label, such as `com` or `localhost`, has no owner in this sense. */
function isBelow(host: string, domain: string): boolean {
  return domain.includes('.') && host.endsWith(`.${domain}`);
}
