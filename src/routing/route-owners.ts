// Who makes the routes into pools, the agent or BIRD: two configurations say it, each for its own program, and each route has one
// owner whatever they say (Calico v3.33, programClusterRoutes of FelixConfiguration and of BGPConfiguration).

export interface RouteOwners {
  /** Whether the agent makes those into pools without a tunnel. */
  readonly agentMakesPlain: boolean;
  /** And those into pools of IP-in-IP, which BIRD never makes here. */
  readonly agentMakesIpip: boolean;
  /** Whether BIRD makes those into pools without a tunnel. */
  readonly birdMakesPlain: boolean;
  /** What the two say that cannot be so. */
  readonly faults: readonly RouteFault[];
}

interface RouteFault {
  /** Of the pools that it is about. */
  readonly encapsulation: 'none' | 'ipip';
  /** A sentence. */
  readonly text: string;
}

/** The values of both. */
type Setting = 'Enabled' | 'Disabled' | 'EnabledIPIPOnly' | 'EnabledNoEncapOnly';

const isPlain = (setting: Setting): boolean => setting === 'Enabled' || setting === 'EnabledNoEncapOnly';
const isIpip = (setting: Setting): boolean => setting === 'Enabled' || setting === 'EnabledIPIPOnly';

const FIELDS = 'programClusterRoutes of FelixConfiguration and BGPConfiguration';

function plainFault(agent: boolean, bird: boolean): string | undefined {
  if (agent && bird) return `${FIELDS} both claim the routes of pools without a tunnel: calico-node makes them`;
  return agent || bird ? undefined : `${FIELDS} both leave out the routes of pools without a tunnel: nobody makes them`;
}

/** BIRD 2 has no attribute for the device of a tunnel. */
function ipipFault(agent: boolean, bird: boolean): string | undefined {
  if (!bird && agent) return undefined;
  if (!bird) return `${FIELDS} both leave out the routes of pools with ipipMode: nobody makes them`;
  const maker = agent ? 'calico-node makes' : 'nobody makes';
  return `${FIELDS}: BIRD cannot make the routes of pools with ipipMode; ${maker} them`;
}

function faultOf(encapsulation: RouteFault['encapsulation'], text: string | undefined): readonly RouteFault[] {
  return text === undefined ? [] : [{ encapsulation, text }];
}

/** Undefined: the default. */
export function computeRouteOwners(
  agent: Setting = 'EnabledIPIPOnly',
  bird: Setting = 'EnabledNoEncapOnly',
): RouteOwners {
  return {
    agentMakesPlain: isPlain(agent),
    agentMakesIpip: isIpip(agent),
    birdMakesPlain: isPlain(bird) && !isPlain(agent),
    faults: [
      ...faultOf('none', plainFault(isPlain(agent), isPlain(bird))),
      ...faultOf('ipip', ipipFault(isIpip(agent), isIpip(bird))),
    ],
  };
}
