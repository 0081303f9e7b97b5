import { commands } from './commands.ts';

// Whoever reads may stop reading, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

const [name, ...args] = process.argv.slice(2);
process.exitCode = await commands(name, args, {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
});
