// What a cluster has that says nothing about BGP: one value for all tests that vary it.
import type { BgpSettings } from '../../../src/routing/input.ts';

export const usualBgp: BgpSettings = {
  asNumber: 64512,
  meshEnabled: true,
  listenPort: 179,
  bindToNodeIp: false,
  ignoredInterfaces: [],
  advertisements: [],
  programsRoutes: true,
  normalPriority: { 4: 1024, 6: 1024 },
  logLevel: 'info',
};
