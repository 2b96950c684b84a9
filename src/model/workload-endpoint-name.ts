// The name of a WorkloadEndpoint follows from what it is (facts: calico §1.7).

/** The parts of a spec that make the name. */
export interface EndpointIdentity {
  readonly node: string;
  readonly orchestrator: string;
  readonly endpoint: string;
  readonly workload?: string | undefined;
  readonly containerID?: string | undefined;
  readonly pod?: string | undefined;
}

/** What stands between orchestrator and endpoint; undefined when the spec lacks it. */
function workloadSegment(identity: EndpointIdentity): string | undefined {
  switch (identity.orchestrator) {
    case 'k8s':
      return identity.pod;
    case 'cni':
      return identity.containerID;
    case 'libnetwork':
      return 'libnetwork';
    default:
      return identity.workload;
  }
}

/** `<node>-<orchestrator>-<workload>-<endpoint>`, each `-` inside a part doubled; undefined when a part is missing. */
export function tryComputeEndpointName(identity: EndpointIdentity): string | undefined {
  const parts = [identity.node, identity.orchestrator, workloadSegment(identity), identity.endpoint];
  const complete = parts.every(
    (part) => part !== undefined && part !== '' && !part.startsWith('-') && !part.endsWith('-'),
  );
  return complete ? parts.map((part) => part?.replaceAll('-', '--')).join('-') : undefined;
}
