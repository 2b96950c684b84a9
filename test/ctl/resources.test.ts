import { afterEach, beforeEach, expect, test } from 'bun:test';
import { openSession, type Session } from './session.ts';

let session: Session;
beforeEach(() => {
  session = openSession();
});
afterEach(() => session.close());

const profiles = `apiVersion: projectcalico.org/v3
kind: Profile
metadata:
  name: network2
spec:
  egress:
  - action: Allow
  labelsToApply:
    network2: ""
---
apiVersion: projectcalico.org/v3
kind: Profile
metadata: {name: network1}
`;

test('the guide: two profiles, three lines', async () => {
  await session.run('apply -f -', profiles);
  expect(await session.run('get profiles')).toEqual({ status: 0, out: 'NAME\nnetwork1\nnetwork2\n', err: '' });
  expect((await session.run('get profiles -o wide')).out).toBe('NAME       LABELS\nnetwork1\nnetwork2   network2=\n');
});

test('create, apply, replace and delete say what they did', async () => {
  const path = session.file('p.yaml', profiles);
  const steps: readonly (readonly [string, number, string, string])[] = [
    [
      `replace -f ${path}`,
      1,
      '',
      "failed to replace any 'Profile' resources: [resource does not exist: Profile(network2) resource does not exist: Profile(network1)]\n",
    ],
    [`create -f ${path}`, 0, "Successfully created 2 'Profile' resource(s)\n", ''],
    [
      `create -f ${path}`,
      1,
      '',
      "failed to create any 'Profile' resources: [resource already exists: Profile(network2) resource already exists: Profile(network1)]\n",
    ],
    [`create -f ${path} --skip-exists`, 0, "Successfully created 2 'Profile' resource(s)\n", ''],
    [`apply -f ${path}`, 0, "Successfully applied 2 'Profile' resource(s)\n", ''],
    [`replace -f ${path}`, 0, "Successfully replaced 2 'Profile' resource(s)\n", ''],
    [
      'delete profile network1 nope',
      1,
      "Successfully deleted 1 'Profile' resource(s)\n",
      "Failed to delete 'Profile' resource: resource does not exist: Profile(nope)\n",
    ],
    [
      `delete -f ${path}`,
      1,
      "Successfully deleted 1 'Profile' resource(s)\n",
      "Failed to delete 'Profile' resource: resource does not exist: Profile(network1)\n",
    ],
    [`delete -f ${path} --skip-not-exists`, 0, "Successfully deleted 2 'Profile' resource(s)\n", ''],
    [`validate -f ${path}`, 0, "Successfully validated 2 'Profile' resource(s)\n", ''],
  ];
  for (const [line, status, out, err] of steps) {
    expect([line, await session.run(line)]).toEqual([line, { status, out, err }]);
  }
});

test('a file with one wrong document changes nothing, and every issue has its place', async () => {
  const path = session.file(
    'bad.yaml',
    `${profiles}---
# a comment
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata:
  name: Web
spec:
  foo: 1
  ingress:
  - action: Allow
  - action: allow
    protocol: TCP
    destination: {ports: [80, 99999]}
`,
  );
  expect(await session.run(`apply -f ${path}`)).toEqual({
    status: 1,
    out: '',
    err: `failed to execute command: bad.yaml:19:3: metadata.name: found "Web", wanted a name of lower-case letters, digits and "-", with at most one dot after a tier
bad.yaml:21:3: field in document is not recognized or is in the wrong location: foo (spec.foo; one of tier, order, ingress, egress, selector, types, doNotTrack, preDNAT, applyOnForward, serviceAccountSelector, namespaceSelector, performanceHints)
bad.yaml:24:5: spec.ingress[1].action: found "allow", wanted one of Allow, Deny, Log, Pass
bad.yaml:26:31: spec.ingress[1].destination.ports[1]: found 99999, wanted a port from 1 to 65535, a range such as "8000:8010" or a port name
`,
  });
  expect((await session.run('get profiles')).out).toBe('NAME\n');
});

