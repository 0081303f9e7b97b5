import { describe, expect, it } from 'vitest';
import { Trace } from '../../../src/engine/net/trace.ts';
import { Lan } from './lan.ts';

describe('a terminal', () => {
  it('keeps variables and the directory from line to line', () => {
    const lan = new Lan();
    lan.run('X=5; cd /etc');
    expect(lan.out('echo $X; pwd')).toBe('5\n/etc\n');
  });

  it('keeps background jobs from line to line and can end them', () => {
    const lan = new Lan();
    lan.run('tcpdump -ni eth0 icmp 2>/dev/null &');
    lan.run('ping -c1 10.2.0.2');
    expect(lan.out('jobs')).toBe('[1]+  Running                 tcpdump -ni eth0 icmp 2>/dev/null &\n');
    const output = lan.out('ping -c1 10.2.0.2 >/dev/null; kill %1; wait');
    expect(output.match(/ICMP echo (request|reply)/g)).toHaveLength(2);
    expect(lan.out('jobs')).toBe('');
  });

  it('reads several lines as a script, here-documents included', () => {
    expect(new Lan().out('for i in 1 2; do\n  echo $i\ndone\ncat <<END\n$((1+1))\nEND\n')).toBe('1\n2\n2\n');
  });

  it('runs the stages of a pipeline side by side, so that head ends an endless writer', () => {
    expect(new Lan().run('while true; do echo y; done | head -2')).toMatchObject({
      output: 'y\ny\n',
      exitCode: 0,
    });
    expect(new Lan().run('ping 10.2.0.2 | head -1')).toMatchObject({
      output: 'PING 10.2.0.2 (10.2.0.2) 56(84) bytes of data.\n',
      exitCode: 0,
    });
  });

  it.each([
    ['echo "a', 'bash: unexpected EOF while looking for matching `"\'\n'],
    ["echo 'a", "bash: unexpected EOF while looking for matching `''\n"],
    ['if true; then', 'bash: syntax error: unexpected end of file\n'],
    ['done', "bash: syntax error near unexpected token `done'\n"],
    ['echo a; ; b', "bash: syntax error near unexpected token `;'\n"],
    ['| cat', "bash: syntax error near unexpected token `|'\n"],
    ['echo a && && b', "bash: syntax error near unexpected token `&&'\n"],
    ['for 1x in a; do :; done', "bash: syntax error near unexpected token `1x'\n"],
    ['cat <', "bash: syntax error near unexpected token `newline'\n"],
    ['echo $(date', "bash: unexpected EOF while looking for matching `)'\n"],
    ['( echo', 'bash: syntax error: unexpected end of file\n'],
    ['f( a', "bash: syntax error near unexpected token `('\n"],
    ['f() echo a', "bash: syntax error near unexpected token `echo'\n"],
  ])('refuses %j in bash’s words', (line, stderr) => {
    expect(new Lan().run(line)).toMatchObject({ stderr, stdout: '', exitCode: 2 });
  });

  it.each([
    ["sh -c 'done'", 'sh: syntax error: unexpected "done"\n'],
    ["sh -c 'if true'", 'sh: syntax error: unexpected end of file (expecting "then")\n'],
    [`sh -c "echo 'a"`, 'sh: syntax error: unterminated quoted string\n'],
    ["sh -c 'nosuch'", 'sh: nosuch: not found\n'],
    ["bash -c 'nosuch'", 'bash: line 1: nosuch: command not found\n'],
  ])('has each shell speak its own words: %j', (line, stderr) => {
    expect(new Lan().run(line).stderr).toBe(stderr);
  });

  it('starts no jobs for ssh to forget: it waits for what still holds its streams', () => {
    expect(new Lan().out("ssh tr 'sleep 2 && echo late &'; echo after")).toBe('late\nafter\n');
  });

  it('says what ssh says of a host that nobody knows', () => {
    expect(new Lan().run('ssh nowhere true')).toMatchObject({
      output: 'ssh: Could not resolve hostname nowhere: Name or service not known\n',
      exitCode: 255,
    });
  });
});

