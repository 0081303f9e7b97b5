import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Where the system's Chromium is, if it is; `PODWALK_CHROMIUM` overrides. */
export function chromiumPath(): string | undefined {
  const named = process.env['PODWALK_CHROMIUM'];
  return named ?? places.find((place) => existsSync(place));
}

/** The system's Chromium, or Playwright's own where that has been installed. */
export function launchBrowser(): Promise<Browser> {
  const executablePath = chromiumPath();
  return chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
