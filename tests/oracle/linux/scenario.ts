import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** A measurement on a real kernel, as `linux/*.json` of the oracle folder has it; its README says what the fields mean. */
export interface Scenario {
  readonly name: string;
  readonly topology: {
    readonly pods: readonly {
      readonly name: string;
      readonly node: string;
      readonly hostIf?: string;
      readonly mac?: string;
    }[];
  };
  readonly manifests: readonly object[];
  readonly args: readonly string[];
  readonly setup: readonly string[];
  readonly probes: readonly Probe[];
}

export interface Probe {
  readonly id: string;
  readonly kind: 'tcp' | 'udp' | 'ping' | 'traceroute' | 'spread' | 'fn';
  readonly fromNetns: string;
  readonly to: { readonly name: string | null; readonly ip: string; readonly port?: number };
  readonly options: {
    readonly timeout?: number;
    readonly size?: number;
    readonly df?: boolean;
    readonly ttl?: number;
    readonly post?: number;
    readonly source?: string;
    readonly count?: number;
  };
  readonly before?: readonly string[];
  readonly during?: readonly string[];
  readonly steps?: readonly Step[];
  readonly clientPort?: number;
  readonly result: Result;
  readonly path?: Path;
  readonly receiver?: Receiver | null;
  readonly arp?: readonly string[];
  readonly synRetransmits?: number;
  readonly netfilter?: readonly NodeSteps[];
}

export type Step =
  | {
      readonly kind: 'udp';
      readonly from: string;
      readonly ip: string;
      readonly port: number;
      readonly timeout: number;
      readonly group: string;
    }
  | { readonly run: readonly string[] }
  | { readonly expect: Readonly<Record<string, Readonly<Record<string, number>>>> };

export interface Path {
  readonly request?: readonly string[];
  readonly reply?: readonly string[];
  readonly icmpErrors?: readonly string[];
}

export interface Receiver {
  readonly pod?: string;
  readonly netns?: string;
  readonly ttl?: number;
  readonly peer?: string;
  readonly local?: string;
}

export interface Result {
  readonly outcome: string;
  readonly from?: string;
  readonly replyTTL?: number;
  readonly mtu?: number;
  readonly http?: { readonly status?: number; readonly error?: string };
  readonly hops?: readonly { readonly ttl: number; readonly from: string | null; readonly icmp?: string }[];
  readonly counts?: Readonly<Record<string, number>>;
}

export interface NodeSteps {
  readonly node: string;
  readonly packet: string;
  readonly steps: readonly {
    readonly table: string;
    readonly chain: string;
    readonly verdict: string;
    readonly rule?: string;
  }[];
}

const folder = new URL('../../../../shared/oracle/linux/', import.meta.url);
export const present = existsSync(folder);
if (!present && process.env['CI'] === 'true') throw new Error('The oracle data must be there with CI=true.');

export function scenarioNames(): string[] {
  if (!present) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -5))
    .sort();
}

export function readScenario(name: string): Scenario {
  return JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'));
}
