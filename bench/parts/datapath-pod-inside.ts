// Runs on a host: one pod attached by our plugin, or by ptp to a subnet of the host's own, with an MTU; prints its namespace and its address.
import { makeContainers, OURS, PTP, timeCall } from './cni-calls.ts';

const [subnet, mtu] = process.argv.slice(2);
const ptpIn = (own: string) => ({ ...JSON.parse(PTP.config.replace('10.200.0.0/16', own)), mtu: Number(mtu) });
const plugin = subnet === undefined ? OURS : { ...PTP, config: JSON.stringify(ptpIn(subnet)) };
const [pod] = makeContainers(1, 'datapath');
if (pod === undefined) throw new Error('make a container: none was made');
timeCall(plugin, 'ADD', pod);
const shown = Bun.spawnSync(['ip', '-n', pod.id, '-4', '-json', 'address', 'show', 'dev', 'eth0']).stdout.toString();
const [link] = JSON.parse(shown) as readonly { readonly addr_info: readonly { readonly local: string }[] }[];
console.log(JSON.stringify({ netns: pod.id, address: link?.addr_info[0]?.local }));
