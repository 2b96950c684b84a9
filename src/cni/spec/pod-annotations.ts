// What the annotations of a pod ask for. Runtimes of CRI hand them over where the network's file has the capability
// "io.kubernetes.cri.pod-annotations"; keys and forms are Calico's ("Configure the Calico CNI plugins" of its reference).
import { tryParseJson } from '../../base/json.ts';
import { parsedText, text } from '../../schema/scalars.ts';
import { type Infer, object, optional, type Scalar, sparse } from '../../schema/schema.ts';
import { controlTexts } from './traffic-controls.ts';
import { address, interfaceMac } from './workload-values.ts';

/** The key of `runtimeConfig` that holds them. */
export const POD_ANNOTATIONS = 'io.kubernetes.cri.pod-annotations';

/** A list in a text, of what `item` takes. */
function listInText<T>(wanted: string, item: Scalar<T>): Scalar<readonly T[]> {
  return parsedText(wanted, (json) => {
    const list = tryParseJson(json);
    const values = Array.isArray(list) ? list.map((one) => item.read(one) as T | undefined) : [undefined];
    return values.every((value) => value !== undefined) ? values : undefined;
  });
}

const texts = listInText('a list of texts in JSON, such as ["front", "10.1.0.0/16"]', text());
const addresses = listInText('a list of addresses in JSON, such as ["192.168.0.10"]', address);

export const podAnnotations = object({
  ...controlTexts,
  'cni.projectcalico.org/ipAddrs': optional(addresses),
  'cni.projectcalico.org/hwAddr': sparse(interfaceMac, ''),
  'cni.projectcalico.org/ipv4pools': optional(texts),
  'cni.projectcalico.org/ipv6pools': optional(texts),
});

/** What they ask for; of pools ranges or names, instead of the file's. */
export function askedByPod(annotations: Infer<typeof podAnnotations> = {}) {
  return {
    addresses: annotations['cni.projectcalico.org/ipAddrs'] ?? [],
    mac: annotations['cni.projectcalico.org/hwAddr'],
    pools: {
      ipv4: annotations['cni.projectcalico.org/ipv4pools'] ?? [],
      ipv6: annotations['cni.projectcalico.org/ipv6pools'] ?? [],
    },
  };
}
