// Log rules of a host in a network namespace of its own, as a lab's hosts are: their lines stand in the agent's log.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

let host: AgentHost;
let address: string;

function put(kind: string, plural: string, name: string, spec: object): Promise<string> {
  const document = { kind, apiVersion: 'projectcalico.org/v3', metadata: { name }, spec };
  return host.etcd.ctl('put', `/calico/resources/v3/projectcalico.org/${plural}/${name}`, JSON.stringify(document));
}

/** What the log says of packets, without what differs from one packet to the next. */
function logged(prefix: string): readonly string[] {
  const lines = host
    .log()
    .split('\n')
    .flatMap((line) => line.split(` INFO ${prefix}: `)[1] ?? []);
  return lines.map((line) =>
    line
      .replace(/ ID=\d+/, '')
      .replaceAll(/cali\w+/g, 'LINK')
      .replace(/SPT=\d+/, 'SPT=N'),
  );
}

beforeAll(async () => {
  host = await openAgentHost();
  await host.startAgent();
  address = host.addPod('a', 'net1');
  await put('GlobalNetworkPolicy', 'globalnetworkpolicies', 'watch', {
    selector: 'all()',
    types: ['Egress'],
    egress: [{ action: 'Log' }, { action: 'Allow' }],
  });
  await eventually('the rule', 5_000, () =>
    host.must('nft list table inet ocicat').includes('log prefix') ? true : undefined,
  );
}, 60_000);
afterAll(async () => {
  await host.close();
}, 20_000);

test('a packet that hits a Log rule is a line with the prefix, where it came from and where it goes', async () => {
  host.must('ip netns exec a ping -c1 -W1 10.98.0.2');
  host.run(`ip netns exec a timeout 1 bash -c 'exec 3<>/dev/tcp/10.98.0.2/81'`);
  const { value } = await eventually('two lines', 1_000, () => {
    const lines = logged('calico-packet');
    return lines.length >= 2 ? lines : undefined;
  });
  expect(value).toEqual([
    `IN=LINK OUT=eth0 SRC=${address} DST=10.98.0.2 LEN=84 TTL=63 DF PROTO=ICMP TYPE=8 CODE=0`,
    `IN=LINK OUT=eth0 SRC=${address} DST=10.98.0.2 LEN=60 TTL=63 DF PROTO=TCP SPT=N DPT=81 SYN`,
  ]);
});

test('the prefix is that of FelixConfiguration, and a flood makes as many lines as the limit says', async () => {
  await put('FelixConfiguration', 'felixconfigurations', 'default', {
    logPrefix: 'watched',
    logActionRateLimit: '1/second',
    logActionRateLimitBurst: 3,
  });
  await eventually('the prefix', 5_000, () =>
    host.must('nft list table inet ocicat').includes('"watched: "') ? true : undefined,
  );
  host.run(`for i in $(seq 40); do ip netns exec a bash -c 'echo x >/dev/udp/10.98.0.2/9'; done`);
  await eventually('a line', 1_000, () => (logged('watched').length > 0 ? true : undefined));
  await Bun.sleep(200);
  expect(logged('watched')[0]).toBe(
    `IN=LINK OUT=eth0 SRC=${address} DST=10.98.0.2 LEN=30 TTL=63 DF PROTO=UDP SPT=N DPT=9`,
  );
  expect(logged('watched').length).toBeLessThan(12);
});