test.each<[string, string, string]>([
  ['broken YAML', 'a: [', 'failed to execute command: x.yaml:1:5: '],
  ['a name twice', 'kind: Profile\nkind: Profile\n', 'failed to execute command: x.yaml:2:1: Map keys must be unique'],
  [
    'an unknown kind',
    'kind: Foo\napiVersion: projectcalico.org/v3\n',
    "failed to execute command: x.yaml:1:1: kind: found resource type 'Foo' and version 'projectcalico.org/v3', wanted a kind of projectcalico.org/v3",
  ],
  [
    'no kind',
    'a: 1\n',
    'failed to execute command: x.yaml:1:1: document: found a document without kind, wanted a resource',
  ],
  ['nothing', '# only a comment\n---\n', 'no resources specified in file x.yaml'],
])('files: %s', async (_name, text, expected) => {
  const result = await session.run(`apply -f ${session.file('x.yaml', text)}`);
  expect(result.status).toBe(1);
  expect(result.err).toStartWith(expected);
});

test('folders, lists, JSON, empty files and several -f', async () => {
  session.file('a.yaml', profiles);
  session.file(
    'b.json',
    '{"kind":"ProfileList","apiVersion":"projectcalico.org/v3","items":[{"kind":"Profile","apiVersion":"projectcalico.org/v3","metadata":{"name":"listed"}}]}',
  );
  session.file('notes.txt', 'not read');
  const other = session.file('c.yml', 'kind: Tier\napiVersion: projectcalico.org/v3\nmetadata: {name: t1}\n');
  expect((await session.run(`apply -f ${session.folder} -f ${other}`)).out).toBe(
    'Successfully applied 5 resource(s)\n',
  );
  expect((await session.run('get profiles')).out).toBe('NAME\nlisted\nnetwork1\nnetwork2\n');
  const empty = session.file('empty.yaml', '');
  expect(await session.run(`apply -f ${empty} --skip-empty`)).toEqual({
    status: 0,
    out: 'No resources specified\n',
    err: '',
  });
  expect((await session.run('apply -f nowhere.yaml')).err).toBe(
    'failed to execute command: open nowhere.yaml: no such file or directory\n',
  );
});

test('an issue in a list has the place of its item', async () => {
  const text =
    'kind: ProfileList\napiVersion: projectcalico.org/v3\nitems:\n- kind: Profile\n  apiVersion: projectcalico.org/v3\n  metadata:\n    name: A\n';
  expect((await session.run('validate -f -', text)).err).toStartWith(
    'failed to execute command: stdin:7:5: items[0].metadata.name: found "A", wanted lower-case',
  );
});

const policies = `kind: NetworkPolicy
apiVersion: projectcalico.org/v3
metadata: {name: db, namespace: shop}
spec: {selector: "app == 'db'", order: 10}
---
kind: GlobalNetworkPolicy
apiVersion: projectcalico.org/v3
metadata: {name: plain}
---
kind: Tier
apiVersion: projectcalico.org/v3
metadata: {name: security}
spec: {order: 100}
---
kind: GlobalNetworkPolicy
apiVersion: projectcalico.org/v3
metadata: {name: security.web}
spec: {tier: security, ingress: [{action: Log}, {action: Pass}]}
`;

test('kinds of one file are written so that a policy finds its tier', async () => {
  expect(await session.run('apply -f -', policies)).toEqual({
    status: 0,
    out: 'Successfully applied 4 resource(s)\n',
    err: '',
  });
  expect((await session.run('get gnp -o wide')).out).toBe(
    'NAME           TIER       ORDER   SELECTOR   \n' +
      'plain          default    <nil>              \n' +
      'security.web   security   <nil>              \n\n',
  );
  expect((await session.run('get tiers')).out).toBe(
    'NAME            ORDER   \nsecurity        100     \nkube-admin      1000    \ndefault         1e+06   \nkube-baseline   1e+07   \n\n',
  );
});

