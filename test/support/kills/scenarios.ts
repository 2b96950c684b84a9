// What is going on when somebody dies, and how a runtime goes on then.
import type { Call } from './calls.ts';

/** What stands in the end: what stood before, or what the calls are to bring about. */
type State = 'before' | 'done';

export interface Way {
  readonly name: string;
  /** In order; each must succeed. */
  readonly calls: readonly Call[];
  readonly leaves: readonly State[];
}

export interface Scenario {
  readonly name: string;
  /** Calls that have been answered before, in order. */
  readonly before: readonly Call[];
  /** Calls that are under way, all at once. */
  readonly calls: readonly Call[];
  /** Whether the store is away from before the calls until the death. */
  readonly isStoreAway?: boolean;
  readonly ways: readonly Way[];
  /** Takes all of it away. */
  readonly end: readonly Call[];
}

/** Pods that live all the time; the first in the network of the others. */
export const KEEPERS: readonly Call[] = [
  { command: 'ADD', pod: 'a', network: 'net1' },
  { command: 'ADD', pod: 'b', network: 'net2' },
];
export const PODS = ['k1', 'k2', 'k3', 'k4', 'k5', 'k6'] as const;

const HOST_LOCAL = { ipam: { type: 'host-local', subnet: '10.77.0.0/24' } };
const SHARED = { attach: 'profile' };

const one: Call = { command: 'ADD', pod: 'k1', network: 'net1' };
const many: readonly Call[] = PODS.map((pod, place) => ({
  command: 'ADD',
  pod,
  network: place % 3 === 0 ? 'net2' : 'net1',
}));

const toDel = (call: Call): Call => ({ ...call, command: 'DEL' });
const toDels = (calls: readonly Call[]): readonly Call[] => calls.map(toDel);

/** Of several calls some may have been done, and others not begun. */
function silence(calls: readonly Call[]): readonly Way[] {
  return calls.length === 1 ? [{ name: 'nobody asks again', calls: [], leaves: ['done', 'before'] }] : [];
}

function adding(name: string, calls: readonly Call[], before: readonly Call[] = []): Scenario {
  return {
    name,
    before,
    calls,
    ways: [
      { name: 'the same again', calls, leaves: ['done'] },
      { name: 'giving up', calls: toDels(calls), leaves: ['before'] },
      { name: 'giving up and trying again', calls: [...toDels(calls), ...calls], leaves: ['done'] },
      ...silence(calls),
    ],
    end: toDels([...calls, ...before]),
  };
}

function deleting(name: string, calls: readonly Call[], kept: readonly Call[] = []): Scenario {
  return {
    name,
    before: [...kept, ...calls],
    calls: toDels(calls),
    ways: [
      { name: 'the same again', calls: toDels(calls), leaves: ['done'] },
      ...silence(calls),
      { name: 'another container of that name', calls, leaves: ['before'] },
    ],
    end: toDels([...calls, ...kept]),
  };
}

const valid = { 'cni.dev/valid-attachments': [{ containerID: 'a', ifname: 'eth0' }] };
const collection: Call = { command: 'GC', pod: '', network: 'net1', keys: valid };
const garbage: readonly Call[] = [one, { ...one, pod: 'k2' }, { ...one, pod: 'k3' }];

const withHostLocal = { ...one, keys: HOST_LOCAL };
const second = { ...one, network: 'net2', ifname: 'eth1' };
const shared = { ...second, keys: SHARED };
const addressesAlone = { ...one, plugin: 'calico-ipam' } as const;

export const SCENARIOS: readonly Scenario[] = [
  adding('ADD', [one]),
  deleting('DEL', [one]),
  adding('six ADDs at once', many),
  deleting('six DELs at once', many),
  adding('ADD with host-local', [withHostLocal]),
  deleting('DEL with host-local', [withHostLocal]),
  adding('ADD of a second interface', [second], [one]),
  deleting('DEL of a second interface', [second], [one]),
  adding('ADD of a network that shares the interface', [shared], [one]),
  deleting('DEL of a network that shares the interface', [shared], [one]),
  adding('ADD of addresses alone', [addressesAlone]),
  deleting('DEL of addresses alone', [addressesAlone]),
  {
    name: 'GC of three',
    before: garbage,
    calls: [collection],
    ways: [
      { name: 'the same again', calls: [collection], leaves: ['done'] },
      { name: 'DELs', calls: toDels(garbage), leaves: ['done'] },
    ],
    end: toDels(garbage),
  },
  { ...deleting('DEL while the store is away', [one]), isStoreAway: true },
];
