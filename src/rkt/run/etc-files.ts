// The pod's own hosts and resolv.conf: written as its options and networks ask, or copied from the host.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createFile, readRegularFile } from '../../sys/files.ts';
import type { EtcFiles } from '../app/etc-mounts.ts';
import type { SuppliedDns } from '../network/networks.ts';
import { printHosts, printResolvConf } from '../options/dns-files.ts';
import { hostnameOf, type Start } from './start.ts';

const MODE = 0o644;
/** Far above what a resolver reads; a hosts file with every name of a block list is 5 MB. */
const MAX_COPY_BYTES = 16 * 1024 * 1024;

/** As the host's file is now; what the pod writes to its copy stays in the pod. */
function copyFromHost(source: string, path: string): string {
  createFile(path, readRegularFile(source, MAX_COPY_BYTES), MODE);
  return path;
}

function writeResolvConf(start: Start, path: string, supplied: SuppliedDns | undefined): string | undefined {
  const { dns } = start.options;
  switch (dns.kind) {
    case 'host':
      return copyFromHost('/etc/resolv.conf', path);
    case 'none':
      return undefined;
    case 'explicit':
      createFile(path, printResolvConf('rkt run', dns.dns), MODE);
      return path;
    case 'default':
      if (supplied === undefined) return undefined;
      createFile(path, printResolvConf(`rkt from network ${supplied.network}`, supplied), MODE);
      return path;
  }
}

function writeHosts(start: Start, path: string): EtcFiles['hosts'] {
  const { hosts } = start.options;
  if (hosts.kind === 'host') return { path: copyFromHost('/etc/hosts', path), replaces: true };
  const isExplicit = hosts.kind === 'explicit';
  createFile(path, printHosts(hostnameOf(start), isExplicit ? hosts.entries : new Map()), MODE);
  return { path, replaces: isExplicit };
}

/** Writes what the pod's options and networks ask for, into the pod's directory. */
export function writeEtcFiles(start: Start, supplied: SuppliedDns | undefined): EtcFiles {
  const directory = join(start.pod.path, 'etc');
  mkdirSync(directory, { mode: 0o755 });
  return {
    resolvConf: writeResolvConf(start, join(directory, 'resolv.conf'), supplied),
    hosts: writeHosts(start, join(directory, 'hosts')),
  };
}
