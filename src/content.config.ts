import { docsSchema } from '@astrojs/starlight/schema';
import { defineCollection } from 'astro:content';
import { hugoLoader } from './site/loader.ts';

export const collections = {
  docs: defineCollection({ loader: hugoLoader(), schema: docsSchema() }),
};