test('namespaces', async () => {
  await session.run('apply -f -', policies);
  expect((await session.run('get networkpolicy')).out).toBe('NAME   TIER   \n\n');
  expect((await session.run('get np -n shop')).out).toBe(
    'NAMESPACE   NAME   TIER      \nshop        db     default   \n\n',
  );
  expect((await session.run('get np -A -o name')).out).toBe('networkpolicy/db\n');
  expect((await session.run('get np db')).err).toBe('resource does not exist: NetworkPolicy(default/db)\n');
  expect((await session.run('get np db -A')).err).toBe(
    'cannot use --all-namespace flag for getting a single resource\n',
  );
  expect((await session.run('get np -A -n shop')).err).toBe(
    'cannot use both --namespace and --all-namespaces flags at the same time\n',
  );
  expect((await session.run('get tier -n shop')).err).toBe('Tier is not namespaced\n');
  expect((await session.run('apply -n other -f -', policies)).err).toBe(
    'hit error: [resource namespace does not match client namespace. shop != other GlobalNetworkPolicy is not namespaced Tier is not namespaced GlobalNetworkPolicy is not namespaced]\n'.replace(
      'hit error',
      'failed to apply any resources',
    ),
  );
});

test('YAML and JSON', async () => {
  await session.run('apply -f -', policies);
  expect((await session.run('get gnp security.web -o yaml')).out).toBe(
    `apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata:
  creationTimestamp: "TIME"
  labels:
    projectcalico.org/tier: security
  name: security.web
  resourceVersion: "REVISION"
  uid: UID
spec:
  ingress:
  - action: Log
  - action: Pass
  tier: security
  types:
  - Ingress
`.replace('resourceVersion: "REVISION"', 'resourceVersion: "REVISION"'),
  );
  expect((await session.run('get np db -n shop -o json --export')).out).toBe(`{
  "kind": "NetworkPolicy",
  "apiVersion": "projectcalico.org/v3",
  "metadata": {
    "name": "db",
    "labels": {
      "projectcalico.org/tier": "default"
    }
  },
  "spec": {
    "tier": "default",
    "order": 10,
    "selector": "app == 'db'",
    "types": [
      "Ingress"
    ]
  }
}
`);
  expect((await session.run('get np -o yaml')).out).toBe(
    'apiVersion: projectcalico.org/v3\nitems: []\nkind: NetworkPolicyList\nmetadata:\n  resourceVersion: "REVISION"\n',
  );
  const both = await session.run('get gnp plain security.web nope -o yaml');
  expect(both.out).toStartWith('- apiVersion: projectcalico.org/v3\n  kind: GlobalNetworkPolicy\n');
  expect([both.status, both.err]).toEqual([1, 'resource does not exist: GlobalNetworkPolicy(nope)\n']);
});

test('what get prints, apply takes', async () => {
  await session.run('apply -f -', policies);
  const shown = await session.run('get gnp -o json');
  expect(
    await session.run(
      'replace -f -',
      shown.out.replaceAll(/"resourceVersion": "[^"]*",?/g, '').replaceAll('TIME', '2026-11-23T11:18:07Z'),
    ),
  ).toEqual({
    status: 0,
    out: "Successfully replaced 2 'GlobalNetworkPolicy' resource(s)\n",
    err: '',
  });
});

