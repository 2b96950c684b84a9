// Felix as a process that follows an etcd, for nftables alone.
import { join } from 'node:path';

/** `folder`: where it is; its process id. */
export function startFelix(folder: string, etcd: string): number {
  const settings = {
    DATASTORETYPE: 'etcdv3',
    ETCDENDPOINTS: etcd,
    FELIXHOSTNAME: 'host1',
    NFTABLESMODE: 'Enabled',
    IPV6SUPPORT: 'false',
    IPINIPENABLED: 'false',
    XDPENABLED: 'false',
    LOGSEVERITYSYS: 'none',
    LOGSEVERITYSCREEN: 'none',
    LOGSEVERITYFILE: 'none',
    MTUIFACEPATTERN: 'ul0',
    USAGEREPORTINGENABLED: 'false',
    DebugSkipCTLBCleanup: 'true', // Felix built without libbpf ends there
  };
  const environment = Object.fromEntries(Object.entries(settings).map(([name, value]) => [`FELIX_${name}`, value]));
  const felix = Bun.spawn([join(folder, 'felix')], {
    env: { PATH: process.env.PATH ?? '', DATASTORE_TYPE: 'etcdv3', ETCD_ENDPOINTS: etcd, ...environment },
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  felix.unref();
  return felix.pid;
}
