// The host's addresses: when they change while the agent runs, its Node follows, and with it BIRD here and on the other hosts.
import { isOcicatError } from '../../base/errors.ts';
import type { StoredResource } from '../../datastore/resource/resource-codec.ts';
import { observeOwnAddresses } from '../../kernel/route/addresses.ts';
import { formatCidr, tryParseCidrOrIp } from '../../net/cidr.ts';
import type { Ip } from '../../net/ip.ts';
import type { AgentSettings } from '../config/settings.ts';
import { observeHostAddresses } from './autodetect.ts';
import { type NodeSpec, type Registration, registerNode, tryGetNode } from './register.ts';

/** An address is often removed and added again a moment later. */
const GATHER_MS = 500;
const RETRY_MS = 5_000;

export interface HostAddresses {
  /** An address or a link of the host may have changed. */
  touch(): void;
}

function printAddresses(): string {
  const all = [...observeHostAddresses(4), ...observeHostAddresses(6)];
  return all.map(({ interfaceName, cidr }) => `${interfaceName} ${formatCidr(cidr)}`).join('\n');
}

function addressesOf(node: StoredResource | undefined): readonly string[] {
  const { bgp } = (node?.spec ?? {}) as NodeSpec;
  return [bgp?.ipv4Address, bgp?.ipv6Address].filter((text) => text !== undefined);
}

function ipOf(text: string): Ip | undefined {
  return tryParseCidrOrIp(text)?.address;
}

/** Whether no link of the host has it. A socket of both families writes IPv4 as a mapped address (RFC 4291). */
function isLost(text: string): boolean {
  const ip = ipOf(text.replace(/^::ffff:(?=\d+\.)/, ''));
  return ip !== undefined && !observeOwnAddresses().has(ip);
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.join() === b.join();
}

/** What can be reached over which address is decided by routes, far from here too. */
const isDecidedByRoutes = ({ ipv4Method, ipv6Method }: AgentSettings): boolean =>
  [ipv4Method, ipv6Method].some(({ kind }) => kind === 'can-reach');

/** An address that is still there on a link without a carrier comes back with it: the Node waits for that. */
function isWithoutCarrier(text: string): boolean {
  const ip = ipOf(text);
  const visible = [...observeHostAddresses(4), ...observeHostAddresses(6)].map(({ cidr }) => cidr.address);
  return ip !== undefined && observeOwnAddresses().has(ip) && !visible.includes(ip);
}

/** Looks once when it is opened, whenever it is touched, and until aborted. */
export function followHostAddresses(registration: Registration, signal: AbortSignal): HostAddresses {
  const { datastore, settings, node, log } = registration;
  let seen: string | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let busy = false;
  let isTouched = false;

  function warnTaken(addresses: readonly string[]): void {
    for (const address of addresses.filter(isLost))
      log.error(
        `the address ${address} of node "${node}" is on no link of this host; IP=autodetect follows those that are`,
      );
  }

  async function refresh(): Promise<void> {
    const now = printAddresses();
    if (now === seen && !isDecidedByRoutes(settings)) return;
    datastore.disconnectFrom(isLost);
    const standing = addressesOf(await tryGetNode(datastore, node, signal));
    if (standing.some(isWithoutCarrier)) return;
    const addresses = addressesOf(await registerNode(registration, signal));
    seen = now;
    if (!isSame(standing, addresses))
      log.info(`the address of node "${node}" is ${addresses.join(', ')} now, and was ${standing.join(', ')}`);
    warnTaken(addresses);
  }

  function plan(delayMs: number): void {
    if (timer === undefined && !busy && !signal.aborted) timer = setTimeout(() => void run(), delayMs);
  }

  async function run(): Promise<void> {
    timer = undefined;
    busy = true;
    isTouched = false;
    let delayMs = GATHER_MS;
    try {
      await refresh();
    } catch (error) {
      if (signal.aborted) return;
      log.error(`follow the addresses of the host: node "${node}" keeps its own`, error);
      delayMs = RETRY_MS;
      isTouched = isTouched || !isOcicatError(error, 'not-found'); // another address will say so by itself
    } finally {
      busy = false;
    }
    if (isTouched) plan(delayMs);
  }

  const again = setInterval(() => isDecidedByRoutes(settings) && plan(0), settings.detectionMs);
  signal.addEventListener('abort', () => {
    clearTimeout(timer);
    clearInterval(again);
  });
  plan(0);
  return {
    touch() {
      isTouched = true;
      plan(GATHER_MS);
    },
  };
}
