// The one list of what is stored and shown and has no effect here: kinds, and fields. What apply and
// validate warn of, what explain and the reference pages say, what the agent's log names, and a section of
// docs/differences.md follow from it; a test holds that everything else acts.

import { FELIX_MARKS } from './felix-marks.ts';
import type { IdleMark } from './idle-mark.ts';

const NO_SERVICES = 'there are no services; the rule matches nothing';
const HOST_PORT = 'a port of the host is mapped by what the client of a workload asks for';
const NO_OPEN_SESSION = 'a session that is to have a password never comes up without it';

/** Of rules in one direction. */
function ruleMarks(direction: 'ingress' | 'egress'): readonly IdleMark[] {
  return [
    { path: `spec.${direction}.http`, why: 'the kernel does not see requests; the rule allows nothing' },
    { path: `spec.${direction}.source.services`, why: NO_SERVICES },
    { path: `spec.${direction}.destination.services`, why: NO_SERVICES },
  ];
}

const rules = [...ruleMarks('ingress'), ...ruleMarks('egress')];

/** By kind. */
export const IDLE_MARKS: Readonly<Record<string, readonly IdleMark[]>> = {
  FelixConfiguration: FELIX_MARKS,
  BGPConfiguration: [
    ...['serviceLoadBalancerIPs', 'serviceExternalIPs', 'serviceClusterIPs', 'serviceLoadBalancerAggregation'].map(
      (name) => ({ path: `spec.${name}`, why: 'there are no services' }),
    ),
    { path: 'spec.nodeMeshPassword.secretKeyRef.optional', why: NO_OPEN_SESSION },
  ],
  BGPPeer: [{ path: 'spec.password.secretKeyRef.optional', why: NO_OPEN_SESSION }],
  IPAMConfiguration: [{ path: '', why: 'with etcd, `calicoctl ipam configure` sets what counts' }],
  NetworkPolicy: rules,
  GlobalNetworkPolicy: rules,
  StagedNetworkPolicy: rules,
  StagedGlobalNetworkPolicy: rules,
  Profile: rules,
  WorkloadEndpoint: [
    { path: 'spec.ipv4Gateway', why: 'the gateway is the host end of its link' },
    { path: 'spec.ipv6Gateway', why: 'the gateway is the host end of its link' },
    { path: 'spec.ports.hostPort', why: HOST_PORT },
    { path: 'spec.ports.hostIP', why: HOST_PORT },
  ],
};

/** What programs and people note for others to read: nothing is asked of anybody by it. */
export const NOTES: Readonly<Record<string, readonly string[]>> = {
  Node: ['spec.orchRefs', 'spec.addresses', 'spec.interfaces'],
};
