// Flows that run while something happens to the hosts below them: a hundred packets a second from pod to pod, and how many of
// them had no answer.
import { inside, type Pod, UDP_PORT, type UnderlayLab } from './pods.ts';

const INTERVAL_S = 0.01;
/** A flow ends by itself, whatever becomes of the test. */
const LIMIT_S = 60;

/** Sends numbered datagrams until it is told to stop, and counts those that have come back half a second later. */
const COUNTER = `import signal, socket, sys, time
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.connect((sys.argv[1], ${UDP_PORT})); s.setblocking(False)
stop = []; signal.signal(signal.SIGINT, lambda *_: stop.append(1))
sent, seen, end = 0, set(), time.monotonic() + ${LIMIT_S}
def take():
    try:
        while True: seen.add(s.recv(100))
    except OSError: pass
while not stop and time.monotonic() < end:
    try: s.send(b"%d" % sent)
    except OSError: pass
    sent += 1; time.sleep(${INTERVAL_S}); take()
time.sleep(0.5); take()
print("%d packets transmitted, %d received" % (sent, len(seen)))`;

interface Flow {
  readonly name: string;
  readonly host: string;
  readonly file: string;
}

/** Returns when its program has been started, however long a busy machine takes for that. */
async function startFlow(
  { lab }: UnderlayLab,
  from: Pod,
  to: Pod,
  address: string,
  kind: 'icmp' | 'udp',
): Promise<Flow> {
  const file = `/tmp/flow-${from.name}-${to.name}-${kind}-${address.includes(':') ? 6 : 4}`;
  const ping = `ping -n -i ${INTERVAL_S} -w ${LIMIT_S} -W 0.5 ${address}`;
  const command = kind === 'icmp' ? ping : `python3 -c '${COUNTER}' ${address}`;
  await lab.must(
    from.host,
    `rm -f ${file} ${file}.pid; ${inside(from)} setsid --fork bash -c 'echo $$ >${file}.pid; exec "$@"' - ${command} >${file} 2>&1 </dev/null
    for i in $(seq 250); do grep -qvx bash /proc/$(cat ${file}.pid 2>/dev/null)/comm 2>/dev/null && break; sleep 0.02; done`,
  );
  return {
    name: `${from.name} -${kind}-> ${to.name} over ${address.includes(':') ? 'ipv6' : 'ipv4'}`,
    host: from.host,
    file,
  };
}

interface Count {
  readonly sent: number;
  readonly lost: number;
}

function countDatagrams(text: string): Count {
  const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(text)?.map(Number) ?? [];
  return { sent: sent ?? 0, lost: (sent ?? 0) - (received ?? 0) };
}

/** `ping` does not wait for the answers that are under way when it is told to stop: those of the last half second do not count. */
function countEchoes(text: string): Count {
  const { sent } = countDatagrams(text);
  const answered = new Set(
    [...text.matchAll(/ bytes from .* icmp_seq=(\d+)/g)].map(([, sequence]) => Number(sequence)),
  );
  const counted = Array.from({ length: Math.max(0, sent - 0.5 / INTERVAL_S) }, (_, at) => at + 1);
  return { sent, lost: counted.filter((sequence) => !answered.has(sequence)).length };
}

async function endFlow({ lab }: UnderlayLab, { name, host, file }: Flow): Promise<string> {
  const text = await lab.must(
    host,
    `pid=$(cat ${file}.pid); kill -INT $pid 2>/dev/null; timeout 5 tail --pid=$pid -s 0.05 -f /dev/null; cat ${file}`,
  );
  const { sent, lost } = text.includes('icmp_seq=') ? countEchoes(text) : countDatagrams(text);
  if (sent < 100) throw new Error(`${name}: ${sent} packets sent: ${text}`);
  return `${name}: ${lost} lost`;
}

/** By ICMP and UDP from the first host to each of the others while `work` is under way: `a -udp-> c over ipv4: 0 lost`. */
export async function observeLosses(
  underlay: UnderlayLab,
  targets: readonly Pod[],
  work: () => Promise<void>,
): Promise<readonly string[]> {
  const { a } = underlay.pods;
  const flows = await Promise.all(
    targets.flatMap((to) =>
      to.addresses.flatMap((address) =>
        (['icmp', 'udp'] as const).map((kind) => startFlow(underlay, a, to, address, kind)),
      ),
    ),
  );
  await work();
  return Promise.all(flows.map((flow) => endFlow(underlay, flow)));
}