describe('limits', () => {
  it.each([
    ['while :; do :; done', 'scriptSteps', 'it took more than 10000 steps (limit: scriptSteps)'],
    [
      'while true; do sleep 1; done',
      'commandTime',
      'it took longer than 300 s of virtual time (limit: commandTime)',
    ],
    ['seq 1 1000000', 'output', 'it printed more than 200000 characters (limit: output)'],
    ['x=$(seq 1 1000000)', 'output', 'it printed more than 200000 characters (limit: output)'],
    ['eval $(printf "(%.0s" $(seq 15)) true $(printf ")%.0s" $(seq 15))', undefined, ''],
    ["x=$(seq 30000 | tr -d '\\n'); echo ${#x} ${x%%*9*a} | wc -w", undefined, '2'],
    [
      "printf '%0150000d' 0 | grep -cE '(0?){300}1'",
      'scriptSteps',
      'it took more than 10000 steps (limit: scriptSteps)',
    ],
    ["printf '%05000d' 0 | sed -E 's/((0+)+)+$/x/'", undefined, 'x'],
    ["printf '%05000d' 0 | awk '!/(0|00)+$/ {print 1} {print 2}'", undefined, '2'],
    ['f() { f; }; f', 'scriptDepth', 'more than 20 shells inside each other (limit: scriptDepth)'],
    ['for ((;;)); do :; done', 'scriptSteps', 'it took more than 10000 steps (limit: scriptSteps)'],
    ["awk 'BEGIN {while (1) x++}'", 'scriptSteps', 'it took more than 10000 steps (limit: scriptSteps)'],
  ])('%s', (line, limit, message) => {
    const result = new Lan().run(line);
    expect(result.limit).toBe(limit);
    expect(result.output).toContain(limit === undefined ? '' : `podwalk: stopped: ${message}\n`);
    expect(result.output.length).toBeLessThan(210_000);
  });

  it('bounds shells inside shells', () => {
    const lan = new Lan();
    lan.run("echo 'sh /tmp/again' > /tmp/again");
    expect(lan.run('sh /tmp/again').limit).toBe('scriptDepth');
  });

  it('interrupts what never ends as Ctrl-C does, so that ping still tells what it saw', () => {
    const result = new Lan({ commandTime: 3_500_000 }).run('ping 10.2.0.2');
    expect(result).toMatchObject({ exitCode: 130, limit: 'commandTime' });
    expect(result.output).toContain(
      '^C\n--- 10.2.0.2 ping statistics ---\n4 packets transmitted, 4 received, 0% packet loss',
    );
  });

  it('lets the next line begin anew', () => {
    const lan = new Lan();
    lan.run('while :; do :; done');
    expect(lan.run('echo fine')).toMatchObject({ output: 'fine\n', exitCode: 0 });
  });

  it('kills the background of a line that reached a limit', () => {
    const lan = new Lan({ commandTime: 5_000_000 });
    lan.run('ping 10.2.0.2 & while true; do sleep 1; done');
    expect(lan.out('jobs; sleep 2')).toBe('');
  });
});

describe('programs around programs', () => {
  it.each([
    ['sudo hostname', 'ta\n', 0],
    ['sudo nosuch', 'sudo: nosuch: command not found\n', 1],
    ['env X=1 sh -c "echo $X-\\$X"', '-1\n', 0],
    ['timeout 1 sleep 5', '', 124],
    ['busybox:timeout 1 sleep 5', '', 143],
    ['timeout 5 nosuch', "timeout: failed to run command 'nosuch': No such file or directory\n", 127],
    ['watch -tg -n 1 date +%S', '00\n01\n', 0],
    ['seq 3 | xargs -n 1 hostname -x', 'hostname: you must be root to change the host name\n'.repeat(3), 123],
    ['nosuch | cat', 'bash: nosuch: command not found\n', 0],
    ['time sleep 2', '\nreal\t0m2.001s\nuser\t0m0.000s\nsys\t0m0.000s\n', 0],
    ['sleep 100 & kill $!; wait $!; echo $?', '143\n', 0],
    ['sleep 100 & kill %1; wait', '', 0],
    ['kill 99999', 'bash: kill: (99999) - No such process\n', 1],
    [
      'sh',
      'podwalk: no interactive shell here: give the command to run, as in `ssh node-1 ip addr` or `sh -c "ip addr; ip route"`\n',
      0,
    ],
  ])('%s', (line, output, exitCode) => {
    expect(new Lan().run(line)).toMatchObject({ output, exitCode });
  });

  it('gives a program elsewhere a terminal only under -t', () => {
    const lan = new Lan();
    expect(lan.run('ssh tb curl http://10.2.0.2/').stderr).toContain('% Total');
    expect(lan.run('ssh -t tb curl http://10.2.0.2/').stderr).toBe('');
  });

  it('lets captures in the background outlive the record of one line', () => {
    const lan = new Lan();
    lan.run('tcpdump -ni eth0 -c 2 icmp 2>/dev/null &');
    lan.world.tracer = new Trace();
    expect(lan.out('ping -c1 10.2.0.2 > /dev/null; wait').match(/ICMP echo/g)).toHaveLength(2);
    expect(lan.world.tracer).toBeInstanceOf(Trace);
  });
});
