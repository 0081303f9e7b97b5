import { describe, expect, it } from 'vitest';
import { codeParticle, particle, type Particle } from '../../../components/strings/particle.ts';

const cases: readonly (readonly [word: string, which: Particle, expected: string])[] = [
  ['노드', '은/는', '노드는'],
  ['패킷', '이/가', '패킷이'],
  ['서울', '(으)로', '서울로'],
  ['node-1', '은/는', 'node-1은'],
  ['node-2', '이/가', 'node-2가'],
  ['node-3', '을/를', 'node-3을'],
  ['node-1', '(으)로', 'node-1로'],
  ['node-3', '(으)로', 'node-3으로'],
  ['10.244.1.10', '이/가', '10.244.1.10이'],
  ['10.244.2.0/24', '을/를', '10.244.2.0/24를'],
  ['eth0', '(으)로', 'eth0으로'],
  ['flannel.1', '이/가', 'flannel.1이'],
  ['pod-a', '은/는', 'pod-a는'],
  ['client', '이/가', 'client가'],
  ['server', '을/를', 'server를'],
  ['web', '이/가', 'web이'],
  ['curl', '이/가', 'curl이'],
  ['curl', '(으)로', 'curl로'],
  ['DNAT', '을/를', 'DNAT를'],
  ['SYN', '을/를', 'SYN을'],
  ['TCP', '을/를', 'TCP를'],
  ['web-7d4b9c6f5d-x2x7k', '이/가', 'web-7d4b9c6f5d-x2x7k가'],
  ['web-7d4b9c6f5d-bc2mn', '이/가', 'web-7d4b9c6f5d-bc2mn이'],
];

describe('Korean particles', () => {
  it.each(cases)('%s with %s is %s', (word, which, expected) => {
    expect(particle(word, which)).toBe(expected);
  });
  it('stand outside of code', () => {
    expect(codeParticle('10.244.0.0/16 dev eth0', '이/가')).toBe('`10.244.0.0/16 dev eth0`이');
  });
  it('follow the last letter that is read aloud', () => {
    expect(particle('10.96.0.10:80', '(으)로')).toBe('10.96.0.10:80으로');
    expect(particle('(REACHABLE)', '이/가')).toBe('(REACHABLE)이'.replace('이', '가'));
  });
});
