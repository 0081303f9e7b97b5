import { describe, expect, test } from 'vitest';
import {
  encode,
  encodeResponse,
  HttpReader,
  keepsAlive,
  pathOf,
  queryOf,
  text,
} from '../../../src/engine/apps/http.ts';
import type { HttpEvent } from '../../../src/engine/apps/http.ts';

/** What the reader makes of a stream, in short; fed whole and byte by byte, which must be the same. */
function read(stream: string): string[] {
  const whole = new HttpReader().push(encode(stream)).map(short);
  const reader = new HttpReader();
  const bytes = [...encode(stream)].flatMap((byte) => reader.push(Uint8Array.of(byte))).map(short);
  expect(bytes).toEqual(whole);
  return whole;
}

function short(event: HttpEvent): string {
  if (event.kind === 'continue') return 'continue';
  if (event.kind === 'error') return `error ${event.status}`;
  const { method, target, body, bodyLength } = event.request;
  return `${method} ${target} ${bodyLength}:${text(body)}`;
}

describe('requests', () => {
  test.each([
    ['a plain one', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', ['GET / 0:']],
    ['bare line feeds', 'GET / HTTP/1.1\nHost: x\n\n', ['GET / 0:']],
    ['two in one go', 'GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n', ['GET /a 0:', 'GET /b 0:']],
    [
      'a body of known length',
      'POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n\r\n',
      ['POST / 5:hello', 'GET / 0:'],
    ],
    [
      'a body in chunks',
      'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n',
      ['POST / 5:abcde'],
    ],
    [
      'who asks before sending',
      'POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi',
      ['continue', 'POST / 2:hi'],
    ],
    ['empty lines before the first', '\r\n\r\nGET / HTTP/1.1\r\n\r\n', ['GET / 0:']],
  ])('are read: %s', (_, stream, wanted) => {
    expect(read(stream)).toEqual(wanted);
  });

  test.each([
    ['no HTTP', 'hello\r\n\r\n', ['error 400']],
    ['a header without colon', 'GET / HTTP/1.1\r\nhost x\r\n\r\n', ['error 400']],
    ['a length that is none', 'POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n', ['error 400']],
    [
      'a chunk size that is none',
      'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      ['error 400'],
    ],
    ['a head without end', `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`, ['error 431']],
  ])('are refused: %s', (_, stream, wanted) => {
    expect(read(stream)).toEqual(wanted);
  });

  test('keep no more of a body than is needed, and count it all', () => {
    const [event] = new HttpReader().push(
      encode(`POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(100_000)}`),
    );
    if (event?.kind !== 'request') throw new Error('no request');
    expect([event.request.bodyLength, event.request.body.length]).toEqual([100_000, 65_536]);
  });

  test('have a path and a query, decoded', () => {
    expect(pathOf({ target: '/a%20b?x=1#y' })).toBe('/a b');
    expect([...queryOf({ target: '/?msg=hello+you&n=%3D&msg=2' })]).toEqual([
      ['msg', 'hello you'],
      ['n', '='],
    ]);
    expect(pathOf({ target: '/%zz' })).toBe('/%zz');
  });

  test.each([
    ['GET / HTTP/1.1\r\n\r\n', true],
    ['GET / HTTP/1.1\r\nConnection: close\r\n\r\n', false],
    ['GET / HTTP/1.0\r\n\r\n', false],
    ['GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', true],
  ])('say whether the connection stays: %j', (stream, wanted) => {
    const [event] = new HttpReader().push(encode(stream));
    expect(event?.kind === 'request' && keepsAlive(event.request)).toBe(wanted);
  });
});

test('a response tells its length, and nothing else to HEAD', () => {
  const [event] = new HttpReader().push(encode('HEAD / HTTP/1.1\r\n\r\n'));
  const request = event?.kind === 'request' ? event.request : undefined;
  const response = { status: 200, headers: [['X', 'y']] as const, body: 'hé' };
  expect(text(encodeResponse(response, undefined))).toBe(
    'HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 3\r\n\r\nhé',
  );
  expect(text(encodeResponse(response, request))).toBe(
    'HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 3\r\n\r\n',
  );
});
