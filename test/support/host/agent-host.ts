// A host for tests of the whole agent: network, mounts and processes of its own, an uplink, a real etcd, the real shim.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EtcdServer, startEtcd } from '../etcd/etcd-server.ts';
import { buildShim } from './shim.ts';

const root = join(import.meta.dir, '../../..');
const NODE = 'node-1';

/** Empty directories where the agent keeps things, and the way out: eth0 to a namespace `outside`. */
const BOOT = `
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
mount -t tmpfs tmpfs /var/log
mount -t sysfs none /sys
mkdir -p /run/netns /run/log
ip link set lo up
ip netns add outside
ip link add eth0 type veth peer name eth0 netns outside
ip address add 10.98.0.1/24 dev eth0
ip link set eth0 up
ip -n outside address add 10.98.0.2/24 dev eth0
ip -n outside link set eth0 up
ip route add default via 10.98.0.2
ip -n outside route add 192.168.0.0/16 via 10.98.0.1
echo booted
exec sleep infinity`;

interface Outcome {
  readonly status: number;
  readonly output: string;
}

export interface AgentHost {
  readonly etcd: EtcdServer;
  /** A process that is in its namespaces as long as it lives. */
  readonly pid: number;
  /** Runs a shell command on the host; exit status, and stdout and stderr together. */
  run(command: string): Outcome;
  /** As run, and throws unless it succeeds; the output without its last newline. */
  must(command: string): string;
  /** Starts calico-node, by `tracer` if one is given, and returns when it has read the datastore and takes CNI calls. */
  startAgent(tracer?: string): Promise<void>;
  /** Ends it by a signal and returns when it is gone. */
  stopAgent(signal: 'TERM' | 'KILL'): Promise<void>;
  /** What the running agent has logged. */
  log(): string;
  /** Calls the shim for a pod; the pod's namespace is made by ADD if it is not there. `keys`: more for the network's file. */
  cni(
    command: 'ADD' | 'CHECK' | 'DEL',
    pod: string,
    network: string,
    args?: string,
    keys?: object,
    ifname?: string,
  ): Outcome & { readonly elapsedMs: number };
  /** Adds a pod to a network, as eth0 unless said otherwise; its IPv4 address there. */
  addPod(pod: string, network: string, ifname?: string): string;
  close(): Promise<void>;
}

/** Tries until it gives something else than undefined; returns that and how long it took. Throws after timeoutMs. */
export async function eventually<T>(
  what: string,
  timeoutMs: number,
  look: () => T | undefined,
): Promise<{ readonly value: T; readonly elapsedMs: number }> {
  const startedMs = performance.now();
  for (;;) {
    const value = look();
    const elapsedMs = performance.now() - startedMs;
    if (value !== undefined) return { value, elapsedMs };
    if (elapsedMs > timeoutMs) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await Bun.sleep(10);
  }
}

interface Machine {
  readonly pid: number;
  readonly enter: readonly string[];
  end(): Promise<void>;
}

