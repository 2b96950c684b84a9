// The registers that a rule's expressions work on: 16 words of four bytes, of which four old numbers name four words each
// (NFT_REG_1 to NFT_REG_4 and NFT_REG32_00 to NFT_REG32_15 of linux/netfilter/nf_tables.h).
import { padToWord } from './bytes.ts';
import type { Bytes } from './nft.ts';

const WORDS = 16;
const WORD_BYTES = 4;
const WORDS_PER_OLD_REGISTER = 4;
const LAST_OLD_REGISTER = 4;
const FIRST_WORD_REGISTER = 8;

/** The number that the kernel gives back for the register that starts at a word: 1 to 4 when aligned to 16 bytes. */
export function registerAt(word: number): number {
  return word % WORDS_PER_OLD_REGISTER === 0 ? 1 + word / WORDS_PER_OLD_REGISTER : FIRST_WORD_REGISTER + word;
}

function firstByteOf(register: number): number {
  const word = register <= LAST_OLD_REGISTER ? (register - 1) * WORDS_PER_OLD_REGISTER : register - FIRST_WORD_REGISTER;
  return word * WORD_BYTES;
}

export interface Registers {
  /** Fills whole words. */
  set(register: number, value: Bytes): void;
  get(register: number, length: number): Bytes;
}

export function createRegisters(): Registers {
  let content: Bytes = '\0'.repeat(WORDS * WORD_BYTES);
  return {
    set(register, value) {
      const padded = padToWord(value);
      const at = firstByteOf(register);
      content = content.slice(0, at) + padded + content.slice(at + padded.length);
    },
    get: (register, length) => content.slice(firstByteOf(register), firstByteOf(register) + length),
  };
}
