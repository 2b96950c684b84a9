// Policy in the kernel: follows the store's resources through the calculation and the firewall into the kernel, one flush after the other.
import { defaultFirewallConfig, type FirewallConfig } from '../../firewall/config.ts';
import { createFirewall, type Firewall } from '../../firewall/firewall.ts';
import type { NatPool } from '../../firewall/nat.ts';
import type { KernelFirewall } from '../../kernel/nftables/firewall.ts';
import type { Ip } from '../../net/ip.ts';
import type { Steps } from '../../nftables/nft.ts';
import { formatFinding } from '../../nftables/repair.ts';
import { createPolicyCalculation } from '../../policy/calculation/calculation.ts';
import type { PolicyUpdate } from '../../policy/types/input.ts';
import type { Log } from '../../sys/log.ts';
import { computeMovedAddresses, createLocalIdentities } from './identities.ts';

/** Differences that are logged one by one; of more only the number is. */
const MAX_LOGGED_FINDINGS = 10;

export interface Dataplane {
  /** Takes a change in; it is in the kernel after the next flush. */
  update(update: PolicyUpdate): void;
  setPools(pools: readonly NatPool[]): void;
  /** Rebuilds the rules from the policy in hand, in one step; before the start they are only to be built so. Throws `kernel`. */
  setConfig(config: FirewallConfig): void;
  /** The first snapshot is whole: it takes the place of what an earlier run left, in one step. */
  start(): void;
  /** Brings the kernel to the state of all updates so far; does nothing before the start. Throws `kernel`. */
  flush(): void;
  /** Reads the kernel back and repairs what somebody else changed. */
  resync(): void;
}

/** `forget`: called with the addresses that now stand for somebody else, after the rules have them. */
export function createDataplane(
  kernel: KernelFirewall,
  log: Log,
  forget: (addresses: readonly Ip[]) => void,
): Dataplane {
  const calculation = createPolicyCalculation();
  const identities = createLocalIdentities();
  let config = defaultFirewallConfig;
  let firewall: Firewall | undefined;
  let pools: readonly NatPool[] = [];
  let poolsChanged = true;

  function put(steps: Steps, { ruleset }: Firewall): void {
    const outcome = kernel.apply(steps, ruleset);
    if (outcome.kind === 'applied') return;
    log.warn(`the firewall was not as expected; ${outcome.findings.length} differences repaired`, outcome.cause);
  }

  function takePools(target: Firewall): Steps {
    if (!poolsChanged) return [];
    poolsChanged = false;
    return target.setPools(pools);
  }

  return {
    update: (update) => calculation.update(update),
    setPools(next) {
      pools = next;
      poolsChanged = true;
    },
    setConfig(next) {
      config = next;
      if (firewall === undefined) return;
      put(firewall.setConfig(config), firewall);
      log.info('the configuration has changed; the rules are built by it');
    },
    start() {
      calculation.update({ kind: 'in-sync' });
      firewall = createFirewall(config);
      const changes = calculation.flush();
      identities.follow(changes);
      firewall.apply(changes);
      takePools(firewall);
      kernel.resync(firewall.ruleset, (repair) => forget(computeMovedAddresses(repair)));
    },
    flush() {
      if (firewall === undefined) return;
      const changes = calculation.flush();
      const steps = firewall.apply(changes);
      put(steps, firewall);
      forget([...identities.follow(changes), ...computeMovedAddresses(steps)]);
      put(takePools(firewall), firewall);
    },
    resync() {
      if (firewall === undefined || kernel.isUntouched()) return;
      const findings = kernel.resync(firewall.ruleset);
      for (const finding of findings.slice(0, MAX_LOGGED_FINDINGS))
        log.warn(`firewall repaired: ${formatFinding(finding)}`);
      const rest = findings.length - MAX_LOGGED_FINDINGS;
      if (rest > 0) log.warn(`firewall repaired: ${rest} more differences`);
    },
  };
}
