// The table of the environment variables that an administrator sets for the agent: what each means, and what stands for one
// that is not set. Settings.ts and datastore/config.ts read them.

export interface Variables {
  readonly names: readonly string[];
  /** What is typed stands between backticks. */
  readonly doc: string;
  /** What stands for one that is not set. */
  readonly usual: string;
}

export const variables: readonly Variables[] = [
  {
    names: [
      ...['ETCD_ENDPOINTS', 'ETCD_DISCOVERY_SRV', 'ETCD_USERNAME', 'ETCD_PASSWORD'],
      ...['ETCD_CA_CERT_FILE', 'ETCD_CERT_FILE', 'ETCD_KEY_FILE'],
    ],
    doc: 'where etcd is, and how to be let in; with `CALICO_` before the name they go before those without; `DATASTORE_TYPE` may be `etcdv3` alone',
    usual: 'a private etcd',
  },
  {
    names: ['DATASTORE_STALL_SECONDS'],
    doc: 'for so long (10 to 3600 seconds) etcd may have newer revisions than what has come of it, before the agent says that it does not follow, and reads everything anew',
    usual: '30',
  },
  {
    names: ['NODENAME'],
    doc: "this node's name in the cluster, in lower-case letters, digits, dashes and dots",
    usual: "the content of `/var/lib/calico/nodename`, else `HOSTNAME`, else the host's name, these two in lower case",
  },
  {
    names: ['HOSTNAME'],
    doc: "the host's name, where nothing above says how the node is called",
    usual: "the host's name as the kernel has it",
  },
  {
    names: ['CALICO_NODENAME_FILE'],
    doc: "the file that keeps the node's name",
    usual: '`/var/lib/calico/nodename`',
  },
  {
    names: ['CALICO_NODE_TAKEOVER'],
    doc: "the machine, as the refusal to start names it, that had the node's name before and is gone for good",
    usual: "nobody's name is taken",
  },
  {
    names: ['IP', 'IP6'],
    doc: '`autodetect`, `none`, or an address with or without prefix length',
    usual: 'keep what stands; IPv4 is detected when nothing does',
  },
  {
    names: ['IP_AUTODETECTION_METHOD', 'IP6_AUTODETECTION_METHOD'],
    doc: '`first-found`, `interface=RE,…`, `skip-interface=RE,…`, `cidr=C,…`, `can-reach=HOST`; the expressions are of JavaScript, and not anchored',
    usual: '`first-found`',
  },
  {
    names: ['AUTODETECT_POLL_INTERVAL'],
    doc: 'how often `can-reach` is asked again, such as `1m30s`; other methods follow the addresses of the host at once',
    usual: '`60s`',
  },
  {
    names: ['DISABLE_NODE_IP_CHECK'],
    doc: 'whether an address that another node has is taken all the same',
    usual: '`false`: the agent does not start, and names the node',
  },
  { names: ['AS'], doc: "this node's AS number", usual: "the cluster's, 64512" },
  { names: ['CALICO_ROUTER_ID'], doc: 'an IPv4 address, or `hash`', usual: "the node's IPv4 address" },
  { names: ['NO_DEFAULT_POOLS'], doc: 'create no pools', usual: '`false`' },
  {
    names: ['CALICO_IPV4POOL_CIDR', 'CALICO_IPV6POOL_CIDR'],
    doc: 'range of the default pool, or `none`',
    usual:
      '`192.168.0.0/16`, and a random range of IPv6 where the node has an address of it; where it has that alone, no IPv4',
  },
  {
    names: ['CALICO_IPV4POOL_BLOCK_SIZE', 'CALICO_IPV6POOL_BLOCK_SIZE'],
    doc: 'prefix length of the blocks that hosts take',
    usual: '26, 122',
  },
  {
    names: ['CALICO_IPV4POOL_NAT_OUTGOING', 'CALICO_IPV6POOL_NAT_OUTGOING'],
    doc: "whether pods reach the world under the host's address",
    usual: '`true`, `false`',
  },
  {
    names: ['CALICO_IPV4POOL_IPIP', 'CALICO_IPV4POOL_VXLAN', 'CALICO_IPV6POOL_VXLAN'],
    doc: 'which packets between hosts are encapsulated in the default pool: `Never`, `Always` or `CrossSubnet`',
    usual: '`Never`',
  },
  {
    names: ['FELIX_NAME'],
    doc: 'the field NAME of FelixConfiguration for this host alone; it goes before the one in the store, and the log names those that do nothing here',
    usual: 'what the store says',
  },
  {
    names: ['CALICO_FELIX_CONFIG_FILE'],
    doc: 'a file of `Name = value` lines with such fields',
    usual: '`/etc/calico/felix.cfg`, if it is there',
  },
  {
    names: ['MAX_FLOWS_PER_ENDPOINT'],
    doc: 'connections that an endpoint may have at a time, begun by it and sent to it; 0: as many as it can',
    usual: '20000, at most a quarter of `nf_conntrack_max`',
  },
  {
    names: ['NFTABLES_OWN_TABLE'],
    doc: "whether the kernel, from Linux 6.9 on, keeps every other process from changing the agent's rules; `false` lets you add rules of your own for tracing, which go again within a second",
    usual: '`true`',
  },
  {
    names: ['CALICO_STARTED_BY'],
    doc: 'who started this agent, in the words that a second one on the host is told',
    usual: 'its process number alone',
  },
  {
    names: ['CALICO_NETWORKING_BACKEND'],
    doc: '`bird`; `vxlan` for none, where all pools have VXLAN; `none` for no routing between hosts',
    usual: '`bird`',
  },
];
