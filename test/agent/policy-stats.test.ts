// `policy stats` with a real agent and real packets: what each rule has met, and what staged policies would have done, which
// let everything through as if they were not there.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

const CALICOCTL = join(import.meta.dir, '../../dist/bin/calicoctl');

let host: AgentHost;
const addresses = new Map<string, string>();

function calicoctl(words: string, input = '') {
  return host.run(`ETCD_ENDPOINTS=${host.etcd.endpoint} ${CALICOCTL} ${words} <<'END'\n${input}\nEND`);
}

function resource(kind: string, name: string, spec: object) {
  return { apiVersion: 'projectcalico.org/v3', kind, metadata: { name }, spec };
}

function apply(...resources: readonly object[]): void {
  const { status, output } = calicoctl('apply -f -', JSON.stringify(resources));
  if (status !== 0) throw new Error(output);
}

interface Row {
  readonly direction: string;
  readonly tier?: string;
  readonly policy?: string;
  readonly rule?: string;
  readonly annotations?: string;
  readonly action: string;
  readonly enforced: boolean;
  readonly staged?: string;
  readonly packets: number;
  readonly bytes: number;
}

function stats(words = ''): readonly Row[] {
  const { status, output } = calicoctl(`policy stats ${words} -o json 2>/dev/null`);
  if (status !== 0) throw new Error(output);
  return JSON.parse(output) as readonly Row[];
}

/** Nobody listens: a packet that arrives is refused by the pod itself, one that is dropped is never answered. */
function arrives(port: number): boolean {
  const script = `timeout 1 bash -c '</dev/tcp/${addresses.get('two')}/${port}' 2>&1 | grep -q refused`;
  return host.run(`ip netns exec one bash -c "${script}"`).status === 0;
}

const port = (action: string, ...ports: readonly number[]) => ({
  ...{ action, protocol: 'TCP', destination: { ports } },
  metadata: { annotations: { name: `${action.toLowerCase()}-${ports.join('-')}` } },
});
const ENFORCED = { order: 10, selector: 'has(network1)', types: ['Ingress'] };

beforeAll(async () => {
  host = await openAgentHost({});
  await host.startAgent();
  for (const pod of ['one', 'two']) addresses.set(pod, host.addPod(pod, 'network1'));
  apply(
    resource('GlobalNetworkPolicy', 'web', { ...ENFORCED, ingress: [port('Allow', 80, 81), port('Deny', 22)] }),
    resource('StagedGlobalNetworkPolicy', 'web', { ...ENFORCED, ingress: [port('Deny', 80), port('Allow', 81)] }),
  );
  await eventually('the policies to be in force', 10_000, () => stats('web').length === 5 || undefined);
}, 60_000);
afterAll(() => host.close());

test('each rule says how many packets it has met; a staged Deny counts and lets through, a staged Allow counts', () => {
  const sent = [80, 80, 81, 22, 443].map(arrives);
  expect(sent).toEqual([true, true, true, false, false]);
  const rows = stats('web').map(({ policy, rule, annotations, action, enforced, packets }) =>
    [policy, rule ?? 'end', annotations ?? '-', action, enforced, packets].join(' '),
  );
  const staged = 'StagedGlobalNetworkPolicy//web';
  const again = (row: string | undefined) => Number(row?.split(' ').at(-1));
  expect(rows).toEqual([
    `${staged} spec.ingress[0] name=deny-80 deny false 2`,
    `${staged} spec.ingress[1] name=allow-81 allow false 1`,
    expect.stringContaining(`${staged} end - pass false `),
    'GlobalNetworkPolicy//web spec.ingress[0] name=allow-80-81 allow true 3',
    expect.stringContaining('GlobalNetworkPolicy//web spec.ingress[1] name=deny-22 deny true '),
  ]);
  expect(again(rows[2])).toBeGreaterThan(again(rows[4])); // what was denied may have been sent again
}, 20_000);

