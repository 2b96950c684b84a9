// Policy in the kernel: follows the store's resources through the calculation and the firewall into the kernel, one flush after the other.
import { sameContent } from '../../base/equal.ts';
import { defaultFirewallConfig, type FirewallConfig } from '../../firewall/config.ts';
import type { GuardedRanges } from '../../firewall/encryption/ranges.ts';
import { createFirewall, type Firewall } from '../../firewall/firewall.ts';
import type { AssignedHostEndpoint, InterfaceAddresses } from '../../firewall/host/interfaces.ts';
import type { NatPool } from '../../firewall/nat/ranges.ts';
import type { VxlanGuard } from '../../firewall/tunnel/vxlan.ts';
import type { Peering } from '../../firewall/workload.ts';
import type { KernelFirewall } from '../../kernel/nftables/firewall.ts';
import type { Cidr } from '../../net/cidr.ts';
import type { Ip } from '../../net/ip.ts';
import type { PortMapping } from '../../net/port-mapping.ts';
import type { Steps } from '../../nftables/nft.ts';
import { formatFinding } from '../../nftables/repair.ts';
import { createPolicyCalculation } from '../../policy/calculation/calculation.ts';
import type { PolicyUpdate } from '../../policy/types/input.ts';
import type { Log } from '../../sys/log.ts';
import { computeMovedAddresses, createLocalIdentities } from './identities.ts';
import { createLocalPorts } from './local-ports.ts';
import { createRefusals, type Refusals } from './refusals.ts';

/** Differences that are logged one by one; of more only the number is. */
const MAX_LOGGED_FINDINGS = 10;

export interface Dataplane {
  /** Takes a change in; it is in the kernel after the next flush. */
  update(update: PolicyUpdate): void;
  /** `direct`: further destinations that see the workloads' own addresses. */
  setPools(pools: readonly NatPool[], direct: readonly Cidr[]): void;
  /** The hosts that encapsulated packets are taken from. */
  setVxlan(guard: VxlanGuard, hosts: readonly Ip[], ipipHosts?: readonly Ip[]): void;
  /** What packets reach encrypted or not at all; in the kernel after the next flush. */
  setGuarded(ranges: GuardedRanges): void;
  /** Where workloads may speak BGP with the host. */
  setPeerings(peerings: readonly Peering[]): void;
  /** What the host has of interfaces; before the start they are only noted. Throws `kernel`. */
  setInterfaces(interfaces: readonly InterfaceAddresses[]): void;
  /** What each host endpoint protects; none before the start. */
  hostEndpoints(): readonly AssignedHostEndpoint[];
  /** Rebuilds the rules from the policy in hand, in one step; before the start they are only to be built so. Throws `kernel`. */
  setConfig(config: FirewallConfig): void;
  /** The first snapshot is whole: it takes the place of what an earlier run left, in one step. */
  start(): void;
  /** Brings the kernel to the state of all updates so far; does nothing before the start. Throws `kernel`. */
  flush(): void;
  /** Reads the kernel back and repairs what somebody else changed. `changers`: who has changed it, by netlink socket, for the log. */
  resync(changers?: ReadonlyMap<number, string>): void;
  /** Why an endpoint is closed although its policy is known: the kernel refuses it. */
  whyClosed(endpoint: string): string | undefined;
  close(): void;
}

export interface DataplaneContext {
  readonly kernel: KernelFirewall;
  readonly log: Log;
  /** Called with the addresses that now stand for somebody else, after the rules have them. */
  readonly forget: (addresses: readonly Ip[]) => void;
  /** Called with ports of the host that lead to an endpoint from now on, after the rules have them. */
  readonly forgetPorts: (mappings: readonly PortMapping[]) => void;
  /** Gets a line for each endpoint whose rules the kernel refuses, whenever that changes. */
  readonly publishRefused: (lines: readonly string[]) => void;
}

interface Started {
  readonly firewall: Firewall;
  readonly refusals: Refusals;
}

