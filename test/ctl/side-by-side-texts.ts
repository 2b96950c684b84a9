// Texts for both programs: what YAML can say in several ways, and files that hold more or less than one resource.
function profile(rest: string, name = 'text'): string {
  return `apiVersion: projectcalico.org/v3\nkind: Profile\nmetadata:\n  name: ${name}\n${rest}`;
}

function pool(rest: string): string {
  return `apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata:\n  name: text\nspec:\n  cidr: 10.1.0.0/16\n${rest}`;
}

function policy(rest: string): string {
  return `apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata:\n  name: text\nspec:\n  types: [Ingress]\n${rest}`;
}

const json = JSON.stringify({ apiVersion: 'projectcalico.org/v3', kind: 'Profile', metadata: { name: 'text' } });

export const texts: readonly (readonly [name: string, input: string])[] = [
  ['JSON', json],
  ['JSON in lines', JSON.stringify(JSON.parse(json), undefined, 2)],
  ['two documents', `${profile('')}---\n${profile('', 'other')}`],
  ['an empty document between', `${profile('')}---\n# nothing\n---\n${profile('', 'other')}`],
  ['a document marker first', `---\n${profile('')}`],
  ['a comment first', `# why\n${profile('')}`],
  ['comments everywhere', profile('  # in between\nspec: # at an end\n  labelsToApply: {a: b} # flow\n')],
  ['a list kind', `apiVersion: projectcalico.org/v3\nkind: ProfileList\nitems:\n- ${json}\n`],
  ['several resources in an array', `[${json}, ${json.replace('text', 'other')}]`],
  ['an array with something else in it', `[${json}, 5]`],
  ['a list of a resource that is wrong', `apiVersion: projectcalico.org/v3\nkind: ProfileList\nitems:\n- {}\n`],
  ['nothing', ''],
  ['comments alone', '# nothing\n---\n'],
  ['a word', 'profile'],
  ['an array in an array', `[[${json}]]`],
  ['another version', json.replace('/v3', '/v4')],
  ['no version', json.replace('"apiVersion":"projectcalico.org/v3",', '')],
  ['another kind', json.replace('Profile', 'Profil')],
  ['a kind in lower case', json.replace('Profile', 'profile')],
  ['no kind', json.replace('"kind":"Profile",', '')],
  ['no name', json.replace('"name":"text"', '')],
  ['no metadata', json.replace(',"metadata":{"name":"text"}', '')],
  ['a key twice', profile('spec: {}\nspec: {}\n')],
  ['a key twice in JSON', json.replace('"metadata"', '"kind":"Profile","metadata"')],
  ['a tab', profile('spec:\n\tingress: []\n')],
  ['an open quote', profile('spec:\n  labelsToApply: {a: "b}\n')],
  ['an open bracket', profile('spec: {labelsToApply: {a: b}\n')],
  ['wrong indentation', profile('spec:\n   ingress: []\n  egress: []\n')],
  ['an anchor and its alias', profile('spec:\n  ingress: &all [{action: Allow}]\n  egress: *all\n')],
  ['an unknown alias', profile('spec:\n  egress: *all\n')],
  ['a text in lines', profile('  annotations:\n    note: |\n      one\n      two\n')],
  ['a folded text', profile('  annotations:\n    note: >-\n      one\n      two\n')],
  ['quotes in quotes', profile(`  annotations:\n    note: 'it''s "so"'\n    more: "a\\tb\\u00e9"\n`)],
  ['a plain text of several lines', profile('  annotations:\n    note: one\n      two\n')],
  ['letters of all sorts', profile('  annotations:\n    note: grüße, 世界, 🐈\n')],
  ['a number as a label', profile('  labels: {a: 5, b: true}\n')],
  ['no value for a label', profile('  labels:\n    a:\n')],
  ['a time as a note', profile('  annotations: {when: 2026-11-23}\n')],
  ['true', pool('  natOutgoing: true\n')],
  ['True', pool('  natOutgoing: True\n')],
  ['yes, which YAML 1.1 takes for true', pool('  natOutgoing: yes\n')],
  ['a label that is yes', profile('  labels: {a: yes}\n')],
  ['a selector that begins with !', policy('  selector: !has(quarantine) && has(app)\n')],
  ['a tag for nobody', policy('  selector: !quarantined has(app)\n')],
  ['an anchor for nobody', policy('  selector: &here has(app)\n')],
  ['a number with more digits than it holds', policy('  order: 123456789.123456789123\n')],
  ['a quoted truth', pool('  natOutgoing: "true"\n')],
  ['a number', pool('  blockSize: 28\n')],
  ['a number in hexadecimal digits', pool('  blockSize: 0x1c\n')],
  ['a number with a leading zero', pool('  blockSize: 034\n')],
  ['a number with an underscore', pool('  blockSize: 2_8\n')],
  ['a merge key', profile('  labels: &labels {a: b}\n  annotations: {<<: *labels, c: d}\n')],
  ['a number with a fraction of nothing', pool('  blockSize: 28.0\n')],
  ['a quoted number', pool('  blockSize: "28"\n')],
  ['null', pool('  blockSize: null\n')],
  ['a tilde', pool('  blockSize: ~\n')],
  ['an unknown field', pool('  sizeOfBlocks: 28\n')],
  ['a field in another case', pool('  blocksize: 28\n')],
  ['an unknown field of the document', pool('spek: {}\n')],
  [
    'a BGPConfiguration for nobody',
    'apiVersion: projectcalico.org/v3\nkind: BGPConfiguration\nmetadata:\n  name: host1\nspec: {}\n',
  ],
];
