import { execFileSync, spawnSync } from 'node:child_process';

/** A program that some check needs and that npm cannot bring, by its Debian package. */
export interface SystemTool {
  readonly program: string;
  readonly package: string;
  /** What is skipped without it. */
  readonly for: string;
}

export const systemTools: readonly SystemTool[] = [
  { program: 'chromium', package: 'chromium', for: 'browser tests, screenshots' },
  { program: 'hugo', package: 'hugo', for: 'tests against Hugo' },
  { program: 'ip', package: 'iproute2', for: 'tests against the kernel' },
  { program: 'iptables', package: 'iptables', for: 'tests against the kernel' },
  { program: 'tcpdump', package: 'tcpdump', for: 'tests against the kernel' },
  { program: 'ipset', package: 'ipset', for: 'tests against the kernel' },
  { program: 'python3', package: 'python3', for: 'tests against the kernel' },
  { program: 'curl', package: 'curl', for: 'tests against the kernel' },
  { program: 'ping', package: 'iputils-ping', for: 'tests against the kernel' },
  { program: 'nslookup', package: 'bind9-dnsutils', for: 'tests against the kernel' },
  { program: 'nft', package: 'nftables', for: 'tests against the kernel' },
  { program: 'tshark', package: 'tshark', for: 'tests of captures' },
];

const searchPath = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;

export function hasProgram(program: string): boolean {
  return (
    spawnSync('which', [program], { env: { ...process.env, PATH: searchPath }, stdio: 'ignore' }).status === 0
  );
}

/** Installs what is missing where apt-get and root allow, and returns what is missing still. */
export function ensureTools(log: (line: string) => void): readonly SystemTool[] {
  const missing = systemTools.filter((tool) => !hasProgram(tool.program));
  if (missing.length === 0) return [];
  if (process.getuid?.() !== 0 || !hasProgram('apt-get')) return missing;
  const packages = [...missing.map((tool) => tool.package), 'fonts-noto-cjk'];
  log(`installing ${packages.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['install', '-y', '--no-install-recommends', ...packages];
  try {
    execFileSync('apt-get', ['update', '-q'], { env, stdio: 'pipe' });
    execFileSync('apt-get', install, { env, stdio: 'pipe' });
  } catch (error) {
    log(
      `apt-get failed: ${error instanceof Error ? error.message.split('\n').slice(-3).join(' ') : String(error)}`,
    );
  }
  return systemTools.filter((tool) => !hasProgram(tool.program));
}
