import { findTool } from '../execute.ts';
import type { Tool, ToolContext } from '../tool.ts';

/** `ip netns exec` and `nsenter`: a program of this place in another namespace. */
export function* inNetns(
  ctx: ToolContext,
  netns: ToolContext['netns'],
  argv: readonly string[],
): ReturnType<Tool> {
  const name = argv[0] ?? '';
  const tool = findTool(ctx.place, name);
  if (tool === undefined) {
    ctx.err(`exec of "${name}" failed: No such file or directory\n`);
    return 255;
  }
  return yield* tool({ ...ctx, netns, name }, argv.slice(1));
}
