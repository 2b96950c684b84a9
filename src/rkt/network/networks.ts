// Joining a pod to its networks and taking it off them again: one CNI plugin call after the other.
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { sameContent } from '../../base/equal.ts';
import { describeError, isOcicatError, OcicatError } from '../../base/errors.ts';
import { type CniDns, dnsOf, parseResult } from '../../cni/spec/parse-result.ts';
import type { CniResult, ResultAddress } from '../../cni/spec/result.ts';
import { cidrFamily } from '../../net/cidr.ts';
import { formatIp } from '../../net/ip.ts';
import { type NetworkConf, ownNetwork, parseNetworkConf, type SelectedNetwork } from './net-conf.ts';
import { formatMask, type NetInfo, readNetInfo, writeNetInfo } from './net-info.ts';
import { restrictLink } from './own-links.ts';
import { callPlugin, findPlugin, type PodOfPlugins } from './plugin-call.ts';
import { netnsPath } from './pod-netns.ts';

/** A pod as it is joined to networks. */
export interface PodNetworks extends PodOfPlugins {
  readonly podPath: string;
  readonly warn: (line: string) => void;
}

/** DNS settings that a network supplied. */
export interface SuppliedDns extends CniDns {
  readonly network: string;
}

/** A network as the pod has joined it; what its plugin did not name is undefined. */
export interface JoinedNetwork {
  readonly name: string;
  /** The pod's IPv4 address on it. */
  readonly address: string | undefined;
  readonly gateway: string | undefined;
}

export interface JoinedNetworks {
  readonly networks: readonly JoinedNetwork[];
  /** Those of the first network that has some. */
  readonly dns: SuppliedDns | undefined;
}

function resultPath(podPath: string, conf: NetworkConf): string {
  return join(podPath, 'net', `${conf.file}.result`);
}

/** What the last plugin of a network printed, which the next one is given. */
interface Printed {
  readonly result: CniResult;
  readonly json: string;
}

async function addNetwork(pod: PodNetworks, network: SelectedNetwork): Promise<CniResult> {
  const { conf } = network;
  let last: Printed | undefined;
  for (const plugin of conf.plugins) {
    const output = await callPlugin('ADD', pod, network, plugin, last?.json);
    last = { result: parseResult(plugin.type, output), json: output.trim() === '' ? '{}' : output };
  }
  if (last === undefined) throw new OcicatError('invalid', `network "${conf.name}": has no plugin`);
  if (conf.plugins.length > 1) writeFileSync(resultPath(pod.podPath, conf), last.json);
  const own = ownNetwork(conf);
  if (own !== undefined) restrictLink(own, netnsPath(pod.uuid), last.result);
  return last.result;
}

/** With `refused`, plugins of which one would not even look at the ADD: what refuses the DEL as well has nothing to delete. */
async function deleteNetwork(pod: PodNetworks, network: SelectedNetwork, refused: boolean): Promise<void> {
  const path = resultPath(pod.podPath, network.conf);
  const previous = statSync(path, { throwIfNoEntry: false }) === undefined ? undefined : readFileSync(path, 'utf8');
  for (const plugin of network.conf.plugins.toReversed()) {
    try {
      await callPlugin('DEL', pod, network, plugin, previous);
    } catch (error) {
      if (!refused || !isOcicatError(error, 'invalid')) throw error;
    }
  }
}

/** The IPv4 address where there is one. */
function infoOf(pod: PodNetworks, network: SelectedNetwork, own: ResultAddress | undefined): NetInfo {
  return {
    netName: network.conf.name,
    netConf: `net/${network.conf.file}`,
    pluginPath: findPlugin(network.conf.plugins[0]?.type ?? '', pod.pluginDirs),
    ifName: network.ifName,
    ip: own === undefined ? '' : formatIp(own.address.address),
    args: network.args,
    mask: own === undefined || cidrFamily(own.address) === 6 ? '' : formatMask(own.address.prefixLength),
  };
}

