/** One line of input for a program that runs in a namespace. */
export interface Command {
  readonly program: 'ip' | 'bridge' | 'sysctl' | 'ipset' | 'iptables' | 'ip6tables' | 'nft' | 'server';
  /** Undefined: outside of all of them, as for a link between two. */
  readonly netns?: string;
  readonly text: string;
}

/** Something that is there, with a value that may change. */
export interface Resource {
  readonly key: string;
  readonly value: string;
  readonly netns: string;
  /** It goes when this device of its namespace goes. */
  readonly dev?: string;
  /** Learnt from traffic: neighbours, FDB entries. */
  readonly learnt: boolean;
  readonly add: readonly Command[];
  readonly remove: readonly Command[];
}

/** By key, in the order in which they can be made. */
export type State = ReadonlyMap<string, Resource>;