test('templates and columns', async () => {
  await session.run('apply -f -', policies);
  const lines: readonly (readonly [string, string])[] = [
    [
      'get gnp -o custom-columns=NAME,order',
      'NAME           ORDER   \nplain          <nil>   \nsecurity.web   <nil>   \n\n',
    ],
    ["get gnp -o 'jsonpath={.items[*].metadata.name}'", 'plain security.web\n'],
    [
      `get gnp -o 'jsonpath={range .items[*]}{.metadata.name}: {.spec.tier}{"\\n"}{end}'`,
      'plain: default\nsecurity.web: security\n',
    ],
    [`get gnp -o 'jsonpath={.items[?(@.spec.tier=="security")].metadata.name}'`, 'security.web\n'],
    ["get gnp security.web -o 'jsonpath={.metadata.labels.projectcalico\\.org/tier}'", 'security\n'],
    [
      "get gnp -o 'go-template={{range .}}{{range .Items}}{{.ObjectMeta.Name}} {{.Spec.Tier}};{{end}}{{end}}'",
      'plain default;security.web security;',
    ],
    [
      'get gnp -o \'go-template={{range .}}{{range $i, $p := .items}}{{if $i}}, {{end}}{{$p.metadata.name | printf "%-6s"}}{{else}}none{{end}}{{end}}\'',
      'plain , security.web',
    ],
    ["get networksets -o 'go-template={{range .}}{{range .items}}x{{else}}none{{end}}{{end}}'", 'none'],
    [
      'get gnp security.web -o \'go-template={{range .}}{{.Name}} {{.GetName}} {{.TypeMeta.Kind}} {{config "asNumber"}}{{end}}\'',
      'security.web security.web GlobalNetworkPolicy 64512',
    ],
    [
      'get gnp security.web -o \'go-template={{range .}}{{range .spec.ingress}}{{.action}} {{end}}{{join .spec.types "+"}} {{len .spec.ingress}}{{end}}\'',
      'Log Pass Ingress 2',
    ],
  ];
  for (const [line, out] of lines) expect([line, await session.run(line)]).toEqual([line, { status: 0, out, err: '' }]);
  expect((await session.run('get gnp -o custom-columns=FOO')).err).toBe(
    'unknown heading FOO, valid values are: NAME, TIER, ORDER, SELECTOR\n',
  );
  expect((await session.run('get gnp -o foo')).err).toBe("unrecognized output format 'foo'\n");
  expect((await session.run("get gnp -o 'jsonpath={.items[}'")).err).toBe(
    'read jsonpath "{.items[}": ".items[" is no path\n',
  );
  expect((await session.run("get gnp -o 'go-template={{foo}}'")).err).toBe(
    'run go-template: function "foo" is not defined\n',
  );
  expect((await session.run("get gnp -o 'go-template={{range .items}}{{end}}'")).err).toBe(
    'run go-template: .items: a list has no fields\n',
  );
  expect((await session.run("get gnp -o 'go-template={{range .}}'")).err).toBe(
    'read go-template: an {{end}} is missing\n',
  );
});

test('labels', async () => {
  await session.run('apply -f -', profiles);
  const steps: readonly (readonly [string, number, string])[] = [
    ['label profile network1 a=b', 0, 'Successfully set label a on profile network1\n'],
    ['label profile network1 a=b', 0, 'Successfully updated label a on profile network1\n'],
    [
      'label profile network1 a=c',
      1,
      "failed to update label of profile network1, key a is already present. please use '--overwrite' to set a new value\n",
    ],
    ['label profile network1 a=c --overwrite', 0, 'Successfully updated label a on profile network1\n'],
    ['label profile network1 a --remove', 0, 'Successfully removed label a from profile network1\n'],
    ['label profile network1 a --remove', 1, 'cannot remove label of profile network1, key a does not exist\n'],
    ['label profile nope a=b', 1, 'profile nope not found\n'],
    ['label profile network1 a', 1, 'label "a": wanted NAME=VALUE, or --remove\n'],
    ['label profile network1 a=/', 1, 'label "a=/": "/" is no label value\n'],
    [
      'label clusterinfo default a=b',
      1,
      'operation label is not supported on ClusterInformation: resource is readonly\n',
    ],
  ];
  for (const [line, status, output] of steps) {
    const result = await session.run(line);
    expect([line, result.status, result.out + result.err]).toEqual([line, status, output]);
  }
});