/** Whatever ends this process ends the namespaces' first process, and so all in them. */
async function boot(): Promise<Machine> {
  const namespaces = ['unshare', '--net', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child'];
  const command = ['setpriv', '--pdeathsig', 'KILL', ...namespaces, 'sh', '-ec', BOOT];
  const child = Bun.spawn(command, { stdout: 'pipe', stderr: 'inherit' });
  const { value } = await child.stdout.getReader().read();
  if (new TextDecoder().decode(value) !== 'booted\n') throw new Error('the host does not start');
  const first = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
  return {
    pid: Number(first),
    enter: ['nsenter', '--target', first, '--net', '--mount', '--pid'],
    async end() {
      child.kill('SIGKILL');
      await child.exited;
    },
  };
}

/** A command that prints what `calicoctl node status` says of the rules. */
export const DESCRIBE_PROTECTION = `${process.execPath} -e '
  import { describeTableProtection } from "${join(root, 'src/ctl/node/table-protection.ts')}";
  console.log(describeTableProtection());'`;

export interface AgentHostOptions {
  /** For the agent, besides where its store is. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Of the networks' files; default: the address of IPv4 that `calico-ipam` gives. */
  readonly ipam?: object;
}

export async function openAgentHost({ environment = {}, ipam }: AgentHostOptions = {}): Promise<AgentHost> {
  const folder = mkdtempSync(join(tmpdir(), 'ocitest-agent-'));
  buildShim(join(folder, 'calico'));
  const machine = await boot();
  const etcd = await startEtcd({ launcher: machine.enter.slice(0, 4) });
  let agent: Bun.Subprocess | undefined;
  let runs = 0;
  let logFile = '';

  function configOf(network: string, keys: object): string {
    const plugin = { cniVersion: '1.0.0', name: network, type: 'calico', ...keys };
    return JSON.stringify({ ipam: { type: 'calico-ipam', ...ipam }, ...plugin });
  }

  function run(command: string): Outcome {
    const { exitCode, stdout, stderr } = Bun.spawnSync([...machine.enter, 'bash', '-c', command], { timeout: 120_000 });
    return { status: exitCode ?? -1, output: `${stdout}${stderr}` };
  }

  function must(command: string): string {
    const { status, output } = run(command);
    if (status !== 0) throw new Error(`${command}: exit status ${status}: ${output}`);
    return output.trimEnd();
  }

  const host: AgentHost = {
    etcd,
    pid: machine.pid,
    run,
    must,
    async startAgent(tracer = '') {
      // a BIRD that has outlived its agent goes on with the file it was given
      logFile = `/run/log/agent-${++runs}`;
      const program = `${tracer} ${process.execPath} ${join(root, 'src/main.ts')} calico-node`;
      agent = Bun.spawn([...machine.enter, 'sh', '-c', `echo $$ > /run/agent.pid; exec ${program} 2>> ${logFile}`], {
        env: {
          PATH: process.env.PATH,
          ETCD_ENDPOINTS: etcd.endpoint,
          NODENAME: NODE,
          IP: 'autodetect',
          ...environment,
        },
      });
      await eventually('the agent to be ready', 30_000, () => {
        if ((agent?.exitCode ?? agent?.signalCode) !== null) throw new Error(`the agent ended: ${host.log()}`);
        return host.log().includes('in step with the datastore') && run('test -S /var/run/calico/cni.sock').status === 0
          ? true
          : undefined;
      });
    },
    async stopAgent(signal) {
      must(`kill -${signal} $(cat /run/agent.pid)`);
      agent?.kill('SIGCONT'); // nsenter(1) stops with its child, and does not go on with it
      await agent?.exited;
      agent = undefined;
    },
    log: () => run(`cat ${logFile}`).output,
    cni(command, pod, network, args = '', keys = {}, ifname = 'eth0') {
      const startedMs = performance.now();
      if (command === 'ADD') run(`ip netns add ${pod}`);
      const variables = `CNI_COMMAND=${command} CNI_CONTAINERID=${pod} CNI_NETNS=/run/netns/${pod} CNI_IFNAME=${ifname} CNI_PATH=${folder} CNI_ARGS='${args}'`;
      const outcome = run(`${variables} ${folder}/calico <<'END'\n${configOf(network, keys)}\nEND`);
      return { ...outcome, elapsedMs: performance.now() - startedMs };
    },
    addPod(pod, network, ifname = 'eth0') {
      const { status, output } = host.cni('ADD', pod, network, '', {}, ifname);
      if (status !== 0) throw new Error(output);
      return must(`ip -n ${pod} -o -4 address show ${ifname} | grep -oE '[0-9.]+/32' | cut -d/ -f1`);
    },
    async close() {
      await etcd.stop();
      await machine.end();
      agent?.kill('SIGCONT'); // a stopped nsenter(1) would stay, and keep the output of the tests open
      await agent?.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return host;
}
