// What a workload asks of its host, whoever asks for it: an interface in a network, or addresses alone. Clients, CNI among
// them, make their calls into these.
import type { Issue } from '../base/errors.ts';
import type { QosControls } from '../model/endpoint/qos-controls.ts';
import type { WorkloadEndpoint } from '../model/endpoint/workload-endpoint.ts';
import type { Attachment } from '../model/endpoint/workload-endpoint-name.ts';
import type { NetworkDns } from '../names/annotations.ts';
import type { Cidr } from '../net/cidr.ts';
import type { Family, Ip } from '../net/ip.ts';
import type { Mac } from '../net/mac.ts';
import type { PortMapping } from '../net/port-mapping.ts';
import type { AttachedAddress } from './endpoint/endpoint.ts';

export interface Route {
  /** With the host's bits, as Calico's IPAM gives them. */
  readonly destination: Cidr;
  readonly gateway?: Ip | undefined;
}

export interface ProvidedAddresses {
  readonly addresses: readonly Ip[];
  readonly routes: readonly Route[];
  /** As it answered: it wants to see that again when it is to check. */
  readonly answer: string;
}

/** Somebody other than this agent who gives out addresses, and keeps books of its own; for one request. Throws as it pleases. */
export interface AddressProvider {
  readonly name: string;
  take(signal: AbortSignal): Promise<ProvidedAddresses>;
  giveBack(signal: AbortSignal): Promise<void>;
  /** Whether it still holds what it has answered; undefined: that is not known. */
  check(answer: string | undefined, signal: AbortSignal): Promise<void>;
  /** Gives back what is of nobody who is still there. */
  collect(signal: AbortSignal): Promise<void>;
  /** Whether it could serve a request now. */
  status(signal: AbortSignal): Promise<void>;
}

/** A removal that its client has on disk until it is done: what a crash or a datastore that is away leaves is done later. */
export interface DeferredRemoval {
  /** As it was asked for; undefined when there is none. */
  load(): RemoveRequest | undefined;
  /** A disk that takes nothing does not stop the removal itself: it never throws. */
  save(): void;
  /** Throws when it stands and cannot be removed: it would be done again. */
  clear(): void;
}

/** `addresses`: somebody else makes the interface, and asks for its addresses alone. */
type Scope = 'interface' | 'addresses';

export interface RemoveRequest {
  readonly scope: Scope;
  readonly attachment: Attachment;
  /** Other IDs that addresses of the workload may be held under. */
  readonly otherIds: readonly string[];
  /** Its profile has the same name. */
  readonly network: string;
  /** Who gives the addresses; undefined: this agent, from the pools. */
  readonly provider: AddressProvider | undefined;
  readonly deferred: DeferredRemoval;
  /** Whether members of each network of the workload know it by whichever of its interfaces it sends. */
  readonly spansNetworks: boolean;
}

/** What the pools are asked for. */
interface PoolRequest {
  /** One address of each that `addresses` has none of. */
  readonly families: readonly Family[];
  /** Ranges or names of pools; empty: those that select this node. */
  readonly ipv4Pools: readonly string[];
  readonly ipv6Pools: readonly string[];
}

export interface AddressRequest extends RemoveRequest, PoolRequest {
  /** These very addresses, in order; each once. */
  readonly addresses: readonly Ip[];
  /** Whether these may be reserved ones (IPReservation). */
  readonly allowsReserved: boolean;
  /** The workload's network namespace; whoever asks keeps it open until the answer is there. undefined: nobody says. */
  readonly netnsFd: number | undefined;
}

/** A network gives the workload the interface that is asked for, or its profile to the interface that is there. */
type AttachMode = 'interface' | 'profile';

export interface AttachRequest extends AddressRequest {
  readonly mode: AttachMode;
  /** undefined: the client takes the interface from the host to the workload, and configures it there. */
  readonly netnsFd: number | undefined;
  /** The handle that `addresses` are held under until now (`HoldRequest`); undefined: they are free. */
  readonly heldUnder: string | undefined;
  readonly mac: Mac | undefined;
  /** undefined: what the agent finds. */
  readonly mtuBytes: number | undefined;
  /** Whether to fail while the agent has found none. */
  readonly needsMtu: boolean;
  readonly queues: number;
  readonly allowForwarding: boolean;
  /** What the workload reaches by this network's interface, whichever of its interfaces has the preference. */
  readonly routes: readonly Route[];
  /** The endpoint's; undefined: the usual one. */
  readonly namespace: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** The workload by the name that its client knows; a resource's name. */
  readonly workload: string | undefined;
  /** By which the other members of its network find it on every host, as `tryParseName` reads them. */
  readonly names: readonly string[];
  /** What it finds by asking this host. */
  readonly dns: NetworkDns;
  /** Limits on its traffic; undefined: none. */
  readonly controls: QosControls | undefined;
  /** Ports of the host that are to lead to it. They are its own on this host: an ADD that wants another workload's fails. */
  readonly portMappings: readonly PortMapping[];
  /** False when somebody else makes the profile. */
  readonly createsProfile: boolean;
  /** Its members reach each other and nobody else, and whoever has another network reaches the rest by that. */
  readonly isInternal: boolean;
  /** URLs that must answer before the workload is attached. */
  readonly readinessGates: readonly string[];
}

/** Addresses for a workload of which nothing is known yet. */
export interface HoldRequest extends PoolRequest {
  readonly handleId: string;
  /** These very addresses. */
  readonly addresses: readonly Ip[];
}

export interface CheckRequest extends AttachRequest {
  /** What the client remembers otherwise than it is. */
  compare(endpoint: WorkloadEndpoint): readonly Issue[];
}

/** `unknown`: nothing is there of the workload, so that nothing need be removed. */
export type CheckOutcome = 'attached' | 'unknown';

export interface CheckAddressesRequest extends AddressRequest {
  compare(held: readonly Ip[]): readonly Issue[];
}

export interface CollectRequest {
  readonly scope: Scope;
  readonly network: string;
  /** What the client still has. */
  readonly valid: readonly Attachment[];
  readonly provider: AddressProvider | undefined;
  /** The removal of one that it has not. */
  removalOf(attachment: Attachment): RemoveRequest;
}

export interface StatusRequest extends PoolRequest {
  readonly provider: AddressProvider | undefined;
}

/** `limited`: workloads that are attached do not reach all that they are to reach. */
export type StatusOutcome = { readonly kind: 'ready' } | { readonly kind: 'limited'; readonly reason: string };

/** A workload as it is attached now. */
export interface Attached {
  readonly endpoint: WorkloadEndpoint;
  readonly addresses: readonly AttachedAddress[];
  /** undefined: the kernel's. */
  readonly mtuBytes: number | undefined;
  readonly routes: readonly Route[];
  /** Whom it asks for names; none where its network has no DNS. */
  readonly nameservers: readonly Ip[];
  /** As another provider of addresses has answered; undefined where none was asked. */
  readonly providerAnswer: string | undefined;
}