test('patches', async () => {
  await session.run('apply -f -', profiles);
  const steps: readonly (readonly [string, number, string])[] = [
    [
      `patch profile network2 -p '{"spec":{"labelsToApply":{"network2":null,"x":"y"}}}'`,
      0,
      "Successfully patched 1 'Profile' resource\n",
    ],
    [
      `patch profile network2 -t json -p '[{"op":"add","path":"/spec/ingress","value":[{"action":"Deny"}]}]'`,
      0,
      "Successfully patched 1 'Profile' resource\n",
    ],
    [
      `patch profile network2 -t json -p '[{"op":"remove","path":"/spec/nope"}]'`,
      1,
      'hit error: JSON patch: Cannot perform the operation at a path that does not exist\n',
    ],
    [
      `patch profile network2 -p '{"spec":{"ingress":[{"action":"x"}]}}'`,
      1,
      'hit error: Profile after the patch: spec.ingress[0].action: found "x", wanted one of Allow, Deny, Log, Pass\n',
    ],
    [
      `patch profile network2 -p '{"metadata":{"name":"x"}}'`,
      1,
      'hit error: patch Profile "network2": name and namespace cannot be changed\n',
    ],
    [`patch profile nope -p '{}'`, 1, 'hit error: resource does not exist: Profile(nope)\n'],
    [`patch profile network2 -t foo -p '{}'`, 1, 'patch type "foo": wanted strategic, json or merge\n'],
    ['patch profile network2', 1, 'patch: needs -p PATCH\n'],
  ];
  for (const [line, status, output] of steps) {
    const result = await session.run(line);
    expect([line, result.status, result.out + result.err]).toEqual([line, status, output]);
  }
  const after = await session.run('get profile network2 -o json --export');
  expect(JSON.parse(after.out).spec).toEqual({
    ingress: [{ action: 'Deny' }],
    egress: [{ action: 'Allow' }],
    labelsToApply: { x: 'y' },
  });
});

test('updates with an old revision are conflicts; without one they win', async () => {
  await session.run('apply -f -', profiles);
  const old = profiles.replace('name: network2', 'name: network2\n  resourceVersion: "1"');
  expect(await session.run('apply -f -', old)).toEqual({
    status: 1,
    out: "Partial success: applied the first 1 out of 2 'Profile' resources:\n",
    err: 'hit error: [update conflict: Profile(network2)]\n',
  });
});

