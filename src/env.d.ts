declare namespace App {
  interface Locals {
    t: (key: string) => string;
    starlightRoute: import('@astrojs/starlight/route-data').StarlightRouteData;
  }
}
