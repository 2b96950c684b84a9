// Every difference on purpose between this calicoctl and Calico's, with its reason. side-by-side.test.ts holds each: one
// that no longer differs fails. The last section of docs/differences.md is printed from here.

/** What both make of a document. `taken`: only we accept it. `refused`: only Calico accepts it. `stored`: other JSON. */
export type Outcome = 'taken' | 'refused' | 'stored';

export interface DocumentDifference {
  readonly outcome: Outcome;
  /** What is different, in words for a page. */
  readonly what: string;
  readonly why: string;
  /** Cases (side-by-side-cases.ts) that may show it: their `Kind/name path=value` matches. */
  readonly cases: RegExp;
  /** The case that must show it. */
  readonly example: string;
}

const MISTAKE = 'Nothing can be meant by it; Calico stores it, and it has no effect or another than was meant.';
const SPELLING = 'One value has one spelling in the store, whoever wrote it; readers of either program know it.';

export const documentDifferences: readonly DocumentDifference[] = [
  {
    outcome: 'refused',
    what: 'An item of a list that is empty (`null`, `""` or `{}`), a Service or orchestrator without its name, and a Secret without its name or key.',
    why: MISTAKE,
    cases:
      /(=\[null(,null)*\]|\[0\](\.cidr|\.address|\.orchestrator)?=(null|""|\{\})|secretKeyRef=\{\}|secretKeyRef\.(name|key)=(null|""))$/,
    example: 'Node/host1 spec.orchRefs=[null]',
  },
  {
    outcome: 'refused',
    what: 'An empty list of `classes` of a CalicoNodeStatus, or of `communities` of a prefix advertisement.',
    why: 'Calico stores it as no list, which it refuses when the resource is applied again.',
    cases: /(\.communities|^CalicoNodeStatus\/\S+ spec\.classes)=\[\]$/,
    example: 'CalicoNodeStatus/question spec.classes=[]',
  },
  {
    outcome: 'refused',
    what: 'A BGPConfiguration whose name is neither `default` nor `node.` and a node.',
    why: MISTAKE,
    cases: /^text: a BGPConfiguration for nobody$/,
    example: 'text: a BGPConfiguration for nobody',
  },
  {
    outcome: 'taken',
    what: 'A NetworkPolicy named `knp.default.` and more.',
    why: 'The rule for names allows it; Calico looks for it in Kubernetes and fails.',
    cases: /^NetworkPolicy\/\S+ metadata\.name="knp\.default\.\w+"$/,
    example: 'NetworkPolicy/db metadata.name="knp.default.a"',
  },
  {
    outcome: 'refused',
    what: 'Names and addresses that cannot be: a namespace that is no DNS label, service accounts, `interfaces`, `addresses` and `podCIDRs` of a Node, HTTP paths with a tab or a line break.',
    why: MISTAKE,
    cases:
      /(metadata\.namespace="a\.b"|serviceAccounts\.names\[0\]=|http\.paths\[0\]\.exact="\/a\\tb"|^Node\/\S+ (spec\.interfaces\[0\]|spec\.addresses\[0\]\.address=|status\.podCIDRs\[0\]))/,
    example: 'Node/host1 status.podCIDRs[0]="x"',
  },
  {
    outcome: 'refused',
    what: '`global()` in selectors of BGPPeers, of service accounts and in `notSelector`.',
    why: 'It says something about namespaces alone, and would match everything there; Calico refuses it in other selectors.',
    cases: /[sS]elector="!?global\(\)"$/,
    example: 'GlobalNetworkPolicy/security.web spec.ingress[0].source.notSelector="global()"',
  },
  {
    outcome: 'refused',
    what: 'Metadata of Kubernetes alone: `generateName`, `generation`, `finalizers`, `ownerReferences`, `managedFields`, `selfLink` and what is about deletion.',
    why: 'Nothing acts on them here; a finalizer that holds nothing back misleads.',
    cases: /metadata\.(finalizers|generation)=/,
    example: 'Tier/app metadata.finalizers=["x"]',
  },
  {
    outcome: 'refused',
    what: 'Times that Go reads and RFC 3339 does not know, such as `2026-11-23T1:18:07Z`.',
    why: 'Other programs do not read them.',
    cases: /metadata\.creationTimestamp="2026-11-23T1:18:07Z"$/,
    example: 'Tier/app metadata.creationTimestamp="2026-11-23T1:18:07Z"',
  },
  {
    outcome: 'refused',
    what: 'Rules of profiles that policies may not have either, such as `action: allow` or ports without a protocol.',
    why: 'Calico checks rules of profiles less than rules of policies. A rule without a verdict lets a profile do what nobody wrote.',
    cases: /^Profile\/\S+ spec\.(in|e)gress\[0\]/,
    example: 'Profile/network1 spec.ingress[0]={}',
  },
  {
    outcome: 'refused',
    what: 'A fraction where text is wanted, such as `name: 1.10` without quotes.',
    why: 'YAML reads it as 1.1, which Calico then stores. Whole numbers and truth values are taken as text, as Calico does.',
    cases: /=(1\.5|\{"a":1\.5\})$/,
    example: 'Tier/app metadata.annotations={"a":1.5}',
  },
  {
    outcome: 'refused',
    what: 'Leading zeros: `10.0.0.0/08`, the community `01:2`.',
    why: 'Programs disagree on what they mean.',
    cases: /="(10\.0\.0\.0\/08|01:2)"$/,
    example: 'BGPConfiguration/default spec.communities[0].value="01:2"',
  },
  {
    outcome: 'refused',
    what: '`blockSize: 0` for the default size.',
    why: 'Leave the field out for the default. A size out of range is more likely a slip.',
    cases: /^IPPool\/\S+ spec\.blockSize=0$/,
    example: 'IPPool/pool-v4 spec.blockSize=0',
  },
  {
    outcome: 'refused',
    what: 'Bandwidths, rates, bursts and the DSCP of `qosControls` beyond what Calico itself documents, and `numAllowedLocalASNumbers` and counts of sessions below 0.',
    why: 'Calico checks them for Kubernetes pods only; the kernel or BIRD refuses them later, when nobody looks.',
    cases:
      /^(WorkloadEndpoint\/\S+ spec\.qosControls\.(dscp=|\w+=-?\d+$)|BGPPeer\/\S+ spec\.numAllowedLocalASNumbers=-1$|CalicoNodeStatus\/\S+ status\.bgp\.number\w+=-1$)/,
    example: 'WorkloadEndpoint/host1-rkt-w1-eth0 spec.qosControls.ingressBandwidth=-1',
  },
  {
    outcome: 'refused',
    what: 'A MAC address with dots, and a range as `hostIP`.',
    why: 'Nothing that reads them understands them.',
    cases: /(spec\.mac="66cf\.|hostIP="[^"]*\/)/,
    example: 'WorkloadEndpoint/host1-rkt-w1-eth0 spec.mac="66cf.5c51.16a4"',
  },
  {
    outcome: 'refused',
    what: 'Types of node addresses other than CalicoNodeIP, InternalIP and ExternalIP.',
    why: MISTAKE,
    cases: /^Node\/\S+ spec\.addresses\[0\]\.type=/,
    example: 'Node/host1 spec.addresses[0].type="externalip"',
  },
  {
    outcome: 'refused',
    what: 'IPv4 addresses written as IPv6 (`::ffff:10.0.0.1`) where IPv4 is wanted or the family counts.',
    why: 'The family of an address is the family it is written in. Calico reads them as IPv4 in some places and as IPv6 in others.',
    cases: /="::ffff:10\.0\.0\.1"$/,
    example: 'Node/host1 spec.bgp.ipv4Address="::ffff:10.0.0.1"',
  },
  {
    outcome: 'taken',
    what: 'The same where IPv6 is wanted.',
    why: 'The family of an address is the family it is written in.',
    cases: /="::ffff:10\.0\.0\.1"$/,
    example: 'Node/host1 spec.bgp.ipv6Address="::ffff:10.0.0.1"',
  },
  {
    outcome: 'refused',
    what: 'A BGPFilter rule whose `prefixLength.min` is above its `max`, or whose `max` is below the length of `cidr`.',
    why: 'It can match nothing, and BIRD refuses it. A stored one matches nothing.',
    cases: /^BGPFilter\/\S+ spec\.\w+\[0\]\.prefixLength\.max=/,
    example: 'BGPFilter/f2 spec.exportV4[0].prefixLength.max=0',
  },
  {
    outcome: 'refused',
    what: 'The AS number 0.',
    why: 'It is nobody’s (RFC 7607), and BIRD refuses it. A stored one is the same as none.',
    cases: /(asNumber|localASNumber|asPathPrefix\[0\]|prefix\[0\])="?0"?$/,
    example: 'BGPConfiguration/default spec.asNumber=0',
  },
  {
    outcome: 'refused',
    what: '`maxRestartTime` and `nodeMeshMaxRestartTime` outside of 0s to 4095s, `keepaliveTime` outside of 1s to 21845s.',
    why: 'BGP has no more bits for them (RFC 4724, RFC 4271), and BIRD refuses what is no second. A stored one counts as the nearest that BGP can say, a `keepaliveTime` of 0 as none.',
    cases:
      /^BGP(Configuration|Peer)\/\S+ spec\.(nodeMeshMaxRestartTime|maxRestartTime|keepaliveTime)="(-|0s?"|500ms|4096s|21846s|1\.5h|9223372036854775807ns)/,
    example: 'BGPPeer/router spec.keepaliveTime="500ms"',
  },
  {
    outcome: 'refused',
    what: 'A `peerIP`, or an address of a Node for BGP, that is no host’s: unspecified, loopback, multicast, broadcast, IPv6 link-local.',
    why: 'There is no session with it, and BIRD refuses some. A stored `peerIP` that BIRD refuses is left out and named in the log and by `node status`; a stored address of a Node is the same as none.',
    cases:
      /(spec\.peerIP="(0\.0\.0\.0|127\.0\.0\.1|224\.0\.0\.1)"|spec\.bgp\.ipv4Address="0\.0\.0\.0\/0"|spec\.bgp\.ipv6Address="(fe80::1\/64|::1|::\/0|ff02::1)")$/,
    example: 'Node/host1 spec.bgp.ipv6Address="fe80::1/64"',
  },
  {
    outcome: 'taken',
    what: '`""` for the default, in every field that has one and is no plain number or truth value, and for nothing where an empty text can mean nothing else.',
    why: 'Calico takes it in most fields of this sort and refuses it in the others.',
    cases: /=""$/,
    example: 'IPPool/pool-v4 spec.assignmentMode=""',
  },
  {
    outcome: 'taken',
    what: 'AS numbers from 2147483648 in BGPConfiguration and BGPFilter.',
    why: 'AS numbers have 32 bits (RFC 6793); Calico takes them in other kinds.',
    cases: /^BGP(Configuration|Filter)\/\S+ spec\.\S+=("?4294967295"?|"65535\.1")$/,
    example: 'BGPConfiguration/default spec.asNumber=4294967295',
  },
  {
    outcome: 'taken',
    what: 'Protocols in any case (`tcp`), for endpoint ports and for rules with ports.',
    why: 'Calico takes any case in other rules. It is stored as `TCP`.',
    cases: /[pP]rotocol="(tcp|udp|sctp)"$/,
    example: 'HostEndpoint/host1-eth0 spec.ports[0].protocol="tcp"',
  },
  {
    outcome: 'taken',
    what: 'Single addresses in `reservedCIDRs`.',
    why: 'The documentation of Calico allows them.',
    cases: /^IPReservation\/\S+ spec\.reservedCIDRs\[0\]=/,
    example: 'IPReservation/reservation spec.reservedCIDRs[0]="10.0.0.1"',
  },
  {
    outcome: 'refused',
    what: 'Values of FelixConfiguration that an agent cannot use: numbers out of range, durations below 0 or under a millisecond, masks of one bit, interface names and prefixes that no interface has, unreadable DSCP values, host names and lists, ports without a number, failsafe protocols other than TCP and UDP, `none` where there must be a value.',
    why: 'Calico stores them, and its agent ends, falls back to the default or does what nobody meant when it reads them.',
    cases: /^FelixConfiguration\/\S+ spec\./,
    example: 'FelixConfiguration/default spec.metadataPort=65536',
  },
  {
    outcome: 'taken',
    what: 'Words of FelixConfiguration in any case, also where Calico wants one spelling.',
    why: 'Calico takes any case in most of them.',
    cases: /^FelixConfiguration\/\S+ spec\.\w+="[a-z]+"$/,
    example: 'FelixConfiguration/default spec.iptablesBackend="auto"',
  },
  {
    outcome: 'taken',
    what: 'Durations of FelixConfiguration with a fraction: `1.5s`.',
    why: 'Calico means to take them: the pattern that refuses them has a backslash too many.',
    cases: /^FelixConfiguration\/\S+ spec\.\w+="1\.5s"$/,
    example: 'FelixConfiguration/default spec.netlinkTimeout="1.5s"',
  },
  {
    outcome: 'taken',
    what: 'Whole numbers and truth values as text, also in the few fields where Calico wants quotes.',
    why: 'What is taken in one field is taken in all.',
    cases:
      /^BGP(Configuration|Peer)\/\S+ spec\.((nodeMeshP|p)assword\.secretKeyRef\.(name|key)=(-?\d+|true|false)|(nodeMeshMaxRestartTime|maxRestartTime)=0)$|^FelixConfiguration\/\S+ spec\.\w+(Timeout|Interval)=0$/,
    example: 'BGPConfiguration/default spec.nodeMeshPassword.secretKeyRef.name=5',
  },
  {
    outcome: 'taken',
    what: 'IPv6 ranges in `externalNodesList`.',
    why: 'There are IPv6 tunnels.',
    cases: /^FelixConfiguration\/\S+ spec\.externalNodesList\[0\]=/,
    example: 'FelixConfiguration/default spec.externalNodesList[0]="::/0"',
  },
  {
    outcome: 'refused',
    what: '`interfaceName: "*"` of a WorkloadEndpoint.',
    why: 'An endpoint is one interface; the word for all is for host endpoints.',
    cases: /^WorkloadEndpoint\/\S+ spec\.interfaceName="(\*|eth\*)"$/,
    example: 'WorkloadEndpoint/host1-rkt-w1-eth0 spec.interfaceName="*"',
  },
  {
    outcome: 'stored',
    what: 'A node status that was never updated has no `lastUpdated`; Calico writes `null`.',
    why: 'Both read as no time.',
    cases: /^CalicoNodeStatus\/\S+ status(\.lastUpdated)?=(null|""|\{\})$/,
    example: 'CalicoNodeStatus/question status.lastUpdated=null',
  },
  {
    outcome: 'stored',
    what: '`""` for a default in FelixConfiguration is stored as no value.',
    why: 'It is what was asked for. Calico does so in most fields, and stores the empty text in some.',
    cases: /^FelixConfiguration\/\S+ spec\.\w+=""$/,
    example: 'FelixConfiguration/default spec.healthHost=""',
  },
  {
    outcome: 'stored',
    what: 'A failsafe port without a protocol is stored with TCP.',
    why: 'TCP is the default. Calico stores an empty protocol, and its agent ends when it reads that.',
    cases: /^FelixConfiguration\/\S+ spec\.failsafe(In|Out)boundHostPorts\[0\]\.protocol=(null|"")$/,
    example: 'FelixConfiguration/default spec.failsafeInboundHostPorts[0].protocol=""',
  },
  {
    outcome: 'refused',
    what: 'A WorkloadEndpoint without a name.',
    why: 'Calico makes the name from the spec; the message says how it is made.',
    cases: /^WorkloadEndpoint\/\S+ metadata(\.name)?=(\{\}|\[\]|""|null)$/,
    example: 'WorkloadEndpoint/host1-rkt-w1-eth0 metadata={}',
  },
  {
    outcome: 'refused',
    what: 'Field names in another case (`blocksize`).',
    why: 'They are other names; documents that other tools read need the right one. The message names it.',
    cases: /^text: a field in another case$/,
    example: 'text: a field in another case',
  },
  {
    outcome: 'refused',
    what: 'The truth values of YAML 1.1 without quotes, as values and as names: `yes`, `no`, `on`, `off`, `y`, `n`.',
    why: 'They have been text since YAML 1.2 (2009). Calico stores the label `yes` as `true`; what is stored must not depend on who reads the file.',
    cases: /^text: (yes, which|a label that)/,
    example: 'text: yes, which YAML 1.1 takes for true',
  },
  {
    outcome: 'refused',
    what: 'Numbers with leading zeros, underscores or `0b`, without quotes: `0100`, `1_000`.',
    why: 'YAML 1.1, as Calico reads it, says 64 to what YAML 1.2 says 100 to; a port must not depend on who opens it.',
    cases: /^text: a number with (a leading zero|an underscore)$/,
    example: 'text: a number with a leading zero',
  },
  {
    outcome: 'refused',
    what: 'Tags and anchors where text is meant: a selector such as `!quarantined has(app)` or `&here has(app)` without quotes.',
    why: 'YAML drops the word and the blank after it, and Calico stores `has(app)`. Anchors that an alias names, merge keys and the tags of YAML itself are taken.',
    cases: /^text: an? (tag|anchor) for nobody$/,
    example: 'text: a tag for nobody',
  },
  {
    outcome: 'refused',
    what: 'Numbers that would not be stored as they are written: more digits than a number holds, and `.inf` and `.nan`; names that are other numbers than their text.',
    why: 'Calico stores the number next to it. The same goes for `patch -p`.',
    cases: /^text: a number with more digits/,
    example: 'text: a number with more digits than it holds',
  },
  {
    outcome: 'taken',
    what: 'A document between others that holds comments alone.',
    why: 'Files that are put together from parts have them.',
    cases: /^text: an empty document between$/,
    example: 'text: an empty document between',
  },
  {
    outcome: 'stored',
    what: 'Words, addresses and MAC addresses that may be written in several ways (`fatal`, `FD00::1`, `66-cf-…`) are stored in one.',
    why: SPELLING,
    cases: /=("FD00::1"|"66-cf-5c-51-16-a4"|"[a-z]+")$/,
    example: 'BGPConfiguration/default spec.logSeverityScreen="fatal"',
  },
  {
    outcome: 'stored',
    what: '`autoAllocateBlocks` of an IPAMConfiguration that does not say is true.',
    why: 'It is the documented default. Calico stores false. With etcd the settings that count are those of `calicoctl ipam configure`.',
    cases: /^IPAMConfiguration\//,
    example: 'IPAMConfiguration/default spec.autoAllocateBlocks=null',
  },
];

/** Tables of these kinds, with the fields that documents/ sets in them, crash Calico's calicoctl. */
export const crashingTables: Readonly<Record<string, readonly ('ps' | 'wide')[]>> = {
  BGPFilter: ['ps', 'wide'],
  WorkloadEndpoint: ['wide'],
  CalicoNodeStatus: ['wide'],
};

export interface CommandDifference {
  readonly what: string;
  readonly why: string;
}

/** Differences of commands; those that documents do not show. */
export const commandDifferences: readonly CommandDifference[] = [
  {
    what: 'Templates are bounded: 1 MB long, 100 levels deep, 10 million steps, 64 million characters, columns of at most 10000 in `printf`; paths and patches likewise. Documents have at most 100 levels.',
    why: 'A mistake in one must not take the memory of the machine. Calico runs them to the end.',
  },
  {
    what: 'Pools, reservations and settings of address assignment that break the rules are named by `ipam show` and `ipam check`, and give no address. `ipam configure` leaves settings alone that it cannot read, but for those it sets.',
    why: 'Calico takes what it does not understand for the default.',
  },
  {
    what: 'Control characters, bidirectional and zero-width formats show as escapes such as `\\x1b` and `\\u202e`, in YAML and JSON as those that read back; what a template prints to a program is left as it is.',
    why: 'Names and labels from a store must not act on the terminal of who reads them. Calico prints them as they are.',
  },
  {
    what: '`get profiles` prints no blanks at line ends and no empty line after the table, and leaves out `projectcalico-default-allow`.',
    why: 'That is the output that the guide to network isolation shows. `get profile projectcalico-default-allow` shows the built-in profile.',
  },
  {
    what: 'Every issue of every document of every file is named (100 of a document, then how many more), with line and column, and nothing is written if there is one.',
    why: 'Calico names the first one of each document, has no lines, and has by then written what stood before.',
  },
  {
    what: '`patch --type` counts: `json` is RFC 6902, `merge` RFC 7386.',
    why: 'Calico reads the flag and always patches in its own way.',
  },
  {
    what: 'A patch of type `strategic` knows no directives (`$patch`, `$retainKeys`), and replaces lists.',
    why: 'They steer how lists merge, and no list of a Calico resource has keys to merge by.',
  },
  {
    what: 'All files of several `-f` are read, and files without resources beside others are no failure.',
    why: 'Calico reads the last one alone.',
  },
  {
    what: '`-A` on a kind without namespaces shows all of it, as without the flag.',
    why: 'Calico ends with an error.',
  },
  {
    what: '`validate -c`, `ipam check --kubeconfig` and the limits of `cluster diags` are unknown flags.',
    why: 'They say how to reach Kubernetes, or what to ask its pods.',
  },
  {
    what: '`create --dry-run` and the others say what the command would say, failures included.',
    why: 'Calico has no dry run.',
  },
  {
    what: '`ipam show` and `ipam check` stop at an address block that cannot be read, and name it.',
    why: 'Calico leaves it out, and its addresses look free.',
  },
  {
    what: '`-o go-template` reads documents: an unset field is `<no value>`, numbers are decimal, and a field that no kind has is no error.',
    why: 'Templates see what `-o json` shows.',
  },
  {
    what: 'ClusterInformation names no version in `calicoVersion`, unless another program wrote one there.',
    why: 'Both calicoctls refuse a cluster that names another version than their own, without `--allow-version-mismatch`; a store without one is open to both.',
  },
  {
    what: 'Policies that older versions of Calico stored as `default.NAME` are shown under that name until `datastore migrate-policy-names` renames them.',
    why: 'It is the name that `get` and `delete` take. Calico shows NAME, which they do not find.',
  },
  {
    what: '`--context` is refused.',
    why: 'It names a Kubernetes cluster, and there is none. Calico takes it and does nothing with it.',
  },
  {
    what: '`diff`, which Calico does not have, ends with 2 when it fails, as diff does.',
    why: '1 says that something would change.',
  },
  {
    what: 'Without `ETCD_ENDPOINTS` the datastore is the etcd on this machine.',
    why: 'Calico looks for a Kubernetes cluster, and there is none.',
  },
  {
    what: 'StagedKubernetesNetworkPolicy, KubeControllersConfiguration and LiveMigration are no known kinds.',
    why: 'They are about Kubernetes alone.',
  },
  {
    what: 'Tables of BGPFilters with a `source`, and wide tables of endpoints with `ipNATs` and of node statuses with `classes`, are printed.',
    why: "Calico's calicoctl crashes on them.",
  },
  {
    what: '`-o json` ends with a line break.',
    why: 'Text files do.',
  },
];
