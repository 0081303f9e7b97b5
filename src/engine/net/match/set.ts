import { bang, type MatchExtension } from '../iptables-extension.ts';

export const set: MatchExtension = {
  name: 'set',
  options: [{ name: 'match-set', argument: 'required', invertible: true }],
  create(given, { setExists }) {
    const option = given.get('match-set');
    if (option === undefined) return { error: "You must specify `--match-set' with proper arguments" };
    const [name = '', sides = ''] = option.value.split(' ');
    if (!setExists(name)) return { error: `Set ${name} doesn't exist.\n` };
    const directions: ('src' | 'dst')[] = [];
    for (const part of sides.split(',')) {
      if (part !== 'src' && part !== 'dst') {
        return { error: "You must spefify (the comma separated list of) 'src' or 'dst'." };
      }
      directions.push(part);
    }
    const text = `${name} ${directions.join(',')}`;
    return {
      name: 'set',
      save: `${bang(option)} --match-set ${text}`,
      list: () => `${bang(option)} match-set ${text}`,
      test: (flow) => flow.env.sets.test(name, flow, directions) !== option.invert,
    };
  },
};
