// The MAC address of a node's end of the VXLAN where its Node names none: the letter f and five bytes of a hash of its name, as
// every agent of Calico takes it to be (Calico v3.33, felix/calc/vxlan_resolver.go).
import { createHash } from 'node:crypto';
import type { Family } from '../net/ip.ts';
import { type Mac, macFromBytes } from '../net/mac.ts';

export function hashVtepMac(nodeName: string, family: Family): Mac {
  const name = family === 4 ? nodeName : `${nodeName}-v6`;
  const hash = createHash('sha1').update(name).digest();
  return macFromBytes(Uint8Array.from([0x66, ...hash.subarray(0, 5)]));
}
