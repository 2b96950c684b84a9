// An app's limits as files of control groups: which controller, which file, which value, in both versions.
import type { AppLimits } from './oci-spec.ts';

export type Controller = 'memory' | 'cpu' | 'pids';

/** Files of a control group, in the order of writing. Source: kernel documentation, cgroup-v1 and cgroup-v2. */
type Writes = readonly (readonly [file: string, value: string])[];

export interface GroupSetting {
  readonly controller: Controller;
  readonly v1: Writes;
  readonly v2: Writes;
  /** Whether somebody asked for it; a default is done without where there is no such controller. */
  readonly asked: boolean;
}

/** Processes and threads of an app that says nothing: as podman's containers.conf has it, "pids_limit". */
const DEFAULT_PIDS = 2048;

/** Kernel default of cpu.cfs_period_us. Source: kernel documentation, sched-bwc. */
const CPU_PERIOD_US = 100_000;

/** From cpu.shares, 2 to 262144, to cpu.weight, 1 to 10000, both ends on their like. */
function weightOf(shares: number): number {
  return 1 + Math.floor(((shares - 2) * 9999) / 262_142);
}

function cpuSetting({ milliCpu, cpuShares }: AppLimits): readonly GroupSetting[] {
  if (milliCpu === undefined && cpuShares === undefined) return [];
  const quota = milliCpu === undefined ? undefined : milliCpu * (CPU_PERIOD_US / 1000);
  return [
    {
      controller: 'cpu',
      v1: [
        ...(quota === undefined
          ? []
          : [['cpu.cfs_period_us', `${CPU_PERIOD_US}`] as const, ['cpu.cfs_quota_us', `${quota}`] as const]),
        ...(cpuShares === undefined ? [] : [['cpu.shares', `${cpuShares}`] as const]),
      ],
      v2: [
        ...(quota === undefined ? [] : [['cpu.max', `${quota} ${CPU_PERIOD_US}`] as const]),
        ...(cpuShares === undefined ? [] : [['cpu.weight', `${weightOf(cpuShares)}`] as const]),
      ],
      asked: true,
    },
  ];
}

/** What sockets hold counts as memory in version 2; in version 1 it has a count of its own, and without a limit none. */
function memorySetting({ memoryBytes }: AppLimits): readonly GroupSetting[] {
  if (memoryBytes === undefined) return [];
  const value = `${memoryBytes}`;
  return [
    {
      controller: 'memory',
      v1: ['memory.limit_in_bytes', 'memory.kmem.tcp.limit_in_bytes'].map((file) => [file, value] as const),
      v2: [['memory.max', value]],
      asked: true,
    },
  ];
}

function pidsSetting({ pids }: AppLimits): readonly GroupSetting[] {
  if (pids === 0) return [];
  const writes = [['pids.max', `${pids ?? DEFAULT_PIDS}`]] as const;
  return [{ controller: 'pids', v1: writes, v2: writes, asked: pids !== undefined }];
}

/** What is to be written for an app: at most one setting a controller. */
export function computeGroupSettings(limits: AppLimits): readonly GroupSetting[] {
  return [...memorySetting(limits), ...cpuSetting(limits), ...pidsSetting(limits)];
}