test('the end of the tier, and profiles on the way out, are rows of their own; all as a packet meets them', () => {
  const rows = stats();
  const end = rows.find(({ policy, tier }) => policy === undefined && tier === 'default');
  expect(end).toMatchObject({ direction: 'ingress', action: 'deny', enforced: true });
  expect(end?.packets).toBeGreaterThan(0);
  expect(rows.indexOf(end as Row)).toBe(5);
  const profile = rows.find(({ policy, direction }) => policy === 'Profile//network1' && direction === 'egress');
  expect(profile).toMatchObject({ rule: 'spec.egress[0]', action: 'allow' });
  expect(profile?.packets).toBeGreaterThanOrEqual(5);
  expect(profile?.bytes).toBeGreaterThan(profile?.packets ?? 0);
});

test('for people it is a table, which says of staged policies what they would do', () => {
  const { status, output } = calicoctl('policy stats web -o wide');
  expect(status).toBe(0);
  const lines = output.trimEnd().split('\n');
  expect(lines[0]?.trim().split(/ {2,}/)).toEqual([
    ...['DIRECTION', 'TIER', 'POLICY', 'RULE', 'NAME', 'ACTION', 'PACKETS', 'BYTES', 'ORDER', 'SELECTOR'],
  ]);
  expect(lines[1]?.trim().split(/ {2,}/).slice(0, 7)).toEqual([
    ...['ingress', 'default', 'StagedGlobalNetworkPolicy(web)', '0', 'name=deny-80', 'would Deny', '2'],
  ]);
  expect(calicoctl('policy stats -o yaml').output).toStartWith('- action: deny\n  annotations: name=deny-80\n');
});

test('what is in the store and not in the kernel is said, and what is nowhere is a failure', () => {
  apply(resource('GlobalNetworkPolicy', 'elsewhere', { selector: 'has(nobody)', ingress: [{ action: 'Deny' }] }));
  expect(calicoctl('policy stats elsewhere 2>&1').output).toStartWith(
    'GlobalNetworkPolicy(elsewhere) has no rules of its own in the kernel: no endpoint of this host is under it, or others match all that its rules do\n',
  );
  const { status, output } = calicoctl('policy stats nowhere 2>&1');
  expect({ status, output }).toEqual({
    status: 1,
    output: expect.stringContaining('find policy "nowhere": no policy and no profile is called that'),
  });
});

test('where the absence of a policy is on trial, its rows say that they would be gone', async () => {
  apply(resource('StagedGlobalNetworkPolicy', 'web', { stagedAction: 'Delete' }));
  const own = () => stats('web').filter(({ policy }) => policy === 'GlobalNetworkPolicy//web');
  await eventually('the staged policy to be gone', 10_000, () => stats('web').length === own().length || undefined);
  const rows = own();
  expect(rows.map(({ staged, enforced }) => [staged, enforced])).toEqual(rows.map(() => ['delete', true]));
  expect(rows[0]?.packets).toBeGreaterThanOrEqual(3);
  expect(calicoctl('policy stats web').output).toContain('Allow, would be gone');
});

test('policies of which there are so many that they are merged say what each of their rules has met', async () => {
  const spec = (number: number) => ({ ...ENFORCED, order: 5, ingress: [port('Allow', 9000 + number, 9100 + number)] });
  const names = Array.from({ length: 12 }, (_, number) => `many-${number}`);
  apply(...names.map((name, number) => resource('GlobalNetworkPolicy', name, spec(number))));
  await eventually('the policies to be in force', 10_000, () => stats(names.join(' ')).length === 12 || undefined);
  expect([9003, 9103, 9007, 9300].map(arrives)).toEqual([true, true, true, false]);
  const counted = stats(names.join(' ')).map(({ policy, rule, packets }) => `${policy} ${rule} ${packets}`);
  expect(counted).toEqual(
    names
      .toSorted()
      .map((name) => `GlobalNetworkPolicy//${name} spec.ingress[0] ${{ 'many-3': 2, 'many-7': 1 }[name] ?? 0}`),
  );
}, 20_000);
