import { existsSync } from 'node:fs';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { en } from '../../components/strings/en.ts';
import { ko } from '../../components/strings/ko.ts';
import { chromiumPath, launchBrowser } from '../../scripts/browser.ts';
import { serveStatic, type StaticSite } from '../../scripts/static-server.ts';

export const hasBrowser = chromiumPath() !== undefined;
if (!hasBrowser) console.warn('skipped: there is no Chromium');

export const lessons = [
  { language: 'ko', path: '/docs/networking/pod-to-pod-communications/', strings: ko },
  { language: 'en', path: '/en/docs/networking/pod-to-pod-communications/', strings: en },
] as const;

export interface OpenedPage {
  readonly page: Page;
  /** Everything in the console, and every request that failed. */
  readonly complaints: string[];
}

/** The built site in one browser for the tests of a file; a function that opens its pages, each in a browser of its own. */
export function builtSite(): (path: string, options?: BrowserContextOptions) => Promise<OpenedPage> {
  let browser: Browser;
  let site: StaticSite;
  beforeAll(async () => {
    if (!existsSync('dist/index.html'))
      throw new Error('the site has not been built: run "npm run build" first');
    [site, browser] = await Promise.all([serveStatic('dist'), launchBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });
  return async (path, options = {}) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`));
    await page.goto(site.address + path, { waitUntil: 'load' });
    return { page, complaints };
  };
}

export async function wake(page: Page, id: string): Promise<Locator> {
  const lab = page.locator(`pod-lab#${id}`);
  await lab.scrollIntoViewIfNeeded();
  await lab.locator('.pl-live').waitFor();
  return lab;
}
