// The groups that the host's ends of links of rkt's own networks are in, by which firewalls know them (ip-link(8), "group").

/** By the network's name: numbers that nobody else is likely to use. */
export const linkGroups = { 'default-restricted': 0x726b7401, default: 0x726b7402 } as const;
