import { isIpv6, parseIp, parsePrefix, type Ip, type Prefix } from '../../../net/address.ts';
import { maskIp } from '../../../net/address.ts';
import type { Device } from '../../../net/device.ts';
import { ERRNO_TEXT, type Errno } from '../../../net/errno.ts';
import type { ToolContext } from '../../tool.ts';

/** What iproute2 says before it gives up, and its exit code. Thrown and caught inside `ip` and `bridge` only. */
export class Refusal extends Error {
  readonly code: number;
  constructor(message: string, code = 1) {
    super(message);
    this.code = code;
  }
}

export interface IpOptions {
  readonly family: 4 | 6 | undefined;
  readonly brief: boolean;
  readonly details: boolean;
  readonly statistics: number;
  readonly oneline: boolean;
  readonly json: boolean;
}

/** The words of a command, read one after the other. */
export class Words {
  readonly ctx: ToolContext;
  readonly options: IpOptions;
  readonly #words: readonly string[];
  #at = 0;

  constructor(ctx: ToolContext, options: IpOptions, words: readonly string[]) {
    this.ctx = ctx;
    this.options = options;
    this.#words = words;
  }

  get more(): boolean {
    return this.#at < this.#words.length;
  }

  peek(): string | undefined {
    return this.#words[this.#at];
  }

  next(): string | undefined {
    return this.#words[this.#at++];
  }

  previous(): string {
    return this.#words[this.#at - 1] ?? '';
  }

  /** The value after a keyword. */
  value(): string {
    const word = this.next();
    if (word === undefined) throw new Refusal('Command line is not complete. Try option "help"', 255);
    return word;
  }

  rest(): readonly string[] {
    return this.#words.slice(this.#at);
  }

  /** The subcommand, by any of its beginnings; the default when none is given. */
  subcommand(names: readonly string[], fallback: string): string | undefined {
    const word = this.next();
    if (word === undefined) return fallback;
    return names.find((name) => name.startsWith(word));
  }

  number(name: string): number {
    const word = this.value();
    const value = /^(0x[0-9a-f]+|\d+)$/i.test(word) ? Number(word) : Number.NaN;
    if (!Number.isFinite(value) || value > 0xffffffff)
      throw new Refusal(`Error: argument "${word}" is wrong: Invalid "${name}" value\n`, 255);
    return value;
  }

  ip(): Ip {
    const word = this.value();
    const ip = parseIp(word);
    if (ip === undefined || !this.familyFits(ip))
      throw new Refusal(`Error: any valid address is expected rather than "${word}".`);
    return ip;
  }

  /** A prefix as routes have it: `default`, `any`, an address alone, and `10.244/16`. */
  prefix(word = this.value()): Prefix {
    if (word === 'default' || word === 'any' || word === 'all')
      return { ip: parseIp(this.options.family === 6 ? '::' : '0.0.0.0') ?? 0, length: 0 };
    const [address = '', length] = word.split('/');
    const padded = /^\d+(\.\d+){0,2}$/.test(address)
      ? [...address.split('.'), '0', '0', '0'].slice(0, 4).join('.')
      : address;
    const prefix = length === undefined ? undefined : parsePrefix(`${padded}/${length}`);
    const ip = parseIp(padded);
    if (ip === undefined || !this.familyFits(ip) || (length !== undefined && prefix === undefined))
      throw new Refusal(`Error: any valid prefix is expected rather than "${word}".`);
    return { ip, length: length === undefined ? (isIpv6(ip) ? 128 : 32) : Number(length) };
  }

  device(name = this.value()): Device {
    const device = this.ctx.netns.devices.get(name);
    if (device === undefined) throw new Refusal(`Cannot find device "${name}"`);
    return device;
  }

  /** The device that is to be shown. */
  shownDevice(name = this.value()): Device {
    const device = this.ctx.netns.devices.get(name);
    if (device === undefined) throw new Refusal(`Device "${name}" does not exist.`);
    return device;
  }

  familyFits(ip: Ip): boolean {
    return this.options.family === undefined || isIpv6(ip) === (this.options.family === 6);
  }
}

export function garbage(word: string): Refusal {
  return new Refusal(`Error: either "dev" is duplicate, or "${word}" is a garbage.`, 255);
}

/** The kernel's answer as iproute2 prints it. */
export function answer(error: Errno | undefined, words: Readonly<Partial<Record<Errno, string>>> = {}): void {
  if (error === undefined) return;
  const text = words[error];
  throw new Refusal(text === undefined ? `RTNETLINK answers: ${ERRNO_TEXT[error]}` : `Error: ${text}`, 2);
}

/** Host bits cleared. */
export function network(prefix: Prefix): Prefix {
  return { ip: maskIp(prefix.ip, prefix.length), length: prefix.length };
}
