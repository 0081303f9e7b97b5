/** A module of the engine as it arrives: functions by their names. */
export type LateModule = Readonly<Record<string, (...given: readonly unknown[]) => unknown>>;

/** The modules that come late, each with the names of its functions. */
export type LateModules = ReadonlyMap<
  string,
  { readonly names: readonly string[]; readonly load: () => Promise<LateModule> }
>;

const arrived = new Map<string, LateModule>();

/** A function was called whose code is not there. What called it is left half done. */
export class Absent extends Error {
  readonly module: string;
  constructor(module: string) {
    super(`${module} has not arrived`);
    this.module = module;
  }
}

/** A function of a module that comes late, to be called like the function itself. */
export function late(module: string, name: string) {
  return (...given: readonly unknown[]): unknown => {
    const call = arrived.get(module)?.[name];
    if (call === undefined) throw new Absent(module);
    return call(...given);
  };
}

export function arrive(name: string, module: LateModule): void {
  arrived.set(name, module);
}

export function hasArrived(name: string): boolean {
  return arrived.has(name);
}
