import { beforeEach, expect, test } from 'bun:test';
import { type MemoryDatastore, openMemoryDatastore } from '../../../test/support/datastore/memory.ts';
import { isOcicatError } from '../../base/errors.ts';
import type { Lease } from '../../datastore/port.ts';
import { type Holder, holderKey, parseHolder, printHolder } from '../../datastore/resource/node-holder.ts';
import { createTransactionBuilder } from '../../ipam/transaction-builder.ts';
import { openLog } from '../../sys/log.ts';
import { type Claim, claimNode } from './claim.ts';
import { computeMachine, relate } from './host-identity.ts';
import { openNodeLease } from './node-lease.ts';

const A = 'aaaaaaaaaaaaaaaa';
const B = 'bbbbbbbbbbbbbbbb';
const NODE = 'host-1';
let store: MemoryDatastore;
let logged: string[];

const host = (machine: string, boot: string, instance: string, network = 'net:[1]'): Holder => ({
  ...{ machine, boot, network, instance, hostname: `of-${machine.slice(0, 1)}`, since: '2026-11-28T02:40:11Z' },
});

const claimant = (own: Holder, takeOver?: string) => ({
  ...{ datastore: store, node: NODE, own, takeOver, graceMs: 1_000 },
  log: openLog((line) => logged.push(line.replace(/^\S+ /, '').trimEnd())),
});

const claim = (own: Holder, takeOver?: string, signal = new AbortController().signal): Promise<Claim> =>
  claimNode(claimant(own, takeOver), signal);

async function standing(part: 'agent' | 'host'): Promise<string | undefined> {
  const { kv } = await store.get(holderKey(NODE, part));
  return kv === undefined ? undefined : parseHolder(kv.key, kv.value).instance;
}

async function addEndpoint(): Promise<void> {
  const key = '/calico/resources/v3/projectcalico.org/workloadendpoints/default/host--1-cni-c-eth0';
  await store.commit({ conditions: [], writes: [{ kind: 'put', key, value: '{}' }] });
}

/** As a kill leaves it, fifteen seconds later. */
const expire = (lease: Lease) => store.expireLease(lease);

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (isOcicatError(error, 'already-exists')) return error.message;
    throw error;
  }
  return 'not refused';
}

beforeEach(() => {
  store = openMemoryDatastore();
  logged = [];
});

test('the first takes the name; its next agent goes on at once, whether the last one ended or was killed', async () => {
  const { lease } = await claim(host(A, 'boot-1', 'first'));
  expect([await standing('agent'), await standing('host')]).toEqual(['first', 'first']);
  await addEndpoint();
  await claim(host(A, 'boot-1', 'after-kill'));
  expect([await standing('agent'), await standing('host')]).toEqual(['after-kill', 'after-kill']);
  await store.dropLease(lease);
  await claim(host(A, 'boot-1', 'after-end'));
  expect(await standing('agent')).toBe('after-end');
  expect(logged).toEqual([]);
});

test('a machine that starts anew has its name, and waits no longer than its last lease', async () => {
  const { lease } = await claim(host(A, 'boot-1', 'first'));
  await addEndpoint();
  const next = claim(host(A, 'boot-2', 'second'));
  await Bun.sleep(20);
  expect(logged).toEqual([
    `WARN node "host-1" is held by hostname "of-a", machine ${A}, since 2026-11-28T02:40:11Z: waiting to see whether it lives`,
  ]);
  expire(lease);
  await next;
  expect([await standing('agent'), await standing('host')]).toEqual(['second', 'second']);
});

test('while the agent of another host lives, the second is refused and the first is named', async () => {
  await claim(host(A, 'boot-1', 'first'));
  for (const other of [
    host(B, 'boot-2', 'other'),
    host(A, 'boot-2', 'clone'), // of the disk, with the machine's own number on it
    host(A, 'boot-1', 'pod', 'net:[2]'), // without the host's network
  ])
    expect(await refusal(claim(other, A))).toBe(
      `start as node "host-1": another host of that name lives: hostname "of-a", machine ${A}, since 2026-11-28T02:40:11Z. Set another NODENAME, or stop it`,
    );
  expect([await standing('agent'), await standing('host')]).toEqual(['first', 'first']);
}, 20_000);

