// What attaching works with: everything that it needs from the rest of the agent, and nothing else.
import type { Issue } from '../base/errors.ts';
import type { Datastore, Revision } from '../datastore/port.ts';
import type { Pool } from '../ipam/pool.ts';
import type { TransactionBuilder } from '../ipam/transaction-builder.ts';
import type { RaisedLink, WorkloadLinkSpec, WorkloadLinkState } from '../kernel/link/workload-link.ts';
import type { WorkloadEndpoint } from '../model/endpoint/workload-endpoint.ts';
import type { Ip } from '../net/ip.ts';
import type { HostPorts } from '../net/port-mapping.ts';
import type { Log } from '../sys/log.ts';
import type { EndpointId } from './endpoint/endpoint.ts';
import type { NodeCache } from './endpoint/node-cache.ts';

/** The kernel's side: createWorkloadLink and its kin, in the namespace that the agent calls the host's. */
export interface WorkloadLinks {
  create(spec: WorkloadLinkSpec): void;
  raise(link: RaisedLink): void;
  check(spec: WorkloadLinkSpec): readonly Issue[];
  observe(): readonly WorkloadLinkState[];
  /** Takes in what others have changed about the pod's end since ADD. */
  follow?(hostName: string): Promise<void>;
  /** Whether somebody else's link has the name. */
  isForeign(hostName: string): boolean;
  /** Afterwards nothing leads to the link's addresses; the link itself may still be there, down, until `settled`. */
  remove(hostName: string, signal?: AbortSignal): Promise<'removed' | 'absent'>;
  /** Makes the kernel forget what it has let pass to and from addresses, before somebody else may get them. */
  endFlows(addresses: readonly Ip[]): Promise<void>;
  /** Which namespace it is, in words that tell it from all others of this start of the kernel; undefined: it cannot be said. */
  identifyNetns?(netnsFd: number): string | undefined;
  /** Of these, those that are provably gone. */
  findGoneNetns?(identities: readonly string[]): ReadonlySet<string>;
  /** Resolves when all links that were removed so far have gone. */
  settled?(): Promise<void>;
}

/** What proves that what the store has under the node's name is this host's. */
interface HeldName {
  /** Asks the store whether the name is still this agent's. */
  isHeld(signal?: AbortSignal): Promise<boolean>;
  /** Makes a commit depend on that. Throws `not-ready` when it is not. */
  require(builder: TransactionBuilder): Promise<void>;
}

export interface AttachContext {
  readonly nodeName: string;
  readonly datastore: Datastore;
  readonly cache: NodeCache;
  readonly links: WorkloadLinks;
  /** Whether packets to the address are for this host. */
  isOwnAddress(address: Ip): boolean;
  /** The program of this host that listens on such a port, for people; undefined: none does but the container's own runtime. */
  findListener(ports: HostPorts, containerId: string): string | undefined;
  /**
   * Resolves when the endpoint's policy, as of this revision, is in the kernel. The link exists then and is down.
   * Throws when it cannot be put there; the ADD is undone then.
   */
  policyApplied(endpoint: WorkloadEndpoint, modRevision: Revision, signal: AbortSignal): Promise<void>;
  /** The endpoint's link is gone, or is going with the next step: what the kernel holds for it may go too. */
  endpointGone(id: EndpointId): void | Promise<void>;
  /** Why the agent does not know what stands in the store now; undefined while it follows. */
  whyBehind(): string | undefined;
  /** Why workloads do not reach others which they are to reach; undefined while they do, as far as this host is concerned. */
  whyCutOff(): string | undefined;
  readonly nodeLease: HeldName;
  /** The kernel's start (random(4), boot_id); empty where it is not known. */
  readonly boot: string;
  /** The MTU for a workload with these addresses; undefined while the agent does not know one. */
  mtuBytes(addresses: readonly Ip[]): number | undefined;
  /** Encapsulations of pools that this host's kernel does not have: such a pool gives no addresses here. */
  unmadeTunnels(): ReadonlySet<Pool['encapsulation']>;
  /** Folder for the endpoints of the pods that live, for a store that does not know them; made when it is needed. */
  readonly endpointFolder: string;
  /** The clock, in milliseconds since 1970. */
  now(): number;
  readonly log: Log;
}
