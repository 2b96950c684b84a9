// Sends all that comes in by one link through another one first: a u32 filter that matches everything, with the action mirred
// (tc-u32(8), tc-mirred(8); linux/pkt_cls.h, linux/tc_act/tc_mirred.h).
import * as netlink from '../../sys/netlink.ts';
import { INGRESS_HANDLE, TC_HEADER_BYTES, TCA_OPTIONS, writeTcHeader } from './qdiscs.ts';

const RTM_NEWTFILTER = 44;
const RTM_GETTFILTER = 46;
const TCA_KIND = 1;
const TCA_U32_SEL = 5;
const TCA_U32_ACT = 7;
const TCA_ACT_KIND = 1;
const TCA_ACT_OPTIONS = 2;
const TCA_MIRRED_PARMS = 2;
const EGRESS_REDIRECT = 1;
const ACT_STOLEN = 4;
const FIRST = 1;
/** The priority, and below it ETH_P_ALL in network order. */
const EVERY_PROTOCOL = (1 << 16) | 0x0300;
/** `struct tc_u32_sel`: TC_U32_TERMINAL, one key; the key's mask is empty, so that it matches whatever comes. */
const MATCH_ALL = Uint8Array.of(1, 0, 1, ...new Uint8Array(13), ...new Uint8Array(16));
/** `struct tc_mirred`, up to the index of the other link. */
const INDEX_OFFSET = 24;

/** Appends the filter, for a link that has a place for it. Takes one acknowledgement. */
export function writeRedirect(writer: netlink.MessageWriter, index: number, through: number): void {
  const numbers = Uint32Array.of(0, 0, ACT_STOLEN, 0, 0, EGRESS_REDIRECT, through);
  writer.begin(RTM_NEWTFILTER, netlink.NLM_F_ACK | netlink.NLM_F_CREATE | netlink.NLM_F_EXCL);
  writeTcHeader(writer, { index, parent: INGRESS_HANDLE, info: EVERY_PROTOCOL }).attrString(TCA_KIND, 'u32');
  writer.nestPlain(TCA_OPTIONS).attrBytes(TCA_U32_SEL, MATCH_ALL).nestPlain(TCA_U32_ACT).nestPlain(FIRST);
  writer.attrString(TCA_ACT_KIND, 'mirred').nestPlain(TCA_ACT_OPTIONS);
  writer.attrBytes(TCA_MIRRED_PARMS, new Uint8Array(numbers.buffer)).endNest();
  writer.endNest().endNest().endNest().end();
}

function within(bytes: Uint8Array | undefined, type: number): Uint8Array | undefined {
  return bytes === undefined ? undefined : netlink.readAttributes(bytes).get(type);
}

/** Of filters of other kinds the attributes mean something else. */
function readTarget(payload: Uint8Array): number | undefined {
  const attributes = netlink.readAttributes(payload, TC_HEADER_BYTES);
  if (netlink.readText(attributes.get(TCA_KIND) ?? new Uint8Array()) !== 'u32') return undefined;
  const action = within(within(within(attributes.get(TCA_OPTIONS), TCA_U32_ACT), FIRST), TCA_ACT_OPTIONS);
  const mirred = within(action, TCA_MIRRED_PARMS);
  return mirred === undefined ? undefined : netlink.readU32(mirred, INDEX_OFFSET);
}

/** The index of the link that what comes in by this one is sent through, 0 when that has gone; undefined: none. */
export function observeRedirect(socket: netlink.Netlink, index: number): number | undefined {
  const writer = netlink.createMessageWriter(64);
  writer.begin(RTM_GETTFILTER, netlink.NLM_F_DUMP);
  writeTcHeader(writer, { index, parent: INGRESS_HANDLE }).end();
  const targets: number[] = [];
  socket.dump(writer, (_type, payload) => {
    const target = readTarget(payload);
    if (target !== undefined) targets.push(target);
  });
  return targets[0];
}
