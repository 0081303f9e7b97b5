import type { StarlightRouteData } from '@astrojs/starlight/route-data';

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- Astro's own name for what a request carries
  namespace App {
    interface Locals {
      t: (key: string) => string;
      starlightRoute: StarlightRouteData;
    }
  }
}
