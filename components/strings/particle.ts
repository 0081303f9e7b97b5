/** How a word ends when it is read aloud: what decides which form of a Korean particle follows it. */
type Ending = 'vowel' | 'rieul' | 'consonant';

const digits: readonly Ending[] = [
  'consonant', // 영
  'rieul', // 일
  'vowel',
  'consonant', // 삼
  'vowel',
  'vowel',
  'consonant', // 육
  'rieul', // 칠
  'rieul', // 팔
  'vowel',
];

/** Letters read by name: 엘, 엠, 엔, 알 end in a consonant, the other names in a vowel. */
const letters: Readonly<Record<string, Ending>> = { l: 'rieul', m: 'consonant', n: 'consonant', r: 'rieul' };

function endingOf(word: string): Ending {
  const last = /[\p{L}\p{N}](?=[^\p{L}\p{N}]*$)/u.exec(word)?.[0] ?? '';
  const code = last.charCodeAt(0);
  if (code >= 0xac00 && code <= 0xd7a3) {
    const final = (code - 0xac00) % 28;
    return final === 0 ? 'vowel' : final === 8 ? 'rieul' : 'consonant';
  }
  if (last >= '0' && last <= '9') return digits[Number(last)] ?? 'vowel';
  const tail = /[a-z]+$/i.exec(word.replace(/[^a-z0-9]+$/i, ''))?.[0] ?? '';
  const readByName = tail === tail.toUpperCase() || !/[aeiouy]/.test(tail);
  if (readByName) return letters[last.toLowerCase()] ?? 'vowel';
  return readAsWord(tail);
}

/** English words as Korean engineers pronounce them: `table` 테이블, `server` 서버, `socket` 소켓, `host` 호스트. */
function readAsWord(word: string): Ending {
  if (/(le|l|ll|el)$/.test(word)) return 'rieul';
  if (/(m|n|ng|me|ne)$/.test(word)) return 'consonant';
  if (/([aeo]ck|[ei]ck|et|web|app|op|ap|ep)$/.test(word)) return 'consonant';
  return 'vowel';
}

const forms = {
  '은/는': (ending: Ending) => (ending === 'vowel' ? '는' : '은'),
  '이/가': (ending: Ending) => (ending === 'vowel' ? '가' : '이'),
  '을/를': (ending: Ending) => (ending === 'vowel' ? '를' : '을'),
  '과/와': (ending: Ending) => (ending === 'vowel' ? '와' : '과'),
  '(으)로': (ending: Ending) => (ending === 'consonant' ? '으로' : '로'),
} as const;

export type Particle = keyof typeof forms;

/** The word with the form of the particle that its sound asks for: `node-1은`, `pod-a가`, `eth0으로`. */
export function particle(word: string, which: Particle): string {
  return word + forms[which](endingOf(word));
}

/** The same for a word set in code: the particle stands outside of the backticks. */
export function codeParticle(word: string, which: Particle): string {
  return '`' + word + '`' + forms[which](endingOf(word));
}
