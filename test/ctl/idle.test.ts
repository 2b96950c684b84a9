// What has no effect here is stored with a warning on stderr, once for a command; stdout and status are as with Calico.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { openSession, type Session } from './session.ts';

let session: Session;
beforeEach(() => {
  session = openSession();
});
afterEach(() => session.close());

const HEAD = 'warning: stored, and without effect here:\n';
const document = (kind: string, name: string, spec: string) =>
  `kind: ${kind}\napiVersion: projectcalico.org/v3\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
const HTTP = '{ingress: [{action: Allow, protocol: TCP, http: {methods: [GET]}}]}';
const POLICY = document('GlobalNetworkPolicy', 'web', HTTP);
const POLICY_WARNING = `${HEAD}  GlobalNetworkPolicy(web): spec.ingress.http (the kernel does not see requests; the rule allows nothing)\n`;

test.each(['create', 'apply', 'validate'])('%s warns and succeeds', async (command) => {
  const { status, out, err } = await session.run(`${command} -f -`, POLICY);
  expect([status, err]).toEqual([0, POLICY_WARNING]);
  expect(out).toStartWith('Successfully');
});

test('replace warns as well, and one warning is for all resources of a command', async () => {
  const felix = document('FelixConfiguration', 'default', '{bpfEnabled: true, logPrefix: x}');
  await session.run('create -f -', `${POLICY}---\n${felix}`);
  expect((await session.run('replace -f -', `${POLICY}---\n${felix}`)).err).toBe(
    `${POLICY_WARNING}  FelixConfiguration(default): spec.bpfEnabled (no programs of eBPF or XDP are used)\n`,
  );
});

test('patch warns of what it changes alone', async () => {
  await session.run('apply -f -', document('FelixConfiguration', 'default', '{flowLogsFlushInterval: 1s}'));
  const patch = (text: string) => session.run(`patch felixconfig default -p '${text}'`);
  expect(await patch('{"spec":{"logPrefix":"x"}}')).toEqual({
    status: 0,
    out: "Successfully patched 1 'FelixConfiguration' resource\n",
    err: '',
  });
  expect((await patch('{"spec":{"bpfEnabled":true}}')).err).toBe(
    `${HEAD}  FelixConfiguration(default): spec.bpfEnabled (no programs of eBPF or XDP are used)\n`,
  );
});

test('what acts, and what says the default, gets no warning', async () => {
  const documents = [
    document('IPPool', 'pool', '{cidr: 10.77.0.0/16, ipipMode: Always}'),
    document('FelixConfiguration', 'default', '{bpfEnabled: false, logPrefix: x, ipv6Support: true}'),
    document('BGPConfiguration', 'default', '{asNumber: 65000, nodeToNodeMeshEnabled: false}'),
    document('GlobalNetworkPolicy', 'open', '{ingress: [{action: Allow}]}'),
  ];
  expect((await session.run('apply -f -', documents.join('---\n'))).err).toBe('');
});

test('many resources are counted', async () => {
  const many = Array.from({ length: 25 }, (_, index) => document('GlobalNetworkPolicy', `p${index}`, HTTP));
  const { err } = await session.run('apply -f -', many.join('---\n'));
  expect(err.split('\n')).toHaveLength(23);
  expect(err).toEndWith('  and 5 more resources\n');
});

test('explain says it of a kind, a field, and what lies in one', async () => {
  expect((await session.run('explain ipamconfig')).out).toContain('No effect here: with etcd');
  expect((await session.run('explain felixconfig.spec.bpfEnabled')).out).toContain(
    'No effect here: no programs of eBPF or XDP are used.',
  );
  expect((await session.run('explain globalnetworkpolicy.spec.ingress')).out).toContain(
    'No effect here: the kernel does not see requests; the rule allows nothing.',
  );
  expect((await session.run('explain workloadendpoint.spec.ports.hostPort')).out).toContain(
    'No effect here: a port of the host is mapped by what the client of a workload asks for.',
  );
  expect((await session.run('explain felixconfig.spec.logPrefix')).out).not.toContain('No effect');
});
