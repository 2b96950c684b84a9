// Another IPAM plugin, such as host-local, as a provider of addresses for one call: it is run with the call's own
// configuration.
import type { AddressProvider } from '../../attach/request.ts';
import { delegate, delegateAdd, withAnswer } from '../invoke/delegate.ts';
import { OWN_IPAM } from '../spec/config-file.ts';
import type { ParsedCall } from '../spec/request.ts';

/** undefined where the addresses are of our own IPAM. */
export function ipamPluginOf(parsed: ParsedCall): AddressProvider | undefined {
  const { call, request } = parsed;
  const name = request.config.ipam.type;
  if (name === OWN_IPAM) return undefined;
  return {
    name,
    async take(signal) {
      const { result, answer } = await delegateAdd(parsed, signal);
      const addresses = result.addresses.map(({ address }) => address.address);
      return { addresses, routes: result.routes, answer };
    },
    giveBack: (signal) => delegate(parsed, 'DEL', signal),
    check: (answer, signal) => delegate({ request, call: withAnswer(call, answer) }, 'CHECK', signal),
    collect: (signal) => delegate(parsed, 'GC', signal),
    status: (signal) => delegate(parsed, 'STATUS', signal),
  };
}
