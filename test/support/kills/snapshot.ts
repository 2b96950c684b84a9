// Everything that a host holds of its containers: in the store, in the kernel, on disk, in processes. Two hosts with the same live
// containers have the same snapshot, whatever has happened to them.
import type { AgentHost } from '../host/agent-host.ts';
import { describeObjects, describePod, describeRuleset } from './snapshot-kernel.ts';
import { describeEndpoint, describeStore, namesOf } from './snapshot-store.ts';

/** By section; of the host itself. */
const COMMANDS: Readonly<Record<string, string>> = {
  ruleset: 'nft -j list ruleset',
  files:
    "find /run/calico /var/lib/calico /var/log/calico /var/lib/cni ! -type d -printf '%y %m %p\\n' 2>/dev/null | grep -vE 'last_reserved_ip|/lock$'",
  kept: 'for file in /var/lib/calico/endpoints/*.json; do cat $file; echo; done 2>/dev/null',
  processes: `ps -eo stat=,comm= | awk '$1 !~ /^Z/ { print $2 }' | grep -vE '^(bash|ps|awk|grep|sleep|nsenter|sort)$' | sort`,
  descriptors: "ls -l /proc/$(cat /run/agent.pid)/fd 2>/dev/null | grep -c 'net:\\['",
};

/** Of a network namespace, by an option of ip(8), of both families or of one; each gives a line of JSON. */
const OBJECTS: Readonly<Record<string, readonly (readonly [kind: string, command: string])[]>> = {
  '-json': [
    ['link', 'link'],
    ['address', 'address'],
    ['neighbour', 'neighbour show nud permanent'],
  ],
  '-4': [
    ['route', 'route show table all'],
    ['rule', 'rule'],
  ],
  '-6': [
    ['route', 'route show table all'],
    ['rule', 'rule'],
  ],
};

const MARK = '@@';

function printObjects(pod: string): readonly string[] {
  const space = pod === '' ? '' : `-n ${pod}`;
  return Object.entries(OBJECTS).map(([family, commands]) => {
    const lines = commands.map(([, command]) => command).join('\\n');
    return `echo '${MARK}objects ${family} ${pod}'; printf '${lines}\\n' | ip ${space} ${family} -j -batch -`;
  });
}

function printScript(pods: readonly string[]): string {
  const host = Object.entries(COMMANDS).map(([name, command]) => `echo '${MARK}${name}'; ${command}`);
  return [...host, ...['', ...pods].flatMap(printObjects)].join('\n');
}

type Sections = ReadonlyMap<string, string>;

function observeSections(host: AgentHost, pods: readonly string[]): Sections {
  const sections = host.run(printScript(pods)).output.split(new RegExp(`^${MARK}`, 'm'));
  return new Map(
    sections.map((section) => {
      const end = section.indexOf('\n');
      return [section.slice(0, end), section.slice(end + 1)];
    }),
  );
}

function objectsIn(sections: Sections, pod: string): readonly (readonly [kind: string, json: string])[] {
  return Object.entries(OBJECTS).flatMap(([family, commands]) => {
    const answers = sections.get(`objects ${family} ${pod}`)?.split('\n') ?? [];
    return commands.map(([kind], place) => [kind, answers[place] ?? ''] as const);
  });
}

function linesOf(sections: Sections, name: string): readonly string[] {
  return sections.get(name)?.split('\n').filter(Boolean) ?? [];
}

function describeKept(line: string): string {
  const { endpoint, supplied: _, isInternal = false, ...rest } = JSON.parse(line);
  return `kept ${describeEndpoint(endpoint)} ${JSON.stringify({ ...rest, isInternal })}`;
}

function describeHost(sections: Sections): readonly string[] {
  return [
    ...describeRuleset(sections.get('ruleset') ?? ''),
    ...linesOf(sections, 'kept').map(describeKept),
    ...['files', 'processes', 'descriptors'].flatMap((name) =>
      linesOf(sections, name).map((line) => `${name}: ${line}`),
    ),
    ...objectsIn(sections, '').flatMap(([kind, json]) => describeObjects(kind, json)),
  ];
}

/** A line for each thing, in order. `pods`: network namespaces that are looked into as well. */
export async function observeSnapshot(host: AgentHost, pods: readonly string[]): Promise<readonly string[]> {
  const store = await host.etcd.ctl('get', '--prefix', '/calico', '-w', 'json');
  const sections = observeSections(host, pods);
  const ofPods = pods.flatMap((pod) => describePod(objectsIn(sections, pod)).map((line) => `pod ${pod}: ${line}`));
  const names = namesOf(store);
  const rename = (line: string) =>
    line.replaceAll(
      /\d+\.\d+\.\d+\.\d+|fe80::[0-9a-f:]+|(?:[0-9a-f]{2}:){5}[0-9a-f]{2}/g,
      (found) => names.get(found) ?? found,
    );
  return [...describeStore(store), ...describeHost(sections), ...ofPods].map(rename).sort();
}
