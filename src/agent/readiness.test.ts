import { expect, test } from 'bun:test';
import { createReadiness } from './readiness.ts';

function recorded(latestMs?: number) {
  const told: string[] = [];
  return { told, ...createReadiness((...assignments) => void told.push(assignments.join(' ')), latestMs) };
}

test('readiness is told once, and the end', () => {
  const { told, ready, ending } = recorded();
  ready();
  ready();
  ending();
  expect(told).toEqual(['READY=1 STATUS=in step with the datastore', 'STOPPING=1 STATUS=']);
});

test('a datastore that does not answer holds up nobody for ever, and is told when it does', async () => {
  const { told, ready, ending } = recorded(1);
  for (let tries = 0; told.length === 0 && tries < 1000; tries++) await Bun.sleep(5);
  ready();
  ending();
  expect(told.slice(0, 2)).toEqual([
    'READY=1 STATUS=waiting for the datastore',
    'READY=1 STATUS=in step with the datastore',
  ]);
});

test('an agent that ends before it is ready never says that it is', async () => {
  const { told, ending } = recorded(1);
  ending();
  await Bun.sleep(20);
  expect(told).toEqual(['STOPPING=1 STATUS=']);
});
