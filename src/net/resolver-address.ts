// Where workloads ask their host for names. The addresses are the same on every host, and none is routed between hosts: that of
// IPv4 is of the link (RFC 3927), that of IPv6 unique and local (RFC 4193, with a random part of its own).
import { type Family, type Ip, parseIp } from './ip.ts';

export const RESOLVER: Readonly<Record<Family, Ip>> = {
  4: parseIp('169.254.1.53'),
  6: parseIp('fd6e:51c1:ca7d::53'),
};

export const DNS_PORT = 53;
