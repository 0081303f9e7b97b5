import { commands } from './commands.ts';

const [name, ...args] = process.argv.slice(2);
process.exitCode = await commands(name, args, {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
});
