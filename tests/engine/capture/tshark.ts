import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const present = spawnSync('tshark', ['--version']).status === 0;
if (!present && process.env['CI'] === 'true') throw new Error('tshark must be there with CI=true.');

/** Those of ICMP are always checked. */
const checksums = ['ip', 'tcp', 'udp'].flatMap((protocol) => ['-o', `${protocol}.check_checksum:TRUE`]);

/** What no capture of ours may hold: a packet that is malformed or cut, a wrong checksum, an expert's error. */
const bad = [
  '_ws.malformed',
  '_ws.short',
  '_ws.expert.severity == "Error"',
  ...['ip', 'tcp', 'udp', 'icmp', 'icmpv6'].map((protocol) => `${protocol}.checksum.status == "Bad"`),
  'frame.len != frame.cap_len',
].join(' || ');

/** A capture file that tshark reads. */
export class CaptureFile {
  readonly #folder = mkdtempSync(join(tmpdir(), 'podwalk-'));
  readonly path = join(this.#folder, 'out.pcapng');

  /** Several captures make one file: each is a section of its own. */
  write(...captures: readonly Uint8Array[]): void {
    writeFileSync(this.path, Buffer.concat(captures));
  }

  read(...args: string[]): string[] {
    const out = execFileSync(
      'tshark',
      ['-n', '-r', this.path, '-d', 'udp.port==8472,vxlan', ...checksums, ...args],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 28 },
    );
    return out.split('\n').filter((line) => line !== '');
  }

  complaints(): string[] {
    return this.read('-Y', bad);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}
