// What the annotations of a pod ask for. Runtimes of CRI hand them over where the network's file has the capability
// "io.kubernetes.cri.pod-annotations"; keys and forms are Calico's ("Configure the Calico CNI plugins" of its reference).
import { tryParseJson } from '../../base/json.ts';
import type { Reader } from './config-reader.ts';

export interface PodAnnotations {
  /** Where they were found, for messages. */
  readonly path: string;
  readonly addresses: readonly string[];
  readonly mac: string;
  /** Ranges or names of pools, instead of the file's; empty: those of the file. */
  readonly ipv4Pools: readonly string[];
  readonly ipv6Pools: readonly string[];
}

const CAPABILITY = 'io.kubernetes.cri.pod-annotations';
const PREFIX = 'cni.projectcalico.org/';
/** They would make the pod's network another one than this program can make. */
const NOT_TO_BE_HAD = ['ipAddrsNoIpam', 'floatingIPs', 'allowedSourcePrefixes'];

/** Of the configuration's `runtimeConfig`. */
export function readPodAnnotations(runtime: Reader): PodAnnotations {
  const reader = runtime.within(CAPABILITY);

  function texts(name: string): readonly string[] {
    const text = reader.text(`${PREFIX}${name}`);
    if (text === undefined) return [];
    const list = tryParseJson(text);
    if (Array.isArray(list) && list.every((one) => typeof one === 'string')) return list;
    reader.refuse(`${PREFIX}${name}`, `"${text}"`, 'a list of strings in JSON, such as ["192.168.0.10"]');
    return [];
  }

  for (const name of NOT_TO_BE_HAD.filter((one) => reader.has(`${PREFIX}${one}`)))
    reader.refuse(`${PREFIX}${name}`, 'it', 'nothing: it is not supported');
  return {
    path: `runtimeConfig.${CAPABILITY}`,
    addresses: texts('ipAddrs'),
    mac: reader.text(`${PREFIX}hwAddr`) ?? '',
    ipv4Pools: texts('ipv4pools'),
    ipv6Pools: texts('ipv6pools'),
  };
}
