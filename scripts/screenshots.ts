/**
 * Pictures of the built lessons, for looking at: `npm run screenshots [NAME…]` after `npm run build`, into `screenshots/`.
 * Desktop and 360 px, light and dark, Korean and English; a packet in mid-tunnel, a drop, a NAT decision, a mistake in a manifest.
 */
import { existsSync, mkdirSync } from 'node:fs';
import type { Browser, Locator, Page } from 'playwright-core';
import { launchBrowser } from './browser.ts';
import { serveStatic } from './static-server.ts';

interface Shot {
  readonly name: string;
  readonly lab?: string;
  readonly prepare?: (page: Page, lab: Locator) => Promise<void>;
  readonly path?: string;
}

const lesson = 'docs/networking/pod-to-pod-communications/';

async function openTab(lab: Locator, panel: string): Promise<void> {
  await lab.locator(`[role=tab][id$="-${panel}-tab"]`).click();
}

async function breakManifest(page: Page, lab: Locator): Promise<void> {
  await openTab(lab, 'manifest');
  await lab.locator('.pl-edit').first().click();
  const editor = lab.locator('.cm-content');
  await editor.click();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText((await editor.innerText()).replace('selector:', 'selectr:'));
  await lab.locator('.pl-apply').first().click();
  await lab.locator('.pl-diagnostics').first().waitFor();
}

async function type(lab: Locator, command: string): Promise<void> {
  await openTab(lab, 'terminal');
  const input = lab.locator('.pl-input input');
  await input.fill(command);
  await input.press('Enter');
  await lab.locator('.pl-status-ready, .pl-status-limit, .pl-status-edited').first().waitFor();
}

const shots: readonly Shot[] = [
  { name: 'home', path: '' },
  { name: 'page', path: lesson },
  { name: 'first-request', lab: 'first-request' },
  { name: 'mid-tunnel', lab: 'other-node' },
  { name: 'drop', lab: 'policy' },
  { name: 'nat', lab: 'service' },
  { name: 'calico', lab: 'cni-calico' },
  { name: 'localhost', lab: 'localhost' },
  { name: 'packet', lab: 'other-node', prepare: (_page, lab) => openTab(lab, 'packet') },
  { name: 'tables', lab: 'other-node', prepare: (_page, lab) => openTab(lab, 'tables') },
  { name: 'manifest-error', lab: 'service', prepare: breakManifest },
  { name: 'terminal', lab: 'service', prepare: (_page, lab) => type(lab, 'kubectl get pods,svc -o wide') },
  {
    name: 'thirty-pods',
    lab: 'service',
    prepare: (_page, lab) =>
      type(
        lab,
        'kubectl scale deployment my-app --replicas=30; sleep 5; kubectl exec pod-a -- curl -s http://my-service',
      ),
  },
];

async function take(
  browser: Browser,
  address: string,
  shot: Shot,
  width: number,
  scheme: 'light' | 'dark',
  language: 'ko' | 'en',
): Promise<void> {
  const context = await browser.newContext({
    viewport: { width, height: width < 600 ? 780 : 900 },
    colorScheme: scheme,
    deviceScaleFactor: width < 600 ? 2 : 1,
  });
  const page = await context.newPage();
  await page.addInitScript((theme) => localStorage.setItem('starlight-theme', theme), scheme);
  const prefix = language === 'ko' ? '' : 'en/';
  await page.goto(`${address}/${prefix}${shot.path ?? lesson}`, { waitUntil: 'load' });
  // What stays at the top of the window would lie over a picture that is taller than the window.
  if (shot.lab !== undefined)
    await page.addStyleTag({ content: 'header.header, mobile-starlight-toc { display: none !important }' });
  const file = `screenshots/${shot.name}-${width}-${scheme}-${language}.png`;
  if (shot.lab === undefined) {
    await page.screenshot({ path: file });
  } else {
    const lab = page.locator(`pod-lab#${shot.lab}`);
    await lab.scrollIntoViewIfNeeded();
    await lab.locator('.pl-live').waitFor();
    await shot.prepare?.(page, lab);
    await page.waitForTimeout(300);
    await lab.screenshot({ path: file });
  }
  console.log(file);
  await context.close();
}

if (!existsSync('dist/index.html')) throw new Error('the site has not been built: run "npm run build" first');
const chosen = process.argv.slice(2);
mkdirSync('screenshots', { recursive: true });
const site = await serveStatic('dist');
const browser = await launchBrowser();
try {
  for (const shot of shots.filter(({ name }) => chosen.length === 0 || chosen.includes(name))) {
    for (const [width, scheme, language] of [
      [1280, 'light', 'ko'],
      [1280, 'dark', 'en'],
      [360, 'light', 'en'],
      [360, 'dark', 'ko'],
    ] as const) {
      try {
        await take(browser, site.address, shot, width, scheme, language);
      } catch (error) {
        process.exitCode = 1;
        console.error(
          `${shot.name} at ${width} px: ${error instanceof Error ? error.message.split('\n', 1)[0] : String(error)}`,
        );
      }
    }
  }
} finally {
  await browser.close();
  await site.close();
}
