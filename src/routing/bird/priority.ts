// How good a route is: the kernel's metric, which is smaller for a better route, and BGP's local preference (RFC 4271,
// section 5.1.5), which is greater, say the same. They add up to Calico's constant, so that both kinds of nodes understand each other.
import { bitsOf, type Family } from '../../net/ip.ts';
import { heldName } from './held-routes.ts';

const SUM = 2147483647;

/** Of routes to workloads of this host. */
const WORKLOAD_PRIORITY = 1024;

/** The local preference of a priority. */
export function preferenceOf(priority: number): number {
  return SUM - priority;
}

/**
 * What came by BGP has its preference; what begins here gets one from its metric, before filters look at it. What is held
 * since a restart is nobody's to know.
 */
export function preferenceFunction(family: Family, normal: number): readonly string[] {
  return [
    `function prefer_v${family}() {`,
    `  if proto = "${heldName(family)}" then reject;`,
    `  if source != RTS_BGP then bgp_local_pref = ${preferenceOf(normal)};`,
    `  if source != RTS_BGP && defined(krt_metric) then bgp_local_pref = ${SUM} - krt_metric;`,
    '}',
  ];
}

/** A single address goes behind the route of a workload that is here, should another node still announce it. */
export function metricLines(family: Family, normal: number): readonly string[] {
  const behind = `net.len = ${bitsOf(family)} && krt_metric = ${WORKLOAD_PRIORITY}`;
  return [
    `  if defined(bgp_local_pref) then krt_metric = ${SUM} - bgp_local_pref; else krt_metric = ${normal};`,
    '  # a single address behind the route of a workload that is here',
    `  if ${behind} then krt_metric = ${WORKLOAD_PRIORITY + 1};`,
  ];
}
