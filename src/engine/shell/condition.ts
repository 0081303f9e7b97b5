import type { Task } from '../net/task.ts';
import { evaluate } from './arithmetic.ts';
import { expandPattern, expandString, type Expander } from './expand.ts';
import { matchPattern } from './pattern.ts';
import type { Budget } from './regex/machine.ts';
import { Regex } from './regex/regex.ts';
import type { Condition } from './syntax.ts';
import { unaryTest } from './tools/test.ts';

/** What is between `[[` and `]]`; false when something in it is wrong, which has been said. */
export function* holds(shell: Expander, condition: Condition, budget: Budget): Task<boolean> {
  switch (condition.kind) {
    case 'and':
      return (yield* holds(shell, condition.left, budget)) && (yield* holds(shell, condition.right, budget));
    case 'or':
      return (yield* holds(shell, condition.left, budget)) || (yield* holds(shell, condition.right, budget));
    case 'not':
      return !(yield* holds(shell, condition.operand, budget));
    case 'unary': {
      const value = unaryTest(shell, condition.operator, yield* expandString(shell, condition.operand));
      if (value === undefined) shell.fail(`${condition.operator}: unary operator expected`);
      return value ?? false;
    }
    case 'binary':
      return yield* compares(shell, condition, budget);
  }
}

function* compares(
  shell: Expander,
  { operator, left, right }: Condition & { readonly kind: 'binary' },
  budget: Budget,
): Task<boolean> {
  const text = yield* expandString(shell, left);
  switch (operator) {
    case '=':
    case '==':
      return matchPattern(yield* expandPattern(shell, right), text);
    case '!=':
      return !matchPattern(yield* expandPattern(shell, right), text);
    case '=~': {
      const regex = Regex.parse(yield* expandString(shell, right), { syntax: 'extended' });
      if (!('error' in regex)) return regex.test(text, budget);
      shell.fail(regex.error);
      return false;
    }
  }
  const other = yield* expandString(shell, right);
  if (operator === '<') return text < other;
  if (operator === '>') return text > other;
  const [a, b] = [number(shell, text), number(shell, other)];
  if (a === undefined || b === undefined) return false;
  switch (operator) {
    case '-eq':
      return a === b;
    case '-ne':
      return a !== b;
    case '-lt':
      return a < b;
    case '-le':
      return a <= b;
    case '-gt':
      return a > b;
    case '-ge':
      return a >= b;
    default:
      // Files have no age here.
      return false;
  }
}

/** The sides of `-eq` are arithmetic. */
function number(shell: Expander, text: string): number | undefined {
  const result = evaluate(text, {
    get: (name) => shell.get(name) ?? '',
    set: (name, value) => shell.set(name, value),
  });
  if (result.ok) return Number(result.value);
  shell.fail(`${text}: ${result.error}`);
  return undefined;
}