/** What the rules follow beside policy, as far as they have not been told it. */
function createNews() {
  const known = new Map<string, unknown>();
  const untold = new Map<string, (firewall: Firewall) => Steps>();
  return {
    /** What was said before of the same is said no more. */
    note(about: string, value: unknown, tell: (firewall: Firewall) => Steps): void {
      if (sameContent(known.get(about), value)) return;
      known.set(about, value);
      untold.set(about, tell);
    },
    tell(firewall: Firewall, apply: (steps: Steps) => void): void {
      for (const [about, tell] of untold) {
        untold.delete(about);
        apply(tell(firewall));
      }
    },
  };
}

export function createDataplane({ kernel, log, forget, forgetPorts, publishRefused }: DataplaneContext): Dataplane {
  const calculation = createPolicyCalculation();
  const identities = createLocalIdentities();
  const ports = createLocalPorts();
  let config = defaultFirewallConfig;
  let started: Started | undefined;
  const news = createNews();
  let interfaces: readonly InterfaceAddresses[] = [];

  return {
    update: (update) => calculation.update(update),
    setPools: (...next) => news.note('pools', next, (firewall) => firewall.setPools(...next)),
    setVxlan: (...next) => news.note('vxlan', next, (firewall) => firewall.setVxlan(...next)),
    setGuarded: (next) => news.note('guarded', next, (firewall) => firewall.setGuarded(next)),
    setPeerings: (next) => news.note('peerings', next, (firewall) => firewall.setPeerings(next)),
    setInterfaces(next) {
      interfaces = next;
      if (started !== undefined) started.refusals.apply(started.firewall.setInterfaces(interfaces));
    },
    hostEndpoints: () => started?.firewall.hostEndpoints() ?? [],
    setConfig(next) {
      config = next;
      if (started === undefined) return;
      started.refusals.apply(started.firewall.setConfig(config));
      log.info('the configuration has changed; the rules are built by it');
    },
    start() {
      calculation.update({ kind: 'in-sync' });
      const firewall = createFirewall(config);
      const refusals = createRefusals({
        ...{ kernel, firewall, log, publish: publishRefused },
        forget: (ids) => forget(ids.flatMap(identities.addressesOf)),
      });
      started = { firewall, refusals };
      publishRefused([]);
      const changes = calculation.flush();
      identities.follow(changes);
      ports.follow(changes);
      firewall.setInterfaces(interfaces);
      firewall.apply(changes);
      news.tell(firewall, () => {});
      const outcome = kernel.tryResync(firewall.ruleset, (repair) => forget(computeMovedAddresses(repair)));
      if (outcome.kind === 'refused') refusals.take(outcome);
    },
    flush() {
      if (started === undefined) return;
      const { firewall, refusals } = started;
      const changes = calculation.flush();
      const steps = firewall.apply(changes);
      refusals.apply(steps);
      forget([...identities.follow(changes), ...computeMovedAddresses(steps)]);
      forgetPorts(ports.follow(changes));
      news.tell(firewall, refusals.apply);
    },
    whyClosed: (endpoint) => started?.refusals.whyClosed(endpoint),
    close: () => started?.refusals.close(),
    resync(changers = new Map()) {
      if (started === undefined || kernel.isUntouched()) return;
      const outcome = kernel.tryResync(started.firewall.ruleset);
      if (outcome.kind === 'refused') return started.refusals.take(outcome);
      const { findings } = outcome;
      const others = [...changers].filter(([portId]) => portId !== kernel.portId).map(([, name]) => name);
      const by = others.length === 0 ? '' : `; changed by ${others.join(' and ')}`;
      for (const finding of findings.slice(0, MAX_LOGGED_FINDINGS))
        log.warn(`firewall repaired: ${formatFinding(finding)}${by}`);
      const rest = findings.length - MAX_LOGGED_FINDINGS;
      if (rest > 0) log.warn(`firewall repaired: ${rest} more differences${by}`);
    },
  };
}
