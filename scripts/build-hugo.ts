/** Puts the Hugo module together: the shortcode's templates and the element's files, in `build/hugo`. */
import { cpSync, existsSync, rmSync } from 'node:fs';

if (!existsSync('build/element/pod-lab.js'))
  throw new Error('the element has not been built: run "npm run build:element" first');
rmSync('build/hugo', { recursive: true, force: true });
cpSync('src/hugo/module', 'build/hugo', { recursive: true });
cpSync('build/element', 'build/hugo/static/podwalk', { recursive: true });
console.log('build/hugo');
