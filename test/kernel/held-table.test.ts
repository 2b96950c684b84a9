// A table that is loaded as a whole and belongs to a socket with a holder: left alone where it is in force, exchanged by the same
// socket for another version, loaded anew each time where the kernel has no such tables, whole after a kill at any moment.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyHeldTable, type HeldTable } from '../../src/kernel/nftables/held-table.ts';
import { endHolders, observeHolders, RKT_HOLDER, startHolder } from '../../src/kernel/nftables/table-holder.ts';
import type { Ruleset, Verdict } from '../../src/nftables/nft.ts';
import { rule } from '../../src/nftables/statements.ts';
import * as libc from '../../src/sys/libc.ts';
import { hasEnded } from '../../src/sys/processes.ts';
import { addNetns, inNetns, nft, removeAllNetns, runIn } from '../support/firewall/firewall-net.ts';

let host: string;
let directory: string;

beforeEach(() => {
  host = addNetns();
  directory = mkdtempSync(join(tmpdir(), 'ocitest-held-'));
});
afterEach(async () => {
  await endAll();
  removeAllNetns();
  rmSync(directory, { recursive: true });
});

function contentOf(verdict: Verdict): Ruleset {
  const base = { type: 'filter', hook: 'forward', priority: 0 } as const;
  const chain = { name: 'forward', base, rules: [rule([{ kind: 'verdict', verdict }])] };
  return { sets: new Map(), chains: new Map([[chain.name, chain]]) };
}

function tableOf(kind: 'accept' | 'drop', started = (_pid: number): void => {}): HeldTable {
  const lockFile = join(directory, 'run/lock');
  return {
    family: 'inet',
    name: 'held',
    comment: kind,
    content: contentOf({ kind }),
    holder: RKT_HOLDER,
    lockFile,
    started,
  };
}

const apply = (kind: 'accept' | 'drop', ...offered: readonly (() => boolean)[]) =>
  inNetns(host, () => applyHeldTable(tableOf(kind), ...offered));
const holders = () => inNetns(host, () => observeHolders(RKT_HOLDER));
const list = () => runIn(host, ['nft', 'list', 'table', 'inet', 'held']);

/** A process that has been killed is there for a moment. */
async function untilHolders(count: number): Promise<void> {
  for (let waitedMs = 0; holders().length !== count && waitedMs < 5_000; waitedMs += 10) await Bun.sleep(10);
  expect(holders()).toHaveLength(count);
}

async function endAll(): Promise<void> {
  const pids = holders();
  inNetns(host, () => endHolders(RKT_HOLDER));
  while (!pids.every(hasEnded)) await Bun.sleep(1);
}

test('a table that is in force is left alone, with its holder', () => {
  apply('drop');
  const [first, before] = [holders(), list()];
  expect(first).toHaveLength(1);
  apply('drop');
  expect([holders(), list()]).toEqual([first, before]);
  expect(before).toContain('flags owner');
  expect(() => nft(host, 'delete table inet held')).toThrow('Operation not permitted');
});

test('another version is loaded by the socket that the holder has, which stays', () => {
  apply('accept');
  const before = holders();
  apply('drop');
  expect(list()).toMatch(/comment "drop"[\s\S]*policy accept;\s+drop/);
  expect(holders()).toEqual(before);
  nft(host, 'flush ruleset');
  expect(list()).toContain('comment "drop"');
});

test.each(['nothing', 'a table that everybody may change', 'a table that an ended holder has left'])(
  'where there is %s, a table of its own is made',
  async (what) => {
    if (what === 'a table that everybody may change') nft(host, 'table inet held { chain forward { accept; }; }');
    if (what === 'a table that an ended holder has left') {
      apply('drop');
      await endAll();
      nft(host, 'insert rule inet held forward accept');
    }
    apply('drop');
    expect(list()).toMatch(/flags owner[\s\S]*policy accept;\s+drop\s+}/);
    expect(holders()).toHaveLength(1);
  },
);

test('a table that the kernel refuses leaves no holder, and a holder without a table is ended', async () => {
  const broken = { ...tableOf('drop'), content: contentOf({ kind: 'goto', chain: 'nowhere' }) };
  inNetns(host, () => expect(() => applyHeldTable(broken)).toThrow('refused with ENOENT'));
  await untilHolders(0);
  inNetns(host, () => startHolder(RKT_HOLDER, libc.open('/dev/null', libc.O_RDONLY)));
  apply('drop');
  await untilHolders(1);
});

test('where the kernel has no such tables it is anybody’s, is loaded anew each time, and has no holder', () => {
  for (const harm of ['', 'flush ruleset', 'insert rule inet held forward accept']) {
    nft(host, harm);
    apply('drop', () => false);
    expect(list()).toMatch(/policy accept;\s+drop\s+}/);
    expect(list()).not.toContain('flags owner');
  }
  expect(holders()).toEqual([]);
});
