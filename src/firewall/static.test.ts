import { expect, test } from 'bun:test';
import { printBase } from '../../test/support/firewall/base-text.ts';
import { defaultFirewallConfig } from './config.ts';

const text = `add table arp ocicat { comment "layout 1"; }
add table inet ocicat { comment "layout 1"; }
add set inet ocicat flow-counts-20000 { type ifname; size 65535; flags dynamic; }
add set inet ocicat resolver-rates { type ifname; size 65535; flags dynamic,timeout; timeout 10s; }
add map inet ocicat workload-guards { type inet_proto : verdict; }
add set inet ocicat discovery-types { type icmpv6_type; }
add set inet ocicat closed-addresses4 { type ipv4_addr; flags interval; }
add set inet ocicat closed-addresses6 { type ipv6_addr; flags interval; }
add set inet ocicat port-protocols { type inet_proto; }
add map inet ocicat workload-egress { type ifname : verdict; }
add map inet ocicat workload-ingress { type ifname : verdict; }
add set inet ocicat workload-names { type ifname; }
add set arp ocicat arp-senders { type ifname . ipv4_addr; }
add set arp ocicat arp-answerers { type ifname; }
add set inet ocicat discovery-sources { type ifname . ipv6_addr; }
add set inet ocicat workload-sources4 { type ifname . ipv4_addr; }
add set inet ocicat workload-sources6 { type ifname . ipv6_addr; }
add set inet ocicat workload-ranges4 { type ifname . ipv4_addr; flags interval; }
add set inet ocicat workload-ranges6 { type ifname . ipv6_addr; flags interval; }
add set inet ocicat workload-peerings4 { type ifname . ipv4_addr . inet_service; }
add set inet ocicat workload-peerings6 { type ifname . ipv6_addr . inet_service; }
add set inet ocicat peering-addresses4 { type ipv4_addr; }
add set inet ocicat peering-addresses6 { type ipv6_addr; }
add set inet ocicat nat-sources4 { type ipv4_addr; flags interval; }
add set inet ocicat nat-direct4 { type ipv4_addr; flags interval; }
add map inet ocicat floating-addresses4 { type ipv4_addr : verdict; }
add map inet ocicat floating-hairpins4 { type ipv4_addr . ipv4_addr : verdict; }
add set inet ocicat nat-sources6 { type ipv6_addr; flags interval; }
add set inet ocicat nat-direct6 { type ipv6_addr; flags interval; }
add map inet ocicat floating-addresses6 { type ipv6_addr : verdict; }
add map inet ocicat floating-hairpins6 { type ipv6_addr . ipv6_addr : verdict; }
add set inet ocicat encrypted-addresses4 { type ipv4_addr; flags interval; }
add set inet ocicat encrypted-hosts4 { type ipv4_addr; flags interval; }
add set inet ocicat encrypted-addresses6 { type ipv6_addr; flags interval; }
add set inet ocicat encrypted-hosts6 { type ipv6_addr; flags interval; }
add chain inet ocicat guard-ipip
add chain inet ocicat guard-udp
add chain inet ocicat guard-icmpv6
add chain inet ocicat deny-reject
add chain inet ocicat workload-check
add chain inet ocicat from-workload
add chain inet ocicat to-workload
add chain inet ocicat to-host
add chain inet ocicat to-resolver
add chain inet ocicat related-of-workload
add chain inet ocicat related
add chain inet ocicat host-action
add chain arp ocicat arp-input { type filter hook input priority 0; policy accept; }
add chain inet ocicat base-prerouting { type filter hook prerouting priority -300; policy accept; }
add chain inet ocicat base-forward-egress { type filter hook forward priority -2; policy accept; }
add chain inet ocicat base-forward-ingress { type filter hook forward priority -1; policy accept; }
add chain inet ocicat base-input-egress { type filter hook input priority -2; policy accept; }
add chain inet ocicat base-input-host { type filter hook input priority -1; policy accept; }
add chain inet ocicat base-output { type filter hook output priority -1; policy accept; }
add chain inet ocicat base-postrouting { type nat hook postrouting priority 110; policy accept; }
flush chain inet ocicat guard-ipip
flush chain inet ocicat guard-udp
flush chain inet ocicat guard-icmpv6
flush chain inet ocicat deny-reject
flush chain inet ocicat workload-check
flush chain inet ocicat from-workload
flush chain inet ocicat to-workload
flush chain inet ocicat to-host
flush chain inet ocicat to-resolver
flush chain inet ocicat related-of-workload
flush chain inet ocicat related
flush chain inet ocicat host-action
flush chain arp ocicat arp-input
flush chain inet ocicat base-prerouting
flush chain inet ocicat base-forward-egress
flush chain inet ocicat base-forward-ingress
flush chain inet ocicat base-input-egress
flush chain inet ocicat base-input-host
flush chain inet ocicat base-output
flush chain inet ocicat base-postrouting
add rule inet ocicat guard-ipip counter drop comment "IP in IP from a workload"
add rule inet ocicat guard-udp meta l4proto 17 th dport 4789 counter drop comment "VXLAN from a workload"
add rule inet ocicat guard-udp meta l4proto 17 th sport 67 th dport 68 counter drop comment "DHCP server"
add rule inet ocicat guard-udp meta l4proto 17 th sport 547 th dport 546 counter drop comment "DHCPv6 server"
add rule inet ocicat guard-icmpv6 meta l4proto 58 icmpv6 type 134 counter drop comment "router advertisement"
add rule inet ocicat guard-icmpv6 meta l4proto 58 icmpv6 type 137 counter drop comment "redirect"
add rule inet ocicat guard-icmpv6 meta nfproto ipv6 meta l4proto 58 icmpv6 type @discovery-types iifname . ip6 saddr @discovery-sources accept
add rule inet ocicat guard-icmpv6 iifname @workload-names meta nfproto ipv6 meta l4proto 58 icmpv6 type @discovery-types ip6 saddr :: accept
add rule inet ocicat guard-icmpv6 meta nfproto ipv6 meta l4proto 58 icmpv6 type 136 iifname . ip6 saddr @workload-ranges6 accept
add rule inet ocicat guard-icmpv6 meta nfproto ipv6 meta l4proto 58 icmpv6 type @discovery-types counter drop comment "neighbour discovery as somebody else"
add rule inet ocicat deny-reject meta l4proto 6 reject with tcp reset
add rule inet ocicat deny-reject reject with icmpx admin-prohibited
add rule inet ocicat workload-check meta nfproto ipv4 meta l4proto 6 ip daddr != 0.0.0.0/8 ip daddr != 127.0.0.0/8 ip daddr != 169.254.0.0/16 ip daddr != 224.0.0.0/3 iifname . ip saddr @workload-sources4 accept
add rule inet ocicat workload-check meta nfproto ipv6 meta l4proto 6 ip6 daddr != ::/96 ip6 daddr != ::ffff:0.0.0.0/96 ip6 daddr != fe80::/10 ip6 daddr != ff00::/8 iifname . ip6 saddr @workload-sources6 accept
add rule inet ocicat workload-check meta l4proto vmap @workload-guards
add rule inet ocicat workload-check meta nfproto ipv4 meta l4proto 6 iifname . ip daddr . th dport @workload-peerings4 iifname . ip saddr @workload-sources4 accept
add rule inet ocicat workload-check meta nfproto ipv6 meta l4proto 6 iifname . ip6 daddr . th dport @workload-peerings6 iifname . ip6 saddr @workload-sources6 accept
add rule inet ocicat workload-check meta nfproto ipv4 ip daddr 169.254.1.53 meta l4proto 17 add @resolver-rates { iifname limit rate over 1000/second burst 100 packets } counter drop comment "too many questions"
add rule inet ocicat workload-check meta nfproto ipv6 ip6 daddr fd6e:51c1:ca7d::53 meta l4proto 17 add @resolver-rates { iifname limit rate over 1000/second burst 100 packets } counter drop comment "too many questions"
add rule inet ocicat workload-check meta nfproto ipv4 ip daddr 169.254.1.53 meta l4proto 17 th dport 53 iifname . ip saddr @workload-sources4 fib daddr type local accept
add rule inet ocicat workload-check meta nfproto ipv4 ip daddr 169.254.1.53 meta l4proto 6 th dport 53 iifname . ip saddr @workload-sources4 fib daddr type local accept
add rule inet ocicat workload-check meta nfproto ipv4 ip daddr @closed-addresses4 counter drop comment "destination of nobody"
add rule inet ocicat workload-check meta nfproto ipv6 ip6 daddr @closed-addresses6 counter drop comment "destination of nobody"
add rule inet ocicat workload-check meta nfproto ipv4 iifname . ip saddr @workload-sources4 accept
add rule inet ocicat workload-check meta nfproto ipv6 iifname . ip6 saddr @workload-sources6 accept
add rule inet ocicat workload-check meta nfproto ipv4 ip saddr @closed-addresses4 counter drop comment "source of nobody"
add rule inet ocicat workload-check meta nfproto ipv6 ip6 saddr @closed-addresses6 counter drop comment "source of nobody"
add rule inet ocicat workload-check meta nfproto ipv4 iifname . ip saddr @workload-ranges4 accept
add rule inet ocicat workload-check meta nfproto ipv6 iifname . ip6 saddr @workload-ranges6 accept
add rule inet ocicat workload-check iifname != @workload-names counter drop comment "unknown interface"
add rule inet ocicat workload-check counter drop comment "source address of somebody else"
add rule inet ocicat from-workload ct state established accept
add rule inet ocicat from-workload ct state invalid,related goto related
add rule inet ocicat from-workload ct state new add @flow-counts-20000 { iifname ct count over 20000 } counter drop comment "too many flows"
add rule inet ocicat from-workload iifname vmap @workload-egress
add rule inet ocicat from-workload counter drop comment "unknown interface"
add rule inet ocicat to-workload ct state established oifname @workload-names accept
add rule inet ocicat to-workload ct state invalid,related goto related
add rule inet ocicat to-workload ct state new add @flow-counts-20000 { oifname ct count over 20000 } counter drop comment "too many flows"
add rule inet ocicat to-workload oifname vmap @workload-ingress
add rule inet ocicat to-workload counter drop comment "unknown interface"
add rule inet ocicat to-host ct state established accept
add rule inet ocicat to-host meta nfproto ipv6 meta l4proto 58 icmpv6 type @discovery-types accept
add rule inet ocicat to-host fib daddr type != local counter drop comment "to everybody"
add rule inet ocicat to-host meta nfproto ipv4 ip daddr 169.254.1.53 goto to-resolver
add rule inet ocicat to-host meta nfproto ipv6 ip6 daddr fd6e:51c1:ca7d::53 goto to-resolver
add rule inet ocicat to-host goto from-workload
add rule inet ocicat to-resolver ct state invalid,related goto related
add rule inet ocicat to-resolver ct state new add @flow-counts-20000 { iifname ct count over 20000 } counter drop comment "too many flows"
add rule inet ocicat to-resolver meta l4proto 17 th dport 53 accept
add rule inet ocicat to-resolver meta l4proto 6 th dport 53 accept
add rule inet ocicat to-resolver counter drop comment "to the resolver"
add rule inet ocicat related-of-workload meta nfproto ipv4 iifname . ct original ip saddr @workload-sources4 accept
add rule inet ocicat related-of-workload meta nfproto ipv4 iifname . ct reply ip saddr @workload-sources4 accept
add rule inet ocicat related-of-workload meta nfproto ipv4 iifname . ct original ip saddr @workload-ranges4 accept
add rule inet ocicat related-of-workload meta nfproto ipv4 iifname . ct reply ip saddr @workload-ranges4 accept
add rule inet ocicat related-of-workload meta nfproto ipv6 iifname . ct original ip6 saddr @workload-sources6 accept
add rule inet ocicat related-of-workload meta nfproto ipv6 iifname . ct reply ip6 saddr @workload-sources6 accept
add rule inet ocicat related-of-workload meta nfproto ipv6 iifname . ct original ip6 saddr @workload-ranges6 accept
add rule inet ocicat related-of-workload meta nfproto ipv6 iifname . ct reply ip6 saddr @workload-ranges6 accept
add rule inet ocicat related-of-workload counter drop comment "error about somebody else's flow"
add rule inet ocicat related ct state invalid drop
add rule inet ocicat related oifname "cali*" oifname != @workload-names counter drop comment "unknown interface"
add rule inet ocicat related iifname "cali*" goto related-of-workload
add rule inet ocicat related accept
add rule inet ocicat host-action ct state established accept
add rule inet ocicat host-action ct state invalid,related goto related
add rule inet ocicat host-action meta nfproto ipv6 meta l4proto 58 icmpv6 type @discovery-types accept
add rule inet ocicat host-action meta nfproto ipv4 meta l4proto 6 iifname . ip daddr . th dport @workload-peerings4 accept
add rule inet ocicat host-action meta nfproto ipv6 meta l4proto 6 iifname . ip6 daddr . th dport @workload-peerings6 accept
add rule inet ocicat host-action meta nfproto ipv4 ip daddr 169.254.1.53 accept
add rule inet ocicat host-action meta nfproto ipv6 ip6 daddr fd6e:51c1:ca7d::53 accept
add rule inet ocicat host-action meta nfproto ipv4 ip daddr @peering-addresses4 counter drop comment "BGP of somebody else"
add rule inet ocicat host-action meta nfproto ipv6 ip6 daddr @peering-addresses6 counter drop comment "BGP of somebody else"
add rule inet ocicat host-action counter drop comment "workload to host"
add rule arp ocicat arp-input iifname . arp saddr ip @arp-senders accept
add rule arp ocicat arp-input iifname @arp-answerers arp operation 2 accept
add rule arp ocicat arp-input iifname "cali*" counter drop comment "ARP as somebody else"
add rule inet ocicat base-prerouting iifname "cali*" goto workload-check
add rule inet ocicat base-forward-egress iifname "cali*" goto from-workload
add rule inet ocicat base-forward-ingress oifname "cali*" goto to-workload
add rule inet ocicat base-input-egress iifname "cali*" goto to-host
add rule inet ocicat base-input-egress meta nfproto ipv4 ip daddr 169.254.1.53 iifname != "lo" counter drop comment "resolver of workloads"
add rule inet ocicat base-input-egress meta nfproto ipv6 ip6 daddr fd6e:51c1:ca7d::53 iifname != "lo" counter drop comment "resolver of workloads"
add rule inet ocicat base-input-host iifname "cali*" goto host-action
add rule inet ocicat base-output oifname "cali*" oifname != @workload-names counter drop comment "unknown interface"
add rule inet ocicat base-postrouting meta nfproto ipv4 ip saddr @nat-sources4 ip daddr != @nat-direct4 masquerade fully-random
add rule inet ocicat base-postrouting meta nfproto ipv6 ip6 saddr @nat-sources6 ip6 daddr != @nat-direct6 masquerade fully-random
add element inet ocicat workload-guards { 17 : jump guard-udp, 58 : jump guard-icmpv6, 4 : goto guard-ipip }
add element inet ocicat discovery-types { 130, 131, 132, 133, 135, 136 }
add element inet ocicat closed-addresses4 { 0.0.0.0/8, 127.0.0.0/8, 169.254.0.0-169.254.168.255, 169.254.170.0-169.254.255.255, 224.0.0.0/3 }
add element inet ocicat closed-addresses6 { ::/96, ::ffff:0.0.0.0/96, fe80::/10, ff00::/8 }
add element inet ocicat port-protocols { 6, 17, 132, 136 }
`;

test('the static part as text', () => expect(printBase(defaultFirewallConfig)).toBe(text));

test('the configuration changes these lines of it', () => {
  const lines = (printed: string): readonly string[] => printed.split('\n');
  const changed = printBase({
    ...defaultFirewallConfig,
    endpointToHostAction: 'return',
    allowVxlanFromWorkloads: true,
    allowIpipFromWorkloads: true,
  });
  expect(lines(text).filter((line) => !lines(changed).includes(line))).toEqual([
    'add rule inet ocicat guard-udp meta l4proto 17 th dport 4789 counter drop comment "VXLAN from a workload"',
    'add rule inet ocicat host-action counter drop comment "workload to host"',
    'add element inet ocicat workload-guards { 17 : jump guard-udp, 58 : jump guard-icmpv6, 4 : goto guard-ipip }',
  ]);
  expect(lines(changed).filter((line) => !lines(text).includes(line))).toEqual([
    'add rule inet ocicat host-action accept',
    'add element inet ocicat workload-guards { 17 : jump guard-udp, 58 : jump guard-icmpv6 }',
  ]);
});
