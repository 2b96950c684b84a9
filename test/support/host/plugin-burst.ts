// Runs on a lab's host: one CNI command for many containers at once, each by a plugin process of its own as runtimes do. Prints, as
// JSON, what each printed, whether it failed, and how long it took.
// bun plugin-burst.ts COMMAND PREFIX COUNT: containers PREFIX-0, PREFIX-1, … in the namespaces burst-0, burst-1, …

export interface BurstCall {
  readonly status: number;
  readonly output: string;
  readonly elapsedMs: number;
}

const CONFIG = JSON.stringify({
  cniVersion: '1.0.0',
  name: 'burst',
  type: 'calico',
  ipam: { type: 'calico-ipam', ipv4_pools: ['burst'] },
});

async function call(command: string, id: string, netns: string): Promise<BurstCall> {
  const startedAt = performance.now();
  const child = Bun.spawn(['/opt/cni/bin/calico'], {
    stdin: new TextEncoder().encode(CONFIG),
    stdout: 'pipe',
    stderr: 'inherit',
    env: {
      CNI_COMMAND: command,
      CNI_CONTAINERID: id,
      CNI_NETNS: netns,
      CNI_IFNAME: 'eth0',
      CNI_PATH: '/opt/cni/bin',
    },
  });
  const [output, status] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  return { status, output, elapsedMs: performance.now() - startedAt };
}

const [command = '', prefix = '', count = '0'] = process.argv.slice(2);
const calls = Array.from({ length: Number(count) }, (_, index) =>
  call(command, `${prefix}-${index}`, `/var/run/netns/burst-${index}`),
);
console.log(JSON.stringify(await Promise.all(calls)));