function joinedNetworkOf(name: string, ip4: ResultAddress | undefined): JoinedNetwork {
  const { address, gateway } = ip4 ?? {};
  return {
    name,
    address: address === undefined ? undefined : formatIp(address.address),
    gateway: gateway === undefined ? undefined : formatIp(gateway),
  };
}

/** Whoever finds the pod after a crash knows every network that may have been added: the list is written before the call. */
function recordIntent(pod: PodNetworks, infos: readonly NetInfo[], network: SelectedNetwork): NetInfo {
  const info = infoOf(pod, network, undefined);
  writeFileSync(join(pod.podPath, 'net', network.conf.file), network.conf.json);
  writeNetInfo(pod.podPath, [...infos, info]);
  return info;
}

/** Takes everything down again and returns the failure in one line, with the way out for what could not be taken down. */
async function giveUp(pod: PodNetworks, network: string, cause: unknown): Promise<OcicatError> {
  const left = await removeNetworks(pod, isOcicatError(cause, 'invalid') ? network : undefined);
  const rest = left.length === 0 ? '' : `; it will be taken down by "rkt gc"`;
  return new OcicatError('unavailable', `error adding network "${network}": ${describeError(cause)}${rest}`);
}

/**
 * Adds the networks in order. When one fails, it and the earlier ones are taken down again, newest first, and the failure is
 * thrown.
 */
export async function addNetworks(pod: PodNetworks, networks: readonly SelectedNetwork[]): Promise<JoinedNetworks> {
  mkdirSync(join(pod.podPath, 'net'), { recursive: true, mode: 0o750 });
  const infos: NetInfo[] = [];
  const joined: JoinedNetwork[] = [];
  let supplied: SuppliedDns | undefined;
  for (const network of networks) {
    const { name } = network.conf;
    try {
      infos.push(recordIntent(pod, infos, network));
      const result = await addNetwork(pod, network);
      const ip4 = result.addresses.find(({ address }) => cidrFamily(address) === 4);
      const dns = dnsOf(result);
      infos.splice(-1, 1, infoOf(pod, network, ip4 ?? result.addresses[0]));
      writeNetInfo(pod.podPath, infos);
      joined.push(joinedNetworkOf(name, ip4));
      if (dns !== undefined && supplied === undefined) supplied = { ...dns, network: name };
      else if (dns !== undefined && !sameContent({ ...dns, network: '' }, { ...supplied, network: '' })) {
        pod.warn(`Warning: network ${name} plugin specified DNS configuration, but DNS already supplied`);
      }
    } catch (cause) {
      throw await giveUp(pod, name, cause);
    }
  }
  return { networks: joined, dns: supplied };
}

function savedNetwork(pod: PodNetworks, info: NetInfo): SelectedNetwork {
  const path = join(pod.podPath, info.netConf);
  const conf = parseNetworkConf(basename(info.netConf), path, readFileSync(path, 'utf8'));
  return { conf, ifName: info.ifName, args: info.args };
}

/**
 * Takes the pod off every network it has, newest first; each is forgotten once its plugin has agreed. Returns a line for
 * each that could not be deleted and is still recorded for another try. `refused` names a network whose ADD was
 * refused as such.
 */
export async function removeNetworks(pod: PodNetworks, refused?: string): Promise<readonly string[]> {
  const failures: string[] = [];
  const kept: NetInfo[] = [];
  const infos = readNetInfo(pod.podPath);
  for (const [index, info] of [...infos.entries()].toReversed()) {
    try {
      await deleteNetwork(pod, savedNetwork(pod, info), info.netName === refused);
      rmSync(join(pod.podPath, info.netConf), { force: true });
      rmSync(join(pod.podPath, `${info.netConf}.result`), { force: true });
    } catch (error) {
      failures.push(`error deleting "${info.netName}": ${describeError(error)}`);
      kept.unshift(info);
    }
    writeNetInfo(pod.podPath, [...infos.slice(0, index), ...kept]);
  }
  return failures;
}
