import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { en } from '../../components/strings/en.ts';
import { ko } from '../../components/strings/ko.ts';
import { chromiumPath, launchBrowser } from '../../scripts/browser.ts';
import { serveStatic, type StaticSite } from '../../scripts/static-server.ts';
import { buildWithAstro, buildWithHugo, hasHugo, makeSite } from '../site/builds.ts';

const canRun = hasHugo && chromiumPath() !== undefined;
if (!canRun) console.warn('skipped: labs on a page of Hugo, without hugo or Chromium');

const hosts = ['hugo', 'hugo, prerendered', 'podwalk'] as const;

describe.skipIf(!canRun)('the same labs, whoever built the page', () => {
  const made = makeSite();
  const folders: string[] = [];
  const sites = new Map<string, StaticSite>();
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser();
    const plain = buildWithHugo(made.source);
    const prerendered = `${plain}-prerendered`;
    const ours = buildWithAstro(made.source);
    execFileSync('cp', ['-r', plain, prerendered]);
    execFileSync('node', ['src/cli/podwalk.js', 'prerender', prerendered], { stdio: 'pipe' });
    folders.push(plain, prerendered, ours, `${made.source}-hugo`);
    for (const [index, host] of hosts.entries()) sites.set(host, await serveStatic(folders[index] ?? ''));
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    for (const site of sites.values()) await site.close();
    made.remove();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  /** Opens a page, scrolls to a lab and types a command into it; gives what the terminal then shows. */
  async function type(
    host: string,
    path: string,
    id: string,
    command: string,
    expected: string,
    strings = ko,
  ) {
    const page = await browser.newPage({ viewport: { width: 1100, height: 900 } });
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    await page.goto(`${sites.get(host)?.address ?? ''}/${path}`, { waitUntil: 'load' });
    const lab = page.locator(`pod-lab#${id}`);
    await lab.scrollIntoViewIfNeeded();
    await lab.locator('.pl-live').waitFor();
    await lab.getByRole('tab', { name: strings.panel.terminal }).click();
    const input = lab.getByRole('textbox', { name: strings.ui.command });
    // A page that was not prerendered runs its labs first; should it stay busy, say in which state and what was heard.
    await expect
      .poll(
        async () => ({
          busy: (await input.getAttribute('readonly')) !== null,
          state: /pl-status-(\w+)/.exec((await lab.locator('.pl-lab').getAttribute('class')) ?? '')?.[1],
          complaints,
        }),
        { timeout: 75_000 },
      )
      .toMatchObject({ busy: false, complaints: [] });
    await input.fill(command);
    await input.press('Enter');
    await lab.locator('.pl-entry').filter({ hasText: expected }).last().waitFor();
    const frames = await lab.locator('svg').count();
    await page.close();
    expect(complaints).toEqual([]);
    expect(frames).toBeGreaterThan(0);
  }

  it.each(hosts)('answer a command on a page by %s', async (host) => {
    await type(host, 'docs/notations/', 'angle', 'kubectl get pods -o wide', '10.244.1.3');
    await type(
      host,
      'docs/notations/',
      'percent',
      'kubectl exec pod-a -- curl -sI http://localhost',
      '200 OK',
    );
  });

  it('live inside other shortcodes and lists of Hugo', async () => {
    for (const id of ['boxed', 'listed']) {
      await type('hugo', 'en/docs/nested/', id, 'kubectl get pods', 'pod-a', en);
    }
  });

  it.each(['hugo, prerendered', 'podwalk'])('are whole without JavaScript on a page by %s', async (host) => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(`${sites.get(host)?.address ?? ''}/docs/notations/`);
    for (const id of ['angle', 'percent']) {
      const lab = page.locator(`pod-lab#${id}`);
      for (const part of ['svg', '.pl-panel-hops', '.pl-panel-terminal', '.pl-panel-manifest']) {
        expect(await lab.locator(part).first().isVisible()).toBe(true);
      }
    }
    await context.close();
  });
});
