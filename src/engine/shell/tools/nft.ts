import { runNft, type NftInput } from '../../net/nft/command.ts';
import { resolve } from '../expand.ts';
import { getopt, optionErrorText } from '../getopt.ts';
import type { Tool } from '../tool.ts';

const VERSION = 'nftables v1.0.6 (Lester Gooch #5)\n';

const LONG = {
  help: 'h',
  version: 'v',
  file: 'f:',
  define: 'D:',
  interactive: 'i',
  includepath: 'I:',
  check: 'c',
  optimize: 'o',
  handle: 'a',
  stateless: 's',
  terse: 't',
  service: 'S',
  reversedns: 'N',
  guid: 'u',
  numeric: 'n',
  'numeric-priority': 'y',
  'numeric-protocol': 'p',
  'numeric-time': 'T',
  echo: 'e',
  json: 'j',
  debug: 'd:',
};

const HELP = `Usage: nft [ options ] [ cmds... ]

Options (general):
  -h, --help                      Show this help
  -v, --version                   Show version information
  -V                              Show extended version information

Options (ruleset input handling):
  -f, --file <filename>           Read input from <filename>
  -D, --define <name=value>       Define variable, e.g. --define foo=1.2.3.4
  -i, --interactive               Read input from interactive CLI
  -I, --includepath <directory>   Add <directory> to the paths searched for include files. Default is: /etc
  -c, --check                     Check commands validity without actually applying the changes.
  -o, --optimize                  Optimize ruleset

Options (ruleset list formatting):
  -a, --handle                    Output rule handle.
  -s, --stateless                 Omit stateful information of ruleset.
  -t, --terse                     Omit contents of sets.
  -S, --service                   Translate ports to service names as described in /etc/services.
  -N, --reversedns                Translate IP addresses to names.
  -u, --guid                      Print UID/GID as defined in /etc/passwd and /etc/group.
  -n, --numeric                   Print fully numerical output.
  -y, --numeric-priority          Print chain priority numerically.
  -p, --numeric-protocol          Print layer 4 protocols numerically.
  -T, --numeric-time              Print time values numerically.

Options (command output formatting):
  -e, --echo                      Echo what has been added, inserted or replaced.
  -j, --json                      Format output in JSON
  -d, --debug <level [,level...]> Specify debugging level (scanner, parser, eval, netlink, mnl, proto-ctx, segtree, all)

`;

/** nft 1.0.6. */
export const nft: Tool = function* (ctx, args) {
  const parsed = getopt(args, { short: 'hvVf:D:iI:coastSNunypTejd:', long: LONG, stopAtOperand: true });
  if (!parsed.ok) {
    ctx.err(`${optionErrorText('nft', parsed.error)}\n`);
    return 1;
  }
  const { options } = parsed;
  if (options.has('h')) {
    ctx.out(HELP);
    return 0;
  }
  if (options.has('v')) {
    ctx.out(VERSION);
    return 0;
  }
  if (options.has('V')) {
    ctx.out(`${VERSION}  cli:\t\teditline\n  json:\t\tyes\n  minigmp:\tno\n  libxtables:\tyes\n`);
    return 0;
  }
  const unsupported = ['j', 'i', 'o'].find((letter) => options.has(letter));
  if (unsupported !== undefined) {
    ctx.err(`nft: -${unsupported} is not simulated\n`);
    return 1;
  }
  const late = options.rest.find((word) => /^-[a-zA-Z-]/.test(word));
  if (late !== undefined && !options.has('f')) {
    const line = `nft ${args.join(' ')} `;
    const marks = `   ^${' '.repeat(line.lastIndexOf(late) - 4)}${'~'.repeat(late.length)}`;
    ctx.err(`Error: syntax error, options must be specified before commands\n${line}\n${marks}\n`);
    return 1;
  }
  const file = options.value('f');
  let input: NftInput;
  if (file === undefined) {
    if (options.rest.length === 0) {
      ctx.err('nft: no command specified\n');
      return 1;
    }
    input = { text: `${options.rest.join(' ')}\n` };
  } else if (file === '-') input = { text: yield* ctx.stdin.readAll(), file: '/dev/stdin' };
  else {
    const read = ctx.files.read(resolve(ctx.cwd, file));
    if (!read.ok) {
      ctx.err(`internal:0:0-0: Error: Could not open file "${file}": No such file or directory\n\n\n`);
      return 1;
    }
    input = { text: read.value, file };
  }
  const { netns } = ctx;
  const result = runNft(
    netns.netfilter.nft,
    input,
    {
      handles: options.has('a'),
      stateless: options.has('s'),
      terse: options.has('t'),
      numericPriority: options.has('y') || options.has('n'),
      echo: options.has('e'),
      check: options.has('c'),
    },
    {
      now: ctx.world.now,
      hasInterface: (name) => netns.devices.has(name),
      iptables: [netns.netfilter.v4, netns.netfilter.v6],
    },
  );
  ctx.out(result.out);
  ctx.err(result.error);
  return result.exitCode;
};
