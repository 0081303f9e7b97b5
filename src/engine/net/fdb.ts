/** A bridge's forwarding database (net/bridge/br_fdb.c): which address is behind which port. Newest entries first. */
import { AddressTable } from './address-table.ts';
import { formatMac, type Mac } from './address.ts';
import type { BridgePort } from './bridge.ts';

export interface FdbEntry {
  readonly mac: Mac;
  /** Undefined: the bridge's own address. */
  port: BridgePort | undefined;
  /** `permanent`: the bridge takes the frame itself. `static`: set by hand. `dynamic`: learnt, and forgotten after a while. */
  kind: 'permanent' | 'static' | 'dynamic';
  /** When a frame last came from there, in microseconds. */
  updated: number;
  used: number;
  /** Later entries have greater numbers. */
  readonly order: number;
}

export class Fdb {
  readonly #entries = new AddressTable<FdbEntry>();
  #order = 0;
  readonly #now: () => number;
  /** Microseconds after which a learnt entry is forgotten. */
  ageing = 300_000_000;

  constructor(now: () => number) {
    this.#now = now;
  }

  get(mac: Mac): FdbEntry | undefined {
    const entry = this.#entries.get(mac);
    if (entry === undefined || entry.kind !== 'dynamic') return entry;
    if (this.#now() - entry.updated < this.ageing) return entry;
    this.#entries.delete(mac);
    return undefined;
  }

  /** Newest first, as the kernel dumps them. */
  list(): FdbEntry[] {
    const live = this.#entries.values().filter((entry) => this.get(entry.mac) !== undefined);
    return live.sort((a, b) => b.order - a.order);
  }

  /** Those that have grown old included. */
  get size(): number {
    return this.#entries.size;
  }

  set(mac: Mac, port: BridgePort | undefined, kind: FdbEntry['kind']): FdbEntry {
    const now = this.#now();
    const entry: FdbEntry = { mac, port, kind, updated: now, used: now, order: ++this.#order };
    this.#entries.set(mac, entry);
    return entry;
  }

  delete(mac: Mac): boolean {
    return this.#entries.delete(mac);
  }

  /** Forgets what is behind a port; its permanent entries only when the port itself goes. */
  forget(port: BridgePort, permanent: boolean): void {
    for (const entry of this.#entries.values())
      if (entry.port === port && (permanent || entry.kind === 'dynamic')) this.#entries.delete(entry.mac);
  }
}

/** One line of `bridge fdb`; learnt entries end with a space there. */
export function formatFdbEntry(entry: FdbEntry, bridge: string): string {
  const words = `${formatMac(entry.mac)} dev ${entry.port?.dev.name ?? bridge} master ${bridge} `;
  return entry.kind === 'dynamic' ? words : `${words}${entry.kind}`;
}