test('rules that ask the store', async () => {
  const pool = (name: string, spec: string) =>
    `kind: IPPool\napiVersion: projectcalico.org/v3\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
  const steps: readonly (readonly [string, string, string])[] = [
    ['apply -f -', pool('a', '{cidr: 10.0.0.0/16}'), "Successfully applied 1 'IPPool' resource(s)\n"],
    [
      'apply -f -',
      pool('b', '{cidr: 10.0.1.0/24}'),
      `failed to apply 'IPPool' resource: [write IPPool(b): spec.cidr "10.0.1.0/24" overlaps with IPPool(a) (10.0.0.0/16)]\n`,
    ],
    [
      'apply -f -',
      pool('a', '{cidr: 10.0.0.0/17}'),
      `failed to apply 'IPPool' resource: [write IPPool(a): spec.cidr is "10.0.0.0/17", and it cannot be changed from "10.0.0.0/16"]\n`,
    ],
    [
      'apply -f -',
      pool('a', '{cidr: 10.0.0.0/16, blockSize: 28}'),
      "failed to apply 'IPPool' resource: [write IPPool(a): spec.blockSize is 28, and it cannot be changed from 26]\n",
    ],
    [
      'apply -f -',
      `${pool('c', '{cidr: 10.1.0.0/16}')}---\n${pool('d', '{cidr: 10.1.0.0/24}')}`,
      `failed to apply any 'IPPool' resources: [write IPPool(c): spec.cidr "10.1.0.0/16" overlaps with IPPool(d) (10.1.0.0/24) write IPPool(d): spec.cidr "10.1.0.0/24" overlaps with IPPool(c) (10.1.0.0/16)]\n`,
    ],
    [
      'apply -f -',
      'kind: BGPPeer\napiVersion: projectcalico.org/v3\nmetadata: {name: p}\nspec: {filters: [f1, f2]}\n',
      "failed to apply 'BGPPeer' resource: [write BGPPeer(p): BGPFilter(s) not found: f1, f2]\n",
    ],
    [
      'apply -f -',
      'kind: ClusterInformation\napiVersion: projectcalico.org/v3\nmetadata: {name: default}\n',
      "failed to apply 'ClusterInformation' resource: [operation apply is not supported on ClusterInformation: resource is readonly]\n",
    ],
    [
      'apply -f -',
      'kind: Profile\napiVersion: projectcalico.org/v3\nmetadata: {name: projectcalico-default-allow}\n',
      "failed to apply 'Profile' resource: [operation apply is not supported on Profile(projectcalico-default-allow): it is built in]\n",
    ],
    [
      'delete tier default',
      '',
      "Failed to delete 'Tier' resource: operation Delete is not supported on default: Cannot delete default tier\n",
    ],
    [
      'delete clusterinfo default',
      '',
      "Failed to delete 'ClusterInformation' resource: operation delete is not supported on ClusterInformation\n",
    ],
    ['delete ippool a', '', "Successfully deleted 1 'IPPool' resource(s)\n"],
  ];
  for (const [line, input, output] of steps) {
    const result = await session.run(line, input);
    expect([line, result.out + result.err]).toEqual([line, output]);
  }
  await session.run('apply -f -', policies);
  expect((await session.run('delete tier security')).err).toBe(
    "Failed to delete 'Tier' resource: operation Delete is not supported on security: Cannot delete a non-empty tier\n",
  );
  expect((await session.run('delete -f -', policies)).out).toBe('Successfully deleted 4 resource(s)\n');
});

test('a dry run checks everything and writes nothing', async () => {
  expect((await session.run('apply --dry-run -f -', profiles)).out).toBe(
    "Successfully applied 2 'Profile' resource(s) (dry run)\n",
  );
  expect((await session.run('get profiles')).out).toBe('NAME\n');
  await session.run('apply -f -', profiles);
  expect((await session.run('delete --dry-run profile network1')).out).toBe(
    "Successfully deleted 1 'Profile' resource(s) (dry run)\n",
  );
  expect((await session.run('get profiles')).out).toBe('NAME\nnetwork1\nnetwork2\n');
});

test('the built-in profile is read by name and left out of lists', async () => {
  expect(
    (await session.run('get profile projectcalico-default-allow -o yaml')).out,
  ).toBe(`apiVersion: projectcalico.org/v3
kind: Profile
metadata:
  name: projectcalico-default-allow
  resourceVersion: "REVISION"
spec:
  egress:
  - action: Allow
  ingress:
  - action: Allow
`);
});

test('the AS number of the cluster stands in parentheses for nodes without their own', async () => {
  const nodes =
    'kind: Node\napiVersion: projectcalico.org/v3\nmetadata: {name: n1}\nspec: {bgp: {ipv4Address: 10.0.0.1/24}}\n---\nkind: Node\napiVersion: projectcalico.org/v3\nmetadata: {name: n2}\n';
  await session.run('apply -f -', nodes);
  expect((await session.run('get nodes -o wide')).out).toBe(
    'NAME   ASN       IPV4          IPV6   \nn1     (64512)   10.0.0.1/24          \nn2                                    \n\n',
  );
  await session.run(
    'apply -f -',
    'kind: BGPConfiguration\napiVersion: projectcalico.org/v3\nmetadata: {name: default}\nspec: {asNumber: 63400}\n',
  );
  expect((await session.run('get node n1 -o custom-columns=ASN')).out).toBe('ASN       \n(63400)   \n\n');
});

test('a stored resource that breaks the rules is shown, with a warning', async () => {
  const key = '/calico/resources/v3/projectcalico.org/tiers/odd';
  const value =
    '{"kind":"Tier","apiVersion":"projectcalico.org/v3","metadata":{"name":"odd"},"spec":{"order":"x"},"status":{}}';
  await session.datastore.commit({ conditions: [], writes: [{ kind: 'put', key, value }] });
  const result = await session.run('get tier odd');
  expect(result.err).toBe('warning: stored Tier(odd) breaks the rules: spec.order: found "x", wanted a number\n');
  expect(result.out).toContain('odd');
});

test('fields that a newer program wrote survive a label', async () => {
  const key = '/calico/resources/v3/projectcalico.org/tiers/new';
  const value =
    '{"kind":"Tier","apiVersion":"projectcalico.org/v3","metadata":{"name":"new"},"spec":{"order":1,"defaultAction":"Deny","later":[1]},"status":{}}';
  await session.datastore.commit({ conditions: [], writes: [{ kind: 'put', key, value }] });
  await session.run('label tier new a=b');
  const { kv } = await session.datastore.get(key);
  expect(JSON.parse(kv?.value ?? '').spec).toEqual({ order: 1, defaultAction: 'Deny', later: [1] });
});
