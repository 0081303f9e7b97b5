import { describe, expect, it } from 'vitest';
import { Lan } from '../lan.ts';

/** What Debian's coreutils 9.1 and util-linux 2.38 answer. */
describe('small programs', () => {
  it.each([
    ['printf "ab\\ncd\\n" | rev', 'ba\ndc\n'],
    ['seq 3 | tac', '3\n2\n1\n'],
    ['printf "a\\n\\nb\\n" | nl', '     1\ta\n       \n     2\tb\n'],
    ['seq 4 | paste -sd,', '1,2,3,4\n'],
    ['seq 4 | paste -d: - -', '1:2\n3:4\n'],
    ['printf "a bb c\\naaa b cc\\n" | column -t', 'a    bb  c\naaa  b   cc\n'],
    [
      'basename /a/b.txt .txt; basename /a/; basename /; dirname /a/b; dirname a; dirname /a',
      'b\na\n/\n/a\n.\n/\n',
    ],
    ['echo hello | base64; echo aGVsbG8K | base64 -d', 'aGVsbG8K\nhello\n'],
    [
      'printf "abc\\001" | hexdump -C',
      '00000000  61 62 63 01                                       |abc.|\n00000004\n',
    ],
    ['expr 1 + 2 \\* 3; expr abc : "a\\(.\\)"; expr 3 \\> 10; expr length abcd', '7\nb\n0\n4\n'],
    ['expr 1 +', "expr: syntax error: missing argument after '+'\n"],
    ['expr 1 / 0; echo $?', 'expr: division by zero\n2\n'],
    ['yes | head -2; yes no | head -n 1', 'y\ny\nno\n'],
    ['head -c 5 /dev/zero | wc -c; cat /dev/null | wc -c', '5\n0\n'],
    ['dd if=/dev/zero of=/tmp/f bs=1k count=3 status=none; wc -c < /tmp/f; rm /tmp/f', '3072\n'],
    ['printf "%5.2f|%e|%05d|%x\\n" 3.14159 1500 42 255', ' 3.14|1.500000e+03|00042|ff\n'],
    [
      'mkdir -p /tmp/a/b; echo x > /tmp/a/f; rmdir /tmp/a',
      "rmdir: failed to remove '/tmp/a': Directory not empty\n",
    ],
    ['rm -r /tmp/a; ls /tmp/a', "ls: cannot access '/tmp/a': No such file or directory\n"],
    [
      'mkdir /tmp/l; printf 12345 > /tmp/l/f; ls -l /tmp/l',
      'total 4\n-rw-r--r-- 1 root root 5 Jan  1 00:00 f\n',
    ],
  ])('%s', (line, output) => {
    const lan = new Lan();
    lan.run('mkdir -p /tmp/a/b');
    expect(lan.run(line).output).toBe(output);
  });

  it('telnet says whether a port answers', () => {
    const lan = new Lan();
    expect(lan.run('telnet 10.2.0.2 81').output).toBe(
      'Trying 10.2.0.2...\ntelnet: Unable to connect to remote host: Connection refused\n',
    );
    expect(lan.run('echo quit | telnet 10.2.0.2 80').output).toMatch(
      /^Trying 10\.2\.0\.2\.\.\.\nConnected to 10\.2\.0\.2\.\nEscape character is '\^\]'\.\n[^]*Connection closed by foreign host\.\n$/,
    );
    expect(lan.run('telnet nosuch 80')).toMatchObject({
      output: 'telnet: could not resolve nosuch/80: Name or service not known\n',
      exitCode: 1,
    });
  });

  it('yes ends with whoever listens, or by its limit', () => {
    expect(new Lan().run('yes')).toMatchObject({ limit: 'output' });
  });
});
