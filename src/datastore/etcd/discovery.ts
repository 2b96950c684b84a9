// Endpoints from DNS: the SRV records that etcd's own clients look up (https://etcd.io/docs/v3.4/op-guide/clustering).
import { describeError, OcicatError } from '../../base/errors.ts';

interface SrvRecord {
  /** Host name. */
  readonly name: string;
  readonly port: number;
  /** Lower first. */
  readonly priority: number;
  /** Higher first, among equal priorities. */
  readonly weight: number;
}

/** Looks up SRV records; throws when there are none. node:dns's resolveSrv is one. */
export type ResolveSrv = (name: string) => Promise<readonly SrvRecord[]>;

const SERVICES = [
  { service: '_etcd-client-ssl._tcp', scheme: 'https' },
  { service: '_etcd-client._tcp', scheme: 'http' },
] as const;

function compareRecords(a: SrvRecord, b: SrvRecord): number {
  return a.priority - b.priority || b.weight - a.weight;
}

/** URLs of a domain's etcd servers, those with TLS first. Throws `unavailable` when there is no record of either kind. */
export async function discoverEndpoints(domain: string, resolveSrv: ResolveSrv): Promise<readonly string[]> {
  const endpoints: string[] = [];
  const failures: string[] = [];
  for (const { service, scheme } of SERVICES) {
    const name = `${service}.${domain}`;
    try {
      const records = [...(await resolveSrv(name))].sort(compareRecords);
      endpoints.push(...records.map((record) => `${scheme}://${record.name.replace(/\.$/, '')}:${record.port}`));
    } catch (error) {
      failures.push(`"${name}": ${describeError(error)}`);
    }
  }
  if (endpoints.length > 0) return endpoints;
  throw new OcicatError('unavailable', `discover etcd in domain "${domain}": no SRV records; ${failures.join('; ')}`);
}
