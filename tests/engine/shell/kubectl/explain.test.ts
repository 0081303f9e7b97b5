import { describe, expect, it } from 'vitest';
import { createCluster } from '../../../../src/engine/index.ts';

const made = createCluster({ nodes: 1 });
if ('diagnostics' in made) throw new Error('no cluster');
const kubectl = (line: string): string => made.cluster.run(`kubectl ${line}`, { record: false }).output;

describe('kubectl explain', () => {
  it('says what a field and its type are, and of every field below it what it is for', () => {
    const text = kubectl('explain svc.spec.ports');
    expect(text).toMatch(/^KIND: {7}Service\nVERSION: {4}v1\n\nFIELD: ports <\[\]ServicePort>\n/);
    expect(text).toContain(
      'DESCRIPTION:\n    The list of ports that are exposed by this service. More info:\n',
    );
    expect(text).toContain("\n    ServicePort contains information on service's port.\n");
    expect(text).toContain(
      '  port\t<integer> -required-\n    The port that will be exposed by this service.\n\n',
    );
    expect(text).toContain(
      '  protocol\t<string>\n  enum: SCTP, TCP, UDP\n    The IP protocol for this port.',
    );
  });

  it('keeps its lines within 80 columns where a word allows it', () => {
    const long = kubectl('explain pod.spec')
      .split('\n')
      .filter((line) => line.length > 80);
    for (const line of long) expect(line.trim()).not.toContain(' ');
  });

  it('names nothing but the fields with --recursive, a type within itself once', () => {
    const text = kubectl('explain ingress --recursive');
    expect(text).toContain('\n        paths\t<[]HTTPIngressPath> -required-\n');
    expect(text).not.toContain('<no description>');
  });

  it.each([
    ['explain nothing', 'the server doesn\'t have a resource type "nothing"\n'],
    ['explain svc.spec.nothing', 'error: field "nothing" does not exist\n'],
  ])('%s is refused', (line, expected) => {
    expect(kubectl(line)).toBe(expected);
  });
});
