// Two agents on one host: the second says who has it and ends, and the first one's data plane stays as it is.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

const BIN = join(import.meta.dir, '../../dist/bin');
let host: AgentHost;

beforeAll(async () => {
  host = await openAgentHost();
}, 60_000);
afterAll(async () => {
  await host.close();
}, 20_000);

/** Agents that run. A child that has not become another program yet still has its parent's name, and is none. */
const agents = () =>
  host
    .run(
      "ps -C calico-node -o pid=,ppid=,stat= | awk '$3 !~ /Z/ { parent[$1] = $2 } END { for (p in parent) if (!(parent[p] in parent)) print p }'",
    )
    .output.trim();
const settings = () => `ETCD_ENDPOINTS=${host.etcd.endpoint} NODENAME=node-1`;
const nodeRun = () => host.run(`${settings()} ${BIN}/calicoctl node run --ip autodetect --log-dir /run/log`);
const birdStatus = 'birdc -s /var/run/calico/bird.ctl show status';
/** What would change if a second agent had begun. */
const dataPlane = () => host.must(`nft list ruleset; ${birdStatus} | grep boot`);

async function untilEnded(): Promise<void> {
  await eventually('the end', 15_000, () => (agents() === '' ? true : undefined));
}

test('the second, started in whatever way, names the first and how it was started', async () => {
  expect(nodeRun().status).toBe(0);
  await eventually('BIRD', 15_000, () => (host.run(birdStatus).status === 0 ? true : undefined));
  const pid = agents();
  const before = dataPlane();
  const refused = `calico-node: start: another agent runs on this host (process ${pid}, started by calicoctl node run); end it first, or leave it to it\n`;
  const root = '/run/pod';
  host.must(`mkdir -p ${root}; mount --rbind / ${root}`);
  const ways = {
    'by hand': `${settings()} ${BIN}/calico-node`,
    'with a private store': `NODENAME=node-1 ${BIN}/calico-node`,
    'as a unit': `CALICO_STARTED_BY='systemd unit x.service' ${settings()} ${BIN}/calico-node`,
    'in a pod that shares the folder': `${settings()} unshare --mount --pid --fork chroot ${root} ${BIN}/calico-node`,
  };
  for (const [way, command] of Object.entries(ways))
    expect([way, host.run(command)]).toEqual([way, { status: 75, output: refused }]);
  expect(agents()).toBe(pid);
  expect(dataPlane()).toBe(before);
}, 60_000);

test('calicoctl node run takes the place of what it started itself, and of no unit', async () => {
  const [before, again] = [agents(), nodeRun()];
  expect(again.output).toContain(`Stopping calico-node (process ${before}).`);
  host.must(`kill ${agents()}`);
  await untilEnded();
  const unit = `CALICO_STARTED_BY='systemd unit calico-node.service' ${settings()} IP=autodetect setsid ${BIN}/calico-node`;
  host.must(`${unit} >/run/log/unit.log 2>&1 </dev/null & `);
  await eventually('the unit', 15_000, () =>
    host.run('grep -q "in step" /run/log/unit.log').status === 0 ? true : undefined,
  );
  const pid = agents();
  expect(nodeRun()).toEqual({
    status: 1,
    output:
      'node run: the agent of this host runs as calico-node.service: "systemctl restart calico-node.service" starts it anew, "systemctl disable --now calico-node.service" makes room for this command\n',
  });
  expect(agents()).toBe(pid);
}, 60_000);

test('an agent that was killed holds nothing', async () => {
  host.must(`kill -KILL ${agents()}`);
  await untilEnded();
  expect(nodeRun().status).toBe(0);
}, 60_000);
