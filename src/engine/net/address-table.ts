/**
 * A hash table keyed by addresses (open addressing, linear probing). A Map must look up every number beyond 2^31, as MACs
 * and half of all IPv4 addresses are, by way of the runtime; these are asked several times per packet and hop.
 */
/** No address; and no whole number, so that the keys are doubles from the beginning. */
const FREE = -0.5;
const FIRST_BITS = 3;

export class AddressTable<V> {
  #bits = FIRST_BITS;
  /** 2 to the power of `#bits` slots, at most three quarters of them taken. */
  #keys: number[] = new Array<number>(2 ** FIRST_BITS).fill(FREE);
  #values: (V | undefined)[] = new Array<V | undefined>(2 ** FIRST_BITS).fill(undefined);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(address: number): V | undefined {
    const keys = this.#keys;
    const mask = keys.length - 1;
    for (let at = this.#slot(address); ; at = (at + 1) & mask) {
      const key = keys[at];
      if (key === address) return this.#values[at];
      if (key === FREE) return undefined;
    }
  }

  set(address: number, value: V): void {
    const at = this.#find(address);
    if (this.#keys[at] === FREE) {
      if ((this.#size + 1) * 4 > this.#keys.length * 3) {
        this.#grow();
        this.set(address, value);
        return;
      }
      this.#keys[at] = address;
      this.#size++;
    }
    this.#values[at] = value;
  }

  delete(address: number): boolean {
    let hole = this.#find(address);
    if (this.#keys[hole] === FREE) return false;
    const mask = this.#keys.length - 1;
    this.#size--;
    // What was pushed beyond the hole moves back into it, so that a search may go on ending at the first free slot.
    for (let at = (hole + 1) & mask; ; at = (at + 1) & mask) {
      const key = this.#keys[at] ?? FREE;
      if (key === FREE) break;
      if (((at - this.#slot(key)) & mask) < ((at - hole) & mask)) continue;
      this.#keys[hole] = key;
      this.#values[hole] = this.#values[at];
      hole = at;
    }
    this.#keys[hole] = FREE;
    this.#values[hole] = undefined;
    return true;
  }

  clear(): void {
    this.#resize(FIRST_BITS);
    this.#size = 0;
  }

  /** In no order that means anything. */
  values(): V[] {
    return this.#values.filter((value) => value !== undefined);
  }

  /** Where the address is, or the free slot where it would go. */
  #find(address: number): number {
    const mask = this.#keys.length - 1;
    let at = this.#slot(address);
    while (this.#keys[at] !== address && this.#keys[at] !== FREE) at = (at + 1) & mask;
    return at;
  }

  #grow(): void {
    const keys = this.#keys;
    const values = this.#values;
    this.#resize(this.#bits + 1);
    for (const [i, key] of keys.entries()) {
      if (key === FREE) continue;
      const at = this.#find(key);
      this.#keys[at] = key;
      this.#values[at] = values[i];
    }
  }

  #resize(bits: number): void {
    this.#bits = bits;
    this.#keys = new Array<number>(2 ** bits).fill(FREE);
    this.#values = new Array<V | undefined>(2 ** bits).fill(undefined);
  }

  /** Where the search begins: the highest bits of a product depend on every bit of the address (Fibonacci hashing). */
  #slot(address: number): number {
    return Math.imul(address, 0x9e3779b1) >>> (32 - this.#bits);
  }
}
