import type { MachineView, PodView } from '../../src/engine/view.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

export interface Label extends Point {
  readonly text: string;
  readonly anchor: 'start' | 'middle' | 'end';
}

/** An interface on the border of its namespace. */
export interface PortShape extends Point {
  readonly netns: string;
  readonly dev: string;
  readonly kind: 'veth' | 'bridge' | 'tunnel' | 'physical' | 'switch' | 'lo';
  readonly up: boolean;
  readonly label: Label;
  /** Shown only while a packet is at the port: there is no room for all. */
  readonly quiet: boolean;
  /** What inside the namespace the port plugs into. */
  readonly zone: 'bridge' | 'routing' | 'both' | 'socket';
}

export interface PodShape {
  readonly pod: PodView;
  readonly ghost: boolean;
  readonly box: Box;
  readonly compact: boolean;
  readonly name: Label;
  readonly address: Label;
  readonly chips: readonly { readonly box: Box; readonly text: string; readonly ready: boolean }[];
}

export interface NodeShape {
  readonly machine: MachineView;
  readonly box: Box;
  /** Below the LAN, with its interfaces at the top. */
  readonly flipped: boolean;
  readonly title: Label;
  readonly subtitle: Label;
  readonly pods: readonly PodShape[];
  readonly folded?: { readonly box: Box; readonly count: number };
  readonly bridge?: { readonly dev: string; readonly box: Box; readonly label: Label };
  /** Where the namespace routes: tables, not lines. */
  readonly rail: Box;
  readonly tunnel?: string;
}

export interface MachineShape {
  readonly machine: MachineView;
  readonly box: Box;
  readonly title: Label;
  readonly subtitle: Label;
}

export interface Wire {
  readonly from: { readonly netns: string; readonly dev: string };
  readonly to: { readonly netns: string; readonly dev: string };
  readonly kind: 'veth' | 'cable' | 'tunnel';
  readonly points: readonly Point[];
}

export interface StageShape {
  readonly form: 'wide' | 'narrow';
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly NodeShape[];
  readonly machines: readonly MachineShape[];
  readonly lan?: {
    readonly netns: string;
    readonly box: Box;
    readonly label: Label;
    readonly hidden: readonly string[];
    readonly hiddenLabel?: Label;
  };
  readonly foldedNodes?: { readonly count: number; readonly label: Label };
  readonly ports: ReadonlyMap<string, PortShape>;
  readonly wires: readonly Wire[];
  /** The underlay that tunnels run in: one outline for all of them. */
  readonly pipes: readonly (readonly Point[])[];
}

export function portKey(netns: string, dev: string): string {
  return `${netns} ${dev}`;
}
