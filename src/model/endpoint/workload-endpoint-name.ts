// The name of a WorkloadEndpoint follows from what it is (Calico v3.33, libcalico-go/lib/names/workloadendpoint.go).

/**
 * The orchestrator of every workload that an agent attaches, whoever asks: by it, and by the node, the agent knows which
 * endpoints are its own to collect. Calico gives it to whatever comes by CNI without Kubernetes.
 */
export const ORCHESTRATOR = 'cni';

/** The parts of a spec that make the name. */
export interface EndpointIdentity {
  readonly node: string;
  readonly orchestrator: string;
  readonly endpoint: string;
  readonly workload?: string | undefined;
  readonly containerID?: string | undefined;
  readonly pod?: string | undefined;
}

/** The field that stands between orchestrator and endpoint; undefined where the orchestrator has one name for all. */
export function identifyingField(orchestrator: string): 'workload' | 'containerID' | 'pod' | undefined {
  if (orchestrator === 'libnetwork') return undefined;
  if (orchestrator === 'k8s') return 'pod';
  return orchestrator === ORCHESTRATOR ? 'containerID' : 'workload';
}

/** `<node>-<orchestrator>-<workload>-<endpoint>`, each `-` inside a part doubled; undefined when a part is missing. */
export function tryComputeEndpointName(identity: EndpointIdentity): string | undefined {
  const field = identifyingField(identity.orchestrator);
  const workload = field === undefined ? 'libnetwork' : identity[field];
  const parts = [identity.node, identity.orchestrator, workload, identity.endpoint];
  const complete = parts.every(
    (part) => part !== undefined && part !== '' && !part.startsWith('-') && !part.endsWith('-'),
  );
  return complete ? parts.map((part) => part?.replaceAll('-', '--')).join('-') : undefined;
}

/** Which interface of which container. */
export interface Attachment {
  readonly containerId: string;
  readonly interfaceName: string;
}

/** The names of the endpoints that the agent of a node attaches begin with this. */
export function endpointNamePrefix(node: string): string {
  return `${node.replaceAll('-', '--')}-${ORCHESTRATOR}-`;
}

/** Container and interface in the name of an endpoint that an agent attached; undefined in any other. */
export function tryParseAttachment(name: string): Attachment | undefined {
  const [, orchestrator, containerId, interfaceName] = name
    .split(/(?<!-)-(?!-)/)
    .map((part) => part.replaceAll('--', '-'));
  if (orchestrator !== ORCHESTRATOR || containerId === undefined || interfaceName === undefined) return undefined;
  return { containerId, interfaceName };
}
