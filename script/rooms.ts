// The plan of the house: every room, and which rooms it may import besides itself. A room may import only rooms that stand
// above it, so that no arrow goes upwards. `model/*` is the room `model` and all within it.

/** Room → rooms it may import. A folder below `src` that holds files is a room; `main` is what lies in `src` itself. */
export const rooms: Readonly<Record<string, string>> = {
  base: '',
  net: 'base',
  selector: 'base',
  schema: 'base',
  names: 'net schema',
  dns: 'net',
  manual: '',
  cli: 'base manual',
  blocks: 'base net',
  'model/meta': 'base net selector schema',
  'model/policy': 'net schema model/meta',
  'model/endpoint': 'base net schema model/meta',
  'model/ipam': 'base net schema model/meta',
  'model/bgp': 'net schema model/meta',
  'model/node': 'net schema model/meta model/bgp',
  'model/felix': 'base selector schema model/meta',
  'model/idle': 'base schema model/meta model/felix',
  model: 'schema model/meta model/policy model/endpoint model/ipam model/bgp model/node model/felix model/idle',
  'docker/api': 'base net schema model/meta',
  'policy/types': 'net selector',
  'policy/input': 'base net selector schema model/meta model/policy model/endpoint policy/types',
  'policy/index': 'base net selector policy/types',
  'policy/calculation': 'base net selector policy/types policy/index',
  'policy/oracle': 'base net selector policy/types',
  nftables: 'base net',
  'firewall/forward': 'base net nftables',
  'firewall/encryption': 'net nftables',
  'firewall/merge': 'net policy/types nftables',
  'firewall/nat': 'base net policy/types nftables',
  'firewall/limits': 'base policy/types nftables firewall/nat',
  'firewall/host': 'net policy/types nftables',
  'firewall/tunnel': 'base net policy/types nftables',
  'firewall/resolver': 'net nftables',
  firewall:
    'base net policy/types nftables firewall/encryption firewall/merge firewall/nat firewall/limits firewall/host firewall/tunnel firewall/resolver',
  why: 'base cli net selector schema model/meta model/felix policy/types policy/input policy/oracle nftables',
  'why/preview': 'base net selector policy/types policy/oracle why',
  'why/stats': 'base selector policy/types policy/index firewall why',
  'routing/wireguard': 'base net model/felix model/node',
  routing: 'base net selector model/*',
  'routing/mtu': 'net routing',
  'routing/bird': 'base net routing',
  sys: 'base net',
  'sys/process': 'base sys',
  'cli/run': 'base sys cli',
  datastore: 'base model',
  'datastore/sync': 'base sys datastore',
  'datastore/etcd': 'base sys datastore',
  'datastore/open': 'base schema datastore datastore/etcd',
  'datastore/resource': 'base model/meta model/policy model/node datastore',
  ipam: 'base net selector schema blocks model/meta model/ipam model/node datastore datastore/sync',
  'kernel/route': 'base net sys',
  'kernel/link': 'base net sys kernel/route',
  'kernel/shaping': 'base net sys kernel/link',
  'kernel/reconcile': 'base net sys kernel/route kernel/link kernel/shaping',
  'kernel/event': 'base net sys kernel/route kernel/link kernel/reconcile',
  'kernel/nftables': 'base nftables firewall sys',
  'kernel/forward': 'base net nftables firewall/forward sys kernel/route kernel/link kernel/nftables',
  'kernel/flow': 'base net firewall sys kernel/link kernel/event',
  'kernel/socket': 'base net sys',
  'kernel/worker': 'base net sys kernel/link kernel/flow',
  bird: 'base net routing/bird sys sys/process kernel/route kernel/link kernel/event',
  wireguard: 'base net routing/wireguard sys sys/process kernel/link kernel/route',
  'images/spec': 'base schema',
  'images/archive': 'base sys',
  'images/store': 'base schema sys images/spec images/archive',
  'images/registry': 'base schema sys images/spec images/store',
  'images/transfer': 'base schema sys images/spec images/archive images/store images/registry',
  shim: 'base schema sys',
  'attach/endpoint':
    'base net schema names blocks model/endpoint model/meta model/policy model/node sys datastore datastore/resource ipam kernel/link',
  attach: 'base net names blocks model/* sys datastore datastore/resource ipam kernel/link attach/endpoint',
  'docker/server':
    'base net schema names model/meta model/endpoint sys datastore/resource ipam kernel/link kernel/event attach/endpoint attach docker/api',
  'cni/spec': 'base net schema names model/meta model/endpoint',
  'netavark/spec': 'base net schema names model/meta model/endpoint',
  'cni/invoke': 'base sys cni/spec',
  'agent/config':
    'base net schema model/felix model/idle policy/types nftables firewall/nat firewall/encryption firewall routing/wireguard routing routing/mtu sys datastore/sync',
  'agent/node':
    'base net blocks model/meta model/ipam routing/mtu sys datastore/* ipam kernel/route kernel/link kernel/socket agent/config',
  'agent/encryption':
    'base net schema model/meta model/felix firewall/encryption routing/wireguard sys datastore datastore/resource ipam kernel/reconcile wireguard agent/node',
  'agent/tunnel':
    'base net selector schema blocks model/meta firewall/tunnel routing sys datastore datastore/resource ipam kernel/route kernel/link kernel/reconcile kernel/event agent/node',
  'agent/bgp': 'base net policy/types firewall routing sys kernel/link',
  'agent/resolver': 'base net names dns sys kernel/link',
  'cni/server': 'base model/endpoint net sys shim attach/endpoint attach cni/spec cni/invoke',
  'netavark/server': 'base net model/meta shim sys attach netavark/spec',
  'agent/state':
    'base net schema blocks model/* policy/types policy/input policy/calculation nftables firewall/nat firewall/host firewall/encryption firewall/tunnel firewall routing/wireguard routing routing/bird sys datastore datastore/sync datastore/resource ipam kernel/* wireguard bird agent/config agent/node agent/encryption agent/tunnel agent/bgp agent/resolver attach/endpoint',
  'agent/upkeep':
    'base net model/endpoint nftables firewall/forward firewall sys datastore/resource ipam kernel/* bird agent/config agent/node agent/tunnel attach/endpoint attach agent/state',
  agent:
    'base cli/run net schema manual cli firewall routing sys datastore datastore/open datastore/resource kernel/link kernel/reconcile kernel/nftables kernel/worker bird attach/endpoint attach agent/config agent/node agent/encryption agent/tunnel agent/bgp agent/resolver cni/server netavark/server docker/server agent/state agent/upkeep',
  'ctl/cli': 'base sys cli datastore',
  'ctl/store': 'base model/meta model/policy model datastore datastore/open datastore/resource ctl/cli',
  'ctl/manifest': 'base schema model/meta model ctl/cli',
  'ctl/output': 'base schema cli model/meta',
  'ctl/resource':
    'base net schema cli model/* datastore datastore/resource ipam ctl/cli ctl/store ctl/manifest ctl/output',
  'ctl/ipam': 'base net schema cli blocks model/* sys datastore datastore/resource ipam ctl/cli ctl/store ctl/resource',
  'ctl/datastore':
    'base schema model/meta model datastore datastore/resource ctl/cli ctl/store ctl/manifest ctl/output ctl/resource ctl/ipam',
  'ctl/node':
    'base net schema cli firewall/forward sys datastore/open kernel/link kernel/reconcile kernel/forward wireguard bird ctl/cli ctl/store ctl/output',
  'ctl/move':
    'base net schema blocks model/* sys datastore datastore/open datastore/resource ipam ctl/cli ctl/store ctl/ipam ctl/node',
  metadata: 'base schema sys',
  'rkt/cli': 'base cli sys images/archive images/registry',
  'rkt/options': 'base net cli images/transfer cni/spec rkt/cli',
  'rkt/store': 'base schema sys images/store rkt/cli rkt/options',
  'rkt/app': 'base schema sys images/store rkt/cli rkt/options rkt/store',
  'rkt/network':
    'base net schema names nftables sys kernel/route kernel/link kernel/nftables cni/spec cni/invoke metadata rkt/options',
  'rkt/run': 'base schema cli sys images/* metadata rkt/cli rkt/options rkt/store rkt/app rkt/network',
  'rkt/command':
    'base cli sys images/spec images/store metadata rkt/cli rkt/options rkt/store rkt/app rkt/network rkt/run',
  'rkt/main': 'base manual cli images/store metadata rkt/cli rkt/options rkt/store rkt/command',
  'ctl/why':
    'base cli why why/preview why/stats datastore datastore/resource kernel/nftables ctl/cli ctl/store ctl/manifest ctl/output ctl/resource rkt/cli rkt/store',
  'ctl/main': 'base manual cli model ctl/cli ctl/store ctl/resource ctl/ipam ctl/datastore ctl/node ctl/move ctl/why',
  lab: 'base schema cli/run manual cli sys images/transfer',
  install: 'base cli/run manual cli sys',
  uninstall: 'base cli/run net manual cli install nftables firewall/forward sys kernel/* bird wireguard ctl/node rkt/*',
  main: 'base manual cli sys agent rkt/main ctl/main lab install uninstall',
};

/** Rooms without effects: no platform import but hashing, and none of what every module is given. */
export const pureRooms =
  'base net selector schema names dns manual cli blocks docker/api model/* policy/* why why/preview why/stats nftables firewall/* routing routing/wireguard'.split(
    ' ',
  );

/** Files of `src` that no program holds, and why they are there all the same. */
export const withoutProgram: readonly string[] = [
  'policy/oracle/verdict.ts', // the verdict on one packet, against which the calculation is checked
  'policy/oracle/host-verdict.ts', // the same at host endpoints
  // What the pages in docs and the JSON Schemas come from; a test writes them anew when it is told to.
  'manual/markdown.ts',
  'model/reference.ts',
  'model/meta/json-schema.ts',
  'model/idle/page.ts',
];

/** A room with more files than a reader can keep in mind is several rooms. Tests are not counted. */
export const MAX_FILES = 24;
