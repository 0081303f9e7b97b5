import type { StarlightRouteData } from '@astrojs/starlight/route-data';

declare global {
  namespace App {
    interface Locals {
      t: (key: string) => string;
      starlightRoute: StarlightRouteData;
    }
  }
}