test('what a dead host has left is taken over by a named step alone', async () => {
  const { lease } = await claim(host(A, 'boot-1', 'first'));
  await addEndpoint();
  expire(lease);
  const refused =
    `start as node "host-1": the name is another host's, hostname "of-a", machine ${A}, since 2026-11-28T02:40:11Z, ` +
    'with 1 endpoints and 0 addresses. Set another NODENAME; or, if that host is gone for good, delete the node or set ' +
    `CALICO_NODE_TAKEOVER=${A}`;
  expect(await refusal(claim(host(B, 'boot-2', 'other')))).toBe(refused);
  expect(await refusal(claim(host(B, 'boot-2', 'other'), B))).toBe(refused);
  expect(await refusal(claim(host(A, 'boot-1', 'pod', 'net:[2]')))).toBe(refused);
  expect([await standing('agent'), await standing('host')]).toEqual([undefined, 'first']);
  await claim(host(B, 'boot-2', 'other'), A);
  expect([await standing('agent'), await standing('host')]).toEqual(['other', 'other']);
});

test('a dead host that has left nothing gives its name to whoever asks', async () => {
  const { lease } = await claim(host(A, 'boot-1', 'first'));
  expire(lease);
  await claim(host(B, 'boot-2', 'other'));
  expect(await standing('host')).toBe('other');
});

test('machines with nothing to be known by are never taken for each other', () => {
  expect(computeMachine('', '')).toBe('');
  expect(computeMachine('a', '')).not.toBe(computeMachine('a', 'uuid-2'));
  expect(relate(host('', 'boot-1', 'x'), host('', 'boot-2', 'y'))).toBe('other');
  expect(relate(host('', '', 'x'), host('', '', 'y'))).toBe('other');
});

test('a record that is no JSON stops the start, and is named', async () => {
  const key = holderKey(NODE, 'host');
  await store.commit({ conditions: [], writes: [{ kind: 'put', key, value: '{' }] });
  expect(claim(host(A, 'boot-1', 'first'))).rejects.toThrow('read "/calico/ocicat/v1/nodes/host-1/host": not JSON');
});

test('a lost lease is replaced, in a store of another cluster too', async () => {
  const own = host(A, 'boot-1', 'first');
  const first = await claim(own);
  const nodeLease = openNodeLease(claimant(own), first);
  const stop = new AbortController();
  const kept = nodeLease.keep(stop.signal);
  await Bun.sleep(20);
  expire(first.lease);
  await Bun.sleep(50);
  expect([await standing('agent'), await nodeLease.isHeld()]).toEqual(['first', true]);
  store.replaceCluster();
  await Bun.sleep(500);
  expect([await standing('agent'), await nodeLease.isHeld()]).toEqual(['first', true]);
  await nodeLease.release();
  expect(await standing('agent')).toBeUndefined();
  stop.abort();
  await kept;
});

test('who finds the name taken while it was away ends, and does not hold it meanwhile', async () => {
  const own = host(A, 'boot-1', 'first');
  const nodeLease = openNodeLease(claimant(own), await claim(own));
  const kept = refusal(nodeLease.keep(new AbortController().signal));
  const value = printHolder(host(B, 'boot-2', 'other'));
  await store.commit({ conditions: [], writes: [{ kind: 'put', key: holderKey(NODE, 'agent'), value }] });
  expect(await nodeLease.isHeld()).toBe(false);
  const builder = createTransactionBuilder(store, {
    known: () => undefined,
    mayGuess: false,
    signal: AbortSignal.timeout(1_000),
  });
  expect(nodeLease.require(builder)).rejects.toThrow('its name is not this agent');
  expect(await kept).toBe(
    `keep the name of node "host-1": it has been taken by hostname "of-b", machine ${B}, since 2026-11-28T02:40:11Z`,
  );
});
