import { UsageError } from './command.ts';

const languages = ['ko', 'en'] as const;

type Language = (typeof languages)[number];

/** What `--lang` says, else the locale as other programs read it, else English. */
export function languageFor(asked: string | undefined): Language {
  if (asked !== undefined) {
    const language = languages.find((name) => name === asked);
    if (language === undefined) throw new UsageError(`--lang must be ko or en, not ${asked}`);
    return language;
  }
  const { LC_ALL, LC_MESSAGES, LANG } = process.env;
  const locale = [LC_ALL, LC_MESSAGES, LANG].find((value) => value !== undefined && value !== '');
  return languages.find((name) => locale?.split(/[_.@-]/, 1)[0] === name) ?? 'en';
}
