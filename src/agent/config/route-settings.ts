// What FelixConfiguration says of tunnels and of who makes routes (Calico v3.33, felix/config/config_params.go).
import type { RouteSettings } from '../../routing/cluster-input.ts';
import type { MtuSettings } from '../../routing/mtu/path-mtu.ts';
import type { RouteOwners } from '../../routing/route-owners.ts';
import { isEncrypting } from '../../routing/wireguard/parse.ts';
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
export function computeMtuSettings(settings: FelixSettings): MtuSettings {
  const { ipipMTU, vxlanMTU, vxlanMTUV6, wireguardMTU, wireguardMTUV6 } = settings;
  return {
    ipip: { 4: mtuOf(ipipMTU), 6: undefined },
    vxlan: { 4: mtuOf(vxlanMTU), 6: mtuOf(vxlanMTUV6) },
    wireguard: { 4: mtuOf(wireguardMTU), 6: mtuOf(wireguardMTUV6) },
    encrypts: { 4: isEncrypting(settings, 4), 6: isEncrypting(settings, 6) },
  };
}
