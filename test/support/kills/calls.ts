// Calls of the shim as lines of shell, as a runtime makes them.

export interface Call {
  readonly command: 'ADD' | 'DEL' | 'GC';
  /** Its network namespace has the same name. */
  readonly pod: string;
  readonly network: string;
  /** Default: eth0. */
  readonly ifname?: string;
  /** Default: `calico`. */
  readonly plugin?: 'calico' | 'calico-ipam';
  /** More for the network's configuration. */
  readonly keys?: object;
}

/** Debian's containernetworking-plugins. */
const REFERENCE_PLUGINS = '/usr/lib/cni';

function printConfig({ command, network, plugin = 'calico', keys = {} }: Call): string {
  const type = plugin === 'calico' ? 'calico' : 'bridge';
  const cniVersion = command === 'GC' ? '1.1.0' : '1.0.0'; // what Debian's plugins know, but for what came later
  return JSON.stringify({ cniVersion, name: network, type, ipam: { type: 'calico-ipam' }, ...keys });
}

/** One line. `folder` has the shim, by both its names; `tracer` is what runs it. */
export function printCall(folder: string, call: Call, tracer = ''): string {
  const { command, pod, ifname = 'eth0', plugin = 'calico' } = call;
  const names = `CNI_COMMAND=${command} CNI_CONTAINERID=${pod} CNI_NETNS=/run/netns/${pod} CNI_IFNAME=${ifname}`;
  const path = `CNI_ARGS= CNI_PATH=${folder}:${REFERENCE_PLUGINS}`;
  return `${names} ${path} ${tracer} ${folder}/${plugin} <<<'${printConfig(call)}'`;
}

/** All of them at once. */
export function printBurst(lines: readonly string[]): string {
  return `${lines.map((line) => `${line} &`).join('\n')}\nwait`;
}
