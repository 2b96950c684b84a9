// Documents of every kind, in the spelling that Calico stores unchanged.

export const documents = `
apiVersion: projectcalico.org/v3
kind: BGPConfiguration
metadata: {name: default}
spec:
  asNumber: "1.1"
  bindMode: NodeIP
  communities: [{name: c1, value: "65001:100"}]
  ignoredInterfaces: [eth9]
  ipv4NormalRoutePriority: 1025
  ipv6NormalRoutePriority: 1025
  listenPort: 180
  localWorkloadPeeringIPV4: 10.1.1.1
  localWorkloadPeeringIPV6: fd00::1
  logSeverityScreen: Debug
  nodeMeshMaxRestartTime: 90s
  nodeMeshPassword: {secretKeyRef: {name: nn, key: kk, optional: true}}
  nodeToNodeMeshEnabled: true
  prefixAdvertisements: [{cidr: 10.0.0.0/8, communities: [c1, "65001:200"]}]
  programClusterRoutes: Enabled
  serviceClusterIPs: [{cidr: 10.96.0.0/12}]
  serviceExternalIPs: [{cidr: 10.96.0.0/12}]
  serviceLoadBalancerIPs: [{cidr: 10.96.0.0/12}]
  serviceLoadBalancerAggregation: Disabled
---
apiVersion: projectcalico.org/v3
kind: BGPConfiguration
metadata: {name: node.x}
---
apiVersion: projectcalico.org/v3
kind: BGPFilter
metadata: {name: f1}
spec:
  exportV4:
  - {action: Accept, asPathPrefix: [65001], cidr: 10.0.0.0/8, communities: {values: ["65001:1"]}, interface: "eth*", matchOperator: In, operations: [{addCommunity: {value: "65001:2"}}, {prependASPath: {prefix: [65001]}}, {setPriority: {value: 5}}], peerType: eBGP, prefixLength: {min: 8, max: 24}, priority: 100, source: RemotePeers}
  importV6: [{action: Reject}]
---
apiVersion: projectcalico.org/v3
kind: BGPPeer
metadata: {name: p1}
spec: {node: n1, peerIP: "10.0.0.9:180", asNumber: 65001, localASNumber: 65002, keepaliveTime: 30s, maxRestartTime: 90s, nextHopMode: Self, numAllowedLocalASNumbers: 0, password: {secretKeyRef: {name: nn, key: kk}}, reachableBy: 10.0.0.1, reversePeering: Manual, sourceAddress: None, ttlSecurity: 1, filters: [f1]}
---
apiVersion: projectcalico.org/v3
kind: BGPPeer
metadata: {name: p2}
spec: {nodeSelector: all(), peerSelector: has(x), keepOriginalNextHop: true}
---
apiVersion: projectcalico.org/v3
kind: BGPPeer
metadata: {name: p3}
spec: {localWorkloadSelector: has(x), asNumber: 65001}
---
apiVersion: projectcalico.org/v3
kind: IPPool
metadata: {name: pool4}
spec: {cidr: 10.88.0.0/16, ipipMode: CrossSubnet, natOutgoing: true, disabled: true, disableBGPExport: true, blockSize: 28, nodeSelector: has(x), allowedUses: [Workload], namespaceSelector: has(y), assignmentMode: Manual}
---
apiVersion: projectcalico.org/v3
kind: IPPool
metadata: {name: pool6}
spec: {cidr: "fd00:88::/48"}
---
apiVersion: projectcalico.org/v3
kind: IPReservation
metadata: {name: ir}
spec: {reservedCIDRs: [10.88.0.0/24]}
---
apiVersion: projectcalico.org/v3
kind: IPAMConfiguration
metadata: {name: default}
spec: {strictAffinity: true, autoAllocateBlocks: true, maxBlocksPerHost: 3, kubeVirtVMAddressPersistence: Disabled, ipCooldownSeconds: 3}
---
apiVersion: projectcalico.org/v3
kind: CalicoNodeStatus
metadata: {name: s1}
spec: {node: n1, classes: [Agent, BGP], updatePeriodSeconds: 10}
---
apiVersion: projectcalico.org/v3
kind: HostEndpoint
metadata: {name: h1, labels: {role: host}}
spec: {node: n1, interfaceName: "*", expectedIPs: [10.0.0.1, "fd00::1"], profiles: [a, b], ports: [{name: ssh, port: 22, protocol: TCP}]}
---
apiVersion: projectcalico.org/v3
kind: Node
metadata: {name: n1}
spec: {bgp: {asNumber: 65001, ipv4Address: 10.0.0.1, ipv6Address: "fd00::1/64", ipv4IPIPTunnelAddr: 10.9.9.9, routeReflectorClusterID: 1.1.1.1}, ipv4VXLANTunnelAddr: 10.9.9.8, vxlanTunnelMACAddr: "66:00:00:00:00:01", ipv6VXLANTunnelAddr: "fd00::8", vxlanTunnelMACAddrV6: "66:00:00:00:00:02", orchRefs: [{nodeName: n1, orchestrator: k8s}], wireguard: {interfaceIPv4Address: 10.9.9.7, interfaceIPv6Address: "fd00::7"}, addresses: [{address: 10.0.0.1/24, type: CalicoNodeIP},{address: 10.0.0.2}], interfaces: [{name: eth0, addresses: [10.0.0.1]}]}
status: {wireguardPublicKey: jlkVyQYooZYzI2wFfNhSZez5eWh44yfq1wKVjLvSXgY=, podCIDRs: [10.0.0.0/24]}
---
apiVersion: projectcalico.org/v3
kind: Node
metadata: {name: n2}
spec: {bgp: {ipv4Address: 10.0.0.2/24}}
---
apiVersion: projectcalico.org/v3
kind: WorkloadEndpoint
metadata: {name: n1-rkt-w1-eth0, labels: {a: b}}
spec: {orchestrator: rkt, workload: w1, node: n1, containerID: c1, endpoint: eth0, serviceAccountName: sa, ipNetworks: [10.77.0.9/32, "fd00::9/128"], ipNATs: [{internalIP: 10.77.0.9, externalIP: 10.1.1.1}], ipv4Gateway: 10.1.1.2, ipv6Gateway: "fd00::2", profiles: [a], interfaceName: cali1, mac: "ca:fe:1d:52:bb:e9", ports: [{name: http, protocol: TCP, port: 80, hostPort: 8080, hostIP: 10.0.0.1},{protocol: 17, port: 53, hostPort: 53}], allowSpoofedSourcePrefixes: [10.0.0.0/8], qosControls: {ingressBandwidth: 1000000, egressBandwidth: 1000000,ingressBurst: 4294967296, egressBurst: 4294967296,ingressPeakrate: 1010000, egressPeakrate: 1010000, ingressMinburst: 1000, egressMinburst: 1000, ingressPacketRate: 10, egressPacketRate: 10, ingressPacketBurst: 5,egressPacketBurst: 5,ingressMaxConnections: 3,egressMaxConnections: 3, dscp: 10}}
---
apiVersion: projectcalico.org/v3
kind: Tier
metadata: {name: t1}
---
apiVersion: projectcalico.org/v3
kind: Tier
metadata: {name: security}
spec: {order: 100}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: gp}
spec:
  order: 0
  applyOnForward: true
  doNotTrack: true
  namespaceSelector: has(x)
  serviceAccountSelector: has(y)
  selector: all()
  performanceHints: [AssumeNeededOnEveryNode]
  ingress:
  - {action: Allow, ipVersion: 4, protocol: "6", notProtocol: 17, source: {nets: [10.0.0.0/8], selector: a == 'b', namespaceSelector: global(), ports: ["80", 90, "1:2"], notNets: [10.1.0.0/16], notSelector: c == 'd', notPorts: [5], serviceAccounts: {names: [a], selector: has(z)}}, http: {methods: [GET], paths: [{exact: /a},{prefix: /b}]}, metadata: {annotations: {a: b}}}
  - {action: Deny, protocol: ICMPv6, icmp: {type: 1, code: 2}, notICMP: {type: 3}, source: {services: {name: s, namespace: nn}}}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: security.web, annotations: {note: "a: b # c", lines: "one\\ntwo\\n", "quoted": "yes", time: "2026-11-23", number: "012", quotes: "say \\"hi\\"", blank: " x", star: "*a", empty: ""}}
spec: {tier: security, order: 10.5, selector: "role == 'web'", ingress: [{action: Allow, protocol: TCP, source: {nets: [10.0.0.0/8], selector: role == 'client'}, destination: {ports: [80, "8000:8010", http]}}, {action: Log}], egress: [{action: Pass}]}
---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: np, labels: {z: yy}, annotations: {b: c}}
spec: {egress: [], types: []}
---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec: {order: 1000000, ingress: [{action: Allow, source: {selector: "app == 'api'", namespaceSelector: has(x)}}], selector: "app == 'db'"}
---
apiVersion: projectcalico.org/v3
kind: StagedGlobalNetworkPolicy
metadata: {name: sgp}
spec: {stagedAction: Delete}
---
apiVersion: projectcalico.org/v3
kind: StagedNetworkPolicy
metadata: {name: snp}
spec: {egress: [{action: Allow}]}
---
apiVersion: projectcalico.org/v3
kind: NetworkSet
metadata: {name: ns, labels: {place: vpn}}
spec: {nets: [10.0.0.1/24, 10.0.0.7]}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkSet
metadata: {name: office}
spec: {nets: [198.51.100.0/28, 203.0.113.7, 198.51.100.32/28, 198.51.100.64/28, 198.51.100.96/28, 198.51.100.128/28]}
---
apiVersion: projectcalico.org/v3
kind: Profile
metadata: {name: network1}
spec: {labelsToApply: {network1: ""}, ingress: [{action: Allow, source: {selector: has(network1)}}], egress: [{action: Allow}]}
---
apiVersion: projectcalico.org/v3
kind: FelixConfiguration
metadata: {name: default}
spec: {iptablesRefreshInterval: 90s, logSeverityScreen: Info, failsafeInboundHostPorts: [{protocol: TCP, port: 22}], failsafeOutboundHostPorts: [], bpfEnabled: false, reportingInterval: 0s}
---
apiVersion: projectcalico.org/v3
kind: FelixConfiguration
metadata: {name: node.n1}
spec: {defaultEndpointToHostAction: Return}
`;
