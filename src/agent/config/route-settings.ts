// What FelixConfiguration says of tunnels and of who makes routes (Calico v3.33, felix/config/config_params.go).
import type { RouteSettings } from '../../routing/cluster-input.ts';
import type { MtuSettings } from '../../routing/mtu/path-mtu.ts';
import type { RouteOwners } from '../../routing/route-owners.ts';
import type { FelixSettings } from './felix-settings.ts';

const DEFAULT_VNI = 4096;
const DEFAULT_PORT = 4789;

/** 0 is worked out, like none. */
function mtuOf(mtu: number | undefined): number | undefined {
  return mtu === 0 ? undefined : mtu;
}

export function computeRouteSettings(settings: FelixSettings, owners: RouteOwners): RouteSettings {
  return {
    makes: {
      none: owners.agentMakesPlain,
      ipip: owners.agentMakesIpip && settings.ipipEnabled !== false,
      vxlan: settings.vxlanEnabled,
    },
    vni: settings.vxlanVNI ?? DEFAULT_VNI,
    port: settings.vxlanPort ?? DEFAULT_PORT,
    vxlanMtuBytes: { 4: mtuOf(settings.vxlanMTU), 6: mtuOf(settings.vxlanMTUV6) },
    ipipMtuBytes: mtuOf(settings.ipipMTU),
  };
}

/** How large packets in tunnels may be. */
export function computeMtuSettings({ ipipMTU, vxlanMTU, vxlanMTUV6 }: FelixSettings): MtuSettings {
  return {
    ipip: { 4: mtuOf(ipipMTU), 6: undefined },
    vxlan: { 4: mtuOf(vxlanMTU), 6: mtuOf(vxlanMTUV6) },
    wireguard: { 4: undefined, 6: undefined },
    encrypts: { 4: false, 6: false },
  };
}
